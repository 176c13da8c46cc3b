"""A sheet of small images as a PNG: with a caption below each, or in rows with a name before each row."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from npdigits.base import canvas
from npdigits.base.arrays import Array
from npdigits.base.errors import RunDirError
from npdigits.base.text import on_one_line, terminal_width

if TYPE_CHECKING:  # matplotlib is imported where something is drawn: the user's settings can make that fail
    from matplotlib.figure import Figure

# Inches: an image's longer side on a sheet with captions and on one without, a caption's line, margins, the title.
SIDE, SMALL_SIDE, LINE, MARGIN, TITLE = 1.1, 0.55, 0.13, 0.2, 0.4
# Points.
CAPTION, NAME = 6.5, 8
# Letters that there is room for; of a longer text the end is shown, which tells files apart.
LETTERS_OF_A_CAPTION, LETTERS_OF_A_NAME = 19, 28
# A longer sheet would be of more than 2¹⁶ pixels, which is as far as PNGs are drawn.
MOST_ROWS = 200


def captioned(title: str, images: Array, captions: Sequence[Sequence[str]], columns: int = 6) -> bytes:
    """Return a sheet of images, each with its caption below.

    Args:
        title: above the sheet.
        images: of 0 (paper) … 255 (ink), shape (n, height, width).
        captions: lines of text, for each image as many.
        columns: images in a row.

    Raises:
        RunDirError: matplotlib cannot draw it.
    """
    width, height = _cell(images, SIDE)
    width = max(width, SIDE)  # captions are as wide
    lines = max((len(caption) for caption in captions), default=0)
    tall = height + (lines + 0.8) * LINE

    def draw(axes: Any) -> None:
        for i, (image, caption) in enumerate(zip(images, captions, strict=True)):
            left, top = MARGIN + i % columns * width, TITLE + i // columns * tall
            _put(axes, image, left, top, width, height)
            for number, line in enumerate(caption):
                place = left + width / 2, top + height + (number + 0.7) * LINE
                _write(axes, _end_of(line, LETTERS_OF_A_CAPTION), place, CAPTION, "center")

    rows = max(1, math.ceil(len(images) / columns))
    return _drawn(title, columns * width + 2 * MARGIN, rows * tall + MARGIN + TITLE, draw)


def in_rows(title: str, rows: Sequence[tuple[str, Array]]) -> bytes:
    """Return a sheet with a row of images for each name; of more than ``MOST_ROWS`` rows the first ones.

    Args:
        title: above the sheet.
        rows: a name, and images of 0 (paper) … 255 (ink), shape (n, height, width), each.

    Raises:
        RunDirError: matplotlib cannot draw it.
    """
    rows = rows[:MOST_ROWS]
    width, height = _cell(rows[0][1], SMALL_SIDE)
    names = [_end_of(name, LETTERS_OF_A_NAME) for name, _ in rows]
    before = MARGIN + 0.085 * max(map(terminal_width, names)) + 0.1

    def draw(axes: Any) -> None:
        for row, (name, (_, images)) in enumerate(zip(names, rows, strict=True)):
            top = TITLE + row * height
            _write(axes, name, (before - 0.1, top + height / 2), NAME, "right")
            for column, image in enumerate(images):
                _put(axes, image, before + column * width, top, width, height)

    columns = max(len(images) for _, images in rows)
    return _drawn(title, before + columns * width + MARGIN, len(rows) * height + MARGIN + TITLE, draw)


def _cell(images: Array, side: float) -> tuple[float, float]:
    """Return the width and height of the room for an image, in inches; also a very narrow one is to be seen."""
    height, width = images.shape[1:]
    longer = max(height, width)
    return max(side * width / longer, 0.2 * side), max(side * height / longer, 0.2 * side)


def _put(axes: Any, image: Array, left: float, top: float, width: float, height: float) -> None:
    """Draw an image in the middle of its room, as large as it allows."""
    scale = 0.94 * min(width / image.shape[1], height / image.shape[0])
    half = scale * image.shape[1] / 2, scale * image.shape[0] / 2
    x, y = left + width / 2, top + height / 2
    place = (x - half[0], x + half[0], y + half[1], y - half[1])
    axes.imshow(image, cmap="gray_r", vmin=0, vmax=255, interpolation="nearest", extent=place)


def _write(axes: Any, text: str, place: tuple[float, float], size: float, side: str) -> None:
    axes.text(*place, text, fontsize=size, ha=side, va="center", parse_math=False)


def _drawn(title: str, width: float, height: float, draw: Callable[[Any], None]) -> bytes:
    """Return a figure of so many inches as a PNG; a place on it is one in inches from the left and from the top.

    Raises:
        RunDirError: matplotlib cannot draw it.
    """
    with canvas.defaults():
        try:
            from matplotlib.figure import Figure

            title = canvas.legible(title)
            width = max(width, 0.075 * terminal_width(title) + 2 * MARGIN)
            figure: Figure = Figure(figsize=(width, height), dpi=150)
            axes = figure.add_axes((0, 0, 1, 1))
            axes.set_axis_off()
            draw(axes)
            axes.text(MARGIN, TITLE / 2, title, fontsize=9, va="center", parse_math=False)
            axes.set(xlim=(0, width), ylim=(height, 0), aspect="auto")
            return canvas.png(figure)
        except Exception as error:  # matplotlib raises whatever it likes
            raise RunDirError(f"the sheet cannot be drawn: {on_one_line(error)}") from error


def _end_of(text: str, letters: int) -> str:
    """Return a text as it is drawn; of a text of more letters, the end. No escape is cut."""
    drawn = canvas.legible(text)
    if len(drawn) <= letters:
        return drawn
    begin = next(i for i in range(1, len(text) + 1) if len(canvas.legible(text[i:])) < letters)
    return f"…{canvas.legible(text[begin:])}"
