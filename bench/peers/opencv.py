#!/usr/bin/env python3
"""Times OpenCV's dnn:  opencv.py MODEL.onnx DUMP CxHxW THREADS RUNS. The last line is JSON."""
import json
import resource
import statistics
import sys
import time

import cv2
import numpy

model, dump, shape, threads, runs = *sys.argv[1:4], int(sys.argv[4]), int(sys.argv[5])
cv2.setNumThreads(threads)
network = cv2.dnn.readNetFromONNX(model)
image = numpy.fromfile(f"{dump}.input.f32", numpy.float32).reshape([1, *map(int, shape.split("x"))])
expected = numpy.fromfile(f"{dump}.output.f32", numpy.float32).reshape([1, 1, *image.shape[2:]])


def predict():
    network.setInput(image)
    return network.forward()


difference = float(numpy.abs(predict() - expected).max())
times = []
for _ in range(runs):
    begin = time.perf_counter()
    predict()
    times.append(1e3 * (time.perf_counter() - begin))
print(json.dumps({"version": cv2.__version__, "difference": difference, "median_ms": statistics.median(times),
                  "min_ms": min(times), "max_ms": max(times),
                  "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
