"""Ending a run on Ctrl-C, SIGTERM or SIGHUP at an instant when its state is whole.

A signal's exception may come between any two instructions, also between lines that belong together. So while a run
trains, a signal is only noted, and training asks for it between two batches.
"""

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

# SIGHUP: the terminal was closed. Windows has no such signal.
SIGNALS = (signal.SIGINT, signal.SIGTERM, *((signal.SIGHUP,) if hasattr(signal, "SIGHUP") else ()))


class Stopped(Exception):
    """The run was asked to stop; its state is what it was at the last epoch's end."""


class Terminated(BaseException):
    """SIGTERM or SIGHUP has come; a run that trained has been saved."""


def never() -> bool:
    """Say that nobody wants to stop."""
    return False


# Seconds from which on the answer of a control counts as a pause.
PAUSE = 0.01


class _WaitEnded(BaseException):
    """Raised in a control that waits when a signal comes; only ``Watch`` sees it."""


class Watch:
    """Notes signals within its context, in the main thread; in other threads only the control counts.

    Args:
        control: returns whether the caller wants to stop. It may wait before it answers; a signal ends the wait.

    Attributes:
        signal: the number of the signal that came, or None.
        leave_out: is told how many seconds the control has waited.
    """

    def __init__(self, control: Callable[[], bool] = never) -> None:
        self.signal: int | None = None
        self.leave_out: Callable[[float], None] = lambda seconds: None
        self._control = control
        self._asking = False
        self._before: dict[signal.Signals, Any] = {}

    def __call__(self) -> bool:
        """Say whether to stop."""
        if self.signal is not None or self._control is never:
            return self.signal is not None
        begun = time.perf_counter()
        try:
            try:
                self._asking = True
                wanted = self._control()
            finally:
                self._asking = False
        except _WaitEnded:
            self._asking = False
            wanted = True
        if (waited := time.perf_counter() - begun) > PAUSE:
            self.leave_out(waited)
        return wanted or self.signal is not None

    def __enter__(self) -> "Watch":
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if number in (signal.SIGINT, signal.SIGTERM) or signal.getsignal(number) != signal.SIG_IGN:  # nohup
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def raise_signal(self) -> None:
        """Raise the exception of the signal that came, if one did: KeyboardInterrupt or Terminated."""
        if self.signal == signal.SIGINT:
            raise KeyboardInterrupt
        if self.signal is not None:
            raise Terminated

    def _note(self, number: int, frame: FrameType | None) -> None:
        first, self.signal = self.signal is None, number
        if first and self._asking:  # between two batches, where nothing of the run's state is in motion
            raise _WaitEnded


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Hold back a signal that comes within the context until its end; then what handles it otherwise does so.

    It is for calls into compiled code that swallows an exception of a signal and goes on with half of what it needs.
    """
    watch = Watch()
    try:
        with watch:
            yield
    finally:
        if watch.signal is not None:
            signal.raise_signal(watch.signal)
