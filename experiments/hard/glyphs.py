"""Digits as large ink: how much of each pixel is covered, 0 … 1, drawn with pens from thin to marker."""

import functools
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from hard.drawing import Draw
from npdigits.base.arrays import Array
from npdigits.lessons.strokes import STROKES

# The strokes of a pen, in twentieths of the digit's longer side; MNIST's are 1.7 to 4.0.
PENS = {"thin": (0.5, 1.1), "pen": (1.4, 3.0), "marker": (4.0, 7.0)}
# Ink begins where a digit that was made larger has so much of white. Gaps and holes keep so many twentieths.
LEVEL, GAP = 0.42, 0.55
BOX = 20
EIGHT = np.ones((3, 3), int)


def written(draw: Draw, height: float, pen: str = "own", image: Array | None = None) -> Array:
    """Return a digit's ink, cut to its box.

    Args:
        draw: has the digit.
        height: of the longer side, about, in pixels.
        pen: of ``PENS``, or "own": the digit's own strokes.
        image: another digit than the draw's.
    """
    distance, unit = _distance(draw.digit if image is None else image, height)
    if pen == "own":
        return cut(np.clip(distance + 0.5, 0, 1))
    width = draw.between(*PENS[pen]) * unit
    now = 2 * _half_width(distance)
    if width < 0.8 * now:  # along the middle line, as thinner strokes would tear
        line = _thinned(distance > 0, unit)
        away = ndimage.distance_transform_edt(~line)
        return cut(np.clip(max(width, 1.2) / 2 - away + 0.5, 0, 1))
    return cut(np.clip(distance + _room(distance, (width - now) / 2, unit) + 0.5, 0, 1))


def _distance(image: Array, height: float) -> tuple[Array, float]:
    """Return how far each pixel is inside the ink (negative: outside), and how many pixels a twentieth is."""
    rows, columns = np.flatnonzero(image.max(axis=1) > 60), np.flatnonzero(image.max(axis=0) > 60)
    small = np.pad(image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] / 255, 5)
    unit = height / max(len(rows), len(columns))
    size = (max(1, round(small.shape[1] * unit)), max(1, round(small.shape[0] * unit)))
    large = np.asarray(Image.fromarray(small.astype(np.float32)).resize(size, Image.Resampling.BICUBIC))
    ink = ndimage.gaussian_filter(large, 0.45 * unit) > LEVEL
    if not ink.any():
        ink = large > LEVEL
    return ndimage.distance_transform_edt(ink) - ndimage.distance_transform_edt(~ink), height / BOX


def _half_width(distance: Array) -> float:
    """Return the median half width of strokes: the distance along their middle lines."""
    inside = distance > 0
    ridge = inside & (distance >= ndimage.maximum_filter(distance, 5))
    return float(np.median(distance[ridge]))


def _room(distance: Array, wished: float, unit: float) -> float:
    """Return how far strokes may grow so that no hole or gap closes: the digit would be another one."""
    holes = ndimage.label(distance <= 0)[1]
    while wished > 0 and (
        ndimage.label(distance + wished <= 0)[1] != holes
        or ndimage.label(distance + wished + GAP * unit <= 0)[1] < holes
    ):
        wished -= 0.25 * unit
    return max(wished, 0.0)


def _thinned(mask: Array, unit: float) -> Array:
    """Return the middle lines of strokes (Zhang & Suen 1984), found on a picture of at most 100 pixels."""
    shrink = max(1.0, max(mask.shape) / 100)
    size = (max(1, round(mask.shape[1] / shrink)), max(1, round(mask.shape[0] / shrink)))
    small = np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.NEAREST)) > 0
    line = np.pad(small, 1)
    while True:
        before = line.sum()
        for first in (True, False):
            p = [np.roll(line, shift, (0, 1)) for shift in _AROUND]  # north, then clockwise
            turns = sum((~p[i] & p[(i + 1) % 8]).astype(int) for i in range(8))
            near = sum(one.astype(int) for one in p)
            a, b = ((0, 2, 4), (2, 4, 6)) if first else ((0, 2, 6), (0, 4, 6))
            free = ~(p[a[0]] & p[a[1]] & p[a[2]]) & ~(p[b[0]] & p[b[1]] & p[b[2]])
            line = line & ~((near >= 2) & (near <= 6) & (turns == 1) & free)
        if line.sum() == before:
            break
    # The line through the middles of its pixels, in the picture's own size.
    pencil = Image.new("1", (mask.shape[1], mask.shape[0]))
    ink = ImageDraw.Draw(pencil)
    places = np.argwhere(line[1:-1, 1:-1])
    known = {tuple(place) for place in places.tolist()}
    for y, x in known:
        ink.point(((x + 0.5) * shrink, (y + 0.5) * shrink), fill=1)
        for dy, dx in ((0, 1), (1, -1), (1, 0), (1, 1)):
            if (y + dy, x + dx) in known:
                ends = [((x + 0.5) * shrink, (y + 0.5) * shrink), ((x + dx + 0.5) * shrink, (y + dy + 0.5) * shrink)]
                ink.line(ends, fill=1)
    return np.asarray(pencil)


_AROUND = ((1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1))

Line = Sequence[tuple[float, float]]


def by_strokes(draw: Draw, strokes: Sequence[Line], height: float, width: float, shake: float = 0.3) -> Array:
    """Return the ink of strokes on a field 10 wide and 14 high, drawn by hand: shaken, slanted, stretched.

    Args:
        draw: how.
        strokes: points of the field.
        height: of the field, in pixels.
        width: of the pen, in pixels.
        shake: how far points are off, in units of the field.
    """
    unit, slant, stretch = height / 14, draw.between(-0.25, 0.25), draw.between(0.8, 1.2)
    lines = []
    for stroke in strokes:
        points = np.array(smooth(stroke)) + ndimage.gaussian_filter1d(
            draw.rng.normal(0, 3 * shake, (len(smooth(stroke)), 2)), 4, axis=0
        )
        x = (points[:, 0] - slant * (points[:, 1] - 7)) * stretch
        lines.append(np.stack([x, points[:, 1]], axis=1) * unit)
    return ink_of(lines, width)


def smooth(stroke: Line, n: int = 8) -> list[tuple[float, float]]:
    """Return a stroke with n points a piece, its corners rounded a little."""
    points = np.array(stroke, float)
    if len(points) == 1:
        return [tuple(points[0])] * n
    at = np.linspace(0, len(points) - 1, n * (len(points) - 1) + 1)
    line = np.stack([np.interp(at, np.arange(len(points)), points[:, i]) for i in (0, 1)], axis=1)
    ends = line[0].copy(), line[-1].copy()
    line = ndimage.gaussian_filter1d(line, n / 4, axis=0, mode="nearest")
    line[0], line[-1] = ends
    return [(float(x), float(y)) for x, y in line]


def ink_of(lines: Sequence[Array], width: float) -> Array:
    """Return the ink of lines of points (x, y), in pixels, drawn with a round pen; cut to its box."""
    everything = np.concatenate(lines)
    low = everything.min(axis=0) - width
    fine = 3  # drawn so many times as large, then made smaller
    size = np.ceil((everything.max(axis=0) + width - low) * fine).astype(int) + 1
    image = Image.new("L", (int(size[0]), int(size[1])))
    pencil, wide = ImageDraw.Draw(image), width * fine
    for line in lines:
        points = [((x - low[0]) * fine, (y - low[1]) * fine) for x, y in line.tolist()]
        pencil.line(points, fill=255, width=max(1, round(wide)))
        for x, y in points:
            pencil.ellipse((x - wide / 2, y - wide / 2, x + wide / 2, y + wide / 2), fill=255)
    small = image.resize((max(1, image.width // fine), max(1, image.height // fine)), Image.Resampling.BOX)
    return cut(np.asarray(small) / 255)


def stroked(draw: Draw, digit: int, height: float, width: float) -> Array:
    """Return a digit's ink drawn by strokes."""
    return by_strokes(draw, STROKES[digit], height, width)


def cut(ink: Array) -> Array:
    """Return ink cut to its box."""
    rows, columns = np.flatnonzero(ink.max(axis=1) > 0.1), np.flatnonzero(ink.max(axis=0) > 0.1)
    whole: Array = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return whole


def on_sheet(draw: Draw, ink: Array, margins: tuple[float, float]) -> Array:
    """Return ink with paper around it: on each side between two shares of its longer side."""
    side = max(ink.shape)
    top, bottom, left, right = (round(draw.between(*margins) * side) for _ in range(4))
    return np.pad(ink, ((top, bottom), (left, right)))


def placed(ink: Array, size: tuple[int, int], middle: tuple[float, float]) -> Array:
    """Return a sheet of (height, width) with ink whose middle is at these shares of it, or as near as it fits."""
    sheet = np.zeros(size)
    top, left = (
        min(max(round(at * whole - part / 2), 0), max(whole - part, 0))
        for at, whole, part in zip(middle, size, ink.shape, strict=True)
    )
    part = ink[: size[0], : size[1]]
    sheet[top : top + part.shape[0], left : left + part.shape[1]] = part
    return sheet


def turned(ink: Array, degrees: float) -> Array:
    """Return ink turned."""
    image = Image.fromarray((ink * 255).astype(np.uint8))
    return cut(np.asarray(image.rotate(degrees, Image.Resampling.BICUBIC, expand=True)) / 255)


@functools.cache
def font_files() -> tuple[str, ...]:
    """Return font files that come with matplotlib, so that every machine has the same ones."""
    from matplotlib import get_data_path

    names = (
        "DejaVuSans",
        "DejaVuSans-Bold",
        "DejaVuSans-Oblique",
        "DejaVuSerif",
        "DejaVuSerif-Italic",
        "DejaVuSansMono",
    )
    more = ("STIXGeneral", "STIXGeneralItalic", "STIXGeneralBol", "cmr10", "cmtt10", "cmss10", "cmti10", "cmb10")
    return tuple(f"{get_data_path()}/fonts/ttf/{name}.ttf" for name in (*names, *more))
