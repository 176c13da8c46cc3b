"""Where strokes go that many hands write and MNIST's lack: a 1's long upstroke and its foot, a 0's slash.

They begin and end where the digit's own ink says, by its middle c and the covariance Σ of its rows and columns, of
eigenvalues λ₁ ≥ λ₂ (``ink``). A 1 is a bar of length √(12 λ₁), a 0 a ring of the covariance Σ. All numbers are drawn
uniformly, lengths in those of the digit, so that strokes are as large as it is. (A 7's bar is not among them: MNIST has
barred 7s, and with more of them the plain ones are rarer beside 1s with an upstroke.)

It is done image by image, as there are few in a batch: to call NumPy's functions for these takes three times as long.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from npdigits.data.ink import Ink

# Random numbers of each image.
NUMBERS_OF_PLACE = 9
# Share of the upstrokes that come with a foot, and of the slashes that fall from the upper left to the lower right.
WITH_FOOT, FALLING = 0.25, 0.25
# How far 1s that are drawn anew lean to either side, columns a row: 17 degrees. Of MNIST's a third leans further right.
MOST_SLANT = 0.3
# Degrees between the stem and an upstroke, and least between it and a level line: a 1 whose upstroke is level is a 7.
NARROWEST, WIDEST, ABOVE_LEVEL = 18, 72, 25


class Stroke(NamedTuple):
    """A stroke from (r0, c0) to (r1, c1), in pixels.

    Attributes:
        r0, c0, r1, c1: rows and columns of its ends.
        width: in pixels.
        bend: how far its middle is off the straight line, of its length.
    """

    r0: float
    c0: float
    r1: float
    c1: float
    width: float
    bend: float

    @property
    def length(self) -> float:
        down, right = self.r1 - self.r0, self.c1 - self.c0
        return math.sqrt(down * down + right * right)


def upstroke(ink: Ink, u: Sequence[float]) -> tuple[list[Stroke], bool]:
    """Return a 1's upstroke, from 0.3 to 0.8 of its stem's length, and perhaps a foot.

    A 1 that is nothing but a line, and does not lie, is drawn anew: stem and upstroke by one pen, as high as it was,
    leaning to either side. (Were the image slanted, row by row, its edges would have notches.)
    """
    length, (down, right) = math.sqrt(12 * ink.eigenvalues()[0]), ink.axis()
    width, anew = ink.width(length), ink.rr > 0 and down > abs(right) and ink.is_bar()
    if anew:
        # How far ink leans is Σ_rc/Σ_rr, to which a slant adds; Σ_rr, and so the height, stays.
        ink = ink.slanted(MOST_SLANT * (2 * u[8] - 1) - ink.rc / ink.rr)
        length, (down, right) = math.sqrt(12 * ink.eigenvalues()[0]), ink.axis()
    # The stem's tip is 0.03 ± 0.03 of the length beyond the end of such a bar, in MNIST. There is the upstroke's edge:
    # else a network takes a stem that is higher for the mark of a 1.
    half = (length - width) / 2
    start = half + length * (0.03 if anew else 0.06 * u[2])
    r, c = ink.row - start * down, ink.column - start * right
    e_r, e_c = _upstroke_direction(down, right, u[0])
    long, pen = length * (0.3 + 0.5 * u[1]), width * (_pen(u[3]) if anew else _varied(u[3]))
    strokes = [Stroke(r, c, r + long * e_r, c + long * e_c, pen, _bend(u[4]))]
    if anew:
        strokes.append(Stroke(r, c, ink.row + start * down, ink.column + start * right, pen, _bend(u[2]) / 2))
    if u[5] < WITH_FOOT:
        # It is level whatever the slant, and reaches to both sides.
        r, c, tilt = ink.row + half * down, ink.column + half * right, 0.4 * (u[5] / WITH_FOOT - 0.5)
        left, to_right = (length * (0.12 + 0.25 * number) for number in u[6:8])
        strokes.append(Stroke(r - left * tilt, c - left, r + to_right * tilt, c + to_right, pen, 0.0))
    return strokes, anew


def slash(ink: Ink, u: Sequence[float]) -> tuple[list[Stroke], bool]:
    """Return a 0's slash, which goes through the middle, on either side from 0.6 as far as the ring to 1.4."""
    a, b = (math.sqrt(2 * value) for value in ink.eigenvalues())
    # Ramanujan 1914: an ellipse's circumference
    width = ink.width(math.pi * (3 * (a + b) - math.sqrt((3 * a + b) * (a + 3 * b))))
    # The ring is c + √2·C·(cos t, sin t), C the Cholesky factor of Σ. From its top 8 to 65 degrees to the right, of
    # falling slashes to the left.
    t = math.radians(8 + 57 * u[0]) * (-1 if u[1] < FALLING else 1)
    across = ink.rc / math.sqrt(ink.rr) if ink.rr else 0.0
    rest = math.sqrt(max(ink.cc - across * across, 0.0))
    up = math.sqrt(2 * ink.rr) * math.cos(t)
    right = math.sqrt(2) * (rest * math.sin(t) - across * math.cos(t))
    below, above = 0.6 + 0.8 * u[2], 0.6 + 0.8 * u[3]
    r0, c0 = ink.row + below * up, ink.column - below * right
    r1, c1 = ink.row - above * up, ink.column + above * right
    return [Stroke(r0, c0, r1, c1, width * _varied(u[4]), _bend(u[5]))], False


# The digits that get strokes -> (ink, numbers uniform in [0, 1)) -> the strokes, and whether they are the whole digit.
PLACES: dict[int, Callable[[Ink, Sequence[float]], tuple[list[Stroke], bool]]] = {0: slash, 1: upstroke}


def _upstroke_direction(down: float, right: float, u: float) -> tuple[float, float]:
    """Return the direction of an upstroke from the upper end on, of a stem that goes down so; of length 1."""
    narrowest, widest = _turned(down, right, NARROWEST), _turned(down, right, WIDEST)
    level = math.sin(math.radians(ABOVE_LEVEL)), -math.cos(math.radians(ABOVE_LEVEL))
    if widest[0] < level[0]:  # of a 1 that leans to the right; of one that lies nearly, the narrowest is level as well
        widest = level if narrowest[0] > level[0] else narrowest
    r, c = (one + u * (other - one) for one, other in zip(narrowest, widest, strict=True))
    length = math.sqrt(r * r + c * c)
    return r / length, c / length


def _turned(down: float, right: float, degrees: float) -> tuple[float, float]:
    """Return a direction turned from below to the left."""
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    return cosine * down + sine * right, cosine * right - sine * down


def _pen(u: float) -> float:
    """Return the factor of the width of a digit that is drawn anew: to half as narrow, as MNIST's pens are broad."""
    return 0.5 + 0.6 * u


def _varied(u: float) -> float:
    """Return the factor of a width: a third narrower to a sixth wider, as a hand presses less in such strokes."""
    return 0.67 + 0.5 * u


def _bend(u: float) -> float:
    """Return a bend of up to a tenth of the length, to either side."""
    return 0.2 * u - 0.1
