"""The pieces of ink on an upright sheet as lines of digits, in reading order.

A digit may be of several pieces, as a 5 whose bar is apart. Which pieces belong together, and on which line they stand,
is told from their boxes alone; sizes are in heights of the line (the median of its digits' boxes).
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from npdigits.pictures import marks
from npdigits.pictures.box import Box
from npdigits.pictures.candidates import is_blot, typical_height
from npdigits.pictures.components import Components, stroke_width
from npdigits.pictures.line import ABOVE, PART, WHOLE, Item, Line
from npdigits.pictures.marks import Band
from npdigits.pictures.mnist_form import SMALLEST
from npdigits.pictures.small_pieces import add_small, around, find_slashes, sharing

# A digit's height is between these, in heights of all digits; a piece between LEAST and that is a part, or a mark.
SHORTEST, TALLEST, LEAST = 0.45, 2.2, 0.05
# A piece is on a line if so much of its height, or of the line's, is common to both.
ON_LINE = 0.5
# A line whose digits are lower than others by at most that factor has wide ones among them, as of one digit alone.
HARDLY = 1.4
# Lines are turned where the longest one falls or rises by so many of its heights.
RISE = 0.4
# A gap between two digits is a space if it is so wide; or, in a line with narrower ones, so wide and so many of them.
SPACE, NARROW_SPACE, OF_GAPS = 1.5, 0.9, 3.0


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
    high = [k for k in high if boxes[k].longest >= SMALLEST and not is_blot(components, k)]
    small = [k for k in some if LEAST * height <= boxes[k].longest and boxes[k].height < SHORTEST * height]
    rows = _rows(_stacked(boxes, high, height))
    # What is low, and beside digits of another line, is a comma or a part of them.
    low = [row for row in rows if max(item.box.height for item in row) <= PART * height and _is_beside(row, rows)]
    small += [k for row in low for item in row for k in item.pieces]
    lines = [_line(components, row, height) for row in rows if row not in low]
    for line in lines:  # a comma that is about half as high as a digit
        digits = [item for item in line.items if len(item.pieces) > 1 or not _is_low_mark(line, item)]
        if digits:
            small += [item.pieces[0] for item in line.items if item not in digits]
            line.items = digits
    for line, parts in zip(lines, sharing(lines, boxes, small), strict=True):
        add_small(components, line, parts)
        find_slashes(components, line)
        _put_spaces(line)
    return [line for line in lines if any(not item.mark for item in line.items)]


def too_high(components: Components, some: Sequence[int]) -> list[Box]:
    """Return the boxes of pieces with strokes that are too high for the digits among some pieces, by ``lines_of``."""
    limit = TALLEST * typical_height([components.boxes[k] for k in some])
    return [components.boxes[k] for k in some if components.boxes[k].height > limit and not is_blot(components, k)]


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


def _is_low_mark(line: Line, item: Item) -> bool:
    """Say whether a low digit of a line looks like one of its separators."""
    return item.box.height <= marks.COMMA * line.band.height and marks.kind(item.box, around(line, item.box)) != ""


def _is_beside(row: Sequence[Item], rows: Sequence[Sequence[Item]]) -> bool:
    """Say whether a row is between the rows of pixels of another that has higher digits, or hardly out of them."""
    box = Box.around([item.box for item in row])
    for other in rows:
        height = Box.around([item.box for item in other]).height
        near = [item.box for item in other if item.box.gap(box) <= height]
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
            top, bottom = (float(np.mean(ends)) for ends in ([b.top for b in last], [b.bottom for b in last]))
            common = min(item.box.bottom, bottom) - max(item.box.top, top)
            share = common / min(item.box.height, bottom - top)
            if share > most:
                best, most = row, share
        if best is None:
            rows.append([item])
        else:
            best.append(item)
    return sorted(rows, key=lambda row: float(np.mean([item.box.top + item.box.bottom for item in row])))


def _line(components: Components, group: Sequence[Item], usual: float) -> Line:
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
    band = Band(float(np.median(tops)), float(np.median(bottoms)), stroke)
    return Line(items, band, max(band.height, usual if usual <= HARDLY * band.height else 0.0))


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
