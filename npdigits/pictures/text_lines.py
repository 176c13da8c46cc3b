"""The pieces of ink on an upright sheet as lines of digits, in reading order.

A digit may be of several pieces, as a 5 whose bar is apart. Which pieces belong together, and on which line they stand,
is told from their boxes alone; sizes are in heights of the line (the median of its digits' boxes).
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from npdigits.pictures.box import Box
from npdigits.pictures.components import Components, stroke_width
from npdigits.pictures.line_parts import ABOVE, WHOLE, Item, Line, add_small, find_slashes, put_spaces
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
# Of two pieces of one digit, one above the other, the lower one is at most so high; of two halves both are.
PART = 0.8
# A piece is a blot, without strokes, if its stroke width is more than this share of its longer side: a disk has 0.5,
# MNIST's thickest digits, pixel by pixel, 0.41.
SOLID = 0.44
# Lines are turned where the longest one falls or rises by so many of its heights.
RISE = 0.4
# A small piece is of a line if its middle is at most so far above or below it.
OFF = 0.4


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
    high = [k for k in high if boxes[k].longest >= SMALLEST and not _is_blot(components, k)]
    small = [k for k in some if LEAST * height <= boxes[k].longest and boxes[k].height < SHORTEST * height]
    rows = _rows(_stacked(boxes, high, height))
    # What is low, and beside digits of another line, is a comma or a part of them.
    low = [row for row in rows if max(item.box.height for item in row) <= PART * height and _is_beside(row, rows)]
    small += [k for row in low for item in row for k in item.pieces]
    lines = [_line(components, row) for row in rows if row not in low]
    for line, parts in zip(lines, _sharing(lines, boxes, small), strict=True):
        add_small(components, line, parts)
        find_slashes(components, line)
        put_spaces(line)
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
    return [k for k in kept if k not in frames]


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


def typical_height(boxes: Sequence[Box]) -> float:
    """Return the height of digits: the median of the boxes' heights, each counted as often as it is high."""
    heights = np.sort([box.height for box in boxes if box.longest >= SMALLEST])
    if not len(heights):
        return 0.0
    total = heights.cumsum()
    return float(heights[np.searchsorted(total, total[-1] / 2)])


def slope(lines: Sequence[Line]) -> float:
    """Return by which angle the lines fall to the right, in radians: the weighted median over neighbours.

    It is 0 where the longest line would not fall or rise by a good part of its height: digits are not that level.
    """
    steps, rise = [], 0.0
    for line in lines:
        boxes = [item.box for item in line.items if not item.mark]
        rise = max(rise, (boxes[-1].left - boxes[0].left) / line.band.height)
        for one, next_one in pairwise(boxes):
            run = (next_one.left + next_one.right - one.left - one.right) / 2
            steps.append((((next_one.bottom + next_one.top) - (one.bottom + one.top)) / 2 / max(run, 1), run))
    if not steps:
        return 0.0
    values, weights = np.array(sorted(steps)).T
    total = weights.cumsum()
    found = float(values[np.searchsorted(total, total[-1] / 2)])
    return float(np.arctan(found)) if abs(found) * rise >= RISE else 0.0


def _is_blot(components: Components, piece: int) -> bool:
    """Say whether a piece has no strokes, as a punch hole."""
    return stroke_width(components.mask(piece)) > SOLID * components.boxes[piece].longest


def _is_beside(row: Sequence[Item], rows: Sequence[Sequence[Item]]) -> bool:
    """Say whether a row is between the rows of pixels of another that has higher digits, or hardly out of them."""
    box = Box.around([item.box for item in row])
    for other in rows:
        around = Box.around([item.box for item in other])
        near = [item.box for item in other if item.box.gap(box) <= around.height]
        if other is not row and any(b.height > box.height and b.top < box.bottom and box.top < b.bottom for b in near):
            return True
    return False


def _stacked(boxes: Sequence[Box], some: Sequence[int], height: float) -> list[Item]:
    """Return pieces as digits from left to right: halves of a digit one above the other are one."""
    items: list[Item] = []
    for k in sorted(some, key=lambda k: boxes[k].left):
        item = Item([k], boxes[k])
        for before in items[-3:]:
            both = Box.around([before.box, item.box])
            common = min(before.box.right, item.box.right) - max(before.box.left, item.box.left)
            halves = max(before.box.height, item.box.height) <= PART * height and both.height <= WHOLE * height
            if halves and common >= ABOVE * min(before.box.width, item.box.width):
                items.remove(before)
                item = Item([*before.pieces, k], both)
        items.append(item)
    return items


def _rows(items: Sequence[Item]) -> list[list[Item]]:
    """Return digits by the line that they are on, the lines from top to bottom.

    From left to right each joins the line whose last digits have most of its height in common.
    """
    rows: list[list[Item]] = []
    for item in sorted(items, key=lambda item: item.box.left):
        best, most = None, ON_LINE
        for row in rows:
            last = [before.box for before in row[-2:]]
            top, bottom = np.mean([b.top for b in last]), np.mean([b.bottom for b in last])
            common = min(item.box.bottom, bottom) - max(item.box.top, top)
            share = common / min(item.box.height, bottom - top)
            if share > most:
                best, most = row, share
        if best is None:
            rows.append([item])
        else:
            best.append(item)
    return sorted(rows, key=lambda row: float(np.mean([item.box.top + item.box.bottom for item in row])))


def _line(components: Components, group: Sequence[Item]) -> Line:
    """Return a line of the digits of a group, parts of one digit joined."""
    height = float(np.median([item.box.height for item in group]))
    items: list[Item] = []
    for item in group:  # from left to right
        for before in items[-2:]:
            common = min(before.box.right, item.box.right) - max(before.box.left, item.box.left)
            narrower, lower = min(before.box.width, item.box.width), min(before.box.height, item.box.height)
            if common >= ABOVE * narrower and lower <= PART * height:
                items.remove(before)
                item = Item([*before.pieces, *item.pieces], Box.around([before.box, item.box]))
        items.append(item)
    tops, bottoms = ([getattr(item.box, side) for item in items] for side in ("top", "bottom"))
    stroke = float(np.median([stroke_width(components.mask(k)) for item in group for k in item.pieces]))
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
