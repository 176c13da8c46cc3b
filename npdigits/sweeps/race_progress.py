"""What a race says while it is at work: a line before each rung, and on a terminal a live line between them."""

import collections
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from npdigits.race.budget import confirmation_epochs, confirming_epochs, is_settled, share
from npdigits.race.course import Course
from npdigits.race.definition import Confirmation, Race
from npdigits.race.told import Told
from npdigits.runs.report import Report
from npdigits.runs.results import wilson_interval
from npdigits.runs.summary import Status
from npdigits.sweeps.points import Outcome
from npdigits.sweeps.progress import Progress

# Share of the interval of the best setting's mean.
LEVEL = 0.95
# Seconds between two lines of a stage where there is no live line.
EVERY = 30.0


@dataclass(frozen=True)
class Stage:
    """What of a race is at work.

    Attributes:
        name: "rung 3", "confirmation 1".
        epochs: training epochs that are left at its begin, at most.
        used: training epochs that the race had used then; None for a confirmation, which is no part of these.
        budget: those that it has been given.
        alive: settings that are in it.
        best: the best so far, in words; "" where nobody knows.
    """

    name: str = ""
    epochs: int = 0
    used: int | None = None
    budget: int = 0
    alive: int = 0
    best: str = ""


class RaceProgress(Progress):
    """Counts the runs of one rung after another, and how many epochs they take, from which the time left is estimated.

    Args:
        swept: the keys that are searched.
        report: prints the lines.
    """

    def __init__(self, swept: Sequence[str], report: Report) -> None:
        super().__init__(1, swept, report)
        self._epochs, self._at_begin, self._said_at = 0, 0, 0.0
        self._stage = Stage()
        self._before: dict[str, int] = {}

    def begin(self, total: int) -> None:
        """Note that so many runs are to be done next."""
        self.total = total
        self._ended.clear()

    def begin_stage(self, stage: Stage, epochs: dict[str, int]) -> None:
        """Note what is at work next, and how many epochs its runs have had before they go on, by their names."""
        self._stage, self._before = stage, epochs
        self._at_begin, self._said_at = self._epochs, self._clock.seconds()

    def ended(self, run: Outcome) -> None:
        """Note a run's end; say how far the race is, unless that was done a moment ago or the live line does."""
        self._ended.append(run)
        self._last_end = self._clock.seconds()
        if run.summary and (run.status.ended or run.status == Status.PAUSED):
            self._epochs += max(0, (run.summary.epochs_run or 0) - self._before.get(run.point.name, 0))
        if not self._live and self._last_end >= self._said_at + EVERY and len(self._ended) < self.total:
            self._said_at = self._last_end
            self.report.say(self.line())

    def line(self) -> str:
        """Return the live line: how far the stage is, who is in the race, its epochs, time left, the best so far."""
        stage, taken = self._stage, self._epochs - self._at_begin
        if not stage.name:
            return ""
        ended = collections.Counter(run.status for run in self._ended)
        failed = ended[Status.FAILED] + ended[Status.HELD]
        done = f"{stage.name}: {len(self._ended) - failed}/{self.total} runs"
        parts = [done, f"{self._at_work} at work" * bool(self._at_work), f"{failed} failed" * bool(failed)]
        if stage.used is not None:
            parts.append(f"{stage.alive} setting{'s' * (stage.alive != 1)}")
            parts.append(f"{stage.used + taken:,} of {stage.budget:,} epochs used")
        if left := self.seconds_for(max(0, stage.epochs - taken)):
            parts.append(f"at most {left} left")
        parts.append(f"best so far {stage.best}" * bool(stage.best))
        return "; ".join(filter(None, parts))

    def seconds_for(self, epochs: int) -> str:
        """Return how long so many epochs will take, as text; "" before any has been trained here."""
        if not self._epochs:
            return ""
        seconds = self._clock.seconds() / self._epochs * epochs
        return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def stage_of_rung(told: Told) -> Stage:
    """Return what the next rung is; arms stand each at its own."""
    courses = {arm: course for arm, course in told.courses.items() if course.jobs}
    numbers = {course.rung.number for course in courses.values()}
    each = [f"{arm} rung {course.rung.number}" for arm, course in courses.items()]
    best = [f"{arm}: {said}" if arm else said for arm, c in told.courses.items() if (said := describe_best(told, c))]
    return Stage(
        f"rung {numbers.pop()}" if len(numbers) == 1 else ", ".join(each),
        share(told.race) * len(told.race.arms) + confirmation_epochs(told.race) - told.used,
        told.used,
        told.race.budget,
        sum(len(course.alive) for course in told.courses.values()),
        "; ".join(best),
    )


def describe_race(race: Race, folder: Path) -> str:
    """Return the first line of a race."""
    arms = f" in {len(race.arms)} arms" if len(race.arms) > 1 else ""
    confirming = confirming_epochs(race)
    n = len(race.confirmations) + (not is_settled(race))
    of_them = f"{confirming:,} of them for {n} confirmation{'s' * (n != 1)}"
    return f"{race.wanted} settings{arms} race in {folder}: {race.budget:,} training epochs, {of_them}"


def describe_rung(told: Told, arm: str, progress: RaceProgress) -> str:
    """Return the line before a rung.

    Its epochs, settings, what is used of the budget, the best setting so far, and how long the rest may take.
    """
    course, race = told.courses[arm], told.race
    of_arm = f"{arm}: " if arm else ""
    seeds = f"{course.rung.seeds} seed{'s' * (course.rung.seeds != 1)}"
    parts = [
        f"{of_arm}rung {course.rung.number}: {seeds}, up to epoch {course.rung.epochs} of {race.epochs}",
        f"{len(course.alive)} setting{'s' * (len(course.alive) != 1)}",
        f"{told.used:,} of {race.budget:,} epochs used",
    ]
    if best := describe_best(told, course):
        parts.append(f"best so far {best}")
    if left := progress.seconds_for(race.budget - told.used):
        parts.append(f"at most {left} left")
    return "; ".join(parts)


def describe_confirmation(race: Race, confirmation: Confirmation, runs: int, progress: RaceProgress) -> str:
    """Return the line before a confirmation: who is confirmed on how many seeds, at which level, how long it takes."""
    n = len(confirmation.finalists)
    rows = f"{n} finalist{'s' * (n != 1)}{' and the reference' * (confirmation.reference is not None)}"
    seeds = f"{len(confirmation.seeds)} fresh seeds, tests at {confirmation.alpha:g}"
    parts = [f"confirmation {confirmation.number}: {rows}, {seeds}"]
    parts.append(f"{runs} run{'s' * (runs != 1)} of {race.epochs} epochs to do")
    if left := progress.seconds_for(runs * race.epochs):
        parts.append(f"at most {left} left")
    return "; ".join(parts)


def describe_best(told: Told, course: Course) -> str:
    """Return the best setting's mean with its interval, and what it is; "" before the first rung has ended."""
    if not course.alive or not (figures := course.figures.get(course.alive[0], ())):
        return ""
    mean = math.fsum(figures) / len(figures)
    if math.isnan(mean):
        return ""
    low, high = interval_of(told, course.alive[0], figures)
    overrides = " ".join(told.race.settings[course.alive[0]].overrides)
    n = len(figures)
    of = f"t over {n} seeds" if n > 1 else "of its digits, by Wilson"
    return f"{mean:.2%} (95 % interval {of}: {low:.2%} to {high:.2%}) with {overrides}"


def interval_of(told: Told, setting: int, figures: Sequence[float]) -> tuple[float, float]:
    """Return the interval of a setting's mean: Student's t over its seeds; of one seed Wilson's over its digits.

    It is of this setting alone. As the best of many it is better than it will be on other seeds.
    """
    n = len(figures)
    mean = math.fsum(figures) / n
    if n == 1:
        run = told.ledger.run(setting, 0)
        digits = (run.summary.data_sizes or {}).get("val", 0) if run else 0
        return wilson_interval(round(mean * digits), digits) if digits else (mean, mean)
    from scipy.special import stdtrit

    variance = math.fsum((x - mean) ** 2 for x in figures) / (n - 1)
    half = float(stdtrit(n - 1, (1 + LEVEL) / 2)) * math.sqrt(variance / n)
    return max(0.0, mean - half), min(1.0, mean + half)


def describe_drops(told: Told) -> list[str]:
    """Return a line for each rung after which settings were dropped: how many, and by what."""
    lines = []
    for arm, course in told.courses.items():
        of_arm = f"{arm}: " if arm else ""
        for rung in dict.fromkeys(drop.rung for drop in course.dropped):
            whys = [drop.why for drop in course.dropped if drop.rung == rung]
            kinds = {
                "by rank": sum(why.startswith("rank") for why in whys),
                "by the t test": sum(why.startswith("t =") for why in whys),
                "diverged": sum(why.startswith("diverged") for why in whys),
            }
            kinds["failed"] = len(whys) - sum(kinds.values())
            said = ", ".join(f"{n} {kind}" for kind, n in kinds.items() if n)
            lines.append(f"{of_arm}rung {rung} dropped {len(whys)}: {said}")
        lines.append(f"{of_arm}{len(course.alive)} left after rung {course.rung.number}")
    return lines
