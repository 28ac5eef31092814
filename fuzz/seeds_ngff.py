"""Makes seeds of the `ngff` target from folders zipped for transport: seeds_ngff.py OUT ZIP..."""

import sys
import zipfile
from pathlib import Path

out = Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
for path in map(Path, sys.argv[2:]):
    with zipfile.ZipFile(path) as z:
        names = z.namelist()
        root = names[0].split("/")[0]
        version = b"2" if any(n.endswith((".zarray", ".zgroup")) for n in names) else b"3"
        meta = ".zarray" if version == b"2" else "zarr.json"
        arrays = [n for n in names if n.endswith("/" + meta) and b'"shape"' in z.read(n)]
        group = f"{root}/.zattrs" if version == b"2" else f"{root}/zarr.json"
        for n, array in enumerate(arrays[:3]):
            folder = array[: -len(meta)]
            chunks = [c for c in names if c.startswith(folder) and not Path(c).name.startswith((".z", "zarr.json"))]
            document = z.read(group).replace(b'"path": "s0"', b'"path": "0"')
            parts = [document, z.read(array), z.read(chunks[0])]
            (out / f"{path.stem}-{n}").write_bytes(version + b"\n" + b"\n--\n".join(parts))
