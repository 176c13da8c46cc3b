"""How much ink is where in a photograph: its paper has many grey values, as light and shadow fall on it."""

import numpy as np

from npdigits.base.arrays import Array
from npdigits.pictures.light import contrast, evened
from npdigits.pictures.polarity import kind_of_ink
from npdigits.pictures.threshold import otsu
from npdigits.pictures.windows import gaussian, maximum

# Noise is taken off by a Gaussian whose standard deviation is such a share of the strokes' width.
SMOOTH = 0.1


def photographed(grey: Array) -> Array:
    """Return how much ink is where, bytes of the picture's shape.

    Whether it is darker or lighter than the paper, and how wide its strokes are, is seen from the strokes
    (``polarity.py``). Then the light is taken off (``light.py``), which needs both.
    """
    on_light, size, width = kind_of_ink(grey)
    smooth = gaussian(grey.astype(np.float32), SMOOTH * width)
    ink = contrast(smooth, size, on_light)
    near = maximum(ink > otsu(ink), 3)
    return evened(ink, near, 2 * size + 1)
