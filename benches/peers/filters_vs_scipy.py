#!/usr/bin/env python3
"""Times the filters beside SciPy, scikit-image, cc3d and edt on the same shapes, one thread each, in one run.

Usage: filters_vs_scipy.py [--binary PATH] [--rounds 3] [--only PART_OF_NAME]

Needs NumPy and SciPy; the other peers are compared with where they are installed. Builds and runs the example `time_filters` of hooke-filters unless --binary names
it. Both sides take turns case by case, so that other load on the machine meets both alike; the least
processor time of all rounds counts. A ratio above 1 means that Hooke is faster.

SciPy allocates the result of a transform at each call and Hooke does not: callers of either do as
timed here. Everything else is given its output memory on both sides. NumPy asks the system for huge pages for its
arrays; glibc is told to do so for ours.
"""

import argparse
import importlib
import json
import os
import pathlib
import subprocess
import time

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy
import scipy
from scipy import fft, ndimage, optimize


def optional(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


cc3d, edt, segmentation, morphology = map(optional, ("cc3d", "edt", "skimage.segmentation", "skimage.morphology"))

FOURIER = [
    # name of the group, least ratio wanted, shapes
    ("2^a 3^b", 1.2, [(256, 256), (512, 512), (2048, 2048), (768, 1152), (64, 512, 512), (128, 128, 128), (48, 432, 576)]),
    ("5-smooth", 1.0, [(500, 500), (60, 500, 500), (2160, 2560), (100, 240, 320), (1000, 1000)]),
    ("any", None, [(1000, 1022)]),
]


def cases():
    """Yields (group, wanted, name, function without arguments)."""
    random = numpy.random.default_rng(1)

    def volume(shape):
        return random.random(shape, dtype=numpy.float32)

    for group, wanted, shapes in FOURIER:
        for shape in shapes:
            src = volume(shape)
            spectrum = fft.rfftn(src)
            yield group, wanted, f"rfftn {list(shape)}", lambda: fft.rfftn(src, workers=1)
            yield group, wanted, f"irfftn {list(shape)}", lambda: fft.irfftn(spectrum, shape, workers=1)

    shape = (128, 512, 512)
    src = volume(shape)
    out = numpy.empty_like(src)
    for sigma in (1, 2, 10):
        wanted = 7.0 if sigma == 2 else None
        yield "gaussian", wanted, f"gaussian {sigma} {list(shape)}", lambda: ndimage.gaussian_filter(src, sigma, output=out)
    image, image_out = src.reshape(-1)[: 2048 * 2048].reshape(2048, 2048), out.reshape(-1)[: 2048 * 2048].reshape(2048, 2048)
    yield "gaussian", None, "gaussian 2 [2048, 2048]", lambda: ndimage.gaussian_filter(image, 2, output=image_out)
    blocks = src.reshape(64, 2, 256, 2, 256, 2)
    yield "resample", None, f"bin_mean 2 {list(shape)}", lambda: blocks.mean(axis=(1, 3, 5), out=out.reshape(-1)[: 64 * 256 * 256].reshape(64, 256, 256))

    shape = (64, 256, 256)
    src = volume(shape)
    out = numpy.empty_like(src)
    yield "resample", None, f"spline_coefficients {list(shape)}", lambda: ndimage.spline_filter(src, 3, output=out, mode="mirror")
    yield "resample", None, f"shift_linear {list(shape)}", lambda: ndimage.shift(src, (0.25, 0.5, 0.75), output=out, order=1, mode="nearest")
    levels = (src * 65535).astype(numpy.uint16)
    levels_out = numpy.empty_like(levels)
    footprint = numpy.ones((1, 3, 3), bool)
    yield "order", None, f"median 3x3 u16 {list(shape)}", lambda: ndimage.median_filter(levels, footprint=footprint, output=levels_out)
    yield "order", None, f"running_minimum 31 {list(shape)}", lambda: ndimage.minimum_filter1d(src, 31, axis=1, output=out)

    for shape in [(128, 256, 256), (2048, 2048)]:
        random_volume = volume(shape)
        mask = ndimage.gaussian_filter(random_volume, 2) > 0.5
        dots = random_volume > 0.7
        corners = 26 if len(shape) == 3 else 8
        if cc3d:
            yield "masks", 1.0, f"components {list(shape)}", lambda: cc3d.connected_components(mask, connectivity=corners)
            yield "masks", 1.0, f"components of noise {list(shape)}", lambda: cc3d.connected_components(dots, connectivity=corners)
        if edt:
            yield "masks", 1.0, f"distance {list(shape)}", lambda: edt.edt(mask, parallel=1)
        if segmentation:
            distance = ndimage.distance_transform_edt(mask).astype(numpy.float32)
            markers, _ = ndimage.label(morphology.h_maxima(distance, 0.5), numpy.ones([3] * len(shape)))
            yield "masks", None, f"watershed {list(shape)}", lambda: segmentation.watershed(-distance, markers, mask=mask)

    for rows, columns in [(30, 40), (300, 1200), (1000, 1000)]:
        uniform = random.random((rows, columns))
        yield "assignment", 1.5, f"assignment {[rows, columns]}", lambda: optimize.linear_sum_assignment(uniform)
        a, b = random.random((rows, 2)), random.random((columns, 2))
        near = numpy.hypot(*(a[:, None] - b[None]).transpose(2, 0, 1))
        yield "assignment", 1.5, f"assignment of points {[rows, columns]}", lambda: optimize.linear_sum_assignment(near)


def least_cpu_ms(work, seconds=1.0):
    work()
    begin, least, repetitions = time.perf_counter(), float("inf"), 0
    while repetitions < 3 or (time.perf_counter() - begin < seconds and repetitions < 50):
        start = time.process_time()
        work()
        least = min(least, (time.process_time() - start) * 1e3)
        repetitions += 1
    return least


def build(root):
    command = ["cargo", "build", "--release", "--package", "hooke-filters", "--example", "time_filters", "--message-format=json"]
    lines = subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    made = [json.loads(line).get("executable") for line in lines if '"executable"' in line]
    return next(path for path in reversed(made) if path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    binary = arguments.binary or build(pathlib.Path(__file__).resolve().parents[2])
    print(f"SciPy {scipy.__version__}, NumPy {numpy.__version__}; least processor time in ms, 1 thread each")
    print(f"{'case':34} {'SciPy':>10} {'Hooke':>10} {'ratio':>7}  wanted")
    for group, wanted, name, work in cases():
        if arguments.only not in name and arguments.only != group:
            continue
        theirs = ours = float("inf")
        for _ in range(arguments.rounds):
            theirs = min(theirs, least_cpu_ms(work))
            huge = {**os.environ, "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
            lines = subprocess.run([binary, "1", name], env=huge, check=True, stdout=subprocess.PIPE, text=True).stdout
            rows = [row for row in map(json.loads, lines.splitlines()) if row["name"] == name]
            ours = min(ours, rows[0]["cpu_ms"])
        verdict = "" if wanted is None else f">= {wanted}" + ("" if theirs >= wanted * ours else "  BELOW")
        print(f"{name:34} {theirs:10.3f} {ours:10.3f} {theirs / ours:7.2f}  {verdict}", flush=True)


if __name__ == "__main__":
    main()
