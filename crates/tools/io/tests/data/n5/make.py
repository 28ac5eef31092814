"""Makes `tensorstore.n5` and `zarr.n5` beside it with these two libraries; prints what is in them."""
import hashlib

import numpy as np
import tensorstore
import zarr
from numcodecs import BZ2, Blosc, GZip, Zlib  # noqa: F401

z, y, x = np.mgrid[:5, :6, :9]
a = (z * 4000 + y * 300 + x * 7 + 1).astype("<u2")
print(a.shape, hashlib.sha256(a.tobytes()).hexdigest())
compressions = {
    "raw": {"type": "raw"},
    "gzip": {"type": "gzip", "level": 5},
    "zlib": {"type": "gzip", "useZlib": True, "level": 5},
    "bzip2": {"type": "bzip2", "blockSize": 1},
    "blosc": {"type": "blosc", "cname": "zstd", "clevel": 3, "shuffle": 1},
    "zstd": {"type": "zstd", "level": 3},
}
for name, compression in compressions.items():
    store = tensorstore.open(
        {
            "driver": "n5",
            "kvstore": {"driver": "file", "path": f"tensorstore.n5/{name}"},
            "metadata": {
                "dimensions": [9, 6, 5],
                "blockSize": [4, 6, 5],
                "dataType": "uint16",
                "compression": compression,
                "axes": ["x", "y", "z"],
            },
        },
        create=True,
        delete_existing=True,
    ).result()
    store[...] = a.transpose(2, 1, 0)
store = zarr.N5Store("zarr.n5")
group = zarr.group(store=store, overwrite=True)
group.create_dataset("a", data=a, chunks=(5, 6, 5), compressor=GZip(3))
