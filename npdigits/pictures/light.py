"""The light that falls on paper, taken off a picture: what is left is the ink."""

import numpy as np

from npdigits.base.arrays import Array
from npdigits.pictures import ndimage

# Grey values that are added where two are divided.
DARK = 32.0


def contrast(grey: Array, size: int, on_light: bool) -> Array:
    """Return how far each pixel is from its paper, from 0 to less than 255: how much darker, or how much lighter.

    The paper is the picture's closing with a square that no stroke fills (of light ink: its opening). That follows
    shadows with straight or round edges, sharp or soft, however they lie, but for those narrower than the square.
    Contrast is relative to the light, as the ink's share of it is the same in the sun and in the shade.
    """
    light = grey + DARK
    if on_light:
        ink: Array = 255 - 255 * light / ndimage.grey_closing(light, (size, size), mode="nearest")
    else:
        ink = 255 - 255 * ndimage.grey_opening(light, (size, size), mode="nearest") / light
    return np.clip(ink, 0, 255).astype(np.uint8)


def evened(ink: Array, mask: Array, size: int) -> Array:
    """Return ink, bytes, less that of the paper around: what soft shadows and noise leave there.

    The paper's is the mean over a square of the pixels outside a mask.
    """
    paper = (~mask).astype(float)
    values, share = (ndimage.uniform_filter(one, size, mode="nearest") for one in (ink * paper, paper))
    overall = values.sum() / max(share.sum(), 1.0)
    level = np.where(share * size * size > 0.5, values / np.maximum(share, 1e-9), overall)
    whole: Array = np.clip(ink - level, 0, 255).astype(np.uint8)
    return whole
