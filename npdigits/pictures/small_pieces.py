"""The small pieces of a line: parts of its digits, torn digits, separators, or marks that are left out."""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from npdigits.base.arrays import Array
from npdigits.pictures import marks
from npdigits.pictures.box import Box
from npdigits.pictures.components import Components, stroke_width
from npdigits.pictures.line import ABOVE, WHOLE, Item, Line
from npdigits.pictures.marks import Band

# A small piece belongs to a digit if it is so near to its ink.
BESIDE = 0.12
# A piece that is left over may be a part of a digit that is so near.
NEARBY = 0.3
# Of a colon's points the smaller one's box has such a share of the larger one's, each is at least so wide in its own
# heights, and the lower one is at least so deep on the line.
ALIKE, POINT_WIDE, LOWER_POINT = 0.5, 0.6, 0.55
# A small piece is of a line if its middle is at most so far above or below it.
OFF = 0.4
# Two pieces that are lower still are a torn digit where both together are so high, and the wider one is so wide.
LOW, TORN = 0.6, 0.35


def sharing(lines: Sequence[Line], boxes: Sequence[Box], small: Sequence[int]) -> list[list[int]]:
    """Return for each line which of the small pieces are on it."""
    shares: list[list[int]] = [[] for _ in lines]
    for k in small:
        middle, best, least = (boxes[k].top + boxes[k].bottom) / 2, None, OFF
        for i, line in enumerate(lines):
            near = [item.box for item in line.items]
            beside = min(near, key=lambda b: abs(b.left + b.right - boxes[k].left - boxes[k].right))
            away = max(beside.top - middle, middle - beside.bottom, 0) / line.band.height
            if away < least:
                best, least = i, away
        if best is not None:
            shares[best].append(k)
    return shares


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
        mark = marks.kind(box, around(line, box))
        before = found[-1] if found else None
        if before and {mark, before.mark} <= {".", "°", ","} and _are_colon(before.box, box, around(line, box)):
            before.pieces.append(k)  # two points, one above the other
            before.box, before.mark = Box.around([before.box, box]), ":"
        elif mark:
            found.append(Item([k], box, mark))
        else:
            _leave_out(components, line, k)
    between = []
    for item in found:
        left, right = _neighbours(line, item.box)
        if item.mark != "°" and marks.stands_between(item.box, item.mark, left, right, line.band.height):
            between.append(item)
        else:
            for k in item.pieces:
                _leave_out(components, line, k)
    line.items += between
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


def _leave_out(components: Components, line: Line, piece: int) -> None:
    """Leave a piece out, or to who reads the digit that it is near."""
    item = _nearest(components, line, piece, NEARBY * line.band.height)
    if item:
        item.loose.append(piece)
    else:
        line.left_out.append(components.boxes[piece])


def _are_colon(one: Box, other: Box, band: Band) -> bool:
    """Say whether two points are a colon: alike, one above the other, not both in the line's upper half."""
    upper, lower = sorted([one, other])
    beside = min(one.right, other.right) > max(one.left, other.left) and upper.bottom <= lower.top
    areas = sorted(box.height * box.width for box in (one, other))
    alike = areas[0] >= ALIKE * areas[1] and all(box.width >= POINT_WIDE * box.height for box in (one, other))
    return beside and alike and band.depth((lower.top + lower.bottom) / 2) >= LOWER_POINT


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


def around(line: Line, box: Box) -> Band:
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
