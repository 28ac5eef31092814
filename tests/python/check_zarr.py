"""Reads OME-Zarr written by Hooke with zarr-python and ome-zarr-py and compares it with its list.

    cargo run --release -p hooke-io --example write_matrix -- ome-zarr-0.5 OUT
    python tests/python/check_zarr.py OUT [OUT...]

Needs: pip install zarr ome-zarr ome-zarr-models numpy. Exit code 1 when anything differs.
"""

import hashlib
import json
import logging
import sys
import warnings
from pathlib import Path

import numpy as np
import zarr
from ome_zarr_models.v04.image import Image as Image04
from ome_zarr_models.v05.image import Image as Image05
from ome_zarr.io import parse_url
from ome_zarr.reader import Reader


def sha256(array):
    array = np.ascontiguousarray(array)
    return hashlib.sha256(array.astype(array.dtype.newbyteorder("<")).tobytes()).hexdigest()


def mean_step(array, axes, factors):
    """One pyramid step by its definition: means of partial windows, ties to even."""
    shape = array.shape
    padded = [-(-n // factors.get(a, 1)) * factors.get(a, 1) for n, a in zip(shape, axes)]
    values = np.zeros(padded, np.float64)
    counts = np.zeros(padded, np.float64)
    where = tuple(slice(0, n) for n in shape)
    values[where], counts[where] = array, 1
    split = [m for n, a in zip(padded, axes) for m in (n // factors.get(a, 1), factors.get(a, 1))]
    over = tuple(range(1, 2 * len(shape), 2))
    mean = values.reshape(split).sum(over) / counts.reshape(split).sum(over)
    return (mean if array.dtype.kind == "f" else np.rint(mean)).astype(array.dtype)


def check(folder, entry):
    path = folder / entry["file"]
    axes = entry["axes"]
    group = zarr.open_group(path, mode="r")
    arrays = [group["0"]] + [group[str(n + 1)] for n in range(len(entry["levels"]))]
    level0 = arrays[0][...]
    assert level0.dtype == np.dtype(entry["dtype"]), level0.dtype
    assert list(level0.shape) == entry["shape"], level0.shape
    assert sha256(level0) == entry["sha256"], "pixels of level 0"
    for n, level in enumerate(entry["levels"], 1):
        assert list(arrays[n].shape) == level["shape"], f"shape of level {n}"
        assert sha256(arrays[n][...]) == level["sha256"], f"pixels of level {n}"
    # 64-bit integers do not fit the f64 of this definition.
    if np.dtype(entry["dtype"]).itemsize < 8:
        expected = mean_step(level0, axes, {"y": 2, "x": 2})
        assert np.array_equal(arrays[1][...], expected), "level 1 is not the mean of level 0"
        expected = mean_step(expected, axes, {"z": 2, "y": 2, "x": 2})
        assert np.array_equal(arrays[2][...], expected), "level 2 is not the mean of level 1"
    if group.metadata.zarr_format == 3:
        assert list(arrays[0].metadata.dimension_names) == list(axes), "dimension names"

    # The strict models of the specification.
    (Image05 if group.metadata.zarr_format == 3 else Image04).from_zarr(group)

    (node, *_) = Reader(parse_url(str(path), mode="r"))()
    assert [a["name"] for a in node.metadata["axes"]] == list(axes), node.metadata["axes"]
    units = {a["name"]: a.get("unit") for a in node.metadata["axes"]}
    (scale, translation) = node.metadata["coordinateTransformations"][0]
    for i, axis in enumerate(axes):
        if axis in "zyx":
            assert units[axis] == "micrometer", units
            assert scale["scale"][i] == entry["voxel_size_um"][axis], scale
            assert translation["translation"][i] == entry["origin_um"][axis], translation
        elif axis == "t":
            assert units["t"] == "second" and scale["scale"][i] == entry["frame_interval_s"]
    assert sha256(np.asarray(node.data[0])) == entry["sha256"], "pixels through ome-zarr-py"
    assert len(node.data) == 1 + len(entry["levels"])
    if entry["channels"]:
        assert node.metadata["channel_names"] == entry["channels"], node.metadata["channel_names"]
        ramps = [[round(255 * v) for v in ramp[1]] for ramp in node.metadata["colormap"]]
        colors = ["#%02X%02X%02X" % tuple(c) for c in ramps]
        assert colors == entry["colors"], colors


def main(folders):
    warnings.simplefilter("error", UserWarning)
    # For every store of 0.4 it says that it was asked for 0.5, its default.
    logging.getLogger("ome_zarr.io").setLevel(logging.ERROR)
    failed = total = 0
    for folder in map(Path, folders):
        for entry in json.loads((folder / "matrix.json").read_text()):
            total += 1
            try:
                check(folder, entry)
            except Exception as error:
                failed += 1
                print(f"{folder / entry['file']}: {type(error).__name__}: {error}")
    print(f"{total - failed} of {total} agree (zarr {zarr.__version__}, numpy {np.__version__})")
    return 1 if failed or not total else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
