"""What happens to a run, told to whoever wants to know: it has begun, an epoch has ended, it has ended or is paused.

The terminal's report is one listener; a live page or an experiment tracker is another, and needs no edit of ``run``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from npdigits.base.text import on_one_line

if TYPE_CHECKING:
    from npdigits.runs.record import RunRecord
    from npdigits.training.state import Epoch


class Listener:
    """Is told what happens to a run, and must not change it. A subclass defines the events that it wants to know.

    The run goes on when the call returns; the time until then counts as the run's. An exception of a listener becomes
    one warning, and the listener is told nothing more: it never costs the run. Only a KeyboardInterrupt that
    it raises passes through. Nothing is told of a run that had ended before.
    """

    def begun(self, run: RunRecord) -> None:
        """The first epoch, or the next one of a run that goes on, is about to begin."""

    def epoch_ended(self, run: RunRecord, epoch: Epoch) -> None:
        """An epoch has ended; its row is in metrics.csv, and a checkpoint was written if one was due."""

    def ended(self, run: RunRecord) -> None:
        """The run has ended, or is paused, as ``run.summary.status`` says; its files are written.

        The plots of a run that has ended are drawn.
        """


class Listeners(Listener):
    """Tells several listeners, in this order.

    Args:
        listeners: who is told.
        warn: is told in one line when a listener has failed.
    """

    def __init__(self, listeners: Sequence[Listener], warn: Callable[[str], None]) -> None:
        self._listeners = list(listeners)
        self._warn = warn

    def begun(self, run: RunRecord) -> None:
        self._tell("begun", run)

    def epoch_ended(self, run: RunRecord, epoch: Epoch) -> None:
        self._tell("epoch_ended", run, epoch)

    def ended(self, run: RunRecord) -> None:
        self._tell("ended", run)

    def _tell(self, event: str, *arguments: Any) -> None:
        willing = []
        for listener in self._listeners:
            try:
                getattr(listener, event)(*arguments)
            except (Exception, SystemExit) as error:  # whatever a listener of somebody else raises
                self._warn(f"{type(listener).__name__} failed and is told nothing more: {on_one_line(error)}")
            else:
                willing.append(listener)
        self._listeners = willing
