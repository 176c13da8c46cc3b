"""The pieces of ink on an upright sheet as lines of digits, in reading order.

A digit may be of several pieces, as a 5 whose bar is apart. Which pieces belong together, and on which line they stand,
is told from their boxes alone; sizes are in heights of the line (the median of its digits' boxes).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from scipy import ndimage

from npdigits.base.arrays import Array
from npdigits.pictures import marks
from npdigits.pictures.components import BLOT, Box, Components, stroke_width
from npdigits.pictures.marks import Band
from npdigits.pictures.mnist_form import SMALLEST

# A digit's height is between these, in heights of all digits; a piece between LEAST and that is a part, or a mark.
SHORTEST, TALLEST, LEAST = 0.45, 2.2, 0.05
# A long thin piece is a line, and no 1, if its sides differ by that factor, and it is so long in sides of the sheet.
STRAIGHT, REACHES = 12, 1 / 3
# A piece that touches an edge is at most so high, in heights of those that do not.
BY_AN_EDGE = 1.5
# A frame holds something of at least this share of its height, and its ink fills at most this share of its box.
FRAMED, THIN_FRAME = 0.2, 0.3
# A piece is on a line if so much of its height, or of the line's, is common to both.
ON_LINE = 0.5
# Two pieces one above the other are one digit if so much of the narrower one's width is common, and the lower one is at
# most so high.
ABOVE, PART = 0.5, 0.8
# A small piece belongs to a digit if it is so near to its ink.
BESIDE = 0.12
# A small piece is of a line if its middle is at most so far above or below it.
OFF = 0.4
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


def lines_of(components: Components, some: Sequence[int], height: float = 0.0) -> list[Line]:
    """Return the lines of digits that some pieces are, from top to bottom.

    Args:
        components: the pieces of the sheet.
        some: numbers of those that may be digits, or parts of them.
        height: of a digit, where it is known from others; else it is told from these pieces.
    """
    height = height or typical_height([components.boxes[k] for k in some])
    if not height:
        return []
    boxes = components.boxes
    high = [k for k in some if SHORTEST * height <= boxes[k].height <= TALLEST * height]
    high = [k for k in high if boxes[k].longest >= SMALLEST]
    small = [k for k in some if LEAST * height <= boxes[k].longest and boxes[k].height < SHORTEST * height]
    lines = [_line(components, group) for group in _rows(boxes, high)]
    for line, parts in zip(lines, _sharing(lines, boxes, small), strict=True):
        _add_small(components, line, parts)
        _find_slashes(components, line)
        _put_spaces(line)
    return [line for line in lines if any(not item.mark for item in line.items)]


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
    frames = _frames(components, kept)
    return [k for k in kept if k not in frames and not _is_blot(components, k)]


def _on_edge(box: Box, height: int, width: int) -> bool:
    return box.top == 0 or box.bottom == height or box.left == 0 or box.right == width


def _frames(components: Components, some: Sequence[int]) -> set[int]:
    """Return which pieces are frames: thin, around others that are high enough for digits in them."""
    boxes = np.array([components.boxes[k] for k in some]).reshape(-1, 4)
    top, bottom, left, right = boxes.T
    high = bottom - top
    found = set()
    for k, box in zip(some, boxes, strict=True):
        if min(box[1] - box[0], box[3] - box[2]) < 2 * SMALLEST:
            continue
        within = (top > box[0]) & (bottom < box[1]) & (left > box[2]) & (right < box[3])
        held = within & (high >= max(SMALLEST, FRAMED * (box[1] - box[0])))
        if held.any() and components.areas[k] < THIN_FRAME * (box[1] - box[0]) * (box[3] - box[2]):
            found.add(k)
    return found


def _is_blot(components: Components, piece: int) -> bool:
    """Say whether a piece of a digit's size has no strokes."""
    box = components.boxes[piece]
    return box.longest >= 2 * SMALLEST and stroke_width(components.mask(piece)) > BLOT * box.longest


def typical_height(boxes: Sequence[Box]) -> float:
    """Return the height of digits: the median of the boxes' heights, each counted as often as it is high."""
    heights = np.sort([box.height for box in boxes if box.longest >= SMALLEST])
    if not len(heights):
        return 0.0
    total = heights.cumsum()
    return float(heights[np.searchsorted(total, total[-1] / 2)])


def slope(lines: Sequence[Line]) -> float:
    """Return by which angle the lines fall to the right, in radians: the weighted median over neighbours."""
    steps = []
    for line in lines:
        boxes = [item.box for item in line.items if not item.mark]
        for one, next_one in pairwise(boxes):
            run = (next_one.left + next_one.right - one.left - one.right) / 2
            steps.append((((next_one.bottom + next_one.top) - (one.bottom + one.top)) / 2 / max(run, 1), run))
    if not steps:
        return 0.0
    values, weights = np.array(sorted(steps)).T
    total = weights.cumsum()
    return float(np.arctan(values[np.searchsorted(total, total[-1] / 2)]))


def _rows(boxes: Sequence[Box], high: Sequence[int]) -> list[list[int]]:
    """Return pieces by the line that they are on, the lines from top to bottom.

    From left to right each joins the line whose last pieces have most of its height in common.
    """
    rows: list[list[int]] = []
    for k in sorted(high, key=lambda k: boxes[k].left):
        best, most = None, ON_LINE
        for row in rows:
            last = [boxes[m] for m in row[-2:]]
            top, bottom = np.mean([b.top for b in last]), np.mean([b.bottom for b in last])
            common = min(boxes[k].bottom, bottom) - max(boxes[k].top, top)
            share = common / min(boxes[k].height, bottom - top)
            if share > most:
                best, most = row, share
        if best is None:
            rows.append([k])
        else:
            best.append(k)
    return sorted(rows, key=lambda row: float(np.mean([boxes[k].top + boxes[k].bottom for k in row])))


def _line(components: Components, group: Sequence[int]) -> Line:
    """Return a line of the pieces of a group, those of one digit joined."""
    boxes = components.boxes
    height = float(np.median([boxes[k].height for k in group]))
    items: list[Item] = []
    for k in group:  # from left to right
        item = Item([k], boxes[k])
        for before in items[-2:]:
            common = min(before.box.right, item.box.right) - max(before.box.left, item.box.left)
            narrower, lower = min(before.box.width, item.box.width), min(before.box.height, item.box.height)
            if common >= ABOVE * narrower and lower <= PART * height:
                items.remove(before)
                item = Item([*before.pieces, *item.pieces], Box.around([before.box, item.box]))
        items.append(item)
    tops, bottoms = ([getattr(item.box, side) for item in items] for side in ("top", "bottom"))
    stroke = float(np.median([stroke_width(components.mask(k)) for k in group]))
    return Line(items, Band(float(np.median(tops)), float(np.median(bottoms)), stroke))


def _sharing(lines: Sequence[Line], boxes: Sequence[Box], small: Sequence[int]) -> list[list[int]]:
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


def _add_small(components: Components, line: Line, small: Sequence[int]) -> None:
    """Give small pieces to the digits that they are parts of; make marks of the others, or leave them out."""
    free = []
    reach = max(1.5, BESIDE * line.band.height)
    for k in small:
        item = _nearest(components, line, k, reach)
        if item:
            item.pieces.append(k)
            item.box = Box.around([item.box, components.boxes[k]])
        else:
            free.append(k)
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


def _find_slashes(components: Components, line: Line) -> None:
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


def _put_spaces(line: Line) -> None:
    """Say of which items a space is before them."""
    digits = [item for item in line.items if not item.mark]
    gaps = [b.box.left - a.box.right for a, b in pairwise(digits)]
    usual = max(float(np.median(gaps)), 0.1 * line.band.height) if len(gaps) > 1 else np.inf
    for before, item in pairwise(line.items):
        gap, height = item.box.left - before.box.right, line.band.height
        steps = (item.box.left + item.box.right - before.box.left - before.box.right) / 2
        wide = gap >= NARROW_SPACE * height and gap >= OF_GAPS * usual and steps >= 1.6 * height
        item.after_space = not (item.mark or before.mark) and bool(gap >= SPACE * height or wide)
