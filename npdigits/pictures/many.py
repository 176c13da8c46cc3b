"""All digits of a picture: numbers, dates, rows and grids, in reading order."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from npdigits.base.arrays import Array
from npdigits.pictures import touching
from npdigits.pictures.box import Box
from npdigits.pictures.candidates import candidates, typical_height
from npdigits.pictures.components import Components, NoDigit
from npdigits.pictures.grid import FoundGrid, grids
from npdigits.pictures.ink import inks
from npdigits.pictures.line import Item, Line
from npdigits.pictures.lines import without_lines
from npdigits.pictures.mnist_form import SMALLEST, stretched, told_apart
from npdigits.pictures.perspective import Sheet, turning
from npdigits.pictures.text_lines import lines_of, slope, too_high
from npdigits.pictures.threshold import otsu
from npdigits.pictures.touching import Reads, image_of

# So many digits are read in a picture; what has more pieces than that is noise, or print.
MOST_DIGITS = 2000
# Lines that fall or rise by more than this, in radians, are turned level before they are read.
LEVEL = 0.03
# Digits in cells are at least so high, in heights of the cells; higher than that the cells are squared paper's.
OF_A_CELL, PAPER = 0.2, 0.98

# A panel with digits in it is at least such a share of the picture.
PANEL = 0.25

# A piece is joined to a digit near it that is then read with at least this probability.
JOINED = 0.5

TOUCH = "digits that touch, or one wide digit"

# Left, top, right and bottom.
Place = tuple[float, float, float, float]


@dataclass(frozen=True)
class Found:
    """A digit or a mark of a picture.

    Attributes:
        place: the box around it in the picture: left, top, right, bottom, from the edges of pixels.
        line: on which it is, from 1; a grid's row is a line.
        position: of the digit on the line, from 1; a mark has that of the digit before.
        image: 28 × 28 bytes; None for marks and what cannot be read.
        mark: which separator it is.
        why: why it cannot be read; "" where it can be.
        cell: of a grid: the grid's number, row and column, from 1; None outside grids.
        after_space: whether a space is before it.
    """

    place: Place
    line: int
    position: int
    image: Array | None
    mark: str = ""
    why: str = ""
    cell: tuple[int, int, int] | None = None
    after_space: bool = False


@dataclass
class Page:
    """What is on a picture.

    Attributes:
        found: digits and marks, in reading order.
        grids: rows and columns of each grid.
        line_of_grid: the number of the first line of each grid.
        lines: how many lines there are.
        left_out: boxes of marks that are neither digits nor known separators, and of ink too high for the digits.
    """

    found: list[Found] = field(default_factory=list)
    grids: list[tuple[int, int]] = field(default_factory=list)
    line_of_grid: list[int] = field(default_factory=list)
    lines: int = 0
    left_out: list[Place] = field(default_factory=list)

    def moved(self, x: float, y: float) -> "Page":
        """Return what is on a picture of which this one is a part, whose upper left corner is there."""
        found = [replace(one, place=_moved(one.place, x, y)) for one in self.found]
        return replace(self, found=found, left_out=[_moved(place, x, y) for place in self.left_out])


def _moved(place: Place, x: float, y: float) -> Place:
    left, top, right, bottom = place
    return left + x, top + y, right + x, bottom + y


def page_of(grey: Array, read: Reads) -> Page:
    """Return all digits of a picture.

    Args:
        grey: bytes 0 (black) … 255 (white), shape (height, width).
        read: gives the probabilities of the classes, (n, classes), for images in MNIST's form (n, 28, 28). It decides
            where digits that touch are split.

    Raises:
        NoDigit: there is none; says why.
    """
    refused = None
    for ink, most in inks(grey):
        try:
            return _page(grey, ink, most, read)
        except NoDigit as error:  # then another side of the paper's grey value may be the ink
            refused = refused or error
    assert refused is not None
    raise refused


def _page(grey: Array, ink: Array, most: float, read: Reads) -> Page:
    """Return all digits of a picture of which it is known how much ink is where, at most such a share of it."""
    threshold, pieces = told_apart(ink)
    if len(pieces.boxes) > 20 * MOST_DIGITS:
        raise NoDigit(f"{len(pieces.boxes) - 1:,} separate pieces, as of noise")
    panel = pieces.panel()
    # Of what is all panel nothing is left to find; a small one may be a blot, or digits over one another.
    if panel is not None and PANEL * grey.size <= panel.height * panel.width < grey.size:
        with contextlib.suppress(NoDigit):
            return page_of(grey[panel.top : panel.bottom, panel.left : panel.right], read).moved(panel.left, panel.top)
    sheet, drawn = _with_grids(ink, threshold, pieces, most)
    if not drawn:  # then lines are of ruled paper
        freed = without_lines(ink)
        threshold, pieces = told_apart(freed)
        sheet = Sheet(stretched(freed, threshold, most), pieces.labels > 0, np.eye(3))
    rest = sheet
    for one in drawn:
        rest = rest.without(one.covers)
    view, components, lines, high = _level_lines(rest)
    page = Page(left_out=[view.place(box) for box in high])
    # From top to bottom, by where they begin in the picture.
    blocks: list[tuple[float, FoundGrid | list[Line]]] = [(float(one.box.top), one) for one in drawn]
    blocks += [(_top_of(line, view), [line]) for line in lines]
    for _, block in sorted(blocks, key=lambda block: block[0]):
        if isinstance(block, FoundGrid):
            _add_grid(page, block, read)
        else:
            page.lines += 1
            _add_line(page, block[0], view, components, page.lines, read)
    if not any(one.image is not None or one.why for one in page.found):
        raise NoDigit(_why_none(pieces))
    return page


def _with_grids(ink: Array, threshold: int, pieces: Components, most: float) -> tuple[Sheet, list[FoundGrid]]:
    """Return the sheet of ink above a threshold, and its grids: of fainter lines where there are none of the ink."""
    sheet = Sheet(stretched(ink, threshold, most), pieces.labels > 0, np.eye(3))
    drawn = grids(sheet, pieces)
    if not drawn and (lower := otsu(ink)) < threshold:
        fainter = Components.of(ink > lower)
        other = Sheet(stretched(ink, lower, most), fainter.labels > 0, np.eye(3))
        if drawn := grids(other, fainter):
            return other, drawn
    return sheet, drawn


def _top_of(line: Line, view: Sheet) -> float:
    """Return where in the picture a line's first digit begins."""
    return view.place(line.items[0].box)[1]


def _why_none(pieces: Components) -> str:
    """Return why a page has no digit."""
    longest = max((box.longest for box in pieces.boxes), default=0)
    if 0 < longest < SMALLEST:
        return f"what is on it is only {longest} pixels high: allowed are {SMALLEST} and more"
    return "no digits found on it"


def _level_lines(sheet: Sheet) -> tuple[Sheet, Components, list[Line], list[Box]]:
    """Return a view in which lines are level, its pieces, the lines of digits, and what is too high for these."""
    components = Components.of(sheet.mask)
    some = candidates(components)
    lines = lines_of(components, some)
    _refuse_too_many(lines)
    angle = slope(lines)
    if abs(angle) <= LEVEL:
        return sheet, components, lines, too_high(components, some)
    back, shape = turning(angle, sheet.mask.shape)
    kept = np.zeros(len(components.areas), bool)
    kept[some] = True
    turned = sheet.without(sheet.mask & ~kept[components.labels]).seen(back, shape)
    components = Components.of(turned.mask)
    some = list(range(1, len(components.boxes)))
    return turned, components, lines_of(components, some), too_high(components, some)


def _refuse_too_many(lines: Sequence[Line]) -> None:
    """Refuse a page of more digits than are read.

    Raises:
        NoDigit: says how many.
    """
    n = sum(not item.mark for line in lines for item in line.items)
    if n > MOST_DIGITS:
        raise NoDigit(f"{n:,} pieces that may be digits: allowed are {MOST_DIGITS:,}")


def _add_grid(page: Page, found: FoundGrid, read: Reads) -> None:
    """Add what is in the cells of a grid, row by row."""
    view, grid = found.sheet, found.grid
    components = Components.of(view.mask)
    page.grids.append((grid.rows, grid.columns))
    page.line_of_grid.append(page.lines + 1)
    inside: dict[tuple[int, int], list[int]] = {}
    for piece, box in enumerate(components.boxes[1:], 1):
        cell = grid.cell_of((box.left + box.right) / 2, (box.top + box.bottom) / 2)
        if cell is not None:
            inside.setdefault(cell, []).append(piece)
    cell_height = float(np.median(np.diff([trace.middle(view.mask.shape[1] / 2) for trace in grid.level])))
    large = [k for some in inside.values() for k in some if components.boxes[k].height >= OF_A_CELL * cell_height]
    height = typical_height([components.boxes[k] for k in large])
    if height > PAPER * cell_height:  # squared paper: digits over its lines
        page.grids.pop()
        page.line_of_grid.pop()
        for line in lines_of(components, candidates(components)):
            page.lines += 1
            _add_line(page, line, view, components, page.lines, read)
        return
    for row in range(grid.rows):
        position = 0
        for column in range(grid.columns):
            for line in lines_of(components, inside.get((row, column), []), height):
                where = len(page.grids), row + 1, column + 1
                position = _add_line(page, line, view, components, page.lines + row + 1, read, position, where)
    page.lines += grid.rows


def _add_line(
    page: Page,
    line: Line,
    view: Sheet,
    components: Components,
    number: int,
    read: Reads,
    position: int = 0,
    cell: tuple[int, int, int] | None = None,
) -> int:
    """Add a line's digits and marks after so many of the same line; return how many digits there are then."""
    for item in line.items:
        _settle(item, line, view, components, read)
        for box, image, why in _images(item, line, view, components, read):
            position += not item.mark
            place = view.place(box)
            page.found.append(Found(place, number, position, image, item.mark, why, cell, item.after_space))
    page.left_out += [view.place(box) for box in line.left_out]
    return position


def _settle(item: Item, line: Line, view: Sheet, components: Components, read: Reads) -> None:
    """Give a digit the pieces near it if it is read more surely with them, and not badly; else leave them out."""
    if not item.loose:
        return
    pieces = [item.pieces, [*item.pieces, *item.loose]]
    boxes = [Box.around([components.boxes[k] for k in some]) for some in pieces]
    images = []
    for some, box in zip(pieces, boxes, strict=True):
        rows, columns = slice(box.top, box.bottom), slice(box.left, box.right)
        images.append(image_of(view.levels[rows, columns], np.isin(components.labels[rows, columns], some)))
    alone, together = read(np.array(images)).max(axis=1)
    if together > max(alone, JOINED):
        item.pieces, item.box = pieces[1], boxes[1]
    else:
        line.left_out += [components.boxes[k] for k in item.loose]


def _images(
    item: Item, line: Line, view: Sheet, components: Components, read: Reads
) -> Iterator[tuple[Box, Array | None, str]]:
    """Yield the boxes and images of an item: of one digit, or of several that touch; why there is none."""
    box = item.box
    if item.mark:
        yield box, None, ""
        return
    rows, columns = slice(box.top, box.bottom), slice(box.left, box.right)
    mask, levels = np.isin(components.labels[rows, columns], item.pieces), view.levels[rows, columns]
    if box.width < touching.MAY_BE_TWO * line.height:
        yield box, image_of(levels, mask), ""
        return
    parts = touching.split(levels, mask, line.height, read)
    if parts is None:
        yield box, None, TOUCH
        return
    for part, (top, bottom, left, right) in zip(parts, touching.places(parts), strict=True):
        yield Box(box.top + top, box.top + bottom, box.left + left, box.left + right), part.image, ""
