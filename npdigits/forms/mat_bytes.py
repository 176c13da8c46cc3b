"""Bytes of a MATLAB 5 file, one after the other, within bounds, also of what is compressed: a piece at a time."""

import zlib
from typing import BinaryIO, Protocol

PIECE = 1 << 18


class Bytes(Protocol):
    """Bytes that are read one after the other. Both methods raise ValueError where there are too few."""

    def read(self, n: int) -> bytes:
        """Return so many, at most ``PIECE``."""

    def skip(self, n: int) -> None:
        """Pass over so many."""


class Stretch:
    """So many bytes of a file, from where it is."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._left = file, size

    def read(self, n: int) -> bytes:
        """Return so many bytes."""
        content = self._file.read(n) if n <= self._left else b""
        if len(content) < n:
            raise ValueError("torn")
        self._left -= n
        return content

    def skip(self, n: int) -> None:
        """Pass over so many bytes."""
        if n > self._left:
            raise ValueError("torn")
        self._file.seek(n, 1)
        self._left -= n


class Unpacked:
    """What so many bytes of a file are unpacked to (zlib)."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._left, self._inflate, self._ready = file, size, zlib.decompressobj(), b""

    def read(self, n: int) -> bytes:
        """Return so many bytes."""
        while len(self._ready) < n:
            more = self._more()
            if not more:
                raise ValueError("torn")
            self._ready += more
        content, self._ready = self._ready[:n], self._ready[n:]
        return content

    def skip(self, n: int) -> None:
        """Pass over so many bytes."""
        while n:
            n -= len(self.read(min(n, PIECE)))

    def end(self) -> None:
        """Go to the end, where the checksum is looked at.

        Raises:
            ValueError: there are more bytes, or the end is missing.
        """
        if self._ready or self._more() or not self._inflate.eof:
            raise ValueError("a compressed array is torn, or longer than it says")

    def _more(self) -> bytes:
        """Return the next bytes; none at the end."""
        while not self._inflate.eof:
            packed = self._inflate.unconsumed_tail
            if not packed and self._left:
                packed = self._file.read(min(self._left, PIECE))
                self._left -= len(packed) or self._left
            made = self._inflate.decompress(packed, PIECE)
            if made or not packed:
                return made
        return b""


class Bounded:
    """The next so many bytes of others.

    Attributes:
        left: bytes to come.
    """

    def __init__(self, source: Bytes, size: int) -> None:
        self._source, self.left, self._done = source, size, 0

    @property
    def passed(self) -> int:
        """Bytes that were passed, counted from the beginning of the outermost one."""
        return self._source.passed if isinstance(self._source, Bounded) else self._done

    def read(self, n: int) -> bytes:
        """Return so many bytes."""
        self._take(n)
        return self._source.read(n)

    def skip(self, n: int) -> None:
        """Pass over so many bytes."""
        self._take(n)
        self._source.skip(n)

    def _take(self, n: int) -> None:
        if n > self.left:
            raise ValueError("an array is longer than what it is in")
        self.left, self._done = self.left - n, self._done + n
