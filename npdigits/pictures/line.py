"""A line of digits, with the separators between them."""

from dataclasses import dataclass, field

from npdigits.pictures.box import Box
from npdigits.pictures.marks import Band

# Two pieces one above the other are one digit if so much of the narrower one's width is common, and the lower one is at
# most so high.
ABOVE, PART = 0.5, 0.8
# Halves that are both lower than PART are one digit where both together are at most so high, in heights of all digits.
WHOLE = 1.25


@dataclass
class Item:
    """A digit of a line, or a mark between digits.

    Attributes:
        pieces: numbers of its pieces.
        box: around them.
        mark: which separator it is; "" for a digit.
        after_space: whether there is a space before it.
        loose: numbers of pieces near it, of no digit and no mark, that may be parts of it: who reads it decides.
    """

    pieces: list[int]
    box: Box
    mark: str = ""
    after_space: bool = False
    loose: list[int] = field(default_factory=list)


@dataclass
class Line:
    """A line of digits.

    Attributes:
        items: from left to right.
        band: the rows that its digits take.
        height: of its digits, in pixels: that of the page's digits, where its own are hardly lower.
        left_out: boxes of small pieces that are neither digits nor separators.
    """

    items: list[Item]
    band: Band
    height: float
    left_out: list[Box] = field(default_factory=list)

    @property
    def box(self) -> Box:
        return Box.around([item.box for item in self.items])
