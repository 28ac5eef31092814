"""Makes the files of this folder with Pillow and imagecodecs (both OpenJPEG); prints what is in them."""
import hashlib

import imagecodecs
import numpy as np
from PIL import Image

y, x = np.mgrid[:300, :400]
a = ((y // 20 + x // 30) % 7 * 30 + (x % 40 == y % 40)).astype("u1")
sha = lambda v: hashlib.sha256(np.ascontiguousarray(v).tobytes()).hexdigest()
Image.fromarray(a).save("tiles.j2k", tile_size=(128, 96), num_resolutions=3)
Image.fromarray(a).save(
    "offset.jp2", tile_size=(128, 96), offset=(5, 7), tile_offset=(3, 2), num_resolutions=3
)
for name in ["tiles.j2k", "offset.jp2"]:
    # Pillow gets the lengths of levels wrong where the picture does not begin at 0.
    for reduce in [0, 1, 2] if name == "tiles.j2k" else [0]:
        image = Image.open(name)
        image.reduce = reduce
        level = np.asarray(image)
        print(name, reduce, level.shape, sha(level))
signed = (a[:40, :50].astype("<i2") - 100) * 15
with open("signed12.j2k", "wb") as file:
    file.write(imagecodecs.jpeg2k_encode(signed, codecformat="J2K", level=0, reversible=True, bitspersample=12))
print("signed12.j2k", 0, signed.shape, sha(signed), signed.min(), signed.max())
lossy = imagecodecs.jpeg2k_encode(a[:40, :50], codecformat="JP2", level=30, reversible=False)
with open("lossy.jp2", "wb") as file:
    file.write(lossy)
