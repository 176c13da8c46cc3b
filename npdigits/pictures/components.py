"""The connected pieces of ink in a picture, and which of them are the digit.

The others are specks, frames, punch holes, the edge of a table. The drawing page's script does the same
(``export/page_files/pieces.js``).
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from npdigits.base.arrays import Array
from npdigits.pictures.box import Box
from npdigits.pictures.labels import label, places
from npdigits.pictures.panel import has_text, is_grid, is_label, panel_box
from npdigits.pictures.several import MOST_DIGITS, are_several

# A piece counts if it has at least PIECE of the largest one's pixels. The largest one off the edges stands out if it
# has at least INNER of the largest one's.
PIECE, INNER = 1 / 20, 1 / 5
# A digit has at most so many pieces. Specks do not count.
MOST_PIECES = 5
# A frame has ink in all four corners of its box, each CORNER of the box's shorter side. In it is a piece at least
# FRAMED of its height; its strokes are at most AS_THICK of that piece's (a 0 with a slash is no frame). Pieces whose
# sides differ from a frame's by at most AS_FRAME are frames too. Among more than MOST_FRAMED pieces, as of noise, no
# frame is looked for.
CORNER, FRAMED, AS_THICK, AS_FRAME, MOST_FRAMED = 0.1, 0.15, 1.1, 0.1, 40
# A picture whose shorter side has so many pixels may be a page with a digit on it; a smaller one is a digit cut out.
PAGE = 56
# A piece is a blot, without strokes, if its stroke width is more than BLOT of the longer side of its box; MNIST's test
# digits reach 0.376. A blot that is further from the other pieces than APART of their longer side is not one of theirs;
# nor is a button, which has text on it, further than BUTTON.
BLOT, APART, BUTTON = 0.38, 0.25, 0.1
# A piece along three edges of the picture that fills more than this share of its box is light or a table.
BAND = 0.9
# A row belongs to a line across the picture if at least ACROSS of it is ink. A digit that fills its picture has at most
# three such lines.
ACROSS, MOST_LINES = 0.95, 3
SEVERAL = "there are several digits on it: one digit a picture"


class NoDigit(ValueError):
    """Nothing in the picture can be a digit."""


class SeveralDigits(NoDigit):
    """There are several digits."""

    def __init__(self) -> None:
        super().__init__(SEVERAL)


@dataclass(frozen=True)
class Components:
    """The connected pieces of a mask, diagonals included.

    Attributes:
        labels: the number of each pixel's piece, from 1; 0 for paper. Shape (height, width).
        areas: of each piece, in pixels. Number 0, the paper, has 0.
        boxes: of each piece. Number 0 has an empty one.
    """

    labels: Array
    areas: list[int]
    boxes: list[Box]

    @classmethod
    def of(cls, mask: Array) -> "Components":
        """Return the pieces of a mask."""
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        labels = np.zeros(mask.shape, np.int32)
        if not len(rows):
            return cls(labels, [0], [Box(0, 0, 0, 0)])
        top, left = int(rows[0]), int(columns[0])
        # On most of a page there is no ink.
        cut = slice(top, int(rows[-1]) + 1), slice(left, int(columns[-1]) + 1)
        found, n = label(mask[cut])
        labels[cut] = found
        areas = np.bincount(found.ravel(), minlength=n + 1).tolist()
        boxes = [Box(top + y.start, top + y.stop, left + x.start, left + x.stop) for y, x in places(found)]
        return cls(labels, [0, *areas[1:]], [Box(0, 0, 0, 0), *boxes])

    def mask(self, piece: int) -> Array:
        """Return the mask of one piece, cut to its box."""
        box = self.boxes[piece]
        cut: Array = self.labels[box.top : box.bottom, box.left : box.right] == piece
        return cut

    @property
    def page(self) -> bool:
        """Whether the picture is large enough to be a page with a digit on it."""
        return bool(min(self.labels.shape) >= PAGE)

    @cached_property
    def crosses(self) -> bool:
        """Whether a piece that may be of the digit goes from one edge of the picture to the opposite one."""
        height, width = self.labels.shape
        boxes = [self.boxes[piece] for piece in _large(self._counting)]
        return any(box.height == height or box.width == width for box in boxes)

    @cached_property
    def stands_out(self) -> bool:
        """Whether the largest piece off the edges is large enough to be a digit."""
        inner, largest = 0, 0
        for area, box, edges in zip(self._areas, self.boxes, self._edges, strict=True):
            if not edges:
                inner = max(inner, area)
            # A piece that fills its box along three edges of a page is light or a table, however large.
            if not self.page or edges != 3 or area <= BAND * box.height * box.width:
                largest = max(largest, area)
        return inner >= max(INNER * largest, 1)

    @cached_property
    def _areas(self) -> list[int]:
        """The pieces' areas; 0 for the lines of a grid."""
        large = _large(self.areas)
        if not self.page or not len(self.areas) - 1 >= 2 or len(large) > MOST_FRAMED:
            return self.areas
        grids = {k for k in large if is_frame(self.mask(k)) and is_grid(self.mask(k))}
        areas = [0 if k in grids else area for k, area in enumerate(self.areas)]
        return areas if max(areas) > 0 else self.areas

    @cached_property
    def _edges(self) -> list[int]:
        """The number of the picture's edges that each piece touches."""
        height, width = self.labels.shape
        return [
            (top == 0) + (bottom == height) + (left == 0) + (right == width) for top, bottom, left, right in self.boxes
        ]

    @cached_property
    def _counting(self) -> list[int]:
        """The areas of the pieces that may be of the digit; 0 for those that reach in from an edge, and for frames."""
        inner = self.stands_out
        areas = [0 if inner and edges else area for area, edges in zip(self._areas, self._edges, strict=True)]
        large = _large(areas)
        if self.page and len(large) <= MOST_FRAMED:
            frames = [piece for piece in large if self._frames(piece, large)]
            for piece in large:
                box = self.boxes[piece]
                if any(box.as_large_as(self.boxes[frame], AS_FRAME) for frame in frames) and is_frame(self.mask(piece)):
                    areas[piece] = 0
            if frames:  # what is beside them is text, buttons
                areas = [area if self._is_within(k, frames) else 0 for k, area in enumerate(areas)]
        return areas

    def _is_within(self, piece: int, frames: list[int]) -> bool:
        return any(self.boxes[frame].holds(self.boxes[piece]) for frame in frames)

    def _frames(self, piece: int, others: list[int]) -> bool:
        """Say whether a piece is a frame around another."""
        box = self.boxes[piece]
        framed = [k for k in others if box.holds(self.boxes[k]) and self.boxes[k].height >= FRAMED * box.height]
        if not framed or not is_frame(self.mask(piece)):
            return False
        return stroke_width(self.mask(piece)) <= AS_THICK * max(stroke_width(self.mask(k)) for k in framed)

    def panel(self) -> Box | None:
        """Return where a panel with a digit in it is: the largest piece, if it is one."""
        areas = self._counting
        largest = areas.index(max(areas))
        if any(2 * area >= areas[largest] for k, area in enumerate(areas) if k != largest):  # one of several: a bar
            return None
        box = self.boxes[largest]
        ink = self.labels[box.top : box.bottom, box.left : box.right] > 0
        within = panel_box(self.mask(largest), ink) if areas[largest] else None
        if within is None:
            return None
        down, right = box.top, box.left
        return Box(down + within.top, down + within.bottom, right + within.left, right + within.right)

    @cached_property
    def scattered(self) -> list[int]:
        """The pieces that may be of the digit, where they are many and none stands out; else none."""
        areas = self._counting
        kept = _large(areas)
        return kept if 2 * max(areas) < sum(areas) and len(kept) > MOST_PIECES else []

    def digit(self, joined: bool = False) -> tuple[Box, Array]:
        """Return where the pieces that are the digit are, and their mask, cut to that box.

        Args:
            joined: whether the pieces were found to be of one digit.

        Raises:
            NoDigit: there is none, or what there is is no digit.
        """
        areas = self._counting
        kept = _large(areas)
        strokes = self._without_blots(kept) if len(kept) <= MOST_DIGITS else kept
        if not joined and are_several([(self.boxes[k], areas[k]) for k in strokes]):
            raise SeveralDigits
        if not joined and self.scattered:
            raise NoDigit(f"{len(kept)} separate pieces, none of which stands out")
        chosen = np.zeros(len(areas), bool)
        chosen[strokes] = True
        if self.page and self.crosses:
            mask = chosen[self.labels]
            if max(lines_across(mask), lines_across(mask.T)) > MOST_LINES:
                raise NoDigit("lines across all of it, as dark as the ink")
        box = Box.around([self.boxes[k] for k in strokes])
        cut: Array = chosen[self.labels[box.top : box.bottom, box.left : box.right]]
        return box, cut

    def _without_blots(self, kept: list[int]) -> list[int]:
        """Return the pieces without punch holes, blots and buttons that lie apart from the others."""
        if len(kept) < 2 or not self.page:
            return kept
        blots = [k for k in kept if stroke_width(self.mask(k)) > BLOT * self.boxes[k].longest]
        others = [k for k in kept if k not in blots]
        if not others:
            return kept
        rest = Box.around([self.boxes[k] for k in others])
        beside = {k for k in blots if self._is_apart(k, rest)}
        beside |= {k for k in others if self._is_label(k, others)}
        return [k for k in kept if k not in beside]

    def _is_label(self, piece: int, others: list[int]) -> bool:
        """Say whether a piece is a caption or a button, apart from all that are higher: a display's segment is not."""
        higher = [box for box in (self.boxes[k] for k in others) if box.height > self.boxes[piece].height]
        if not higher or not all(self._is_apart(piece, box, BUTTON) for box in higher):
            return False
        mask = self.mask(piece)
        return is_label(mask) and (has_text(mask) or all(self._is_apart(piece, box) for box in higher))

    def _is_apart(self, piece: int, rest: Box, share: float = APART) -> bool:
        """Say whether a piece is smaller than the others, and so far from them that it is not one of theirs."""
        box = self.boxes[piece]
        return box.longest < rest.longest and box.gap(rest) > share * rest.longest


def _large(areas: list[int]) -> list[int]:
    """Return the pieces that are not specks beside the largest."""
    least = max(PIECE * max(areas), 1)
    return [piece for piece, area in enumerate(areas) if area >= least]


def lines_across(mask: Array) -> int:
    """Return how many straight lines cross a mask from left to right."""
    full = np.pad(mask.mean(axis=1) >= ACROSS, 1)
    return int((full[1:] > full[:-1]).sum())


def is_frame(mask: Array) -> bool:
    """Say whether a piece, cut to its box, has ink in all four corners, as no digit around another piece has."""
    n = max(1, int(CORNER * min(mask.shape)))
    ends = slice(n), slice(-n, None)
    return all(mask[rows, columns].any() for rows in ends for columns in ends)


def stroke_width(mask: Array) -> float:
    """Return the approximate width of the strokes, in pixels: 2·area / perimeter.

    The perimeter is the number of pixel sides between ink and paper, times π/4. In the mean over all directions the
    length of a line is π/4 of the number of its pixel sides.
    """
    count = np.count_nonzero
    inside = count(mask[1:] != mask[:-1]) + count(mask[:, 1:] != mask[:, :-1])
    edges = sum(count(edge) for edge in (mask[0], mask[-1], mask[:, 0], mask[:, -1]))
    return float(2 * count(mask) / ((inside + edges) * math.pi / 4))
