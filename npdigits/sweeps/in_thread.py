"""Waiting for a thread: a call that may hang is made there, and can be given up."""

import contextlib
import queue
import signal
import threading
from collections.abc import Callable, Iterator
from multiprocessing import resource_tracker
from typing import Any

from npdigits.base.clock import Stopwatch
from npdigits.base.interruption import SIGNALS, Stopped, never

# Seconds that a function gets to end where it is given up.
TO_GIVE_UP = 5.0


def call_in_thread(
    function: Callable[[], Any],
    seconds: float,
    stop: Callable[[], bool] = never,
    undo: Callable[[Any], None] = lambda result: None,
) -> Any:
    """Return what ``function`` returns, or raise what it raises; give it up after so many seconds.

    Where ``stop`` returns True before, the function gets ``TO_GIVE_UP`` seconds to end, and ``undo`` gets its result.
    If the process ended while the function were half done, semaphores would be left behind, and Python would warn.

    Raises:
        TimeoutError: the function has not ended by then.
        Stopped: ``stop`` returned True before.
    """
    # No SimpleQueue: before Python 3.13 its get waits on without end where a signal's handler outlasts the timeout.
    ended: queue.Queue[tuple[Any, BaseException | None]] = queue.Queue()

    def call() -> None:
        try:
            ended.put((function(), None))
        except BaseException as error:
            ended.put((None, error))

    clock = Stopwatch()
    begin_in_thread(call)
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


def begin_in_thread(function: Callable[[], None]) -> None:
    """Call ``function`` in a thread of its own, which ends with the process.

    Ctrl-C, SIGTERM and SIGHUP come to all processes of a group, but are for the launching process's main thread to
    handle. So all threads and processes that are started here have them blocked for good, also those that are started
    later in the place of killed ones.
    """
    with _block_signals():
        threading.Thread(target=function, daemon=True).start()


@contextlib.contextmanager
def _block_signals() -> Iterator[None]:
    """Block the signals that end a run; one that comes meanwhile is handled afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # else it is started by one of those threads, which lets signals in again then
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
