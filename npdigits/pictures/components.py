"""Which of the connected pieces of ink are the digit, and not specks, frames, punch holes or the table's edge."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from npdigits.base.arrays import Array

# A piece counts if it has this share of the largest piece's pixels; likewise one that does not touch the edge.
PIECE, INNER = 1 / 20, 1 / 5
# More pieces than a digit has. Specks do not count.
MOST_PIECES = 5
# A frame has ink in all corners of its box, so large in the box's shorter side, and in it a piece so high in its own
# height; its strokes are so wide, in that piece's, at the most (a 0 with a slash is none). Others as large but for such
# a share of the sides are frames too. Among more pieces than this, as of noise, none is looked for.
CORNER, FRAMED, AS_THICK, AS_FRAME, MOST_FRAMED = 0.1, 0.15, 1.1, 0.1, 40
# The shorter side of what is a page with a digit on it, and no digit cut out, in pixels.
PAGE = 56
# What would be one stroke so wide, in the longer side of its box, has no strokes: of MNIST's test digits the widest has
# 0.376. Such a piece, so far from the rest, in the longer side of that, is no part of it.
BLOT, APART = 0.38, 0.25
# What fills so much of its box along three edges of the picture is light or a table.
BAND = 0.9
# Rows that are ink to such a share are of a line across the picture. A digit that fills its picture has three at most.
ACROSS, MOST_LINES = 0.95, 3
# Two pieces side by side, both so high (in the height of all) and one so large (in the other's area), are two digits.
AS_HIGH, AS_LARGE = 0.75, 0.2
EIGHT = np.ones((3, 3), int)


class NoDigit(ValueError):
    """There is nothing in the picture that could be a digit."""


class Box(NamedTuple):
    """Where a piece is: rows ``top`` to before ``bottom``, columns ``left`` to before ``right``."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def longest(self) -> int:
        return max(self.height, self.width)

    @staticmethod
    def around(boxes: Sequence["Box"]) -> "Box":
        """Return the box around some."""
        top, left = min(box.top for box in boxes), min(box.left for box in boxes)
        return Box(top, max(box.bottom for box in boxes), left, max(box.right for box in boxes))

    def holds(self, other: "Box") -> bool:
        """Say whether all of the other is in this one, and off its edges."""
        down = self.top < other.top and other.bottom < self.bottom
        return down and self.left < other.left and other.right < self.right

    def as_large_as(self, other: "Box", within: float) -> bool:
        """Say whether both sides are as long as the other's, within a share of these."""
        high, wide = abs(self.height - other.height), abs(self.width - other.width)
        return high <= within * other.height and wide <= within * other.width

    def gap(self, other: "Box") -> int:
        """Return how far apart the two are, along rows or columns, whichever is more; 0 where they overlap in both."""
        down = max(other.top - self.bottom, self.top - other.bottom)
        return max(down, other.left - self.right, self.left - other.right, 0)


@dataclass(frozen=True)
class Pieces:
    """The connected pieces of a mask, diagonals included.

    Attributes:
        labels: of each pixel its piece, from 1; 0 for paper. Shape (height, width).
        areas: of each piece, in pixels; the paper's is 0.
        boxes: likewise.
    """

    labels: Array
    areas: list[int]
    boxes: list[Box]

    @classmethod
    def of(cls, mask: Array) -> "Pieces":
        """Return the pieces of a mask."""
        labels, n = ndimage.label(mask, EIGHT)
        areas = np.bincount(labels.ravel(), minlength=n + 1).tolist()
        boxes = [Box(y.start, y.stop, x.start, x.stop) for y, x in ndimage.find_objects(labels)]
        return cls(labels, [0, *areas[1:]], [Box(0, 0, 0, 0), *boxes])

    def mask(self, piece: int) -> Array:
        """Return the mask of one piece, cut to its box."""
        box = self.boxes[piece]
        cut: Array = self.labels[box.top : box.bottom, box.left : box.right] == piece
        return cut

    @property
    def page(self) -> bool:
        """Whether the picture is large enough for a page with a digit on it."""
        return bool(min(self.labels.shape) >= PAGE)

    @cached_property
    def crosses(self) -> bool:
        """Whether what counts includes a piece that goes from one edge of the picture to the opposite one."""
        height, width = self.labels.shape
        boxes = [self.boxes[piece] for piece in _large(self._counting)]
        return any(box.height == height or box.width == width for box in boxes)

    @cached_property
    def stands_out(self) -> bool:
        """Whether the largest of what does not touch the edges is as large as a digit would be."""
        inner, largest = 0, 0
        for area, box, edges in zip(self.areas, self.boxes, self._edges, strict=True):
            if not edges:
                inner = max(inner, area)
            # What fills its box along three edges of a page is light or a table, however large.
            if not self.page or edges != 3 or area <= BAND * box.height * box.width:
                largest = max(largest, area)
        return inner >= max(INNER * largest, 1)

    @cached_property
    def _edges(self) -> list[int]:
        """How many edges of the picture each piece touches."""
        height, width = self.labels.shape
        return [
            (top == 0) + (bottom == height) + (left == 0) + (right == width) for top, bottom, left, right in self.boxes
        ]

    @cached_property
    def _counting(self) -> list[int]:
        """The areas of what may be the digit: what hangs in from an edge and frames have 0."""
        inner = self.stands_out
        areas = [0 if inner and edges else area for area, edges in zip(self.areas, self._edges, strict=True)]
        large = _large(areas)
        if self.page and len(large) <= MOST_FRAMED:
            frames = [piece for piece in large if self._frames(piece, large)]
            for piece in large:
                box = self.boxes[piece]
                if any(box.as_large_as(self.boxes[frame], AS_FRAME) for frame in frames) and is_frame(self.mask(piece)):
                    areas[piece] = 0
        return areas

    def _frames(self, piece: int, others: list[int]) -> bool:
        """Say whether a piece is a frame around another."""
        box = self.boxes[piece]
        framed = [k for k in others if box.holds(self.boxes[k]) and self.boxes[k].height >= FRAMED * box.height]
        if not framed or not is_frame(self.mask(piece)):
            return False
        return stroke_width(self.mask(piece)) <= AS_THICK * max(stroke_width(self.mask(k)) for k in framed)

    def digit(self) -> Array:
        """Return the mask of the pieces that are the digit, shape (height, width).

        Raises:
            NoDigit: there is none, or what there is is no digit.
        """
        areas = self._counting
        kept = _large(areas)
        if 2 * max(areas) < sum(areas) and len(kept) > MOST_PIECES:
            raise NoDigit(f"{len(kept)} separate pieces, none of which stands out")
        kept = self._without_blots(kept)
        self._check_one(kept)
        chosen = np.zeros(len(areas), bool)
        chosen[kept] = True
        mask: Array = chosen[self.labels]
        if self.page and self.crosses and max(lines_across(mask), lines_across(mask.T)) > MOST_LINES:
            raise NoDigit("lines across all of it, as dark as the ink")
        return mask

    def _without_blots(self, kept: list[int]) -> list[int]:
        """Return the pieces without those that are a hole or a blot beside the others."""
        if len(kept) < 2 or not self.page:
            return kept
        blots = [k for k in kept if stroke_width(self.mask(k)) > BLOT * self.boxes[k].longest]
        others = [self.boxes[k] for k in kept if k not in blots]
        if not others:
            return kept
        rest = Box.around(others)
        beside = {k for k in blots if self.boxes[k].longest < rest.longest}
        return [k for k in kept if k not in beside or self.boxes[k].gap(rest) <= APART * rest.longest]

    def _check_one(self, kept: list[int]) -> None:
        """Refuse two large pieces that stand side by side.

        Raises:
            NoDigit: there are two.
        """
        if len(kept) < 2:
            return
        boxes = {k: self.boxes[k] for k in kept}
        height = Box.around(list(boxes.values())).height
        high = [k for k, box in boxes.items() if box.height >= AS_HIGH * height]
        for one in high:
            for other in high:
                smaller, larger = sorted((self.areas[one], self.areas[other]))
                if boxes[one].right < boxes[other].left and smaller >= AS_LARGE * larger:
                    raise NoDigit("two digits side by side: one digit a picture")


def _large(areas: list[int]) -> list[int]:
    """Return the pieces that are no specks beside the largest."""
    least = max(PIECE * max(areas), 1)
    return [piece for piece, area in enumerate(areas) if area >= least]


def lines_across(mask: Array) -> int:
    """Return how many straight lines cross a mask from left to right."""
    full = np.pad(mask.mean(axis=1) >= ACROSS, 1)
    return int((full[1:] > full[:-1]).sum())


def is_frame(mask: Array) -> bool:
    """Say whether a piece, cut to its box, has ink in all four of its corners, as no digit has around another piece."""
    n = max(1, int(CORNER * min(mask.shape)))
    ends = slice(n), slice(-n, None)
    return all(mask[rows, columns].any() for rows in ends for columns in ends)


def stroke_width(mask: Array) -> float:
    """Return about how wide the strokes are, in pixels: 2·area / perimeter.

    The perimeter is the number of pixel sides between ink and paper, times π/4: what such a count of a line's sides
    exceeds its length by, in the mean over all directions.
    """
    count = np.count_nonzero
    inside = count(mask[1:] != mask[:-1]) + count(mask[:, 1:] != mask[:, :-1])
    edges = sum(count(edge) for edge in (mask[0], mask[-1], mask[:, 0], mask[:, -1]))
    return float(2 * count(mask) / ((inside + edges) * math.pi / 4))
