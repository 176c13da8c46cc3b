"""A picture of a digit in the form of MNIST's: 28 × 28, white on black, size-normalized and centred.

As the set was made (LeCun, Bottou, Bengio & Haffner 1998, §III-A): the digit's box is scaled to fit 20 × 20 with its
proportions kept, and placed so that its centre of mass is at the middle of 28 × 28. Measured on the set: the longer
side is 20 pixels, the centre of mass within half a pixel of (14, 14), strokes 1.7 to 4.0 pixels wide (5 to 95 %).

Pictures are no scans of forms, so other steps come first: paper and ink are told apart (Otsu 1979), uneven paper is
flattened, lines are taken out (``lines.py``), many pieces are joined (``gaps.py``), specks and ink that reaches in from
an edge are left out, strokes far thinner than the set's are thickened, wider ones are made thinner.

All steps compute on whole numbers, or sum in a fixed order. So the script of the drawing page, whose steps have the
same names (``export/page_files/form.js``), gives the same image where the paper is of one grey value, as the page's is.
"""

import functools
import math

import numpy as np

from npdigits.base.arrays import Array
from npdigits.pictures.components import BAND, BLOT, Components, NoDigit, SeveralDigits, stroke_width
from npdigits.pictures.gaps import gap_of
from npdigits.pictures.ink import inks
from npdigits.pictures.lines import without_lines
from npdigits.pictures.paper import sheet_in
from npdigits.pictures.thicker import thickened, thinned
from npdigits.pictures.threshold import VALUES, counts_of, otsu, otsu_of, separation

SIDE, BOX, MIDDLE = 28, 20, 14
# Ink differs from paper by at least so many grey values, of 255.
CONTRAST = 40
# The width of a digit is at most so many of its heights.
WIDEST = 2.5
# The strokes of a digit are at most so long, in lengths of its box. MNIST's test digits reach 3.6, outlined ones 6.6.
LONGEST_LINE = 8
# Ink is of two kinds, as faint lines with a digit on them, if at least such a share of its variance is between them.
TWO_KINDS = 0.85
# Strokes thinner than THIN pixels of the box are thickened to that, wider ones than THICK made as thin as that, if a
# pixel of the box is FINE of the picture's. A marker closes a digit's gaps: of 1,300 such ones, cut out or not, 4.9 %
# were misread, thinned 2.1 %; of 1,200 in their own strokes none more (THICK: 3.5 to 4.5).
THIN, THICK, FINE = 2.0, 4.0, 2.0
# The longer side of a digit is at least so long, in pixels of the picture.
SMALLEST = 7
# Halves are rounded up, also where a sum in another order is a little less than the half.
TIE = 1e-6


def to_mnist_form(grey: Array) -> Array:
    """Return the digit of a picture as MNIST would hold it.

    Args:
        grey: bytes 0 (black) … 255 (white), shape (height, width), dark on light or light on dark.

    Returns:
        bytes 0 (paper) … 255 (ink), shape (28, 28).

    Raises:
        NoDigit: says why.
    """
    counts = counts_of(grey)
    sheet = sheet_in(grey, counts)
    if sheet is not None:
        try:
            return to_mnist_form(sheet)
        except SeveralDigits:
            raise
        except NoDigit:
            pass  # it is none
    refused = None
    for ink, most in inks(grey, counts):
        try:
            return _formed(grey, ink, most)
        except SeveralDigits:
            raise
        except NoDigit as error:  # then another side of the paper's grey value may be the ink
            refused = refused or error
    assert refused is not None
    raise refused


def _formed(grey: Array, ink: Array, most: float) -> Array:
    """Return the digit of a picture of which it is known how much ink is where, at most such a share of it."""
    ink = without_lines(ink)
    counts = counts_of(ink)
    threshold, pieces = told_apart(ink, counts)
    if gap := gap_of(pieces):
        ink = thickened(ink, gap)
        counts = counts_of(ink)
        threshold, pieces = told_apart(ink, counts)
    panel = pieces.panel()
    if panel is not None and (panel.height, panel.width) != grey.shape and not gap:
        try:
            return to_mnist_form(grey[panel.top : panel.bottom, panel.left : panel.right])
        except SeveralDigits:
            raise
        except NoDigit:
            pass  # it is none
    scale = scale_of(counts, threshold, most)
    box, mask = pieces.digit(joined=gap > 0)
    edges = sum((box.top == 0, box.bottom == len(ink), box.left == 0, box.right == ink.shape[1]))
    ink = ink[box.top : box.bottom, box.left : box.right]
    levels = scale[ink]
    levels[(ink > threshold) & ~mask] = 0
    height, width = mask.shape
    if max(height, width) < SMALLEST:
        raise NoDigit(f"what is on it is only {max(height, width)} pixels high: allowed are {SMALLEST} and more")
    stroke = stroke_width(mask)
    if stroke > BLOT * max(height, width):
        raise NoDigit("what is on it is a blot, without strokes")
    if edges == 3 and mask.mean() > BAND:
        raise NoDigit("what is on it is a band along an edge")
    if width > WIDEST * height:
        raise NoDigit("what is on it is far wider than a digit: one digit a picture")
    if mask.sum() > LONGEST_LINE * max(height, width) * stroke:
        raise NoDigit("there is more line on it than a digit has")
    return formed(levels, stroke)


def formed(levels: Array, stroke: float) -> Array:
    """Return a digit, cut to its box, as MNIST would hold it.

    Args:
        levels: 0 (paper) … 255 (ink), shape (height, width).
        stroke: the width of its strokes, in pixels.
    """
    height, width = levels.shape
    pixel = max(height, width) / BOX  # of the box, in the picture's
    if pixel >= FINE:
        levels = thickened(levels, rounded(THIN * pixel - stroke))
        levels = thinned(levels, rounded(stroke - THICK * pixel))
        height, width = levels.shape
        pixel = max(height, width) / BOX
    return centred(resampled(levels, max(1, rounded(height / pixel)), max(1, rounded(width / pixel))))


def rounded(x: float) -> int:
    """Return the nearest whole number, halves upwards, as JavaScript rounds."""
    return math.floor(x + 0.5)


def told_apart(ink: Array, counts: Array | None = None) -> tuple[int, Components]:
    """Return the threshold between paper and ink, and the pieces of ink.

    The threshold is Otsu's. It is Otsu's of the ink alone if, on a page, a piece goes from edge to edge, as ruled lines
    with a digit on them do, and the ink is of two kinds, of which the darker has a piece off the edges.

    Args:
        ink: how much ink is where, bytes of shape (height, width).
        counts: how many of them have each value, where that is known.
    """
    threshold = otsu(ink) if counts is None else otsu_of(counts)
    pieces = Components.of(ink > threshold)
    if not (pieces.page and pieces.crosses):
        return threshold, pieces
    values = ink[ink > threshold]
    higher = otsu(values)
    darker = Components.of(ink > higher)
    if separation(values, higher) >= TWO_KINDS and darker.stands_out:
        return higher, darker
    return threshold, pieces


def stretched(ink: Array, threshold: int, most: float) -> Array:
    """Return ink on a scale from 0, the paper's level (its median), to 255, the ink's (its ninth decile).

    Raises:
        NoDigit: they hardly differ, or half of the picture is ink.
    """
    levels: Array = scale_of(counts_of(ink), threshold, most)[ink]
    return levels


def scale_of(counts: Array, threshold: int, most: float) -> Array:
    """Return the level of each of the 256 values of ink of which it is known how often each is there.

    Raises:
        NoDigit: paper and ink hardly differ, or half of the picture is ink.
    """
    below = counts.cumsum()
    paper, whole = int(below[threshold]), int(below[-1])
    if paper == whole:
        raise NoDigit("it is blank")
    low = int(below[: threshold + 1].searchsorted(paper / 2))
    high = threshold + 1 + int((below[threshold + 1 :] - paper).searchsorted(0.9 * (whole - paper)))
    if high - low < CONTRAST:
        raise NoDigit("it is blank, or nearly so")
    if whole - paper > most * whole:
        raise NoDigit("more than half of it is ink")
    levels: Array = np.minimum(np.maximum((VALUES - float(low)) * 255 / (high - low), 0), 255)
    return levels


def resampled(levels: Array, high: int, wide: int) -> Array:
    """Return levels scaled to (high, wide): by means over areas, or by linear interpolation where they grow."""
    scaled: Array = shares(levels.shape[0], high) @ levels @ shares(levels.shape[1], wide).T
    return scaled


@functools.lru_cache(256)  # thousands of pictures have few sizes
def shares(n: int, m: int) -> Array:
    """Return how much of each of n pixels is in each of m, shape (m, n), each row's sum 1.

    New pixel i covers the part of the old line around (i + ½)·n/m that is n/m long, but at least 1.
    """
    centre, reach = (np.arange(m) + 0.5) * n / m, max(1.0, n / m) / 2
    low, high = np.maximum(centre - reach, 0)[:, None], np.minimum(centre + reach, n)[:, None]
    pixels = np.arange(n)
    overlap = np.maximum(np.minimum(high, pixels + 1) - np.maximum(low, pixels), 0)
    rows: Array = overlap / (high - low)
    rows.flags.writeable = False  # the cache returns it again
    return rows


def centred(small: Array) -> Array:
    """Return a 28 × 28 image whose centre of mass is as near to the middle as whole pixels allow."""
    small = np.floor(small + 0.5 + TIE).astype(int)
    image = np.zeros((SIDE, SIDE), np.uint8)
    mass = small.sum()
    place = []
    for axis, n in enumerate(small.shape):
        centre = (small.sum(axis=1 - axis) * np.arange(n)).sum() / mass
        place.append(min(max(rounded(MIDDLE - centre), 0), SIDE - n))
    (top, left), (high, wide) = place, small.shape
    image[top : top + high, left : left + wide] = small
    return image
