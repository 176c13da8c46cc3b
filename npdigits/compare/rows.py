"""Rows of a comparison: the runs of one configuration, over its seeds."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from npdigits.compare.statistics import Interval, Numbers, t_interval
from npdigits.config.dependence import follows_in
from npdigits.runs.table import FIGURES

# Columns besides the configuration's keys by which rows are kept apart and marked.
MARKS = ("data", "numerics", "environment")
# What the runs of one row have in common.
GROUP = ["configuration", "environment"]
# Stands for a value that follows from another.
FOLLOWS = ("follows",)
# Values of several keys.
Place = tuple[Any, ...]


class Section(NamedTuple):
    """What two runs must have in common for a difference between them to say something about their settings.

    Attributes:
        data_sha256: the digits.
        numerics: which bits the code computes.
        environment: the NumPy, BLAS and processor.
    """

    data_sha256: str
    numerics: Any
    environment: str


@dataclass(frozen=True, eq=False)
class Row:
    """The finished runs of one configuration.

    Attributes:
        values: its keys and marks -> the values.
        section: what it can be compared within.
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

    def paired(self, other: "Row", metric: str) -> Numbers:
        """Return this row's figures minus the other's, of the seeds that both have."""
        if self.seeds == other.seeds:
            difference = self.figures[metric] - other.figures[metric]
        else:
            place = {seed: index for index, seed in enumerate(other.seeds)}
            here = [index for index, seed in enumerate(self.seeds) if seed in place]
            there = [place[self.seeds[index]] for index in here]
            difference = self.figures[metric][here] - other.figures[metric][there]
        return difference[~np.isnan(difference)]


def rows_of(table: pd.DataFrame, keys: Sequence[str]) -> list[Row]:
    """Return a row a configuration with finished runs, in one environment.

    Args:
        table: of runs, as ``load_runs`` returns it.
        keys: the configuration's.
    """
    # By digest, so that a hundred thousand cells need not be compared.
    lost = _lost(table)
    runs = table[(table.status == "finished") & (table.same_as == "")]
    if runs.empty:
        return []
    runs = named_apart(runs).sort_values([*GROUP, "seed"], kind="stable", ignore_index=True)
    bounds = np.flatnonzero(np.r_[True, (runs[GROUP] != runs[GROUP].shift()).any(axis=1)[1:]]).tolist()
    figures = {metric: runs[metric].to_numpy(dtype=float) for metric in FIGURES}
    firsts = runs.loc[bounds, [*MARKS, "configuration", "data_sha256", *keys]].astype(object).to_dict("records")
    seeds, paths = runs.seed.tolist(), runs.run.tolist()
    return [
        Row(
            values={key: first[key] for key in (*MARKS, *keys)},
            section=Section(first["data_sha256"], first["numerics"], first["environment"]),
            seeds=tuple(seeds[start:end]),
            runs=tuple(paths[start:end]),
            figures={metric: values[start:end] for metric, values in figures.items()},
            lost=lost.get(tuple(first[key] for key in GROUP), 0),
        )
        for first, start, end in zip(firsts, bounds, [*bounds[1:], len(runs)], strict=True)
    ]


def named_apart(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with other names for data sets of one name that hold other digits: "idx 0a1b2c3d"."""
    digits = table.groupby("data").data_sha256.transform("nunique")
    return table.assign(data=table.data.where(digits <= 1, table.data + " " + table.data_sha256.str[:8]))


def _lost(table: pd.DataFrame) -> dict[tuple[Any, ...], int]:
    """Return how many runs of a configuration did not finish."""
    unfinished = table[(table.status != "finished") & (table.same_as == "")]
    return {tuple(group): int(n) for group, n in unfinished.groupby(GROUP).size().items()}


def differing(rows: Iterable[Row], keys: Sequence[str]) -> list[str]:
    """Return the marks and keys that have more than one value among these rows.

    A value that follows from another, as the stopping rule's own threshold does from the rule, is no difference.
    """
    seen: dict[str, set[Any]] = {key: set() for key in (*MARKS, *keys)}
    for row in rows:
        follows = follows_in(row.values)
        for key, values in seen.items():
            values.add(FOLLOWS if key in follows else row.values.get(key))
    return [key for key, values in seen.items() if len(values) > 1]


def marginal(rows: Sequence[Row], keys: Sequence[str], others: Sequence[str], warn: Callable[[str], None]) -> list[Row]:
    """Return a row each combination of some keys' values: for each seed the mean over the settings of the other keys.

    Like is compared with like: all rows of a section are means over the same seeds and the same settings of the others,
    those that were run with each of them. Where no other key differs there is nothing to average.

    Args:
        rows: of all configurations.
        keys: whose values are compared.
        others: the keys, besides, that differ among the rows.
        warn: told of what is left out.
    """
    if not others:
        return list(rows)
    result = []
    for section in dict.fromkeys(row.section for row in rows):
        # value of the keys -> setting of the others -> row
        of_it: dict[Place, dict[Place, Row]] = {}
        for row in (row for row in rows if row.section == section):
            value, setting = (tuple(row.values[key] for key in some) for some in (keys, others))
            of_it.setdefault(value, {})[setting] = row
        settings, seeds = _common(list(of_it.values()))
        n_runs = sum(len(row) for by_setting in of_it.values() for row in by_setting.values())
        if left_out := n_runs - len(of_it) * len(settings) * len(seeds):
            names = " and ".join(keys)
            warn(f"{left_out} runs left out of the means: not every {names} was run with their other settings and seed")
        if settings:
            result += [_mean_row(value, by_setting, keys, settings, seeds) for value, by_setting in of_it.items()]
    return result


def _common(values: Sequence[dict[Place, Row]]) -> tuple[list[Place], list[Any]]:
    """Return the settings that were run with each value by the most seeds, and the seeds that all of them have."""
    seeds_of = {
        setting: set.intersection(*(set(by_setting[setting].seeds) for by_setting in values))
        for setting in values[0]
        if all(setting in by_setting for by_setting in values)
    }
    # In one mean, settings of other seeds would make a difference of settings look like one of seeds. So of those with
    # the most seeds the largest group that has the same ones is taken; of groups as large that of the lowest seeds.
    groups: dict[tuple[Any, ...], list[Place]] = {}
    for setting, seeds in seeds_of.items():
        if seeds:
            groups.setdefault(tuple(sorted(seeds)), []).append(setting)
    if not groups:
        return [], []
    chosen = min(groups, key=lambda seeds: (-len(seeds), -len(groups[seeds]), seeds))
    return groups[chosen], list(chosen)


def _mean_row(
    value: Place, by_setting: dict[Place, Row], keys: Sequence[str], settings: Sequence[Place], seeds: Sequence[Any]
) -> Row:
    some = [by_setting[setting] for setting in settings]
    places = [[row.seeds.index(seed) for seed in seeds] for row in some]
    figures = {
        metric: np.mean([row.figures[metric][place] for row, place in zip(some, places, strict=True)], axis=0)
        for metric in FIGURES
    }
    runs = tuple(row.runs[i] for row, place in zip(some, places, strict=True) for i in place)
    marks = {mark: some[0].values[mark] for mark in MARKS}
    lost = sum(row.lost for row in by_setting.values())
    return Row({**marks, **dict(zip(keys, value, strict=True))}, some[0].section, tuple(seeds), runs, figures, lost)
