"""A limit to the time that a learner's function may take: a loop that never ends then ends in a line that says so."""

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType


class TooLong(BaseException):
    """The time is over. No Exception, so that a learner's ``except Exception`` does not swallow it."""


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Let what stands inside take at most so many seconds by the clock, where the system has a timer for that.

    It has one on the main thread, but not on Windows; a timer that is at work already is left alone. There is no limit
    then, and whoever waits interrupts it. A single call of compiled code is interrupted when it returns.

    Raises:
        TooLong: it was still at work.
    """
    # So written, mypy reads the rest as what it is: not for Windows.
    if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGALRM)
    # None: its handler is not Python's, and could not be put back.
    if before is None or signal.getitimer(signal.ITIMER_REAL)[0]:
        yield
        return

    def ring(number: int, frame: FrameType | None) -> None:
        raise TooLong

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
