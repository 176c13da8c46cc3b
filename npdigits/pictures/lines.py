"""Lines of ruled and squared paper as dark as ink, or nearly: found, and taken out of a picture of ink.

A line is straight and thin, goes from edge to edge, and lies nearly along the rows, or the columns. It is found as a
row of a sheared mask that is nearly full: the mask's columns are shifted by blocks, once for each slope (a discrete
Radon transform of few angles). Where strokes cross a line or touch it, it stays: there ink adjoins it.

All of it computes on whole numbers. The drawing page's script does the same (``export/page_files/lines.js``).
"""

from typing import NamedTuple

import numpy as np

from npdigits.base.arrays import Array
from npdigits.pictures.components import PAGE
from npdigits.pictures.threshold import otsu

# A line rises or falls by at most STEEPEST of its length, and is found in blocks of columns so wide.
STEEPEST, BLOCK = 0.08, 12
# At least FULL of its columns are ink; its rows are those with at least ROWS of the fullest's. It is at most THICKEST
# of the picture's shorter side, and MOST_ROWS pixels in any case.
FULL, ROWS, THICKEST, MOST_ROWS = 0.7, 0.6, 0.03, 4
# A thin line that lies between two rows is ink in neither: lines are darker than such a part of the threshold.
FAINT = 0.5
# So many pixels on either side are the line's edges.
EDGE = 1
# Lines are at least so many rows apart.
APART = 3
# Ink of each line begins within so much of the picture's width from either edge: the sides of a frame do not.
MARGIN = 0.05


class Line(NamedTuple):
    """A line: rows ``top`` to before ``bottom`` at the middle column; from edge to edge it falls by ``fall`` rows."""

    top: int
    bottom: int
    fall: int


def without_lines(ink: Array) -> Array:
    """Return ink, bytes of shape (height, width), without the lines across it; as it is where there is nothing else."""
    if min(ink.shape) < PAGE:
        return ink
    if not (_may_have_lines(ink, 0) or _may_have_lines(ink.T, 0)):  # the threshold takes longer
        return ink
    threshold = otsu(ink)
    faint = threshold * FAINT
    if not (_may_have_lines(ink, faint) or _may_have_lines(ink.T, faint)):
        return ink
    lines = found(ink, faint), found(ink.T, faint)
    if not any(lines):
        return ink
    clean, strokes = ink.copy(), ink > threshold
    for side, some in zip((strokes, strokes.T), lines, strict=True):
        for line in some:
            side[_band(line, side.shape)] = False
    for side, beside, some in zip((clean, clean.T), (strokes, strokes.T), lines, strict=True):
        for line in some:
            rows, columns = _band(line, side.shape)
            gone = ~_crossed(line, beside)[columns]
            side[rows[gone], columns[gone]] = 0
    return clean if (clean > threshold).any() else ink


def _may_have_lines(ink: Array, faint: float) -> bool:
    """Say whether there is ink near the left edge, and near the right one."""
    n = max(1, int(MARGIN * ink.shape[1]))
    return bool(ink[:, :n].max() > faint and ink[:, -n:].max() > faint)


def found(ink: Array, faint: float) -> list[Line]:
    """Return the lines from left to right across what is darker than ``faint``, the fullest first."""
    if not _may_have_lines(ink, faint):
        return []
    mask = ink > faint
    cover, lines = sheared(mask), []
    most, thickest = len(cover) // 2, max(MOST_ROWS, int(THICKEST * min(mask.shape)))
    fullest = cover.max(axis=0)  # of each row, whatever the slope
    while (peak := int(fullest.max())) >= FULL * mask.shape[1]:
        row = int(fullest.argmax())
        slope = int(cover[:, row].argmax())
        full = cover[slope] >= ROWS * peak
        top, bottom = row, row + 1
        while top > 0 and full[top - 1]:
            top -= 1
        while bottom < len(full) and full[bottom]:
            bottom += 1
        line = Line(top, bottom, slope - most)
        if bottom - top <= thickest and _goes_through(line, mask):
            lines.append(line)
        fullest[max(top - APART, 0) : bottom + APART] = 0
    return lines


def _goes_through(line: Line, mask: Array) -> bool:
    """Say whether a line has ink near the left edge and near the right one, or is beyond the picture there."""
    rows, columns = _band(line, mask.shape)
    n = max(1, int(MARGIN * mask.shape[1]))
    ends = (columns < n, columns >= mask.shape[1] - n)
    return all(mask[rows[end], columns[end]].any() or not end.any() for end in ends)


def sheared(mask: Array) -> Array:
    """Return how many pixels of a mask are on each line across it, shape (slopes, height).

    Of 2·n + 1 slopes the middle one is level; by the last one a line falls by n rows from edge to edge.
    """
    height, width = mask.shape
    blocks, most = max(1, width // BLOCK), int(STEEPEST * width)
    first = np.arange(blocks) * width // blocks
    sums = np.add.reduceat(mask, first, axis=1, dtype=np.int32).T
    padded = np.pad(sums, ((0, 0), (most, most)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, height, axis=1)
    each = np.arange(blocks)
    falls = np.arange(-most, most + 1)[:, None]
    shifts = (falls * (2 * each + 1 - blocks) + blocks) // (2 * blocks)
    return np.array([windows[each, most + shift].sum(axis=0) for shift in shifts])


def _band(line: Line, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Return the rows and columns of a line's pixels, and of those beside it, its edges."""
    shift = _shift(line.fall, shape[1])
    rows = (np.arange(line.top - EDGE, line.bottom + EDGE)[:, None] + shift).ravel()
    columns = np.tile(np.arange(shape[1]), line.bottom - line.top + 2 * EDGE)
    inside = (rows >= 0) & (rows < shape[0])
    return rows[inside], columns[inside]


def _shift(fall: int, width: int) -> Array:
    """Return by how many rows a line is lower in each column than at the middle one."""
    shift: Array = (fall * (2 * np.arange(width) + 1 - width) + width) // (2 * width)
    return shift


def _crossed(line: Line, strokes: Array) -> Array:
    """Say of each column whether a stroke crosses the line there, or touches it.

    Ink adjoins the line above or below; or it does so on both sides as near as the line is thick, as strokes go on.
    """
    shift = _shift(line.fall, strokes.shape[1])
    above, below = (_at(strokes, row + shift) for row in (line.top - EDGE - 1, line.bottom + EDGE))
    near = line.bottom - line.top + 2 * EDGE
    crossed: Array = above | below | (_spread(above, near) & _spread(below, near))
    return crossed


def _at(mask: Array, rows: Array) -> Array:
    """Return a mask's values at one row for each column; False beyond it."""
    inside = (rows >= 0) & (rows < len(mask))
    values: Array = mask[np.where(inside, rows, 0), np.arange(mask.shape[1])] & inside
    return values


def _spread(flags: Array, by: int) -> Array:
    """Return where a flag is True at most so many places away."""
    counts = np.pad(flags.cumsum(), (by + 1, by), mode="edge")
    counts[: by + 1] = 0
    wide: Array = counts[2 * by + 1 :] > counts[: len(flags)]
    return wide
