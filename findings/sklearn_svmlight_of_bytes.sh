#!/usr/bin/env bash
# scikit-learn 1.9.1: images as bytes, the type of every set of digits, cannot be written as svmlight text.
#
# What one would guess: dump_svmlight_file writes an array of any numbers, as its loader reads them with any dtype.
# Seen: uint8 and bool end in a TypeError of Cython that names neither the type nor what is allowed; int16, int32, int64 and
# float32 are written. float16, which the loader can give, cannot be written either.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1

"$folder/venv/bin/python" - << 'PYTHON'
import io
import numpy as np
from sklearn.datasets import dump_svmlight_file

seen = {}
for name in ("uint8", "bool", "float16", "int16", "int32", "int64", "float32", "float64"):
    text = io.BytesIO()
    try:
        dump_svmlight_file(np.array([[0, 3], [1, 0]], name), np.array([7, 1]), text)
        seen[name] = text.getvalue().decode()
    except TypeError as error:
        seen[name] = f"TypeError: {error}"
    print(f"{name:8} {seen[name]!r}")
refused = {name for name, text in seen.items() if "ambiguous argument types" in text}
assert refused == {"uint8", "bool", "float16"}, seen
assert seen["int16"].split() == ["7", "1:3", "1", "0:1"], seen
PYTHON
