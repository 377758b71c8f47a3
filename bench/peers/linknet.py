"""LinkNet on EfficientNet-B3 in PyTorch, with segx's names: the encoder is torchvision's, and each block of the decoder is
added to what the encoder had at its stride (Chaurasia & Culurciello 2017, arXiv:1707.03718)."""
from torch import nn
from torchvision.models import efficientnet_b3

TAPS = {1: 24, 2: 32, 3: 48, 5: 136, 7: 384}  # stage of the encoder: channels, at strides 2, 4, 8, 16, 32


def normed(conv):
    return nn.Sequential(conv, nn.BatchNorm2d(conv.out_channels), nn.ReLU())


class Block(nn.Sequential):
    """Twice the height and width."""

    def __init__(self, channels_in, channels_out):
        super().__init__()
        inner = channels_in // 4
        self.reduce = normed(nn.Conv2d(channels_in, inner, 1, bias=False))
        self.up = normed(nn.ConvTranspose2d(inner, inner, 4, stride=2, padding=1, bias=False))
        self.expand = normed(nn.Conv2d(inner, channels_out, 1, bias=False))


class LinkNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Module()
        self.encoder.features = efficientnet_b3(weights=None).features[: max(TAPS) + 1]
        widths = [*reversed(TAPS.values()), 32]
        self.decoder = nn.ModuleList(Block(i, o) for i, o in zip(widths, widths[1:]))
        self.head = nn.Conv2d(widths[-1], 1, 1)

    def forward(self, x):
        """Logits; [N,3,H,W] to [N,1,H,W]."""
        taps = []
        for stage, layers in enumerate(self.encoder.features):
            x = layers(x)
            if stage in TAPS:
                taps.append(x)
        x = taps.pop()
        for block in self.decoder:
            x = block(x)
            if taps:
                x = x + taps.pop()
        return self.head(x)
