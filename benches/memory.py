#!/usr/bin/env python3
"""Shows that memory does not grow with the data: stitches 400 tiles that all point to one file.

Usage: memory.py HOOKE [--limit-mib 512]

Each step runs as a child; its peak resident size is read from wait4. The address space is bounded too, so that
a step that asks for more fails instead of swapping.
"""

import argparse
import json
import os
import pathlib
import subprocess
import tempfile


def peak_mib(command):
    """Runs a command, gives its peak resident size in MiB."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"failed: {' '.join(map(str, command))}")
    return usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("hooke")
    parser.add_argument("--limit-mib", type=float, default=512)
    parser.add_argument("--side", type=int, default=20, help="tiles along y and x")
    args = parser.parse_args()
    common = ["--threads", "2", "--memory", "384MiB", "--quiet", "--overwrite"]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        one = folder / "one"
        subprocess.run([args.hooke, "simulate", "tiles", "-o", one, "--grid", "1,1", "--tile", "64,512,512", "--quiet"], check=True)
        rows = ["path,name,grid_z,grid_y,grid_x,z_px,y_px,x_px"]
        step = 512 - 61
        for y in range(args.side):
            for x in range(args.side):
                rows.append(f"one/tile_0_0_0.tif,t{y}_{x},0,{y},{x},0,{y * step},{x * step}")
        (folder / "tiles.csv").write_text("\n".join(rows) + "\n")
        layout, placed = folder / "layout.json", folder / "placed.json"
        nominal = folder / "nominal.ome.zarr"
        steps = {
            "align": [args.hooke, "stitch", "align", folder / "tiles.csv", "-o", layout, "--max-shift", "8", *common],
            "place": [args.hooke, "stitch", "place", layout, "-o", placed, "--quiet", "--overwrite"],
            "fuse": [args.hooke, "stitch", "fuse", placed, "-o", nominal, "--nominal", *common],
            "preview": [args.hooke, "stitch", "preview", placed, "-o", folder / "report.html", "--nominal", "--quiet", "--overwrite"],
        }
        worst = 0.0
        for name, command in steps.items():
            mib = peak_mib(command)
            worst = max(worst, mib)
            print(json.dumps({"step": name, "peak_mib": round(mib, 1), "data_mib": args.side**2 * 32}), flush=True)
        if worst > args.limit_mib:
            raise SystemExit(f"peak {worst:.0f} MiB is above {args.limit_mib:.0f} MiB")


if __name__ == "__main__":
    main()
