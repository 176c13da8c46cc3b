"""A process that draws a run's plots: it imports matplotlib while the run trains, and draws once the run has ended.

It reads the run directory's files and writes none: it sends the pictures, and the process that holds the directory
writes each while the next is drawn. Whatever goes wrong there, the plots can still be drawn here.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from npdigits.base.cores import cores
from npdigits.base.files import Folder
from npdigits.base.forked import close_files_but, leave_if_orphaned, leave_signals
from npdigits.training.team import hindrance

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

# Seconds of a run after which matplotlib is imported. Shorter runs have drawn their plots sooner without.
START_AFTER = 0.5
# Of the import, as os.nice() has it: it takes a tenth of a core that others want. With less it would not be ready when
# a run of seconds ends, and what it takes is saved there.
NICE = 10
# With fewer processes and threads of this user allowed (ulimit -u), none of them is taken for that.
LEAST_PROCESSES = 64
# Seconds between two looks whether the run's process is still there.
CHECK_EVERY = 1.0


class _NotDrawn(Exception):
    """The process could not draw all plots."""


class Drawing:
    """The process, once it is started. A context: at its end the process is gone.

    Args:
        path: the run directory.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pid = 0
        self._connections: list[Connection] = []

    def __enter__(self) -> Drawing:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start it, where that can be done and pays.

        Call it where signals are only noted: an exception that came in the new process would unwind it as if it were
        this one.
        """
        if not _pays():
            return
        from multiprocessing.connection import Pipe

        parent = os.getpid()
        # With too many files or processes the plots are drawn here.
        with contextlib.suppress(OSError), contextlib.ExitStack() as unneeded, warnings.catch_warnings():
            # Python 3.12 warns of threads. The only ones here are BLAS's, which stops them for the fork.
            warnings.simplefilter("ignore", DeprecationWarning)
            with contextlib.ExitStack() as needed:
                pipes = [Pipe() for _ in range(2)]
                for ours, theirs in pipes:
                    needed.enter_context(ours)
                    unneeded.enter_context(theirs)
                pid = os.fork()
                if pid == 0:
                    _serve(self._path, [theirs for _, theirs in pipes], parent)
                needed.pop_all()
            self._pid, self._connections = pid, [ours for ours, _ in pipes]

    def draw(self, folder: Folder) -> bool:
        """Have the plots drawn, and write them; return whether the process could draw them all.

        Args:
            folder: the run directory.

        Raises:
            RunDirError: it cannot be written.
        """
        if not self._connections:
            return False
        from npdigits.runs import plots

        try:
            plots.write(self._path, folder, self._pictures())
        except _NotDrawn:
            return False
        return True

    def _pictures(self) -> Iterator[tuple[str, bytes]]:
        """Yield the name and the PNG of each plot as they come.

        Raises:
            _NotDrawn: the process is not ready, or has failed.
        """
        first, _ = self._connections
        try:
            first.send(None)
            for connection in self._connections:
                while (picture := connection.recv()) is not None:
                    yield picture
            with contextlib.suppress(EOFError):
                first.recv()  # until it has ended, once its own child has
        except (EOFError, OSError) as error:
            raise _NotDrawn from error

    def close(self) -> None:
        """End the process, which holds nothing."""
        if not self._connections:
            return
        for connection in self._connections:
            connection.close()
        self._connections = []
        # A host that ignores SIGCHLD has had it waited for already.
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)


def _pays() -> bool:
    """Say whether a process can be forked here, and has a core for itself."""
    return not hindrance() and cores() > 1 and _has_room()


def _has_room() -> bool:
    """Say whether this user may have more than a few processes: BLAS starts its threads anew after a fork."""
    import resource  # which Windows lacks

    allowed = resource.getrlimit(resource.RLIMIT_NPROC)[0]
    return allowed == resource.RLIM_INFINITY or allowed >= LEAST_PROCESSES


def _serve(path: Path, connections: list[Connection], parent: int) -> NoReturn:
    """Draw when told to, as a forked process. Does not return."""
    code = 1
    try:
        leave_signals()
        close_files_but(*(connection.fileno() for connection in connections))
        gc.freeze()  # what the parent left to be collected may own files, whose numbers are used anew here
        if _is_ready_when_told(connections[0], parent):
            _draw_by_two(path, *connections)
        code = 0
    finally:
        os._exit(code)  # the parent's clean-up at exit must not be done here; it is the parent that reports errors


def _is_ready_when_told(connection: Connection, parent: int) -> bool:
    """Import matplotlib after a while, and wait to be told to draw; say whether all is ready then."""
    if connection.poll(START_AFTER):
        return False
    preparing = threading.Thread(target=_prepare, daemon=True)
    preparing.start()
    while not connection.poll(CHECK_EVERY):
        leave_if_orphaned(parent)
    connection.recv()
    return not preparing.is_alive()


def _prepare() -> None:
    """Have all ready that drawing needs: modules, fonts. Linux counts the priority of each thread by itself."""
    os.nice(NICE)
    from npdigits.base import canvas

    with contextlib.suppress(Exception), canvas.defaults():
        figure, axes = canvas.titled("Nothing")
        axes.plot([1, 2], label="nothing")
        axes.legend()
        canvas.png(figure)


def _draw_by_two(path: Path, first: Connection, second: Connection) -> None:
    """Draw the plots together with another process, as the run's own has nothing to do meanwhile."""
    from npdigits.runs import plots
    from npdigits.runs.run_files import RunFiles

    run = RunFiles(path)
    names = run.names
    half, this = (len(names) + 1) // 2, os.getpid()
    gc.freeze()  # a collection would write to all objects, whose memory is then copied
    pid = os.fork()
    # That a process has ended is seen once nobody else has its connection open.
    (first if pid == 0 else second).close()
    for picture in plots.render(run, names[half:] if pid == 0 else names[:half]):
        (second if pid == 0 else first).send(picture)
        if pid == 0:
            leave_if_orphaned(this)
    (second if pid == 0 else first).send(None)
    if pid:
        os.waitpid(pid, 0)
