"""What a race says while it is at work: a line before each rung, and on a terminal a live line between them."""

import math
from collections.abc import Sequence

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


class RaceProgress(Progress):
    """Counts the runs of one rung after another, and how many epochs they take, from which the time left is estimated.

    Args:
        swept: the keys that are searched.
        report: prints the lines.
    """

    def __init__(self, swept: Sequence[str], report: Report) -> None:
        super().__init__(1, swept, report)
        self._epochs = 0
        self._before: dict[str, int] = {}

    def begin(self, total: int) -> None:
        """Note that so many runs are to be done next."""
        self.total = total
        self._ended.clear()

    def came_from(self, epochs: dict[str, int]) -> None:
        """Note how many epochs runs have had before they go on, by their names."""
        self._before = epochs

    def ended(self, run: Outcome) -> None:
        """Note a run's end, which a race says nothing of."""
        self._ended.append(run)
        self._last_end = self._clock.seconds()
        if run.summary and (run.status.ended or run.status == Status.PAUSED):
            self._epochs += max(0, (run.summary.epochs_run or 0) - self._before.get(run.point.name, 0))

    def seconds_for(self, epochs: int) -> str:
        """Return how long so many epochs will take, as text; "" before any has been trained here."""
        if not self._epochs:
            return ""
        seconds = self._clock.seconds() / self._epochs * epochs
        return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"

    def _time_left(self) -> str:
        return ""


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
    return f"{mean:.2%} ({low:.2%} to {high:.2%}) with {overrides}"


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
