"""A point of a sweep's grid, which is one run, and the outcome of that run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from npdigits.config.identity import Canonical, canonical
from npdigits.config.schema import Config
from npdigits.runs.summary import Status, Summary


@dataclass(frozen=True)
class Point:
    """One run of a sweep.

    Attributes:
        overrides: what makes it, as typed.
        config: checked.
        identity: of the run.
        name: of its directory.
        form: brings an identity that is found in a directory into its canonical form.
        until: the epoch after which the run is to pause; None: it goes on to its end.
    """

    overrides: tuple[str, ...]
    config: Config
    identity: dict[str, Any]
    name: str
    form: Canonical = canonical
    until: int | None = None


@dataclass(frozen=True)
class Outcome:
    """How the run of a point ended.

    Attributes:
        point: which.
        status: how; a run that has not ended (``Status.ended``) is tried again by the same command.
        reason: why not finished, in one line.
        summary: of the run; None if there is none.
        before: whether it had ended before the sweep was begun.
        short_of_memory: whether it failed as there was too little memory, of which another machine may have more.
    """

    point: Point
    status: Status
    reason: str = ""
    summary: Summary | None = None
    before: bool = False
    short_of_memory: bool = False

    @property
    def val_accuracy(self) -> float | None:
        """The best epoch's validation accuracy, if the run has come so far."""
        return self.summary.val_accuracy if self.summary else None


# Does one run: (point, whether others share the machine, stop) -> how it ended.
Job = Callable[[Point, bool, Callable[[], bool]], Outcome]


def count_by_status(ended: Sequence[Outcome]) -> str:
    """Return how many ended in which way: "3 finished (2 of them before), 1 failed"."""
    parts = []
    for status in Status:
        alike = [run for run in ended if run.status == status]
        before = sum(run.before for run in alike)
        if alike:
            parts.append(f"{len(alike)} {status}" + (f" ({before} before)" if before else ""))
    return ", ".join(parts)
