"""The paper's U-Net in PyTorch, with segx's names."""
import torch
from torch import nn


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

