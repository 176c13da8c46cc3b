"""Which of a table's two outermost columns is the label, by what they hold."""

import math

import numpy as np

from npdigits.base.arrays import Array

FIRST, LAST = "first", "last"
# Of fewer rows, shares and correlations say nothing.
LEAST = 12
# The border of a digit's image is paper in nearly all images; no class has nine tenths of a set.
MOSTLY = 0.9
# Of two columns the pixel goes with the pixel beside it, and the label does not: correlations.
GOES, GOES_NOT = 0.5, 0.3
# Labels of digits and letters, and a few more; a pixel between ink and paper has some hundred values.
MANY = 120


def which_end(table: Array) -> str | None:
    """Return whether a table's first or last column is the label, the others being pixels; None: it cannot be told.

    Args:
        table: numbers, shape (rows, columns), all columns but those beside.
    """
    first, last = (_could_be_label(table[:, i]) for i in (0, -1))
    if first != last:
        return FIRST if first else LAST
    if not first or len(table) < LEAST:
        return None
    shares = [_most_common_share(table[:, i]) for i in (0, -1)]
    if max(shares) > MOSTLY and min(shares) < MOSTLY - 0.2:
        return FIRST if shares[0] < shares[1] else LAST
    goes = [abs(_correlation(table[:, i], table[:, j])) for i, j in ((0, 1), (-1, -2))]
    if max(goes) > GOES and min(goes) < GOES_NOT:
        return FIRST if goes[0] < goes[1] else LAST
    return None


def _could_be_label(values: Array) -> bool:
    """Say whether a column of numbers holds whole ones, more than one and few."""
    if not np.isfinite(values).all() or (values != np.rint(values)).any():
        return False
    return 1 < len(np.unique(values)) <= min(MANY, max(2, len(values) // 2))


def _most_common_share(values: Array) -> float:
    return float(np.unique(values, return_counts=True)[1].max() / len(values))


def _correlation(a: Array, b: Array) -> float:
    a, b = (values - values.mean() for values in (a.astype(np.float64), b.astype(np.float64)))
    size = math.sqrt(float(a @ a) * float(b @ b))
    return float(a @ b) / size if size else 0.0
