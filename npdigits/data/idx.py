"""IDX files, the format of MNIST: plain ones are memory-mapped, packed ones (.gz) are unpacked into memory.

A file holds four bytes (0, 0, element type, number of dimensions), a big-endian uint32 per dimension, and the elements
(LeCun, Cortes & Burges, "The MNIST database of handwritten digits"). Only unsigned bytes (type 8) occur here.
"""

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import DataError

Readable = BinaryIO | gzip.GzipFile

UNSIGNED_BYTE = 8
# DEFLATE cannot pack better than 1032 to 1 (zlib technical details), so a .gz that declares more is damaged or forged.
MAX_GZIP_RATIO = 1032


def read_idx(path: Path, dimensions: int) -> Array:
    """Return the elements of an IDX file as uint8.

    Args:
        path: of the file; one that ends in .gz is unpacked.
        dimensions: how many the elements must have: 3 for images, 1 for labels.

    Raises:
        DataError: the file is missing, unreadable, damaged, or holds something else. The declared sizes are compared
            with the file's length before any memory is taken.
    """
    try:
        size = path.stat().st_size
        if path.suffix == ".gz":
            with gzip.open(path) as file:
                shape, _ = _read_header(file, path, dimensions)
                if math.prod(shape) > size * MAX_GZIP_RATIO:
                    raise DataError(
                        f"{path}: declares {_format_shape(shape)} bytes, more than {size:,} packed bytes can hold"
                    )
                return _unpack(file, path, shape)
        with path.open("rb") as file:
            shape, offset = _read_header(file, path, dimensions)
        if size != offset + math.prod(shape):
            held = max(size - offset, 0)
            raise DataError(f"{path}: declares {_format_shape(shape)} bytes but holds {held:,}: truncated or damaged")
        mapped = np.memmap(path, np.uint8, "r", offset, shape)
    except (OSError, EOFError, zlib.error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise DataError(f"{path}: cannot be read: {reason}") from error
    # A plain array on the same pages: memmap's own class makes every slice slower.
    return np.asarray(mapped)


def _read_header(file: Readable, path: Path, dimensions: int) -> tuple[tuple[int, ...], int]:
    """Read and check the header, and return the shape and the offset of the elements.

    Raises:
        DataError: the file is not of this kind, or is empty.
    """
    magic = file.read(4)
    expected = bytes([0, 0, UNSIGNED_BYTE, dimensions])
    if magic != expected:
        raise DataError(
            f"{path}: not an IDX file of unsigned bytes in {dimensions} dimension(s): "
            f"it begins with {magic.hex() or 'nothing'} instead of {expected.hex()}"
        )
    sizes = file.read(4 * dimensions)
    if len(sizes) < 4 * dimensions:
        raise DataError(f"{path}: truncated in its header")
    shape = struct.unpack(f">{dimensions}I", sizes)
    if 0 in shape:
        raise DataError(f"{path}: declares {_format_shape(shape)} bytes: empty")
    return shape, 4 + len(sizes)


def _unpack(file: Readable, path: Path, shape: tuple[int, ...]) -> Array:
    """Return the elements, of which there must be exactly as many as declared.

    Raises:
        DataError: there are not.
    """
    elements = np.empty(math.prod(shape), np.uint8)  # pages are taken only as they are written
    view, filled = elements.data, 0
    while filled < len(elements):
        chunk = file.read(min(1 << 20, len(elements) - filled))
        if not chunk:
            raise DataError(f"{path}: declares {_format_shape(shape)} bytes but holds {filled:,}: truncated or damaged")
        view[filled : filled + len(chunk)] = chunk
        filled += len(chunk)
    if file.read(1):
        raise DataError(f"{path}: holds more than the {_format_shape(shape)} bytes it declares")
    return elements.reshape(shape)


def _format_shape(shape: tuple[int, ...]) -> str:
    """Return "60,000 × 28 × 28"."""
    return " × ".join(f"{n:,}" for n in shape)
