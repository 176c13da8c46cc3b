"""Runs as the rows of a comparison: of configurations, or of marginal means."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from npdigits.compare.figures import format_value
from npdigits.compare.marginal import marginal_rows
from npdigits.compare.rows import MARKS, ComparisonRow, find_differing_keys, make_rows
from npdigits.runs.table import Runs


class Arranged(NamedTuple):
    """Runs as rows.

    Attributes:
        configurations: a row a configuration.
        differing: in which keys these differ.
        rows: the same rows, or marginal means of them.
        keys: in which the rows differ.
        averaged: the keys that were averaged over.
        again: (run, status, reason) of each run whose seed its row has already.
    """

    configurations: Sequence[ComparisonRow]
    differing: Sequence[str]
    rows: Sequence[ComparisonRow]
    keys: Sequence[str]
    averaged: Sequence[str]
    again: Sequence[tuple[str, str, str]]


def arrange(runs: Runs, by: Sequence[str], pooled: bool, note: Callable[[str], None]) -> Arranged:
    """Return the rows of the finished runs, or marginal means of them."""
    again: list[tuple[str, str, str]] = []

    def leave_out(run: str, instead: str, seed: Any) -> None:
        again.append((run, "finished", f"seed {format_value(seed)} of its row is counted once, as {instead}"))

    configurations = make_rows(runs.table, runs.keys, runs.figures, pooled, leave_out, runs.single)
    differing = find_differing_keys(configurations, runs.keys, runs.foreign)
    if pooled and "environment" not in differing and any(len(set(row.environments)) > 1 for row in configurations):
        differing.insert(sum(mark in differing for mark in MARKS), "environment")
    if not by:
        return Arranged(configurations, differing, configurations, differing, (), again)
    return Arranged(configurations, differing, *average(configurations, differing, by, note), again)


def average(
    rows: Sequence[ComparisonRow], keys: Sequence[str], by: Sequence[str], warn: Callable[[str], None]
) -> tuple[list[ComparisonRow], list[str], list[str]]:
    """Return the marginal means by some keys, in which keys they differ, and which keys were averaged over."""
    averaged = [key for key in keys if key not in (*by, *MARKS)]
    means = marginal_rows(rows, by, averaged, warn)
    return means, [*(key for key in keys if key in MARKS), *by], averaged
