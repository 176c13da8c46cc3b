"""A photograph in even light: paper and ink have a grey value each, but for noise and the edges between them."""

import numpy as np

from npdigits.base.arrays import Array
from npdigits.pictures.threshold import otsu, separation

# The light is even if at least such a share of the variance is between paper and ink, and at most such a share of the
# pixels is darker than the darker of the two, or lighter than the lighter one, by more than noise is: so many times the
# median of the distances from its median, and at least so many grey values.
BETWEEN, BEYOND, NOISE, LEAST = 0.9, 0.002, 7.0, 3.0


def without_noise(grey: Array) -> Array | None:
    """Return the picture with paper and ink of one grey value each; nothing if the light on it is uneven.

    Args:
        grey: bytes of shape (height, width).
    """
    threshold = otsu(grey)
    if separation(grey, threshold) < BETWEEN:
        return None
    flat = grey.copy()
    for values, outside in ((grey[grey <= threshold], -1), (grey[grey > threshold], 1)):
        middle = int(np.median(values))
        away = np.abs(values.astype(int) - middle)
        noise = max(NOISE * float(np.median(away)), LEAST)
        if np.count_nonzero(outside * (values.astype(int) - middle) > noise) > BEYOND * grey.size:
            return None
        low, high = max(middle - int(noise), 0), min(middle + int(noise), 255)
        low, high = (low, min(high, threshold)) if outside < 0 else (max(low, threshold + 1), high)
        flat[(grey >= low) & (grey <= high)] = middle
    return flat
