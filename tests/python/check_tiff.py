"""Reads TIFF, ImageJ and OME-TIFF files written by Hooke with tifffile and compares them with their list.

    for format in tiff imagej-tiff ome-tiff; do
        cargo run --release -p hooke-io --example write_matrix -- $format OUT/$format
    done
    python tests/python/check_tiff.py OUT/*

Needs: pip install tifffile imagecodecs numpy. Exit code 1 when anything differs.
"""

import hashlib
import json
import sys
import warnings
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import tifffile

OME = "{http://www.openmicroscopy.org/Schemas/OME/2016-06}"


def sha256(array):
    array = np.ascontiguousarray(array)
    return hashlib.sha256(array.astype(array.dtype.newbyteorder("<")).tobytes()).hexdigest()


def in_our_order(array, axes, wanted):
    """tifffile leaves axes of length 1 out and keeps the order of the file."""
    axes = axes.lower()
    for axis in wanted:
        if axis not in axes:
            array, axes = array[np.newaxis], axis + axes
    return array.transpose([axes.index(a) for a in wanted])


def close(found, wanted, what):
    assert found is not None and abs(found - wanted) <= 1e-6 * abs(wanted), f"{what}: {found}, not {wanted}"


def micrometres(page, axis):
    top, bottom = page.tags[f"{axis.upper()}Resolution"].value
    unit = {1: 1.0, 2: 25400.0, 3: 10000.0}[int(page.tags["ResolutionUnit"].value)]
    return unit * bottom / top


def check_imagej(file, entry):
    meta = file.imagej_metadata
    assert meta["unit"] in ("µm", "\\u00B5m"), meta["unit"]
    if "z" in entry["axes"]:
        close(meta["spacing"], entry["voxel_size_um"]["z"], "spacing")
    if entry["frame_interval_s"]:
        close(meta["finterval"], entry["frame_interval_s"], "finterval")
    if entry["channels"]:
        labels = meta["Labels"]
        assert labels[: len(entry["channels"])] == entry["channels"], labels
        tops = ["#%02X%02X%02X" % tuple(lut[:, 255]) for lut in meta["LUTs"]]
        assert tops == entry["colors"], tops


def check_ome(file, entry):
    image = ElementTree.fromstring(file.ome_metadata).find(f"{OME}Image")
    pixels = image.find(f"{OME}Pixels")
    assert image.get("Name") == entry["name"]
    for axis in "zyx":
        if axis in entry["axes"]:
            found = float(pixels.get(f"PhysicalSize{axis.upper()}"))
            assert found == entry["voxel_size_um"][axis], found
            assert pixels.get(f"PhysicalSize{axis.upper()}Unit") == "µm"
            found = float(pixels.find(f"{OME}Plane").get(f"Position{axis.upper()}"))
            assert found == entry["origin_um"][axis], found
    if "z" in entry["axes"]:
        heights = {float(p.get("PositionZ")) for p in pixels.findall(f"{OME}Plane")}
        assert len(heights) == entry["shape"][entry["axes"].index("z")], heights
    if entry["frame_interval_s"]:
        close(float(pixels.get("TimeIncrement")), entry["frame_interval_s"], "TimeIncrement")
    channels = pixels.findall(f"{OME}Channel")
    if entry["channels"]:
        assert [c.get("Name") for c in channels] == entry["channels"]
        colors = ["#%06X" % ((int(c.get("Color")) & 0xFFFFFFFF) >> 8) for c in channels]
        assert colors == entry["colors"], colors


def check(folder, entry):
    axes = entry["axes"]
    with tifffile.TiffFile(folder / entry["file"]) as file:
        assert len(file.series) == 1, [s.shape for s in file.series]
        series = file.series[0]
        kind = folder.name
        assert (series.kind, kind) in {("shaped", "tiff"), ("imagej", "imagej-tiff"), ("ome", "ome-tiff")}, series.kind
        for n, level in enumerate(series.levels):
            array = in_our_order(level.asarray(), level.axes, axes)
            wanted = entry["levels"][n - 1] if n else entry
            assert array.dtype == np.dtype(entry["dtype"]), array.dtype
            assert list(array.shape) == wanted["shape"], array.shape
            assert sha256(array) == wanted["sha256"], f"pixels of level {n}"
        assert len(series.levels) == 1 + len(entry["levels"])
        page = file.pages[0]
        for axis in "yx":
            close(micrometres(page, axis), entry["voxel_size_um"][axis], f"{axis} resolution")
        if kind == "imagej-tiff":
            check_imagej(file, entry)
        elif kind == "ome-tiff":
            check_ome(file, entry)


def main(folders):
    warnings.simplefilter("error")
    failed = total = 0
    for folder in map(Path, folders):
        for entry in json.loads((folder / "matrix.json").read_text()):
            total += 1
            try:
                check(folder, entry)
            except Exception as error:
                failed += 1
                print(f"{folder / entry['file']}: {type(error).__name__}: {error}")
    print(f"{total - failed} of {total} agree (tifffile {tifffile.__version__}, numpy {np.__version__})")
    return 1 if failed or not total else 0


if __name__ == "__main__":
    sys.exit(main([a for a in sys.argv[1:] if not a.startswith("--")]))
