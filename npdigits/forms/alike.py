"""Two files of one set, read alike: the order of columns that have names, and the number that columns count from."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from npdigits.base.arrays import Array
from npdigits.forms.column_base import count_alike
from npdigits.forms.found import TEST, TRAIN, Found


def alike(first: Found, second: Found) -> tuple[Found, Found]:
    """Return two files of one set so that a column of the one is that of the other.

    Columns of the second that have the names of the first's in another order are put into that order. Where one file of
    sparse columns tells that they count from 0, and the other does not tell and was read from 1, that one is read anew.
    """
    order = _order(first, second)
    if order is not None:
        second = replace(
            _with_images(second, lambda images: images[:, order]),
            columns=first.columns,
            notes=(*second.notes, "columns of the test set put in the order of the training set's"),
        )
    counted = count_alike({TRAIN: first, TEST: second})
    return counted[TRAIN], counted[TEST]


def _order(first: Found, second: Found) -> Array | None:
    """Return where the first's columns are in the second, if these are the same names in another order."""
    here, there = first.columns, second.columns
    if not here or here == there or len(set(here)) < len(here) or sorted(here) != sorted(there):
        return None
    places = {name: i for i, name in enumerate(there)}
    return np.array([places[name] for name in here], np.intp)


def _with_images(found: Found, change: Callable[[Array], Array]) -> Found:
    """Return a file with its images changed."""
    parts = {name: replace(part, images=change(part.images)) for name, part in found.parts.items()}
    return replace(found, parts=parts)
