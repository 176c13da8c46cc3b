"""Files that are read with distrust: regular ones alone, and only where they are not too large.

A run directory may come from a stranger. A pipe in the place of a file would be waited for without end, a device reads
without end, and a file of 5 GB need not take any room on a disk: all of them are refused before they are read.
"""

import contextlib
import os
import stat
from collections.abc import Iterator
from typing import BinaryIO

# A pipe opens at once, not when somebody writes into it; what Windows would translate stays as it is.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOCTTY", 0)


@contextlib.contextmanager
def opened(path: str | os.PathLike[str], most: int | None = None) -> Iterator[BinaryIO]:
    """Open a file to read its bytes.

    Args:
        path: of the file; a link is followed.
        most: bytes that it may have; None for any number.

    Raises:
        OSError: it cannot be opened.
        ValueError: it is no regular file, or too large.
    """

    def open_regular(name: str, flags: int) -> int:
        number = os.open(name, _FLAGS)
        try:
            _size(number, most)
        except BaseException:
            os.close(number)
            raise
        return number

    with open(path, "rb", opener=open_regular) as file:
        yield file


def read_bytes(path: str | os.PathLike[str], most: int) -> bytes:
    """Return the content of a file; what is added to it meanwhile is left out.

    Raises:
        OSError, ValueError: as ``opened``.
    """
    number = os.open(path, _FLAGS)  # without a file object: of 3,000 small files that takes a third of the time
    try:
        left = _size(number, most)
        content = os.read(number, left)
        while len(content) < left and (more := os.read(number, left - len(content))):
            content += more
    finally:
        os.close(number)
    return content


def _size(number: int, most: int | None) -> int:
    """Return the size of an open file.

    Raises:
        ValueError: it is a folder, a pipe, a device or a socket, or too large.
    """
    status = os.fstat(number)
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("a folder, not a file" if stat.S_ISDIR(status.st_mode) else "not a file")
    if most is not None and status.st_size > most:
        raise ValueError(f"{status.st_size:,} bytes: allowed are at most {most:,}")
    return status.st_size
