"""Pieces that are no strokes: panels with a digit cut out of them, buttons, and lines that divide a field into cells.

The drawing page's script does the same (``export/page_files/panel.js``).
"""

import numpy as np

from npdigits.base.arrays import Array
from npdigits.pictures.box import Box
from npdigits.pictures.labels import label, places

# A panel is SIDE pixels high and wide at the least. Its rows and columns are ink for FULL of their length; others are
# ticks of its axes. With its holes it fills SOLID of its box, or ink is along RIM of the box's edges, as where a stroke
# ends at one; what is no ink is at least LEAST and at most MOST of the box.
SIDE, FULL, SOLID, RIM, LEAST, MOST = 14, 0.5, 0.85, 0.75, 0.01, 0.5
# Without its ticks it has at least CORE of its box, and ink in all four corners, each CORNER of the shorter side: they
# are full to CORNERS of them, as no digit's are.
CORE, CORNER, CORNERS = 0.8, 0.1, 0.5
# Holes that fill such a share of their boxes, one of them or two, are those of a 0 or an 8 if the margins around them
# differ at most by such a factor.
ROUND, EVEN = 0.7, 1.6
# Holes smaller than such a share of the largest one are specks.
SPECK = 0.1
# A label is at least so many times as wide as it is high. Text on it is such a share of its box.
WIDE, TEXT = 1.5, 0.04
# The lines of a grid and its holes, the cells, fill FIELD of its box; the cells are at least CELLS, and together at
# least OPEN of the lines' area.
FIELD, CELLS, OPEN = 0.85, 4, 1.5


def panel_box(mask: Array, ink: Array) -> Box | None:
    """Return the box of a panel, within the box of a piece; None if it is none, or holds no digit.

    Args:
        mask: the piece, cut to its box.
        ink: all ink in the box.
    """
    if min(mask.shape) < SIDE or 2 * np.count_nonzero(mask) < mask.size:
        return None
    rows = np.flatnonzero(mask.mean(axis=1) >= FULL)
    columns = np.flatnonzero(mask.mean(axis=0) >= FULL)
    if not len(rows) or not len(columns):
        return None
    box = Box(int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1)
    cut = slice(box.top, box.bottom), slice(box.left, box.right)
    whole, mask, ink = mask.size, mask[cut], ink[cut]
    if box.height * box.width < CORE * whole or not _has_corners(mask):
        return None
    if min(mask.shape) < SIDE or not LEAST * mask.size <= mask.size - np.count_nonzero(mask) <= MOST * mask.size:
        return None
    labels, n = holes(mask)
    if np.count_nonzero(mask) + np.count_nonzero(labels) < SOLID * mask.size:
        rim = [mask[0], mask[-1], mask[:, 0], mask[:, -1]]
        if sum(np.count_nonzero(edge) for edge in rim) < RIM * sum(edge.size for edge in rim):
            return None
    return None if _are_of_a_digit(np.where(ink, 0, labels), n) else box


def _has_corners(mask: Array) -> bool:
    n = max(1, int(CORNER * min(mask.shape)))
    ends = slice(n), slice(-n, None)
    return all(np.count_nonzero(mask[rows, columns]) >= CORNERS * n * n for rows in ends for columns in ends)


def is_label(mask: Array) -> bool:
    """Say whether a piece, cut to its box, is a wide bar, perhaps with text on it: a button, a caption."""
    if mask.shape[1] < WIDE * mask.shape[0]:
        return False
    labels, _ = holes(mask)
    return bool(np.count_nonzero(mask) + np.count_nonzero(labels) >= SOLID * mask.size)


def has_text(mask: Array) -> bool:
    """Say whether a label, cut to its box, has text on it, or a symbol: paper that it encloses."""
    labels, _ = holes(mask)
    return bool(np.count_nonzero(labels) >= TEXT * mask.size)


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
    labels, n = label(~np.pad(mask, 1), diagonals=False)  # without diagonals, as pieces of ink are joined by them
    # Number 1 is what is around the piece: the first pixel of all belongs to it.
    inner: Array = np.maximum(labels[1:-1, 1:-1] - 1, 0)
    return inner, n - 1


def _are_of_a_digit(labels: Array, n: int) -> bool:
    """Say whether holes are those of a thick 0 or 8, which are solid and have a stroke of one width around them."""
    areas = np.bincount(labels.ravel(), minlength=n + 1)[1:]
    if not n or not areas.any():
        return False
    large = np.flatnonzero(areas >= SPECK * areas.max())
    boxes = [Box(y.start, y.stop, x.start, x.stop) for y, x in map(places(labels).__getitem__, large)]
    if len(boxes) > 2 or any(areas[k] < ROUND * box.height * box.width for k, box in zip(large, boxes, strict=True)):
        return False
    whole = Box.around(boxes)
    height, width = labels.shape
    margins = whole.top, height - whole.bottom, whole.left, width - whole.right
    return bool(max(margins) <= EVEN * max(min(margins), 1))
