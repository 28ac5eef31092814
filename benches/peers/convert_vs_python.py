#!/usr/bin/env python3
"""Conversions and full decodes beside the Python packages that labs use for them.

Usage: convert_vs_python.py HOOKE [--decode TIME_DECODE FILE...] [--mib 512] [--rounds 3]

`zarr-to-zarr` writes an OME-Zarr with three levels, means of 2x2x2, from another one: ome-zarr-py with dask, same
chunks, same codec (zstd). `tiff-to-zarr` writes one level from a TIFF stack: tifffile and zarr-python. Two threads on
each side. `decode` opens ND2 files and reads all pixels: the package nd2, one thread. The least of all rounds counts;
processor seconds do not depend on other load, wall seconds want a quiet machine. Needs numpy, dask, ome-zarr, tifffile,
zarr and nd2.
"""

import argparse
import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time

CHUNK = (32, 128, 128)


def child(command):
    """Runs a command: its processor and wall seconds and peak MiB."""
    start = time.perf_counter()
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"failed: {' '.join(map(str, command))}")
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - start, usage.ru_maxrss / 1024


def peer(task, source, target):
    """What the child process of a peer does; prints its own seconds without the imports."""
    import dask
    import dask.array
    import tifffile
    import zarr
    from ome_zarr.scale import Methods
    from ome_zarr.writer import write_image

    dask.config.set(scheduler="threads", num_workers=2)
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    if task == "zarr-to-zarr":
        image = dask.array.from_zarr(f"{source}/0")
        factors = [{"z": n, "y": n, "x": n} for n in (2, 4)]
        options = {"chunks": CHUNK}
        write_image(image, str(target), scale_factors=factors, method=Methods.LOCAL_MEAN, axes="zyx", storage_options=options)
    else:
        image = tifffile.imread(source)
        array = zarr.create_array(str(target), shape=image.shape, chunks=CHUNK, dtype=image.dtype)
        array[...] = image
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps([cpu, time.perf_counter() - start, after.ru_maxrss / 1024]))


def make_volume(path, mib):
    """A TIFF stack of smooth structures with camera noise, as compressible as a real one."""
    import numpy
    import tifffile

    random = numpy.random.default_rng(1)
    shape = (max(1, mib * 2**20 // (2 * 1024 * 1024)), 1024, 1024)
    waves = numpy.sin(numpy.arange(1024) / 37.0)
    with tifffile.TiffWriter(path, bigtiff=True) as writer:
        for z in range(shape[0]):
            plane = 600 + 300 * numpy.outer(waves, waves) * numpy.sin(z / 11.0) + random.normal(0, 9, shape[1:])
            writer.write(plane.astype("uint16"), contiguous=True)


def compare(args, folder):
    tiff, source = folder / "stack.tif", folder / "source.ome.zarr"
    make_volume(tiff, args.mib)
    child([args.hooke, "convert", tiff, "-o", source, "--levels", "none", "--chunk", "32,128,128", "-q"])
    cases = {
        "zarr-to-zarr": (source, ["--levels", "3", "--factors", "2,2,2"]),
        "tiff-to-zarr": (tiff, ["--levels", "none"]),
    }
    for task, (path, options) in cases.items():
        ours, theirs = [], []
        for _ in range(args.rounds):
            out = folder / "out.ome.zarr"
            ours.append(child([args.hooke, "convert", path, "-o", out, "--overwrite", "-q", "--threads", "2", *options]))
            target = folder / "peer.ome.zarr"
            command = [sys.executable, __file__, "--peer", task, path, target]
            theirs.append(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1]))
            shutil.rmtree(target)
        result = {"case": task, "mib": args.mib}
        for i, name in enumerate(["cpu_s", "wall_s", "peak_mib"]):
            a, b = min(o[i] for o in ours), min(t[i] for t in theirs)
            result |= {name: round(a, 2), f"peer_{name}": round(b, 2), f"{name}_ratio": round(b / a, 2)}
        print(json.dumps(result), flush=True)


def decode(binary, files):
    import nd2

    lines = subprocess.run([binary, *files], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    for row in map(json.loads, lines):
        least, begin, repetitions = float("inf"), time.perf_counter(), 0
        while repetitions < 4 or time.perf_counter() - begin < 1:
            start = time.process_time()
            with nd2.ND2File(row["file"]) as file:
                file.asarray()
            least = min(least, (time.process_time() - start) * 1e3)
            repetitions += 1
        name = pathlib.Path(row["file"]).name
        print(json.dumps({**row, "case": "decode", "file": name, "peer_cpu_ms": round(least, 4), "cpu_ratio": round(least / row["cpu_ms"], 2)}), flush=True)


def main():
    if sys.argv[1:2] == ["--peer"]:
        return peer(*sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("hooke")
    parser.add_argument("--mib", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--decode", nargs="+", default=[], metavar=("TIME_DECODE", "FILE"))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        compare(args, pathlib.Path(folder))
    if args.decode:
        decode(args.decode[0], args.decode[1:])


if __name__ == "__main__":
    main()
