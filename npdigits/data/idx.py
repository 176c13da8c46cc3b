"""IDX files, the format of MNIST: plain bytes are memory-mapped, packed ones are unpacked into memory.

A file holds four bytes (0, 0, element type, number of dimensions), a big-endian uint32 per dimension, and the elements,
big-endian (LeCun, Cortes & Burges, "The MNIST database of handwritten digits"). MNIST's are unsigned bytes, type 8; of
the other types QMNIST's labels are of 32 bits.
"""

import bz2
import gzip
import lzma
import math
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.bounded import opened
from npdigits.base.errors import DataError

UNSIGNED_BYTE = 8
# Element types; 0x0A is none.
ELEMENTS = {8: ">u1", 9: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MOST_DIMENSIONS = 4


class Packing(NamedTuple):
    """How a file may be packed.

    Attributes:
        magic: its first bytes.
        open: makes a stream of the content of a stream.
        most: a file that declares more than so many times its size is damaged or forged.
    """

    magic: bytes
    open: Callable[[BinaryIO], Any]
    most: int


# DEFLATE cannot pack better than 1032 to 1 (zlib technical details). of zeros, xz packs 6,900 to 1, and bzip2, whose
# blocks of 900,000 bytes hold runs of 259 in 5, 1,200,000 to 1 (measured).
GZIP = Packing(b"\x1f\x8b", gzip.open, 1032)
PACKINGS = (GZIP, Packing(b"\xfd7zXZ\x00", lzma.open, 8_000), Packing(b"BZh", bz2.open, 2_000_000))
FIRST = 4 + 4 * MOST_DIMENSIONS
CHUNK = 1 << 20


class Header(NamedTuple):
    """What an IDX file declares: the type of its elements as they are stored, and their shape."""

    element: np.dtype[Any]
    shape: tuple[int, ...]

    @property
    def bytes(self) -> int:
        """How many bytes the elements have."""
        return math.prod(self.shape) * self.element.itemsize

    def __str__(self) -> str:
        """Return "60,000 × 28 × 28 bytes" or "60,000 × 8 values of 4 bytes"."""
        shape, size = " × ".join(f"{n:,}" for n in self.shape), self.element.itemsize
        return f"{shape} bytes" if size == 1 else f"{shape} values of {size} bytes"


def read_idx(path: Path, dimensions: int) -> Array:
    """Return the elements of an IDX file as uint8.

    Args:
        path: of the file; one that ends in .gz is unpacked.
        dimensions: how many the elements must have: 3 for images, 1 for labels.

    Raises:
        DataError: the file is missing, unreadable, damaged, or holds something else. The declared sizes are compared
            with the file's length before any memory is taken.
    """
    expected = bytes([0, 0, UNSIGNED_BYTE, dimensions])

    def read_header(stream: Any) -> Header:
        magic = stream.read(4)
        if magic != expected:
            raise DataError(
                f"{path}: not an IDX file of unsigned bytes in {dimensions} dimension(s): "
                f"it begins with {magic.hex() or 'nothing'} instead of {expected.hex()}"
            )
        return _read_sizes(stream, path, magic)

    return _read(path, GZIP if path.suffix == ".gz" else None, read_header)


def read_any(path: Path) -> Array:
    """Return the elements of an IDX file of any type, in this machine's byte order; packed or not, whatever its name.

    Raises:
        DataError: as ``read_idx``.
    """
    return _read(path, _packing_of(path), lambda stream: _read_any_header(stream, path))


def header_of(path: Path) -> Header:
    """Return what an IDX file of any type declares.

    Raises:
        DataError: the file is missing, unreadable, damaged, or of another format.
    """
    packing = _packing_of(path)
    try:
        with opened(path) as file:
            if packing is None:
                return _read_any_header(file, path)
            with packing.open(file) as stream:
                return _read_any_header(stream, path)
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
        raise _unreadable(path, error) from error


def _read(path: Path, packing: Packing | None, read_header: Callable[[Any], Header]) -> Array:
    """Return the elements of a file whose header is read by a function."""
    try:
        with opened(path) as file:
            size = os.fstat(file.fileno()).st_size
            if packing:
                with packing.open(file) as stream:
                    header = read_header(stream)
                    if header.bytes > size * packing.most:
                        raise DataError(f"{path}: declares {header}, more than {size:,} packed bytes can hold")
                    return _filled(stream, path, header)
            header = read_header(file)
            held = size - file.tell()
            if held != header.bytes:
                raise _truncated(path, header, held)
            if header.element.itemsize > 1:
                return _filled(file, path, header)
            mapped = np.memmap(file, header.element, "r", file.tell(), header.shape)
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
        raise _unreadable(path, error) from error
    # A plain array on the same pages: memmap's own class makes every slice slower.
    return np.asarray(mapped)


def _packing_of(path: Path) -> Packing | None:
    """Return how a file is packed, by its first bytes.

    Raises:
        DataError: it cannot be read.
    """
    try:
        with opened(path) as file:
            first = file.read(FIRST)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    return next((packing for packing in PACKINGS if first.startswith(packing.magic)), None)


def _read_any_header(stream: Any, path: Path) -> Header:
    """Read and check a header of any type.

    Raises:
        DataError: the file is not of this kind, or is empty.
    """
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in ELEMENTS or not 1 <= magic[3] <= MOST_DIMENSIONS:
        types = ", ".join(f"{element:02x}" for element in ELEMENTS)
        raise DataError(
            f"{path}: not an IDX file: it begins with {magic.hex() or 'nothing'}, not with 0000, a type ({types}) and "
            f"a number of dimensions from 1 to {MOST_DIMENSIONS}"
        )
    return _read_sizes(stream, path, magic)


def _read_sizes(stream: Any, path: Path, magic: bytes) -> Header:
    """Read the rest of the header.

    Raises:
        DataError: it is cut off, or there are no elements.
    """
    dimensions = magic[3]
    sizes = stream.read(4 * dimensions)
    if len(sizes) < 4 * dimensions:
        raise DataError(f"{path}: truncated in its header")
    header = Header(np.dtype(ELEMENTS[magic[2]]), struct.unpack(f">{dimensions}I", sizes))
    if 0 in header.shape:
        raise DataError(f"{path}: declares {header}: empty")
    return header


def _filled(stream: Any, path: Path, header: Header) -> Array:
    """Return the elements, of which there must be exactly as many as declared, in this machine's byte order.

    Raises:
        DataError: there are not.
    """
    try:
        elements = np.empty(header.bytes, np.uint8)  # pages are taken only as they are written
    except MemoryError as error:
        raise DataError(f"{path}: declares {header}, more than the memory that is left") from error
    view, filled = elements.data, 0
    while filled < len(elements):
        chunk = stream.read(min(CHUNK, len(elements) - filled))
        if not chunk:
            raise _truncated(path, header, filled)
        view[filled : filled + len(chunk)] = chunk
        filled += len(chunk)
    if stream.read(1):
        raise DataError(f"{path}: holds more than the {header} it declares")
    values = elements.view(header.element).reshape(header.shape)
    if not values.dtype.isnative:
        values.byteswap(inplace=True)
    return values.view(values.dtype.newbyteorder("="))


def _truncated(path: Path, header: Header, held: int) -> DataError:
    unit = "" if header.element.itemsize == 1 else " bytes"
    return DataError(f"{path}: declares {header} but holds {held:,}{unit}: truncated or damaged")


def _unreadable(path: Path, error: Exception) -> DataError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return DataError(f"{path}: cannot be read: {reason}")
