"""Strokes drawn into training images of digits, anew each epoch: as people write them whose hands MNIST lacks.

A 1 gets a long upstroke, and perhaps a foot, a 0 a slash (``stroke_places``), as dark as its darkest pixel and about as
wide as its strokes are; a 1 that is a plain line is drawn anew with them. A pixel's share of a stroke falls from 1 to 0
where the edge goes through it. The image is then moved by whole pixels, so that the middle of its ink stays where it
was, as MNIST's images have it.

Each image has its own random numbers, as many whatever digit it shows, so what is drawn depends on no other image.
"""

from collections.abc import Sequence

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import ConfigError
from npdigits.data.ink import Ink, Moments
from npdigits.data.sets import Data
from npdigits.data.stroke_places import NUMBERS_OF_PLACE, PLACES, Stroke

# The classes of a set of digits, and sets of ten classes that are none though these have the same numbers.
DIGITS, OF_NO_DIGITS = tuple("0123456789"), ("fashion_mnist", "kmnist")
# Whether a digit gets strokes.
GETS_STROKES = np.isin(np.arange(len(DIGITS)), list(PLACES))
# Pixels that each side of an image has at least: on fewer, a stroke and what it is drawn into are one blot.
LEAST_SIDE = 7
# Random numbers of each image: the first says whether it gets strokes.
NUMBERS = 1 + NUMBERS_OF_PLACE
# How far an image is moved at most, of its sides: 4 of 28 pixels, which are the paper around MNIST's digits.
MOST_MOVED = 1 / 7


def check_digits(share: float, source: Data) -> None:
    """Refuse to draw strokes of digits into what is none.

    Args:
        share: of the images that get strokes; 0 is allowed with any data set.
        source: the data set.

    Raises:
        ConfigError: it has other classes, or is no set of images.
    """
    if not share:
        return
    allowed = f"added_strokes={share:g}: allowed with images of the digits 0 to 9 only"
    if source.class_names != DIGITS or source.name in OF_NO_DIGITS:
        raise ConfigError(f"{allowed}; the classes of {source.name} are others")
    if min(source.image_shape) < LEAST_SIDE:
        height, width = source.image_shape
        raise ConfigError(f"{allowed}, of {LEAST_SIDE} × {LEAST_SIDE} pixels at least, not of {height} × {width}")


class AddedStrokes:
    """Draws strokes into images.

    Args:
        shape: (height, width) of the images.
        share: of the 0s and 1s that get some.
    """

    def __init__(self, shape: tuple[int, int], share: float) -> None:
        self.shape, self._share = shape, share
        self._moments = Moments(shape)
        self._rows, self._columns = (np.arange(n, dtype=float) for n in shape)
        self._most = [max(round(side * MOST_MOVED), 1) for side in shape]

    def __call__(self, numbers: Array, labels: Array, images: Array) -> None:
        """Draw into images, in place. What is drawn into one does not depend on the others.

        Args:
            numbers: uniform in [0, 1), shape (n, NUMBERS).
            labels: the digits, shape (n,).
            images: 0 (paper) … 255 (ink), shape (n, pixels).
        """
        chosen = np.flatnonzero(GETS_STROKES[labels] & (numbers[:, 0] < self._share))
        if len(chosen):
            images[chosen] = self._drawn(numbers[chosen, 1:], labels[chosen], images[chosen])

    def _drawn(self, numbers: Array, labels: Array, images: Array) -> Array:
        """Return images with their strokes, rounded."""
        inks = self._moments(images)
        drawn = np.zeros((len(images), *self.shape), np.float32)
        old = images.reshape(drawn.shape)
        of, placed = [], []
        for i, (ink, u, label) in enumerate(zip(inks, numbers.tolist(), labels.tolist(), strict=True)):
            strokes, anew = PLACES[label](ink, u)
            down, right = self._move(ink, strokes, 0.0 if anew else ink.mass)
            if not anew:
                _copy(old[i], down, right, drawn[i])
            for r0, c0, r1, c1, width, bend in strokes:
                of.append(i)
                placed.append((r0 + down, c0 + right, r1 + down, c1 + right, width, bend, ink.peak))
        for i, stroke in zip(of, self._paint(*np.array(placed).T), strict=True):
            np.maximum(drawn[i], stroke, out=drawn[i])
        return self._centred(np.rint(drawn, out=drawn), inks).reshape(images.shape)

    def _centred(self, drawn: Array, inks: Sequence[Ink]) -> Array:
        """Return images moved by what is still missing: ink where strokes cross was counted twice.

        A pixel matters: else a network tells these 1s from 7s by their place, and not those that it is to read.
        """
        centred = np.zeros_like(drawn)
        found = self._moments(drawn.reshape(len(drawn), -1))
        for image, ink, now, out in zip(drawn, inks, found, centred, strict=True):
            _copy(image, round(ink.row - now.row), round(ink.column - now.column), out)
        return centred

    def _move(self, ink: Ink, strokes: Sequence[Stroke], mass: float) -> tuple[int, int]:
        """Return by how many (rows, columns) an image is moved, for the middle of all its ink to stay where it is.

        Args:
            ink: of the image.
            strokes: that it gets.
            mass: of the ink that stays.
        """
        down, right = 0.0, 0.0
        for stroke in strokes:
            added = stroke.length * stroke.width * ink.peak
            mass += added
            down += added * ((stroke.r0 + stroke.r1) / 2 - ink.row)
            right += added * ((stroke.c0 + stroke.c1) / 2 - ink.column)
        mass = mass or 1.0
        most_down, most_right = self._most
        return _clip(round(-down / mass), most_down), _clip(round(-right / mass), most_right)

    def _paint(self, r0: Array, c0: Array, r1: Array, c1: Array, widths: Array, bends: Array, peaks: Array) -> Array:
        """Return each stroke as an image of its own, shape (n, height, width)."""
        lengths = np.maximum(np.sqrt((r1 - r0) ** 2 + (c1 - c0) ** 2), 1e-3)
        down, right = (r1 - r0) / lengths, (c1 - c0) / lengths
        # Of each pixel: how far from the start it is along the line, and how far beside it.
        along = self._linear(down, right, -(r0 * down + c0 * right))
        beside = self._linear(-right, down, r0 * right - c0 * down)
        ends = _of_images(lengths)
        near = along.clip(0, ends)
        along -= near
        # A parabola that is 0 at both ends, and the bend in the middle.
        beside -= near * (ends - near) * _of_images(4 * bends / lengths)
        along *= along
        beside *= beside
        beside += along
        shares = _of_images((widths + 1) / 2) - np.sqrt(beside, out=beside)
        shares.clip(0, 1, out=shares)
        shares *= _of_images(peaks)
        return shares

    def _linear(self, of_row: Array, of_column: Array, constant: Array) -> Array:
        """Return a·row + b·column + constant at each pixel, shape (n, height, width)."""
        rows = of_row[:, None] * self._rows + constant[:, None]
        columns = of_column[:, None] * self._columns
        values: Array = rows.astype(np.float32)[:, :, None] + columns.astype(np.float32)[:, None]
        return values


def _clip(by: int, most: int) -> int:
    """Return a move that is no further than allowed."""
    return max(-most, min(by, most))


def _copy(image: Array, down: int, right: int, out: Array) -> None:
    """Write an image into ``out``, which is empty, moved."""
    height, width = image.shape
    rows, columns = slice(max(down, 0), height + min(down, 0)), slice(max(right, 0), width + min(right, 0))
    out[rows, columns] = image[rows.start - down : rows.stop - down, columns.start - right : columns.stop - right]


def _of_images(values: Array) -> Array:
    """Return a number of each image as float32, to be used with all its pixels."""
    return values.astype(np.float32)[:, None, None]
