"""LinkNet on EfficientNet-B3 in PyTorch: the encoder is torchvision's, and each block of the decoder is added to what the
encoder had at its stride (Chaurasia & Culurciello 2017, arXiv:1707.03718)."""
from torch import nn
from torchvision.models import efficientnet_b3

TAPS = {1: 24, 2: 32, 3: 48, 5: 136, 7: 384}  # stage of the encoder: channels, at strides 2, 4, 8, 16, 32


def block(channels_in, channels_out):
    """Twice the height and width."""
    inner = channels_in // 4
    return nn.Sequential(
        nn.Conv2d(channels_in, inner, 1), nn.BatchNorm2d(inner), nn.ReLU(),
        nn.ConvTranspose2d(inner, inner, 4, stride=2, padding=1), nn.BatchNorm2d(inner), nn.ReLU(),
        nn.Conv2d(inner, channels_out, 1), nn.BatchNorm2d(channels_out), nn.ReLU())


class LinkNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = efficientnet_b3(weights=None).features[: max(TAPS) + 1]
        widths = list(TAPS.values())
        self.decoder = nn.ModuleList(block(i, o) for i, o in zip(widths, [32, *widths]))
        self.head = nn.Conv2d(32, 1, 1)

    def forward(self, x):
        """Logits; [N,3,H,W] to [N,1,H,W]."""
        taps = []
        for stage, layers in enumerate(self.encoder):
            x = layers(x)
            if stage in TAPS:
                taps.append(x)
        x = taps.pop()
        for block in reversed(self.decoder):
            x = block(x)
            if taps:
                x = x + taps.pop()
        return self.head(x)
