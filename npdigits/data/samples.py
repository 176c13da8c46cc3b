"""Samples as scikit-learn hands them over, brought to what a network reads: bytes, their scale, or features."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from npdigits.base.arrays import Array

# How far images of floats may be outside of 0 … 1, as resizing leaves them.
ROUNDING = 1e-3


def flatten_images(X: ArrayLike) -> tuple[Any, tuple[int, int] | None]:
    """Return images of shape (n, height, width) as (n, pixels), and their shape; anything else as it is, and None.

    Raises:
        ValueError: it has more dimensions.
    """
    dimensions = getattr(X, "ndim", None) or (np.ndim(X[:1]) if isinstance(X, list | tuple) else 2)
    if dimensions > 3:
        raise ValueError(f"X has dim {dimensions}: allowed are (samples, features) and (samples, height, width)")
    if dimensions < 3:
        return X, None
    images = np.asarray(X)
    n, height, width = images.shape
    return images.reshape(n, height * width), (height, width)


def features_as(features: Array, dtype: str) -> Array:
    """Return features as floats of this type.

    Raises:
        ValueError: one is too large for it.
    """
    with np.errstate(over="ignore"):  # the message below says it
        floats: Array = features.astype(dtype)
    if not np.isfinite(floats).all():
        raise ValueError(f"X holds numbers too large for {dtype}: {np.finfo(dtype).max:.3g} is the largest")
    return floats


def images_as(images: Array, dtype: str) -> Array:
    """Return images, shape (n, pixels), on the scale of bytes: bytes as they are, floats 0 … 1 as floats 0 … 255.

    Raises:
        ValueError: they are on another scale.
    """
    if not are_bytes(images):
        return scale_to_bytes(images).astype(dtype)
    if images.max(initial=0) == 1:  # 1 of 255 is as good as black: these are 0 and 1, not shades of grey
        raise ValueError("X goes from 0 to 1 as bytes: those go to 255; multiply them, or give floats")
    return images


def scale_to_bytes(floats: Array) -> Array:
    """Return grey values 0 … 1 as floats 0 … 255, the scale of bytes. What rounding left outside is cut off.

    Raises:
        ValueError: a value is outside by more.
    """
    low, high = floats.min(initial=0), floats.max(initial=0)
    if low < -ROUNDING or high > 1 + ROUNDING:
        raise ValueError(
            f"X goes from {low:g} to {high:g}: images are bytes (uint8) 0 … 255, or floats 0 (paper) … 1 (ink)"
        )
    scaled: Array = np.clip(floats, 0, 1) * 255
    return scaled


def are_bytes(X: Any) -> bool:
    """Say whether X is an array of bytes."""
    return getattr(X, "dtype", None) == np.uint8
