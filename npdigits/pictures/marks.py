"""Which small pieces of a line are separators of dates and numbers: - . , : and the slash between digits.

A separator is told by its size and place on the line, in heights of the line, and by standing between digits. The
figures are of dates drawn in ten hands of fonts and of digits of MNIST that are broken or have specks, which must not
become separators.
"""

from collections.abc import Sequence
from typing import NamedTuple

from npdigits.pictures.box import Box

# A point is at most so long, and at least as long as this share of the strokes' width; one at the foot has its middle
# below FOOT of the line's height.
POINT, OF_A_STROKE, FOOT = 0.3, 0.6, 0.72
# What is a point and nothing else is at most THICK strokes long, at least ROUND times as wide as it is high, and has
# its middle below DEEP. One that begins further to the left of the digit's right side than UNDER, in heights, as below
# the bar of a 7, or where no digit follows ENDS, may be a broken foot: it is a point where it is as wide as high within
# EVEN, and a digit follows.
THICK, ROUND, DEEP, UNDER, ENDS, EVEN = 2.0, 0.7, 0.8, 0.1, 0.05, (0.75, 1.33)
# A comma is at most so high, higher than wide by so much, and begins below this share of the height.
COMMA, UPRIGHT, COMMA_BEGINS = 0.6, 1.25, 0.6
# A hyphen is at least so much wider than high, at most so high, at least so wide, and has its middle there.
LEVEL, THIN, LONG, MIDDLE = 1.6, 0.25, 0.2, (0.3, 0.75)
# A slash reaches beyond its neighbours by so much at both ends, and leans to the right by so much of its height.
BEYOND, LEANS = 0.05, 0.2
# The next digit on either side is at most so far away.
NEAR = 1.5


class Band(NamedTuple):
    """The rows that the digits of a line take: from ``top`` to before ``bottom``; the width of their strokes."""

    top: float
    bottom: float
    stroke: float

    @property
    def height(self) -> float:
        return self.bottom - self.top

    def depth(self, row: float) -> float:
        """Return how deep a row is, as a share of the height: 0 at the top, 1 at the foot."""
        return (row - self.top) / self.height


def kind(box: Box, band: Band) -> str:
    """Return which separator a small piece looks like: "." "," "-", "°" for a spot that is no point, or ""."""
    high, wide = box.height / band.height, box.width / band.height
    middle = band.depth((box.top + box.bottom) / 2)
    if box.longest < OF_A_STROKE * band.stroke:
        return ""
    if wide >= LEVEL * high and high <= THIN and wide >= LONG and MIDDLE[0] <= middle <= MIDDLE[1]:
        return "-"
    if max(high, wide) <= POINT and wide <= LEVEL * high:
        if middle >= FOOT:
            if high >= UPRIGHT * wide and band.depth(box.bottom) > 1.1:
                return ","
            is_dot = box.longest <= THICK * band.stroke and ROUND * high <= wide and middle >= DEEP
            return "." if is_dot else "°"
        return "°"
    if high <= COMMA and high >= UPRIGHT * wide and band.depth(box.top) >= COMMA_BEGINS:
        return ","
    return ""


def is_slash(box: Box, leans: float, neighbours: Sequence[Box]) -> bool:
    """Say whether a long piece is a slash.

    Args:
        box: its own.
        leans: how far its upper end is to the right of its lower end, in its heights, where it is one straight stroke;
            else 0.
        neighbours: the boxes of the digits beside it.
    """
    if leans < LEANS or len(neighbours) < 2:
        return False
    reach = BEYOND * (max(b.bottom for b in neighbours) - min(b.top for b in neighbours))
    return all(box.top <= b.top - reach and box.bottom >= b.bottom + reach for b in neighbours)


def stands_between(box: Box, mark: str, left: Box | None, right: Box | None, height: float) -> bool:
    """Say whether a separator is where one may be: between two digits, a hyphen before a digit, a point after one."""
    near_left = left is not None and box.left - left.right <= NEAR * height
    near_right = right is not None and right.left - box.right <= NEAR * height
    if mark == "-":
        return near_right
    if mark == "." and left is not None and box.left < left.right - (UNDER if near_right else ENDS) * height:
        near_left &= EVEN[0] * box.height <= box.width <= EVEN[1] * box.height and near_right
    return near_left and (near_right or mark == ".")
