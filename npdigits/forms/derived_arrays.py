"""Arrays that are made of a file's own: of one array for each class, or of a table with a column of labels."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import DataError
from npdigits.forms.array_names import read_name
from npdigits.forms.found import Wanted
from npdigits.forms.stored import Source, Stored


def joined_classes(source: Source) -> Source:
    """Return arrays where those that hold a class each became images and labels.

    So are the digits of Roweis' mnist_all.mat: train0 … train9 and test0 … test9, each of shape (n, 784).
    """
    groups: dict[str, list[str]] = {}
    for name, array in source.arrays.items():
        stem = name.rstrip("0123456789")
        says = read_name(stem)
        # The names have few digits: a class has a number, and int() of 10,000 digits raises.
        if 1 <= len(name) - len(stem) <= 3 and len(array.shape) == 2 and not says.role and not says.rest:
            groups.setdefault(stem, []).append(name)
    arrays = dict(source.arrays)
    for stem, names in groups.items():
        names.sort(key=lambda name: int(name.removeprefix(stem)))
        numbers = [int(name.removeprefix(stem)) for name in names]
        first = arrays[names[0]]
        alike = all(arrays[name].shape[1:] == first.shape[1:] and arrays[name].dtype == first.dtype for name in names)
        if len(names) < 2 or not alike or numbers != [*range(numbers[0], numbers[0] + len(names))]:
            continue
        merged = [arrays.pop(name) for name in names]
        counts = [array.shape[0] for array in merged]
        arrays[f"{stem} images"] = Stored((sum(counts), *first.shape[1:]), first.dtype, _join(merged))
        arrays[f"{stem} labels"] = Stored((sum(counts),), np.dtype(np.int64), _repeat(numbers, counts))
    return replace(source, arrays=arrays)


def _join(arrays: Sequence[Stored]) -> Callable[[], Array]:
    return lambda: np.concatenate([array.read() for array in arrays])


def _repeat(numbers: Sequence[int], counts: Sequence[int]) -> Callable[[], Array]:
    return lambda: np.repeat(np.array(numbers, np.int64), counts)


def split_table(source: Source, wanted: Wanted) -> Source:
    """Return a table alone in its file, of which the user numbers the column of the labels, as images and labels.

    Raises:
        DataError: it has no such column.
    """
    number = wanted.label_column
    if number is None or not number.isdecimal() or len(source.arrays) != 1 or number in source.arrays:
        return source
    ((name, table),) = source.arrays.items()
    if len(table.shape) != 2:
        return source
    if len(number) > 9 or not 1 <= int(number) <= table.shape[1] or table.shape[1] < 2:
        raise DataError(
            f"data.label_column={number}: {name} of {source.path} has {table.shape[1]} columns: allowed are "
            f"1 … {table.shape[1]}"
        )
    column = int(number) - 1
    read = functools.cache(table.read)
    n, width = table.shape
    arrays = {
        name: Stored((n, width - 1), table.dtype, lambda: np.delete(read(), column, axis=1)),
        f"column {number}": Stored((n,), table.dtype, lambda: read()[:, column].copy()),
    }
    return replace(source, arrays=arrays)
