#!/usr/bin/env bash
# Pillow 13.0.0: TIFFs of unsigned 32 bits are read as signed, those of signed 8 bits as unsigned.
#
# Guessed: refused, or converted.
# Seen: 4294967295, white, is −1, and everything above the middle is below black; −1 of 8 bits is 255. No word of either.
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
values = np.array([[0, 2**31 - 1, 2**31, 2**32 - 1]], np.uint32)
tifffile.imwrite("a.tif", values, photometric="minisblack")
long = np.asarray(Image.open("a.tif")).tolist()
tifffile.imwrite("b.tif", np.array([[-128, -1, 0, 127]], np.int8), photometric="minisblack")
short = np.asarray(Image.open("b.tif")).tolist()
print(values.tolist(), "as", long, "and [-128, -1, 0, 127] as", short)
assert long == [[0, 2**31 - 1, -(2**31), -1]] and short == [[128, 255, 0, 127]]
END
