"""Images from Python, read as a run recorded that it had read those that it was trained on."""

import warnings

import numpy as np

from npdigits.base.arrays import Array
from npdigits.data.samples import OF_BYTES, OF_ONE, ROUNDING, images_as, is_unit
from npdigits.forms.found import Meaning
from npdigits.forms.value_range import to_bytes

# Of 255, the value up to which an image is hardly more than paper.
FAINTEST = 16


def as_recorded(images: Array, dtype: str, reading: Meaning) -> Array:
    """Return images, shape (n, pixels), as a run read those that it was trained on, on the scale of bytes.

    Of a run of bytes these may be floats 0 … 1, and of a run of 0 … 1 they may be bytes.

    Raises:
        ValueError: they are on another scale.
    """
    if reading.transpose:
        height, width = reading.shape
        images = images.reshape(-1, width, height).transpose(0, 2, 1).reshape(-1, height * width)
    if reading.range in (OF_BYTES, OF_ONE) and is_unit(images, reading.range) != (reading.range == OF_ONE):
        return images_as(images, dtype, reading.range)
    if images.dtype.kind == "b":
        images = images.astype(np.uint8)
    (low, high), (paper, ink) = sorted(reading.range), reading.range
    slack = ROUNDING * (high - low)
    if not low - slack <= images.min() <= images.max() <= high + slack:
        raise ValueError(
            f"X goes from {images.min():g} to {images.max():g}: the images that this network learned from go from "
            f"{paper:g} (paper) to {ink:g} (ink)"
        )
    return to_bytes(np.clip(images, low, high) if images.dtype.kind == "f" else images, paper, ink)


def warn_of_faint(given: Array, images: Array) -> None:
    """Warn of images in which is hardly any ink on the scale of bytes, as of those that are on another scale."""
    if 0 < images.max() <= FAINTEST:
        warnings.warn(
            f"X goes from {given.min():g} to {given.max():g}: on the scale that this network learned from, that is "
            "hardly any ink",
            stacklevel=3,
        )
