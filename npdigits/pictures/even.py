"""Even light and uneven: whether paper and ink have a grey value each, but for noise and the edges between them."""

import math

import numpy as np

from npdigits.base.arrays import Array
from npdigits.pictures.threshold import counts_of, otsu, quantile, separation
from npdigits.pictures.windows import holds_square

# The light is even if at least such a share of the variance is between paper and ink, and at most such a share of the
# pixels is darker than the darker of the two, or lighter than the lighter one, by more than noise is: so many times the
# median of the distances from its median, at least so many grey values, and at most such a share of the difference
# between the two.
BETWEEN, BEYOND, NOISE, LEAST, MOST = 0.9, 0.002, 7.0, 3.0, 0.2
# A digit that was cut out leaves at most such a share of the picture's longer side free along each edge.
MARGIN = 0.1
# Paper has two grey values, in light and in shade, if the second has at least such a share of the picture and is so far
# from the first, a square of such a share of the picture's shorter side fits into it, it reaches an edge, and is no
# oblong along it, as a stripe or a table is; and if at least such a share is further than both from the middle, as ink.
SECOND, FAR, SQUARE, OBLONG, INK = 0.05, 20, 0.2, 0.9, 0.005


def has_two_papers(grey: Array, counts: Array | None = None) -> bool:
    """Say whether paper without noise has two grey values, as shadows with sharp edges leave them in a drawing.

    Args:
        grey: bytes of shape (height, width).
        counts: how many of them have each value, where that is known.
    """
    counts = counts_of(grey) if counts is None else counts
    first = int(counts.argmax())
    others = counts.copy()
    others[max(first - FAR, 0) : first + FAR + 1] = 0
    second = int(others.argmax())
    if others[second] < SECOND * grey.size:
        return False
    low, high = sorted((first, second))
    beyond = counts[: max(low - FAR, 0)].sum() + counts[high + FAR + 1 :].sum()
    if beyond < INK * grey.size:
        return False
    mask = grey == second
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    at_edge = rows[0] == 0 or columns[0] == 0 or rows[-1] == len(mask) - 1 or columns[-1] == mask.shape[1] - 1
    if not at_edge or box.mean() >= OBLONG:
        return False
    return holds_square(mask, 2 * math.ceil((SQUARE * min(mask.shape) + 1) / 2) - 1)


def without_noise(grey: Array) -> Array | None:
    """Return the picture with paper and ink of one grey value each; nothing if the light on it is uneven.

    Args:
        grey: bytes of shape (height, width).
    """
    threshold = otsu(grey)
    if separation(grey, threshold) < BETWEEN:
        return None
    flat = grey.copy()
    parts = grey[grey <= threshold], grey[grey > threshold]
    difference = quantile(parts[1], 0.5) - quantile(parts[0], 0.5)
    for values, outside in zip(parts, (-1, 1), strict=True):
        middle = int(quantile(values, 0.5))
        away = np.abs(values.astype(int) - middle)
        noise = max(min(NOISE * quantile(away, 0.5), MOST * difference), LEAST)
        if np.count_nonzero(outside * (values.astype(int) - middle) > noise) > BEYOND * grey.size:
            return None
        low, high = max(middle - int(noise), 0), min(middle + int(noise), 255)
        low, high = (low, min(high, threshold)) if outside < 0 else (max(low, threshold + 1), high)
        flat[(grey >= low) & (grey <= high)] = middle
    return flat


def is_cut_out(ink: Array) -> bool:
    """Say whether ink, bytes of shape (height, width), fills its picture, as that of a digit that was cut out."""
    mask = ink > otsu(ink)
    most = MARGIN * max(mask.shape)
    lines = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return all(
        len(line) and line[0] <= most and n - 1 - line[-1] <= most for line, n in zip(lines, mask.shape, strict=True)
    )
