"""Panels and grids: solid pieces with a digit cut out of them, and lines that divide a field into cells.

The drawing page's script does the same (``export/page_files/panel.js``).
"""

import numpy as np
from scipy import ndimage

from npdigits.base.arrays import Array
from npdigits.pictures.box import Box

# A panel is SIDE pixels high and wide at the least. With its holes filled it fills SOLID of its box; the holes are at
# least LEAST and at most MOST of that.
SIDE, SOLID, LEAST, MOST = 14, 0.85, 0.01, 0.5
# Its rows and columns are full to such a share; others are ticks of its axes.
FULL = 0.5
# Holes that fill such a share of their boxes, one of them or two, are those of a 0 or an 8 if the margins around them
# differ at most by such a factor.
ROUND, EVEN = 0.7, 1.6
# Holes smaller than such a share of the largest one are specks.
SPECK = 0.1
# The lines of a grid and its holes, the cells, fill FIELD of its box; the cells are at least CELLS, and together at
# least OPEN of the lines' area.
FIELD, CELLS, OPEN = 0.85, 4, 1.5


def panel_box(mask: Array) -> Box | None:
    """Return the box of a panel, within a piece that is cut to its box; None if it is none, or holds no digit."""
    ink = np.count_nonzero(mask)
    if min(mask.shape) < SIDE or 2 * ink < mask.size:
        return None
    labels, n = holes(mask)
    filled = mask | (labels > 0)
    whole = np.count_nonzero(filled)
    if whole < SOLID * mask.size or not LEAST * whole <= whole - ink <= MOST * whole:
        return None
    if _are_of_a_digit(labels, n):
        return None
    rows = np.flatnonzero(filled.mean(axis=1) >= FULL)
    columns = np.flatnonzero(filled.mean(axis=0) >= FULL)
    return Box(int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1)


def is_grid(mask: Array) -> bool:
    """Say whether a piece, cut to its box, is the lines of a table or a row of boxes."""
    ink = np.count_nonzero(mask)
    if ink * (1 + OPEN) > mask.size:
        return False
    labels, n = holes(mask)
    cells = np.count_nonzero(labels)
    return bool(n >= CELLS and cells >= OPEN * ink and cells + ink >= FIELD * mask.size)


def holes(mask: Array) -> tuple[Array, int]:
    """Return the number of each pixel's hole, from 1, 0 outside of all holes; and how many there are."""
    labels, n = ndimage.label(~np.pad(mask, 1))  # without diagonals, as pieces of ink are joined by them
    # Number 1 is what is around the piece: the first pixel of all belongs to it.
    inner: Array = np.maximum(labels[1:-1, 1:-1] - 1, 0)
    return inner, n - 1


def _are_of_a_digit(labels: Array, n: int) -> bool:
    """Say whether holes are those of a thick 0 or 8, which are solid and have a stroke of one width around them."""
    areas = np.bincount(labels.ravel(), minlength=n + 1)[1:]
    large = np.flatnonzero(areas >= SPECK * areas.max())
    places = ndimage.find_objects(labels)
    boxes = [Box(y.start, y.stop, x.start, x.stop) for y, x in (places[k] for k in large)]
    if len(boxes) > 2 or any(areas[k] < ROUND * box.height * box.width for k, box in zip(large, boxes, strict=True)):
        return False
    whole = Box.around(boxes)
    height, width = labels.shape
    margins = whole.top, height - whole.bottom, whole.left, width - whole.right
    return max(margins) <= EVEN * max(min(margins), 1)
