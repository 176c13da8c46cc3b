"""An array as numpy.save writes it, read from a stream with distrust: its header first, then as much as that declares.

base/npz.py reads our own files, whose members are never packed. Here are those of others: numpy.savez_compressed packs
its members, and a header may declare what nothing can hold.
"""

import io
import warnings
from typing import IO

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.npz import LONGEST_PIECE, Declared

# Bytes of a header. Those of plain arrays have 118; Python reads them, at some 10 µs a kilobyte.
LONGEST_HEADER = 2048
NO_PICKLE = "holds Python objects, which are not read as they can execute code: save plain arrays"


class Objects(ValueError):
    """An array of Python objects, whose file is a pickle."""


def read_header(stream: IO[bytes]) -> Declared:
    """Return what the header declares; the stream is then at the first element.

    Raises:
        Objects: the elements are Python objects.
        ValueError: it is damaged.
    """
    first = _exactly(stream, 8)
    version = np.lib.format.read_magic(io.BytesIO(first))
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"an array of format {version[0]}.{version[1]}, which is not read")
    width = 2 if version == (1, 0) else 4
    length = _exactly(stream, width)
    if int.from_bytes(length, "little") > LONGEST_HEADER:
        raise ValueError("an array whose header is longer than that of numbers")
    header = io.BytesIO(length + _exactly(stream, int.from_bytes(length, "little")))
    read = np.lib.format.read_array_header_1_0 if width == 2 else np.lib.format.read_array_header_2_0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that Python 2 wrote it
            shape, in_columns, dtype = read(header, max_header_size=LONGEST_HEADER)
    except Exception as error:  # it is parsed as Python's literals, which can raise almost anything
        raise ValueError(f"a damaged header: {str(error)[:80]}") from error
    if dtype.hasobject:
        raise Objects(NO_PICKLE)
    if any(n < 0 for n in shape):
        raise ValueError(f"a shape of {shape}")
    return Declared(shape, dtype, in_columns, len(first) + len(header.getvalue()))


def read_elements(stream: IO[bytes], declared: Declared) -> Array:
    """Return the array, which has as many elements as its header declares.

    Memory is asked for at once, but the system gives it only where something is written: a stream that ends early has
    taken no more than it held.

    Raises:
        ValueError: the stream ends before, or goes on after that.
    """
    flat = np.empty(declared.size, declared.dtype)
    left = flat.view(np.uint8).data if flat.nbytes else memoryview(b"")
    while len(left):
        piece = stream.read(min(LONGEST_PIECE, len(left)))
        if not piece:
            raise ValueError(f"torn: {flat.nbytes - len(left):,} of {flat.nbytes:,} bytes are there")
        left[: len(piece)] = piece
        left = left[len(piece) :]
    if stream.read(1):  # at the end of a packed one a checksum is looked at, too
        raise ValueError("goes on after its array: allowed is one array a file")
    array: Array = flat.reshape(declared.shape, order="F" if declared.in_columns else "C")
    return array


def _exactly(stream: IO[bytes], n: int) -> bytes:
    content = stream.read(n)
    if len(content) < n:
        raise ValueError("torn in its header")
    return content
