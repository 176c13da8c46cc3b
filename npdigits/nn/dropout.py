"""Dropout: at each step some units, drawn anew for every image, are left out (Srivastava et al. 2014, §4).

Inverted scaling: what stays is divided by the share that stays, so that the network needs no change when it is used:
a ← a·m, with m = 1/(1 − p) with probability 1 − p, else 0. The gradient passes through the same mask: ∂C/∂a ← ∂C/∂a·m.
"""

import numpy as np

from npdigits.base.arrays import Array

# Masks are drawn as 16-bit integers: p is rounded to a multiple of 1/65,536, and the scale follows it.
LEVELS = 2**16
# In 64 random bits.
LEVELS_A_NUMBER = 4


class Mask:
    """The masks of one layer, for up to a batch of images.

    Args:
        memory: where the masks are drawn, floats of shape (images, units).
        p: the share of units to leave out, 0 < p < 1.

    Attributes:
        values: m, shape (images, units), drawn by ``draw``.
    """

    def __init__(self, memory: Array, p: float) -> None:
        self.values = memory
        self._levels_left_out = max(1, round(p * LEVELS))
        self._scale = memory.dtype.type(LEVELS / (LEVELS - self._levels_left_out))

    def draw(self, rng: np.random.Generator, n: int, start: int = 0) -> Array:
        """Draw the masks of n images, the first of which is ``start``; return them, a view of shape (n, units)."""
        values: Array = self.values[start : start + n]
        # Four levels of each 64 random bits (16 × 20 levels: 0.8 µs, by rng.integers 5.3).
        bits = rng.bit_generator.random_raw(-(-values.size // LEVELS_A_NUMBER))
        levels = bits.astype("<u8", copy=False).view("<u2")[: values.size].reshape(values.shape)
        np.multiply(levels >= self._levels_left_out, self._scale, out=values)
        return values
