"""Labels as columns of a table, one for each class: each row has a 1 in one. UCI's Semeion; pandas.get_dummies."""

from collections.abc import Callable, Sequence

import numpy as np

from npdigits.base.arrays import Array
from npdigits.forms.numbered import numbers_in
from npdigits.forms.sheet import Sheet, is_number

# How pandas and R write truth values.
TRUTH = {"true": 1.0, "false": 0.0}
# More classes have no columns of their own.
MANY = 120


def one_hot_columns(sheet: Sheet, columns: Sequence[int], fits: Callable[[int], bool]) -> tuple[int, ...]:
    """Return the last or first of some columns that are labels by what the first rows hold, the rest being an image.

    Args:
        sheet: the table.
        columns: numbers of those that are pixels or labels.
        fits: whether so many pixels are an image.
    """
    for classes in range(2, min(MANY, len(columns) - 1) + 1):
        if not fits(len(columns) - classes):
            continue
        for held in (columns[-classes:], columns[:classes]):
            if sheet.sample and all(_is_one_hot([row[i] for i in held]) for row in sheet.sample):
                return tuple(held)
    return ()


def _is_one_hot(cells: Sequence[str]) -> bool:
    values = [truth_of(cell) if is_truth(cell) or is_number(cell) else -1.0 for cell in cells]
    return set(values) <= {0.0, 1.0} and values.count(1.0) == 1


def is_truth(cell: str) -> bool:
    """Say whether a cell is the word for a truth value."""
    return cell.strip().lower() in TRUTH


def truth_of(cell: str) -> float:
    """Return a cell as a number, which may be a truth value.

    Raises:
        ValueError: it is none.
    """
    word = cell.strip().lower()
    return TRUTH[word] if word in TRUTH else float(word)


def first_fault(values: Array) -> int | None:
    """Return the first row that is not zeros and a one; None where there is none.

    Args:
        values: numbers, shape (rows, classes).
    """
    right = ((values == 0) | (values == 1)).all(axis=1) & ((values == 1).sum(axis=1) == 1)
    return None if right.all() else int(np.argmin(right))


def labels_by(values: Array, names: Sequence[str], pixels: Sequence[str]) -> Array:
    """Return labels by the columns' names, as numbers where these have some, or else by their places.

    Args:
        values: zeros and a one in each row, shape (rows, classes).
        names: of the columns, label_0, label_1 … of pandas.get_dummies; () where there are none.
        pixels: names of the columns of pixels, of which these may be a continuation.
    """
    codes: Array = values.argmax(axis=1).astype(np.int64)
    if not names or numbers_in([*pixels, *names]):
        return codes
    numbers = numbers_in(names)
    stems = {name.rpartition("_")[0] for name in names}
    if numbers and len(numbers[0]) == 1:
        of_class = np.array([number for (number,) in numbers], np.int64)
    else:
        of_class = np.array([name.rpartition("_")[2] if len(stems) == 1 else name for name in names])
    labels: Array = of_class[codes]
    return labels
