#!/usr/bin/env bash
# SciPy 1.17.1: in an ARFF file the blanks between the classes of a nominal attribute belong to the classes, or do not.
#
# What one would guess: {0, 1,2} names the classes 0, 1 and 2, as {0,1,2} and {0, 1, 2} do.
# Seen: the latter two do. Where some commas have a blank behind them and others have not, or a blank stands before a comma,
# the classes are "0", " 1", "2", or "0 ", "1 ", "2", and the data's 1 is refused as none of them. liac-arff 2.5.0 reads all.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check scipy==1.17.1 numpy==2.4.6 liac-arff==2.5.0

"$folder/venv/bin/python" - << 'PYTHON'
import io
import arff as liac
from scipy.io import arff

seen = {}
for classes in ("{0,1,2}", "{0, 1, 2}", "{0, 1,2}", "{0 ,1 ,2}"):
    text = f"@RELATION digits\n@ATTRIBUTE pixel1 REAL\n@ATTRIBUTE class {classes}\n@DATA\n255,1\n"
    try:
        seen[classes] = arff.loadarff(io.StringIO(text))[0]["class"][0].decode()
    except ValueError as error:
        seen[classes] = str(error)
    other = liac.loads(text)["data"][0][1]
    print(f"{classes:10} SciPy: {seen[classes]:40} liac-arff: {other}")
    assert other == "1"
assert seen == {
    "{0,1,2}": "1",
    "{0, 1, 2}": "1",
    "{0, 1,2}": "1 value not in ('0', ' 1', '2')",
    "{0 ,1 ,2}": "1 value not in ('0 ', '1 ', '2')",
}, seen
PYTHON
