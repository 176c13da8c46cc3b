#!/usr/bin/env bash
# Pillow 13.0.0: white-is-zero TIFFs (PhotometricInterpretation 0) are negatives at 16 bits and as floats.
#
# Guessed: turned into black-is-zero, as at 1, 2, 4 and 8 bits.
# Seen: at 8 bits the white corner is 255; at 16 bits and as a float it is 0, the stored number, and nothing in the mode or
# in info says so (only tag_v2[262] does). A big-endian one of 16 bits is not identified at all.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q --disable-pip-version-check pillow==13.0.0 tifffile==2026.3.3 numpy==2.4.6
cd "$folder" && "$folder/venv/bin/python" - <<'END'
import numpy as np
import PIL
import tifffile
from PIL import Image

print("Pillow", PIL.__version__)
white = {}
for kind, one in (("uint8", 255), ("uint16", 65535), ("float32", 1)):
    picture = np.full((8, 8), one, kind)
    picture[0, 0] = 0  # white
    tifffile.imwrite("a.tif", picture, photometric="miniswhite")
    white[kind] = float(np.asarray(Image.open("a.tif"))[0, 0])
    print(kind, "the white pixel is", white[kind])
assert white == {"uint8": 255, "uint16": 0, "float32": 0}
END
