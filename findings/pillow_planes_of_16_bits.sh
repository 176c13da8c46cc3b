#!/usr/bin/env bash
# Pillow 13.0.0: an uncompressed TIFF with planes of 16 bits is read as noise.
#
# Guessed: as its compressed twin, or refused.
# Seen: no error and no warning; of a grey ramp in RGB 29 % of the values are off by more than 100 of 255. Compressed by
# zlib the same picture is right, and so it is with TiffImagePlugin.READ_LIBTIFF = True.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q --disable-pip-version-check pillow==13.0.0 tifffile==2026.3.3 numpy==2.4.6
cd "$folder" && "$folder/venv/bin/python" - <<'END'
import numpy as np
import PIL
import tifffile
from PIL import Image, TiffImagePlugin

ramp = np.stack([np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)] * 3)
options = {"photometric": "rgb", "planarconfig": "separate"}
tifffile.imwrite("raw.tif", ramp, **options)
tifffile.imwrite("zlib.tif", ramp, compression="zlib", **options)


def off(file):
    values = np.asarray(Image.open(file)).astype(int)
    return float((np.abs(values - (np.moveaxis(ramp, 0, 2) >> 8)) > 100).mean())


raw, packed = off("raw.tif"), off("zlib.tif")
TiffImagePlugin.READ_LIBTIFF = True
by_libtiff = off("raw.tif")
print("Pillow", PIL.__version__, f"shares of values that are off: raw {raw:.2f}, zlib {packed:.2f}, raw by libtiff {by_libtiff:.2f}")
assert raw > 0.2 and packed == by_libtiff == 0
END
