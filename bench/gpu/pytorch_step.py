#!/usr/bin/env python3
"""Times training steps of PyTorch on a GPU:  pytorch_step.py MODEL SIZE BATCH PRECISION SECONDS [compiled]
or a large product of bf16 matrices:         pytorch_step.py matrix_rate

The step is segx_step.cpp's, in channels-last order with automatic mixed precision; Adam is the fused one, and cuDNN's
algorithms are found by measuring. As in segx, batches lie in ordinary memory of the host and come anew in each step,
through pinned memory and on a stream of their own. The last line is JSON, with the words of segx_step's: `bytes` is the
peak that PyTorch counts, `device_bytes` what the GPU has less to give since the beginning."""
import json
import math
import pathlib
import sys
import time

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "peers"))

STEPS_TO_WARM_UP, LEAST_STEPS = 8, 10


def network_of(model):
    """The network, and the channels of its images."""
    if model == "unet64":
        import unet
        return unet.UNet(64), 1
    if model == "resunet":
        import resunet
        return resunet.ResUNet(), 3
    if model == "linknet-effb3":
        import linknet
        return linknet.LinkNet(), 3
    raise ValueError(f"no model {model!r} here")


class Feed:
    """Brings batches to the GPU beside the work that is there, as segx does."""

    def __init__(self, *tensors):
        self.tensors = tensors
        self.copies = torch.cuda.Stream()
        self.pinned = [[t.pin_memory() for t in tensors] for _ in range(2)]
        self.copied = [torch.cuda.Event() for _ in range(2)]
        self.slot = 0

    def next(self):
        slot, self.slot = self.slot, 1 - self.slot
        self.copied[slot].synchronize()  # of the step before the last
        for pinned, values in zip(self.pinned[slot], self.tensors):
            pinned.copy_(values)
        with torch.cuda.stream(self.copies):
            brought = [p.to("cuda", non_blocking=True) for p in self.pinned[slot]]
            self.copied[slot].record(self.copies)
        now = torch.cuda.current_stream()
        now.wait_stream(self.copies)
        for t in brought:
            t.record_stream(now)
        return brought


def time_steps(model, size, batch, precision, wanted_seconds, compiled):
    torch.cuda.init()
    free_at_first = torch.cuda.mem_get_info()[0]
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision != "fp32"
    torch.backends.cudnn.benchmark = True
    torch.cuda.reset_peak_memory_stats()
    network, channels = network_of(model)
    network = network.cuda().to(memory_format=torch.channels_last).train()
    run = torch.compile(network, dynamic=False) if compiled else network
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4, fused=True)
    feed = Feed(torch.rand(batch, channels, size, size), (torch.rand(batch, 1, size, size) > 0.5).float())

    def step():
        x, t = feed.next()
        x = x.contiguous(memory_format=torch.channels_last)
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cuda", torch.bfloat16, enabled=precision == "bf16"):
            logits = run(x)
        logits = logits.float()
        p = torch.sigmoid(logits)
        both = (p * t).sum()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, t)
        loss = loss + 1 - (both + 1e-8) / (p.sum() + t.sum() - both + 1e-8)
        loss.backward()
        optimizer.step()

    def seconds_of(steps):
        torch.cuda.synchronize()
        begin = time.perf_counter()
        for _ in range(steps):
            step()
        torch.cuda.synchronize()
        return time.perf_counter() - begin

    seconds_of(STEPS_TO_WARM_UP)  # compiles, finds algorithms
    steps = max(LEAST_STEPS, math.ceil(wanted_seconds * 3 / seconds_of(3)))
    seconds = seconds_of(steps)
    return {"who": "torch.compile" if compiled else "PyTorch", "model": model, "size": size, "batch": batch,
            "precision": precision, "steps": steps, "images_per_second": steps * batch / seconds,
            "bytes": torch.cuda.max_memory_allocated(), "device_bytes": free_at_first - torch.cuda.mem_get_info()[0]}


def matrix_rate():
    """FLOP/s of a large product of bf16 matrices."""
    a = torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16)
    for _ in range(10):
        a @ a
    torch.cuda.synchronize()
    begin = time.perf_counter()
    for _ in range(50):
        a @ a
    torch.cuda.synchronize()
    return {"matrix_rate": 50 * 2 * 8192**3 / (time.perf_counter() - begin), "torch": torch.__version__,
            "cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version(), "gpu": torch.cuda.get_device_name()}


def main():
    if not torch.cuda.is_available():
        sys.exit(f"PyTorch {torch.__version__} sees no GPU")
    words = sys.argv[1:]
    try:
        if words == ["matrix_rate"]:
            result = matrix_rate()
        else:
            model, size, batch, precision, seconds = words[:5]
            result = time_steps(model, int(size), int(batch), precision, float(seconds), words[5:] == ["compiled"])
    except Exception as failure:  # a compiler that is missing, memory that is short
        import traceback
        traceback.print_exc()
        lines = str(failure).strip().splitlines()
        sys.exit(f"{type(failure).__name__}: {lines[0] if lines else ''}")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
