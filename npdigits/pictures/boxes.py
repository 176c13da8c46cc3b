"""A picture of what was found on a picture: a box around each digit, and above it what it is read as."""

from collections.abc import Sequence

import numpy as np

from npdigits.base.arrays import Array

Colour = tuple[int, int, int]
# Of what is read, of what is read and not sure, of what cannot be read.
READ, UNSURE, NOT_READ = (0, 90, 255), (225, 115, 0), (220, 0, 0)
# The letters' height, in heights of the box, and at least so many pixels. A small picture is made so wide first.
LETTERS, SMALLEST, WIDE = 0.45, 11, 400


def drawn_boxes(grey: Array, marked: Sequence[tuple[tuple[float, float, float, float], str, Colour]]) -> Array:
    """Return a picture with boxes drawn on it, bytes of shape (height, width, 3).

    Args:
        grey: the picture.
        marked: of each box left, top, right and bottom; what is written at it; its colour.
    """
    from PIL import Image, ImageDraw, ImageFont

    scale = max(1, round(WIDE / grey.shape[1]))
    image = Image.fromarray(np.kron(grey, np.ones((scale, scale), np.uint8))).convert("RGB")
    pencil = ImageDraw.Draw(image)
    for (left, top, right, bottom), text, colour in marked:
        x, y, x_end, y_end = (round(scale * value) for value in (left, top, right, bottom))
        pencil.rectangle((x - 2, y - 2, x_end + 1, y_end + 1), outline=colour, width=1)
        size = max(SMALLEST, round(LETTERS * (y_end - y)))
        font = ImageFont.load_default(size)
        at = (x, y - 3) if y > size else (x, y_end + size + 3)
        pencil.text(at, text, fill=colour, font=font, anchor="ls")
    return np.asarray(image)
