"""Reads blobs written by Hooke the way MagellanMapper, cellfinder, ClearMap and Neuroglancer do.

    cargo run --release -p hooke-io --example write_blobs -- OUT
    python tests/python/check_blobs.py OUT

Needs: pip install numpy. Exit code 1 when anything differs.
"""

import csv
import json
import sqlite3
import struct
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np


def half_even(values):
    return [round(v) for v in values]


def check_npz(folder, wanted):
    with np.load(folder / "blobs.npz", allow_pickle=True) as archive:
        info = {name: archive[name] for name in archive.files}
    assert int(info["ver"]) == 5, info["ver"]
    assert info["colocs"].dtype == object and info["colocs"].item() is None, info["colocs"]
    columns = list(info["columns"])
    assert columns == ["z", "y", "x", "radius", "confirmed", "truth", "channel", "region"], columns
    assert np.array_equal(info["resolutions"], [wanted["voxel_size_um"]]), info["resolutions"]
    assert str(info["basename"]) == "expt"
    assert np.array_equal(info["offset"], [0, 0, 0]) and np.array_equal(info["roi_size"], [20, 30, 40])
    segments = info["segments"]
    assert segments.shape == (len(wanted["blobs"]), 8) and segments.dtype == np.float64
    shortest = min(wanted["voxel_size_um"])
    for row, blob in zip(segments, wanted["blobs"]):
        assert np.array_equal(row[:3], blob["position"]), row
        assert abs(row[3] * shortest - blob["radius_um"]) < 1e-5, row
        rest = [blob[k] for k in ("confirmed", "truth", "channel", "region")]
        assert np.array_equal(row[4:], rest), row


def check_db(folder, wanted):
    db = sqlite3.connect(folder / "blobs.db")
    db.row_factory = sqlite3.Row
    cur = db.cursor()
    cur.execute("PRAGMA foreign_keys = ON")
    assert cur.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    assert cur.execute("SELECT version FROM about ORDER BY version DESC").fetchone()["version"] == 4
    experiment = cur.execute("SELECT * FROM experiments WHERE name = ?", ("expt",)).fetchone()
    roi = cur.execute(
        "SELECT * FROM rois WHERE experiment_id = ? AND series = 0 AND offset_x = 0 AND offset_y = 0"
        " AND offset_z = 0", (experiment["id"],)).fetchone()
    blobs = cur.execute("SELECT * FROM blobs WHERE roi_id = ? ORDER BY id", (roi["id"],)).fetchall()
    assert len(blobs) == len(wanted["blobs"])
    for row, blob in zip(blobs, wanted["blobs"]):
        assert [row["z"], row["y"], row["x"]] == half_even(blob["position"]), tuple(row)
        for key in ("confirmed", "truth", "channel"):
            assert row[key] == blob[key], tuple(row)
    matches = cur.execute(
        "SELECT blob1, blob2, dist FROM blob_matches WHERE roi_id = ? ORDER BY id", (roi["id"],))
    found = [[[m["blob1"], m["blob2"]], m["dist"]] for m in matches]
    assert found == wanted["matches"], found[:3]
    # As MagellanMapper adds: it must find its own columns and constraints.
    add = ("INSERT OR REPLACE INTO blobs (roi_id, x, y, z, radius, confirmed, truth, channel)"
           " VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
    cur.execute(add, (roi["id"], 900, 900, 900, 3.5, 1, -1, 0))
    cur.execute(add, (roi["id"], 900, 900, 900, 4.5, 0, -1, 0))
    assert cur.execute("SELECT count(*) FROM blobs WHERE x = 900").fetchone()[0] == 1
    db.rollback()
    db.close()


def check_matches(folder, wanted):
    with open(folder / "matches.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(wanted["matches"])
    for row, (ids, distance) in zip(rows, wanted["matches"]):
        assert [int(row["Blob1ID"]), int(row["Blob2ID"])] == ids
        assert float(row["Distance"]) == distance
        first = json.loads(row["Blob1"])
        assert first[:3] == wanted["blobs"][ids[0] - 1]["position"], row


def check_xml(folder, wanted):
    root = ElementTree.parse(folder / "cells.xml").getroot()
    found = []
    for kind in root.find("Marker_Data").findall("Marker_Type"):
        for marker in kind.findall("Marker"):
            place = [int(marker.find(f"Marker{axis}").text) for axis in "ZYX"]
            found.append((place, int(kind.find("Type").text)))
    rows = [(half_even(b["position"]), 2 if b["confirmed"] == 1 else 1) for b in wanted["blobs"]]
    assert sorted(found) == sorted(rows)


def check_npy(folder, wanted):
    cells = np.load(folder / "cells.npy")
    assert cells.dtype.names == ("x", "y", "z", "size", "source", "background"), cells.dtype
    places = np.stack([cells[axis] for axis in "zyx"], axis=1)
    assert np.array_equal(places, [b["position"] for b in wanted["blobs"]])
    assert (cells["source"] == 80).all() and (cells["background"] == 12.5).all()


def check_annotations(folder, wanted):
    root = folder / "annotations"
    info = json.loads((root / "info").read_text())
    assert info["annotation_type"] == "POINT"
    sizes = {"uint8": 1, "int8": 1, "uint16": 2, "int16": 2, "uint32": 4, "int32": 4, "float32": 4}
    widths = [sizes[p["type"]] for p in info["properties"]]
    assert widths == sorted(widths, reverse=True), "wide properties come first"
    item = 12 + sum(widths)
    item += -item % 4
    data = (root / info["spatial"][0]["key"] / "0_0_0").read_bytes()
    (count,) = struct.unpack("<Q", data[:8])
    assert len(data) == 8 + count * (item + 8) and count == len(wanted["blobs"])
    ids = struct.unpack(f"<{count}Q", data[8 + count * item:])
    shard = (root / "by_id" / "0.shard").read_bytes()
    begin, end = struct.unpack("<QQ", shard[:16])
    index = np.frombuffer(shard[16 + begin:16 + end], "<u8").reshape(3, -1)
    keys, starts = np.cumsum(index[0]), []
    at = 0
    for gap, size in zip(index[1], index[2]):
        starts.append(at + int(gap))
        at = starts[-1] + int(size)
    where = {int(k): shard[16 + s:16 + s + int(n)] for k, s, n in zip(keys, starts, index[2])}
    for n, (number, blob) in enumerate(zip(ids, wanted["blobs"])):
        one = data[8 + n * item:8 + (n + 1) * item]
        x, y, z = struct.unpack("<3f", one[:12])
        assert [z - 0.5, y - 0.5, x - 0.5] == blob["position"], (x, y, z)
        assert number == blob["id"] and where[number] == one


CHECKS = [check_npz, check_db, check_matches, check_xml, check_npy, check_annotations]


def main(folder):
    folder = Path(folder)
    wanted = json.loads((folder / "blobs.json").read_text())
    failed = 0
    for check in CHECKS:
        try:
            check(folder, wanted)
        except Exception as error:
            failed += 1
            print(f"{folder}: {check.__name__}: {type(error).__name__}: {error}")
    print(f"{folder}: {len(CHECKS)} files of blobs")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
