"""Grids on a page: a sudoku, a table of marks. Where they are, and what is in which cell.

A grid is one piece of ink with cells in it: holes that are nearly rectangles. It is seen upright by the map that takes
its four corners to those of a rectangle; there its lines are traced and taken off (``grid_lines.py``), also where a
digit touches them.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from npdigits.base.arrays import Array
from npdigits.pictures.box import Box
from npdigits.pictures.components import Components
from npdigits.pictures.grid_lines import Grid, drawn_grid
from npdigits.pictures.mnist_form import SMALLEST
from npdigits.pictures.perspective import Sheet, four_corners, projection

# A grid's sides are at least so many pixels, and its ink is at most such a share of its box.
SMALLEST_GRID, MOST_INK = 3 * SMALLEST, 0.6
# A cell fills at least such a share of its box; all cells fill at least such a share of the grid's corners.
CELL, CELLS = 0.55, 0.4
# A grid has so many cells, or two that hold something at least so high, in heights of the cell.
MANY_CELLS, HOLDS = 4, 0.2
# So many grids are looked for on a page.
MOST_GRIDS = 20


@dataclass(frozen=True)
class FoundGrid:
    """A grid on a page.

    Attributes:
        sheet: the grid seen upright, its lines taken off.
        grid: where its lines are on that sheet.
        box: around it on the page.
        covers: the part of the page that it takes, a mask.
    """

    sheet: Sheet
    grid: Grid
    box: Box
    covers: Array


def grids(sheet: Sheet, components: Components) -> list[FoundGrid]:
    """Return the grids of a page, the largest first, none within another."""
    by_size = sorted(
        range(1, len(components.boxes)), key=lambda k: -components.boxes[k].height * components.boxes[k].width
    )
    found: list[FoundGrid] = []
    for piece in by_size[:MOST_GRIDS]:
        box = components.boxes[piece]
        if min(box.height, box.width) < SMALLEST_GRID:
            continue
        if any(one.box.holds(box) for one in found) or not _has_cells(components, piece):
            continue
        mask = components.labels == piece
        corners = four_corners(mask)
        back, shape = _upright(corners)
        grid = drawn_grid(Sheet(sheet.levels, mask, sheet.back).seen(back, shape).mask)
        if grid is None:
            continue
        view = sheet.seen(back, shape)
        found.append(FoundGrid(grid.taken_off(view), grid, box, _covered(mask, box)))
    return found


def _has_cells(components: Components, piece: int) -> bool:
    """Say whether a piece has the holes of a grid."""
    mask, box = components.mask(piece), components.boxes[piece]
    if mask.mean() > MOST_INK:
        return False
    holes, _ = ndimage.label(~np.pad(mask, 1, constant_values=False))
    outside = holes[0, 0]
    cells, held = 0, 0
    total = 0
    inner = components.labels[box.top : box.bottom, box.left : box.right]
    for k, place in enumerate(ndimage.find_objects(holes), 1):
        high, wide = place[0].stop - place[0].start, place[1].stop - place[1].start
        if k == outside or min(high, wide) < SMALLEST:
            continue
        area = int((holes[place] == k).sum())
        if area < CELL * high * wide:
            continue
        cells += 1
        total += area
        within = np.unique(inner[place[0].start - 1 : place[0].stop - 1, place[1].start - 1 : place[1].stop - 1])
        sizes = [components.boxes[m].height for m in within if m not in (0, piece)]
        held += bool(sizes) and max(sizes) >= max(HOLDS * high, SMALLEST)
    if total < CELLS * box.height * box.width:
        return False
    return cells >= MANY_CELLS or (cells >= 2 and held > 0)


def _upright(corners: Array) -> tuple[Array, tuple[int, int]]:
    """Return the map from an upright view of four corners, with a margin, back to them; and the view's shape."""
    upper_left, upper_right, lower_right, lower_left = corners
    wide = max(np.hypot(*(upper_right - upper_left)), np.hypot(*(lower_right - lower_left)))
    high = max(np.hypot(*(lower_left - upper_left)), np.hypot(*(lower_right - upper_right)))
    margin = max(4, round(0.03 * max(wide, high)))
    high, wide = round(high), round(wide)
    onto = np.array([(0, 0), (wide, 0), (wide, high), (0, high)], float) + margin
    return projection(onto, corners), (high + 1 + 2 * margin, wide + 1 + 2 * margin)


def _covered(mask: Array, box: Box) -> Array:
    """Return what a piece covers, its holes included."""
    covers = np.zeros(mask.shape, bool)
    rows, columns = slice(box.top, box.bottom), slice(box.left, box.right)
    covers[rows, columns] = ndimage.binary_fill_holes(mask[rows, columns])
    return covers
