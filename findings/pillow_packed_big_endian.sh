#!/usr/bin/env bash
# Pillow 13.0.0: compressed big-endian TIFFs of float32, or of signed integers, have their bytes swapped.
#
# Guessed: as their uncompressed twins, which are right.
# Seen: 1.0 is 4.6e-41. libtiff gives the machine's byte order, and Pillow takes it for the file's; only for unsigned 16 bits
# it knows better.
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
seen = {}
for kind in ("float32", "int16", "int32", "uint16"):
    for compression in (None, "zlib"):
        tifffile.imwrite("a.tif", np.ones((8, 8), kind), photometric="minisblack", byteorder=">", compression=compression)
        seen[kind, compression] = float(np.asarray(Image.open("a.tif"))[0, 0])
        print(kind, compression, seen[kind, compression])
assert all(seen[kind, None] == 1 for kind in ("float32", "int16", "int32", "uint16")) and seen["uint16", "zlib"] == 1
assert all(seen[kind, "zlib"] != 1 for kind in ("float32", "int16", "int32"))
END
