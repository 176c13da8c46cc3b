"""Text files as streams of bytes, packed or not, with limits: a bomb, a torn end, several members of an archive."""

import bz2
import contextlib
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

from npdigits.base.bounded import opened
from npdigits.base.errors import DataError
from npdigits.base.npz import LONGEST_PIECE, Sparing
from npdigits.base.text import join_lines, printable

UNPACK: dict[bytes, Callable[..., Any]] = {b"\x1f\x8b": gzip.open, b"\xfd7zXZ\x00": lzma.open, b"BZh": bz2.open}
ZIP = b"PK\x03\x04"
# A table of digits, which is mostly zeros, packs to a tenth (gzip) or a twentieth (xz) of its size. What unpacks to
# more than so many times its own size is a bomb; small files may be the same row again and again.
MOST_TIMES = 200
ALWAYS_ALLOWED = 64 << 20
# An archive of a data set has a handful of files.
MOST_MEMBERS = 1000


@dataclass(frozen=True)
class Member:
    """A file that can be read as a stream, by itself or in an archive.

    Attributes:
        name: for people: "train.csv.gz", "digits.zip/train.csv".
        size: bytes, unpacked; None where only reading tells.
        stream: opens it. What cannot be read raises a DataError while it is read.
    """

    name: str
    size: int | None
    stream: Callable[[], contextlib.AbstractContextManager[IO[bytes]]]


def members(path: Path) -> list[Member]:
    """Return what is to be read in a file: the file itself, unpacked, or each file in a zip archive.

    Raises:
        DataError: it cannot be opened, or its directory is damaged.
    """
    with _said(str(path)):
        with opened(path) as file:
            first = file.read(8)
            size = file.seek(0, io.SEEK_END)
        if first.startswith(ZIP):
            return _members_of_zip(path, size)
    most = max(ALWAYS_ALLOWED, MOST_TIMES * size)
    for magic, unpack in UNPACK.items():
        if first.startswith(magic):
            return [Member(str(path), None, partial(_unpacked, path, unpack, most))]
    return [Member(str(path), size, partial(_plain, path))]


def _members_of_zip(path: Path, size: int) -> list[Member]:
    with opened(path) as file, zipfile.ZipFile(Sparing(file)) as archive:
        infos = [info for info in archive.infolist() if not info.is_dir() and not _is_hidden(info.filename)]
    if not infos:
        raise DataError(f"{path}: an empty archive")
    if len(infos) > MOST_MEMBERS:
        raise DataError(f"{path}: {len(infos):,} files in an archive: unpack it and name one, or the folder")
    most = max(ALWAYS_ALLOWED, MOST_TIMES * size)
    return [
        Member(f"{path}/{printable(info.filename)}", info.file_size, partial(_in_zip, path, info, most))
        for info in infos
    ]


def _is_hidden(name: str) -> bool:
    """Say whether a member is what systems add by themselves: macOS's __MACOSX, .DS_Store."""
    return name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith(".")


@contextlib.contextmanager
def _plain(path: Path) -> Iterator[IO[bytes]]:
    with contextlib.ExitStack() as stack:
        with _said(str(path)):
            file = stack.enter_context(opened(path))
        yield io.BufferedReader(_Bounded(file, str(path), None))


@contextlib.contextmanager
def _unpacked(path: Path, unpack: Callable[..., IO[bytes]], most: int) -> Iterator[IO[bytes]]:
    with contextlib.ExitStack() as stack:
        with _said(str(path)):
            file = stack.enter_context(unpack(stack.enter_context(opened(path))))
        yield io.BufferedReader(_Bounded(file, str(path), most))


@contextlib.contextmanager
def _in_zip(path: Path, info: zipfile.ZipInfo, most: int) -> Iterator[IO[bytes]]:
    place = f"{path}/{printable(info.filename)}"
    with contextlib.ExitStack() as stack:
        with _said(place):
            archive = stack.enter_context(zipfile.ZipFile(Sparing(stack.enter_context(opened(path)))))
            file = stack.enter_context(archive.open(info))
        yield io.BufferedReader(_Bounded(file, place, most))


class _Bounded(io.RawIOBase):
    """A stream that says what is wrong with a file in one line, and ends where it is larger than allowed."""

    def __init__(self, file: IO[bytes], place: str, most: int | None) -> None:
        super().__init__()
        self._file, self._place, self._most = file, place, most
        self._read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with _said(self._place):
            content = self._file.read(min(len(buffer), LONGEST_PIECE))  # as Sparing gives no more
        self._read += len(content)
        if self._most is not None and self._read > self._most:
            raise DataError(
                f"{self._place}: unpacks to more than {self._most:,} bytes, {MOST_TIMES} times its size: "
                "if that is right, unpack it first"
            )
        buffer[: len(content)] = content
        return len(content)


@contextlib.contextmanager
def _said(place: str) -> Iterator[None]:
    """Turn what opening and unpacking can raise into one line."""
    try:
        yield
    except (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, gzip.BadGzipFile) as error:
        raise DataError(f"{place}: damaged, or not whole: {join_lines(str(error))}") from error
    except NotImplementedError as error:
        raise DataError(f"{place}: packed in a way that is not read: {join_lines(str(error))}") from error
    except OSError as error:
        if error.strerror is None:  # bz2's error about a damaged file
            raise DataError(f"{place}: damaged, or not whole: {join_lines(str(error))}") from error
        raise DataError(f"{place}: cannot be read: {error.strerror}") from error
    except (ValueError, RuntimeError, OverflowError) as error:
        raise DataError(f"{place}: {join_lines(str(error))}") from error


def one_member(path: Path, found: Sequence[Member]) -> Member:
    """Return the only member of a file.

    Raises:
        DataError: it is an archive of several.
    """
    if len(found) > 1:
        raise DataError(f"{path}: {len(found)} files in an archive: unpack it and name one, or the folder")
    return found[0]
