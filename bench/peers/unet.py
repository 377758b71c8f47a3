"""The paper's U-Net in PyTorch, with the weights of a segx weight file: for timing PyTorch, and as the ONNX file that the
other peers read."""
import json
import struct

import numpy
import torch
from torch import nn


def read_safetensors(path):
    """The tensors of a safetensors file, by name, as float32."""
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    kinds = {"F32": numpy.float32, "F16": numpy.float16}
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = (8 + length + offset for offset in entry["data_offsets"])
            values = numpy.frombuffer(data[begin:end], dtype=kinds[entry["dtype"]]).astype(numpy.float32)
            tensors[name] = torch.from_numpy(values.reshape(entry["shape"]).copy())
    return tensors


class Block(nn.Module):
    def __init__(self, channels_in, channels_out):
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1)
        self.dropout = nn.Dropout(0.1)

    def forward(self, x):
        return torch.relu(self.conv2(self.dropout(torch.relu(self.conv1(x)))))


class UNet(nn.Module):
    def __init__(self, base):
        super().__init__()
        widths = [base, 2 * base, 4 * base, 8 * base]
        self.encoder = nn.ModuleList(Block(i, o) for i, o in zip([1, *widths], widths))
        self.bottleneck = Block(widths[-1], 2 * widths[-1])
        self.decoder = nn.ModuleList(Block(2 * width, width) for width in widths)
        for block, width in zip(self.decoder, widths):
            block.up = nn.ConvTranspose2d(2 * width, width, 2, stride=2)
        self.head = nn.Conv2d(base, 1, 1)

    def forward(self, x):
        """Logits; [N,1,H,W] to [N,1,H,W]."""
        skips = []
        for block in self.encoder:
            x = block(x)
            skips.append(x)
            x = torch.max_pool2d(x, 2)
        x = self.bottleneck(x)
        for block in reversed(self.decoder):
            x = block(torch.cat([skips.pop(), block.up(x)], 1))
        return self.head(x)


def load(weights):
    """The network of a weight file."""
    tensors = read_safetensors(weights)
    network = UNet(tensors["head.weight"].shape[1])
    own = network.state_dict()
    network.load_state_dict({name: tensors[name] for name in own})
    return network
