#!/usr/bin/env python3
"""What torchvision and PyTorch say of whole networks; tests/models/ compares. Needs Debian's python3-torchvision.

  models/state_dicts/NETWORK.txt  the arrays of torchvision's classifiers: a line for each module and extents
  models/outputs.safetensors      logits of NETWORK for one image, deployed
  models/steps/NETWORK.txt        one step of training on two images: the loss, and of every array's change its length and
                                  its product with numbers that `drawn` gives

Weights, images and masks are drawn from names and indices by a formula, here and in tests/models/drawn.hpp, so that only
results need to be kept. PyTorch computes in float64, from numbers that were rounded to float32."""
import json
import pathlib
import struct

import numpy
import torch
import torchvision
import torchvision.models as zoo
from torch import nn

FOLDER = pathlib.Path(__file__).parent / "models"
EXTENT = 64  # of images; steps of large networks are tested on smaller ones
STEP_EXTENTS = {"unet64": 16, "resunet": 32}
LEARNING_RATE, WEIGHT_DECAY = 1.0, 0.001


# ---- numbers from names ----


def drawn(name, count):
    """`count` numbers in [-1,1): FNV-1a of the name, plus the index, mixed (Wellons, "Prospecting for hash functions")."""
    seed = 2166136261
    for byte in name.encode():
        seed = (seed ^ byte) * 16777619 % 2**32
    x = (seed + numpy.arange(count, dtype=numpy.uint64) * 0x9E3779B9 % 2**32) % 2**32
    x = (x ^ (x >> 16)) * 0x7FEB352D % 2**32
    x = (x ^ (x >> 15)) * 0x846CA68B % 2**32
    return (x ^ (x >> 16)) / 2.0**31 - 1


def value_of(name, extents):
    """An array of weights: convolutions as He et al. would draw them, normalisations near 1 and 0."""
    u = drawn(name, int(numpy.prod(extents)))
    if len(extents) > 1:
        u *= numpy.sqrt(6 / numpy.prod(extents[1:]))
    elif name.endswith("weight") or name.endswith("running_var"):
        u = 1 + 0.5 * u
    else:
        u *= 0.2
    return torch.from_numpy(u.astype(numpy.float32).reshape(extents)).double()


def arrays_of(network):
    """Without num_batches_tracked, which nobody reads; extents of 1 at the end go."""
    return {name: value for name, value in network.state_dict().items() if not name.endswith("num_batches_tracked")}


def fill(network):
    network.double()
    for name, value in arrays_of(network).items():
        value.copy_(value_of(name, value.shape))
    return network


def images(network, count, extent):
    u = drawn("images", count * CHANNELS.get(network, 3) * extent * extent).astype(numpy.float32)
    return torch.from_numpy(u.reshape(count, -1, extent, extent)).double()


# ---- the networks that torchvision does not have, with segx's names ----


class Block(nn.Module):
    """Modules by name, and a function that wires them."""

    def __init__(self, wire, **parts):
        super().__init__()
        self.wire = wire
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, *x):
        return self.wire(self, *x)


def parts(**named):
    return Block(None, **named)


def conv_norm_relu(cin, cout, kernel):
    convolution = nn.Conv2d(cin, cout, kernel, padding=kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(cout), nn.ReLU())


def plain_unet(base):
    """№1 and №4 of the paper, without dropout."""
    relu = nn.functional.relu

    def double_conv(cin, cout, **more):
        return Block(
            lambda m, x: relu(m.conv2(relu(m.conv1(x)))),
            conv1=nn.Conv2d(cin, cout, 3, padding=1),
            conv2=nn.Conv2d(cout, cout, 3, padding=1),
            **more,
        )

    def wire(m, x):
        skipped = []
        for floor in m.encoder:
            skipped.append(floor(x))
            x = nn.functional.max_pool2d(skipped[-1], 2)
        x = m.bottleneck(x)
        for floor, skip in reversed(list(zip(m.decoder, skipped))):
            x = floor(torch.cat([skip, floor.up(x)], 1))
        return m.head(x)

    widths = [base, 2 * base, 4 * base, 8 * base]
    return Block(
        wire,
        encoder=nn.ModuleList(double_conv(i, o) for i, o in zip([1, *widths], widths)),
        bottleneck=double_conv(8 * base, 16 * base),
        decoder=nn.ModuleList(double_conv(2 * w, w, up=nn.ConvTranspose2d(2 * w, w, 2, stride=2)) for w in widths),
        head=nn.Conv2d(base, 1, 1),
    )


def resunet():
    """№2: residual blocks, strides instead of pooling."""

    def residual(cin, cout, stride, **more):
        return Block(
            lambda m, x: torch.relu(m.shortcut(x) + m.conv2(torch.relu(m.norm(m.conv1(x))))),
            conv1=nn.Conv2d(cin, cout, 3, stride=stride, padding=1),
            norm=nn.BatchNorm2d(cout),
            conv2=nn.Conv2d(cout, cout, 3, padding=1),
            shortcut=Block(
                lambda m, x: m.norm(m.conv(x)),
                conv=nn.Conv2d(cin, cout, 1, stride=stride),
                norm=nn.BatchNorm2d(cout),
            ),
            **more,
        )

    def wire(m, x):
        skipped = []
        for floor in m.encoder:
            x = floor(x)
            skipped.append(x)
        x = m.bottleneck(x)
        for floor, skip in reversed(list(zip(m.decoder, skipped))):
            x = floor(torch.cat([skip, floor.up(x)], 1))
        return m.head(x)

    widths = [32, 64, 128, 256]
    return Block(
        wire,
        encoder=nn.ModuleList(residual(i, o, 1 if i == 3 else 2) for i, o in zip([3, *widths], widths)),
        bottleneck=residual(256, 512, 2),
        decoder=nn.ModuleList(residual(2 * w, w, 1, up=nn.ConvTranspose2d(2 * w, w, 2, stride=2)) for w in widths),
        head=nn.Conv2d(32, 1, 1),
    )


def efficientnet_b3_taps():
    """Last feature maps at strides 2 to 32, of 24, 32, 48, 136 and 384 channels; stochastic depth off."""

    def wire(m, x):
        taps = []
        for i, stage in enumerate(m.features):
            x = stage(x)
            if i in (1, 2, 3, 5, 7):
                taps.append(x)
        return taps

    return Block(wire, features=zoo.efficientnet_b3(stochastic_depth_prob=0.0).features[:8])


def unet_effb3():
    """№3: an EfficientNet-B3 and the decoder of segmentation_models."""
    widths, skips = [256, 128, 64, 32, 16], [136, 48, 32, 24, 0]

    def wire(m, x):
        *taps, x = m.encoder(x)
        for floor in m.decoder:
            x = nn.functional.interpolate(x, scale_factor=2, mode="nearest")
            x = floor.conv2(floor.conv1(torch.cat([taps.pop(), x], 1) if taps else x))
        return m.head(x)

    return Block(
        wire,
        encoder=efficientnet_b3_taps(),
        decoder=nn.ModuleList(
            parts(conv1=conv_norm_relu(cin + skip, width, 3), conv2=conv_norm_relu(width, width, 3))
            for cin, skip, width in zip([384, *widths], skips, widths)
        ),
        head=nn.Conv2d(16, 1, 1),
    )


def linknet(encoder, widths):
    def enlarge(width):
        convolution = nn.ConvTranspose2d(width, width, 4, stride=2, padding=1, bias=False)
        return nn.Sequential(convolution, nn.BatchNorm2d(width), nn.ReLU())

    def wire(m, x):
        *taps, x = m.encoder(x)
        for floor in m.decoder:
            x = floor.expand(floor.up(floor.reduce(x)))
            x = x + taps.pop() if taps else x
        return m.head(x)

    return Block(
        wire,
        encoder=encoder,
        decoder=nn.ModuleList(
            parts(reduce=conv_norm_relu(i, i // 4, 1), up=enlarge(i // 4), expand=conv_norm_relu(i // 4, o, 1))
            for i, o in zip(widths, widths[1:])
        ),
        head=nn.Conv2d(widths[-1], 1, 1),
    )


def linknet_effb3():
    """LinkNet on the same encoder."""
    return linknet(efficientnet_b3_taps(), [384, 136, 48, 32, 24, 32])


def convs(cin, cout):
    return parts(conv1=conv_norm_relu(cin, cout, 3), conv2=conv_norm_relu(cout, cout, 3))


def both(floor, x):
    return floor.conv2(floor.conv1(x))


def twice(x, mode="nearest", factor=2):
    return nn.functional.interpolate(x, scale_factor=factor, mode=mode)


def taps_of_resnet18():
    def wire(m, x):
        taps = [torch.relu(m.bn1(m.conv1(x)))]
        x = m.maxpool(taps[-1])
        for layer in (m.layer1, m.layer2, m.layer3, m.layer4):
            x = layer(x)
            taps.append(x)
        return taps

    network = zoo.resnet18()
    names = ("conv1", "bn1", "maxpool", "layer1", "layer2", "layer3", "layer4")
    return Block(wire, **{name: getattr(network, name) for name in names})


def unet_plus_plus_resnet18():
    """x[i][j] for floor i, counted from the image's size, and column j."""
    widths, skips = [16, 32, 64, 128, 256], [0, 64, 64, 128, 256, 512]

    def wire(m, image):
        x = [[None], *([tap] for tap in m.encoder(image))]
        for j in range(1, 5):
            for i in range(1, 6 - j):
                x[i].append(both(m.decoder[f"{i}_{j}"], torch.cat([*x[i], twice(x[i + 1][j - 1])], 1)))
        return m.head(both(m.decoder["last"], twice(x[1][4])))

    nodes = {"last": convs(widths[1], widths[0])}
    for j in range(1, 5):
        for i in range(1, 6 - j):
            below = skips[i + 1] if j == 1 else widths[i + 1]
            nodes[f"{i}_{j}"] = convs(skips[i] + (j - 1) * widths[i] + below, widths[i])
    return Block(wire, encoder=taps_of_resnet18(), decoder=nn.ModuleDict(nodes), head=nn.Conv2d(16, 1, 1))


def attention_unet_resnet18():
    widths, skips = [256, 128, 64, 32, 16], [256, 128, 64, 64, 0]

    def wire(m, image):
        *taps, x = m.encoder(image)
        for floor in m.decoder:
            x = twice(x)
            if taps:
                skip = taps.pop()
                alpha = torch.sigmoid(floor.gate.psi(torch.relu(floor.gate.g(x) + floor.gate.x(skip))))
                x = torch.cat([alpha * skip, x], 1)
            x = both(floor, x)
        return m.head(x)

    def gate(inner, skip, x):
        return parts(g=nn.Conv2d(x, inner, 1), x=nn.Conv2d(skip, inner, 1, bias=False), psi=nn.Conv2d(inner, 1, 1))

    floors = [convs(cin + skip, width) for cin, skip, width in zip([512, *widths], skips, widths)]
    for floor, cin, skip, width in zip(floors, [512, *widths], skips[:-1], widths):
        floor.gate = gate(width // 2, skip, cin)
    return Block(wire, encoder=taps_of_resnet18(), decoder=nn.ModuleList(floors), head=nn.Conv2d(16, 1, 1))


def fpn_resnet18():
    def wire(m, image):
        taps = m.encoder(image)
        p = [lateral(tap) for lateral, tap in zip(m.decoder.lateral, taps[1:])]
        for i in (2, 1, 0):
            p[i] = p[i] + twice(p[i + 1])
        x = m.decoder.level[0](p[0])
        for level, y in zip(m.decoder.level[1:], p[1:]):
            for step in level:
                y = twice(step(y), "bilinear")
            x = x + y
        return m.head(twice(x, "bilinear", 4))

    def level(steps):
        return nn.ModuleList(conv_norm_relu(128 if i == 0 else 64, 64, 3) for i in range(steps))

    decoder = parts(
        lateral=nn.ModuleList(nn.Conv2d(c, 128, 1) for c in (64, 128, 256, 512)),
        level=nn.ModuleList([conv_norm_relu(128, 64, 3), level(1), level(2), level(3)]),
    )
    return Block(wire, encoder=taps_of_resnet18(), decoder=decoder, head=nn.Conv2d(64, 1, 1))


def linknet_mobilenetv2():
    """Of gray images; where the encoder halves, zeros go below and at the right alone, as in TensorFlow."""
    features = zoo.mobilenet_v2().features[:18]
    features[0][0] = nn.Conv2d(1, 32, 3, stride=2, bias=False)
    for module in features.modules():
        if isinstance(module, nn.Conv2d) and module.stride == (2, 2):
            module.padding = (0, 0)
            module.register_forward_pre_hook(lambda _, x: nn.functional.pad(x[0], (0, 1, 0, 1)))

    def encode(m, x):
        taps = []
        for i, stage in enumerate(m.features):
            x = stage(x)
            if i in (1, 3, 6, 13, 17):
                taps.append(x)
        return taps

    return linknet(Block(encode, features=features), [320, 96, 32, 24, 16, 32])


CLASSIFIERS = [f"efficientnet_b{i}" for i in range(8)]
CLASSIFIERS += ["resnet18", "resnet34", "resnet50", "mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large"]
PAPER = {
    "unet8": lambda: plain_unet(8),
    "unet64": lambda: plain_unet(64),
    "resunet": resunet,
    "unet_effb3": unet_effb3,
    "linknet_effb3": linknet_effb3,
}
BEYOND = [unet_plus_plus_resnet18, attention_unet_resnet18, fpn_resnet18, linknet_mobilenetv2]
CHANNELS = {"unet8": 1, "unet64": 1, "linknet_mobilenetv2": 1}


# ---- what is written ----

VERSIONS = f"PyTorch {torch.__version__}, torchvision {torchvision.__version__}"


def write_state_dict(name, network):
    """A line for neighbours of one module and one shape: "features.0.1 weight,bias,running_mean,running_var 32"."""
    lines = []
    for array, value in arrays_of(network).items():
        module, _, kind = array.rpartition(".")
        extents = "x".join(map(str, value.shape))
        if lines and lines[-1][0] == module and lines[-1][2] == extents:
            lines[-1][1] += "," + kind
        else:
            lines.append([module, kind, extents])
    text = f"# by make_models.py: {VERSIONS}\n" + "".join(" ".join(line) + "\n" for line in lines)
    (FOLDER / "state_dicts" / f"{name}.txt").write_text(text)


def write_outputs(outputs):
    header, data = {"__metadata__": {"versions": VERSIONS}}, b""
    for name, values in outputs.items():
        values = values.numpy().astype(numpy.float32)
        header[name] = {"dtype": "F32", "shape": values.shape, "data_offsets": [len(data), len(data) + values.nbytes]}
        data += values.tobytes()
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    (FOLDER / "outputs.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)


def output_of(name, network):
    with torch.no_grad():
        return fill(network).eval()(images(name, 1, EXTENT))


def bce_and_jaccard(logits, target):
    p = torch.sigmoid(logits)
    both = (p * target).sum()
    jaccard = 1 - (both + 1e-8) / (p.sum() + target.sum() - both + 1e-8)
    return nn.functional.binary_cross_entropy_with_logits(logits, target) + jaccard


def write_step(name, network):
    """Of what is learned by stochastic gradient descent, and of running statistics."""
    fill(network).train()
    before = {array: value.clone() for array, value in arrays_of(network).items()}
    logits = network(images(name, 2, STEP_EXTENTS.get(name, EXTENT)))
    target = torch.from_numpy((drawn("masks", logits.numel()) > 0.3).reshape(logits.shape)).double()
    loss = bce_and_jaccard(logits, target)
    loss.backward()
    torch.optim.SGD(network.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY).step()
    lines = [f"# by make_models.py: {VERSIONS}", f"loss {loss.item():.9g}"]
    for array, value in arrays_of(network).items():
        change = (value - before[array]).flatten().numpy()
        product = drawn(f"{array}/probe", change.size) @ change
        lines.append(f"{array} {numpy.linalg.norm(change):.8g} {product:.8g}")
    (FOLDER / "steps" / f"{name}.txt").write_text("\n".join(lines) + "\n")


def main():
    for folder in ("state_dicts", "steps"):
        (FOLDER / folder).mkdir(parents=True, exist_ok=True)
    for name in CLASSIFIERS:
        write_state_dict(name, getattr(zoo, name)())
    outputs = {}
    for name in ("efficientnet_b3", "resnet18", "mobilenet_v2", "mobilenet_v3_small"):
        outputs[name] = output_of(name, getattr(zoo, name)())[:, :, None, None]
    for name in ("resunet", "unet_effb3", "linknet_effb3"):
        outputs[name] = output_of(name, PAPER[name]())
    for network in BEYOND:
        outputs[network.__name__] = output_of(network.__name__, network())
    write_outputs(outputs)
    for name, network in PAPER.items():
        write_step(name, network())


if __name__ == "__main__":
    main()
