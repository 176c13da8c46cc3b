"""The light that falls on paper, taken off a picture: what is left is the ink."""

import numpy as np

from npdigits.base.arrays import Array
from npdigits.pictures.windows import closing, opening, sums

# Grey values that are added where two are divided.
DARK = 32.0
# Sums of ink, and of the pixels that it is summed over, are computed at once, as so many times the latter and the
# former: a row's ink is less.
BITS = 32
PIXEL = np.int64(2**BITS)


def contrast(grey: Array, size: int, on_light: bool) -> Array:
    """Return how far each pixel is from its paper, from 0 to less than 255: how much darker, or how much lighter.

    The paper is the picture's closing with a square that no stroke fills (of light ink: its opening). That follows
    shadows with straight or round edges, sharp or soft, however they lie, but for those narrower than the square.
    Contrast is relative to the light, as the ink's share of it is the same in the sun and in the shade.
    """
    light = grey + DARK  # in the precision of the picture, if that is of floats
    if on_light:
        ink: Array = 255 - 255 * light / (closing(grey, size) + DARK)
    else:
        ink = 255 - 255 * (opening(grey, size) + DARK) / light
    return np.clip(ink, 0, 255).astype(np.uint8)


def evened(ink: Array, mask: Array, size: int) -> Array:
    """Return ink, bytes, less that of the paper around: what soft shadows and noise leave there.

    The paper's is the mean over a square of the pixels outside a mask.
    """
    both = sums((ink + PIXEL) * ~mask, size)
    values, pixels = both & (PIXEL - 1), both >> BITS
    level = values / np.maximum(pixels, 1)
    if not pixels.all():
        level[pixels == 0] = values.sum() / max(pixels.sum(), 1)
    whole: Array = np.maximum(ink - level, 0).astype(np.uint8)
    return whole
