"""Pages with many digits, composed of MNIST's: numbers, dates, rows, tables, sudokus; and what is written on them."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from hard import light
from hard.camera import INKS, PAPERS, blended, coloured, flat, photographed
from hard.drawing import Draw, Picture
from hard.glyphs import turned, written
from PIL import Image, ImageDraw
from scipy import ndimage

from npdigits.base.arrays import Array


@dataclass(frozen=True)
class Written:
    """A page, and what is written on it.

    Attributes:
        picture: the page.
        lines: the text of each line; of a grid none.
        cells: the text of each cell of a grid, "" where it is empty.
    """

    picture: Picture
    lines: list[str] = field(default_factory=list)
    cells: list[list[str]] = field(default_factory=list)


# Digits that do not touch are at least so many pixels apart: a camera's blur would join them.
LEAST = 3.0

Maker = Callable[[Draw], Written]


def digit_ink(draw: Draw, height: float) -> tuple[str, Array]:
    """Return some digit and its ink, about so high."""
    k = int(draw.rng.integers(len(draw.source.labels)))
    return str(draw.source.labels[k]), written(draw, height, image=draw.source.images[k])


def drawn_mark(draw: Draw, mark: str, height: float, pen: float) -> Array:
    """Return a separator's ink in a line's height, and a little below its foot."""
    h = height
    strokes = {
        ".": [[(0, 0.95 * h), (0.02 * h, 0.95 * h)]],
        ",": [[(0.05 * h, 0.92 * h), (0.05 * h, 1.02 * h), (-0.04 * h, 1.18 * h)]],
        ":": [[(0, 0.3 * h), (0.01 * h, 0.3 * h)], [(0, 0.85 * h), (0.01 * h, 0.85 * h)]],
        "-": [[(0, 0.55 * h), (0.4 * h, (0.55 + draw.between(-0.06, 0.06)) * h)]],
        "/": [[(draw.between(0.35, 0.6) * h, -0.15 * h), (0, 1.15 * h)]],
    }[mark]
    image = np.zeros((round(1.4 * h), round(0.9 * h)))
    fine = 3
    large = Image.new("L", (fine * image.shape[1], fine * image.shape[0]))
    pencil, wide = ImageDraw.Draw(large), max(pen * draw.between(0.9, 1.3), 1.5) * fine
    for stroke in strokes:
        points = [((x + 0.15 * h) * fine, (y + 0.2 * h) * fine) for x, y in stroke]
        pencil.line(points, fill=255, width=round(wide))
        for x, y in points:
            pencil.ellipse((x - wide / 2, y - wide / 2, x + wide / 2, y + wide / 2), fill=255)
    ink = np.asarray(large.resize((image.shape[1], image.shape[0]), Image.Resampling.BOX)) / 255
    columns = np.flatnonzero(ink.max(axis=0) > 0.1)
    whole: Array = ink[:, columns[0] : columns[-1] + 1]
    return whole


def row_ink(draw: Draw, text: str, height: float, gap: tuple[float, float], jitter: float = 0.08) -> tuple[str, Array]:
    """Return a text and its ink; in it each "d" becomes some digit.

    Args:
        draw: how.
        text: of "d", separators and spaces.
        height: of the digits' longer sides, about, in pixels.
        gap: between the ink of neighbours, in heights; negative: they touch.
        jitter: how far digits are off the line, and how unlike their sizes are, in heights.
    """
    said, sheet = "", np.zeros((round(2.2 * height), 0))
    edge = np.zeros(len(sheet))  # how far the ink reaches to the right, by rows
    pen, space = 0.11 * height, 0.0
    for letter in text:
        if letter == " ":
            said, space = said + " ", draw.between(1.2, 2.2) * height
            continue
        if letter == "d":
            letter, ink = digit_ink(draw, height * draw.between(1 - jitter, 1 + jitter))
            top = round(1.5 * height - len(ink) + draw.between(-jitter, jitter) * height)
            if len(ink) < 0.7 * height:  # a digit that is wider than high
                top = round(1.5 * height - (height + len(ink)) / 2)
        else:
            ink = drawn_mark(draw, letter, height, pen)
            top = round(0.5 * height - 0.2 * height)
        said += letter
        away = draw.between(*gap) * height
        sheet, edge = _joined(sheet, edge, ink, top, space + (max(away, LEAST) if gap[0] > 0 else away))
        space = 0.0
    return said, sheet


def _joined(sheet: Array, edge: Array, ink: Array, top: int, gap: float) -> tuple[Array, Array]:
    """Return a sheet with ink to the right of what is there, so far from it; and how far the ink reaches then."""
    rows = slice(top, top + len(ink))
    inked = ink > 0.3
    first = np.where(inked.any(axis=1), inked.argmax(axis=1), 10**6)
    before = ndimage.maximum_filter1d(edge, max(3, round(2 * max(gap, 0)) | 1))[rows]  # also of rows nearby
    left = round(float((before - first).max()) + gap) if sheet.shape[1] else 0
    if gap > 0 and sheet.shape[1]:
        left = max(left, round(edge.max() - 0.25 * ink.shape[1]))  # hardly below the neighbour
    left = max(left, 0)
    grown = np.zeros((len(sheet), max(sheet.shape[1], left + ink.shape[1])))
    grown[:, : sheet.shape[1]] = sheet
    grown[rows, left : left + ink.shape[1]] = np.maximum(grown[rows, left : left + ink.shape[1]], ink)
    reach = left + ink.shape[1] - inked[:, ::-1].argmax(axis=1)
    edge = edge.copy()
    edge[rows] = np.maximum(edge[rows], np.where(inked.any(axis=1), reach, 0))
    return grown, edge


def finished(draw: Draw, ink: Array, label: str, margin: float) -> Picture:
    """Return a page with ink, so much paper around it: drawn, or photographed in even light or a slope of it."""
    rows, columns = np.flatnonzero(ink.max(axis=1) > 0.1), np.flatnonzero(ink.max(axis=0) > 0.1)
    ink = np.pad(ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], round(margin))
    chalk = draw.chance(0.15)
    scene = coloured(draw, ink, chalk)
    if draw.chance(0.5):
        return flat(draw, scene)
    falls = light.slope(draw, scene.shape[:2], draw.between(0.55, 0.9)) if draw.chance(0.5) else 1.0
    return photographed(draw, scene, falls, (0.5, 3), (0.3, 0.7))


def number(draw: Draw, gap: tuple[float, float]) -> Written:
    """A number of 2 to 10 digits."""
    height = draw.between(22, 90)
    text, ink = row_ink(draw, "d" * draw.whole(2, 10), height, gap)
    return Written(finished(draw, ink, text, draw.between(0.2, 1) * height), [text])


def tiles(draw: Draw) -> Written:
    """A number of 2 to 10 digits: MNIST's own images side by side, white on black."""
    some = [int(draw.rng.integers(len(draw.source.labels))) for _ in range(draw.whole(2, 10))]
    text = "".join(str(draw.source.labels[k]) for k in some)
    row = np.hstack([draw.source.images[k] for k in some])
    return Written(Picture(Image.fromarray(row), text), [text])


FORMS = ("dd.dd.dddd", "d.d.dd", "dd/dd/dddd", "dddd-dd-dd", "d,d", "dd,dd", "dd:dd", "d.ddd,dd", "ddd-dddd", "d/d")


def dated(draw: Draw) -> Written:
    """A date, a decimal, a time, a telephone number: with separators."""
    height = draw.between(26, 90)
    form = FORMS[draw.whole(0, len(FORMS) - 1)]
    text, ink = row_ink(draw, form, height, (0.12, 0.3))
    return Written(finished(draw, ink, text, draw.between(0.3, 1) * height), [text])


def rows(draw: Draw, most_turned: float) -> Written:
    """A page of three to six lines of numbers, turned by up to so many degrees."""
    height = draw.between(24, 44)
    texts, parts = [], []
    for _ in range(draw.whole(3, 6)):
        form = " ".join("d" * draw.whole(1, 5) for _ in range(draw.whole(1, 4)))
        text, ink = row_ink(draw, form, height, (0.1, 0.35))
        texts.append(text)
        parts.append(
            np.pad(ink, ((0, round(draw.between(0, 0.3) * height)), (round(draw.between(0, 0.5) * height), 0)))
        )
    wide = max(part.shape[1] for part in parts)
    page = np.vstack([np.pad(part, ((0, 0), (0, wide - part.shape[1]))) for part in parts])
    page = turned(np.pad(page, 4), draw.between(-most_turned, most_turned))
    return Written(finished(draw, page, "", draw.between(0.5, 1.2) * height), texts)


def grid_ink(
    draw: Draw, cells: Sequence[Sequence[Array | None]], widths: Sequence[int], high: int, thick: Sequence[float]
) -> Array:
    """Return a grid drawn with lines, and ink in its cells, none touching a line.

    Args:
        draw: how.
        cells: the ink of each cell; None where it is empty.
        widths: of the columns, in pixels.
        high: of the rows.
        thick: the width of the lines; and of every third one.
    """
    across, down = np.concatenate([[0], np.cumsum(widths)]), high * np.arange(len(cells) + 1)
    margin = round(max(thick)) + 2
    page = np.zeros((down[-1] + 2 * margin, across[-1] + 2 * margin))
    for axis, places in enumerate((down, across)):
        for k, at in enumerate(places):
            wide = thick[1] if k % 3 == 0 else thick[0]
            line = np.clip(wide / 2 + 0.5 - abs(np.arange(page.shape[axis]) - at - margin), 0, 1)
            band = np.where(np.arange(page.shape[1 - axis]) >= margin, 1.0, 0.0)
            band[band.size - margin + 1 :] = 0
            page = np.maximum(page, np.outer(line, band) if axis == 0 else np.outer(band, line))
    for i, row in enumerate(cells):
        for j, ink in enumerate(row):
            if ink is None:
                continue
            room = high - ink.shape[0], int(across[j + 1] - across[j]) - ink.shape[1]
            free = round(max(thick)) + 2
            top, left = (draw.whole(free, max(free, space - free)) for space in room)
            place = slice(margin + int(down[i]) + top, margin + int(down[i]) + top + ink.shape[0])
            where = slice(margin + int(across[j]) + left, margin + int(across[j]) + left + ink.shape[1])
            page[place, where] = np.maximum(page[place, where], ink)
    return page


def marks(draw: Draw) -> Written:
    """A table of marks: numbers of one to three digits in cells, some of them empty."""
    height = draw.between(22, 40)
    n_rows, n_columns = draw.whole(2, 8), draw.whole(2, 6)
    texts, inks = [], []
    for _ in range(n_rows):
        pairs = [_cell(draw, "d" * draw.whole(1, 3), height, draw.chance(0.8)) for _ in range(n_columns)]
        texts.append([text for text, _ in pairs])
        inks.append([ink for _, ink in pairs])
    widest = max((ink.shape[1] for row in inks for ink in row if ink is not None), default=20)
    widths = [round(widest * draw.between(1.2, 1.6) + 12) for _ in range(n_columns)]
    thin = draw.between(1.2, 3)
    page = grid_ink(draw, inks, widths, round(1.7 * height + 12), (thin, thin))
    page = turned(np.pad(page, 2), draw.between(-3, 3))
    return Written(finished(draw, page, "", draw.between(0.5, 1.5) * height), [], texts)


def _cell(draw: Draw, form: str, height: float, filled: bool) -> tuple[str, Array | None]:
    if not filled:
        return "", None
    text, ink = row_ink(draw, form, height, (0.08, 0.25))
    rows_, columns = np.flatnonzero(ink.max(axis=1) > 0.1), np.flatnonzero(ink.max(axis=0) > 0.1)
    return text, ink[rows_[0] : rows_[-1] + 1, columns[0] : columns[-1] + 1]


def sudoku(draw: Draw, camera: bool) -> Written:
    """A sudoku with 17 to 40 digits, drawn; or photographed at an angle, in uneven light."""
    side = draw.whole(38, 60)
    texts, inks = [], []
    filled = set(draw.rng.choice(81, draw.whole(17, 40), replace=False).tolist())
    for i in range(9):
        pairs = [
            digit_ink(draw, draw.between(0.5, 0.68) * side) if 9 * i + j in filled else ("", None) for j in range(9)
        ]
        texts.append([text for text, _ in pairs])
        inks.append([ink for _, ink in pairs])
    thin = draw.between(1.2, 2.2)
    page = grid_ink(draw, inks, [side] * 9, side, (thin, thin * draw.between(1.2, 2.5)))
    if not camera:
        return Written(finished(draw, page, "", draw.between(0.3, 1) * side), [], texts)
    page = np.pad(page, round(draw.between(0.7, 1.6) * side))
    page = seen_aslant(draw, page)
    paper, pen = (np.array(some[draw.whole(0, len(some) - 1)], float) for some in (PAPERS[:6], INKS))
    size = page.shape
    how = draw.whole(0, 3)
    falls = [
        lambda: light.slope(draw, size, draw.between(0.4, 0.7)),
        lambda: light.vignette(draw, size, draw.between(0.4, 0.7)),
        lambda: light.cast_by_phone(draw, size, draw.between(0.5, 0.75)),
        lambda: light.half_plane(draw, size, draw.between(0.3, 0.7), 1.0, draw.between(0.5, 0.75), draw.between(1, 20)),
    ][how]()
    return Written(photographed(draw, blended(page, paper, pen), falls, (1, 4), (0.3, 0.8)), [], texts)


def seen_aslant(draw: Draw, page: Array) -> Array:
    """Return a page turned by up to 6 degrees, its corners moved by up to a tenth of its side, as at an angle."""
    high, wide = page.shape
    angle = np.radians(draw.between(-6, 6))
    corners = np.array([(0, 0), (wide, 0), (wide, high), (0, high)], float) - [wide / 2, high / 2]
    corners = corners @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    corners += draw.rng.uniform(-0.05, 0.05, (4, 2)) * [wide, high]
    corners -= corners.min(axis=0)
    size = np.ceil(corners.max(axis=0)).astype(int)
    whole = np.array([(0, 0), (wide, 0), (wide, high), (0, high)], float)
    lines, values = [], []
    for (x, y), (u, v) in zip(corners, whole, strict=True):
        lines += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    data = tuple(np.linalg.solve(np.array(lines), np.array(values)))
    image = Image.fromarray((page * 255).astype(np.uint8))
    image = image.transform((int(size[0]), int(size[1])), Image.Transform.PERSPECTIVE, data, Image.Resampling.BICUBIC)
    return np.asarray(image) / 255


KINDS: dict[str, Maker] = {
    "numbers": functools.partial(number, gap=(0.06, 0.4)),
    "tiles": tiles,
    "touching": functools.partial(number, gap=(-0.1, 0.03)),
    "dates": dated,
    "rows": functools.partial(rows, most_turned=1.0),
    "rows_turned": functools.partial(rows, most_turned=8.0),
    "marks": marks,
    "sudoku_drawn": functools.partial(sudoku, camera=False),
    "sudoku_photo": functools.partial(sudoku, camera=True),
}
