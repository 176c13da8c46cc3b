"""Paper of one grey value: which value it is, and on which side of it the ink is.

The drawing page's script does the same (``export/page_files/flat.js``).

Usually more than half of the picture is paper. In a digit cut out with hardly any margin the ink may be more, as may a
dark panel with a digit in it; then what is along the picture's edges is the paper, or what the ink parts.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from npdigits.base.arrays import Array
from npdigits.pictures.labels import label
from npdigits.pictures.threshold import VALUES, counts_of, otsu_of
from npdigits.pictures.windows import holds_square

# Grey values of paper along the edges are at most so far from its own.
NEAR = 20
# What has such a share of the picture's edges is the paper, or what lies around it.
OUTER = 0.75
# Two grey values with such a share of the pixels are a picture's paper and ink.
TWO_VALUES = 0.75
# A digit that is cut out fills such a share of the picture's height or width, and at most such a share of its area. No
# square that fits into its strokes has a side longer than such a share of the picture's.
FILLS, MOST_CUT, SQUARE = 0.8, 0.85, 0.45
MOST_INK = 0.5


class Found(NamedTuple):
    """How much ink is where.

    Attributes:
        ink: bytes of the picture's shape.
        most: which share of the picture may be ink.
        sure: whether the paper is flat for certain.
    """

    ink: Array
    most: float
    sure: bool


def flat_inks(grey: Array, counts: Array | None = None) -> Iterator[Found]:
    """Yield what may be ink on paper of one grey value, the likeliest first; nothing if there is no such paper.

    Args:
        grey: bytes of shape (height, width).
        counts: how many of them have each value, where that is known.
    """
    counts, edges = counts_of(grey) if counts is None else counts, _edge_counts(grey)
    level = int(counts.argmax())
    most = 2 * counts[level] > grey.size
    if not most or edges[max(level - NEAR, 0) : level + NEAR + 1].sum() < OUTER * edges.sum():
        around = _paper_around(grey, counts, edges)
        if around is not None and (not most or around[0] != level):
            yield Found(one_side(grey, *around), MOST_CUT, False)
    if most:
        darker = on_light(grey, counts, level)
        for side in (darker, not darker):
            yield Found(one_side(grey, level, side), MOST_INK, True)


def one_side(grey: Array, paper: int, darker: bool) -> Array:
    """Return how much darker, or lighter, each pixel is than the paper, bytes."""
    difference = paper - VALUES
    # By a table of all 256 values, which is faster than computing with each pixel.
    side: Array = np.maximum(difference if darker else -difference, 0).astype(np.uint8)[grey]
    return side


def on_light(grey: Array, counts: Array, paper: int) -> bool:
    """Say whether the ink is darker than the paper, rather than lighter.

    It is the side with the longer outlines, each weighed by how strong it is (the side's total variation): what else is
    on paper, as a stripe of light, is large rather than long.
    """
    darker = int(counts[:paper] @ (paper - VALUES[:paper]))
    lighter = int(counts[paper:] @ (VALUES[paper:] - paper))
    if not darker or not lighter:
        return darker >= lighter
    outlines = [_variation(one_side(grey, paper, side)) for side in (True, False)]
    return outlines[0] >= outlines[1]


def _variation(ink: Array) -> int:
    """Return the sum of all differences between neighbours."""
    steps = ((ink[1:], ink[:-1]), (ink[:, 1:], ink[:, :-1]))
    return sum(int((np.maximum(a, b) - np.minimum(a, b)).sum(dtype=np.int64)) for a, b in steps)


def _edge_counts(grey: Array) -> Array:
    """Return how many pixels along the picture's edges have each grey value; the corners count twice."""
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    return counts_of(border)


def _paper_around(grey: Array, counts: Array, edges: Array) -> tuple[int, bool] | None:
    """Return the grey value of flat paper that need not be most of the picture, and whether the ink is darker."""
    threshold = otsu_of(counts)
    dark = grey <= threshold
    share = edges[: threshold + 1].sum() / edges.sum()
    if OUTER > share > 1 - OUTER:
        cut_out = [_is_cut_out(mask) for mask in (dark, ~dark)]
        if cut_out[0] == cut_out[1]:
            return None
        darker = cut_out[0]
    else:
        darker = bool(share <= 1 - OUTER)
    below, above = counts[: threshold + 1], counts[threshold + 1 :]
    paper, ink = (above, below) if darker else (below, above)
    value = int(paper.argmax()) + (threshold + 1 if darker else 0)
    if 2 * paper.max() <= paper.sum():
        return None
    if paper.max() + ink.max() < TWO_VALUES * grey.size and not _fills(dark if darker else ~dark):
        return None
    return value, darker


def _is_cut_out(mask: Array) -> bool:
    """Say whether a mask is a digit that was cut out to its edges: a piece from each edge to each other."""
    labels, _ = label(mask)
    ends = [set(edge.tolist()) for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1])]
    return bool(set.intersection(*ends) - {0}) and _fills(mask)


def _fills(mask: Array) -> bool:
    """Say whether a mask may be the strokes of a digit that fills the picture."""
    height, width = mask.shape
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows) or mask.sum() > MOST_CUT * mask.size:
        return False
    long, wide = rows[-1] - rows[0] + 1 >= FILLS * height, columns[-1] - columns[0] + 1 >= FILLS * width
    side = 2 * int((SQUARE * max(height, width) + 1) / 2) + 1  # the least odd one that is too long
    return bool((long or wide) and not holds_square(mask, side))
