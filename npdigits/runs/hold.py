"""A directory locked by one process, which checks before each write that the directory has not been moved or replaced.

A lock belongs to an open file, not to a path: once the directory is moved, another process can create one of the same
name and lock that. So both the directory and the lock's file are compared with those that were opened.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from npdigits.base import lock as locks
from npdigits.base.errors import HeldError, MovedError
from npdigits.base.files import Folder
from npdigits.base.lock import Lock

if TYPE_CHECKING:
    from filelock import FileLock

LOCK = ".lock"
NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


class Hold(Folder):
    """A locked directory, in which only this process writes until ``release``.

    Every write raises MovedError if the directory has been moved or replaced since it was locked.
    """

    def __init__(self, path: Path, lock: "Lock | FileLock") -> None:
        super().__init__(path, held=True)
        self._lock = lock
        self._followed = False
        self._opened = self.status(".")
        self._locked = self.status(LOCK, links=False)

    @classmethod
    def take(cls, path: Path) -> "Hold":
        """Lock an existing directory.

        Raises:
            HeldError: another process holds it.
            OSError: it cannot be locked.
        """
        path.stat()
        _replace_linked_lock(path)
        lock = _take(path)
        try:
            return cls(path, lock)
        except BaseException:
            lock.release()
            raise

    def __enter__(self) -> "Hold":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def release(self, remove: bool = False) -> None:
        """Release the lock. Its file stays: otherwise a process that had it open could hold it beside the next owner.

        Args:
            remove: remove the lock's file nevertheless, from a directory that holds something else.
        """
        if remove:
            with contextlib.suppress(OSError):  # Windows lets nobody remove a file that is open
                os.unlink(self._spot(LOCK), **self._dir())
        self._lock.release()
        self.close()

    def check(self) -> None:
        """Check that the directory and its lock's file are still those that were opened.

        Raises:
            MovedError: it is not.
            OSError: they cannot be compared.
        """
        try:
            directory = self._opened if self._followed else self.path.stat()
            locked = self.status(LOCK, links=False) if self._followed else (self.path / LOCK).lstat()
            same = os.path.samestat(directory, self._opened) and os.path.samestat(locked, self._locked)
        except OSError as error:
            if error.errno not in NOT_THERE:
                raise
            same = False
        if not same:
            raise MovedError(f"out={self.path} was moved or replaced while it was written")

    def follow(self) -> bool:
        """Write into the directory wherever it is from now on; return whether this system can do that."""
        self._followed = self._descriptor is not None
        return self._followed

    def write_if_other(self, name: str, content: bytes | str) -> None:
        """Write a file whole, unless one of this single name is there with this content.

        Raises:
            OSError: as ``write_whole``.
        """
        content = content.encode() if isinstance(content, str) else content
        with contextlib.suppress(OSError):
            there = self.status(name, links=False)
            single = stat.S_ISREG(there.st_mode) and there.st_nlink == 1
            if single and there.st_size == len(content) and self._read(name) == content:
                return
        self.write_whole(name, content)

    @contextlib.contextmanager
    def writing(self, name: str, scratch: str | None = None) -> Iterator[None]:
        """As ``Folder.writing``, with a check of the directory before and after an error.

        Raises:
            MovedError: it is not.
        """
        self.check()
        try:
            with super().writing(name, scratch):
                yield
        except OSError:
            self.check()  # MovedError says more than "no such file"
            raise


def _take(path: Path) -> "Lock | FileLock":
    """Take the lock of a directory.

    Raises:
        HeldError: another process holds it.
        OSError: it cannot be taken.
    """
    if locks.fcntl is None:
        from filelock import FileLock, Timeout

        of_windows = FileLock(path / LOCK)
        try:
            of_windows.acquire(timeout=0)
        except Timeout:
            raise _held(path) from None
        return of_windows
    try:
        return locks.take(path / LOCK)
    except locks.BusyError as error:
        raise _held(path, str(error)) from None


def _held(path: Path, whose: str = "") -> HeldError:
    return HeldError(f"out={path}: another process is writing this run{': ' * bool(whose)}{whose}")


def _replace_linked_lock(path: Path) -> None:
    """Remove a lock's file that is a link or has several names; a new one is made in its place.

    Copies made of links and content-addressed stores have such files: one lock would be shared by several directories.

    Raises:
        HeldError: another process holds it.
        OSError: it cannot be removed.
    """
    lock = path / LOCK
    try:
        status = lock.lstat()
    except FileNotFoundError:
        return
    if stat.S_ISLNK(status.st_mode):
        lock.unlink(missing_ok=True)
    elif stat.S_ISREG(status.st_mode) and status.st_nlink > 1:
        try:
            import fcntl
        except ImportError:  # Windows lets nobody remove a file that is open
            lock.unlink(missing_ok=True)
            return
        try:
            file = os.open(lock, os.O_RDWR | os.O_NOFOLLOW)
        except PermissionError:  # stores make their files read-only; network file systems want to write to lock
            file = os.open(lock, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno not in locks.NO_FLOCK:
                    raise
                return  # where the file's existence is the lock, whoever made it holds it
            if os.path.samestat(os.fstat(file), lock.lstat()):  # else another process has done it meanwhile
                lock.unlink()
        except BlockingIOError:
            raise _held(path) from None
        finally:
            os.close(file)
