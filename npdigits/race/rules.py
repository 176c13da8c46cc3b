"""The rules of a race: its rungs, and who is dropped after each. Plain functions of numbers; nothing is read or drawn.

The rules are a heuristic: they spend epochs where they tell most, and claim nothing. What is claimed comes from the
confirmation, on seeds that the race never saw.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Rung:
    """One step of a race: every setting that is still in it gets so far, then some are dropped.

    Attributes:
        number: from 1.
        seeds: how many of the race's seeds each setting has had after it.
        epochs: how far the run of the newest seed goes.
        most: how many settings are left after it at most.
        rule: "rank" or "t".
    """

    number: int
    seeds: int
    epochs: int
    most: int
    rule: str


@dataclass(frozen=True)
class Drop:
    """Why a setting is out.

    Attributes:
        setting: its number.
        rung: after which.
        why: in words: "rank 45 of 64 after 4 epochs (38 stay)", "t = −3.1, p = 0.002 over 5 seeds", "diverged".
    """

    setting: int
    rung: int
    why: str


def rungs(n: int, epochs: int) -> Iterator[Rung]:
    """Yield the rungs of a race of n settings, without end; they do not depend on the budget, so a race can go on."""
    raise NotImplementedError


def drop_after(rung: Rung, figures: Mapping[int, Sequence[float]]) -> tuple[Drop, ...]:
    """Return who is dropped after a rung.

    Args:
        rung: which.
        figures: setting -> its validation accuracies, a seed each in the race's order, the newest last; NaN where a run
            diverged or failed by its own doing, which loses.
    """
    raise NotImplementedError


def rank(figures: Mapping[int, Sequence[float]]) -> tuple[int, ...]:
    """Return the settings, the best first; ties by their numbers."""
    raise NotImplementedError


def describe() -> dict[str, Any]:
    """Return the numbers of the rules, for race.json and the documentation."""
    raise NotImplementedError
