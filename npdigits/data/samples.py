"""Samples as scikit-learn hands them over, brought to what a network reads: bytes, their scale, or features."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from npdigits.base.arrays import Array

# How far images of floats may be outside of 0 … 1, as resizing leaves them.
ROUNDING = 1e-3
# Scales, (paper, ink).
OF_BYTES, OF_ONE = (0.0, 255.0), (0.0, 1.0)


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


def scale_of(images: Array) -> tuple[float, float]:
    """Return the scale of images that are to be fitted, (paper, ink): of bytes, or of 0 … 1.

    Raises:
        ValueError: they are bytes that go to 1 only.
    """
    high = images.max(initial=0)
    if are_bytes(images) and high == 1:  # 1 of 255 is as good as paper: these are 0 and 1, not shades of grey
        raise ValueError("X goes from 0 to 1 as bytes: those go to 255; multiply them, or give floats")
    return OF_ONE if not are_bytes(images) and high <= 1 + ROUNDING else OF_BYTES


def images_as(images: Array, dtype: str, scale: tuple[float, float]) -> Array:
    """Return images, shape (n, pixels), on the scale of bytes: as bytes, or as floats 0 … 255.

    Whole numbers beyond 1 are bytes, floats 0 … 1 are shares of ink. What could be either, whole numbers 0 and 1, are
    what the network learned from, whatever else is among the images.

    Args:
        images: numbers of any type.
        dtype: of floats.
        scale: of the images that the network learned from, ``OF_BYTES`` or ``OF_ONE``.

    Raises:
        ValueError: they are on another scale.
    """
    if is_unit(images, scale):
        return scale_to_bytes(images).astype(dtype)
    low, high = images.min(initial=0), images.max(initial=0)
    if low < 0 or high > OF_BYTES[1] or (images.dtype.kind == "f" and (images != np.rint(images)).any()):
        raise ValueError(
            f"X goes from {low:g} to {high:g}: images are bytes 0 … 255, of any type, or floats 0 (paper) … 1 (ink)"
        )
    return images.astype(np.uint8, copy=False)


def is_unit(images: Array, scale: tuple[float, float]) -> bool:
    """Say whether images go from 0 to 1: floats that do, true and false, and whole numbers where the scale says so."""
    kind = images.dtype.kind
    return kind == "b" or (bool(images.max(initial=0) <= 1 + ROUNDING) and (kind == "f" or scale == OF_ONE))


def scale_to_bytes(floats: Array) -> Array:
    """Return grey values 0 … 1 as floats 0 … 255, the scale of bytes. What rounding left outside is cut off.

    Raises:
        ValueError: a value is outside by more.
    """
    low, high = floats.min(initial=0), floats.max(initial=0)
    if low < -ROUNDING or high > 1 + ROUNDING:
        raise ValueError(
            f"X goes from {low:g} to {high:g}: images are bytes 0 … 255, of any type, or floats 0 (paper) … 1 (ink)"
        )
    scaled: Array = np.clip(floats, 0, 1) * 255
    return scaled


def are_bytes(X: Any) -> bool:
    """Say whether X is an array of bytes."""
    return getattr(X, "dtype", None) == np.uint8
