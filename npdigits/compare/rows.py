"""Rows of a comparison: the runs of one configuration, over its seeds."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from npdigits.compare.statistics import Interval, Numbers, t_interval
from npdigits.config.dependence import follows_in
from npdigits.config.former import PART_ONCE
from npdigits.runs.summary import Status
from npdigits.runs.table import FIGURES, MISSING

# Columns besides the configuration's keys by which rows are kept apart and marked.
MARKS = ("data", "numerics", "environment")
# What the runs of one row have in common.
GROUPED_BY = ["configuration", "environment"]
# Stands for a value that follows from another key's.
FOLLOWS = ("follows",)
# The values of several keys, in the keys' order.
Values = tuple[Any, ...]


class Section(NamedTuple):
    """What two runs must have in common, so that a difference between them is one of their settings.

    Attributes:
        data_sha256: the digits.
        numerics: the version of the code's numerics, which decides the bits; with a mark where the code was edited.
        environment: the NumPy, BLAS and processor.
    """

    data_sha256: str
    numerics: Any
    environment: str


@dataclass(frozen=True, eq=False)
class ComparisonRow:
    """The finished runs of one configuration.

    Attributes:
        values: its keys and marks -> the values.
        section: the rows that it can be compared with have the same.
        seeds: (n,), sorted.
        runs: (n,), the paths.
        figures: metric -> (n,), of the best epochs.
        lost: how many of its runs did not finish.
    """

    values: dict[str, Any]
    section: Section
    seeds: tuple[Any, ...]
    runs: tuple[str, ...]
    figures: dict[str, Numbers]
    lost: int = 0

    def __len__(self) -> int:
        return len(self.seeds)

    def interval(self, metric: str) -> Interval:
        """Return the mean over seeds, with its interval."""
        return t_interval(self.figures[metric])

    def paired(self, other: "ComparisonRow", metric: str) -> Numbers:
        """Return this row's figures minus the other's, for the seeds that both have."""
        if self.seeds == other.seeds:
            difference = self.figures[metric] - other.figures[metric]
        else:
            position = {seed: index for index, seed in enumerate(other.seeds)}
            of_self = [index for index, seed in enumerate(self.seeds) if seed in position]
            of_other = [position[self.seeds[index]] for index in of_self]
            difference = self.figures[metric][of_self] - other.figures[metric][of_other]
        return difference[~np.isnan(difference)]


def make_rows(table: pd.DataFrame, keys: Sequence[str], metrics: Sequence[str] = FIGURES) -> list[ComparisonRow]:
    """Return a row for each configuration with finished runs and each environment.

    Args:
        table: of runs, as ``load_runs`` returns it.
        keys: the configuration's.
        metrics: columns of figures.
    """
    # Grouped by the configuration's digest, so that a hundred thousand cells need not be compared.
    lost = _count_unfinished(table)
    runs = table[(table.status == Status.FINISHED) & (table.same_as == "")]
    if runs.empty:
        return []
    runs = tell_data_sets_apart(runs).sort_values([*GROUPED_BY, "seed"], kind="stable", ignore_index=True)
    bounds = np.flatnonzero(np.r_[True, (runs[GROUPED_BY] != runs[GROUPED_BY].shift()).any(axis=1)[1:]]).tolist()
    figures = {metric: runs[metric].to_numpy(dtype=float) for metric in metrics}
    firsts = runs.loc[bounds, [*MARKS, "configuration", "data_sha256", *keys]].astype(object).to_dict("records")
    seeds, paths = runs.seed.tolist(), runs.run.tolist()
    return [
        ComparisonRow(
            values={key: first[key] for key in (*MARKS, *keys)},
            section=Section(first["data_sha256"], first["numerics"], first["environment"]),
            seeds=tuple(seeds[start:end]),
            runs=tuple(paths[start:end]),
            figures={metric: values[start:end] for metric, values in figures.items()},
            lost=lost.get(tuple(first[key] for key in GROUPED_BY), 0),
        )
        for first, start, end in zip(firsts, bounds, [*bounds[1:], len(runs)], strict=True)
    ]


def tell_data_sets_apart(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with other names for data sets of one name that hold other digits: "idx 0a1b2c3d"."""
    digits = table.groupby("data").data_sha256.transform("nunique")
    return table.assign(data=table.data.where(digits <= 1, table.data + " " + table.data_sha256.str[:8]))


def _count_unfinished(table: pd.DataFrame) -> dict[tuple[Any, ...], int]:
    """Return how many runs of each configuration and environment did not finish."""
    unfinished = table[(table.status != Status.FINISHED) & (table.same_as == "")]
    return {tuple(group): int(n) for group, n in unfinished.groupby(GROUPED_BY).size().items()}


def find_differing_keys(rows: Iterable[ComparisonRow], keys: Sequence[str]) -> list[str]:
    """Return the marks and keys that have more than one value among these rows.

    A value that follows from another key's is no difference: the stopping rule's threshold follows from the rule, and
    that a row has no number of an own component from the choice of another one. That it lacks what was part of an
    identity once follows from its numerics.
    """
    seen: dict[str, set[Any]] = {key: set() for key in (*MARKS, *keys)}
    for row in rows:
        follows = follows_in(row.values)
        for key, values in seen.items():
            values.add(FOLLOWS if key in follows else row.values.get(key))
    return [key for key, values in seen.items() if len(values - ({MISSING} if may_lack(key) else set())) > 1]


def has_values(row: ComparisonRow, wanted: Mapping[str, Any]) -> bool:
    """Say whether a row has these values; one that lacks a key of before computes the same with every value of it."""
    return all(
        row.values[key] == value or (key in PART_ONCE and row.values[key] == MISSING) for key, value in wanted.items()
    )


def may_lack(key: str) -> bool:
    """Say whether a row may be without a key: a number of an own component, or what was part of an identity once."""
    return "." in key or key in PART_ONCE


def sort_key(value: Any) -> tuple[bool, Any]:
    """Return what a key's values are sorted by: numbers before text."""
    return (isinstance(value, str), value)


def marginal_rows(
    rows: Sequence[ComparisonRow], keys: Sequence[str], others: Sequence[str], warn: Callable[[str], None]
) -> list[ComparisonRow]:
    """Return a row for each combination of some keys' values: for each seed the mean over the other keys' settings.

    Like is compared with like: all rows of a section are means over the same seeds and the same settings of the other
    keys, which are those that every combination was run with. Where no other key differs, nothing is averaged.

    Args:
        rows: of all configurations.
        keys: whose values are compared.
        others: the other keys that differ among the rows.
        warn: is told how many runs are left out.
    """
    if not others:
        return list(rows)
    result = []
    for section in dict.fromkeys(row.section for row in rows):
        # values of the keys -> setting of the others -> row
        by_value: dict[Values, dict[Values, ComparisonRow]] = {}
        for row in (row for row in rows if row.section == section):
            value, setting = (tuple(row.values[key] for key in some) for some in (keys, others))
            by_value.setdefault(value, {})[setting] = row
        settings, seeds = _find_common(list(by_value.values()))
        n_runs = sum(len(row) for by_setting in by_value.values() for row in by_setting.values())
        if left_out := n_runs - len(by_value) * len(settings) * len(seeds):
            names = " and ".join(keys)
            warn(f"{left_out} runs left out of the means: not every {names} was run with their other settings and seed")
        if settings:
            result += [
                _average_rows(value, by_setting, keys, settings, seeds) for value, by_setting in by_value.items()
            ]
    return result


def _find_common(values: Sequence[dict[Values, ComparisonRow]]) -> tuple[list[Values], list[Any]]:
    """Return the settings that were run with each value by the most seeds, and the seeds that all of them have."""
    seeds_of = {
        setting: set.intersection(*(set(by_setting[setting].seeds) for by_setting in values))
        for setting in values[0]
        if all(setting in by_setting for by_setting in values)
    }
    # If one mean held settings of other seeds, a difference of settings would look like one of seeds. So the settings
    # are grouped by their seeds, and one group is taken: that of the most seeds, then the largest one, then that of the
    # lowest seeds.
    groups: dict[tuple[Any, ...], list[Values]] = {}
    for setting, seeds in seeds_of.items():
        if seeds:
            groups.setdefault(tuple(sorted(seeds)), []).append(setting)
    if not groups:
        return [], []
    chosen = min(groups, key=lambda seeds: (-len(seeds), -len(groups[seeds]), seeds))
    return groups[chosen], list(chosen)


def _average_rows(
    value: Values,
    by_setting: dict[Values, ComparisonRow],
    keys: Sequence[str],
    settings: Sequence[Values],
    seeds: Sequence[Any],
) -> ComparisonRow:
    """Return the mean, for each of these seeds, of the rows of one value that have these settings of the other keys."""
    rows = [by_setting[setting] for setting in settings]
    positions = [[row.seeds.index(seed) for seed in seeds] for row in rows]
    figures = {
        metric: np.mean([row.figures[metric][some] for row, some in zip(rows, positions, strict=True)], axis=0)
        for metric in rows[0].figures
    }
    runs = tuple(row.runs[i] for row, some in zip(rows, positions, strict=True) for i in some)
    marks = {mark: rows[0].values[mark] for mark in MARKS}
    lost = sum(row.lost for row in by_setting.values())
    values = {**marks, **dict(zip(keys, value, strict=True))}
    return ComparisonRow(values, rows[0].section, tuple(seeds), runs, figures, lost)
