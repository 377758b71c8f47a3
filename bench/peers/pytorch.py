#!/usr/bin/env python3
"""Times PyTorch:  pytorch.py predict|train|export WEIGHTS [--dump PREFIX] [--size S] [--threads T] [--runs N] [--batch B] [--onnx FILE]

predict reads PREFIX.input.f32 and compares its probabilities with PREFIX.output.f32; train takes a whole step: forward,
loss, backward, Adam; export writes the network as ONNX. The last line is JSON."""
import argparse
import json
import resource
import statistics
import time

import numpy
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

import networks


def milliseconds(runs, work):
    work()
    times = []
    for _ in range(runs):
        begin = time.perf_counter()
        work()
        times.append(1e3 * (time.perf_counter() - begin))
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", choices=["predict", "train", "export"])
    parser.add_argument("weights")
    parser.add_argument("--dump")
    parser.add_argument("--onnx")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--size", type=int, default=256)
    words = parser.parse_args()
    torch.set_num_threads(words.threads)
    network = networks.load(words.weights)
    shape = (1, networks.channels(network), words.size, words.size)
    result = {"version": torch.__version__}

    if words.task == "export":
        torch.onnx.export(networks.folded(network), torch.rand(shape), words.onnx, input_names=["image"],
                          output_names=["probability"], opset_version=13)
        return
    if words.task == "predict":
        image = torch.from_numpy(numpy.fromfile(f"{words.dump}.input.f32", numpy.float32).reshape(shape))
        expected = numpy.fromfile(f"{words.dump}.output.f32", numpy.float32)
        with torch.no_grad():
            result["difference"] = float(numpy.abs(torch.sigmoid(network(image)).numpy().ravel() - expected).max())
            times = milliseconds(words.runs, lambda: torch.sigmoid(network(image)))
    else:
        network.train()
        images = torch.rand(words.batch, *shape[1:])
        masks = (images[:, :1] > 0.5).float()
        optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)

        def step():
            optimizer.zero_grad()
            logits = network(images)
            probability = torch.sigmoid(logits)
            both = (probability * masks).sum()
            jaccard = 1 - (both + 1e-8) / (probability.sum() + masks.sum() - both + 1e-8)
            (binary_cross_entropy_with_logits(logits, masks) + jaccard).backward()
            optimizer.step()

        times = milliseconds(words.runs, step)
    result |= {"median_ms": statistics.median(times), "min_ms": min(times), "max_ms": max(times),
               "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
    print(json.dumps(result))


main()
