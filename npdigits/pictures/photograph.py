"""How much ink is where in a photograph: its paper has many grey values, as light and shadow fall on it."""

import numpy as np
from scipy import ndimage

from npdigits.base.arrays import Array

# Grey values that are added where two are divided.
DARK = 16.0
# The paper's shade is fitted to so many pixels along the longer side, so often; each time those are left out that are
# further away than so many medians.
SAMPLES, FITS, OUTLIER = 64, 8, 3.0


def photographed(grey: Array) -> Array:
    """Return how much ink is where, bytes of the picture's shape: the smaller part of it, darker or lighter than paper.

    Shadows with sharp edges are taken off by dividing the picture by its closing with a square that no stroke fills (of
    light ink: its opening by the picture); then the surface of ``shade``, the rest of the light, is subtracted.
    """
    darker = shade(grey) - grey
    far = np.abs(darker) > OUTLIER * np.median(np.abs(darker))
    on_light = darker[far].sum() >= 0
    light = grey + DARK  # contrast is judged relative to the light, as noise weighs more in the dark
    size = max(3, min(grey.shape) // 3)
    if on_light:
        ink = 255 - 255 * light / ndimage.grey_closing(light, (size, size), mode="nearest")
    else:
        ink = 255 - 255 * ndimage.grey_opening(light, (size, size), mode="nearest") / light
    whole: Array = np.clip(ink - shade(ink), 0, 255).astype(np.uint8)
    return whole


def shade(grey: Array) -> Array:
    """Return the paper's own values: the quadratic surface through most of the pixels.

    It is fitted by least squares, then again without the pixels that are far from it, and so on, as ink is the smaller
    part.
    """
    height, width = grey.shape
    step = max(1, max(height, width) // SAMPLES)
    y, x = np.mgrid[:height, :width] / max(height, width)
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y])
    some, values = terms[:, ::step, ::step].reshape(6, -1).T, grey[::step, ::step].ravel().astype(float)
    kept = np.ones(len(values), bool)
    for _ in range(FITS):
        surface = np.linalg.lstsq(some[kept], values[kept], rcond=None)[0]
        away = np.abs(values - some @ surface)
        kept = away <= OUTLIER * max(float(np.median(away)), 1.0)
    paper: Array = np.tensordot(surface, terms, 1)
    return paper
