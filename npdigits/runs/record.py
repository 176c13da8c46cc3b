"""A run in progress: its configuration, identity, state and summary in one object."""

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from npdigits.base.clock import Stopwatch
from npdigits.config.schema import Config
from npdigits.runs.summary import Summary
from npdigits.training.state import State


@dataclass
class RunRecord:
    """One run, from the claim of its directory to its end.

    Attributes:
        path: the run directory.
        config: with paths that mean the same from every directory.
        identity: all that decides its result (``identity.identity``).
        state: the network, its optimizer and the history of epochs, trained in place.
        summary: what summary.json is to say; frozen, and replaced as the run goes on.
        until: the epoch after which it is to pause, or end.
    """

    path: Path
    config: Config
    identity: dict[str, Any]
    state: State
    summary: Summary
    until: int
    _clock: Stopwatch = field(default_factory=Stopwatch)

    def __post_init__(self) -> None:
        self._seconds_before = self.summary.seconds or 0.0  # of earlier processes

    @property
    def sizes(self) -> tuple[int, ...]:
        """The layers' sizes, from the pixels to the classes."""
        return self.state.network.parameters.sizes

    def start_clock(self) -> None:
        """Start to count the seconds of this process."""
        self._clock = Stopwatch()

    def leave_out(self, seconds: float) -> None:
        """Do not count these seconds, in which the run was paused."""
        self._clock.leave_out(seconds)

    def update(self, **changes: Any) -> None:
        """Replace these values of the summary."""
        self.summary = dataclasses.replace(self.summary, **changes)

    def update_progress(self) -> None:
        """Update the number of epochs and the seconds in the summary."""
        seconds = round(self._seconds_before + self._clock.seconds(), 3)
        self.update(epochs_run=len(self.state.history), seconds=seconds)
