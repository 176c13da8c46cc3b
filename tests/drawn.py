"""Digits drawn by strokes, for tests: pictures of any size, and the strokes themselves."""

import numpy as np
from PIL import Image, ImageDraw

from npdigits.lessons.strokes import STROKES

PAPER, INK = 250, 25


def drawn(digit, size=(200, 280), place=(50, 50), unit=10.0, pen=14, ink=0, paper=255):
    """Return a picture of a digit, bytes of shape (height, width)."""
    image = Image.new("L", size, paper)
    pencil = ImageDraw.Draw(image)
    for stroke in STROKES[digit]:
        points = [(place[0] + unit * x, place[1] + unit * y) for x, y in stroke]
        pencil.line(points, fill=ink, width=pen, joint="curve")
        for x, y in points:  # round ends
            pencil.ellipse((x - pen / 2, y - pen / 2, x + pen / 2, y + pen / 2), fill=ink)
    return np.asarray(image)


def marked(digit, mark):
    """Return a picture of a digit on a page of 400 × 400 with some mark besides."""
    image = Image.fromarray(drawn(digit, size=(400, 400), place=(140, 110), paper=PAPER, ink=INK))
    pencil = ImageDraw.Draw(image)
    ruled = Image.new("L", image.size, PAPER)
    MARKS[mark](pencil, ImageDraw.Draw(ruled))
    return np.minimum(np.asarray(image), np.asarray(ruled))


def _rules(ruled, grey, across=False):
    for at in range(18, 400, 40):
        ruled.line((0, at, 400, at), fill=grey, width=2)
        if across:
            ruled.line((at, 0, at, 400), fill=grey, width=2)


# What else may be on paper: drawn on the page, or on the paper below.
MARKS = {
    "a form's box": lambda page, ruled: page.rectangle((60, 60, 340, 340), outline=40, width=3),
    "a tight box": lambda page, ruled: page.rectangle((115, 85, 275, 320), outline=40, width=2),
    "ruled lines": lambda page, ruled: _rules(ruled, 140),
    "squares": lambda page, ruled: _rules(ruled, 150, across=True),
    "a margin": lambda page, ruled: page.line((40, 0, 40, 400), fill=100, width=3),
    "a punch hole": lambda page, ruled: page.ellipse((5, 180, 45, 220), fill=60),
    "the table below the paper": lambda page, ruled: page.rectangle((0, 310, 400, 400), fill=INK),
}


def boxed(digit, beside=True, unit=8.0):
    """Return a picture of a digit in a form's box, with an empty box beside it."""
    image = Image.fromarray(
        np.hstack(
            [np.full((300, 200), PAPER, np.uint8), drawn(digit, (200, 300), (60, 80), unit, paper=PAPER, ink=INK)]
        )
    )
    pencil = ImageDraw.Draw(image)
    for left in (0, 200)[not beside :]:
        pencil.rectangle((left + 20, 30, left + 180, 270), outline=40, width=5)
    return np.asarray(image)


SLASHED = Image.new("L", (300, 400), PAPER)
ImageDraw.Draw(SLASHED).rounded_rectangle((80, 80, 220, 320), 20, outline=INK, width=18)
ImageDraw.Draw(SLASHED).line((125, 250, 175, 150), fill=INK, width=14)
# Two pieces side by side, one of them far thinner.
BESIDE = np.hstack([drawn(8, size=(140, 280), place=(20, 70)), np.full((280, 74), 255, np.uint8)])
BESIDE[75:215, 160:174] = 0


def alike(a, b):
    """Return the correlation of two images, a pixel apart at the most: centres of mass are rounded to whole ones."""
    moved = [np.roll(b, (down, right), (0, 1)) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    return max(np.corrcoef(a.ravel(), one.ravel())[0, 1] for one in moved)


def cut(picture, margin, ground=255):
    """Return a picture cut to its ink, with so much paper around it."""
    ink = picture != ground
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    inner = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return np.pad(inner, margin, constant_values=ground)


def panelled(digit, side=200, place=(60, 40), page=255, panel=0, ink=255, **changes):
    """Return a digit on a panel in a page of 300 × 400."""
    picture = np.full((400, 300), page, np.uint8)
    inner = drawn(digit, (side, side), (side // 4, side // 5), side / 20, side // 14, ink, panel, **changes)
    picture[place[0] : place[0] + side, place[1] : place[1] + side] = inner
    return picture


def with_button(digit):
    """Return a digit, and below it, a sixth of its height away, a dark button with three letters."""
    page = drawn(digit, size=(280, 420), place=(70, 50)).copy()
    bottom = int(np.flatnonzero(page.min(axis=1) < 99)[-1])
    button = np.full((25, 66), 90, np.uint8)
    for left in (12, 28, 44):
        button[7:18, left : left + 3] = button[15:18, left : left + 9] = 255
    page[bottom + 28 : bottom + 53, 60:126] = button
    return page


CELL = {"size": (110, 150), "place": (20, 15), "unit": 7, "pen": 9}


def rows_of(*rows):
    """Return a picture of digits in rows; None stands for an empty cell."""
    blank = np.full((150, 110), 255, np.uint8)
    return np.vstack([np.hstack([blank if digit is None else drawn(digit, **CELL) for digit in row]) for row in rows])


def grid(digits, cell=44, line=2, pen=4):
    """Return a sudoku with these digits: {(row, column): digit}."""
    side = 9 * cell
    picture = np.full((side + 60, side + 60), 255, np.uint8)
    for (row, column), digit in digits.items():
        y, x = 30 + row * cell, 30 + column * cell
        picture[y : y + cell, x : x + cell] = drawn(digit, (cell, cell), (10, 8), 2.2, pen)
    for k in range(10):
        at = 30 + k * cell
        picture[at : at + line, 30 : 30 + side + line] = 0
        picture[30 : 30 + side + line, at : at + line] = 0
    return picture
