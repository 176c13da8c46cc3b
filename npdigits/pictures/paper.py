"""The sheet of paper in a photograph: what is around it, as a table, is left out.

A sheet is a smooth part of the picture with straight borders – edges of the sheet or of the picture – and something on
it. That holds for a panel on a page and for a patch of light as well; nothing is lost by leaving out what is around
them, as long as no stroke reaches over their borders. So it need not be known what they are.
"""

import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from npdigits.base.arrays import Array
from npdigits.pictures import ndimage
from npdigits.pictures.labels import label, places
from npdigits.pictures.outline import corners_of, hull_mask, hull_of, turn_of
from npdigits.pictures.panel import holes
from npdigits.pictures.perspective import projection
from npdigits.pictures.threshold import counts_of, quantile
from npdigits.pictures.windows import gaussian, maximum, minimum, opening

# Sheets are looked for in a picture of at most so many pixels along the longer side, softened by so many.
LOOK, SOFT = 384, 1.0
# There is a border where the values of 3 × 3 pixels differ by so many grey values, and by so many times what they
# differ by in the smoothest quarter of the picture.
STEP, NOISE = 14.0, 4.0
# A sheet has at least such a share of the picture; with more than ALL the picture is the sheet.
LEAST, ALL = 0.04, 0.97
# Its outline has at most so many corners: four, and one more for each that the picture cuts off. It is nowhere dented
# deeper than so many pixels, as a stroke across its border would.
CORNERS, DENT = 7, 4
# Of so many parts, the largest ones, each two may be one sheet if they are at most twice GAP pixels apart: a shadow's
# soft edge is a border while it falls by STEP in two pixels, by 150 grey values in 22. What is within twice BETWEEN of
# a sheet is not beside it.
MOST_JOINED, GAP, BETWEEN = 6, 12, 4
# What is on it is at least so long, as a share of the sheet's side, and so long beside what is on any other one.
HOLDS, AS_LONG = 0.08, 0.5
# Of a sheet whose four edges are seen the picture is taken upright if it is turned by less than so many degrees, and
# its corners are within so many of 90.
TURNED, SKEW = 40.0, 25.0
# Pictures of two grey values, but for so many pixels, have been drawn.
DRAWN = 0.75


class Region(NamedTuple):
    """A smooth part of the picture with straight borders.

    Attributes:
        corners: of its outline, shape (n, 2) as rows (x, y), in pixels of the small picture.
        filled: the part, its holes filled; a mask.
        smooth: the part without what is on it; a mask.
        held: the longer side of what is on it.
    """

    corners: Array
    filled: Array
    smooth: Array
    held: int

    @property
    def is_all(self) -> bool:
        """Whether it is all of the picture, or nearly so."""
        return bool(self.filled.mean() > ALL)


def sheet_in(grey: Array, counts: Array | None = None) -> Array | None:
    """Return the picture of the sheet that the digit is on; None if that is all of the picture, or is not to be seen.

    Its four edges seen, the sheet is taken upright. Else what is around it gets the grey values of its border.

    Args:
        grey: bytes 0 (black) … 255 (white), shape (height, width).
        counts: how many of them have each value, where that is known.
    """
    counts = counts_of(grey) if counts is None else counts
    if 2 * counts.max() > grey.size or np.sort(counts)[-2:].sum() >= DRAWN * grey.size:
        return None
    step = -(-max(grey.shape) // LOOK)
    high, wide = (n // step for n in grey.shape)
    squares = grey[: high * step, : wide * step].reshape(high, step, wide, step)
    soft = gaussian(squares.mean(axis=(1, 3)), SOFT)
    parts = _smooth_parts(soft)
    found = _innermost(_regions(parts))
    if found is None or found.is_all:  # a shadow may divide the sheet
        found = _innermost(_regions([*parts, *_joined(parts)]))
    if found is None or found.is_all:
        return None
    return _cut(grey, soft, found, step)


def _smooth_parts(soft: Array) -> list[Array]:
    """Return masks of the parts of a picture without any border in them, the largest first."""
    range_of = maximum(soft, 3) - minimum(soft, 3)
    smooth = range_of <= max(STEP, NOISE * quantile(range_of, 0.25))
    labels, _ = label(opening(np.pad(smooth, 1), 3)[1:-1, 1:-1], diagonals=False)
    areas = np.bincount(labels.ravel())
    areas[0] = 0
    large = np.flatnonzero(areas >= LEAST / 2 * soft.size)
    return [labels == k for k in large[np.argsort(-areas[large], kind="stable")]]


def _regions(parts: Sequence[Array]) -> list[Region]:
    """Return those of the parts that may be sheets, none twice."""
    found: list[Region] = []
    for part in parts:
        region = _region(part)
        if region is not None and not any((region.filled == other.filled).all() for other in found):
            found.append(region)
    return found


def _joined(parts: Sequence[Array]) -> Iterator[Array]:
    """Yield each two of the largest parts that lie along one another, with what is between them."""
    parts = parts[:MOST_JOINED]
    near = [maximum(part, 2 * GAP + 1) for part in parts]
    for (a, near_a), (b, near_b) in itertools.combinations(zip(parts, near, strict=True), 2):
        between = near_a & near_b
        if between.any():
            # Of a closing, which does not bulge out where the gap ends, at an edge of the sheet.
            closed = minimum(near_a | near_b, 2 * GAP + 1)
            yield a | b | between & closed


def _region(part: Array) -> Region | None:
    """Return a part that may be a sheet; None of another one."""
    (place,) = places(part.astype(np.uint8))
    inner = part[place]
    filled = inner | (holes(inner)[0] > 0)
    if filled.sum() < LEAST * part.size or (filled == inner).all():
        return None
    hull = hull_of(filled)
    inside = hull_mask(hull, filled.shape)
    dents = inside & ~filled
    if minimum(np.pad(inside, 1), 2 * DENT + 1)[1:-1, 1:-1][dents].any():
        return None
    corners, held = corners_of(hull), _longest(filled & ~inner)
    if len(corners) > CORNERS or held < HOLDS * max(filled.shape):
        return None
    whole = np.zeros(part.shape, bool)
    whole[place] = inside
    return Region(corners + np.array([place[1].start, place[0].start]), whole, part, held)


def _longest(mask: Array) -> int:
    """Return the longest side of the boxes around a mask's pieces."""
    labels, _ = label(mask)
    return max((place[i].stop - place[i].start for place in places(labels) for i in (0, 1)), default=0)


def _innermost(regions: list[Region]) -> Region | None:
    """Return the one sheet that something is on, or the one on that; None where there is none, or several."""
    chosen, within = None, regions
    while within:
        outer = [a for a in within if not any(_is_on(a, b) for b in within)]
        long = max(region.held for region in outer)
        outer = [region for region in outer if region.held >= AS_LONG * long]
        if len(outer) > 1 or (chosen and _beside(outer[0], chosen) > AS_LONG * long):
            break
        chosen = outer[0]
        within = [region for region in within if _is_on(region, chosen)]
    return chosen


def _is_on(inner: Region, outer: Region) -> bool:
    """Say whether a region is within another one."""
    return inner is not outer and not (inner.filled & ~outer.filled).any()


def _beside(inner: Region, outer: Region) -> int:
    """Return how long what is on a region is, beside another region on it."""
    near = maximum(inner.filled, 4 * BETWEEN + 1)
    return _longest(outer.filled & ~outer.smooth & ~near)


def _cut(grey: Array, soft: Array, sheet: Region, step: int) -> Array:
    """Return the sheet alone."""
    # Around it, values of its nearest smooth pixels, so that no stroke is drawn out.
    nearest = ndimage.distance_transform_edt(~sheet.smooth, return_distances=False, return_indices=True)
    around = _enlarged(soft[tuple(nearest)], step, grey.shape)
    picture = np.where(_enlarged(sheet.filled, step, grey.shape), grey, np.rint(around).astype(np.uint8))
    upright = _upright(picture, sheet, step)
    if upright is not None:
        return upright
    rows, columns = np.flatnonzero(sheet.filled.any(axis=1)), np.flatnonzero(sheet.filled.any(axis=0))
    cut: Array = picture[rows[0] * step : (rows[-1] + 1) * step, columns[0] * step : (columns[-1] + 1) * step]
    return cut


def _enlarged(small: Array, step: int, shape: tuple[int, ...]) -> Array:
    """Return a picture whose pixels are squares of so many; what is over at its end is as what is beside it."""
    large = small.repeat(step, axis=0).repeat(step, axis=1)
    return np.pad(large, [(0, n - m) for n, m in zip(shape, large.shape, strict=True)], mode="edge")


def _upright(picture: Array, sheet: Region, step: int) -> Array | None:
    """Return the picture of a sheet whose four edges are seen, upright; None of another one."""
    height, width = sheet.filled.shape
    x, y = sheet.corners.T
    if len(sheet.corners) != 4 or min(x.min(), y.min(), width - 1 - x.max(), height - 1 - y.max()) < 2:
        return None
    turn, skew = turn_of(sheet.corners)
    if abs(turn) > TURNED or skew > SKEW:
        return None
    corners = sheet.corners * step + (step - 1) / 2
    sides = np.hypot(*(np.roll(corners, -1, axis=0) - corners).T)
    wide, high = round((sides[0] + sides[2]) / 2), round((sides[1] + sides[3]) / 2)
    onto = np.array([(0, 0), (wide, 0), (wide, high), (0, high)], float)
    back = projection(onto, corners)
    down, along = np.indices((high, wide), float)
    u, v, w = np.tensordot(back, np.stack([along, down, np.ones_like(down)]), 1)
    upright: Array = ndimage.map_coordinates(picture, [v / w, u / w], order=1, mode="nearest")
    return upright
