#!/usr/bin/env bash
# datasets 5.2.0 with Pillow 13.0.0: in a set's parquet file an image of whole numbers that are not bytes is a TIFF of 32 bits.
#
# What one would guess: an array with values 0 … 255 becomes an 8-bit PNG, as images of hubs are, whatever integer type NumPy
# gave it; floats are refused, or scaled to bytes.
# Seen: only uint8 becomes a PNG of bytes. int64 and int32 become a TIFF of signed 32-bit numbers, floats one of 32-bit floats,
# uint16 one of 16 bits. One column of one file can hold PNG and TIFF. Who reads "image.bytes" as PNG alone, or a TIFF's 32
# bits as its whole scale, meets black pictures or none.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check datasets==5.2.0 pillow==13.0.0 pyarrow==26.0.1 numpy==2.4.6

"$folder/venv/bin/python" -W ignore - "$folder/digits.parquet" 2> /dev/null << 'PYTHON'
import io, sys
import numpy as np
import pyarrow.parquet
from datasets import ClassLabel, Dataset, Features, Image
from PIL import Image as Picture

types = ("uint8", "int64", "uint16", "float64")
digit = np.arange(784).reshape(28, 28) % 256
features = Features({"image": Image(), "label": ClassLabel(names=list("0123456789"))})
images = [digit / 255 if name == "float64" else digit.astype(name) for name in types]
Dataset.from_dict({"image": images, "label": [3] * len(types)}, features=features).to_parquet(sys.argv[1])
seen = {}
for name, image in zip(types, pyarrow.parquet.read_table(sys.argv[1]).column("image").to_pylist()):
    picture = Picture.open(io.BytesIO(image["bytes"]))
    seen[name] = (picture.format, picture.mode, float(np.asarray(picture).max()))
    print(name, *seen[name])
assert seen == {
    "uint8": ("PNG", "L", 255.0),
    "int64": ("TIFF", "I", 255.0),
    "uint16": ("TIFF", "I;16", 255.0),
    "float64": ("TIFF", "F", 1.0),
}, seen
PYTHON
