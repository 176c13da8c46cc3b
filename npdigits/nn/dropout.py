"""Dropout: at each step some units, drawn anew for every image, are left out (Srivastava et al. 2014, §4).

Inverted scaling: what stays is divided by the share that stays, so that the network needs no change when it is used:
a ← a·m, with m = 1/(1 − p) with probability 1 − p, else 0. The gradient passes through the same mask: ∂C/∂a ← ∂C/∂a·m.
"""

import numpy as np

from npdigits.base.arrays import Array, aligned

# Masks are drawn as 16-bit integers: p is rounded to a multiple of 1/65,536, and the scale follows it.
LEVELS = 2**16


class Mask:
    """The masks of one layer, for up to a batch of images.

    Args:
        shape: (images, units).
        p: the share of units to leave out, 0 < p < 1.
        dtype: of the floats.

    Attributes:
        values: m, shape (images, units), drawn by ``draw``.
    """

    def __init__(self, shape: tuple[int, int], p: float, dtype: str) -> None:
        self.values: Array = aligned(shape, dtype)
        self._levels_left_out = max(1, round(p * LEVELS))
        self._scale = np.dtype(dtype).type(LEVELS / (LEVELS - self._levels_left_out))

    def draw(self, rng: np.random.Generator, n: int) -> Array:
        """Draw the masks of n images; return them, a view of shape (n, units)."""
        values: Array = self.values[:n]
        levels = rng.integers(0, LEVELS, values.shape, np.uint16)
        np.multiply(levels >= self._levels_left_out, self._scale, out=values)
        return values

    def apply(self, a: Array, out: Array) -> Array:
        """Write a·m into ``out``, which may be ``a``, for the first images; return it. Shapes (n, units)."""
        return np.multiply(a, self.values[: len(a)], out=out)
