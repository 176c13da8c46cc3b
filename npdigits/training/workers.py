"""Several processes that train one network together, each some of every layer's units.

Why not threads: to hand a part to a waiting Python thread takes 0.09 ms, and between NumPy's calls all threads wait
for one lock. BLAS's own threads share the products only, which are less than half of a step. Forked processes have no
lock in common, see the same memory where it was made for that (``memory.shared``), and wait for each other in
2 to 7 µs.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from npdigits.base.errors import TeamError
from npdigits.base.interruption import SIGNALS, Stopped, never

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

# Looks at a semaphore before sleeping on it: a fraction of a millisecond, longer than a usual wait.
LOOKS = 3_000
# Seconds between two looks whether the others are still there.
PATIENCE = 0.05
KILLED = "one of the processes that share this run (threads > 1) was killed"


def possible() -> bool:
    """Say whether processes can be forked here. macOS can, but its own BLAS does not survive it."""
    return sys.platform == "linux"


class Part:
    """One member's part of all work that is shared.

    Attributes:
        rank: 0 … of−1.
        of: how many members there are.
    """

    def __init__(self, rank: int = 0, of: int = 1) -> None:
        self.rank, self.of = rank, of

    def slice(self, n: int, step: int = 1) -> slice:
        """Return this part of n things, which begins at a multiple of ``step``."""
        return slice(self._edge(n, self.rank, step), self._edge(n, self.rank + 1, step))

    def _edge(self, n: int, rank: int, step: int) -> int:
        return n if rank == self.of else n * rank // self.of // step * step

    def wait(self) -> None:
        """Go on when every member has come to the same place."""


ALONE = Part()


class _Member(Part):
    """The part of one of several members; each has a semaphore that the others raise when they arrive.

    A semaphore also orders memory: what was written before it was raised is seen by whom it lets go on. One that is
    raised twice by a fast member harms nothing: to come to the next place it must have passed this one, where all were.
    """

    def __init__(self, rank: int, arrivals: list[Any], look: Callable[[], None]) -> None:
        super().__init__(rank, len(arrivals))
        self._tell = [arrival.release for other, arrival in enumerate(arrivals) if other != rank]
        self._acquire = arrivals[rank].acquire
        self._look = look

    def wait(self) -> None:
        for tell in self._tell:
            tell()
        for _ in self._tell:
            for _ in range(LOOKS):
                if self._acquire(False):
                    break
            else:
                while not self._acquire(True, PATIENCE):
                    self._look()


class Team:
    """The members, of which the first is this process itself. A context: at its end the others are gone.

    Args:
        size: how many.
        make: ``make(part)`` returns an object whose methods do that part's work; called in each member's process.
        stop: asked, while the first member waits for long, whether to end.

    Raises:
        TeamError: the system allows no more processes.
    """

    def __init__(self, size: int, make: Callable[[Part], Any], stop: Callable[[], bool] = never) -> None:
        self._others: list[tuple[int, Connection]] = []
        self._stop = stop
        if size == 1:
            self._first = make(ALONE)
            return
        from multiprocessing import get_context  # a process that works alone starts faster without it

        context = get_context("fork")
        arrivals = [context.Semaphore(0) for _ in range(size)]
        parent = os.getpid()
        for rank in range(1, size):
            ours, theirs = context.Pipe()
            with warnings.catch_warnings():
                # Python 3.12 warns of threads, as one that holds a lock is not forked with it. The only ones here are
                # BLAS's, which stops them for the fork.
                warnings.simplefilter("ignore", DeprecationWarning)
                try:
                    pid = os.fork()
                except OSError as error:
                    self.close()
                    raise TeamError(f"threads={size}: no more processes can be started: {error.strerror}") from error
            if pid == 0:
                _serve(_Member(rank, arrivals, lambda: _leave_if_orphaned(parent)), make, theirs)
            theirs.close()
            self._others.append((pid, ours))
        self._first = make(_Member(0, arrivals, self._look))

    def __enter__(self) -> Team:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def do(self, method: str, *arguments: Any) -> list[Any]:
        """Let every member do its part, and return their results in the order of their ranks.

        If anything is raised here, the other members are ended first, so that nothing moves any more.

        Raises:
            TeamError: another member failed, or was killed.
        """
        try:
            for _, connection in self._others:
                connection.send((method, arguments))
            results = [getattr(self._first, method)(*arguments)]
            for _, connection in self._others:
                results.append(_answer(connection))
        except ConnectionError as error:
            self.close()
            raise TeamError(KILLED) from error
        except BaseException:
            self.close()
            raise
        return results

    def close(self) -> None:
        """End the other members. They hold nothing that is not in this process too."""
        for pid, connection in self._others:
            connection.close()
            # A host that ignores SIGCHLD has had them waited for already.
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        self._others = []

    def _look(self) -> None:
        """Raise if another member is not coming, as it has failed or was killed, or if somebody wants to stop."""
        if self._stop():
            raise Stopped
        for pid, connection in self._others:
            if _is_gone(pid):
                _answer(connection)
                raise TeamError(KILLED)


def _is_gone(pid: int) -> bool:
    try:
        # WNOWAIT leaves its process number taken until it is waited for at the end.
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


def _answer(connection: Connection) -> Any:
    """Receive a member's result; raise if it is none."""
    try:
        answer = connection.recv()
    except EOFError:
        raise TeamError(KILLED) from None
    if isinstance(answer, _Failure):
        raise TeamError(f"a process that shares this run (threads > 1) failed: {answer.message}")
    return answer


class _Failure:
    """What a member sends instead of a result."""

    def __init__(self, message: str) -> None:
        self.message = message


def _serve(part: Part, make: Callable[[Part], Any], connection: Connection) -> None:
    """Do what is asked, as a forked process, until the first member is gone. Does not return."""
    code = 1
    try:
        # Ctrl-C goes to every process of a terminal, SIGTERM often to all of a job; the first member ends the others.
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        _close_files_but(connection.fileno())
        member = make(part)
        while True:
            method, arguments = connection.recv()
            connection.send(getattr(member, method)(*arguments))
    except (EOFError, ConnectionError):
        code = 0
    except Exception as error:
        connection.send(_Failure(f"{type(error).__name__}: {error}"))
    finally:
        os._exit(code)  # what the first process does at its end is not this one's to do


def _close_files_but(keep: int) -> None:
    """Close what was inherited: the run directory's lock and the others' pipes live as long as anyone has them open."""
    os.closerange(3, keep)
    os.closerange(keep + 1, os.sysconf("SC_OPEN_MAX"))


def _leave_if_orphaned(parent: int) -> None:
    if os.getppid() != parent:
        os._exit(1)
