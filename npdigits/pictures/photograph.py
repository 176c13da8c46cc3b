"""How much ink is where in a photograph: its paper has many grey values, as light and shadow fall on it."""

from npdigits.base.arrays import Array
from npdigits.pictures import ndimage
from npdigits.pictures.light import contrast, evened
from npdigits.pictures.polarity import kind_of_ink
from npdigits.pictures.threshold import otsu

# Noise is taken off by a Gaussian whose standard deviation is such a share of the strokes' width.
SMOOTH = 0.1


def photographed(grey: Array) -> Array:
    """Return how much ink is where, bytes of the picture's shape.

    Whether it is darker or lighter than the paper, and how wide its strokes are, is seen from the strokes
    (``polarity.py``). Then the light is taken off (``light.py``), which needs both.
    """
    on_light, size, width = kind_of_ink(grey)
    smooth = ndimage.gaussian_filter(grey.astype(float), SMOOTH * width)
    ink = contrast(smooth, size, on_light)
    near = ndimage.maximum_filter(ink > otsu(ink), 3)
    return evened(ink, near, 2 * size + 1)
