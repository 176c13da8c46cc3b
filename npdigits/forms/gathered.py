"""Images of which some come at a time, each time with the place where they are."""

import math

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import DataError
from npdigits.forms.rows import LARGEST, Rows, smallest


class Gathered:
    """Images in one array, of the smallest type that holds them.

    Args:
        n: how many there will be.
    """

    def __init__(self, n: int) -> None:
        self._n, self._shape = n, ()
        self._rows: Rows | None = None

    def add(self, images: Array, place: str, begin: int) -> None:
        """Take the next images, from rows of a file.

        Args:
            images: of any shape and type of numbers.
            place: the file, for messages.
            begin: its rows before them.

        Raises:
            DataError: they are of another size than those before, or too large in all, or hold what is no pixel.
        """
        if self._rows is None:
            self._shape = images.shape[1:]
            self._rows = Rows(place, math.prod(self._shape), self._n)
        if images.shape[1:] != self._shape:
            raise DataError(f"{place}: row {begin + 1} is of shape {images.shape[1:]}, those before {self._shape}")
        flat = images.reshape(len(images), -1)
        flat = flat.view(np.uint8) if flat.dtype == bool else flat
        fits = np.isfinite(flat) & (np.abs(flat) <= LARGEST) if flat.dtype.itemsize > 1 else np.ones((1, 1), bool)
        if not fits.all():
            i = int(np.argmin(fits.all(axis=1)))
            wrong = flat[i][~fits[i]][0]
            raise DataError(f"{place}: row {begin + i + 1}: a pixel is {wrong}: allowed are numbers up to {LARGEST:,}")
        self._rows.add(smallest(flat))

    def done(self) -> Array:
        """Return them, shape (n, …); nothing can be added any more."""
        if self._rows is None:
            return np.empty((0, 1), np.uint8)
        held = self._rows.done()
        return held.reshape(len(held), *self._shape)
