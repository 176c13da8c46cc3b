"""Which runs tell what a source of spread brings: those that differ in it alone, in all sources, or a full crossing."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

# With fewer values of a source nothing is said of its spread.
LEAST = 3

Codes = NDArray[np.intp]


class Crossing(NamedTuple):
    """A balanced full crossing.

    Attributes:
        factors: which sources vary in it.
        runs: (n_1, …, n_k, r), positions of the runs.
    """

    factors: tuple[int, ...]
    runs: Codes


def encode(columns: Sequence[Sequence[Any]]) -> Codes:
    """Return (runs, sources): a number for each run's value of each source, the same for equal values."""
    numbers: dict[Any, int] = {}
    codes = [[numbers.setdefault(value, len(numbers)) for value in column] for column in columns]
    return np.array(codes, dtype=np.intp).reshape(len(columns), -1).T


def find_line(codes: Codes, source: int) -> Codes:
    """Return the most runs that differ in one source alone, one for each of its values; of equal ones the first."""
    others = np.delete(codes, source, axis=1)
    _, group = np.unique(others, axis=0, return_inverse=True)
    lines: dict[int, dict[int, int]] = {}
    for position, (name, value) in enumerate(zip(group.ravel().tolist(), codes[:, source].tolist(), strict=True)):
        lines.setdefault(name, {}).setdefault(value, position)
    longest = max(lines.values(), key=len, default={})
    return np.array(list(longest.values()), dtype=np.intp)


def find_all_different(codes: Codes) -> Codes:
    """Return runs of which no two share a value of any source.

    Those come first that have one value of all sources, as of npdigits' ``seed``; then those with the rarest values.
    """
    counts = [np.bincount(column) for column in codes.T]
    common = sum(count[column] for count, column in zip(counts, codes.T, strict=True))
    used: list[set[int]] = [set() for _ in counts]
    chosen = []
    differ = (codes != codes[:, :1]).any(axis=1)
    for position in np.lexsort((common, differ)).tolist():
        values = codes[position].tolist()
        if all(value not in seen for value, seen in zip(values, used, strict=True)):
            chosen.append(position)
            for value, seen in zip(values, used, strict=True):
                seen.add(value)
    return np.array(sorted(chosen), dtype=np.intp)


def find_crossing(codes: Codes) -> Crossing | None:
    """Return a full crossing of at least two sources with at least LEAST values each; None where none is found.

    The value that the fewest runs have, of those that a full crossing would have, is left out until it is one.

    Args:
        codes: (runs, sources).
    """
    inside = np.arange(len(codes))
    while len(inside):  # no value of a crossing is rarer
        rare = np.any([np.bincount(column)[column] < LEAST for column in codes[inside].T], axis=0)
        if not rare.any():
            break
        inside = inside[~rare]
    while len(inside):
        cells = np.unique(codes[inside], axis=0)
        levels = [np.unique(column, return_counts=True) for column in cells.T]
        size = math.prod(len(values) for values, _ in levels)
        if len(cells) == size:
            return _arrange(codes, inside, cells)
        # The share of its cells that a value has; of equal ones the last value of the source with the most.
        fills = [
            (count * len(values) / size, -len(values), -int(value), source)
            for source, (values, counts) in enumerate(levels)
            for value, count in zip(values.tolist(), counts.tolist(), strict=True)
        ]
        _, _, value, source = min(fills)
        inside = inside[codes[inside, source] != -value]
    return None


def _arrange(codes: Codes, inside: Codes, cells: Codes) -> Crossing | None:
    """Return a full crossing's runs by cell; None where it has too few values, or not the same number in each cell."""
    levels = [np.unique(column) for column in cells.T]
    factors = tuple(source for source, values in enumerate(levels) if len(values) > 1)
    each, rest = divmod(len(inside), len(cells))
    if len(factors) < 2 or min(len(levels[source]) for source in factors) < LEAST or rest:
        return None
    order = inside[np.lexsort(codes[inside].T[::-1])]
    if not np.array_equal(codes[order].reshape(len(cells), each, -1)[:, 0], codes[order][each - 1 :: each]):
        return None
    return Crossing(factors, order.reshape(*(len(levels[source]) for source in factors), each))
