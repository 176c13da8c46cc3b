"""What a network reads on pictures of many digits, as text and with a box each (``npdigits-predict --many``)."""

import itertools
import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.blas import one_thread
from npdigits.base.text import aligned
from npdigits.data.sets import Split
from npdigits.pictures.boxes import NOT_READ, READ, UNSURE, Colour
from npdigits.pictures.many import Found, Page, Place, page_of
from npdigits.pictures.read import read_page
from npdigits.pictures.touching import Reads
from npdigits.runs.doubt import doubt_of
from npdigits.runs.reading import Reading, read_digits
from npdigits.runs.trained import Trained

# The longer side of a picture, in pixels, beyond which it is made smaller: a page has dozens of digits on a line.
LONGEST_SIDE = 2048
# What is as strange as this share of the validation digits is no digit as likely as not, where parts of ink are tried.
STRANGE = 0.005
# Of a run that does not know them any image is none with this probability: what is sure then has 0.98 by its own.
UNKNOWN = 0.08
# What stands in the text for a digit that cannot be read, and for an empty cell of a grid.
UNREAD, EMPTY = "?", "."


@dataclass(frozen=True)
class Placed:
    """A digit or a mark, where it is in the picture, and what it is read as.

    Attributes:
        found: what the picture has there.
        reading: None for a mark, and for what cannot be read.
        box: x, y, width and height in pixels of the picture as it was given, upright.
    """

    found: Found
    reading: Reading | None
    box: tuple[int, int, int, int]

    @property
    def text(self) -> str:
        """What stands for it in the text of its line."""
        if self.found.mark:
            return self.found.mark
        return self.reading.ranked[0][0] if self.reading else UNREAD

    @property
    def letter(self) -> str:
        """Where it is in its picture, for names of files: "2-5" is the fifth digit of the second line."""
        return f"{self.found.line}-{self.found.position}"


@dataclass(frozen=True)
class PageRead:
    """What is read on a picture.

    Attributes:
        file: the picture's.
        size: its height and width, upright.
        grey: what was looked at, which may be smaller.
        page: what is on it.
        placed: its digits and marks, in reading order.
        left_out: boxes of marks that are neither digits nor known separators.
    """

    file: Path
    size: tuple[int, int]
    grey: Array
    page: Page
    placed: list[Placed]
    left_out: list[tuple[int, int, int, int]]

    @property
    def digits(self) -> list[Placed]:
        """The digits, and what may be digits but cannot be read."""
        return [one for one in self.placed if not one.found.mark]

    @property
    def unread(self) -> list[Placed]:
        """What may be digits but cannot be read."""
        return [one for one in self.digits if not one.reading]

    def doubtful(self, share: float | None) -> list[tuple[Placed, str]]:
        """Return the digits that are not sure, each with the reason."""
        return [(one, reason) for one in self.digits if one.reading and (reason := one.reading.refusal(share))]

    def boxes(self, share: float | None) -> list[tuple[Place, str, Colour]]:
        """Return the box of each digit, mark and what is left out, what is written at it, and in which colour."""
        unsure = self._unsure(share)
        colours = [
            UNSURE if i in unsure else READ if one.reading or one.found.mark else NOT_READ
            for i, one in enumerate(self.placed)
        ]
        read = [(one.found.place, one.text, colour) for one, colour in zip(self.placed, colours, strict=True)]
        return read + [(place, "", NOT_READ) for place in self.page.left_out]

    @property
    def lines(self) -> list[str]:
        """The text of each line; of a grid's row, its cells with spaces between them."""
        return self._texts(())

    def marked(self, share: float | None) -> list[str]:
        """Return the text of each line, the digits that are not sure in brackets."""
        return self._texts(self._unsure(share))

    def cells(self, grid: int, unsure: Collection[int] = ()) -> list[list[str]]:
        """Return the text of each cell of a grid, from 0; "" where it is empty.

        Args:
            grid: its number, from 0.
            unsure: which of ``placed`` stand in brackets.
        """
        rows, columns = self.page.grids[grid]
        table = [[""] * columns for _ in range(rows)]
        inside = [i for i, one in enumerate(self.placed) if one.found.cell and one.found.cell[0] == grid + 1]
        for (_, row, column), some in itertools.groupby(inside, key=lambda i: self.placed[i].found.cell or (0, 0, 0)):
            table[row - 1][column - 1] = self._joined(list(some), unsure)
        return table

    def shown(self, share: float | None) -> list[str]:
        """Return the text for people: a grid in columns, the digits that are not sure in brackets."""
        texts, rows, unsure = self.marked(share), self._rows_of_grids(), self._unsure(share)
        for grid, first in enumerate(self.page.line_of_grid):
            table = aligned([[cell or EMPTY for cell in row] for row in self.cells(grid, unsure)])
            texts[first - 1 : first - 1 + len(table)] = [line.replace("  ", " ") for line in table]
        return [text for line, text in enumerate(texts, 1) if text or line in rows]

    def _rows_of_grids(self) -> dict[int, int]:
        """Return line -> grid, from 0, of the lines that are rows of grids."""
        starts = zip(self.page.line_of_grid, self.page.grids, strict=True)
        return {first + row: i for i, (first, (rows, _)) in enumerate(starts) for row in range(rows)}

    def _unsure(self, share: float | None) -> set[int]:
        """Return which of ``placed`` are digits that are not sure."""
        return {i for i, one in enumerate(self.placed) if one.reading and one.reading.refusal(share)}

    def _texts(self, unsure: Collection[int]) -> list[str]:
        texts = {line: self._row_text(line, grid, unsure) for line, grid in self._rows_of_grids().items()}
        free = (i for i, one in enumerate(self.placed) if not one.found.cell)
        outside = itertools.groupby(free, key=lambda i: self.placed[i].found.line)
        texts |= {line: self._joined(list(some), unsure) for line, some in outside}
        return [texts.get(line, "") for line in range(1, self.page.lines + 1)]

    def _row_text(self, line: int, grid: int, unsure: Collection[int]) -> str:
        row = self.cells(grid, unsure)[line - self.page.line_of_grid[grid]]
        return " ".join(cell or EMPTY for cell in row)

    def _joined(self, some: Sequence[int], unsure: Collection[int]) -> str:
        """Return the text of some of ``placed`` in a row; names of classes with several letters have spaces between."""
        row = [self.placed[i] for i in some]
        apart = any(one.reading and any(len(name) != 1 for name in one.reading.names) for one in row)
        text = ""
        for i, one in zip(some, row, strict=True):
            text += " " if text and (one.found.after_space or apart) else ""
            text += f"({one.text})" if i in unsure else one.text
        return text


def read_many(run: Trained, file: Path, warn: Callable[[str], None] = lambda line: None) -> PageRead:
    """Return what a network reads on a picture; ``warn`` is told where the run's doubt.npz cannot be used.

    Raises:
        BadPicture: it cannot be read.
        NoDigit: there is none on it.
    """
    grey, size = read_page(file, LONGEST_SIDE)
    page = page_of(grey, reads(run))
    images = [one.image for one in page.found if one.image is not None]
    readings = iter(read_digits(run, [file] * len(images), np.array(images), warn))
    scales = size[1] / grey.shape[1], size[0] / grey.shape[0]
    placed = [
        Placed(one, None if one.image is None else next(readings), in_pixels(one.place, scales, size))
        for one in page.found
    ]
    return PageRead(file, size, grey, page, placed, [in_pixels(place, scales, size) for place in page.left_out])


def reads(run: Trained) -> Reads:
    """Return what gives the probabilities of the classes for images (n, 28, 28), and the rest to 1 to no digit at all.

    Of an image that is as strange as a share s of the validation digits, that is STRANGE/(s + STRANGE). Of a run
    without doubt.npz it is UNKNOWN.
    """
    doubt = doubt_of(run, lambda line: None)  # who reads the digits warns of the file

    def read(images: Array) -> Array:
        n = len(images)
        split = Split(images.reshape(n, -1), np.zeros(n, np.intp), np.arange(n))
        with one_thread():
            p = run.probabilities(split)
            if doubt is None:
                return (1 - UNKNOWN) * p
            share = 1 - doubt(split, p).doubt
        likely: Array = p * (share / (share + STRANGE))[:, None]
        return likely

    return read


def in_pixels(
    place: tuple[float, float, float, float], scales: tuple[float, float], size: tuple[int, int]
) -> tuple[int, int, int, int]:
    """Return x, y, width and height in whole pixels of the picture as it was given, none beyond its edges.

    Args:
        place: left, top, right and bottom in what was looked at.
        scales: how many pixels of the picture one of those is, along x and y.
        size: the picture's height and width.
    """
    left, right = (place[k] * scales[0] for k in (0, 2))
    top, bottom = (place[k] * scales[1] for k in (1, 3))
    # What a map of the sheet has moved by less than a hundredth of a pixel is at a whole one.
    x, y = max(0, math.floor(left + 0.01)), max(0, math.floor(top + 0.01))
    return x, y, min(size[1], math.ceil(right - 0.01)) - x, min(size[0], math.ceil(bottom - 0.01)) - y
