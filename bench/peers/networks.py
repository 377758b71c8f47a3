"""The networks of the benchmark in PyTorch, with the weights of a segx weight file."""
import json
import struct

import numpy
import torch
from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

import linknet
import resunet
import unet


def read_safetensors(path):
    """The tensors of a safetensors file, by name, as float32; and its metadata."""
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__")
    kinds = {"F32": numpy.float32, "F16": numpy.float16}
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        values = numpy.frombuffer(data[begin:end], dtype=kinds[entry["dtype"]]).astype(numpy.float32)
        tensors[name] = torch.from_numpy(values.reshape(entry["shape"]).copy())
    return tensors, metadata


def load(weights):
    """The network of a weight file, which gives logits."""
    tensors, metadata = read_safetensors(weights)
    makers = {"resunet": resunet.ResUNet, "linknet-effb3": linknet.LinkNet}
    make = makers.get(metadata["model"], lambda: unet.UNet(tensors["head.weight"].shape[1]))
    network = make()
    own = [name for name in network.state_dict() if not name.endswith("num_batches_tracked")]  # a count that segx has not
    if unread := set(tensors) - {*own, "self_test.image", "self_test.logits"}:
        raise ValueError(f"{weights}: nobody reads {sorted(unread)}")
    network.load_state_dict({name: tensors[name] for name in own}, strict=False)
    return network.eval()


def channels(network):
    """Channels of its images."""
    return next(layer for layer in network.modules() if isinstance(layer, nn.Conv2d)).in_channels


def folded(network):
    """The network as a traced graph that ends in probabilities, its batch norms folded into the convolutions before them."""
    traced = fx.symbolic_trace(nn.Sequential(network, nn.Sigmoid()).eval())
    layers = dict(traced.named_modules())
    for node in traced.graph.nodes:
        if node.op == "call_module" and isinstance(layers[node.target], nn.BatchNorm2d):
            conv = node.args[0]
            is_transposed = isinstance(layers[conv.target], nn.ConvTranspose2d)
            parent, _, name = conv.target.rpartition(".")
            setattr(traced.get_submodule(parent), name, fuse_conv_bn_eval(layers[conv.target], layers[node.target], is_transposed))
            node.replace_all_uses_with(conv)
            traced.graph.erase_node(node)
    traced.recompile()
    return traced
