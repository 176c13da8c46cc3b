"""The course of a race, followed from its begin through what lies on disk: who is in it, and what is to be run next.

A pure function of figures. Whoever asks again, anywhere, in any order, after any kill, gets the same decisions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from npdigits.race.rules import Drop, Rung


@dataclass(frozen=True)
class Job:
    """A run of a setting that is to go so far.

    Attributes:
        setting: its number.
        seed: the place of the seed among the race's, from 0.
        epochs: how many epochs the run is to have had.
    """

    setting: int
    seed: int
    epochs: int


@dataclass(frozen=True)
class Ran:
    """How far a run has come.

    Attributes:
        epochs: how many epochs it has had; a run that its stopping rule has ended counts as having come to any epoch.
        ended: whether it will not go on.
        lost: "" or why its setting loses: "diverged", "failed: …" (by its own doing).
        accuracy: validation accuracy of its best epoch (lowest validation cost) among the first ``k`` epochs:
            ``accuracy(k)``; NaN where it is lost.
    """

    epochs: int
    ended: bool
    lost: str
    accuracy: Callable[[int], float]


@dataclass(frozen=True)
class Course:
    """Where a race stands.

    Attributes:
        rung: the one that is at work, or the last one.
        alive: settings that are in it, the best first.
        dropped: the others, in the order in which they were dropped.
        jobs: what is to be run next; none where the race is over.
        used: training epochs that its runs have taken so far, by what the rungs asked for.
        figures: setting -> its latest figures, a seed each.
        seeds: how many of the race's seeds are needed for it.
    """

    rung: Rung
    alive: tuple[int, ...]
    dropped: tuple[Drop, ...]
    jobs: tuple[Job, ...]
    used: int
    figures: dict[int, tuple[float, ...]]
    seeds: int


def follow(settings: Sequence[int], epochs: int, budget: int, ran: Callable[[int, int], Ran | None]) -> Course:
    """Follow a race (of one arm) as far as its runs have come.

    Args:
        settings: their numbers.
        epochs: of a full run.
        budget: training epochs that the race may take; a rung that would take more is not begun.
        ran: (setting, place of the seed) -> how far that run has come; None where there is none.
    """
    raise NotImplementedError


def least_budget(n: int, epochs: int) -> int:
    """Return the training epochs that a race of n settings needs at least: up to the end of its first rung of seeds."""
    raise NotImplementedError
