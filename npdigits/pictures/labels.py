"""The connected pieces of a mask, and where they are.

SciPy finds them faster than what is here, by a tenth of a millisecond in a small picture, but takes as long to start
as reading some hundred such pictures: it is left to when many are read.
"""

import itertools

import numpy as np

from npdigits.base.arrays import Array
from npdigits.pictures import ndimage

# So many masks are looked at without SciPy: a photograph has 15 to 40 of them, a small picture 1 to 3.
FEW = 100
EIGHT = np.ones((3, 3), int)
_masks = itertools.count()


def label(mask: Array, diagonals: bool = True) -> tuple[Array, int]:
    """Return the number of each pixel's piece, from 1 in the order of their first pixels; and how many there are.

    Args:
        mask: shape (height, width).
        diagonals: whether pixels that meet at a corner are of one piece.

    Returns:
        numbers of shape (height, width), 0 outside of the mask.
    """
    if next(_masks) < FEW:
        return by_runs(mask, diagonals)
    labels, n = ndimage.label(mask, EIGHT if diagonals else None)
    return labels, n


def by_runs(mask: Array, diagonals: bool) -> tuple[Array, int]:
    """Return the same, found by the runs of the mask: pixels that follow one another in a row."""
    labels = np.zeros(mask.shape, np.int32)
    stride = mask.shape[1] + 1  # one pixel of paper after each row, so that no run goes on in the next
    flat = np.zeros(mask.size + len(mask) + 1, bool)
    flat[1:].reshape(-1, stride)[:, :-1] = mask
    ends = np.flatnonzero(flat[1:] != flat[:-1])
    first, last = ends[::2], ends[1::2]  # of each run, and of the paper after it
    if not len(first):
        return labels, 0
    # The runs of the row above that one adjoins.
    low = last.searchsorted(first - stride - diagonals, side="right")
    each = np.maximum(first.searchsorted(last - stride + diagonals) - low, 0)
    one = np.arange(len(first)).repeat(each)
    other = np.arange(len(one)) + (low - each.cumsum() + each).repeat(each)
    roots = _least_joined(one, other, len(first))
    is_root = roots == np.arange(len(roots))
    numbers = is_root.cumsum()[roots]
    labels[mask] = numbers.repeat(last - first)
    return labels, int(is_root.sum())


def _least_joined(one: Array, other: Array, n: int) -> Array:
    """Return for each of n nodes the least that it is joined to by the edges from ``one`` to ``other``."""
    roots = np.arange(n)
    while True:
        a, b = roots[one], roots[other]
        if (a == b).all():
            return roots
        np.minimum.at(roots, np.maximum(a, b), np.minimum(a, b))
        while (higher := roots[roots]).tobytes() != roots.tobytes():
            roots = higher


def places(labels: Array) -> list[tuple[slice, slice]]:
    """Return the rows and columns of each piece; of a number that no pixel has, they say nothing."""
    if next(_masks) >= FEW:
        return list(ndimage.find_objects(labels))
    rows, columns = np.nonzero(labels)
    numbers = labels[rows, columns].astype(int) - 1
    n = int(numbers.max(initial=-1)) + 1
    boxes = []
    for at in (rows, columns):
        low, high = np.full(n, at.max(initial=0)), np.zeros(n, int)
        np.minimum.at(low, numbers, at)
        np.maximum.at(high, numbers, at + 1)
        boxes.append([slice(*ends) for ends in zip(low.tolist(), high.tolist(), strict=True)])
    return list(zip(*boxes, strict=True))
