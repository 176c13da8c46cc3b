"""A lock file that one process holds: by flock where the file system has that, else by the file's existence.

Some file systems have no flock (Lustre without ``-o flock`` answers ENOSYS). There the one that makes the file holds
it, and its content says whose it is: the process's number and its host, in the form of filelock's soft locks, which
earlier versions of npdigits use there, so that neither takes the other's. The system does not release such a lock when
its process is killed: the next process of the same host does, as it sees that the process is gone. Whether a process
of another host lives cannot be seen.

A file system may have flock on one host and not on another. So who holds by flock writes that into the file, too.
"""

import contextlib
import errno
import os
import re
import secrets
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from npdigits.base.text import printable

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

# What flock says where there is none, and where another holds it.
NO_FLOCK = (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOLCK)
BUSY = (errno.EAGAIN, errno.EACCES)
# Seconds in which who has made a lock's file writes whose it is; one that stays empty was left by flock.
LEFT = 1.0
# Seconds that it takes to put a file back that was moved aside by mistake.
PUT_BACK = 0.1
# As often a lock may be replaced while it is taken.
ATTEMPTS = 5
FIRST_PID_NAMESPACE = 0xEFFFFFFC
_OWNER = re.compile(rb"(?P<flock>by flock: )?(?P<pid>[0-9]{1,10})\n(?P<host>[!-~]{1,255})\n([0-9]+\n)?")


class BusyError(Exception):
    """Another process holds the lock; the message says whose it is where that can be told."""


@dataclass(frozen=True)
class _Owner:
    by_flock: bool
    pid: int
    host: str

    def is_gone(self) -> bool:
        """Say whether it was a process of this host, and is no more."""
        if self.host != this_host():
            return False
        try:
            os.kill(self.pid, 0)
        except (ProcessLookupError, OverflowError):
            return True
        except OSError:  # another user's
            return False
        return False


class Lock:
    """A lock that this process holds until ``release``.

    Attributes:
        soft: whether the file's existence is the lock.
    """

    def __init__(self, path: Path, file: int, soft: bool) -> None:
        self.path, self.soft, self._file, self._parent = path, soft, file, os.getpid()
        before = os.fstat(file)
        self._times = before.st_atime_ns, before.st_mtime_ns
        self._write(f"{'' if soft else 'by flock: '}{os.getpid()}\n{this_host()}\n".encode())

    def _write(self, content: bytes) -> None:
        """Write whose it is. The lock itself does not depend on that, if it is by flock."""
        try:
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, content, 0)
        except OSError:
            if self.soft:
                self._unlink()
                os.close(self._file)
                raise

    def release(self) -> None:
        """Release it. The file of a lock by flock stays: who has it open could hold it beside the next owner."""
        if self._file < 0:
            return
        if self.soft:
            self._unlink()
        else:
            with contextlib.suppress(OSError):
                if os.fstat(self._file).st_nlink == 1:  # else it is another directory's, too
                    os.ftruncate(self._file, 0)
                    os.utime(self._file, ns=self._times)  # a directory that was looked at only has not changed
        os.close(self._file)
        self._file = -1

    def _unlink(self) -> None:
        with contextlib.suppress(OSError):  # the folder is gone
            if self._parent == os.getpid() and os.path.samestat(os.fstat(self._file), self.path.lstat()):
                self.path.unlink()


def take(path: Path) -> Lock:
    """Take a lock, without waiting.

    Raises:
        BusyError: another process holds it.
        OSError: the file cannot be made or locked.
    """
    assert fcntl is not None, "Windows has locks of its own"
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK
    for _ in range(ATTEMPTS):
        with contextlib.suppress(FileExistsError, FileNotFoundError):  # made or replaced in this instant
            try:
                file, made = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o644), True
            except FileExistsError:
                file, made = os.open(path, flags), False
            try:
                lock = _lock(path, file, made)
            except BaseException:
                os.close(file)
                raise
            if lock:
                return lock
            os.close(file)
    raise BusyError


def _lock(path: Path, file: int, made: bool) -> Lock | None:
    """Lock an open file; None if another was put in its place.

    Raises:
        BusyError, OSError: as ``take``.
    """
    assert fcntl is not None
    soft = False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in BUSY:
            raise BusyError from None
        if error.errno not in NO_FLOCK:
            raise
        soft = True
    content = os.pread(file, 1000, 0)
    owner = _read_owner(content)
    if not made and (soft or (owner and not owner.by_flock)):
        if content and (not owner or not owner.is_gone()):
            raise BusyError(_describe(path, file, owner))
        if soft:
            if not content:
                time.sleep(LEFT)
                if os.pread(file, 1000, 0):
                    return None  # and it is looked at again
            _set_aside(path, file)
            return None
    if not _is_at(path, file):
        return None
    lock = Lock(path, file, soft)
    if soft and not _is_at(path, file):
        time.sleep(PUT_BACK)  # who was about to remove a dead process's file is putting this one back
    return lock if _is_at(path, file) else None


def _is_at(path: Path, file: int) -> bool:
    """Say whether an open file is still the one of that name."""
    try:
        return os.path.samestat(os.fstat(file), path.lstat())
    except OSError:
        return False


def _set_aside(path: Path, file: int) -> None:
    """Remove a file that is nobody's lock any more; one that another process has just put there is put back."""
    aside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with contextlib.suppress(FileNotFoundError):  # another was first
        if not os.path.samestat(os.fstat(file), path.lstat()):
            return
        path.rename(aside)
        if not os.path.samestat(os.fstat(file), aside.lstat()):
            with contextlib.suppress(OSError):
                os.link(aside, path)
        aside.unlink()


def _read_owner(content: bytes) -> _Owner | None:
    found = _OWNER.fullmatch(content)
    return _Owner(bool(found["flock"]), int(found["pid"]), found["host"].decode("ascii")) if found else None


def _describe(path: Path, file: int, owner: _Owner | None) -> str:
    """Return whose lock it is, since when, and what to do if that process is gone."""
    status = os.fstat(file)
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(status.st_mtime))
    if owner is None:
        return f"{path} is a lock of unknown form, of {since}: if no process is writing here, remove it"
    host = "this host" if owner.host == this_host() else f"the host {printable(owner.host)}"
    return f"process {owner.pid} of {host}, since {since}: if it has ended, remove {path}"


def this_host() -> str:
    """Return the host's name and, in a container that numbers processes anew, which container it is."""
    name = "".join(
        c if "!" <= c <= "~" and c != "?" else "".join(f"?{b:02x}" for b in c.encode()) for c in socket.gethostname()
    )
    with contextlib.suppress(OSError):
        namespace = Path("/proc/self/ns/pid").stat().st_ino
        if namespace != FIRST_PID_NAMESPACE:
            name += f"?pidns-{namespace:x}"
    return name[:253] or "?"
