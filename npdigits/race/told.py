"""A race as it lies on disk, told again from its begin: for its table, its picture and its page."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from npdigits.race.budget import confirming_epochs, settings_of_arm, share
from npdigits.race.course import Course, follow, least_from
from npdigits.race.definition import Race, read_race
from npdigits.race.ledger import Ledger


@dataclass(frozen=True)
class Told:
    """A race, and where it stands.

    Attributes:
        folder: of the race.
        race: its definition.
        ledger: its runs.
        courses: of each arm where it stands.
    """

    folder: Path
    race: Race
    ledger: Ledger
    courses: Mapping[str, Course]

    @property
    def used(self) -> int:
        """Training epochs that the race has taken so far, in all arms, without its confirmations.

        Those of runs that no rung asks for (any more) are among them.
        """
        return sum(course.used for course in self.courses.values())


def tell(folder: Path) -> Told:
    """Tell a race.

    Raises:
        RunDirError: it cannot be read.
    """
    race = read_race(folder)
    ledger = Ledger(folder, race)
    return Told(folder, race, ledger, {arm: _follow_arm(race, ledger, arm) for arm in race.arms})


def _numbers(race: Race, arm: str) -> list[int]:
    """Return the numbers of an arm's settings, those that a sampler has still to propose among them."""
    here = [setting.number for setting in race.settings_of(arm)]
    known = len(race.settings)
    return [*here, *range(known, known + settings_of_arm(race, arm) - len(here))]


def _follow_arm(race: Race, ledger: Ledger, arm: str) -> Course:
    """Follow one arm. Settings that a sampler has still to propose are in it, and have not run: no rung ends so."""
    numbers, known = _numbers(race, arm), len(race.settings)
    course = follow(numbers, race.epochs, share(race), ledger.ran, ledger.had(arm), race.finalists)
    if max(numbers, default=0) < known:
        return course
    return replace(
        course,
        alive=tuple(number for number in course.alive if number < known),
        jobs=tuple(job for job in course.jobs if job.setting < known),
        figures={number: figures for number, figures in course.figures.items() if number < known},
    )


def least_of(folder: Path, race: Race) -> int:
    """Return the smallest budget with which a race goes on from what lies in its folder, with its confirmations."""
    ledger = Ledger(folder, race)
    arms = [
        least_from(_numbers(race, arm), race.epochs, ledger.ran, ledger.had(arm), race.finalists) for arm in race.arms
    ]
    return max(arms) * len(arms) + confirming_epochs(race)
