"""The settings of a race as points of a box with a side for each key that is searched: where a value lies on its side.

A value lies where its share of the space does: the space is uniform over the box. So a mean over the box is a mean over
the settings that may be drawn.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from npdigits.base.arrays import Array
from npdigits.config.axes import Axis

# A side with more values in order is looked at in LEVELS equal parts, and with more than NAMED of them its main effect
# in BINS parts. A key with more than LEVELS values without order is no side: too few settings would have each.
LEVELS, NAMED, BINS = 24, 8, 4
# The signs that Hydra knows before a key say how it is set, not which it is.
OVERRIDE = re.compile(r"[+~]*([^=]+)=(.*)", re.DOTALL)


@dataclass(frozen=True)
class Side:
    """A side of the box: a key that is searched.

    Attributes:
        key: its name.
        axis: what it may be.
        values: the texts of its values in order; empty for an interval.
        levels: coordinates of places on it, each for an equal share of the space, (levels, columns): what has an order
            has one column, from 0 to 1; categories have a column of 0 and 1 for each, and two of them have one.
        names: of the levels of its main effect, values or parts.
        ordered: whether they have an order.
    """

    key: str
    axis: Axis
    values: tuple[str, ...]
    levels: Array
    names: tuple[str, ...]
    ordered: bool

    def level_of(self, text: str) -> tuple[Array, int] | None:
        """Return the coordinates of a value, and its level of the main effect; None: it is not on this side."""
        if not self.values:
            number = _number(text)
            place = math.nan if number is None else _place(number, self.axis)
            return (np.array([place]), min(int(place * BINS), BINS - 1)) if 0 <= place <= 1 else None
        index = _index(text, self.values)
        if index is None:
            return None
        many = len(self.values)
        level = index if len(self.names) == many else index * BINS // many
        return (np.array([index / (many - 1)]) if self.ordered else self.levels[index]), level


@dataclass(frozen=True)
class Placed:
    """Settings of an arm in its box.

    Attributes:
        sides: of the box.
        points: coordinates of the settings, for each side an array (settings, columns); NaN where they do not read it.
        bins: level of the main effect, (settings, sides); −1 where they do not read it.
    """

    sides: tuple[Side, ...]
    points: tuple[Array, ...]
    bins: Array

    def take(self, rows: Sequence[int] | Array) -> "Placed":
        """Return some of the settings."""
        chosen = np.asarray(rows, int)
        return Placed(self.sides, tuple(points[chosen] for points in self.points), self.bins[chosen])


def sides_of(axes: Sequence[Axis]) -> tuple[Side, ...]:
    """Return the sides of a space's box; a key with a single value, or with too many that have no order, is none."""
    sides = (_side(axis) for axis in axes)
    return tuple(side for side in sides if len(side.levels) > 1 and not _is_too_long(side))


def untold(axes: Sequence[Axis], keys: Iterable[str]) -> tuple[str, ...]:
    """Return those keys of a space that have no side, but for those with a single value."""
    told = {axis.key for axis in axes if not _is_too_long(_side(axis))}
    return tuple(key for key in keys if key not in told)


def _is_too_long(side: Side) -> bool:
    return not side.ordered and len(side.values) > LEVELS


def place(sides: Sequence[Side], settings: Sequence[Sequence[str]]) -> tuple[Placed, tuple[int, ...]]:
    """Return where settings lie, and the indices of those that do: not of one with a value that is on no side.

    Args:
        sides: of the box.
        settings: the overrides of each.
    """
    rows: list[list[tuple[Array, int]]] = []
    inside = []
    for index, overrides in enumerate(settings):
        values = values_of(overrides)
        found = [side.level_of(values[side.key]) if side.key in values else _unread(side) for side in sides]
        known = [level for level in found if level is not None]
        if len(known) == len(found):
            rows.append(known)
            inside.append(index)
    points = tuple(
        np.array([row[j][0] for row in rows]).reshape(len(rows), side.levels.shape[1]) for j, side in enumerate(sides)
    )
    bins = np.array([[level for _, level in row] for row in rows], int).reshape(len(rows), len(sides))
    return Placed(tuple(sides), points, bins), tuple(inside)


def values_of(overrides: Sequence[str]) -> dict[str, str]:
    """Return key -> value, as text, of overrides."""
    found = (OVERRIDE.fullmatch(override) for override in overrides)
    return {match[1]: match[2] for match in found if match}


def _unread(side: Side) -> tuple[Array, int]:
    return np.full(side.levels.shape[1], np.nan), -1


def _side(axis: Axis) -> Side:
    if not axis.values:
        edges = [_value(k / BINS, axis) for k in range(BINS + 1)]
        parts = tuple(f"{low:.3g}–{high:.3g}" for low, high in pairwise(edges))
        if not axis.whole or axis.log or axis.high - axis.low >= LEVELS:
            return Side(axis.key, axis, (), _middles(), parts, ordered=True)
        numbers = range(int(axis.low), int(axis.high) + 1)
        return _of_values(axis, [str(number) for number in numbers])
    if all(isinstance(value, int | float) and not isinstance(value, bool) for _, value in axis.values):
        order = sorted(range(len(axis.values)), key=lambda k: axis.values[k][1])
        return _of_values(axis, [axis.values[k][0] for k in order])
    texts = tuple(text for text, _ in axis.values)
    levels = np.eye(len(texts))[:, 1:] if len(texts) == 2 else np.eye(min(len(texts), LEVELS + 1))
    return Side(axis.key, axis, texts, levels, texts, ordered=False)


def _of_values(axis: Axis, texts: Sequence[str]) -> Side:
    """Return the side of values in order."""
    many = len(texts)
    levels = np.linspace(0, 1, many)[:, None] if many <= LEVELS else _middles()
    names = tuple(texts)
    if many > NAMED:
        parts = [[k for k in range(many) if k * BINS // many == part] for part in range(BINS)]
        names = tuple(f"{texts[part[0]]}–{texts[part[-1]]}" for part in parts)
    return Side(axis.key, axis, tuple(texts), levels, names, ordered=True)


def _middles() -> Array:
    """Return the middles of equal parts of a side."""
    return ((np.arange(LEVELS) + 0.5) / LEVELS)[:, None]


def _ends(axis: Axis) -> tuple[float, float]:
    """Return the ends of an interval, on whose scale it is even; a whole number has half a unit to either side."""
    low, high = (axis.low - 0.5, axis.high + 0.5) if axis.whole else (axis.low, axis.high)
    return (math.log(low), math.log(high)) if axis.log else (low, high)


def _value(place: float, axis: Axis) -> float:
    """Return the number at a place from 0 to 1 of an interval."""
    low, high = _ends(axis)
    value = (1 - place) * low + place * high
    return min(max(math.exp(value) if axis.log else value, axis.low), axis.high)


def _place(number: float, axis: Axis) -> float:
    """Return where a number lies in an interval: 0 at its lower end, 1 at its upper; NaN outside."""
    if not axis.low <= number <= axis.high:
        return math.nan
    low, high = _ends(axis)
    # Halves, as the width of the widest interval is no finite number.
    share = ((math.log(number) if axis.log else number) / 2 - low / 2) / (high / 2 - low / 2)
    return min(max(share, 0.0), 1.0)


def _index(text: str, values: Sequence[str]) -> int | None:
    """Return which of the values a text is; a number may be written in another way."""
    if text in values:
        return values.index(text)
    number = _number(text)
    same = [k for k, value in enumerate(values) if number is not None and _number(value) == number]
    return same[0] if same else None


def _number(text: str) -> float | None:
    """Return the number that a text is; None where it is none, or not finite."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
