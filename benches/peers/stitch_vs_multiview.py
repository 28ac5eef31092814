#!/usr/bin/env python3
"""Aligns simulated tiles with Hooke and with multiview-stitcher, in one run, on the same files.

Usage: stitch_vs_multiview.py HOOKE [--kinds easy,subpixel,hard] [--small] [--seed 1] [--skip-peer]

Each side is a process of its own; processor seconds are those of the finished child (getrusage), so that
other load counts for neither. Errors are positions minus truth after removing the mean difference.
Needs numpy, tifffile, multiview-stitcher.
"""

import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

PEER = """
import json, sys
import numpy as np, tifffile
from multiview_stitcher import msi_utils, registration, spatial_image_utils as si, param_utils
folder = sys.argv[1]
truth = json.load(open(folder + "/truth.json"))
msims = []
for tile in truth["tiles"]:
    array = tifffile.imread(f"{folder}/{tile['name']}.tif")
    array = array if array.ndim == 3 else array[None]
    dims = ["z", "y", "x"] if array.shape[0] > 1 else ["y", "x"]
    array = array if array.shape[0] > 1 else array[0]
    nominal = dict(zip("zyx", tile["nominal"]))
    sim = si.get_sim_from_array(array, dims=dims, scale={d: 1.0 for d in dims}, translation={d: nominal[d] for d in dims}, transform_key="stage")
    msims.append(msi_utils.get_msim_from_sim(sim, scale_factors=[]))
registration.register(msims, transform_key="stage", new_transform_key="out", reg_channel_index=0,
    registration_binning={d: 1 if d == "z" else 2 for d in dims}, overlap_tolerance=10.0)
out = []
for msim, tile in zip(msims, truth["tiles"]):
    affine = np.array(msi_utils.get_transform_from_msim(msim, transform_key="out")).reshape(-1, len(dims) + 1, len(dims) + 1)[0]
    shift = affine[:-1, -1]
    shift = shift if len(shift) == 3 else np.concatenate([[0.0], shift])
    out.append((np.array(tile["nominal"]) + shift).tolist())
json.dump(out, open(sys.argv[2], "w"))
"""


def child(command):
    """Runs a command; gives its user plus system seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def errors(positions, truth):
    """Root mean square and largest error after removing the mean difference."""
    import numpy

    difference = numpy.array(positions) - numpy.array(truth)
    difference -= difference.mean(axis=0)
    lengths = numpy.sqrt((difference**2).sum(axis=1))
    return float(numpy.sqrt((lengths**2).mean())), float(lengths.max())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("hooke")
    parser.add_argument("--kinds", default="easy,subpixel,hard")
    parser.add_argument("--small", action="store_true", help="tiles of 32x256x256, overlap 40, jitter 4,8,8")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--skip-peer", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    for kind in args.kinds.split(","):
        with tempfile.TemporaryDirectory() as folder:
            run(args, kind, pathlib.Path(folder))


def run(args, kind, folder):
    size = ["--tile", "32,256,256", "--overlap", "40", "--jitter", "4,8,8"] if args.small else ["--tile", "64,512,512", "--overlap", "12%", "--jitter", "8"]
    tiles, layout, placed = folder / "tiles", folder / "layout.json", folder / "placed.json"
    subprocess.run([args.hooke, "simulate", "tiles", "-o", tiles, "--kind", kind, "--grid", "3,3", "--seed", args.seed, "--quiet", *size], check=True)
    truth = [t["true"] for t in json.loads((tiles / "truth.json").read_text())["tiles"]]
    shift = "z=8,y=16,x=16" if args.small else "16"
    seconds = min(
        child([args.hooke, "stitch", "align", tiles / "tiles.csv", "-o", layout, "--max-shift", shift, "--quiet", "--overwrite"])
        for _ in range(args.rounds)
    )
    child([args.hooke, "stitch", "place", layout, "-o", placed, "--quiet", "--overwrite"])
    positions = [t["position_px"] for t in json.loads(placed.read_text())["tiles"]]
    rms, largest = errors(positions, truth)
    row = {"kind": kind, "small": args.small, "hooke_cpu_s": round(seconds, 3), "hooke_rms_px": round(rms, 4), "hooke_max_px": round(largest, 4)}
    if not args.skip_peer:
        script, answer = folder / "peer.py", folder / "peer.json"
        script.write_text(PEER)
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        peer = child([sys.executable, script, tiles, answer])
        rms, largest = errors(json.loads(answer.read_text()), truth)
        row |= {"peer_cpu_s": round(peer, 1), "peer_rms_px": round(rms, 3), "peer_max_px": round(largest, 3), "peer_over_hooke": round(peer / seconds, 1)}
    print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
