"""The runs of a race: those that a rung or a confirmation asks for, each tried again where its place failed."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from npdigits.race.fault import OWN, blame_of
from npdigits.runs.directory import give_up
from npdigits.runs.summary import Status, Summary, read_summary_if_there
from npdigits.sweeps.launcher import Do
from npdigits.sweeps.points import Outcome, Point
from npdigits.sweeps.race_progress import RaceProgress

# As often a run is tried in one launch whose process or place fails, and the seconds between two attempts.
ATTEMPTS, AGAIN = 3, 1.0


class PlaceFailed(Exception):
    """Runs cannot be had where they are to be done, though they were tried again."""

    def __init__(self, failed: Sequence[Outcome]) -> None:
        super().__init__()
        self.failed = tuple(failed)


@dataclass(frozen=True)
class Runs:
    """Does runs in a race's folder.

    Attributes:
        folder: of the race.
        do: the place, which stays open.
        stop: says whether to stop.
        progress: shows how far they are.
    """

    folder: Path
    do: Do
    stop: Callable[[], bool]
    progress: RaceProgress

    def carry_out(self, points: Sequence[Point]) -> list[Outcome]:
        """Do runs, and return those that the user's own code has failed before they left anything on disk.

        Where ``stop`` says so, it returns early.

        Raises:
            PlaceFailed: some cannot be done.
        """
        left = list({point.name: point for point in points}.values())
        self.progress.begin(len(left))
        lost: list[Outcome] = []
        for attempt in range(ATTEMPTS):
            failed = []
            for run in self.do(left):
                self._note(run)
                self.progress.ended(run)
                if _own_code_failed(run):
                    lost += [] if self.is_lost(run.point) else [run]
                elif not (run.status.ended or run.status == Status.PAUSED):
                    failed.append(run)
            if self.stop() or not failed:
                return lost
            left = [run.point for run in failed]
            if attempt + 1 < ATTEMPTS:
                self._say_again(failed)
                time.sleep(AGAIN)
        raise PlaceFailed(failed)

    def _note(self, run: Outcome) -> None:
        """Write into the summary of a run whose process is gone that it failed, as that process could not."""
        if run.status == Status.FAILED and run.summary is None:
            give_up(self.folder / run.point.name, Status.FAILED, run.reason)

    def _say_again(self, failed: Sequence[Outcome]) -> None:
        """Say that runs are tried again, and why, of several whys the first."""
        n, reason = len(failed), failed[0].reason or str(failed[0].status)
        self.progress.say(f"{n} run{'s are' if n != 1 else ' is'} tried again: {reason}")

    def is_lost(self, point: Point) -> bool:
        """Say whether the directory of a run tells that the user's own code has failed it."""
        summary = read_summary_if_there(self.folder / point.name)
        return summary is not None and _own_code_failed(summary)


def _own_code_failed(run: Outcome | Summary) -> bool:
    return run.status == Status.FAILED and blame_of(run.status, run.reason) == OWN
