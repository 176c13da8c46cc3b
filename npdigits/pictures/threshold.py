"""The threshold that parts bytes into two kinds, as paper and ink (Otsu 1979)."""

import numpy as np
from PIL import Image

from npdigits.base.arrays import Array

VALUES = np.arange(256)
# So many bytes are counted by Pillow, which makes no whole numbers of 64 bits of them before: a quarter of the time.
LARGE = 2**14


def counts_of(values: Array) -> Array:
    """Return how many of the bytes have each value, shape (256,)."""
    if values.size < LARGE:
        counts: Array = np.bincount(values.ravel(), minlength=256)
        return counts
    return np.array(Image.fromarray(values.reshape(1, -1)).histogram())


def otsu(values: Array) -> int:
    """Return the threshold t with the largest variance between the bytes ≤ t and those > t (Otsu 1979, eq. 18).

    σ²(t) = (m·w(t) − m(t))² / (w(t)·(1 − w(t))); the first t of equal ones. If all bytes are equal, t is their value.
    """
    return otsu_of(counts_of(values))


def otsu_of(counts: Array) -> int:
    """Return the same of bytes of which it is known how many have each value."""
    below, total = counts.cumsum(), (counts * VALUES).cumsum()
    n = int(below[-1])
    # The same in whole numbers: (total·below − n·sums)² / (below·(n − below)). They reach n⁵: floats, rounded once.
    parted = (below > 0) & (below < n)
    if not parted.any():
        return int(counts.argmax())
    difference = total[-1].astype(float) * below - n * total.astype(float)
    between = np.where(parted, difference * difference / np.where(parted, below * (n - below).astype(float), 1), -1)
    return int(between.argmax())


def quantile(values: Array, share: float) -> float:
    """Return the value below which such a share of the values is, between two of them in proportion.

    It is what ``np.quantile`` and ``np.median`` return, which import ``numpy.ma`` for it.
    """
    place = share * (values.size - 1)
    low = int(place)
    pair = np.partition(values, (low, min(low + 1, values.size - 1)), axis=None)[low : low + 2]
    a, b, t = float(pair[0]), float(pair[-1]), place - low
    return b - (b - a) * (1 - t) if t >= 0.5 else a + (b - a) * t


def separation(values: Array, threshold: int) -> float:
    """Return the share of the variance that is between values ≤ t and > t (Otsu 1979, eq. 12: η = σ_B² / σ_T²)."""
    above = values > threshold
    share, variance = above.mean(), values.var()
    if not 0 < share < 1:
        return 0.0
    between = share * (1 - share) * (values[above].mean() - values[~above].mean()) ** 2
    return float(between / variance)
