"""Columns of a table that are numbers but for a few cells, or whose commas may mean two things: what is said of them.

Such a column is read as text, so that no number is guessed; without a word a metric would be missing.
"""

import re
from collections.abc import Callable

import numpy as np

from npdigits.base.kinds import short_repr
from npdigits.sources.columns import BLANK, GROUPED, NO_NUMBER, NOT_FINITE, Column

# The least numbers of such a column, and the most of its cells that are none; a single one may always be a slip.
LEAST_NUMBERS, MOST_ODD = 3, 0.1


# 87.7%, 84,875.0
_DRESSED = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)([.,]\d+)?\s*%?")


def find_doubt(name: str, column: Column, place: Callable[[int], str]) -> str:
    """Return what is to be said of a column that holds no numbers though it seems to; "" for all others.

    Args:
        name: of the column.
        column: as it was read.
        place: gives the place of a row, counted from 0: "line 17".
    """
    if column.numbers is not None:
        return ""
    texts = [value for value in column.values if isinstance(value, str)]
    numbers = [isinstance(value, int | float) and not isinstance(value, bool) for value in column.values]
    commas = [text for text in texts if "," in text and GROUPED.fullmatch(text.strip())]
    dressed = [text for text in texts if _DRESSED.fullmatch(text.strip()) and not text.strip().isdigit()]
    odd = [_is_odd(value) for value in column.values]
    if commas and len(commas) == sum(odd):
        what = "may be thousands or a decimal comma" if commas[0].count(",") == 1 else "has commas between thousands"
        first = next(row for row, code in enumerate(column.codes) if column.values[code] == commas[0])
        return f"{name}: {place(first)}: {short_repr(commas[0])} {what}, so the column is not read as numbers"
    if dressed and len(dressed) == sum(odd):
        first = next(row for row, code in enumerate(column.codes) if column.values[code] == dressed[0])
        return f"{name}: {place(first)}: {short_repr(dressed[0])} is no number, so it is no metric"
    # Whole numbers with leading zeros are names: 007.
    if not any(numbers) or any(text.strip().isdigit() for text in texts):
        return ""
    rows = np.flatnonzero(np.array(odd, dtype=bool)[column.codes])
    n_numbers = int(np.array(numbers, dtype=bool)[column.codes].sum())
    few = len(rows) == 1 or len(rows) <= MOST_ODD * (n_numbers + len(rows))
    if not len(rows) or n_numbers < LEAST_NUMBERS or not few:
        return ""
    text = column.values[column.codes[rows[0]]]
    more = f" (and {len(rows) - 1} more)" if len(rows) > 1 else ""
    return f"{name}: {place(int(rows[0]))}: {short_repr(text)} is no number{more}, so it is no metric"


def _is_odd(value: object) -> bool:
    """Say whether a cell is neither a number nor what stands for one that is missing."""
    if value is BLANK or value is None:
        return False
    if isinstance(value, str):
        return value.strip() not in NO_NUMBER and value.strip() not in NOT_FINITE
    return isinstance(value, bool) or not isinstance(value, int | float)
