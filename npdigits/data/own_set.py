"""A data set that a function of the user's makes."""

from collections.abc import Callable
from typing import Any

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import OwnCodeError
from npdigits.base.npz import hash_arrays
from npdigits.base.own_module import where_it_failed
from npdigits.data.sets import Data, make_data

NAME = "own"
WANTED = (
    "x_train, y_train, x_test, y_test: images as bytes of shape (n, height, width), labels as whole numbers 0 … 255"
)


def load(function: Callable[..., Any], numbers: dict[str, Any], where: str) -> Data:
    """Return the data set of the four arrays that a function returns.

    Args:
        function: returns x_train, y_train, x_test, y_test: images uint8 of shape (n, height, width), 0 (paper) …
            255 (ink); labels 0 … 255 of shape (n,).
        numbers: its keyword arguments.
        where: its place, for messages.

    Raises:
        OwnCodeError: it fails, or returns something else.
        DataError: the test set has a class that the training set has not.
    """
    try:
        returned = function(**numbers)
    except (Exception, SystemExit) as error:
        raise OwnCodeError(f"{where}: {where_it_failed(error)}") from error
    if not isinstance(returned, tuple | list) or len(returned) != 4:
        raise OwnCodeError(f"{where}: returned {_describe(returned)}; wanted are {WANTED}")
    arrays: dict[str, Array] = {}
    for half, images, labels in (("train", *returned[:2]), ("test", *returned[2:])):
        images, labels = np.asarray(images), np.asarray(labels)
        if images.dtype != np.uint8 or images.ndim != 3 or not images.size:
            raise OwnCodeError(f"{where}: x_{half} is {_describe(images)}; wanted are {WANTED}")
        fits = (
            labels.shape == images.shape[:1] and labels.dtype.kind in "iu" and 0 <= labels.min() <= labels.max() <= 255
        )
        if not fits:
            raise OwnCodeError(
                f"{where}: y_{half} is {_describe(labels)} for x_{half} of {images.shape}; wanted are {WANTED}"
            )
        arrays |= {f"{half}_images": np.ascontiguousarray(images), f"{half}_labels": labels.astype(np.uint8)}
    if arrays["train_images"].shape[1:] != arrays["test_images"].shape[1:]:
        raise OwnCodeError(f"{where}: the test images are of another size than the training images")
    return make_data(NAME, hash_arrays(arrays), arrays)


def _describe(value: Any) -> str:
    if not isinstance(value, np.ndarray):
        return f"a {type(value).__name__}" + (f" of {len(value)}" if isinstance(value, tuple | list) else "")
    span = f", {value.min()} … {value.max()}" if value.size and value.dtype.kind in "biuf" else ""
    return f"{value.dtype}{value.shape}{span}"
