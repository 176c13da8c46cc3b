"""What is remembered of the attempts at the runs of a sweep: by it the next attempt finds its place, or is not made."""

import time
from collections import Counter
from pathlib import Path

from npdigits.sweeps.blame import Attempt, Blame
from npdigits.sweeps.places import machine_of
from npdigits.sweeps.points import Point

__all__ = ["Attempt", "Tried"]


class Tried:
    """Remembers of each run how often it was given out, where it was lost or did not fit, and since when it is held.

    Args:
        folder: the sweep's.
        wait: minutes for which a run is waited for that another process holds; None: for ever.
    """

    def __init__(self, folder: Path, wait: float | None) -> None:
        self._wait = wait
        self._blame = Blame(folder)
        self._given = Counter[str]()
        self._avoided: dict[str, set[str]] = {}
        self._held_since: dict[str, float] = {}

    @property
    def any_given(self) -> bool:
        """Whether any run was given to a worker that did not refuse it."""
        return any(self._given.values())

    def begin(self, point: Point, address: str) -> Attempt:
        """Return the attempt to do a run at this worker, which begins now."""
        return self._blame.begin(point, address)

    def given(self, point: Point) -> None:
        """Note that a run was given to a worker."""
        self._given[point.name] += 1

    def refused(self, point: Point) -> None:
        """Note that the worker which a run was given to can do none."""
        self._given[point.name] -= 1

    def lost(self, attempt: Attempt) -> bool:
        """Note that a run's process was lost; return whether the run itself is to blame."""
        self.avoid(attempt.point, attempt.address)
        return self._blame.lost(attempt)

    def avoid(self, point: Point, address: str) -> None:
        """Note that a run was lost on a machine, or does not fit into its memory."""
        self._avoided.setdefault(point.name, set()).add(machine_of(address))

    def avoided(self, point: Point) -> set[str]:
        """Return the machines that a run is to avoid where there are others."""
        return self._avoided.get(point.name, set())

    def may_be_held_by_a_lost_worker(self, point: Point) -> bool:
        """Say whether a run was given out before, and is not held for longer than is to be waited for."""
        since = self._held_since.setdefault(point.name, time.monotonic())
        within = self._wait is None or time.monotonic() < since + 60 * self._wait
        return self._given[point.name] > 1 and within
