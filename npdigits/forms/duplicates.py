"""Images that are there twice."""

import numpy as np

from npdigits.base.arrays import Array


def shared(train: Array, test: Array) -> Array:
    """Return which training images equal a test image."""
    known = {image.tobytes() for image in test}
    return np.array([image.tobytes() in known for image in train], bool)
