"""Digits that touch one another, split where a network reads both parts with confidence.

A piece is cut along paths from its top to its bottom that cross as little ink as can be, a few more than are needed;
of all ways to choose among the cuts the one is taken whose parts are read best (heuristic over-segmentation: LeCun,
Bottou, Bengio & Haffner 1998, §V-A). A path is found by dynamic programming, column by column; where the ink is thin it
goes as a drop would fall (Congedo, Dimauro, Impedovo & Pirlo 1995).
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from npdigits.base.arrays import Array
from npdigits.pictures.components import stroke_width
from npdigits.pictures.labels import EIGHT
from npdigits.pictures.mnist_form import SMALLEST, formed

# A piece may be several digits if it is at least so wide, in heights of the line or of its own. One that is wider than
# IS_TWO is several, or none. Of digits of MNIST that are wide 99 % are at most 1.0 wide, of pairs that touch 5 % are.
MAY_BE_TWO, IS_TWO = 0.85, 1.2
# Up to STILL_ONE it is one if it is read with confidence; without it, if it is not split, up to HARDLY_TWO.
STILL_ONE, HARDLY_TWO = 1.4, 1.05
# Cuts that are tried for each height of width. A cut's place is so far from the next one's, in heights.
CUTS, APART = 10, 0.08
# A part is so wide and so high, in heights of the line, and holds at least such a share of the ink per digit.
NARROWEST, WIDEST, LOWEST, LEAST_INK = 0.08, 1.4, 0.65, 0.25
# A step of a path through ink costs so many steps through paper; a step to the side costs a little.
INK_COST, SIDE_COST = 20.0, 0.5
# A split is taken if every part is read with at least SURE, and, of what may be one digit, the whole with less than
# WHOLE of being a digit at all. One that is not split is one digit from LEAST_SURE. Of 160 numbers whose digits touch
# 28 were right and 11 wrong, the others refused, where strange parts count less; with the probability alone, at 0.98,
# 25 and 48. Without WHOLE one digit in 200 was split, as a 2 into 2 and 2.
SURE, WHOLE, LEAST_SURE = 0.9, 0.9, 0.5

Reads = Callable[[Array], Array]


class Part(NamedTuple):
    """A digit cut off a piece: its mask in the piece's box, and its image of 28 × 28."""

    mask: Array
    image: Array


def image_of(levels: Array, mask: Array) -> Array:
    """Return the image in MNIST's form of the ink within a mask, both of the same shape.

    Ink of others is left out, but not the faint edge of its own strokes.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    cut = mask[box]
    edge = ndimage.binary_dilation(cut, EIGHT, 2)
    return formed(np.where(edge, levels[box], 0), stroke_width(cut))


def split(levels: Array, mask: Array, height: float, read: Reads) -> list[Part] | None:
    """Return the digits of a piece, from left to right: one, if it is best read as one; None where none is sure.

    Args:
        levels: 0 … 255, of the piece's box.
        mask: of its ink.
        height: of the line's digits.
        read: gives the probabilities of the classes, (n, classes), for images (n, 28, 28); the rest to 1 is that it
            is no digit.
    """
    whole = Part(mask, image_of(levels, mask))
    wide = mask.shape[1] / max(height, len(mask))
    if wide < MAY_BE_TWO:
        return [whole]
    p = read(whole.image[None])[0]
    as_one = float(p.max())
    if wide <= IS_TWO and as_one >= WHOLE * p.sum():  # of a strange digit the rest to 1 is large, and it is one
        return [whole]
    best, least = _best_split(levels, mask, height, read)
    if best is not None and least >= SURE:
        return best
    if wide <= HARDLY_TWO or (wide <= IS_TWO and as_one >= LEAST_SURE):
        return [whole]
    return [whole] if wide <= STILL_ONE and as_one >= SURE else None


def _best_split(levels: Array, mask: Array, height: float, read: Reads) -> tuple[list[Part] | None, float]:
    """Return the split into two digits or more whose least sure part is surest, and how sure that is."""
    sides = [np.zeros(len(mask), int), *cuts(mask, height), np.full(len(mask), mask.shape[1])]
    parts: dict[tuple[int, int], Part] = {}
    columns = np.arange(mask.shape[1])
    fewest = LEAST_INK * mask.sum() * height / mask.shape[1] / 2
    for i, left in enumerate(sides):
        for j in range(i + 1, len(sides)):
            if (i, j) == (0, len(sides) - 1):
                continue
            within = mask & (columns >= left[:, None]) & (columns < sides[j][:, None])
            within = largest(within)
            if _may_be_a_digit(within, height, fewest):
                parts[i, j] = Part(within, image_of(levels, within))
    if not parts:
        return None, 0.0
    p = read(np.array([part.image for part in parts.values()])).max(axis=1)
    sure = dict(zip(parts, p.tolist(), strict=True))
    # The best way to each cut: its least sure part, and the cuts before.
    ways: dict[int, tuple[float, list[int]]] = {0: (1.0, [0])}
    for j in range(1, len(sides)):
        to_here = [(min(ways[i][0], sure[i, j]), [*ways[i][1], j]) for i in range(j) if i in ways and (i, j) in sure]
        if to_here:
            ways[j] = max(to_here)
    if len(sides) - 1 not in ways:
        return None, 0.0
    least, way = ways[len(sides) - 1]
    return [parts[pair] for pair in pairwise(way)], least


def _may_be_a_digit(mask: Array, height: float, fewest: float) -> bool:
    """Say whether a part is as large as a digit."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows) or mask.sum() < fewest:
        return False
    high, wide = rows[-1] + 1 - rows[0], columns[-1] + 1 - columns[0]
    return bool(high >= max(LOWEST * height, SMALLEST) and NARROWEST * height <= wide <= WIDEST * height)


def largest(mask: Array) -> Array:
    """Return a mask without pieces that are small beside its largest: what a cut leaves of the other digit."""
    labels, n = ndimage.label(mask, EIGHT)
    if n < 2:
        return mask
    areas = np.bincount(labels.ravel())
    areas[0] = 0
    kept: Array = (areas >= areas.max() / 5)[labels] & mask
    return kept


def cuts(mask: Array, height: float) -> list[Array]:
    """Return paths from top to bottom through a mask, from left to right, those that cross the least ink.

    Each gives for every row the first column to the right of it.
    """
    wide = mask.shape[1]
    least_apart = max(1.0, APART * height)
    paths, costs = _paths(mask)
    found: list[Array] = []
    # Of the paths by the column where they end those that are cheapest nearby.
    middles = paths.mean(axis=0)
    for end in np.argsort(costs, kind="stable"):
        inside = NARROWEST * height <= middles[end] <= wide - NARROWEST * height
        if inside and all(np.abs(path - paths[:, end]).mean() >= least_apart for path in found):
            found.append(paths[:, end])
        if len(found) >= CUTS * max(1, round(wide / height)) // 2 + 2:
            break
    return sorted(found, key=lambda path: float(path.mean()))


def _paths(mask: Array) -> tuple[Array, Array]:
    """Return the cheapest path through each column of the middle row, shape (height, width), and the costs."""
    costs = 1 + INK_COST * mask
    middle = len(mask) // 2
    upper, up_cost = _downward(costs[middle::-1])
    lower, down_cost = _downward(costs[middle:])
    paths = np.concatenate([upper[:0:-1], lower])
    return paths, up_cost + down_cost - costs[middle]


def _downward(costs: Array) -> tuple[Array, Array]:
    """Return for each column of the first row the cheapest path to the last row, (rows, columns), and its cost.

    A step goes to the next row, in the same column or one beside it.
    """
    high, wide = costs.shape
    total = costs[-1].astype(float)
    steps = np.zeros((high, wide), int)
    for row in range(high - 2, -1, -1):
        padded = np.pad(total, 1, constant_values=np.inf)
        ways = np.stack([padded[1:-1], padded[:-2] + SIDE_COST, padded[2:] + SIDE_COST])
        chosen = ways.argmin(axis=0)
        steps[row] = np.array([0, -1, 1])[chosen]
        total = costs[row] + ways.min(axis=0)
    paths = np.zeros((high, wide), int)
    paths[0] = np.arange(wide)
    for row in range(high - 1):
        paths[row + 1] = paths[row] + steps[row, paths[row]]
    return paths, total


def places(parts: Sequence[Part]) -> list[tuple[int, int, int, int]]:
    """Return of each part its rows from top to before bottom and columns from left to before right, in the piece."""
    result = []
    for part in parts:
        rows, columns = np.flatnonzero(part.mask.any(axis=1)), np.flatnonzero(part.mask.any(axis=0))
        result.append((int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1))
    return result
