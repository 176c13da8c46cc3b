"""MATLAB's files (version 5, which MATLAB 6 and later write without "-v7.3", SciPy and Octave, too).

Layouts: EMNIST's ``dataset`` (a struct with train.images (n, 784), train.labels (n, 1), test …, and mapping: each class
and the codes of its characters); the course's ``X`` (5000, 400) and ``y`` (5000, 1), which is 10 for zero; SVHN's ``X``
(32, 32, 3, n); ``data`` (784, n) and ``label`` (1, n) of mnist-original; one array for each class of Roweis' mnist_all.

MATLAB stores columns first, and many unrolled their images column by column, others row by row: no file says which.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.bounded import opened
from npdigits.base.errors import DataError
from npdigits.forms.derived_arrays import joined_classes, split_table
from npdigits.forms.found import Found, Wanted
from npdigits.forms.mat_elements import Numbers, list_arrays, read_numbers
from npdigits.forms.named_arrays import read_arrays
from npdigits.forms.stored import Source, Stored
from npdigits.forms.told import told_of

MAGIC = b"MATLAB 5.0 MAT-file"
# Classes that a mapping may name; EMNIST's largest has 62.
MOST_CLASSES = 1000


def read(files: Sequence[Path], wanted: Wanted, place: Path) -> Found:
    """Read a .mat file.

    Raises:
        DataError: it is damaged, or there is no set in it.
    """
    (path,) = files
    with told_of(path), opened(path) as file:
        if not file.read(len(MAGIC)) == MAGIC:
            raise DataError(f"{path}: packed: unpack it and name the .mat file")
        content = list_arrays(file, os.fstat(file.fileno()).st_size)
    arrays = {
        name: Stored(numbers.shape, numbers.dtype, partial(_read, path, name, numbers))
        for name, numbers in content.arrays.items()
    }
    source = Source(
        path,
        "MATLAB",
        arrays,
        content.left,
        lambda name, i: f"{path.name}: {name}, image {i + 1}",
        samples_last=True,
        found={"open_orientation": True},
    )
    return with_mapping(read_arrays(split_table(joined_classes(source), wanted), wanted), arrays)


def _read(path: Path, name: str, numbers: Numbers) -> Array:
    with told_of(f"{path}: {name}"), opened(path) as file:
        return read_numbers(file, numbers, os.fstat(file.fileno()).st_size)


def with_mapping(found: Found, arrays: Mapping[str, Stored]) -> Found:
    """Return a set with the classes' names of EMNIST's mapping, where there is one: each row a label and its codes."""
    name = next((name for name in arrays if name.rpartition("/")[2] == "mapping"), None)
    if (
        name is None
        or arrays[name].dtype.kind not in "iuf"
        or len(arrays[name].shape) != 2
        or not 1 < arrays[name].shape[1] <= 4
    ):
        return found
    if not 0 < arrays[name].shape[0] <= MOST_CLASSES:
        return found
    rows = arrays[name].read()
    if not ((rows >= 0) & (rows < 0x110000)).all() or (rows != np.floor(rows)).any() or rows[:, 0].max() > MOST_CLASSES:
        return found
    names = {int(label): "".join(chr(int(code)) for code in codes if code) for label, *codes in rows}
    if not all(text.isprintable() and text for text in names.values()):
        return found
    return replace(found, classes=tuple(names.get(i, str(i)) for i in range(max(names) + 1)))
