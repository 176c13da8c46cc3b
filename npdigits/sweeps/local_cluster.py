"""A Dask cluster of this machine's own: processes that are made for a sweep, talk to each other alone, and end with it.

Whatever the user's Dask configuration says is meant for other clusters and left out. All connections are encrypted and
both ends prove themselves by a certificate that is made for this sweep: who reaches a worker's port could else have it
do anything as the user who started it. Its key goes to the workers by a pipe. In a file, which OpenSSL wants, it stands
for an instant only, in a folder that is the user's alone.
"""

import contextlib
import logging
import multiprocessing
import os
import queue
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

import dask
from distributed import Client, Nanny, Scheduler, Security, SpecCluster, Worker

from npdigits.base.clock import Stopwatch
from npdigits.base.errors import ConfigError
from npdigits.base.interruption import SIGNALS, Stopped, never
from npdigits.base.text import on_one_line

HERE = "127.0.0.1"
OFF = logging.CRITICAL + 1
# Seconds to wait until all processes have started, until their start is over where it is given up, until one connection
# stands, and until all processes have ended.
TO_START = 120.0
TO_GIVE_UP = 5.0
TO_CONNECT = 15.0
TO_END = 20.0
# Open files of the launching process beyond what it has open already, and threads of all processes: with no worker, and
# for each. Of distributed 2026.8 at most 9 and 11 files, 6 and 7 threads were seen.
FILES, FILES_A_WORKER = 24, 14
THREADS, THREADS_A_WORKER = 8, 8
# A limit on threads that is so far above what is needed is not compared with how many there are, which takes a while.
PLENTY = 4096


class _WithoutHttp:
    """A node of a cluster that serves no pages: Dask's own would be open to every user of the machine."""

    def start_http_server(self, *_: Any, **__: Any) -> None:
        """Start nothing."""


class QuietScheduler(_WithoutHttp, Scheduler):
    """The scheduler, in the launching process."""


class QuietWorker(_WithoutHttp, Worker):
    """A worker, in a process of its own."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        silence()
        super().__init__(*arguments, **options)


@contextlib.contextmanager
def made(workers: int, stop: Callable[[], bool]) -> Iterator[Client]:
    """Make a cluster of so many processes, each with one thread, and end all of them.

    Args:
        workers: how many processes.
        stop: asked while they start whether to give that up.

    Raises:
        ConfigError: it cannot be made. No process is left, and no file.
        Stopped: it was given up.
    """
    _make_room(workers)
    with contextlib.ExitStack() as stack:
        try:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="npdigits-", ignore_cleanup_errors=True))
            stack.callback(_kill, set(multiprocessing.active_children()))
            stack.enter_context(dask.config.set(_configuration(folder)))
            silence()
            security = _security()
            cluster, client = _in_a_thread(lambda: _start(workers, security), TO_START, stop, lambda both: _end(*both))
        except (ConfigError, Stopped):
            raise
        except Exception as error:
            raise ConfigError(_cannot_start(workers, error)) from error
        stack.callback(_end, cluster, client)
        yield client


def silence() -> None:
    """Let Dask, and what it stands on, log nothing: what matters is said by us."""
    for name in ("distributed", "tornado", "asyncio"):
        logging.getLogger(name).setLevel(OFF)
        for below in [one for one in logging.root.manager.loggerDict if one.startswith(f"{name}.")]:
            logging.getLogger(below).setLevel(OFF)


def _start(workers: int, security: Security) -> tuple[SpecCluster, Client]:
    """Start the processes, and connect to them."""
    common = {"host": HERE, "port": 0, "protocol": "tls://", "security": security}
    scheduler = {"cls": QuietScheduler, "options": {**common, "dashboard": False}}
    options = {
        **common,
        "worker_class": QuietWorker,
        "nthreads": 1,
        "memory_limit": 0,  # a share of the memory each would have runs killed for which there is room
        "silence_logs": OFF,
    }
    cluster = SpecCluster(
        workers={number: {"cls": Nanny, "options": options} for number in range(workers)},
        scheduler=scheduler,
        security=security,
        silence_logs=OFF,
        shutdown_on_close=False,
    )
    return cluster, Client(cluster, set_as_default=False)


def _end(cluster: SpecCluster, client: Client) -> None:
    """End the processes; how that goes decides about nothing, as all runs have ended, or were given up."""

    def close() -> None:
        client.close()
        cluster.close()

    with contextlib.suppress(Exception):
        _in_a_thread(close, TO_END)


def _kill(before: set[Any]) -> None:
    """Kill the processes that were begun since, and are still there."""
    for process in set(multiprocessing.active_children()) - before:
        process.kill()
        process.join(TO_END)


def _configuration(folder: str) -> dict[str, Any]:
    """Return Dask's configuration for such a cluster: its defaults, and what is ours, for all keys that there are."""
    values: dict[str, Any] = dask.config.merge(*dask.config.defaults)
    ours: dict[str, Any] = {
        # The run of a worker that is killed is not tried again until the sweep is.
        "distributed.scheduler.allowed-failures": 0,
        # Who was stopped (Ctrl-Z) or slept is late, and nothing else: these processes end with the first one.
        "distributed.scheduler.worker-ttl": None,
        "distributed.comm.timeouts.tcp": "1 day",
        "distributed.comm.timeouts.connect": f"{TO_CONNECT}s",
        # Looks a hundred times a second what a worker does.
        "distributed.worker.profile.enabled": False,
        "distributed.scheduler.http.routes": [],
        "distributed.worker.http.routes": [],
        "temporary-directory": folder,
    }
    dask.config.set(ours, config=values)
    # Of a key with hyphens Dask takes one with underscores for the same.
    keys = {*dask.config.config, *values}
    return {key: values.get(dask.config.canonical_name(key, values)) for key in keys}


def _security() -> Security:
    """Return a key and a certificate of its own.

    Raises:
        ConfigError: they cannot be made.
    """
    try:
        security: Security = Security.temporary()
    except ImportError as error:
        raise ConfigError(
            f"a sweep by several processes needs cryptography, which cannot be imported ({on_one_line(error)}): "
            "install it, or use workers=0"
        ) from error
    return security


def _cannot_start(workers: int, error: Exception) -> str:
    """Return the line about a cluster that could not be started, with the error that was the first one."""
    first: BaseException = error
    while inner := first.__cause__ or first.__context__:
        first = inner
    why = f"not all had after {TO_START:.0f} s" if isinstance(error, TimeoutError) else on_one_line(first)
    return f"the sweep's {workers} processes could not be started: {why}; workers=0 does without them"


def _make_room(workers: int) -> None:
    """Raise the limits of this process where they are too low for such a cluster.

    Raises:
        ConfigError: they may not be raised so far.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limits
        return
    files = _entries("/dev/fd") + FILES + FILES_A_WORKER * workers
    threads = THREADS + THREADS_A_WORKER * workers
    unfit = ""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= soft < files:  # no limit is a negative number
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
        except (OSError, ValueError):
            unfit = f"{files} open files, and {hard} are allowed (ulimit -n)"
    soft, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    if os.geteuid() and 0 <= soft < threads + PLENTY and soft < (here := threads + _threads_of_this_user()):
        try:
            resource.setrlimit(resource.RLIMIT_NPROC, (here, hard))
        except (OSError, ValueError):
            unfit = f"{here} processes and threads of its user, and {hard} are allowed (ulimit -u)"
    room = _room_in_control_group()
    if room is not None and room < threads:
        unfit = f"{threads} more processes and threads, and {room} are allowed (pids.max of its control group)"
    if unfit:
        raise ConfigError(f"a sweep with workers={workers} needs {unfit}: use fewer workers, or workers=0")


def _entries(folder: str | Path) -> int:
    """Return how many entries a folder of the system's has, if it is there."""
    try:
        return len(list(Path(folder).iterdir()))
    except OSError:
        return 0


def _threads_of_this_user() -> int:
    """Return how many threads this user has in all processes, where the system tells."""
    threads = 0
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # gone meanwhile
            threads += _entries(process / "task") if process.stat().st_uid == os.getuid() else 0
    return threads


def _room_in_control_group() -> int | None:
    """Return how many threads more this process's control group (a container's, a job's) may have, if it is limited."""
    try:
        own = Path("/proc/self/cgroup").read_text().partition("0::/")[2].partition("\n")[0]
        group = Path("/sys/fs/cgroup", own.lstrip("/"))
        return int((group / "pids.max").read_text()) - int((group / "pids.current").read_text())
    except (OSError, ValueError):  # no such groups; or "max"
        return None


def _in_a_thread(
    act: Callable[[], Any],
    seconds: float,
    stop: Callable[[], bool] = never,
    undo: Callable[[Any], None] = lambda result: None,
) -> Any:
    """Return what ``act`` returns, or raise what it raises; it is given up after so many seconds.

    Where ``stop`` says so before, it gets a little time to come to its end, and ``undo`` what it returned then: what is
    half begun as the process ends leaves semaphores behind, and Python says so.

    Ctrl-C, SIGTERM and SIGHUP come to all processes of a group, and are the launching process's main thread's to
    handle: the threads and processes that are begun here have them blocked for good, also those that are begun later in
    the place of killed ones.

    Raises:
        TimeoutError: it has not ended by then.
        Stopped: ``stop`` said so before.
    """
    ended: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()

    def do() -> None:
        try:
            ended.put((act(), None))
        except BaseException as error:
            ended.put((None, error))

    clock = Stopwatch()
    with _signals_blocked():
        threading.Thread(target=do, daemon=True).start()
    while True:
        try:
            result, error = ended.get(timeout=0.1)
        except queue.Empty:
            if stop():
                with contextlib.suppress(queue.Empty):
                    result, error = ended.get(timeout=TO_GIVE_UP)
                    if error is None:
                        undo(result)
                raise Stopped from None
            if clock.seconds() > seconds:
                raise TimeoutError from None
            continue
        if error:
            raise error
        return result


@contextlib.contextmanager
def _signals_blocked() -> Iterator[None]:
    """Block them; one that comes meanwhile waits."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # else it is started by one of those threads, which lets signals in again then
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
