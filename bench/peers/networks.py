#!/usr/bin/env python3
"""The networks of the benchmark in PyTorch.

networks.py resunet|linknet-effb3 SIZE PREFIX makes one with random weights: PREFIX.pt, and an image and its probabilities as
PREFIX.input.f32 and PREFIX.output.f32, raw [C,H,W]."""
import sys

import torch
from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

import linknet
import resunet
import unet


def load(file):
    """The network of a segx weight file, or of one that make() wrote, for predictions of logits."""
    return (torch.load(file) if file.endswith(".pt") else unet.load(file)).eval()


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


def make(name, size, prefix):
    torch.manual_seed(1)
    network = {"resunet": resunet.ResUNet, "linknet-effb3": linknet.LinkNet}[name]()
    # Batch norms that know the spread of their inputs keep activations in a range of every day.
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 1
    with torch.no_grad():
        network.train()(torch.rand(2, channels(network), size, size))
        image = torch.rand(1, channels(network), size, size)
        probability = torch.sigmoid(network.eval()(image))
    torch.save(network, f"{prefix}.pt")
    image.numpy().tofile(f"{prefix}.input.f32")
    probability.numpy().tofile(f"{prefix}.output.f32")


if __name__ == "__main__":
    make(sys.argv[1], int(sys.argv[2]), sys.argv[3])
