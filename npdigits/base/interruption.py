"""Ending a run on Ctrl-C, SIGTERM or SIGHUP at an instant when its state is whole.

A signal's exception may come between any two instructions, also between lines that belong together. So while a run
trains, a signal is only noted, and training asks for it between two batches.
"""

import signal
import threading
from collections.abc import Callable
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


class Watch:
    """Notes signals within its context, in the main thread; in other threads only the caller's wish counts.

    Args:
        also: the caller's wish to stop.

    Attributes:
        signal: the number of the signal that came, or None.
    """

    def __init__(self, also: Callable[[], bool] = never) -> None:
        self.signal: int | None = None
        self._also = also
        self._before: dict[signal.Signals, Any] = {}

    def __call__(self) -> bool:
        """Say whether to stop."""
        # The control may wait; a signal that comes meanwhile counts at once.
        return self.signal is not None or self._also() or self.signal is not None

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
        self.signal = number
