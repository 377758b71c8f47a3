"""The residual U-Net in PyTorch, with segx's names: convolutions of stride 2 go down, transposed ones come back."""
import torch
from torch import nn


class Block(nn.Module):
    """relu(conv3x3 → batch norm → relu → conv3x3, plus a conv1x1 → batch norm of the same stride)."""

    def __init__(self, channels_in, channels_out, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, stride, padding=1)
        self.norm = nn.BatchNorm2d(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1)
        self.shortcut = nn.Sequential()
        self.shortcut.conv = nn.Conv2d(channels_in, channels_out, 1, stride)
        self.shortcut.norm = nn.BatchNorm2d(channels_out)

    def forward(self, x):
        return torch.relu(self.conv2(torch.relu(self.norm(self.conv1(x)))) + self.shortcut(x))


class ResUNet(nn.Module):
    def __init__(self, base=32):
        super().__init__()
        widths = [base, 2 * base, 4 * base, 8 * base]
        self.encoder = nn.ModuleList(Block(i, o, 1 if i == 3 else 2) for i, o in zip([3, *widths], widths))
        self.bottleneck = Block(widths[-1], 2 * widths[-1], 2)
        self.decoder = nn.ModuleList(Block(2 * width, width) for width in widths)
        for block, width in zip(self.decoder, widths):
            block.up = nn.ConvTranspose2d(2 * width, width, 2, stride=2)
        self.head = nn.Conv2d(base, 1, 1)

    def forward(self, x):
        """Logits; [N,3,H,W] to [N,1,H,W]."""
        skips = []
        for block in self.encoder:
            x = block(x)
            skips.append(x)
        x = self.bottleneck(x)
        for block in reversed(self.decoder):
            x = block(torch.cat([skips.pop(), block.up(x)], 1))
        return self.head(x)
