"""The lines of a grid that is seen upright: traced, and taken off without the strokes that cross them."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from npdigits.base.arrays import Array
from npdigits.pictures.components import stroke_width
from npdigits.pictures.labels import EIGHT
from npdigits.pictures.mnist_form import SMALLEST
from npdigits.pictures.perspective import Sheet

# A line goes along at least so much of the grid's side; its pieces are at least so long, in the same.
ALONG, PIECE = 0.4, 1 / 30
# Lines that are nearer than this share of the side are one, drawn twice.
TWICE = 1 / 100
# A line is at most so thick, in widths of the lines.
THICKEST = 4.0


@dataclass(frozen=True)
class Trace:
    """A line of a grid, from one side to the other.

    Attributes:
        first, last: for each column the first row of its ink, and the row after the last one.
    """

    first: Array
    last: Array

    def middle(self, at: float) -> float:
        """Return the row of its middle in a column."""
        k = int(min(max(round(at), 0), len(self.first) - 1))
        return float(self.first[k] + self.last[k]) / 2


@dataclass(frozen=True)
class Grid:
    """The lines of a grid, from top to bottom and from left to right, and their width.

    The upright ones are traced as level ones of the view turned.
    """

    level: list[Trace]
    upright: list[Trace]
    stroke: float

    @property
    def rows(self) -> int:
        return len(self.level) - 1

    @property
    def columns(self) -> int:
        return len(self.upright) - 1

    def cell_of(self, x: float, y: float) -> tuple[int, int] | None:
        """Return the row and column, from 0, of the cell that a place is in; None outside the grid."""
        row = sum(trace.middle(x) < y for trace in self.level) - 1
        column = sum(trace.middle(y) < x for trace in self.upright) - 1
        return (row, column) if 0 <= row < self.rows and 0 <= column < self.columns else None

    def taken_off(self, view: Sheet) -> Sheet:
        """Return the view without the lines, but with the strokes that cross them."""
        level = _bands(self.level, view.mask.shape)
        upright = _bands(self.upright, view.mask.T.shape).T
        rest = view.mask & ~level & ~upright
        reach = round(self.stroke) + 3
        crossing = (_closed(rest, reach, 0) & level & ~upright) | (_closed(rest, reach, 1) & upright & ~level)
        kept = rest | (crossing & view.mask)
        return view.without(view.mask & ~kept | (level | upright) & ~kept)


def drawn_grid(mask: Array) -> Grid | None:
    """Return the lines of a grid that fills a mask but for a margin; None if they are none of a grid with cells."""
    level, upright = _traces(mask), _traces(mask.T)
    if len(level) < 2 or len(upright) < 2 or len(level) + len(upright) < 5:
        return None
    return Grid(level, upright, stroke_width(mask))


def _traces(mask: Array) -> list[Trace]:
    """Return the level lines of a mask, from top to bottom."""
    high, wide = mask.shape
    long = max(SMALLEST, round(PIECE * wide))
    # A stroke that goes up or down by a pixel is still one run of the mask spread by a pixel.
    spread = ndimage.binary_dilation(mask, np.ones((3, 1)))
    runs = ndimage.binary_opening(spread, np.ones((1, long)))
    runs = ndimage.binary_closing(np.pad(runs, ((0, 0), (2 * long, 2 * long))), np.ones((1, 2 * long)))[
        :, 2 * long : -2 * long
    ]
    labels, _ = ndimage.label(runs, EIGHT)
    traces = []
    for k, place in enumerate(ndimage.find_objects(labels), 1):
        if place[1].stop - place[1].start < ALONG * wide:
            continue
        trace = _trace((labels == k) & mask)
        if trace is not None:
            traces.append(trace)
    traces.sort(key=lambda trace: trace.middle(wide / 2))
    return _once(traces, TWICE * high)


def _trace(line: Array) -> Trace | None:
    """Return a line's rows in every column: where it is too thick or torn, as beside."""
    columns = np.flatnonzero(line.any(axis=0))
    if len(columns) < ALONG * line.shape[1] / 2:
        return None
    first = line[:, columns].argmax(axis=0).astype(float)
    last = len(line) - line[::-1, columns].argmax(axis=0).astype(float)
    thick = float(np.median(last - first))
    sound = last - first <= thick + 2
    size = max(3, line.shape[1] // 40) | 1
    every = np.arange(line.shape[1])
    middle = np.interp(every, columns[sound], ndimage.median_filter(((first + last) / 2)[sound], size, mode="nearest"))
    return Trace(middle - thick / 2, middle + thick / 2)


def _once(traces: list[Trace], apart: float) -> list[Trace]:
    """Return the traces, those that are one line drawn twice joined."""
    result: list[Trace] = []
    for trace in traces:
        if result and np.median(trace.first - result[-1].last) < apart:
            before = result.pop()
            trace = Trace(np.minimum(before.first, trace.first), np.maximum(before.last, trace.last))
        result.append(trace)
    return result


def _bands(traces: list[Trace], shape: tuple[int, int]) -> Array:
    """Return the mask of level lines, a pixel wider on both sides."""
    rows = np.arange(shape[0])[:, None]
    bands = np.zeros(shape, bool)
    for trace in traces:
        bands |= (rows >= np.floor(trace.first - 1)) & (rows < np.ceil(trace.last + 1))
    return bands


def _closed(mask: Array, reach: int, axis: int) -> Array:
    """Return a mask with gaps of up to so many pixels closed, in columns (axis 0) or rows (axis 1)."""
    square = np.ones((reach + 1, 1) if axis == 0 else (1, reach + 1))
    pad = reach + 1
    closed: Array = ndimage.binary_closing(np.pad(mask, pad), square)[pad:-pad, pad:-pad]
    return closed
