"""Arrays of images and labels brought to one order of axes: images one after the other, and a number for each label."""

from collections.abc import Callable, Iterator

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import DataError

# Elements that are looked at together: the memory for that stays small beside an array's.
CHUNK = 1 << 20
# Shares of red, green and blue in the lightness (ITU-R BT.601), of 2¹⁶, as Pillow has them.
LUMA = (19595, 38470, 7471)
GREYED = "colours: brought to grey"
ONE_HOT = "labels as rows of zeros and a one (one-hot)"


def held_axes(images: tuple[int, ...], labels: tuple[int, ...]) -> tuple[int, int] | None:
    """Return along which axis of each the samples lie: the first, or the last as in MATLAB; None if none fits."""
    last, end = len(images) - 1, len(labels) - 1
    for axis, of_labels in ((0, 0), (last, end), (0, end), (last, 0)):
        if images[axis] == labels[of_labels]:
            return axis, of_labels
    return None


def narrowed(array: Array, wrong: Callable[[tuple[int, ...], float], DataError]) -> Array:
    """Return numbers as bytes if all of them are whole and 0 … 255, in the same order in memory.

    Decimals are float32, as no pixel is more when a network sees it, and as those of text are; others are as they are.

    Args:
        array: of numbers.
        wrong: makes the error about an element, of its place and value.

    Raises:
        DataError: one is infinite or not a number.
    """
    if array.dtype == np.uint8:
        return array
    if array.dtype == bool:
        return array.view(np.uint8)
    if array.dtype.kind == "f":
        _refuse_infinite(array, wrong)
    if all(_are_bytes(piece) for piece in pieces_of(array)):
        return array.astype(np.uint8, order="K")
    if array.dtype.kind == "f" and array.dtype != np.float32:
        with np.errstate(over="ignore"):
            single = array.astype(np.float32, order="K")
        _refuse_infinite(single, wrong)
        return single
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _are_bytes(values: Array) -> bool:
    if values.min() < 0 or values.max() > 255:
        return False
    return values.dtype.kind != "f" or bool((values == np.floor(values)).all())


def _refuse_infinite(array: Array, wrong: Callable[[tuple[int, ...], float], DataError]) -> None:
    if not all(np.isfinite(piece).all() for piece in pieces_of(array)):
        place = np.unravel_index(int(np.argmin(np.isfinite(array))), array.shape)
        raise wrong(tuple(map(int, place)), float(array[place]))


def pieces_of(array: Array) -> Iterator[Array]:
    """Yield the elements in the order in which they lie, some at once."""
    flat = array.ravel(order="K")
    for begin in range(0, flat.size, CHUNK):
        yield flat[begin : begin + CHUNK]


def samples_first(array: Array, axis: int) -> Array:
    """Return the array with its samples along the first axis, one after the other in memory."""
    return np.ascontiguousarray(np.moveaxis(array, axis, 0))


def planes(images: Array, where: str) -> tuple[Array, str]:
    """Return images as (n, height, width) or (n, pixels), without the axis of the channel, and what is said of it.

    Three channels become grey by the usual luma.

    Raises:
        DataError: it is no such array.
    """
    if images.ndim == 3 and 1 in images.shape[1:]:  # (n, 784, 1)
        return images.reshape(len(images), -1), ""
    if images.ndim == 4 and images.shape[3] == 1:
        return images[..., 0], ""
    if images.ndim == 4 and images.shape[1] == 1:
        return images[:, 0], ""
    if images.ndim == 4 and images.shape[3] == 3:
        return _grey(images), GREYED
    if images.ndim == 4 and images.shape[1] == 3:
        return _grey(np.moveaxis(images, 1, 3)), GREYED
    if images.ndim not in (2, 3):
        raise DataError(
            f"{where}: of shape {images.shape}: allowed are (n, pixels) and (n, height, width), also with an axis of "
            "1 or 3 channels"
        )
    return images, ""


def _grey(images: Array) -> Array:
    """Return the lightness of images of shape (n, height, width, 3)."""
    whole = images.dtype.kind in "iu"
    grey: Array = np.empty(images.shape[:3], images.dtype)
    step = max(1, CHUNK // max(1, images[0].size))
    for begin in range(0, len(images), step):
        some = images[begin : begin + step]
        if whole:
            grey[begin : begin + step] = (some.astype(np.int64) @ np.array(LUMA) + (1 << 15)) // (1 << 16)
        else:
            grey[begin : begin + step] = some @ (np.array(LUMA, images.dtype) / (1 << 16))
    return grey


def class_numbers(labels: Array, wrong: Callable[[str], DataError]) -> tuple[Array, str]:
    """Return labels as one number or text a sample, and what is said of that.

    Args:
        labels: the samples along the first axis.
        wrong: makes the error, of what is wrong.

    Raises:
        DataError: a sample has several.
    """
    n = len(labels)
    rows = labels.reshape(n, -1)
    if rows.shape[1] == 1:
        labels, note = rows[:, 0], ""
    elif rows.dtype.kind in "biuf" and _one_hot(rows):
        labels, note = rows.argmax(axis=1).astype(np.uint8 if rows.shape[1] <= 256 else np.int64), ONE_HOT
    else:
        raise wrong(f"{rows.shape[1]} values a label: allowed are one, or zeros and a one (one-hot)")
    if labels.dtype.kind == "S":
        try:
            labels = np.char.decode(labels, "utf-8")
        except UnicodeDecodeError as error:
            raise wrong("labels that are no UTF-8 text") from error
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        i = int(np.argmin(np.isfinite(labels)))
        raise wrong(f"label {i} is {labels[i]}")
    if labels.dtype == bool:
        labels = labels.view(np.uint8)
    return labels if labels.dtype.isnative else labels.astype(labels.dtype.newbyteorder("=")), note


def _one_hot(rows: Array) -> bool:
    """Say whether each row is zeros and a one."""
    return all(
        bool(((some == 0) | (some == 1)).all() and (some.sum(axis=1) == 1).all())
        for some in np.array_split(rows, max(1, rows.size // CHUNK))
    )
