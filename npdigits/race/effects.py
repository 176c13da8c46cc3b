"""Main effects and pairs as they were seen: mean figures by value, or by part of an interval. Nothing is modelled."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from npdigits.base.arrays import Array
from npdigits.race.places import Placed, Side


@dataclass(frozen=True)
class Level:
    """The settings with one value of a key.

    Attributes:
        text: the value, or the part of the interval.
        figures: of those that were not lost.
        mean: of these; NaN of none.
        half: half the 95 % t interval of the mean; None of fewer than two.
        lost: how many were lost.
    """

    text: str
    figures: tuple[float, ...]
    mean: float
    half: float | None
    lost: int


@dataclass(frozen=True)
class Effect:
    """The main effect of a key.

    Attributes:
        key: which.
        levels: in order. Settings that do not read the key are in none.
        ordered: whether the values have an order.
    """

    key: str
    levels: tuple[Level, ...]
    ordered: bool


@dataclass(frozen=True)
class Crossing:
    """The mean figures over two keys.

    Attributes:
        keys: which, the first down and the second across.
        downs, tops: their values.
        cells: of each value of the first a list with a level for each of the second.
    """

    keys: tuple[str, str]
    downs: tuple[str, ...]
    tops: tuple[str, ...]
    cells: tuple[tuple[Level, ...], ...]


def main_effects(placed: Placed, figures: Array) -> tuple[Effect, ...]:
    """Return the main effect of each key."""
    return tuple(
        Effect(side.key, tuple(_levels(side, placed.bins[:, j], figures)), side.ordered)
        for j, side in enumerate(placed.sides)
    )


def crossing(placed: Placed, figures: Array, keys: Sequence[str]) -> Crossing:
    """Return the mean figures over two keys."""
    names = [side.key for side in placed.sides]
    first, second = (names.index(key) for key in keys)
    down, across = placed.sides[first], placed.sides[second]
    cells = []
    for k in range(len(down.names)):
        chosen = placed.bins[:, first] == k
        cells.append(tuple(_levels(across, placed.bins[chosen, second], figures[chosen])))
    return Crossing((down.key, across.key), down.names, across.names, tuple(cells))


def _levels(side: Side, bins: Array, figures: Array) -> list[Level]:
    return [_level(text, figures[bins == k]) for k, text in enumerate(side.names)]


def _level(text: str, figures: Array) -> Level:
    known = figures[~np.isnan(figures)]
    mean = float(known.mean()) if len(known) else math.nan
    return Level(text, tuple(map(float, known)), mean, _half(known), len(figures) - len(known))


def _half(figures: Array) -> float | None:
    """Return half the 95 % t interval of a mean."""
    from scipy.stats import t

    n = len(figures)
    return None if n < 2 else float(t.ppf(0.975, n - 1) * figures.std(ddof=1) / math.sqrt(n))
