#!/usr/bin/env python3
"""Writes losses.txt beside this file: what the losses of segx must be, by PyTorch where it has them, else as their papers
define them, with gradients by autograd, all in double. Debian's python3-torch and python3-scipy are enough.

The file holds two batches ("batch NAME N C H W", logits, target) and for each loss, named as parse_loss reads it, its batch,
value and gradient of the logits."""
import pathlib

import numpy
import scipy
import scipy.ndimage
import torch
import torch.nn.functional as F

N, C, H, W = 2, 3, 4, 5
SMOOTH = 1e-8
torch.manual_seed(1)


# ---- sets of pixels: [sets, pixels] of a tensor [N,C,H,W] ----


def sets_of(x, over, background=True):
    x = x if background else x[:, 1:]
    if over == "batch":
        return x.reshape(1, -1)
    if over == "image":
        return x.reshape(N, -1)
    if over == "channel":
        return x.transpose(0, 1).reshape(x.shape[1], -1)
    return x.reshape(-1, H * W)  # plane


def probabilities(z, head):
    return torch.sigmoid(z) if head == "sigmoid" else torch.softmax(z, 1)


# ---- losses that compare sets ----


def dice(z, t, head="sigmoid", over="batch", background=True, smooth=SMOOTH):
    p, t = (sets_of(x, over, background) for x in (probabilities(z, head), t))
    return (1 - (2 * (p * t).sum(1) + smooth) / (p.sum(1) + t.sum(1) + smooth)).mean()


def jaccard(z, t, head="sigmoid", over="batch", background=True, smooth=SMOOTH):
    p, t = (sets_of(x, over, background) for x in (probabilities(z, head), t))
    both = (p * t).sum(1)
    return (1 - (both + smooth) / (p.sum(1) + t.sum(1) - both + smooth)).mean()


def tversky(z, t, head="sigmoid", over="batch", background=True, smooth=SMOOTH, alpha=0.3, beta=0.7, gamma=1.0):
    p, t = (sets_of(x, over, background) for x in (probabilities(z, head), t))
    true_positive = (p * t).sum(1)
    false_positive = (p * (1 - t)).sum(1)
    false_negative = ((1 - p) * t).sum(1)
    index = (true_positive + smooth) / (true_positive + alpha * false_positive + beta * false_negative + smooth)
    return ((1 - index) ** gamma).mean()


# ---- losses of pixels ----


def bce(z, t, pos_weight=None, smoothing=0.0, weight=None):
    q = (1 - smoothing) * t + smoothing / 2
    ones = None if pos_weight is None else torch.tensor(pos_weight, dtype=z.dtype).reshape(-1, 1, 1).expand(C, 1, 1)
    return F.binary_cross_entropy_with_logits(z, q, weight=weight, pos_weight=ones)


def cross_entropy(z, t, weights=None, smoothing=0.0):
    weights = None if weights is None else torch.tensor(weights, dtype=z.dtype)
    return F.cross_entropy(z, t.argmax(1), weight=weights, label_smoothing=smoothing)


def focal(z, t, gamma=2.0, alpha=0.25):
    """As torchvision.ops.sigmoid_focal_loss(reduction="mean")."""
    p = torch.sigmoid(z)
    ce = F.binary_cross_entropy_with_logits(z, t, reduction="none")
    p_t = p * t + (1 - p) * (1 - t)
    return ((alpha * t + (1 - alpha) * (1 - t)) * ce * (1 - p_t) ** gamma).mean()


def softmax_focal(z, t, gamma=2.0, alpha=None):
    alpha = torch.ones(C, dtype=z.dtype) if alpha is None else torch.tensor(alpha, dtype=z.dtype)
    p_t = (torch.softmax(z, 1) * t).sum(1)
    return ((alpha.reshape(1, -1, 1, 1) * t).sum(1) * (1 - p_t) ** gamma * -torch.log(p_t)).mean()


def class_balance(t):
    weights = torch.empty_like(t)
    for k in range(C):
        foreground = t[:, k].sum()
        everything = t[:, k].numel()
        weights[:, k] = torch.where(t[:, k] > 0.5, everything / (2 * foreground), everything / (2 * (everything - foreground)))
    return weights


def border_weight(t, w0=10.0, sigma=5.0):
    weights = torch.ones_like(t)
    for n in range(N):
        for k in range(C):
            labels, count = scipy.ndimage.label(t[n, k].numpy() > 0.5, numpy.ones((3, 3)))
            if count < 2:
                continue
            distances = numpy.sort([scipy.ndimage.distance_transform_edt(labels != i + 1) for i in range(count)], axis=0)
            weights[n, k] += torch.from_numpy(w0 * numpy.exp(-((distances[0] + distances[1]) ** 2) / (2 * sigma**2)))
    return weights


# ---- Lovász, after Berman et al., algorithm 1 ----


def lovasz_slopes(sorted_target):
    intersection = sorted_target.sum() - sorted_target.cumsum(0)
    union = sorted_target.sum() + (1 - sorted_target).cumsum(0)
    jaccard = 1 - intersection / union
    return torch.cat([jaccard[:1], jaccard[1:] - jaccard[:-1]])


def lovasz_of(errors, target):
    errors, order = torch.sort(errors, descending=True)
    return torch.dot(F.relu(errors), lovasz_slopes(target[order]))


def lovasz_hinge(z, t, over="batch"):
    errors = sets_of(1 - z * (2 * t - 1), over)
    return torch.stack([lovasz_of(e, s) for e, s in zip(errors, sets_of(t, over))]).mean()


def lovasz_softmax(z, t, over="channel", background=True):
    errors = sets_of((t - torch.softmax(z, 1)).abs(), over, background)
    return torch.stack([lovasz_of(e, s) for e, s in zip(errors, sets_of(t, over, background)) if s.sum() > 0]).mean()


# ---- boundary loss, with the distance map of the authors' one_hot2dist ----


def boundary(z, t, head="sigmoid", background=True):
    phi = torch.zeros_like(t)
    for n in range(N):
        for k in range(C):
            inside = t[n, k].numpy() > 0.5
            if inside.any() and not inside.all():
                edt = scipy.ndimage.distance_transform_edt
                phi[n, k] = torch.from_numpy(edt(~inside) * ~inside - (edt(inside) - 1) * inside)
    first = 0 if background else 1
    return (probabilities(z, head) * phi)[:, first:].mean()


CASES = {
    "overlapping": {
        "bce": bce,
        "bce(pos_weight=3)": lambda z, t: bce(z, t, pos_weight=[3.0]),
        "bce(pos_weight=[2,0.5,1.5],smoothing=0.1)": lambda z, t: bce(z, t, [2.0, 0.5, 1.5], 0.1),
        "class_balance*bce": lambda z, t: bce(z, t, weight=class_balance(t)),
        "border_weight(w0=4,sigma=2)*bce(smoothing=0.2)": lambda z, t: bce(z, t, None, 0.2, border_weight(t, 4.0, 2.0)),
        "border_weight*class_balance*bce": lambda z, t: bce(z, t, weight=class_balance(t) * border_weight(t)),
        "dice": dice,
        "dice_per_image": lambda z, t: dice(z, t, over="image"),
        "dice(over=channel,smooth=1)": lambda z, t: dice(z, t, over="channel", smooth=1.0),
        "dice(over=plane,background=no)": lambda z, t: dice(z, t, over="plane", background=False),
        "jaccard": jaccard,
        "jaccard_per_image(smooth=2)": lambda z, t: jaccard(z, t, over="image", smooth=2.0),
        "jaccard(over=channel)": lambda z, t: jaccard(z, t, over="channel"),
        "jaccard(over=plane)": lambda z, t: jaccard(z, t, over="plane"),
        "tversky": tversky,
        "tversky(alpha=0.2,beta=0.9,over=channel)": lambda z, t: tversky(z, t, alpha=0.2, beta=0.9, over="channel"),
        "focal_tversky": lambda z, t: tversky(z, t, gamma=0.75),
        "focal_tversky(gamma=2,over=plane)": lambda z, t: tversky(z, t, gamma=2.0, over="plane"),
        "focal": focal,
        "focal(gamma=0.5,alpha=0.7)": lambda z, t: focal(z, t, 0.5, 0.7),
        "lovasz_hinge": lovasz_hinge,
        "lovasz_hinge(over=image)": lambda z, t: lovasz_hinge(z, t, "image"),
        "lovasz_hinge(over=plane)": lambda z, t: lovasz_hinge(z, t, "plane"),
        "boundary": boundary,
        "dice+0.01*boundary": lambda z, t: dice(z, t) + 0.01 * boundary(z, t),
    },
    "exclusive": {
        "cross_entropy": cross_entropy,
        "cross_entropy(smoothing=0.1)": lambda z, t: cross_entropy(z, t, smoothing=0.1),
        "cross_entropy(weights=[0.5,2,3])": lambda z, t: cross_entropy(z, t, [0.5, 2.0, 3.0]),
        "cross_entropy(weights=[0.5,2,3],smoothing=0.2)": lambda z, t: cross_entropy(z, t, [0.5, 2.0, 3.0], 0.2),
        "softmax_dice": lambda z, t: dice(z, t, "softmax"),
        "softmax_dice(over=channel,background=no)": lambda z, t: dice(z, t, "softmax", "channel", False),
        "softmax_jaccard(over=channel)": lambda z, t: jaccard(z, t, "softmax", "channel"),
        "softmax_jaccard(over=plane,background=no,smooth=1)": lambda z, t: jaccard(z, t, "softmax", "plane", False, 1.0),
        "softmax_tversky(over=channel)": lambda z, t: tversky(z, t, "softmax", "channel"),
        "softmax_focal_tversky(over=image,background=no)": lambda z, t: tversky(
            z, t, "softmax", "image", False, gamma=0.75
        ),
        "softmax_focal": softmax_focal,
        "softmax_focal(gamma=0.5,alpha=[0.2,1,2])": lambda z, t: softmax_focal(z, t, 0.5, [0.2, 1.0, 2.0]),
        "lovasz_softmax": lovasz_softmax,
        "lovasz_softmax(over=plane,background=no)": lambda z, t: lovasz_softmax(z, t, "plane", False),
        "softmax_boundary(background=no)": lambda z, t: boundary(z, t, "softmax", False),
    },
}


def numbers(x):
    return " ".join(f"{v:.9g}" for v in x.flatten().tolist())


def main():
    logits = (2 * torch.randn(N, C, H, W)).double()  # floats, so that float losses get just these
    labels = torch.randint(0, C, (N, H, W))
    labels[1][labels[1] == 2] = 0  # the second image lacks a class
    targets = {
        "overlapping": (torch.rand(N, C, H, W) < 0.4).double(),
        "exclusive": F.one_hot(labels, C).permute(0, 3, 1, 2).double(),
    }
    lines = [f"# by tests/golden/losses.py: PyTorch {torch.__version__}, SciPy {scipy.__version__}, NumPy {numpy.__version__}"]
    for name, target in targets.items():
        lines += [f"batch {name} {N} {C} {H} {W}", numbers(logits), numbers(target)]
        for text, loss in CASES[name].items():
            z = logits.clone().requires_grad_()
            value = loss(z, target)
            value.backward()
            lines += [f"loss {text}", f"{value.item():.12g}", numbers(z.grad)]
    pathlib.Path(__file__).with_suffix(".txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
