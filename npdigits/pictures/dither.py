"""Pictures of two values that stand for greys, by dots that are denser or rarer: made grey again by smoothing."""

import math

import numpy as np

from npdigits.base.arrays import Array
from npdigits.pictures import ndimage

# Of a dithered picture at least such a share of the pixels differs from all four neighbours. Paper of 94 % white has as
# many; strokes and a fax's specks have far less.
ALONE = 0.04
# How wide the smoothing is, in pixels: the standard deviation; of a small picture such a share of its longer side.
SMOOTH, OF_SMALL = 2.0, 1 / 60
# Greys that spread by no more than so many times what independent dots leave when smoothed may be noise (seen: 1.06).
NOISE = 1.15
# They are none if the median difference between places LAG widths apart is at most ORDERED of that of independent dots
# (seen: 0.93 and more; dots that stand for greys keep their distance: 0.2 and less).
LAG, ORDERED = 2.0, 1 / 3
# The median of |x| is so many standard deviations of a normal x.
MEDIAN = 0.6745


def undithered(grey: Array) -> Array:
    """Return a dithered picture's greys, bytes of its shape; another picture as it is."""
    if _values(grey[len(grey) // 2]) > 2 or _values(grey) != 2 or not is_dithered(grey):  # one row tells of most
        return grey
    width = min(SMOOTH, OF_SMALL * max(grey.shape))
    smooth: Array = ndimage.gaussian_filter(grey.astype(np.float32), width, mode="reflect")
    spread = _spread_of_noise(grey, width)
    if smooth.std() <= NOISE * spread and not _is_ordered(smooth, spread, width):
        return grey
    return (smooth + 0.5).astype(np.uint8)


def _spread_of_noise(grey: Array, width: float) -> float:
    """Return the standard deviation of smoothed dots that are independent: (b − a) √(p (1 − p)) / (2 √π width).

    Of two values a and b, b with probability p; ∫ g² = 1 / (4 π width²) of the Gaussian g.
    """
    low, high = float(grey.min()), float(grey.max())
    share = float((grey == high).mean())
    return (high - low) * math.sqrt(share * (1 - share)) / (2 * math.sqrt(math.pi) * width)


def _is_ordered(smooth: Array, spread: float, width: float) -> bool:
    """Say whether smoothed dots differ far less from place to place than independent ones.

    Independent dots, smoothed, differ at places d apart by spread · √(2 (1 − exp(−d²/4 width²))), a standard deviation.
    The median leaves out the edges of strokes, and slow shades hardly count.
    """
    far = round(LAG * width)
    if min(smooth.shape) <= far:
        return False
    steps = (smooth[far:] - smooth[:-far], smooth[:, far:] - smooth[:, :-far])
    usual = MEDIAN * spread * math.sqrt(2 * (1 - math.exp(-((far / width) ** 2) / 4)))
    return max(float(np.median(np.abs(step))) for step in steps) <= ORDERED * usual


def is_dithered(grey: Array) -> bool:
    """Say whether a picture has many pixels that differ from all their neighbours above, below and beside."""
    if min(grey.shape) < 3:
        return False
    down, right = grey[1:] != grey[:-1], grey[:, 1:] != grey[:, :-1]
    alone = down[:-1, 1:-1] & down[1:, 1:-1] & right[1:-1, :-1] & right[1:-1, 1:]
    return bool(alone.mean() >= ALONE)


def _values(grey: Array) -> int:
    """Return how many values there are."""
    return int(np.count_nonzero(np.bincount(grey.ravel(), minlength=256)))
