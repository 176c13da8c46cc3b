"""Whether the ink of a picture is darker than its paper or lighter: strokes tell, areas do not.

A patch of sunlight, a white stripe, the shadow of a hand may be larger than all ink; so the smaller part of a picture
need not be its ink. Of the two inks that it may have, the darker and the lighter part, the one is chosen whose pieces
have more edge, counted in grey values of the picture itself: a stroke has one on either side, along all of its length.
Light is left out by how it is told from ink (``light.contrast``), and blots by their shape.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from npdigits.base.arrays import Array
from npdigits.pictures.box import Box
from npdigits.pictures.components import BLOT, INNER, PIECE, Components, stroke_width
from npdigits.pictures.labels import label
from npdigits.pictures.light import contrast
from npdigits.pictures.threshold import otsu, quantile
from npdigits.pictures.windows import gaussian

# Strokes are looked for in a picture of at most so many pixels along the longer side.
LOOK = 384
# It is smoothed by a Gaussian of such a standard deviation, in its pixels: noise weighs much on dark paper.
SMOOTH = 0.7
# They are looked for with squares of these shares of the shorter side: the largest is wider than any stroke, and in the
# smaller ones no patch of shadow is left.
PARTS = (3, 5, 9, 15)
# A smaller square leaves out ink if it shows less than such a share of what a larger one does, at more than such a
# share of the strokes' pixels; those alone count that are at least such a share as far from the paper as strokes are.
# A shadow's edges are softer than such a share of the strokes'.
LESS, LOST, AS_DARK, SHARP = 0.8, 0.05, 0.75, 0.15
# A square of at least so many widths of the strokes leaves out what is wider than the places where they meet: a shadow
# or a thing. That holds where it shows no less edge than the larger one does, and so no less ink.
WIDE = 2.0
# Ink is further than so many medians of the distances from the paper's median, as noise is not.
NOISE = 4.0
# Pieces that are looked at, the largest ones; more are noise.
MOST_LOOKED_AT = 40
# Less edge than such a share of the most is little. Two inks have as much edge as one another if the logarithms of
# their ratios, summed over the squares, are less than ALIKE; then the one of less area is ink.
LITTLE, ALIKE = 0.1, 0.1
# Compact pieces are dots if they are so many, and the middle half of them by area is so much alike.
FEWEST_DOTS, ALIKE_DOTS = 6, 0.15
# More than such a share of a picture is no ink.
MOST_INK = 0.5


class Strokes(NamedTuple):
    """The pieces of a picture's ink that have strokes.

    Attributes:
        edge: the grey values by which paper and ink differ, summed along their contours; at least 0.
        area: their pixels.
        mask: where they are.
        ink: how much ink is where.
    """

    edge: int
    area: int
    mask: Array
    ink: Array


def kind_of_ink(grey: Array) -> tuple[bool, int, float]:
    """Return whether ink is darker than paper, the side of a square that no stroke fills, and the strokes' width.

    Args:
        grey: bytes 0 (black) … 255 (white), shape (height, width).
    """
    step = -(-max(grey.shape) // LOOK)
    small = gaussian(reduced(grey, step), SMOOTH)
    sizes = list(dict.fromkeys(max(3, min(small.shape) // part) for part in PARTS))
    dark, light = ([_seen(small, size, on_light) for size in sizes] for on_light in (True, False))
    on_light = is_on_light(dark, light)
    size, shown = _shown(small if on_light else 255 - small, sizes, dark if on_light else light)
    return on_light, step * size, step * stroke_width(shown.mask) if shown.area else 0.0


def _seen(grey: Array, size: int, on_light: bool) -> Strokes:
    """Return the strokes of dark ink, or of light ink, that a square shows."""
    # What reaches in from an edge goes on beyond it: then a stripe along the edge is as wide as half a page.
    reach = size // 2 + 1
    ink = contrast(np.pad(grey, reach, mode="edge"), size, on_light)[reach:-reach, reach:-reach]
    return strokes(grey if on_light else 255 - grey, ink)


def _shown(grey: Array, sizes: Sequence[int], found: Sequence[Strokes]) -> tuple[int, Strokes]:
    """Return the smallest square that shows all strokes, and these.

    In smaller squares less light and shadow is left. Those that a place where strokes meet fills leave out ink.
    """
    best, chosen = sizes[0], found[0]
    for size, smaller in zip(sizes[1:], found[1:], strict=True):
        if chosen.area and _leaves_out_ink(grey, size, smaller, chosen):
            break
        best, chosen = size, smaller
    return best, chosen


def _leaves_out_ink(grey: Array, size: int, smaller: Strokes, larger: Strokes) -> bool:
    """Say whether a square leaves out ink that a larger square shows, and not light and shadow alone."""
    both = larger.mask & smaller.mask
    if not both.any():
        return True
    if smaller.edge >= larger.edge and size >= WIDE * stroke_width(smaller.mask):
        return False
    dark = larger.mask & (larger.ink >= AS_DARK * quantile(larger.ink[both], 0.5))
    lost = _inner(dark & (smaller.ink < LESS * larger.ink))
    # A large shadow makes the larger one's edges soft in the mean.
    sharp = SHARP * max(_step(grey, larger.mask), _step(grey, smaller.mask))
    return bool(np.count_nonzero(lost) > LOST * larger.area) and _step(grey, lost) > sharp


def _inner(mask: Array) -> Array:
    """Return a mask without the pieces that reach an edge."""
    labels, n = label(mask, diagonals=False)
    kept = np.ones(n + 1, bool)
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        kept[edge] = False
    kept[0] = False
    inner: Array = kept[labels]
    return inner


def is_on_light(dark: Sequence[Strokes], light: Sequence[Strokes]) -> bool:
    """Say which of two inks is one, the darker or the lighter part, by what the same squares show of both."""
    least = max(1.0, LITTLE * max(one.edge for one in (*dark, *light)))
    pairs = zip(dark, light, strict=True)
    votes = sum(math.log((one.edge + least) / (other.edge + least)) for one, other in pairs)
    if abs(votes) < ALIKE:
        return sum(one.area for one in dark) <= sum(one.area for one in light)
    return votes > 0


def strokes(grey: Array, ink: Array) -> Strokes:
    """Return the strokes of an ink.

    Args:
        grey: the picture, bytes of shape (height, width); of light ink its negative.
        ink: how much ink is where, bytes of that shape.
    """
    mask = ink > _threshold(ink)
    if not 0 < np.count_nonzero(mask) <= MOST_INK * mask.size:
        return Strokes(0, 0, np.zeros_like(mask), ink)
    pieces = Components.of(mask)
    areas = np.array(pieces.areas)
    large = np.flatnonzero(areas >= PIECE * areas.max())
    largest = large[np.argsort(-areas[large], kind="stable")][:MOST_LOOKED_AT].tolist()
    thin = [piece for piece in largest if stroke_width(pieces.mask(piece)) <= BLOT * pieces.boxes[piece].longest]
    if 2 * len(thin) < len(largest) and are_dots(areas[largest]):
        thin = large.tolist()
    inner = [piece for piece in thin if not _reaches_an_edge(pieces.boxes[piece], mask.shape)]
    kept = np.zeros(len(areas), bool)
    off = bool(inner) and areas[inner].max() >= INNER * areas[thin].max()
    kept[inner if off else thin] = True
    mask = kept[pieces.labels]
    return Strokes(max(_edge(grey, mask), 0), int(areas[kept].sum()), mask, ink)


def are_dots(areas: Array) -> bool:
    """Say whether pieces of these areas are the dots of a display or a printer: many, and about as large as another."""
    low, high = (quantile(areas, share) for share in (0.25, 0.75))
    return bool(len(areas) >= FEWEST_DOTS and low >= ALIKE_DOTS * high)


def _reaches_an_edge(box: Box, shape: tuple[int, ...]) -> bool:
    return box.top == 0 or box.left == 0 or box.bottom == shape[0] or box.right == shape[1]


def _threshold(ink: Array) -> float:
    """Return the level above which there is ink, and not the paper's noise."""
    middle = quantile(ink, 0.5)
    return max(float(otsu(ink)), middle + NOISE * quantile(np.abs(ink - middle), 0.5))


def _edge(grey: Array, mask: Array) -> int:
    """Return by how many grey values a mask is darker than what is beside it, summed along its contour."""
    total = 0
    for values, inside in ((grey, mask), (grey.T, mask.T)):
        step = values[1:].astype(int) - values[:-1]
        total += int(step[inside[:-1] & ~inside[1:]].sum() - step[inside[1:] & ~inside[:-1]].sum())
    return total


def _step(grey: Array, mask: Array) -> float:
    """Return the mean by which a mask is darker than what is beside it, along its contour."""
    sides = int(np.count_nonzero(mask[1:] != mask[:-1]) + np.count_nonzero(mask[:, 1:] != mask[:, :-1]))
    return _edge(grey, mask) / max(sides, 1)


def reduced(grey: Array, step: int) -> Array:
    """Return a picture made smaller by a whole number: bytes, means of squares."""
    high, wide = (n // step for n in grey.shape)
    if step == 1 or not high or not wide:
        return grey
    squares = grey[: high * step, : wide * step].reshape(high, step, wide, step)
    means: Array = squares.mean(axis=(1, 3)).astype(np.uint8)
    return means
