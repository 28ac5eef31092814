"""Reads N5 and NPZ written by Hooke with tensorstore and numpy and compares it with its list.

    cargo run --release -p hooke-io --example write_matrix -- n5 OUT
    python tests/python/check_n5.py OUT [OUT...]

Needs: pip install tensorstore numpy. Exit code 1 when anything differs.
"""

import hashlib
import json
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import tensorstore


def sha256(array):
    array = np.ascontiguousarray(array)
    return hashlib.sha256(array.astype(array.dtype.newbyteorder("<")).tobytes()).hexdigest()


def read(path):
    """An array with its slowest axis first."""
    spec = {"driver": "n5", "kvstore": {"driver": "file", "path": str(path)}}
    array = tensorstore.open(spec, open=True).result().read().result()
    return array.transpose()


def levels_of(entry):
    """Full shapes and hashes of all levels; time and channel are always there."""
    sizes = dict(zip(entry["axes"], entry["shape"]))
    first = {"shape": [sizes.get(a, 1) for a in "tczyx"], "sha256": entry["sha256"]}
    return [first] + entry["levels"]


def check_n5(path, entry):
    known = json.loads((path / "attributes.json").read_text())
    assert known["axes"] == list(reversed(entry["axes"])), known["axes"]
    for n, level in enumerate(levels_of(entry)):
        array = read(path / f"s{n}")
        assert array.dtype == np.dtype(entry["dtype"]), array.dtype
        assert array.ndim == len(entry["axes"]), array.shape
        assert array.size == np.prod(level["shape"]), array.shape
        assert sha256(array) == level["sha256"], f"pixels of level {n}"
    if "pixelResolution" in known:
        found = dict(zip(known["axes"], known["pixelResolution"]["dimensions"]))
        wanted = {a: v for a, v in entry["voxel_size_um"].items() if v is not None}
        assert all(abs(found[a] - v) < 1e-9 for a, v in wanted.items()), found


def check_bdv(path, entry):
    loader = ElementTree.parse(path).getroot().find("SequenceDescription/ImageLoader")
    assert loader.attrib["format"] == "bdv.n5", loader.attrib
    container = path.parent / loader.find("n5").text
    for n, level in enumerate(levels_of(entry)):
        whole = np.zeros(level["shape"], entry["dtype"])
        for t in range(whole.shape[0]):
            for c in range(whole.shape[1]):
                whole[t, c] = read(container / f"setup{c}/timepoint{t}/s{n}")
        assert sha256(whole) == level["sha256"], f"pixels of level {n}"
    setup = json.loads((container / "setup0/attributes.json").read_text())
    assert setup["dataType"] == entry["dtype"], setup
    assert len(setup["downsamplingFactors"]) == len(levels_of(entry)), setup


def check_npz(path, entry):
    with np.load(path) as archive:
        assert archive["image"].dtype == np.dtype(entry["dtype"])
        assert list(archive["image"].shape) == entry["shape"]
        assert sha256(archive["image"]) == entry["sha256"], "pixels"
        assert str(archive["axes"]) == entry["axes"], archive["axes"]
        wanted = [entry["voxel_size_um"][a] for a in "zyx"]
        wanted = np.array([np.nan if v is None else v for v in wanted])
        assert np.array_equal(archive["voxel_size_um"], wanted, equal_nan=True)


CHECKS = {".n5": check_n5, ".xml": check_bdv, ".npz": check_npz}


def main(folders):
    failed = 0
    for folder in map(Path, folders):
        entries = json.loads((folder / "matrix.json").read_text())
        for entry in entries:
            path = folder / entry["file"]
            try:
                CHECKS[path.suffix](path, entry)
            except Exception as error:
                failed += 1
                print(f"{path}: {type(error).__name__}: {error}")
        print(f"{folder}: {len(entries)} files")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
