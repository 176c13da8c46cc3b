"""Frames on a sheet: rectangles that are drawn around digits, or for some to be written in."""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from npdigits.base.arrays import Array
from npdigits.pictures.components import Components
from npdigits.pictures.mnist_form import SMALLEST
from npdigits.pictures.perspective import four_corners

# A frame's ink fills at most THIN_FRAME of its box. It holds something of at least FRAMED of its height; where its own
# ink does not close around that, OPEN: the parts of a broken 8 are lower. An empty one is closed, all but a rectangle,
# and no higher than WIDE_FRAME times its width, as the 0 of a display is: the hole fills at least SQUARE of the
# quadrilateral of its corners and not much more of it, as a 0's does, whose corners are round.
FRAMED, OPEN, THIN_FRAME, WIDE_FRAME, SQUARE = 0.2, 0.45, 0.3, 1.45, 0.92


def frames(components: Components, some: Sequence[int]) -> set[int]:
    """Return which pieces are frames: thin, around others that are high enough for digits in them, or empty."""
    boxes = np.array([components.boxes[k] for k in some]).reshape(-1, 4)
    top, bottom, left, right = boxes.T
    high = bottom - top
    found = set()
    for k, box in zip(some, boxes, strict=True):
        if min(box[1] - box[0], box[3] - box[2]) < 2 * SMALLEST:
            continue
        within = (top > box[0]) & (bottom < box[1]) & (left > box[2]) & (right < box[3])
        held = within & (high >= max(SMALLEST, FRAMED * (box[1] - box[0])))
        if components.areas[k] >= THIN_FRAME * (box[1] - box[0]) * (box[3] - box[2]):
            continue
        if (held & (high >= OPEN * (box[1] - box[0]))).any() or _is_empty_frame(components, k):
            found.add(k)
        elif held.any():
            filled = ndimage.binary_fill_holes(components.mask(k))
            middles = [((a + b) // 2 - box[0], (c + d) // 2 - box[2]) for a, b, c, d in boxes[held]]
            found |= {k} if any(filled[middle] for middle in middles) else set()
    return found


def _is_empty_frame(components: Components, piece: int) -> bool:
    """Say whether a piece is a drawn rectangle, or some in a row."""
    mask = np.pad(components.mask(piece), 1)
    if mask.shape[0] > WIDE_FRAME * mask.shape[1]:
        return False
    labels, _ = ndimage.label(~mask)
    areas, outside = np.bincount(labels.ravel()), labels[0, 0]
    holes = [k for k in range(1, len(areas)) if k != outside and areas[k] >= SMALLEST**2]
    return bool(holes) and all(_is_rectangle(labels == k) for k in holes) and _is_rectangle(labels != outside)


def _is_rectangle(mask: Array) -> bool:
    """Say whether a mask fills the quadrilateral of its corners, and not more than that."""
    corners = four_corners(mask)
    x, y = (corners - corners.mean(axis=0)).T
    # Corners are middles of pixels: half a pixel more on each side.
    length = np.hypot(*(corners - np.roll(corners, 1, axis=0)).T).sum()
    area = abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2 + length / 2 + 1
    return bool(SQUARE <= mask.sum() / area <= 2 - SQUARE)
