"""Workers: several processes that train one network together.

Why not threads: to hand work to a waiting Python thread takes 0.09 ms, and between NumPy's calls all threads wait
for one lock. BLAS's own threads share the products only, which are less than half of a step. Forked processes have no
lock in common, see the same memory where it was made for that (``base.arrays.shared``), and wait for each other in
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

from npdigits.base.errors import WorkersError
from npdigits.base.forked import leave_if_orphaned, leave_signals
from npdigits.base.interruption import Stopped, never

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

# Times that a semaphore is polled before sleeping on it: a fraction of a millisecond, longer than a usual wait.
POLLS = 3_000
# Seconds between two checks that the other workers are still there.
CHECK_EVERY = 0.05
KILLED = (
    "one of the processes that share this run was killed, as where memory is short: the same command goes on from the "
    "last checkpoint, and threads=1 takes one process"
)
# What a system lacks on which processes cannot wait for each other.
LACKING = "processes that share a run need semaphores in /dev/shm, and pipes"


def can_fork() -> bool:
    """Say whether processes can be forked on this system. macOS can, but its own BLAS does not survive it."""
    return sys.platform == "linux"


class Part:
    """One worker's part of all work that is shared.

    Attributes:
        rank: of the worker, 0 … workers−1.
        workers: how many there are.
    """

    def __init__(self, rank: int = 0, workers: int = 1) -> None:
        self.rank, self.workers = rank, workers

    def slice(self, n: int, step: int = 1) -> slice:
        """Return this worker's part of n things, which begins at a multiple of ``step``."""
        return slice(self._edge(n, self.rank, step), self._edge(n, self.rank + 1, step))

    def _edge(self, n: int, rank: int, step: int) -> int:
        return n if rank == self.workers else n * rank // self.workers // step * step

    def wait(self) -> None:
        """Return when every worker has come to the same place. One that works alone does not wait."""


ALONE = Part()


class _PartOfSeveral(Part):
    """The part of one of several workers; each has a semaphore that the others raise when they arrive.

    A semaphore also orders memory: what was written before it was raised is seen by the one that it lets go on. A fast
    worker that raises it twice harms nothing: to come to the next place it must have passed this one, where all were.

    Args:
        rank: of the worker.
        arrivals: the semaphore of each worker.
        check: called every ``CHECK_EVERY`` seconds of a wait; it raises to end it. A wait has no other end: however
            long the first worker takes, as when a run is paused, the others wait for it.
    """

    def __init__(self, rank: int, arrivals: list[Any], check: Callable[[], None]) -> None:
        super().__init__(rank, len(arrivals))
        self._announce = [arrival.release for other, arrival in enumerate(arrivals) if other != rank]
        self._acquire = arrivals[rank].acquire
        self._check = check

    def wait(self) -> None:
        for announce in self._announce:
            announce()
        for _ in self._announce:
            for _ in range(POLLS):
                if self._acquire(False):
                    break
            else:
                while not self._acquire(True, CHECK_EVERY):
                    self._check()


class Workers:
    """The workers, of which the first is this process itself. A context: at its end the others are gone.

    Args:
        count: how many.
        make: ``make(part)`` returns an object whose methods do that part's work. Called in each worker's process.
        stop: asked whether to end, while the first worker waits for long.

    Raises:
        WorkersError: the system allows no more processes.
    """

    def __init__(self, count: int, make: Callable[[Part], Any], stop: Callable[[], bool] = never) -> None:
        self._others: list[tuple[int, Connection]] = []
        self._stop = stop
        if count == 1:
            self._first = make(ALONE)
            return
        from multiprocessing import get_context  # a process that works alone starts faster without it

        context = get_context("fork")
        try:
            # They lie in /dev/shm, which a container may not have.
            arrivals = [context.Semaphore(0) for _ in range(count)]
            pipes = [context.Pipe() for _ in range(1, count)]
        except OSError as error:
            raise WorkersError(f"threads={count}: {LACKING}: {error.strerror}; threads=1 does without") from error
        parent = os.getpid()
        for rank, (ours, theirs) in enumerate(pipes, start=1):
            with warnings.catch_warnings():
                # Python 3.12 warns of threads, as a lock that one of them holds is never released in the fork. The
                # only ones here are BLAS's, which stops them for the fork.
                warnings.simplefilter("ignore", DeprecationWarning)
                try:
                    pid = os.fork()
                except OSError as error:
                    self.close()
                    raise WorkersError(
                        f"threads={count}: no more processes can be started: {error.strerror}"
                    ) from error
            if pid == 0:
                _serve(_PartOfSeveral(rank, arrivals, lambda: leave_if_orphaned(parent)), make, theirs)
            theirs.close()
            self._others.append((pid, ours))
        self._first = make(_PartOfSeveral(0, arrivals, self._check))

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(self, method: str, *arguments: Any) -> list[Any]:
        """Call a method of every worker's object, and return the results in the order of the ranks.

        If anything is raised here, the other workers are ended first, so that nothing of the state changes any more.

        Raises:
            WorkersError: another worker failed, or was killed.
        """
        try:
            for _, connection in self._others:
                connection.send((method, arguments))
            results = [getattr(self._first, method)(*arguments)]
            for _, connection in self._others:
                results.append(_receive_result(connection))
        except ConnectionError as error:
            self.close()
            raise WorkersError(KILLED) from error
        except BaseException:
            self.close()
            raise
        return results

    def close(self) -> None:
        """End the other workers. They hold nothing that is not in this process too."""
        for pid, connection in self._others:
            connection.close()
            # A host that ignores SIGCHLD has had them waited for already.
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        self._others = []

    def _check(self) -> None:
        """Raise if another worker is not coming, as it has failed or was killed, or if the run is to stop."""
        if self._stop():
            raise Stopped
        for pid, connection in self._others:
            if _has_ended(pid):
                _receive_result(connection)
                raise WorkersError(KILLED)


def _has_ended(pid: int) -> bool:
    try:
        # WNOWAIT keeps the process number taken until the process is waited for in ``close``.
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


def _receive_result(connection: Connection) -> Any:
    """Receive a worker's result; raise if it failed or was killed."""
    try:
        answer = connection.recv()
    except EOFError:
        raise WorkersError(KILLED) from None
    if isinstance(answer, _Failure):
        raise WorkersError(f"a process that shares this run (threads > 1) failed: {answer.message}")
    return answer


class _Failure:
    """What a worker sends instead of a result."""

    def __init__(self, message: str) -> None:
        self.message = message


def _serve(part: Part, make: Callable[[Part], Any], connection: Connection) -> None:
    """Do what is asked, as a forked process, until the first worker is gone. Does not return."""
    code = 1
    try:
        leave_signals()
        _close_files_but(connection.fileno())
        worker = make(part)
        while True:
            method, arguments = connection.recv()
            connection.send(getattr(worker, method)(*arguments))
    except (EOFError, ConnectionError):
        code = 0
    except Exception as error:
        connection.send(_Failure(f"{type(error).__name__}: {error}"))
    finally:
        os._exit(code)  # the first process's clean-up at exit must not be done here


def _close_files_but(keep: int) -> None:
    """Close inherited files: the run directory's lock and the others' pipes live as long as a process has them open."""
    os.closerange(3, keep)
    os.closerange(keep + 1, os.sysconf("SC_OPEN_MAX"))
