"""Reads HDF5, netCDF-4, BigDataViewer and NPY files written by Hooke with h5py, xarray, npy2bdv and numpy.

    for f in hdf5 netcdf bdv npy; do
        cargo run --release -p hooke-io --example write_matrix -- $f OUT/$f
    done
    python tests/python/check_hdf5.py OUT/hdf5 OUT/netcdf OUT/bdv OUT/npy

Needs: pip install h5py npy2bdv numpy xarray h5netcdf netCDF4. Exit code 1 when anything differs.
"""

import hashlib
import json
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import h5py
import npy2bdv
import numpy as np
import xarray


def sha256(array):
    array = np.ascontiguousarray(array)
    return hashlib.sha256(array.astype(array.dtype.newbyteorder("<")).tobytes()).hexdigest()


def same(found, wanted):
    if wanted is None:
        return found is None or np.isnan(found)
    return abs(found - wanted) <= 1e-9 * abs(wanted)


def check_space(entry, sizes, origin):
    for i, axis in enumerate("zyx"):
        assert same(sizes[i], entry["voxel_size_um"][axis]), f"voxel size {axis}: {sizes}"
        assert same(origin[i], entry["origin_um"][axis]), f"origin {axis}: {origin}"


def check_hdf5(path, entry):
    with h5py.File(path, "r") as file:
        image = file["image"]
        assert image.chunks and image.compression == "gzip", "chunked and gzipped"
        assert image.shuffle == (image.dtype.itemsize > 1), "shuffled"
        assert image.dtype == np.dtype(entry["dtype"]), image.dtype
        assert sha256(image[...]) == entry["sha256"], "pixels"
        assert image.attrs["axes"] == entry["axes"], image.attrs["axes"]
        check_space(entry, image.attrs["element_size_um"], image.attrs["origin_um"])
        assert image.attrs.get("frame_interval_s") == entry["frame_interval_s"]
        if entry["channels"]:
            assert list(image.attrs["channel_names"]) == entry["channels"]
            assert list(image.attrs["channel_colors"]) == entry["colors"]


def check_netcdf(path, entry):
    names = ["channel" if a == "c" else a for a in entry["axes"]]
    # None: as a user calls it, without options.
    for engine in (None, "h5netcdf", "netcdf4"):
        with xarray.open_dataset(path, engine=engine) as file:
            image = file["image"]
            assert list(image.dims) == names and list(image.shape) == entry["shape"], image.dims
            assert image.dtype == np.dtype(entry["dtype"]), f"{engine}: {image.dtype}"
            assert sha256(image.values) == entry["sha256"], f"{engine}: pixels"
            assert list(file.data_vars) == ["image"], f"{engine}: {list(file.data_vars)}"
            for axis in set("zyx") & set(names):
                along = file[axis]
                assert along.attrs["units"] == "micrometer" and along.dims == (axis,)
                size, first = entry["voxel_size_um"][axis], entry["origin_um"][axis]
                wanted = first + size * np.arange(along.size)
                assert np.allclose(along.values, wanted, rtol=1e-12, atol=0), f"{engine}: {axis}"
            if "t" in names:
                wanted = entry["frame_interval_s"] * np.arange(file["t"].size)
                assert np.array_equal(file["t"].values, wanted), f"{engine}: t {file['t'].values}"
            if entry["channels"]:
                assert list(file["channel"].values) == entry["channels"], f"{engine}: channel"
                assert image.sel(channel=entry["channels"][-1]).shape == image.shape[:names.index("channel")] + image.shape[names.index("channel") + 1:]
            # What xarray makes of it, it writes again.
            if engine:
                file.to_netcdf(path.with_suffix(".again"), engine=engine)
                path.with_suffix(".again").unlink()


def check_npy(path, entry):
    for how in (None, "r"):
        array = np.load(path, mmap_mode=how)
        assert array.dtype == np.dtype(entry["dtype"]) and list(array.shape) == entry["shape"]
        assert sha256(array) == entry["sha256"], "pixels"
    beside = json.loads(Path(str(path) + ".json").read_text())
    assert beside["axes"] == entry["axes"]
    check_space(entry, [beside["voxel_size_um"][a] for a in "zyx"], [beside["origin_um"][a] for a in "zyx"])


def check_bdv(path, entry):
    full = [dict(zip(entry["axes"], entry["shape"])).get(a, 1) for a in "tczyx"]
    times, channels = full[:2]
    with h5py.File(path.with_suffix(".h5"), "r") as file:
        views = np.stack([
            np.stack([file[f"t{t:05}/s{c:02}/0/cells"][...] for c in range(channels)])
            for t in range(times)
        ])
        assert list(views.shape) == full, views.shape
        group = file["s00"]
        if entry["dtype"] == "uint16":
            assert views.dtype == np.int16 and "dataType" not in group.attrs
            views = views.view(np.uint16)
        else:
            declared = group.attrs["dataType"]
            declared = declared.decode() if isinstance(declared, bytes) else declared
            assert declared == entry["dtype"] and views.dtype == np.dtype(entry["dtype"])
        assert sha256(views) == entry["sha256"], "pixels"
        levels = 1 + len(entry["levels"])
        assert group["resolutions"].shape == (levels, 3) and group["resolutions"].dtype == np.float64
        assert group["subdivisions"].shape == (levels, 3) and group["subdivisions"].dtype == np.int32
        for n, level in enumerate(entry["levels"], 1):
            stack = [[file[f"t{t:05}/s{c:02}/{n}/cells"][...] for c in range(channels)] for t in range(times)]
            stack = np.asarray(stack)
            stack = stack.view(np.uint16) if entry["dtype"] == "uint16" else stack
            assert sha256(stack) == level["sha256"], f"pixels of level {n}"
            cells = file[f"t00000/s00/{n}/cells"]
            assert list(group["subdivisions"][n]) == list(cells.chunks)[::-1]
            f = group["resolutions"][n][::-1]
            assert [-(-s // k) for s, k in zip(full[2:], f)] == list(cells.shape), "level shape"
        # Readers of HDF5 1.8, such as Fiji's: superblock 2 at most, chunks in a version-1 B-tree.
        assert file.id.get_create_plist().get_version()[0] <= 2, "superblock"
    raw = path.with_suffix(".h5").read_bytes()
    assert b"TREE" in raw, "no version-1 B-tree"

    if entry["dtype"] == "uint16":
        editor = npy2bdv.BdvEditor(str(path.with_suffix(".h5")))
        view = editor.read_view(time=times - 1, channel=channels - 1)
        assert np.array_equal(view, views[-1, -1]), "pixels through npy2bdv"
        assert editor.get_attribute_count()[::2] == (times, channels, 1), "counts through npy2bdv"

    root = ET.parse(path).getroot()
    setups = root.findall(".//ViewSetup")
    assert len(setups) == channels
    for setup in setups:
        assert [int(v) for v in setup.find("size").text.split()] == full[:1:-1]
        sizes = [float(v) for v in setup.find("voxelSize/size").text.split()][::-1]
    registrations = root.findall(".//ViewRegistration")
    assert len(registrations) == channels * times
    for registration in registrations:
        model = np.eye(4)
        for affine in registration.iter("affine"):
            matrix = np.vstack([np.array(affine.text.split(), float).reshape(3, 4), [0, 0, 0, 1]])
            model = model @ matrix
        for i, axis in enumerate("zyx"):
            # Where nothing is known the XML must still hold a number.
            if entry["voxel_size_um"][axis] is not None:
                offset = model[2 - i, 3] / model[2 - i, 2 - i] * sizes[i]
                assert same(sizes[i], entry["voxel_size_um"][axis]), sizes
                assert same(offset, entry["origin_um"][axis]), offset
    if channels > 1:
        names = [n.find("name").text for n in root.findall(".//Attributes[@name='channel']/Channel")]
        assert names == entry["channels"], names


CHECKS = {".h5": check_hdf5, ".nc": check_netcdf, ".xml": check_bdv, ".npy": check_npy}


def main(folders):
    failed = total = 0
    for folder in map(Path, folders):
        for entry in json.loads((folder / "matrix.json").read_text()):
            total += 1
            path = folder / entry["file"]
            try:
                CHECKS[path.suffix](path, entry)
            except Exception as error:
                failed += 1
                print(f"{path}: {type(error).__name__}: {error}")
    print(f"{total - failed} of {total} agree (h5py {h5py.__version__}, numpy {np.__version__})")
    return 1 if failed or not total else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
