#!/usr/bin/env python3
"""Fuses simulated tiles to OME-Zarr beside plain copying and the codec alone, and with one thread and two.

Usage: fuse_vs_codec.py HOOKE [--kind easy] [--rounds 3]

The yardstick copies the fused volume chunk by chunk and packs each chunk with the same codec and level (zstd 3),
which any writer must do at least; it reads and writes no files. Processor seconds are compared, so that other load
counts for neither; the least of all rounds counts. The gain by a second thread is in wall seconds and wants a
quiet machine. Needs numpy, numcodecs and zarr.
"""

import argparse
import json
import os
import pathlib
import subprocess
import tempfile
import time

import numcodecs
import numpy
import zarr


def child(command):
    """Runs a command, gives its processor and wall seconds."""
    start = time.perf_counter()
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"failed: {' '.join(map(str, command))}")
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - start


def copy_and_codec(volume, chunk):
    """Processor seconds of copying and packing every chunk."""
    codec = numcodecs.Zstd(level=3)
    start = time.process_time()
    for z in range(0, volume.shape[0], chunk[0]):
        for y in range(0, volume.shape[1], chunk[1]):
            for x in range(0, volume.shape[2], chunk[2]):
                block = numpy.zeros(chunk, volume.dtype)
                part = volume[z : z + chunk[0], y : y + chunk[1], x : x + chunk[2]]
                block[: part.shape[0], : part.shape[1], : part.shape[2]] = part
                codec.encode(block)
    return time.process_time() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("hooke")
    parser.add_argument("--kind", default="easy")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    quiet = ["--quiet", "--overwrite"]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        child([args.hooke, "simulate", "tiles", "-o", folder / "tiles", "--kind", args.kind, "--seed", "1", *quiet])
        layout, placed, fused = folder / "layout.json", folder / "placed.json", folder / "fused.ome.zarr"
        align = [args.hooke, "stitch", "align", folder / "tiles" / "tiles.csv", "-o", layout, "--max-shift", "20", *quiet]
        fuse = [args.hooke, "stitch", "fuse", placed, "-o", fused, "--levels", "none", *quiet]
        times = {}
        for threads in ["2", "1"] * args.rounds:
            times.setdefault(("align", threads), []).append(child([*align, "--threads", threads]))
            child([args.hooke, "stitch", "place", layout, "-o", placed, *quiet])
            times.setdefault(("fuse", threads), []).append(child([*fuse, "--threads", threads]))
        array = zarr.open(fused / "0", mode="r")
        volume = numpy.squeeze(array[...])
        yardstick = min(copy_and_codec(volume, array.chunks[-3:]) for _ in range(args.rounds))
        cpu = min(cpu for cpu, _ in times["fuse", "1"])
        print(json.dumps({
            "kind": args.kind,
            "volume_mib": round(volume.nbytes / 2**20),
            "fuse_cpu_s": round(cpu, 3),
            "copy_and_codec_cpu_s": round(yardstick, 3),
            "fraction_of_copy_and_codec": round(yardstick / cpu, 3),
            **{
                f"{step}_gain_by_second_thread": round(
                    min(wall for _, wall in times[step, "1"]) / min(wall for _, wall in times[step, "2"]), 2
                )
                for step in ["align", "fuse"]
            },
        }))


if __name__ == "__main__":
    main()
