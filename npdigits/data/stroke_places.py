"""Where strokes go that many hands write and MNIST's lack: a 1's long upstroke and its foot, a 0's slash.

They begin and end where the digit's own ink says, by its middle c and the covariance Σ of its rows and columns, of
eigenvalues λ₁ ≥ λ₂ (``ink``). A 1 is a bar of length √(12 λ₁), a 0 a ring of the covariance Σ. All numbers are drawn
uniformly, lengths in those of the digit, so that strokes are as large and as slanted as it is. (A 7's bar is not among
them: MNIST has barred 7s, and with more of them the plain ones are rarer beside 1s with an upstroke.)

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
# How far 1s with an upstroke lean to either side, columns a row: 17 degrees. Of MNIST's a third leans further right.
MOST_SLANT = 0.3
# Degrees between the stem and an upstroke, and least between it and a level line: a 1 whose upstroke is level is a 7.
NARROWEST, WIDEST, ABOVE_LEVEL = 18, 60, 25


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


def slant(label: int, ink: Ink, u: Sequence[float]) -> float:
    """Return by how much a digit is slanted before it gets its strokes, columns a row: 1s without flag or foot are.

    How far it leans is Σ_rc/Σ_rr, to which a slant adds; to the slope of its axis it would not, of thick bars.
    """
    down, right = ink.axis()
    if label != 1 or down <= abs(right) or not ink.rr or not ink.is_bar():
        return 0.0
    return MOST_SLANT * (2 * u[8] - 1) - ink.rc / ink.rr


def upstroke(ink: Ink, u: Sequence[float]) -> list[Stroke]:
    """Return a 1's upstroke, from 0.3 to 0.8 of its stem's length; and perhaps a foot."""
    down, right = ink.axis()
    length = math.sqrt(12 * ink.eigenvalues()[0])
    width = ink.width(length)
    half = (length - width) / 2
    # Its edge is at the tip of the stem, which in MNIST is 0.6 ± 0.5 pixels above a bar's: a network would take a stem
    # that is higher for the mark of a 1.
    start = half + 0.06 * length * u[2]
    r, c = ink.row - start * down, ink.column - start * right
    e_r, e_c = _upstroke_direction(down, right, u[0])
    long = length * (0.3 + 0.5 * u[1])
    first = Stroke(r, c, r + long * e_r, c + long * e_c, width * _varied(u[3]), _bend(u[4]))
    if u[5] >= WITH_FOOT:
        return [first]
    # A foot is level whatever the slant, and reaches to both sides.
    r, c, tilt = ink.row + half * down, ink.column + half * right, 0.4 * (u[5] / WITH_FOOT - 0.5)
    left, to_right = (length * (0.12 + 0.25 * number) for number in u[6:8])
    foot = Stroke(r - left * tilt, c - left, r + to_right * tilt, c + to_right, first.width, 0.0)
    return [first, foot]


def slash(ink: Ink, u: Sequence[float]) -> list[Stroke]:
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
    return [Stroke(r0, c0, r1, c1, width * _varied(u[4]), _bend(u[5]))]


# The digits that get strokes -> (ink, numbers uniform in [0, 1)) -> the strokes.
PLACES: dict[int, Callable[[Ink, Sequence[float]], list[Stroke]]] = {0: slash, 1: upstroke}


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


def _varied(u: float) -> float:
    """Return the factor of a width: a third narrower to a sixth wider, as a hand presses less in such strokes."""
    return 0.67 + 0.5 * u


def _bend(u: float) -> float:
    """Return a bend of up to a tenth of the length, to either side."""
    return 0.2 * u - 0.1
