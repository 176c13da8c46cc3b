#!/usr/bin/env bash
# NumPy 2.4.6: the sum, the mean and so the softmax of a row have other bits alone than among other rows.
#
# What one would guess: z.sum(axis=1) adds up each row by itself, so the sum of a row cannot depend on the rows beside it; of
# an array by columns as of one by rows.
# Seen, of 1,000 rows of ten numbers that lie in memory by columns (Fortran's order, or the transpose of an array by rows): of
# more than a fifth of them z[i:i+1].sum(axis=1) is not z.sum(axis=1)[i]. Among others a row is added up from left to right, alone
# it is contiguous and added up in pairs. Of an array by rows nothing differs. So a network that takes one image is not, to the
# last bit, the one that takes a batch, even where its matrix products are.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check numpy==2.4.6

"$folder/venv/bin/python" - << 'PYTHON'
import numpy as np

FUNCTIONS = {"sum": np.sum, "mean": np.mean}


def differing(z, function):
    """Return how many rows have another result alone."""
    together = function(z, axis=1)
    return sum(function(z[i : i + 1], axis=1)[0] != together[i] for i in range(len(z)))


for dtype in (np.float32, np.float64):
    by_rows = np.random.default_rng(0).random((1000, 10)).astype(dtype)
    by_columns = np.asfortranarray(by_rows)
    for name, function in FUNCTIONS.items():
        seen = differing(by_rows, function), differing(by_columns, function)
        print(f"{dtype.__name__} {name:4}: of 1,000 rows {seen[0]} differ by rows, {seen[1]} by columns")
        assert seen[0] == 0 and seen[1] > 200, seen
PYTHON
