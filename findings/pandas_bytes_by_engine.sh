#!/usr/bin/env bash
# pandas 3.1.1 with pyarrow 26.0.1: a column that is read as dtype="uint8" is checked by one of read_csv's engines alone.
#
# What one would guess: the engines differ in speed and in the options that they take; a cell that is no byte (300, −1, 3.7)
# is an error with each, as it is with the default one.
# Seen: engine="pyarrow" gives 44, 255 and 3 without a word, and engine="python" gives 3 for 3.7 (the other two it refuses).
# A hexadecimal 0x1F is 31 with pyarrow and an error with the others. So the faster engine cannot be the check that a table
# of pixels holds bytes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check pandas==3.1.1 pyarrow==26.0.1

"$folder/venv/bin/python" - << 'PYTHON'
import io
import pandas

seen = {}
for cell in ("300", "-1", "3.7", "0x1F", "255"):
    for engine in ("c", "python", "pyarrow"):
        try:
            table = pandas.read_csv(io.StringIO(f"pixel,label\n{cell},7\n12,3\n"), dtype="uint8", engine=engine)
            seen[cell, engine] = int(table["pixel"][0])
        except ValueError:
            seen[cell, engine] = "refused"
    print(f"{cell:>4}  " + "  ".join(f"{engine}: {seen[cell, engine]}" for engine in ("c", "python", "pyarrow")))
expected = {
    "300": ("refused", "refused", 44),
    "-1": ("refused", "refused", 255),
    "3.7": ("refused", 3, 3),
    "0x1F": ("refused", "refused", 31),
    "255": (255, 255, 255),
}
for cell, values in expected.items():
    assert tuple(seen[cell, engine] for engine in ("c", "python", "pyarrow")) == values, (cell, seen)
PYTHON
