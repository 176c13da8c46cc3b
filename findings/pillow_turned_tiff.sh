#!/usr/bin/env bash
# Pillow 13.0.0 (11.3 and 12.3 too, 10.1 not): an uncompressed TIFF whose orientation is 5 to 8 is read as noise.
#
# Guessed: turned, as its compressed twin is, or as it lies.
# Seen: no error and no warning. The pixels are taken in rows of the turned picture's width, here 40 in place of 60, which
# makes noise of them, and that is turned: it has neither the right content nor the right shape. Pillow wrote the file.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q --disable-pip-version-check pillow==13.0.0 numpy==2.4.6
cd "$folder" && "$folder/venv/bin/python" - <<'END'
import numpy as np
import PIL
from PIL import Image

picture = np.zeros((40, 60), np.uint8)
picture[:, :20] = 255  # a white band on the left; turned by 90° clockwise, at the top
Image.fromarray(picture).save("raw.tif", tiffinfo={274: 6})
Image.fromarray(picture).save("lzw.tif", tiffinfo={274: 6}, compression="tiff_lzw")
raw, packed = (np.asarray(Image.open(file)) for file in ("raw.tif", "lzw.tif"))
turned = np.rot90(picture, -1)
print("Pillow", PIL.__version__, "turned is", turned.shape, "lzw", packed.shape, "raw", raw.shape)
assert np.array_equal(packed, turned)
assert np.array_equal(raw, np.rot90(picture.reshape(60, 40), -1))
END
