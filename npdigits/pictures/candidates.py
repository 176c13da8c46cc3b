"""Which pieces of ink on a sheet may be digits or parts of them, and how high digits are there."""

from collections.abc import Sequence

import numpy as np

from npdigits.pictures.box import Box
from npdigits.pictures.components import Components, stroke_width
from npdigits.pictures.frames import frames
from npdigits.pictures.mnist_form import SMALLEST

# A long thin piece is a line, and no 1, if its sides differ by that factor, and it is so long in sides of the sheet.
STRAIGHT, REACHES = 12, 1 / 3
# A piece that touches an edge is at most so high, in heights of those that do not.
BY_AN_EDGE = 1.5
# A piece is a blot, without strokes, if its stroke width is more than this share of its longer side: a disk has 0.5,
# MNIST's thickest digits, pixel by pixel, 0.41.
SOLID = 0.44


def candidates(components: Components) -> list[int]:
    """Return the pieces of a sheet that may be digits or parts of them: no lines, blots, frames or tables."""
    height, width = components.labels.shape
    boxes = components.boxes
    kept = []
    for piece, box in enumerate(boxes[1:], 1):
        is_line = box.longest >= STRAIGHT * min(box.height, box.width)
        if not is_line or (box.height < REACHES * height and box.width < REACHES * width):
            kept.append(piece)
    inner = [k for k in kept if not _on_edge(boxes[k], height, width)]
    if usual := typical_height([boxes[k] for k in inner]):
        # Beside digits off the edges a larger piece along one is a table, a shadow, a neighbouring sheet.
        kept = [k for k in kept if k in set(inner) or boxes[k].height <= BY_AN_EDGE * usual]
    found = frames(components, kept)
    return [k for k in kept if k not in found]


def _on_edge(box: Box, height: int, width: int) -> bool:
    return box.top == 0 or box.bottom == height or box.left == 0 or box.right == width


def is_blot(components: Components, piece: int) -> bool:
    """Say whether a piece has no strokes, as a punch hole."""
    return stroke_width(components.mask(piece)) > SOLID * components.boxes[piece].longest


def typical_height(boxes: Sequence[Box]) -> float:
    """Return the height of digits: the median of the boxes' heights, each counted as often as it is high."""
    heights = np.sort([box.height for box in boxes if box.longest >= SMALLEST])
    if not len(heights):
        return 0.0
    total = heights.cumsum()
    return float(heights[np.searchsorted(total, total[-1] / 2)])
