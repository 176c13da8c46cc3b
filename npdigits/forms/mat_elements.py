"""Arrays of numbers in a MATLAB 5 file: where they are, what they declare, and their elements.

SciPy reads these files, and says of its reader that it is not hardened against files from elsewhere: bytes changed at
random end the process (8 of 1,500 such files, SciPy 1.17.1). So this module reads of the format what sets of digits
need: arrays of real numbers, also within structs, also compressed. All else (cells, objects, functions, text, sparse
and complex arrays) is passed over by its length, and named. A test holds it against ``scipy.io.loadmat``.

Source: "MAT-File Format" (MathWorks), chapter 1.
"""

import math
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np

from npdigits.base.arrays import Array
from npdigits.forms.mat_bytes import PIECE, Bounded, Stretch, Unpacked

HEADER = 128
# Kinds of data elements.
INT8, INT32, UINT32, MATRIX, COMPRESSED = 1, 5, 6, 14, 15
NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
# Classes of arrays; the numeric ones are double, single, int8 … uint64.
STRUCT, NUMERIC, COMPLEX = 2, range(6, 16), 0x08
OTHERS = {1: "a cell array", 3: "an object", 4: "text", 5: "a sparse array", 16: "a function", 17: "an object"}
# Structs within structs; MATLAB's own names have up to 63 characters.
DEEPEST, LONGEST_NAME, MOST_DIMENSIONS, MOST_ARRAYS = 6, 64, 8, 2000
# Deflate makes at most so many bytes of one (RFC 1951).
MOST_DEFLATED = 1032


@dataclass(frozen=True)
class Numbers:
    """An array in the file.

    Attributes:
        element: the byte of the file at which the element begins that it is in.
        start: bytes of that element's content before its numbers.
        shape: its own.
        dtype: of its numbers in the file, where MATLAB makes them as small as the values allow.
    """

    element: int
    start: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


@dataclass
class Content:
    """What a file holds: arrays by name ("dataset/train/images"); by name, too, what is passed over, and what it is."""

    arrays: dict[str, Numbers] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)


def list_arrays(file: BinaryIO, size: int) -> Content:
    """Return what a file of this size holds; what is compressed is unpacked once, a piece at a time, and checked.

    Raises:
        ValueError, zlib.error: it is damaged.
    """
    order, content, at = byte_order(file), Content(), HEADER
    while at < size:
        with _opened(file, at, order, size) as (body, length):
            if body is not None:
                _Walk(order, content, at).over(body, "", 0)
        at += 8 + length
    return content


def byte_order(file: BinaryIO) -> str:
    """Return the byte order of a file, as NumPy writes it.

    Raises:
        ValueError: it says none.
    """
    file.seek(HEADER - 4)
    last = file.read(4)
    for order, ends in (("<", b"\x00\x01IM"), (">", b"\x01\x00MI")):
        if last == ends:
            return order
    raise ValueError("of no version of MATLAB's format that is read")


def read_numbers(file: BinaryIO, numbers: Numbers, size: int) -> Array:
    """Return an array that ``list_arrays`` has found.

    Raises:
        ValueError, zlib.error: it is damaged.
    """
    flat = np.empty(math.prod(numbers.shape), numbers.dtype)
    with _opened(file, numbers.element, byte_order(file), size) as (body, _):
        if body is None:
            raise ValueError("it has changed meanwhile")
        body.skip(numbers.start)
        left = flat.view(np.uint8).data if flat.nbytes else memoryview(b"")
        while len(left):
            piece = body.read(min(PIECE, len(left)))
            left[: len(piece)] = piece
            left = left[len(piece) :]
        body.skip(body.left)
    array: Array = flat.reshape(numbers.shape, order="F")
    return array


@contextmanager
def _opened(file: BinaryIO, at: int, order: str, size: int) -> Iterator[tuple[Bounded | None, int]]:
    """Give the content of the array that begins at a byte of the file, and its length there; None if it is no array.

    Raises:
        ValueError: it is longer than the file, or declares more than it can hold.
    """
    file.seek(at)
    kind, length = struct.unpack(order + "II", _first_eight(file))
    if at + 8 + length > size:
        raise ValueError("torn: an array goes on after the file's end")
    if kind == MATRIX:
        yield Bounded(Stretch(file, length), length), length
    elif kind == COMPRESSED:
        unpacked = Unpacked(file, length)
        inner, n = struct.unpack(order + "II", unpacked.read(8))
        if inner != MATRIX:
            raise ValueError("what is compressed is no array")
        if n > MOST_DEFLATED * length:
            raise ValueError(f"an array declares {n:,} bytes, of {length:,} that are there")
        yield Bounded(unpacked, n), length
        unpacked.end()
    else:
        yield None, length


def _first_eight(file: BinaryIO) -> bytes:
    content = file.read(8)
    if len(content) < 8:
        raise ValueError("torn at its end")
    return content


class _Walk:
    """Goes through one array of a file, and through the fields of a struct, and notes what they declare."""

    def __init__(self, order: str, content: Content, element: int) -> None:
        self._order, self._content, self._element = order, content, element

    def over(self, body: Bounded, above: str, depth: int) -> None:
        """Note an array, or the fields of a struct.

        Args:
            body: its content.
            above: its name, where it is a field: "dataset/train".
            depth: how many structs it is in.
        """
        if not body.left:  # an empty field
            return
        if len(self._content.arrays) + len(self._content.left) >= MOST_ARRAYS:
            raise ValueError(f"more than {MOST_ARRAYS:,} arrays")
        flags = self._whole(body, UINT32, 2)[0]
        shape = self._whole(body, INT32, MOST_DIMENSIONS)
        own = self._text(body, LONGEST_NAME)
        name, kind = above or own, flags & 0xFF
        if min(shape, default=-1) < 0:
            raise ValueError(f"an array of shape {shape}")
        if kind == STRUCT and math.prod(shape) == 1 and depth < DEEPEST:
            self._fields(body, name, depth)
        elif kind in NUMERIC and not flags >> 8 & COMPLEX:
            self._numbers(body, name, shape)
        elif name:
            what = "complex numbers" if kind in NUMERIC else OTHERS.get(kind, "an array of structs")
            self._content.left[name] = f"{what}, which is not read"
        body.skip(body.left)

    def _fields(self, body: Bounded, name: str, depth: int) -> None:
        longest = self._whole(body, INT32, 1)[0]
        names = self._text(body, LONGEST_NAME * MOST_ARRAYS)
        if not 0 < longest <= LONGEST_NAME or len(names) % longest:
            raise ValueError("a struct whose names of fields are torn")
        for begin in range(0, len(names), longest):
            kind, length, _ = self._tag(body)
            if kind != MATRIX or length > body.left:
                raise ValueError("a field of a struct that is no array")
            inner = names[begin : begin + longest].partition("\0")[0]
            field_body = Bounded(body, length)
            self.over(field_body, f"{name}/{inner}", depth + 1)

    def _numbers(self, body: Bounded, name: str, shape: tuple[int, ...]) -> None:
        kind, length, within = self._tag(body)
        if kind not in NUMBERS:
            raise ValueError(f"numbers of kind {kind}, which the format has not")
        dtype = np.dtype(self._order + NUMBERS[kind])
        if length != math.prod(shape) * dtype.itemsize:
            raise ValueError(f"{name} of shape {shape}: {length:,} bytes are not as many as it declares")
        start = body.passed - (4 if within is not None else 0)
        if within is None:
            body.skip(length)
        if not name:  # what objects keep for themselves
            return
        if name in self._content.arrays or not name.isprintable():
            raise ValueError(f"{name!r}: a name that two arrays have, or that none can have")
        self._content.arrays[name] = Numbers(self._element, start, shape, dtype)

    def _whole(self, body: Bounded, kind: int, most: int) -> tuple[int, ...]:
        """Return the numbers of an element that has few of them, of four bytes each."""
        found, length, within = self._tag(body)
        if found != kind or length % 4 or length > 4 * most or not length:
            raise ValueError("an array whose shape or kind is damaged")
        content = self._content_of(body, length, within)
        return struct.unpack(f"{self._order}{length // 4}{'I' if kind == UINT32 else 'i'}", content)

    def _text(self, body: Bounded, most: int) -> str:
        found, length, within = self._tag(body)
        if found not in (INT8, 2, 16) or length > most:
            raise ValueError("an array whose name is damaged")
        return self._content_of(body, length, within).decode("utf-8", "strict")

    def _tag(self, body: Bounded) -> tuple[int, int, bytes | None]:
        """Return an element's kind and length, and its content where that is within the eight bytes."""
        first = body.read(8)
        kind, length = struct.unpack(self._order + "II", first)
        if kind >> 16:
            if kind >> 16 > 4:
                raise ValueError("a small element that is longer than four bytes")
            return kind & 0xFFFF, kind >> 16, first[4 : 4 + (kind >> 16)]
        return kind, length, None

    def _content_of(self, body: Bounded, length: int, within: bytes | None) -> bytes:
        if within is not None:
            return within
        content = body.read(length)
        body.skip(min(-length % 8, body.left))
        return content
