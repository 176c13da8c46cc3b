"""A worker's process that is to end: the runs at work there are saved first, and go on elsewhere.

A worker ends for many reasons: its job's wall time is over, it was cancelled, its cluster has no more use for it, its
scheduler cannot be reached. Dask gives what it does then no word in the matter, so each way to the end is watched:

- SIGTERM and SIGINT, which a job system sends to all processes of a job, and which end a worker's at once;
- ``Worker.close``, by which Dask ends a worker for its own reasons.
"""

import asyncio
import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from distributed import Worker, WorkerPlugin
from distributed.core import Status

# Seconds that the runs at work get to save themselves. A nanny waits for eight after a signal, SLURM's KillWait is 30.
TO_SAVE = 6.0
# Seconds in which a worker then tells its scheduler how they ended.
TO_TELL = 1.0
# Of the plugin in each worker.
NAME = "npdigits-ending"

_ending = threading.Event()
_at_work: set[object] = set()


def is_ending() -> bool:
    """Say whether this process is to end."""
    return _ending.is_set()


@contextlib.contextmanager
def at_work() -> Iterator[None]:
    """Note that a run is at work in this process meanwhile."""
    run = object()
    _at_work.add(run)
    try:
        yield
    finally:
        _at_work.discard(run)


async def watch(worker: Worker) -> None:
    """Have the runs of this worker's process saved before it ends; done once a process."""
    if NAME in worker.plugins:
        return
    await worker.plugin_add(plugin=SaveRuns(), name=NAME)
    if threading.current_thread() is threading.main_thread():  # only there signals can be handled
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            _put_before(number, loop.call_soon_threadsafe)


class SaveRuns(WorkerPlugin):
    """Holds a worker's end up until the runs at work in its process are saved."""

    async def teardown(self, worker: Worker) -> None:
        """Wait for that, at most ``TO_SAVE`` seconds; a plugin that is only taken out waits for nothing."""
        if worker.status != Status.closing or _shares_its_process(worker):
            return
        _ending.set()
        await asyncio.to_thread(_wait_until_saved)


def _shares_its_process(worker: Worker) -> bool:
    """Say whether other workers of this process go on: a cluster may have all of them in one."""
    return any(other is not worker and other.status == Status.running for other in list(Worker._instances))


def _put_before(number: signal.Signals, call_in_main_thread: Callable[..., Any]) -> None:
    """Have the runs saved when this signal comes, before what was to be done about it is done."""
    before = signal.getsignal(number)
    if before in (signal.SIG_IGN, None):  # None: handled by other than Python's means
        return

    def go_on() -> None:
        signal.signal(number, before)
        os.kill(os.getpid(), number)

    def save_first() -> None:
        _wait_until_saved()
        time.sleep(TO_TELL)
        call_in_main_thread(go_on)

    def handle(number: int, frame: FrameType | None) -> None:
        if _ending.is_set() or not _at_work:
            _ending.set()
            go_on()
            return
        _ending.set()
        threading.Thread(target=save_first, daemon=True).start()

    signal.signal(number, handle)


def _wait_until_saved() -> None:
    """Wait until no run is at work, at most ``TO_SAVE`` seconds."""
    until = time.monotonic() + TO_SAVE
    while _at_work and time.monotonic() < until:
        time.sleep(0.02)
