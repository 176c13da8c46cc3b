"""Rows of numbers that come bit by bit, held in one array of the smallest type that holds them all."""

from typing import Any

import numpy as np

from npdigits.base.arrays import Array
from npdigits.forms.room import refuse_too_large

# From small to large; the last one is for decimals. Half precision would not do, and twice the memory is of no use:
# a pixel is a float32 at most when a network sees it.
KINDS = tuple(map(np.dtype, (np.uint8, np.int16, np.int32, np.int64, np.float32)))
# No pixel has a larger value: 32 bits.
LARGEST = 2**32
# Where more rows come than were expected, room is made for so many times as many.
GROWTH = 1.3


class Rows:
    """An array that grows by rows and changes its type when a value needs it.

    The memory is taken at once for as many rows as are expected, and what is too much is given back: until a page of
    it is written, the system does not provide it.
    """

    def __init__(self, place: str, width: int, expected: int) -> None:
        self._place, self._width, self._expected = place, width, max(1, expected)
        self._held: Array | None = None
        self.n = 0

    @property
    def holds_decimals(self) -> bool:
        """Whether there are values that are not whole."""
        return self._held is not None and self._held.dtype == KINDS[-1]

    def add(self, rows: Array) -> None:
        """Add rows of a type in ``KINDS``, shape (n, width).

        Raises:
            DataError: there is no memory for them.
        """
        held = self._fitting(rows)
        held[self.n : self.n + len(rows)] = rows
        self.n += len(rows)

    def _fitting(self, rows: Array) -> Array:
        """Return the array with room for more rows, of a type that holds them."""
        kind, needed = rows.dtype, self.n + len(rows)
        if self._held is None:
            self._held = self._empty(max(self._expected, needed), kind)
        if KINDS.index(kind) > KINDS.index(self._held.dtype):
            larger = self._empty(max(len(self._held), needed), kind)
            larger[: self.n] = self._held[: self.n]
            self._held = larger
        if needed > len(self._held):
            capacity = max(needed, int(GROWTH * len(self._held)))
            refuse_too_large(self._place, capacity - len(self._held), self._width, self._held.itemsize)
            self._held.resize((capacity, self._width), refcheck=False)  # enlarged where it lies
        return self._held

    def _empty(self, rows: int, kind: "np.dtype[Any]") -> Array:
        refuse_too_large(self._place, rows, self._width, kind.itemsize)
        return np.empty((rows, self._width), kind)

    def done(self) -> Array:
        """Return all rows; nothing can be added any more."""
        assert self._held is not None
        held, self._held = self._held, None
        held.resize((self.n, self._width), refcheck=False)
        return held


def smallest(values: Array) -> Array:
    """Return whole numbers, or decimals, in the first type of ``KINDS`` that holds them."""
    if not len(values) or (values != np.rint(values)).any():
        return values.astype(KINDS[-1], copy=False)
    lowest, highest = values.min(initial=0), values.max(initial=0)
    kind = next(kind for kind in KINDS[:-1] if np.iinfo(kind.type).min <= lowest and highest <= np.iinfo(kind.type).max)
    return values.astype(kind, copy=False)


def only_columns(table: Array, begin: int, end: int) -> Array:
    """Return some columns of a table in the table's own memory, in the smallest type.

    The table is no longer what it was. A view would do, too, but everybody who wants it contiguous would copy it.
    """
    n, width = len(table), end - begin
    flat = table.reshape(-1)
    for start in range(0, n, 1024):  # to the left, each row by as many places as there were rows before it
        block = table[start : start + 1024, begin:end].copy()
        flat[start * width : start * width + block.size] = block.reshape(-1)
    kept = flat[: n * width].reshape(n, width)
    if kept.dtype in KINDS[1:-1]:
        kept = smallest(kept)
    return kept
