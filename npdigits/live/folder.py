"""A folder that was found, and its files: read as what they are, never through a link.

What is shown to a browser comes from the folders that were named, so a link in them must not lead elsewhere: neither
a file's, nor that of a folder which is replaced by a link after it was found.
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

# A pipe opens at once, not when somebody writes into it; a link does not open.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
_HELD = os.open in os.supports_dir_fd and os.stat in os.supports_dir_fd


class GoneError(Exception):
    """The folder is not the one that was found."""


@dataclass(frozen=True)
class Place:
    """A folder as it was found.

    Attributes:
        path: of the folder.
        device, inode: which folder it was.
    """

    path: Path
    device: int
    inode: int


@dataclass(frozen=True)
class Mark:
    """What tells that a file has changed: which file it is, its size, and when it was written.

    Attributes:
        inode, size: of the file.
        written: in nanoseconds since 1970.
    """

    inode: int
    size: int
    written: int


class Opened:
    """A folder held open, so that all of its files are of one folder.

    Raises:
        GoneError: it is another folder than the one that was found, or none.
    """

    def __init__(self, place: Place) -> None:
        self._path = place.path
        self._number: int | None = None
        try:
            if _HELD:
                self._number = os.open(place.path, _FOLDER)
                found = os.fstat(self._number)
            else:  # Windows
                found = place.path.lstat()
        except OSError as error:
            raise GoneError(f"{place.path}: {error.strerror}") from error
        if (found.st_dev, found.st_ino) != (place.device, place.inode):
            self.close()
            raise GoneError(f"{place.path}: another folder by now")

    def __enter__(self) -> "Opened":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the folder."""
        if self._number is not None:
            os.close(self._number)
            self._number = None

    def mark(self, name: str) -> Mark | None:
        """Return the mark of a regular file; None where there is none of this name.

        Raises:
            ValueError: there is something else.
        """
        try:
            found = self._status(name)
        except OSError:
            return None
        _refuse_others(name, found)
        return Mark(found.st_ino, found.st_size, found.st_mtime_ns)

    def read(self, name: str, most: int, begin: int = 0, cut: bool = False) -> bytes:
        """Return the content of a regular file.

        Args:
            name: of the file.
            most: bytes that may be read.
            begin: bytes to pass over.
            cut: return no more than ``most`` of a file that is larger, instead of refusing it.

        Raises:
            OSError: it cannot be opened.
            ValueError: it is no regular file, or too large.
        """
        if self._number is None:
            _refuse_others(name, self._status(name))  # where O_NOFOLLOW has no meaning
        number = os.open(self._name(name), _FLAGS, **self._dir())
        try:
            found = os.fstat(number)
            _refuse_others(name, found)
            size = found.st_size - begin
            if size > most and not cut:
                raise ValueError(f"{name}: {size:,} bytes: allowed are at most {most:,}")
            if begin:
                os.lseek(number, begin, os.SEEK_SET)
            return _read(number, max(0, min(size, most)))
        finally:
            os.close(number)

    def _status(self, name: str) -> os.stat_result:
        return os.stat(self._name(name), follow_symlinks=False, **self._dir())  # noqa: PTH116 – Path has no dir_fd

    def _name(self, name: str) -> str:
        return name if self._number is not None else os.path.join(self._path, name)  # noqa: PTH118

    def _dir(self) -> dict[str, int]:
        return {} if self._number is None else {"dir_fd": self._number}


def _read(number: int, size: int) -> bytes:
    content = os.read(number, size)
    while len(content) < size and (more := os.read(number, size - len(content))):
        content += more
    return content


def _refuse_others(name: str, found: os.stat_result) -> None:
    """Refuse what is no regular file.

    Raises:
        ValueError: it is none.
    """
    if stat.S_ISLNK(found.st_mode):
        raise ValueError(f"{name} is a link, and no link is followed")
    if not stat.S_ISREG(found.st_mode):
        raise ValueError(f"{name} is no file")
