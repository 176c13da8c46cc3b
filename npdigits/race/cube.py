"""Where the values of a race's keys stand as a sampler sees them: places in intervals, and numbers of values.

An interval that is even in the logarithm is even here, and values that are numbers stand in rising order.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from npdigits.config.axes import Axis
from npdigits.race.samplers import Dimension, Point


def dimension_of(axis: Axis) -> Dimension:
    """Return an axis as a sampler sees it."""
    return Dimension(None if _has_places(axis) else axis.count, not axis.values or _are_numbers(axis))


def point_of(axes: Sequence[Axis], overrides: Sequence[str]) -> Point:
    """Return where the values of a setting stand; of keys that it does not read there is nothing."""
    texts = dict(override.split("=", 1) for override in overrides)
    return {axis.key: _stands_at(axis, texts[axis.key]) for axis in axes if axis.key in texts}


def place_of(axes: Sequence[Axis], point: Point) -> Mapping[str, tuple[str, Any]]:
    """Return of each key the value at a point, as text and as it is."""
    return {axis.key: _value_at(axis, point[axis.key]) for axis in axes}


def _has_places(axis: Axis) -> bool:
    """Say whether an axis has places; whole numbers that are even in the logarithm have, as their shares differ."""
    return axis.count is None or (axis.whole and axis.log)


def _are_numbers(axis: Axis) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for _, value in axis.values)


def _in_order(axis: Axis) -> list[tuple[str, Any]]:
    """Return the values as they are numbered."""
    return sorted(axis.values, key=lambda value: float(value[1])) if _are_numbers(axis) else list(axis.values)


def _stands_at(axis: Axis, text: str) -> float | int:
    if axis.values:
        return [each for each, _ in _in_order(axis)].index(text)
    if not _has_places(axis):
        return int(text) - int(axis.low)
    value, low, high = float(text), axis.low, axis.high
    if axis.log:
        half = 0.5 if axis.whole else 0.0
        value, low, high = math.log(value), math.log(low - half), math.log(high + half)
    # Halves, as the width of the widest interval is no finite number.
    place = (value / 2 - low / 2) / (high / 2 - low / 2)
    return min(max(place, 0.0), math.nextafter(1.0, 0.0))


def _value_at(axis: Axis, where: float | int) -> tuple[str, Any]:
    if axis.values:
        return _in_order(axis)[int(where)]
    if _has_places(axis):
        return axis.at(where)
    assert axis.count is not None
    return axis.at((where + 0.5) / axis.count)
