"""Dropout: at each step some units, drawn anew for every image, are left out (Srivastava et al. 2014, §4).

Inverted scaling: what stays is divided by the share that stays, so that nothing need be changed when the network is
used: a ← a·m, with m = 1/(1 − p) with probability 1 − p, else 0.
"""

import numpy as np

from npdigits.base.arrays import Array, aligned

# Masks are drawn as 16-bit integers, so p is rounded to the nearest of 65,536 parts, and the scale follows it.
PARTS = 2**16


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
        self._left_out = max(1, round(p * PARTS))
        self._scale = np.dtype(dtype).type(PARTS / (PARTS - self._left_out))

    def draw(self, rng: np.random.Generator, n: int) -> Array:
        """Draw the masks of n images; return them, a view of shape (n, units)."""
        values: Array = self.values[:n]
        drawn = rng.integers(0, PARTS, values.shape, np.uint16)
        np.multiply(drawn >= self._left_out, self._scale, out=values)
        return values
