"""Kinds: digits in many pieces, and forms of digits that MNIST lacks."""

import functools

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from hard.camera import coloured, flat, photographed
from hard.drawing import Draw, Maker, Picture
from hard.glyphs import by_strokes, cut, on_sheet, stroked, written
from npdigits.base.arrays import Array
from npdigits.lessons.strokes import STROKES

# Segments a to g of a display, clockwise from the top, the middle last: which are lit for each digit.
SEGMENTS = ("abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abcdfg")
# Rows of a 5 × 7 dot matrix as they are usual on displays (Hitachi's HD44780), bits from left to right.
DOTS = (
    (14, 17, 19, 21, 25, 17, 14),
    (4, 12, 4, 4, 4, 4, 14),
    (14, 17, 1, 2, 4, 8, 31),
    (31, 2, 4, 2, 1, 17, 14),
    (2, 6, 10, 18, 31, 2, 2),
    (31, 16, 30, 1, 1, 17, 14),
    (6, 8, 16, 30, 17, 17, 14),
    (31, 1, 2, 4, 8, 8, 8),
    (14, 17, 17, 14, 17, 17, 14),
    (14, 17, 17, 15, 1, 2, 12),
)


def shown(draw: Draw, ink: Array, label: int | str, margins: tuple[float, float] = (0.3, 1.0)) -> Picture:
    """Return a picture of ink: drawn or photographed, dark on light or light on dark."""
    scene = coloured(draw, on_sheet(draw, ink, margins), draw.chance(0.3))
    picture = photographed(draw, scene, noise=(0.5, 4)) if draw.chance(0.5) else flat(draw, scene)
    return Picture(picture.image, str(label), picture.ending, picture.options)


def seven_segment(draw: Draw) -> Picture:
    """A display of seven segments with gaps between them, at times slanted."""
    digit, fine = draw.whole(0, 9), 4
    high = draw.whole(50, 150) * fine
    wide, thick = round(high * draw.between(0.5, 0.6)), round(high * draw.between(0.09, 0.15))
    gap = thick * draw.between(0.08, 0.3)
    image = Image.new("L", (wide + thick, high + thick))
    pencil, half = ImageDraw.Draw(image), thick / 2
    x0, x1, y0, y1 = half, wide + half, half, high + half
    ym = (y0 + y1) / 2
    ends = {
        **{"a": (x0, y0, x1, y0), "b": (x1, y0, x1, ym), "c": (x1, ym, x1, y1), "d": (x0, y1, x1, y1)},
        **{"e": (x0, ym, x0, y1), "f": (x0, y0, x0, ym), "g": (x0, ym, x1, ym)},
    }
    pointed = draw.chance(0.6)
    for name in SEGMENTS[digit]:
        ax, ay, bx, by = ends[name]
        point = half if pointed else 0
        if ay == by:
            ax, bx = ax + gap + half - point, bx - gap - half + point
            pencil.polygon(
                [
                    (ax, ay),
                    (ax + point, ay - half),
                    (bx - point, ay - half),
                    (bx, ay),
                    (bx - point, ay + half),
                    (ax + point, ay + half),
                ],
                fill=255,
            )
        else:
            ay, by = ay + gap + half - point, by - gap - half + point
            pencil.polygon(
                [
                    (ax, ay),
                    (ax + half, ay + point),
                    (ax + half, by - point),
                    (ax, by),
                    (ax - half, by - point),
                    (ax - half, ay + point),
                ],
                fill=255,
            )
    slant = draw.between(0, 0.2) if draw.chance(0.5) else 0
    size = round(image.width + slant * image.height), image.height
    image = image.transform(
        size, Image.Transform.AFFINE, (1, slant, -slant * image.height, 0, 1, 0), Image.Resampling.BILINEAR
    )
    small = image.resize((max(1, image.width // fine), max(1, image.height // fine)), Image.Resampling.BOX)
    return shown(draw, cut(np.asarray(small) / 255), digit)


def dot_matrix(draw: Draw) -> Picture:
    """A display or a printer of 5 × 7 dots."""
    digit, pitch = draw.whole(0, 9), draw.whole(7, 22)
    rows = np.array([[DOTS[digit][row] >> (4 - column) & 1 for column in range(5)] for row in range(7)], bool)
    return shown(draw, _dots(draw, rows, pitch), digit)


def dotted(draw: Draw) -> Picture:
    """A handwritten digit in dots, as a printer of few needles or a stencil leaves it."""
    n = draw.whole(11, 16)
    ink = written(draw, 16 * n, "own")
    small = np.asarray(
        Image.fromarray((ink * 255).astype(np.uint8)).resize(
            (max(1, ink.shape[1] // 16), max(1, ink.shape[0] // 16)), Image.Resampling.BOX
        )
    )
    return shown(draw, _dots(draw, small > 110, draw.whole(6, 10)), draw.label)


def _dots(draw: Draw, lit: Array, pitch: int) -> Array:
    """Return dots at the places that are lit, round or square, with gaps between them."""
    y, x = (np.arange(n * pitch) % pitch - (pitch - 1) / 2 for n in lit.shape)
    radius = pitch * draw.between(0.34, 0.45)
    away = np.hypot(y[:, None], x) if draw.chance(0.7) else np.maximum(abs(y[:, None]), abs(x))
    return cut(np.clip(radius - away + 0.5, 0, 1) * np.kron(lit, np.ones((pitch, pitch))))


def broken(draw: Draw, cuts: tuple[int, int]) -> Picture:
    """A digit whose strokes are broken: a pen that skips, a stencil, a bad copy."""
    ink = written(draw, draw.between(60, 160), "own" if draw.chance(0.6) else "pen")
    side = max(ink.shape)
    y, x = np.mgrid[: ink.shape[0], : ink.shape[1]]
    places = np.argwhere(ink > 0.9)
    for _ in range(draw.whole(*cuts)):
        at, angle = places[draw.rng.integers(len(places))], draw.between(0, np.pi)
        wide, long = draw.between(0.02, 0.05) * side, draw.between(0.1, 0.18) * side
        across = (x - at[1]) * np.cos(angle) + (y - at[0]) * np.sin(angle)
        along = (y - at[0]) * np.cos(angle) - (x - at[1]) * np.sin(angle)
        ink = ink * np.clip(np.maximum(abs(across) - wide / 2, abs(along) - long / 2) + 0.5, 0, 1)
    return shown(draw, cut(ink), draw.label)


def dry_pen(draw: Draw) -> Picture:
    """A pen that is nearly dry on rough paper: specks of paper in the strokes."""
    ink = written(draw, draw.between(70, 160), "own")
    rough = ndimage.gaussian_filter(draw.rng.normal(0, 1, ink.shape), draw.between(0.8, 2))
    ink = ink * (rough > np.quantile(rough, draw.between(0.2, 0.4)))
    return shown(draw, cut(ndimage.gaussian_filter(ink, 0.4)), draw.label)


def european_one(draw: Draw, foot: bool = False) -> Picture:
    """A 1 with a long upstroke, as it is written in much of Europe; with a foot below, too."""
    start = (draw.between(0.5, 3.0), draw.between(4.0, 7.5))
    strokes = [[start, (6, 0), (6 + draw.between(-0.6, 0.6), 14)]]
    if foot:
        strokes.append([(2.5, 14), (9, 14)])
    high = draw.between(60, 150)
    return shown(draw, by_strokes(draw, strokes, high, high * draw.between(0.05, 0.13)), 1)


def slashed_zero(draw: Draw, own: bool) -> Picture:
    """A 0 with a slash through it: drawn by strokes, or MNIST's with a slash."""
    high = draw.between(60, 150)
    beyond = draw.between(-0.1, 0.15)
    if not own:
        slash = [(1.6 - 8 * beyond, 11.5 + 5 * beyond), (8.4 + 8 * beyond, 2.5 - 5 * beyond)]
        ink = by_strokes(draw, [*STROKES[0], slash], high, high * draw.between(0.05, 0.11))
        return shown(draw, ink, 0)
    while True:  # a narrow 0 would be filled
        zero = written(draw, high, "own", draw.another(0))
        ink = _with_line(draw, zero, (0.12 - beyond, 0.85 + beyond), (0.88 + beyond, 0.15 - beyond))
        holes = np.bincount(ndimage.label(np.pad(ink, 1) < 0.5)[0].ravel())[2:]
        if (holes > 0.02 * high**2).sum() >= 2:
            return shown(draw, ink, 0)


def crossed_seven(draw: Draw, own: bool) -> Picture:
    """A 7 with a bar: drawn by strokes, or MNIST's with a bar."""
    high = draw.between(60, 150)
    if not own:
        return shown(draw, stroked(draw, 7, high, high * draw.between(0.05, 0.12)), 7)
    seven = written(draw, high, "own", draw.another(7))
    middle = draw.between(0.45, 0.58)
    row = np.flatnonzero(seven[round(middle * len(seven))] > 0.5)
    at = float(row.mean()) / seven.shape[1] if len(row) else 0.5
    half, rise = draw.between(0.25, 0.4), draw.between(-0.06, 0.03)
    return shown(draw, _with_line(draw, seven, (at - half, middle - rise), (at + half, middle + rise)), 7)


def _with_line(draw: Draw, ink: Array, begin: tuple[float, float], end: tuple[float, float]) -> Array:
    """Return ink with a line of about its strokes' width between two places (x, y), shares of its box."""
    room = round(0.3 * max(ink.shape))
    area, edge = ink.sum(), abs(np.diff(ink, axis=0)).sum() + abs(np.diff(ink, axis=1)).sum()
    wide = 2 * area / (edge * np.pi / 4) * draw.between(0.7, 1.0)
    image = Image.fromarray((np.pad(ink, room) * 255).astype(np.uint8))
    ends = [(room + x * ink.shape[1], room + y * ink.shape[0]) for x, y in (begin, end)]
    ImageDraw.Draw(image).line(ends, fill=255, width=max(2, round(wide)))
    return cut(np.asarray(image) / 255)


def stroke_digit(draw: Draw) -> Picture:
    """Any digit drawn by strokes, as a control."""
    digit, high = draw.whole(0, 9), draw.between(60, 150)
    return shown(draw, stroked(draw, digit, high, high * draw.between(0.05, 0.13)), digit)


KINDS: dict[str, Maker] = {
    "strokes": stroke_digit,
    "seven_segment": seven_segment,
    "dot_matrix": dot_matrix,
    "dotted": dotted,
    "broken": functools.partial(broken, cuts=(2, 5)),
    "broken_much": functools.partial(broken, cuts=(8, 14)),
    "dry_pen": dry_pen,
    "european_1": european_one,
    "european_1_foot": functools.partial(european_one, foot=True),
    "slashed_0": functools.partial(slashed_zero, own=False),
    "slashed_0_mnist": functools.partial(slashed_zero, own=True),
    "crossed_7": functools.partial(crossed_seven, own=False),
    "crossed_7_mnist": functools.partial(crossed_seven, own=True),
}
