#!/usr/bin/env python3
"""Writes surfaces.txt beside this file: distances between outlines of random masks, by SciPy's morphology and distance
transform. For each case: height, width, spacing of rows and columns; both masks, row by row; hd95 and assd."""
import pathlib

import numpy
import scipy
from scipy import ndimage


def outline(mask):
    return mask & ~ndimage.binary_erosion(mask)


def distances(a, b, spacing):
    to_b = ndimage.distance_transform_edt(~outline(b), sampling=spacing)
    return to_b[outline(a)]


def main():
    random = numpy.random.default_rng(1)
    lines = [f"# by tests/golden/surfaces.py: SciPy {scipy.__version__}, NumPy {numpy.__version__}"]
    for spacing in [(1.0, 1.0), (1.0, 1.0), (0.7, 0.7), (0.5, 1.25), (2.0, 0.3)]:
        height, width = random.integers(9, 20, 2)
        blobs = [ndimage.gaussian_filter(random.standard_normal((height, width)), 2) for _ in range(2)]
        a, b = (blob > numpy.quantile(blob, 0.6) for blob in blobs)
        there, back = distances(a, b, spacing), distances(b, a, spacing)
        hd95 = max(numpy.percentile(there, 95), numpy.percentile(back, 95))
        assd = numpy.concatenate([there, back]).mean()
        lines.append(f"{height} {width} {spacing[0]} {spacing[1]}")
        lines += ["".join(str(int(v)) for v in mask.flatten()) for mask in (a, b)]
        lines.append(f"{hd95:.12g} {assd:.12g}")
    pathlib.Path(__file__).with_suffix(".txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
