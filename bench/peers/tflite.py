#!/usr/bin/env python3
"""Writes a network of networks.py as .tflite, for LiteRT.js:  tflite.py WEIGHTS SIZE FILE

A .tflite is a FlatBuffer (flatbuffers.dev/internals) of TensorFlow's tensorflow/lite/schema/schema.fbs, whose numbers of
fields, operators and options stand below. PyTorch's graph is walked once: batch norms are folded, ReLU goes into the operator
before it, and [N,C,H,W] becomes [N,H,W,C]."""
import operator
import struct
import sys

import torch
from torch import nn
from torch.fx.passes.shape_prop import ShapeProp
from torchvision.ops import stochastic_depth

import networks


def flatbuffer(root, identifier):
    """The bytes of a tree: a dictionary is a table {number of field: value}, a list a vector of integers or of such
    values, bytes a vector of bytes, and an integer a scalar. All scalars take 32 bits; readers of a shorter one meet its
    bytes first."""
    out = bytearray(4) + identifier

    def align(to, ahead):
        out.extend(bytes(-(len(out) + ahead) % to))

    def refer(place, value):
        struct.pack_into("<I", out, place, write(value) - place)

    def write(value):
        """Appends a value; returns where it begins."""
        if isinstance(value, dict):
            numbers = list(value)
            places = [4 + 4 * numbers.index(n) if n in value else 0 for n in range(max(numbers, default=-1) + 1)]
            vtable = struct.pack(f"<{2 + len(places)}H", 4 + 2 * len(places), 4 + 4 * len(value), *places)
            align(4, len(vtable))
            out.extend(vtable)
            begin = len(out)
            out.extend(struct.pack("<i", len(vtable)))
            items = list(value.values())
        elif isinstance(value, (bytes, str)):
            data = value.encode() + b"\0" if isinstance(value, str) else value
            align(16, 4)  # as tensors want it
            begin = len(out)
            out.extend(struct.pack("<I", len(value)) + data)
            return begin
        else:
            align(4, 0)
            begin = len(out)
            out.extend(struct.pack("<I", len(value)))
            items = value
        places = len(out)
        out.extend(b"".join(struct.pack("<i", item if isinstance(item, int) else 0) for item in items))
        for i, item in enumerate(items):
            if not isinstance(item, int):
                refer(places + 4 * i, item)
        return begin

    refer(0, root)
    return bytes(out)


FLOAT32, INT32 = 0, 2
SAME, VALID = 0, 1
NONE, RELU = 0, 1
OPERATORS = {  # operator: (its number, its version, kind of its options)
    "ADD": (0, 1, 11), "CONCATENATION": (2, 1, 10), "CONV_2D": (3, 1, 1), "DEPTHWISE_CONV_2D": (4, 1, 2),
    "LOGISTIC": (14, 1, 0), "MAX_POOL_2D": (17, 1, 5), "MUL": (18, 1, 21), "PAD": (34, 1, 22), "MEAN": (40, 1, 27),
    "TRANSPOSE_CONV": (67, 4, 49),
}


class Model:
    """Tensors and operators in the order in which they run."""

    def __init__(self):
        self.buffers, self.tensors, self.operators = [{}], [], []  # buffer 0: of tensors that are computed

    def tensor(self, shape, kind=FLOAT32, data=None):
        if data is not None:
            self.buffers.append({0: data})
        self.tensors.append({0: [int(extent) for extent in shape], 1: kind, 2: 0 if data is None else len(self.buffers) - 1,
                             3: f"t{len(self.tensors)}"})
        return len(self.tensors) - 1

    def constant(self, values):
        """A tensor of floats, or a list of integers."""
        if isinstance(values, list):
            shape = [len(values)] if not isinstance(values[0], list) else [len(values), len(values[0])]
            flat = values if shape == [len(values)] else sum(values, [])
            return self.tensor(shape, INT32, struct.pack(f"<{len(flat)}i", *flat))
        return self.tensor(values.shape, FLOAT32, values.detach().contiguous().numpy().tobytes())

    def append(self, name, inputs, shape, options):
        """Appends an operator; returns its result."""
        result = self.tensor(shape)
        entry = {0: list(OPERATORS).index(name), 1: inputs, 2: [result]}
        if OPERATORS[name][2]:
            entry |= {3: OPERATORS[name][2], 4: options}
        self.operators.append(entry)
        return result

    def bytes(self, inputs, outputs):
        codes = [{0: number, 2: version, 3: number} for number, version, _ in OPERATORS.values()]
        graph = {0: self.tensors, 1: inputs, 2: outputs, 3: self.operators, 4: "main"}
        return flatbuffer({0: 3, 1: codes, 2: [graph], 3: "segx benchmark", 4: self.buffers}, b"TFL3")


def nhwc(shape):
    n, c, h, w = shape
    return [n, h, w, c]


def convolve(model, layer, x, x_shape, y_shape, activation):
    """A convolution of any kind that the networks have; shapes are [N,H,W,C]."""
    bias = model.constant(torch.zeros(y_shape[3]) if layer.bias is None else layer.bias)
    stride, kernel, padding = layer.stride[0], layer.kernel_size[0], layer.padding[0]
    if isinstance(layer, nn.ConvTranspose2d):
        assert kernel - 2 * padding == stride, "TRANSPOSE_CONV: only stride times the extent"
        weight = model.constant(layer.weight.permute(1, 2, 3, 0))  # [C,K,R,S] to [K,R,S,C]
        options = {0: SAME if padding else VALID, 1: stride, 2: stride, 3: activation}
        return model.append("TRANSPOSE_CONV", [model.constant(y_shape), weight, x, bias], y_shape, options)
    if padding and stride > 1:  # SAME would pad the bottom and the right alone
        n, h, w, c = x_shape
        edges = model.constant([[0, 0], [padding, padding], [padding, padding], [0, 0]])
        x = model.append("PAD", [x, edges], [n, h + 2 * padding, w + 2 * padding, c], {})
    options = {0: VALID if stride > 1 else SAME, 1: stride, 2: stride}
    if layer.groups > 1:
        assert layer.groups == layer.in_channels == layer.out_channels, "DEPTHWISE_CONV_2D: one channel in each group"
        weight = model.constant(layer.weight.permute(1, 2, 3, 0))  # [K,1,R,S] to [1,R,S,K]
        return model.append("DEPTHWISE_CONV_2D", [x, weight, bias], y_shape, options | {3: 1, 4: activation})
    weight = model.constant(layer.weight.permute(0, 2, 3, 1))  # [K,C,R,S] to [K,R,S,C]
    return model.append("CONV_2D", [x, weight, bias], y_shape, options | {3: activation})


def convert(network, size):
    """The .tflite of a network that gives logits; its own result is the probability."""
    graph = networks.folded(network)
    ShapeProp(graph).propagate(torch.rand(1, networks.channels(network), size, size))
    layers = dict(graph.named_modules())
    kind_of = lambda node: type(layers[node.target]) if node.op == "call_module" else node.target
    is_relu = lambda node: kind_of(node) in (nn.ReLU, torch.relu)
    shape_of = lambda node: nhwc(node.meta["tensor_meta"].shape)

    model, tensors, fused = Model(), {}, set()  # tensors of nodes; the ReLUs that an operator before them does
    for node in graph.graph.nodes:
        if node.op == "placeholder":
            tensors[node] = inputs = model.tensor(shape_of(node))
            continue
        if node.op == "output":
            return model.bytes([inputs], [tensors[node.args[0]]])
        kind, x, shape = kind_of(node), node.args[0], shape_of(node)
        activation = NONE
        if kind in (nn.Conv2d, nn.ConvTranspose2d, operator.add) and len(node.users) == 1 and is_relu(next(iter(node.users))):
            activation = RELU
            fused.update(node.users)
        if kind in (nn.Conv2d, nn.ConvTranspose2d):
            y = convolve(model, layers[node.target], tensors[x], shape_of(x), shape, activation)
        elif kind in (operator.add, operator.mul):
            name = "ADD" if kind is operator.add else "MUL"
            y = model.append(name, [tensors[arg] for arg in node.args], shape, {0: activation})
        elif kind is torch.cat:
            y = model.append("CONCATENATION", [tensors[arg] for arg in x], shape, {0: 3})
        elif kind is torch.max_pool2d:
            window = node.args[1]
            y = model.append("MAX_POOL_2D", [tensors[x]], shape, {0: VALID, 1: window, 2: window, 3: window, 4: window})
        elif kind is nn.AdaptiveAvgPool2d:
            y = model.append("MEAN", [tensors[x], model.constant([1, 2])], shape, {0: 1})
        elif kind in (nn.Sigmoid, nn.SiLU):
            y = model.append("LOGISTIC", [tensors[x]], shape, {})
            if kind is nn.SiLU:
                y = model.append("MUL", [tensors[x], y], shape, {0: NONE})
        elif kind in (nn.Dropout, stochastic_depth) or node in fused:
            y = tensors[x]
        else:
            raise SystemExit(f"tflite.py: no operator for {kind}")
        tensors[node] = y


def main():
    weights, size, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    data = convert(networks.load(weights), size)
    with open(path, "wb") as file:
        file.write(data)


main()
