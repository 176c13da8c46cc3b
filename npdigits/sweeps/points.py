"""A sweep: many runs in one folder, which is continued by doing it again.

It is ``run(config, folder / name)`` for every point of a grid and nothing more, so finished runs are skipped, cut-off
ones go on, failed ones are tried again, and new values are added.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from npdigits.config.identity import Canonical, canonical
from npdigits.config.schema import Config
from npdigits.runs.summary import Status, Summary

# How a run of a sweep can have ended, as it is listed; all but the first two are tried again by the same command.
STATUSES = tuple(status for status in Status if status != Status.RUNNING)


@dataclass(frozen=True)
class Point:
    """One run of a sweep.

    Attributes:
        overrides: what makes it, as typed.
        config: checked.
        identity: of the run.
        name: of its directory.
        form: brings an identity that is found in a directory into its canonical form.
    """

    overrides: tuple[str, ...]
    config: Config
    identity: dict[str, Any]
    name: str
    form: Canonical = canonical


@dataclass(frozen=True)
class Outcome:
    """How the run of a point ended.

    Attributes:
        point: which.
        status: one of ``STATUSES``.
        reason: why not finished, in one line.
        summary: of the run; None if there is none.
        before: whether it had ended before the sweep was begun.
    """

    point: Point
    status: Status
    reason: str = ""
    summary: Summary | None = None
    before: bool = False

    @property
    def val_accuracy(self) -> float | None:
        """The best epoch's validation accuracy, if the run has come so far."""
        return self.summary.val_accuracy if self.summary else None


# Does one run: (point, whether others share the machine, stop) -> how it ended.
Job = Callable[[Point, bool, Callable[[], bool]], Outcome]


def count_by_status(ended: Sequence[Outcome]) -> str:
    """Return how many ended in which way: "3 finished (2 of them before), 1 failed"."""
    parts = []
    for status in STATUSES:
        alike = [run for run in ended if run.status == status]
        before = sum(run.before for run in alike)
        if alike:
            parts.append(f"{len(alike)} {status}" + (f" ({before} before)" if before else ""))
    return ", ".join(parts)
