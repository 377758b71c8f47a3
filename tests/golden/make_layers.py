#!/usr/bin/env python3
"""What PyTorch computes for every layer of segx: tests/golden/layers/<layer>.safetensors, which tests/layers/golden_test.cpp
reads. Usage: make_layers.py [folder]. It needs PyTorch and NumPy (Debian: python3-torch).

A file has some cases of one layer. Tensors of a case are <case>/x and x2 (inputs), p.<name> (weights), y, dy (the gradient
that comes in), dx and dx2, dp.<name> (gradients of the weights) and new.<name> (running statistics after one step). PyTorch
computes in float64. What goes in is rounded to float16 first, so that it is exact in every type, and stored so; what comes
out is stored as float32."""
import json
import pathlib
import struct
import sys
import zlib

import numpy
import torch
import torch.nn.functional as F

FOLDER = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "layers")
files = {}


def drawn(*extents, mean=0.0, scale=1.0):
    return (torch.randn(*extents, dtype=torch.float64) * scale + mean).half().double()


def record(layer, case, function, inputs, weights=None, statistics=None):
    """Runs function(*inputs, **weights, **statistics), whose statistics change in place, and keeps all numbers."""
    tensors = files.setdefault(layer, {})

    def keep(name, tensor, dtype):
        values = tensor.detach().numpy()
        tensors[f"{case}/{name}"] = values.astype(dtype)
        assert dtype is numpy.float32 or (values.astype(dtype) == values).all(), f"{layer}, {case}: {name} is not exact"

    weights, statistics = weights or {}, statistics or {}
    for k, x in enumerate(inputs):
        keep("x2" if k else "x", x.requires_grad_(), numpy.float16)
    for name, value in {**weights, **statistics}.items():
        keep("p." + name, value, numpy.float16)
    for value in weights.values():
        value.requires_grad_()
    y = function(*inputs, *weights.values(), *statistics.values())
    dy = drawn(*y.shape)
    y.backward(dy)
    keep("y", y, numpy.float32)
    keep("dy", dy, numpy.float16)
    for k, x in enumerate(inputs):
        keep("dx2" if k else "dx", x.grad, numpy.float32)
    for name, value in weights.items():
        keep("dp." + name, value.grad, numpy.float32)
    for name, value in statistics.items():
        keep("new." + name, value, numpy.float32)


def write(layer, tensors):
    header = {"__metadata__": {"pytorch": torch.__version__}}
    data = b""
    for name, values in tensors.items():
        dtype = {"float16": "F16", "float32": "F32"}[str(values.dtype)]
        header[name] = {"dtype": dtype, "shape": values.shape, "data_offsets": [len(data), len(data) + values.nbytes]}
        data += values.tobytes()
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    (FOLDER / f"{layer}.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)


def convolutions():
    def case(layer, name, x, out, kernel, bias=True, function=F.conv2d, end_padding=0, **options):
        def convolved(x, weight, bias=None):
            return function(F.pad(x, (0, end_padding, 0, end_padding)), weight, bias, **options)

        channels = x[0] // options.get("groups", 1)
        extents = (x[0], out) if function is F.conv_transpose2d else (out, channels)
        weights = {"weight": drawn(*extents, kernel, kernel, scale=(channels * kernel * kernel) ** -0.5)}
        if bias:
            weights["bias"] = drawn(out)
        record(layer, name, convolved, [drawn(2, *x)], weights)

    case("conv2d", "3x3", (8, 5, 7), 9, 3, padding=1)
    case("conv2d", "3x3 of 3", (3, 4, 5), 4, 3, padding=1)
    case("conv2d", "1x1", (9, 3, 4), 5, 1)
    case("conv2d", "no bias", (8, 4, 5), 8, 3, bias=False, padding=1)
    case("conv2d", "stride", (3, 7, 6), 8, 5, stride=2, padding=2)
    case("conv2d", "groups and dilation", (8, 5, 6), 8, 3, padding=1, dilation=2, groups=2)
    case("conv2d", "depthwise", (9, 5, 4), 9, 3, stride=2, padding=1, groups=9)
    case("conv2d", "end padding", (8, 6, 4), 8, 3, stride=2, end_padding=1)
    case("depthwise_conv2d", "5x5", (9, 5, 4), 9, 5, padding=2, groups=9)
    case("depthwise_conv2d", "stride", (9, 6, 4), 9, 3, bias=False, stride=2, end_padding=1, groups=9)
    case("conv_transpose2d", "2x2", (9, 3, 2), 8, 2, function=F.conv_transpose2d, stride=2)
    case("conv_transpose2d", "overlapping", (8, 4, 3), 3, 3, function=F.conv_transpose2d, stride=2, padding=1)
    case("conv_transpose2d", "no bias", (8, 2, 3), 8, 2, bias=False, function=F.conv_transpose2d, stride=2)


def pooling():
    record("max_pool2d", "2x2", lambda x: F.max_pool2d(x, 2), [drawn(2, 9, 6, 4)])
    record("max_pool2d", "overlapping", lambda x: F.max_pool2d(x, 3, 2, 1), [drawn(2, 9, 7, 6)])
    ties = drawn(2, 9, 5, 6).round().relu()  # mostly zeros
    record("max_pool2d", "ties", lambda x: F.max_pool2d(x, 3, 1, 1), [ties])
    record("avg_pool2d", "2x2", lambda x: F.avg_pool2d(x, 2), [drawn(2, 9, 6, 4)])
    record("avg_pool2d", "overlapping", lambda x: F.avg_pool2d(x, 3, 2, 1), [drawn(2, 9, 7, 6)])
    record("avg_pool2d", "image alone", lambda x: F.avg_pool2d(x, 3, 1, 1, count_include_pad=False), [drawn(2, 9, 4, 5)])
    record("adaptive_avg_pool2d", "smaller", lambda x: F.adaptive_avg_pool2d(x, (3, 2)), [drawn(2, 9, 7, 5)])
    record("adaptive_avg_pool2d", "larger", lambda x: F.adaptive_avg_pool2d(x, (6, 6)), [drawn(2, 3, 8, 5)])
    record("global_avg_pool2d", "all", lambda x: F.adaptive_avg_pool2d(x, 1), [drawn(2, 9, 5, 4)])


def norms():
    def batch_norm(training, momentum, epsilon):
        return lambda x, weight, bias, mean, var: F.batch_norm(x, mean, var, weight, bias, training, momentum, epsilon)

    def affine(channels):
        return {"weight": drawn(channels, mean=1), "bias": drawn(channels)}

    def statistics(channels):
        return {"running_mean": drawn(channels), "running_var": drawn(channels, mean=2, scale=0.25)}

    for name, x, function in [("training", (9, 4, 5), batch_norm(True, 0.1, 1e-5)),
                              ("other options", (3, 4, 3), batch_norm(True, 0.01, 1e-3)),
                              ("deployed", (9, 4, 3), batch_norm(False, 0.1, 1e-5))]:
        record("batch_norm2d", name, function, [drawn(2, *x, mean=2)], affine(x[0]), statistics(x[0]))
    for groups, x, epsilon in [(3, (9, 4, 3), 1e-5), (2, (24, 3, 2), 1e-3), (1, (3, 4, 3), 1e-5)]:
        record("group_norm2d", f"{groups} of {x[0]}",
               lambda x, weight, bias: F.group_norm(x, groups, weight, bias, epsilon), [drawn(2, *x)], affine(x[0]))
    record("instance_norm2d", "plain", lambda x: F.instance_norm(x), [drawn(2, 9, 4, 3)])
    record("instance_norm2d", "affine", lambda x, weight, bias: F.instance_norm(x, None, None, weight, bias, eps=1e-3),
           [drawn(2, 9, 4, 3)], affine(9))


def activations():
    for layer, function in {"relu": F.relu, "relu6": F.relu6, "leaky_relu": lambda x: F.leaky_relu(x, 0.1),
                            "elu": lambda x: F.elu(x, 0.5), "sigmoid": torch.sigmoid, "hard_sigmoid": F.hardsigmoid,
                            "silu": F.silu, "hard_swish": F.hardswish}.items():
        record(layer, "all", function, [drawn(2, 9, 4, 3, scale=4)])
    record("prelu", "each", F.prelu, [drawn(2, 9, 4, 3)], {"weight": drawn(9)})
    record("prelu", "shared", F.prelu, [drawn(2, 9, 4, 3)], {"weight": drawn(1)})
    record("softmax", "of 9", lambda x: F.softmax(x, 1), [drawn(2, 9, 3, 4, scale=3)])
    record("softmax", "of 3", lambda x: F.softmax(x, 1), [drawn(2, 3, 3, 4, scale=30)])


def enlargement():
    def case(name, x, factor, align_corners=None):
        mode = "nearest" if align_corners is None else "bilinear"
        record("upsample_" + mode, name,
               lambda x: F.interpolate(x, scale_factor=factor, mode=mode, align_corners=align_corners), [drawn(2, *x)])

    case("2", (9, 3, 2), 2)
    case("3", (3, 2, 3), 3)
    case("2", (9, 3, 4), 2, False)
    case("4", (3, 3, 2), 4, False)
    case("corners", (9, 3, 2), 3, True)
    case("corners of a row", (9, 1, 4), 2, True)


def two_inputs():
    record("add", "all", torch.add, [drawn(2, 9, 3, 4), drawn(2, 9, 3, 4)])
    record("concat", "blocks", lambda a, b: torch.cat([a, b], 1), [drawn(2, 8, 3, 2), drawn(2, 9, 3, 2)])
    record("concat", "no blocks", lambda a, b: torch.cat([a, b], 1), [drawn(2, 3, 3, 2), drawn(2, 8, 3, 2)])
    record("channel_scale", "all", torch.mul, [drawn(2, 9, 3, 4), drawn(2, 9, 1, 1)])
    record("plane_scale", "all", torch.mul, [drawn(2, 9, 3, 4), drawn(2, 1, 3, 4)])


def blocks():
    """Between convolutions of one pixel, since segx computes no gradient of images: those of the first convolution's
    weights tell."""
    def conv(name, channels_in, channels_out, bias=True):
        weights = {name + ".weight": drawn(channels_out, channels_in, 1, 1, scale=channels_in ** -0.5)}
        if bias:
            weights[name + ".bias"] = drawn(channels_out, scale=0.5)
        return weights

    def squeeze_excite(x, w0, b0, w1, b1, w2, b2, w3, b3):
        x = F.conv2d(x, w0, b0)
        squeezed = F.relu(F.conv2d(x.mean((2, 3), keepdim=True), w1, b1))
        return F.conv2d(x * torch.sigmoid(F.conv2d(squeezed, w2, b2)), w3, b3)

    record("squeeze_excite", "network", squeeze_excite, [drawn(2, 3, 4, 5)],
           {**conv("stem", 3, 9), **conv("se.conv2d", 9, 4), **conv("se.conv2d_2", 4, 9), **conv("out", 9, 2)})

    def attention_gate(x, w0, b0, w1, b1, wg, bg, wx, wp, bp, w2, b2):
        x = F.conv2d(x, w0, b0)
        g = F.conv2d(x, w1, b1)
        alpha = torch.sigmoid(F.conv2d(F.relu(F.conv2d(g, wg, bg) + F.conv2d(x, wx)), wp, bp))
        return F.conv2d(torch.cat([x * alpha, g], 1), w2, b2)

    record("attention_gate", "network", attention_gate, [drawn(2, 3, 4, 5)],
           {**conv("stem", 3, 9), **conv("deeper", 9, 8), **conv("gate.g", 8, 4), **conv("gate.x", 9, 4, bias=False),
            **conv("gate.psi", 4, 1), **conv("out", 17, 2)})


if __name__ == "__main__":
    for group in [convolutions, pooling, norms, activations, enlargement, two_inputs, blocks]:
        torch.manual_seed(zlib.crc32(group.__name__.encode()))
        group()
    for layer, tensors in files.items():
        write(layer, tensors)
    size = sum(path.stat().st_size for path in FOLDER.glob("*.safetensors"))
    print(f"{len(files)} files, {size} bytes, by PyTorch {torch.__version__}")
