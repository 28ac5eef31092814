#!/usr/bin/env python3
"""Shows that memory does not grow with the data: stitches 400 tiles that all point to one file.

Usage: memory.py HOOKE [--limit-mib 512]

Each step runs in a memory cgroup of that limit where one can be made (as root, on Linux), so that a step that
needs more is killed; page cache counts there too and is given back under pressure. Elsewhere the step's peak
resident size is compared with the limit.
"""

import argparse
import json
import os
import pathlib
import subprocess
import tempfile


def cgroup(limit_mib):
    """Makes a memory cgroup and returns its folder, or None where that is not allowed."""
    for parent, limit in [("memory", "memory.limit_in_bytes"), ("", "memory.max")]:
        folder = pathlib.Path("/sys/fs/cgroup", parent, f"hooke-bench-{os.getpid()}")
        try:
            folder.mkdir()
            (folder / limit).write_text(str(int(limit_mib * 2**20)))
            return folder
        except OSError:
            if folder.exists():
                folder.rmdir()
    return None


def peak_mib(command, group):
    """Runs a command, in the cgroup if there is one, and gives its peak resident size in MiB."""
    enter = (lambda: (group / "cgroup.procs").write_text(str(os.getpid()))) if group else None
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, preexec_fn=enter)
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"failed, with {os.waitstatus_to_exitcode(status)}: {' '.join(map(str, command))}")
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
        group = cgroup(args.limit_mib)
        for name, command in steps.items():
            mib = peak_mib(command, group)
            worst = max(worst, mib)
            print(json.dumps({"step": name, "peak_mib": round(mib, 1), "data_mib": args.side**2 * 32, "cgroup": group is not None}), flush=True)
        if group:
            group.rmdir()
        if worst > args.limit_mib:
            raise SystemExit(f"peak {worst:.0f} MiB is above {args.limit_mib:.0f} MiB")


if __name__ == "__main__":
    main()
