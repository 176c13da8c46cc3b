"""What is in a window around each pixel: extremes and sums in squares, Gaussian means.

They give what the functions of ``scipy.ndimage`` give, without SciPy, which takes as long to start as all else that is
done with a photograph. The extremes take a seventh of the time besides.
"""

from collections.abc import Callable, Sequence

import numpy as np

from npdigits.base.arrays import Array

# A Gaussian ends at so many standard deviations.
ENDS = 4.0
# Its rows are computed in blocks of so many bytes, which stay in the processor's cache.
BLOCK = 2**18

Best = Callable[[Array, Array], Array]


def maximum(values: Array, size: int) -> Array:
    """Return the largest value in a square around each pixel: from (size − 1) // 2 before it to size // 2 after it.

    Beyond the edges there is nothing.

    Args:
        values: shape (height, width).
        size: the square's side; 1 and more.
    """
    return _extremes(values, size, (size - 1) // 2, np.maximum)


def minimum(values: Array, size: int) -> Array:
    """Return the least value in a square: from size // 2 before the pixel to (size − 1) // 2 after it, as mirrored."""
    return _extremes(values, size, size // 2, np.minimum)


def closing(values: Array, size: int) -> Array:
    """Return the closing with a square: what is darker than around it and narrower than the square is filled."""
    return minimum(maximum(values, size), size)


def opening(values: Array, size: int) -> Array:
    """Return the opening with a square: what is lighter than around it and narrower than the square is taken off."""
    return _extremes(minimum(values, size), size, (size - 1) // 2, np.maximum)


def holds_square(mask: Array, side: int) -> bool:
    """Say whether a square of that side fits into a mask."""
    if side > min(mask.shape):
        return False
    for _ in range(2):
        mask = _running(mask, side, np.minimum).T
    return bool(mask.any())


def _extremes(values: Array, size: int, before: int, best: Best) -> Array:
    """Return the best values in squares that begin so many pixels before each one."""
    return _along(_along(values, size, before, best).T, size, before, best).T


def _along(values: Array, size: int, before: int, best: Best) -> Array:
    """Return the best of so many rows around each one, which begin so many before it."""
    high, wide = values.shape
    found = np.empty_like(values)
    columns = max(16, BLOCK // ((high + size) * values.itemsize))
    for left in range(0, wide, columns):
        block = np.pad(values[:, left : left + columns], ((before, size - 1 - before), (0, 0)), mode="edge")
        found[:, left : left + columns] = _running(block, size, best)
    return found


def _running(values: Array, size: int, best: Best) -> Array:
    """Return the best of each so many rows in turn, by windows that are doubled: log₂(size) steps."""
    n, width = len(values) - size + 1, 1
    while 2 * width <= size:
        values = best(values[:-width], values[width:])
        width *= 2
    return best(values[:n], values[size - width : size - width + n]) if width < size else values


def sums(values: Array, size: int) -> Array:
    """Return the sums in squares around each pixel, from size // 2 before it; beyond an edge there is what is at it.

    Args:
        values: whole numbers of 64 bits, shape (height, width).
        size: the square's side.
    """
    for _ in range(2):
        below = np.pad(values.T, ((0, 0), (size // 2 + 1, size - 1 - size // 2)), mode="edge")
        below[:, 0] = 0
        below = below.cumsum(axis=1)
        values = below[:, size:] - below[:, :-size]
    return values


def gaussian(values: Array, deviation: float) -> Array:
    """Return Gaussian means of such a standard deviation, in pixels: floats of the same type, or bytes of bytes.

    Each sum begins with the middle and goes on from the ends inwards, both sides at once; of bytes, the means along
    either axis are rounded down. Beyond an edge there is the mirror image.
    """
    reach = int(ENDS * deviation + 0.5)
    if not reach:
        return values
    weights = np.exp(-0.5 / (deviation * deviation) * np.arange(-reach, reach + 1) ** 2)
    halved = (weights / weights.sum())[reach:].tolist()
    kind = float if values.dtype == np.uint8 else values.dtype
    for axis in (0, 1):
        padded = np.pad(values, [(reach, reach) if one == axis else (0, 0) for one in (0, 1)], mode="symmetric")
        means = np.empty_like(values)
        rows = max(1, BLOCK // (8 * padded.shape[1]))
        for top in range(0, len(values), rows):
            block = padded[top : top + rows + (0 if axis else 2 * reach)].astype(kind)
            means[top : top + rows] = _means(block.T, halved).T if axis else _means(block, halved)
        values = means
    return values


def _means(padded: Array, weights: Sequence[float]) -> Array:
    """Return the means along the first axis, by the weights of the middle and of those beside it."""
    reach = len(weights) - 1
    n = len(padded) - 2 * reach
    means: Array = padded[reach : reach + n] * weights[0]
    pair = np.empty_like(means)
    for k in range(reach, 0, -1):
        np.add(padded[reach - k : reach - k + n], padded[reach + k : reach + k + n], out=pair)
        pair *= weights[k]
        means += pair
    return means
