"""Whose fault it is that a run's process was lost: the run's, if it happens twice and the run gets no further.

A worker's process may be killed since the run in it takes too much memory, or as its machine was switched off, cut off
or wanted for others. Nobody can tell from outside. But a run that is to blame is lost again where it was lost before.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from npdigits.base.bounded import opened
from npdigits.runs.summary import Status, read_summary_if_there
from npdigits.sweeps.points import Point

# Times that a run may be lost before it begins: its worker was gone before the run reached it.
UNBEGUN = 10

Trace = tuple[int, int, int]


@dataclass(frozen=True)
class Attempt:
    """A run that was given to a worker.

    Attributes:
        point: the run.
        address: of the worker.
        before: what changes in a run's directory once the run begins, as it was then; None where there was none yet.
    """

    point: Point
    address: str
    before: Trace | None


class Blame:
    """Remembers how far each run of a sweep had come when its process was lost.

    Args:
        folder: the sweep's.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._epochs: dict[str, int] = {}  # at the last loss
        self._unbegun = Counter[str]()

    def begin(self, point: Point, address: str) -> Attempt:
        """Return the attempt to do a run at this worker, which begins now."""
        return Attempt(point, address, self._trace(point.name))

    def lost(self, attempt: Attempt) -> bool:
        """Note that a run's process was lost; return whether the run itself is to blame."""
        name = attempt.point.name
        if self._trace(name) == attempt.before:
            self._unbegun[name] += 1
            return self._unbegun[name] >= UNBEGUN
        summary = read_summary_if_there(self._folder / name)
        if summary and summary.status in (Status.INTERRUPTED, Status.PAUSED):
            return False  # it was saved, as it was asked to be; only the word of that did not come through
        epochs = self._count_epochs(name)
        to_blame = epochs <= self._epochs.get(name, -1)
        self._epochs[name] = epochs
        return to_blame

    def _trace(self, name: str) -> Trace | None:
        try:
            status = (self._folder / name / "summary.json").stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size

    def _count_epochs(self, name: str) -> int:
        """Return how many epochs of a run have ended: metrics.csv has a line for each, and one for its header."""
        try:
            with opened(self._folder / name / "metrics.csv") as lines:
                return max(0, sum(1 for _ in lines) - 1)
        except (OSError, ValueError):  # it is not there, or a pipe in its place
            return 0
