"""Files that are written whole: after a crash there is the old content or the new, never a part.

All writing goes through the five calls ``os.open``, ``os.write``, ``os.fsync``, ``os.link`` and ``os.replace``, so that
tests can make each of them fail in turn. Nothing is written through a link, nor into a file that has a second name: it
could be anybody's, or in a store that many share.
"""

import contextlib
import errno
import os
import re
import secrets
import stat
import time
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath
from typing import Any

# The name of a temporary file: its target's, and a number that nobody can guess, which earlier releases had not.
SCRATCH = re.compile(r"\.(?P<name>.+?)(\.[0-9a-f]{8})?\.tmp")
# A temporary file of this age in seconds was left by a process that ended, where no lock tells.
STRAY_AGE = 24 * 60 * 60
# Whether the system takes names relative to an open folder. Windows does not, but does not let an open folder be moved.
BY_DESCRIPTOR = {os.open, os.rename, os.link, os.mkdir, os.stat, os.unlink} <= os.supports_dir_fd
_BINARY = getattr(os, "O_BINARY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)  # as opening a pipe that nobody reads would


class Folder:
    """A folder in which files are written by their names, ``a.txt`` or ``below/a.txt``.

    Args:
        path: the folder.
        held: keep it open, where the system has that: files are then written into this folder wherever it is moved,
            and never into another that has taken its place.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(self, path: Path, held: bool = False) -> None:
        self.path = path
        self._descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY) if held and BY_DESCRIPTOR else None

    def close(self) -> None:
        """Close it, if it is held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def write_whole(self, name: str, content: bytes | str, durable: bool = True) -> None:
        """Write a file so that a crash at any instant leaves the old one or the new one.

        A temporary file in the same folder, fsync, rename over the old one, fsync of the folder where the system has
        that. Without ``durable`` neither fsync: for many small files that can be made again, whole after the process is
        killed, but not after the machine fails.

        Raises:
            OSError: the file has its old content or the new one, whole; the temporary file is gone.
        """
        scratch = _scratch(name)
        with self.writing(name, scratch):
            self._write(scratch, content.encode() if isinstance(content, str) else content, durable)
            self._replace(scratch, name)
            if durable:
                self._sync(name)

    def keep_as(self, name: str, other: str) -> None:
        """Make ``other`` the file that ``name`` is now. Writing ``name`` anew, whole, does not change ``other``.

        Raises:
            OSError: ``other`` is unchanged.
        """
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(self.status(other), self.status(name)):
                return  # renaming one of two links to the other does nothing, and would leave the temporary file
        scratch = _scratch(other)
        with self.writing(other, scratch):
            try:
                os.link(self._spot(name), self._spot(scratch), **self._dirs())
            except FileNotFoundError:
                raise
            except OSError:
                self._write(scratch, self._read(name))  # a file system without links
            self._replace(scratch, other)

    def make(self, name: str) -> None:
        """Make a folder in it, if it is not there.

        Raises:
            OSError: it cannot be made.
        """
        with self.writing(name), contextlib.suppress(FileExistsError):
            os.mkdir(self._spot(name), **self._dir())  # noqa: PTH102 – which a descriptor can be given

    def status(self, name: str, links: bool = True) -> os.stat_result:
        """Return the status of a file; of its target if it is a link and ``links`` are followed.

        Raises:
            OSError: it is not there.
        """
        return os.stat(self._spot(name), follow_symlinks=links, **self._dir())  # noqa: PTH116

    def remove_strays(self, names: Iterable[str], age: float = 0.0) -> None:
        """Remove the temporary files of these files that killed processes have left.

        Args:
            names: of the files.
            age: seconds for which a temporary file must have been unchanged. 0 is for the holder of these files' lock:
                nobody else is writing them; others must wait for ``STRAY_AGE``.
        """
        by_folder: dict[PurePath, list[str]] = {}
        for path in map(PurePath, names):
            by_folder.setdefault(path.parent, []).append(path.name)
        for folder, files in by_folder.items():
            with contextlib.suppress(OSError), os.scandir(self.path / folder) as entries:
                for entry in entries:
                    if is_stray_of(Path(entry), files) and _is_left(entry, age):
                        with contextlib.suppress(OSError):
                            os.unlink(self._spot(str(folder / entry.name)), **self._dir())

    @contextlib.contextmanager
    def writing(self, name: str, scratch: str | None = None) -> Iterator[None]:
        """Let an error name the file (a failing write does not), and remove the temporary one."""
        try:
            yield
        except OSError as error:
            error.filename, error.filename2 = str(self.path / name), None
            if scratch:
                with contextlib.suppress(OSError):
                    os.unlink(self._spot(scratch), **self._dir())
            raise

    def open_to_append(self, name: str, like: re.Pattern[bytes]) -> int:
        """Open a file to append to: a new one if there is none, a copy if it has a second name.

        Args:
            name: of the file.
            like: how a file must begin to be copied; any other is replaced by a new one. (A link can lead to private
                content, and run directories are handed on.)

        Raises:
            OSError: it cannot be opened, or is no file.
        """
        if self._has_another_name(name):
            content = b""
            with contextlib.suppress(OSError):  # leads nowhere
                content = self._read(name)
            self.write_whole(name, content if like.match(content) else b"")
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | _BINARY | _NO_LINK | _NO_WAIT
        file = os.open(self._spot(name), flags, 0o666, **self._dir())
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise OSError(errno.EINVAL, "not a file")
        return file

    def _has_another_name(self, name: str) -> bool:
        """Say whether a file is a link, or one of several to the same content."""
        try:
            status = self.status(name, links=False)
        except FileNotFoundError:
            return False
        return stat.S_ISLNK(status.st_mode) or (stat.S_ISREG(status.st_mode) and status.st_nlink > 1)

    def _read(self, name: str) -> bytes:
        """Return the content of a file, without waiting for a pipe."""
        file = os.open(self._spot(name), os.O_RDONLY | _BINARY | _NO_WAIT, **self._dir())
        with open(file, "rb") as opened:  # noqa: PTH123
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise OSError(errno.EINVAL, "not a file")
            return opened.read()

    def _write(self, name: str, content: bytes, durable: bool = True) -> None:
        """Write a file that must not exist yet."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY | _NO_LINK
        file = os.open(self._spot(name), flags, 0o666, **self._dir())
        try:
            write_all(file, content)
            if durable:
                os.fsync(file)
        finally:
            os.close(file)

    def _replace(self, name: str, other: str) -> None:
        os.replace(self._spot(name), self._spot(other), **self._dirs())  # noqa: PTH105 – one of the five calls

    def _sync(self, name: str) -> None:
        """Flush the folder of a file to the disk."""
        if hasattr(os, "O_DIRECTORY"):
            _fsync(os.open(self._spot(str(PurePath(name).parent)), os.O_RDONLY | os.O_DIRECTORY, **self._dir()))

    def _spot(self, name: str) -> str | Path:
        return self.path / name if self._descriptor is None else name

    def _dir(self) -> dict[str, Any]:
        return {} if self._descriptor is None else {"dir_fd": self._descriptor}

    def _dirs(self) -> dict[str, Any]:
        return {} if self._descriptor is None else {"src_dir_fd": self._descriptor, "dst_dir_fd": self._descriptor}


class Appended:
    """A file to which whole lines are appended, each handed to the system in one call.

    Args:
        folder, name: the file.
        like: see ``Folder.open_to_append``.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(self, folder: Folder, name: str, like: re.Pattern[bytes]) -> None:
        self._folder, self._name, self._like = folder, name, like
        with folder.writing(name):
            self._file = folder.open_to_append(name, like)

    @property
    def path(self) -> Path:
        """The file's path."""
        return self._folder.path / self._name

    def write(self, text: str) -> None:
        """Add a line.

        Raises:
            OSError: a part of it may stand there.
        """
        with self._folder.writing(self._name):
            if os.fstat(self._file).st_nlink > 1:  # it was given a second name since
                copy = self._folder.open_to_append(self._name, self._like)
                os.close(self._file)
                self._file = copy
            write_all(self._file, text.encode(errors="backslashreplace"))

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def write_whole(path: Path, content: bytes | str, durable: bool = True) -> None:
    """Write a file whole, as ``Folder.write_whole`` does."""
    Folder(path.parent).write_whole(path.name, content, durable)


def sync(path: Path) -> None:
    """Flush a file to the disk, or the names in a folder where the system has that.

    Raises:
        OSError: it is not there, or cannot be written.
    """
    if hasattr(os, "O_DIRECTORY") or path.is_file():
        _fsync(os.open(path, (os.O_RDONLY if path.is_dir() else os.O_RDWR) | _BINARY))


def _fsync(file: int) -> None:
    """Flush an open file to the disk, and close it."""
    try:
        os.fsync(file)
    finally:
        os.close(file)


def write_all(file: int, content: bytes) -> None:
    """Write all content to an open file: one call may take only a part.

    Raises:
        OSError: a part of it may stand there.
    """
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(file, rest) :]


def is_stray_of(path: Path, names: Iterable[str]) -> bool:
    """Say whether a file, by its name, is a temporary one of a file with one of these names."""
    found = SCRATCH.fullmatch(path.name)
    return found is not None and found["name"] in {PurePath(name).name for name in names}


def _is_left(entry: os.DirEntry[str], age: float) -> bool:
    """Say whether a temporary file was left: any, if ``age`` is 0; else this user's, unchanged for that long."""
    if not age:
        return not entry.is_dir(follow_symlinks=False)
    status = entry.stat(follow_symlinks=False)
    mine = not hasattr(os, "geteuid") or status.st_uid == os.geteuid()
    return mine and stat.S_ISREG(status.st_mode) and time.time() - status.st_mtime > age


def _scratch(name: str) -> str:
    path = PurePath(name)
    return str(path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp"))
