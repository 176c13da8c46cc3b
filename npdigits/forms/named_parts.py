"""A table whose rows say which part of the set they belong to, in a column such as split or usage."""

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.text import printable
from npdigits.forms.array_names import read_name
from npdigits.forms.found import TEST, TRAIN, VAL, Part

# Characters of a value in a message.
LONGEST = 30


def divide(whole: Part, said: Array, column: str) -> tuple[dict[str, Part], str]:
    """Return the parts of a set, and what is said of them; the whole where not every row names one, or all the same.

    Args:
        whole: all rows.
        said: text, shape (rows,): train, Training, PublicTest, val …
        column: where that is said, for people.
    """
    values, codes = np.unique(said, return_inverse=True)
    names = [read_name(value).part for value in values.tolist()]
    if None in names:
        strange = printable(values[names.index(None)][:LONGEST])
        return {TRAIN: whole}, f"{column} is not used, as it names no part of the set: {strange or 'an empty cell'}"
    if len(set(names)) == 1:
        return {TRAIN: whole}, f"{column} is not used, as all rows are of one part: {printable(values[0][:LONGEST])}"
    if TRAIN not in names:
        return {TRAIN: whole}, f"{column} is not used, as no row is of a training set"
    of_row = np.array(names)[codes]
    parts = {name: _rows(whole, np.flatnonzero(of_row == name)) for name in (TRAIN, VAL, TEST) if name in names}
    return parts, f"divided by {column}"


def _rows(whole: Part, rows: Array) -> Part:
    labels = None if whole.labels is None else whole.labels[rows]
    return Part(whole.images[rows], labels, lambda i: whole.name_of(int(rows[i])))
