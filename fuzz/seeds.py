"""Makes the seeds of every fuzz target with tools other than ours: seeds.py fuzz/corpus

Small files of each kind that a reader tells apart, so that a few seconds of fuzzing begin inside every
branch. Needs: tests/python/requirements.txt. Seeds of `expression` are written by hand,
those of nd2, czi and lif by the readers' tests (README.md).
"""

import itertools
import json
import sys
import tempfile
from pathlib import Path

import npy2bdv
import numcodecs
import numpy as np
import tifffile
import zarr
from zarr import codecs as v3

out = Path(sys.argv[1])
rng = np.random.default_rng(7)


def image(shape, dtype="uint16"):
    """A gradient with a little noise, which every codec can make smaller."""
    ramp = np.indices(shape).sum(0) * 3 + rng.integers(0, 3, shape)
    return ramp.astype(dtype)


def folder(name):
    (out / name).mkdir(parents=True, exist_ok=True)
    return out / name


def tiff():
    to = folder("tiff")

    def write(name, array, **how):
        tifffile.imwrite(to / f"{name}.tif", array, **({"metadata": None, "software": False} | how))

    plane = image((20, 24))
    for codec in ["none", "lzw", "zlib", "zstd", "packbits", "jpeg2000", "lzma"]:
        write(f"strips-{codec}", plane, compression=codec, rowsperstrip=8)
    write("tiles-jpeg", image((32, 32), "uint8"), compression="jpeg", tile=(16, 16))
    write("tiles-big-endian", image((20, 40), "int32"), byteorder=">", bigtiff=True, tile=(16, 16), compression="zlib")
    write("predictor-horizontal", plane, compression="lzw", predictor=2)
    write("predictor-float", image((20, 24), "float32"), compression="zlib", predictor=3)
    write("rgb", image((9, 10, 3), "uint8"), photometric="rgb")
    write("planar", image((3, 9, 10)), photometric="rgb", planarconfig="separate")
    write("bits", image((9, 10), "uint8") > 20, compression="packbits")
    write("f16", image((9, 10), "float16"), resolution=(1e4, 1e4), resolutionunit="CENTIMETER")
    write("imagej", image((2, 2, 2, 6, 7)), imagej=True,
          metadata={"axes": "TZCYX", "spacing": 2.0, "unit": "um", "finterval": 0.5, "Labels": ["a", "b"] * 4})
    write("shaped", image((2, 3, 6, 7)), metadata={"axes": "TZYX"})
    ome = {"axes": "TCZYX", "PhysicalSizeX": 0.3, "PhysicalSizeXUnit": "µm", "Channel": {"Name": ["a", "b"]},
           "Plane": {"PositionX": [1.0] * 8, "PositionXUnit": ["µm"] * 8}}
    write("ome", image((2, 2, 2, 6, 7)), ome=True, metadata=ome)
    with tifffile.TiffWriter(to / "ome-levels.tif", ome=True) as file:
        file.write(image((32, 32)), tile=(16, 16), subifds=1, metadata={"axes": "YX"})
        file.write(image((16, 16)), tile=(16, 16), subfiletype=1)


def npy():
    to = folder("npy")
    for dtype in ["|b1", "|u1", ">i4", "<u8", "<f2", ">f8", "<c8"]:
        np.save(to / f"{dtype[1:]}.npy", image((3, 4), dtype))
    np.save(to / "fortran.npy", np.asfortranarray(image((2, 3, 4))))
    for version in [(1, 0), (2, 0), (3, 0)]:
        with open(to / f"version-{version[0]}.npy", "wb") as file:
            np.lib.format.write_array(file, image((5, 2, 3, 4)), version=version)


def bdv_xml():
    to = folder("bdv_xml")
    with tempfile.TemporaryDirectory() as scratch:
        writer = npy2bdv.BdvWriter(f"{scratch}/a.h5", nchannels=2, ntiles=2, subsamp=((1, 1, 1), (1, 2, 2)), overwrite=True)
        for c, tile in itertools.product(range(2), range(2)):
            affine = np.array([[1, 0, 0, 7.5], [0, 1, 0, -2], [0, 0.1, 4, 0]])
            writer.append_view(image((2, 4, 4)), time=0, channel=c, tile=tile, m_affine=affine, name_affine="stage",
                               voxel_size_xyz=(0.3, 0.3, 1.2), voxel_units="um", exposure_time=5)
        writer.write_xml()
        writer.close()
        text = Path(f"{scratch}/a.xml").read_text()
    (to / "npy2bdv.xml").write_text(text)
    short = text.replace("  ", "").replace("\n", "")
    missing = '<MissingViews><MissingView timepoint="0" setup="1"/></MissingViews>'
    (to / "missing.xml").write_text(short.replace("<MissingViews />", missing))
    stack = '<Stack N_CHANS="1" ROW="{}" COL="1" ABS_V="100" ABS_H="-5" ABS_D="7.5" STITCHABLE="no" ' \
            'DIR_NAME="0/0_0" Z_RANGES="[0,5)[9,20)" IMG_REGEX="a.tif"><NORTH_displacements /></Stack>'
    (to / "terastitcher.xml").write_text(
        '<!DOCTYPE TeraStitcher SYSTEM "TeraStitcher.DTD"><TeraStitcher><stacks_dir value="..\\tiles" />'
        '<voxel_dims V="0.8" H="0.7" D="1" /><STACKS>' + stack.format(0) + stack.format(1) + "</STACKS></TeraStitcher>")


def ngff_group(version, axes, scales):
    kinds = {"t": {"type": "time", "unit": "second"}, "c": {"type": "channel"}}
    space = {"type": "space", "unit": "micrometer"}
    steps = [{"type": "scale", "scale": scales}, {"type": "translation", "translation": [1.5] * len(axes)}]
    image = {"name": "a", "axes": [{"name": a} | kinds.get(a, space) for a in axes],
             "datasets": [{"path": "0", "coordinateTransformations": steps}]}
    channels = [{"label": "dna", "color": "0000FF", "window": {"start": 0, "end": 9, "min": 0, "max": 99}}]
    ome = {"multiscales": [image], "omero": {"channels": channels}}
    if version == 2:
        image["version"] = "0.4"
        return ome
    return {"zarr_format": 3, "node_type": "group", "attributes": {"ome": {"version": "0.5"} | ome}}


def ngff():
    """`V\\n`, the group's metadata, the array's, and the bytes of every chunk, with `\\n--\\n` between them."""
    to = folder("ngff")
    axes_of = {2: "yx", 3: "zyx", 5: "tczyx"}
    shapes = {2: (7, 9), 3: (3, 7, 9), 5: (2, 2, 3, 5, 6)}
    kinds = [
        (2, 2, "u2", dict(compressors=numcodecs.Zlib(1))),
        (2, 3, ">i4", dict(compressors=numcodecs.Blosc("lz4"), order="F")),
        (2, 5, "f4", dict(compressors=numcodecs.Zstd(1), chunk_key_encoding={"name": "v2", "separator": "/"})),
        (2, 3, "u1", dict(compressors=None, filters=[numcodecs.Delta("u1")])),
        (3, 2, "u2", dict(compressors=v3.GzipCodec(level=1))),
        (3, 3, "f8", dict(compressors=[v3.BloscCodec(cname="zstd"), v3.Crc32cCodec()])),
        (3, 5, "i2", dict(compressors=v3.ZstdCodec(level=1), shards=True)),
        (3, 3, "u1", dict(compressors=None, shards=True, filters=[v3.TransposeCodec(order=(2, 1, 0))])),
    ]
    for n, (version, dims, dtype, how) in enumerate(kinds):
        shape = shapes[dims]
        chunk = tuple(-(-s // 2) for s in shape)
        if how.pop("shards", False):
            how["shards"] = tuple(2 * c for c in chunk)
        with tempfile.TemporaryDirectory() as scratch:
            array = zarr.create_array(f"{scratch}/0", shape=shape, chunks=chunk, dtype=dtype, zarr_format=version,
                                      fill_value=7, dimension_names=list(axes_of[dims]) if version == 3 else None, **how)
            array[...] = image(shape, dtype)
            root = Path(scratch, "0")
            meta = root / (".zarray" if version == 2 else "zarr.json")
            stored = sorted(p for p in root.rglob("*") if p.is_file() and not p.name.startswith((".z", "zarr.json")))
            parts = [json.dumps(ngff_group(version, axes_of[dims], [2.0] * dims)).encode(),
                     json.dumps(json.loads(meta.read_text())).encode(), stored[0].read_bytes()]
            (to / f"v{version}-{n}").write_bytes(b"%d\n" % version + b"\n--\n".join(parts))


for make in [tiff, npy, bdv_xml, ngff]:
    make()
