"""Loading a data set from the files that people have: recognized, read once, then from the cache."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import ConfigError, DataError
from npdigits.base.npz import hash_arrays
from npdigits.base.random import stream
from npdigits.data import cache
from npdigits.data.sets import Data, make_data
from npdigits.forms.found import TEST, TRAIN, VAL, Found, Part, Wanted
from npdigits.forms.recognize import Recognized, part_of, recognize

NAME = "file"
# Raised with every change by which some file is read as other digits, so that no entry of the cache is used any more.
VERSION = 1
# form -> the module whose ``read`` reads it; imported when such a file is there.
READERS = {
    "table": "text_table",
    "arff": "arff",
    "svmlight": "svmlight",
    "npz": "numpy_arrays",
    "npy": "numpy_arrays",
    "parquet": "parquet",
    "mat": "mat",
    "hdf5": "hdf5",
    "idx": "idx_files",
    "folder": "class_folder",
}
# Forms whose readers take several files as one set; of the others each file is a part.
OF_SEVERAL_FILES = ("npy", "parquet", "idx", "folder")
# SHA-256 of the four arrays -> of the same digits, as runs before had it: mnist_5k's was of the digits before they were
# divided.
FORMER = {"": ""}


def read_found(path: Path, wanted: Wanted = Wanted()) -> Found:
    """Return what a file or folder holds, as it is stored.

    Raises:
        DataError: it is of no form that is known, or damaged.
    """
    return _read(recognize(path), wanted)
