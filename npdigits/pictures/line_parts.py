"""A line of digits, and what its small pieces are: parts of digits, separators, specks; which strokes are slashes.

Sizes are in heights of the line (the median of its digits' boxes).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from scipy import ndimage

from npdigits.base.arrays import Array
from npdigits.pictures import marks
from npdigits.pictures.box import Box
from npdigits.pictures.components import Components, stroke_width
from npdigits.pictures.marks import Band

# Pieces one above the other are one digit if so much of the narrower one's width is common, and both together are at
# most so high, in heights of all digits.
ABOVE, WHOLE = 0.5, 1.25
# Two low pieces are a torn digit where both together are so high, and the wider one is so wide.
LOW, TORN = 0.6, 0.35
# A small piece belongs to a digit if it is so near to its ink.
BESIDE = 0.12
# A gap between two digits is a space if it is so wide; or, in a line with narrower ones, so wide and so many of them.
SPACE, NARROW_SPACE, OF_GAPS = 1.5, 0.9, 3.0


@dataclass
class Item:
    """A digit of a line, or a mark between digits.

    Attributes:
        pieces: numbers of its pieces.
        box: around them.
        mark: which separator it is; "" for a digit.
        after_space: whether there is a space before it.
    """

    pieces: list[int]
    box: Box
    mark: str = ""
    after_space: bool = False


@dataclass
class Line:
    """A line of digits.

    Attributes:
        items: from left to right.
        band: the rows that its digits take.
        left_out: boxes of small pieces that are neither digits nor separators.
    """

    items: list[Item]
    band: Band
    left_out: list[Box] = field(default_factory=list)

    @property
    def box(self) -> Box:
        return Box.around([item.box for item in self.items])


def add_small(components: Components, line: Line, small: Sequence[int]) -> None:
    """Give small pieces to the digits that they are parts of; make marks of the others, or leave them out."""
    free: list[int] = []
    reach = max(1.5, BESIDE * line.band.height)
    for k in small:
        item = _nearest(components, line, k, reach)
        if item:
            item.pieces.append(k)
            item.box = Box.around([item.box, components.boxes[k]])
        else:
            free.append(k)
    for torn in _torn(components.boxes, free, line.band.height):
        line.items.append(torn)
        free = [k for k in free if k not in torn.pieces]
    found: list[Item] = []
    for k in sorted(free, key=lambda k: components.boxes[k].left):
        box = components.boxes[k]
        mark = marks.kind(box, _around(line, box))
        before = found[-1] if found else None
        if before and {mark, before.mark} <= {".", "°", ","} and _above(before.box, box):
            before.pieces.append(k)  # two points, one above the other
            before.box, before.mark = Box.around([before.box, box]), ":"
        elif mark:
            found.append(Item([k], box, mark))
        else:
            line.left_out.append(box)
    for item in found:
        left, right = _neighbours(line, item.box)
        if item.mark != "°" and marks.stands_between(item.box, item.mark, left, right, line.band.height):
            line.items.append(item)
        else:
            line.left_out.append(item.box)
    line.items.sort(key=lambda item: item.box.left + item.box.right)


def _torn(boxes: Sequence[Box], small: Sequence[int], height: float) -> list[Item]:
    """Return digits of two small pieces, one above the other, that are together as high as a digit."""
    found: list[Item] = []
    for i, k in enumerate(small):
        for m in small[i + 1 :]:
            both = Box.around([boxes[k], boxes[m]])
            common = min(boxes[k].right, boxes[m].right) - max(boxes[k].left, boxes[m].left)
            shape = LOW * height <= both.height <= WHOLE * height and both.width <= WHOLE * height
            wide = max(boxes[k].width, boxes[m].width) >= TORN * height
            used = {n for item in found for n in item.pieces}
            if shape and wide and common >= ABOVE * min(boxes[k].width, boxes[m].width) and not used & {k, m}:
                found.append(Item([k, m], both))
    return found


def _above(one: Box, other: Box) -> bool:
    """Say whether one of two boxes is above the other, in the same columns."""
    return min(one.right, other.right) > max(one.left, other.left) and (
        one.bottom <= other.top or other.bottom <= one.top
    )


def _nearest(components: Components, line: Line, piece: int, reach: float) -> Item | None:
    """Return the digit whose ink is nearest to a piece, at most so far away; None if there is none."""
    box, pad = components.boxes[piece], int(reach) + 1
    window = components.labels[max(box.top - pad, 0) : box.bottom + pad, max(box.left - pad, 0) : box.right + pad]
    away = ndimage.distance_transform_edt(window != piece)
    owners = {k: item for item in line.items for k in item.pieces}
    best, least = None, reach + 1e-6
    for k in np.unique(window):
        if k in owners and (distance := float(away[window == k].min())) <= least:
            best, least = owners[k], distance
    return best


def _around(line: Line, box: Box) -> Band:
    """Return the rows that the digits beside a box take."""
    beside = [b for b in _neighbours(line, box) if b is not None and b.height >= 0.7 * line.band.height]
    if not beside:
        return line.band
    return Band(float(np.mean([b.top for b in beside])), float(np.mean([b.bottom for b in beside])), line.band.stroke)


def _neighbours(line: Line, box: Box) -> tuple[Box | None, Box | None]:
    """Return the digits before and after a box, by their middles."""
    middle = box.left + box.right
    others = [item.box for item in line.items if not item.mark and item.box != box]
    before = [b for b in others if b.left + b.right < middle]
    after = [b for b in others if b.left + b.right >= middle]
    return (max(before, key=lambda b: b.right) if before else None), (
        min(after, key=lambda b: b.left) if after else None
    )


def find_slashes(components: Components, line: Line) -> None:
    """Mark the digits of a line that are slashes."""
    for item in line.items:
        if item.mark or len(item.pieces) > 1 or item.box.height < line.band.height:
            continue
        beside = [box for box in _neighbours(line, item.box) if box is not None]
        if marks.is_slash(item.box, leaning(components.mask(item.pieces[0])), beside):
            item.mark = "/"


def leaning(mask: Array) -> float:
    """Return how far a straight stroke's upper end is to the right of its lower end, in heights; 0 if not straight.

    Straight is what has, in every row, its middle within a stroke's width of one line, and no row twice as wide.
    """
    rows = np.arange(len(mask))
    n = mask.sum(axis=1)
    if (n == 0).any():
        return 0.0
    middles = (mask * np.arange(mask.shape[1])).sum(axis=1) / n
    rise, start = np.polyfit(rows, middles, 1)
    width = max(stroke_width(mask), 1.0)
    if np.abs(middles - start - rise * rows).max() > width or n.max() > 2.5 * max(float(np.median(n)), 1.0):
        return 0.0
    return float(-rise)


def put_spaces(line: Line) -> None:
    """Say of which items a space is before them."""
    digits = [item for item in line.items if not item.mark]
    gaps = [b.box.left - a.box.right for a, b in pairwise(digits)]
    usual = max(float(np.median(gaps)), 0.1 * line.band.height) if len(gaps) > 1 else np.inf
    for before, item in pairwise(line.items):
        gap, height = item.box.left - before.box.right, line.band.height
        steps = (item.box.left + item.box.right - before.box.left - before.box.right) / 2
        wide = gap >= NARROW_SPACE * height and gap >= OF_GAPS * usual and steps >= 1.6 * height
        item.after_space = not (item.mark or before.mark) and bool(gap >= SPACE * height or wide)
