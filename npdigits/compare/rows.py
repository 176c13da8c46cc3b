"""Rows of a comparison: the runs of one configuration, over its seeds."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

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
        environments: (n,), of each run, where those of several environments stand in one row; else none.
        single: metrics that were stored in single precision.
    """

    values: dict[str, Any]
    section: Section
    seeds: tuple[Any, ...]
    runs: tuple[str, ...]
    figures: dict[str, Numbers]
    lost: int = 0
    environments: tuple[str, ...] = ()
    single: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self.seeds)

    def interval(self, metric: str) -> Interval:
        """Return the mean over seeds, with its interval."""
        return t_interval(self.figures[metric])

    def shares_seeds(self, other: "ComparisonRow") -> bool:
        """Say whether a seed is in both rows, so that their runs can be paired."""
        return self.seeds == other.seeds or not set(self.seeds).isdisjoint(other.seeds)

    def pair(self, other: "ComparisonRow", metric: str) -> "Pairs":
        """Return this row's figures minus the other's, for the seeds that both have."""
        if self.seeds == other.seeds:
            of_self = of_other = list(range(len(self)))
        else:
            position = {seed: index for index, seed in enumerate(other.seeds)}
            of_self = [index for index, seed in enumerate(self.seeds) if seed in position]
            of_other = [position[self.seeds[index]] for index in of_self]
        ours, theirs = self.figures[metric][of_self], other.figures[metric][of_other]
        difference = ours - theirs
        known = ~np.isnan(difference)
        rounding = last_digit(np.concatenate([ours[known], theirs[known]]), metric in self.single | other.single)
        elsewhere = 0
        if self.environments and other.environments:
            both = zip(of_self, of_other, known.tolist(), strict=True)
            elsewhere = sum(there and self.environments[i] != other.environments[j] for i, j, there in both)
        alone = len(self) + len(other) - 2 * len(of_self)
        return Pairs(difference[known], alone, int((~known).sum()), elsewhere, rounding)


def last_digit(figures: Numbers, single: bool = False) -> float:
    """Return how far the largest of some figures may be off, by its last digit.

    Args:
        figures: of one metric.
        single: whether they were stored in single precision, as TensorBoard does.
    """
    if not np.isfinite(figures).all():
        return 0.0
    largest = np.abs(figures).max(initial=0.0)
    return float(np.spacing(np.float32(largest) if single else largest))


class Pairs(NamedTuple):
    """Two rows' runs, paired by seed.

    Attributes:
        differences: (pairs,), without those of which a figure is NaN.
        alone: how many runs have no partner.
        missing: how many pairs lack a figure.
        elsewhere: how many pairs are of runs of two environments.
        rounding: how far a difference may be off, by the last digit of the largest figure.
    """

    differences: Numbers
    alone: int
    missing: int
    elsewhere: int
    rounding: float


def make_rows(
    table: pd.DataFrame,
    keys: Sequence[str],
    metrics: Sequence[str] = FIGURES,
    pooled: bool = False,
    leave_out: Callable[[str, str, Any], None] = lambda run, instead, seed: None,
    single: frozenset[str] = frozenset(),
) -> list[ComparisonRow]:
    """Return a row for each configuration with finished runs and each environment.

    Args:
        table: of runs, as ``load_runs`` returns it.
        keys: the configuration's.
        metrics: columns of figures.
        pooled: whether a row holds the runs of all environments.
        leave_out: is told each run that is not counted, as the row has another of its seed; that one; and the seed.
        single: metrics that were stored in single precision.
    """
    # Grouped by the configuration's digest, so that a hundred thousand cells need not be compared.
    together = GROUPED_BY[:1] if pooled else GROUPED_BY
    lost = _count_unfinished(table, together)
    runs = table[(table.status == Status.FINISHED) & (table.same_as == "")]
    if runs.empty:
        return []
    runs = count_seeds_once(tell_data_sets_apart(runs), together, leave_out)
    bounds = np.flatnonzero(np.r_[True, (runs[together] != runs[together].shift()).any(axis=1)[1:]]).tolist()
    figures = {metric: runs[metric].to_numpy(dtype=float) for metric in metrics}
    firsts = runs.loc[bounds, [*MARKS, "configuration", "data_sha256", *keys]].astype(object).to_dict("records")
    seeds, paths, environments = runs.seed.tolist(), runs.run.tolist(), runs.environment.tolist()
    rows = []
    for first, start, end in zip(firsts, bounds, [*bounds[1:], len(runs)], strict=True):
        made_in = tuple(environments[start:end]) if pooled else ()
        if pooled:
            first["environment"] = " + ".join(sorted(set(made_in)))
        rows.append(
            ComparisonRow(
                values={key: first[key] for key in (*MARKS, *keys)},
                section=Section(first["data_sha256"], first["numerics"], "" if pooled else first["environment"]),
                seeds=tuple(seeds[start:end]),
                runs=tuple(paths[start:end]),
                figures={metric: values[start:end] for metric, values in figures.items()},
                lost=lost.get(tuple(first[key] for key in together), 0),
                environments=made_in,
                single=single,
            )
        )
    return rows


def count_seeds_once(
    runs: pd.DataFrame, together: Sequence[str], leave_out: Callable[[str, str, Any], None]
) -> pd.DataFrame:
    """Return the runs sorted by row and seed, of each row one run a seed: of the environment that has the most runs.

    Args:
        runs: finished ones.
        together: the columns whose values the runs of one row share.
        leave_out: is told each other run, the one that counts, and the seed.
    """
    often = runs.environment.value_counts()
    preferred = sorted(often.index, key=lambda name: (-often[name], name))
    # A run without a seed is a partner of none, and stands for itself.
    none = runs.seed.isna() | (runs.seed == MISSING)
    seeds = runs.seed.astype(object).mask(none, "no seed: " + runs.run.astype(str)) if none.any() else runs.seed
    places = {
        "seed": seeds,
        "order of seeds": seeds if is_numeric_dtype(seeds) else seeds.map(sort_key),
        "order of environments": runs.environment.map({name: place for place, name in enumerate(preferred)}),
    }
    runs = runs.assign(**places).sort_values([*together, *list(places)[1:]], kind="stable", ignore_index=True)
    again = runs.duplicated([*together, "seed"])
    if again.any():
        counted = runs.groupby([*together, "seed"], sort=False).run.transform("first")
        for run, instead, seed in zip(runs.run[again], counted[again], runs.seed[again], strict=True):
            leave_out(run, instead, seed)
    return runs[~again].reset_index(drop=True)


def tell_data_sets_apart(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with other names for data sets of one name that hold other digits: "idx 0a1b2c3d"."""
    digits = table.groupby("data").data_sha256.transform("nunique")
    return table.assign(data=table.data.where(digits <= 1, table.data + " " + table.data_sha256.str[:8]))


def _count_unfinished(table: pd.DataFrame, together: Sequence[str]) -> dict[tuple[Any, ...], int]:
    """Return how many runs of each row did not finish."""
    unfinished = table[(table.status != Status.FINISHED) & (table.same_as == "")]
    counts = unfinished.groupby([*together]).size()
    return {group if isinstance(group, tuple) else (group,): int(n) for group, n in counts.items()}


def find_differing_keys(rows: Iterable[ComparisonRow], keys: Sequence[str], foreign: bool = False) -> list[str]:
    """Return the marks and keys that have more than one value among these rows.

    A value that follows from another key's is no difference: the stopping rule's threshold follows from the rule, and
    that a row has no number of an own component from the choice of another one. That it lacks what was part of an
    identity once follows from its numerics. Of keys of another program (``foreign``) nothing of that is known.
    """
    seen: dict[str, set[Any]] = {key: set() for key in (*MARKS, *keys)}
    for row in rows:
        follows = () if foreign else follows_in(row.values)
        for key, values in seen.items():
            values.add(FOLLOWS if key in follows else row.values.get(key))
    return [
        key for key, values in seen.items() if len(values - ({MISSING} if may_lack(key) and not foreign else set())) > 1
    ]


def has_values(row: ComparisonRow, wanted: Mapping[str, Any]) -> bool:
    """Say whether a row has these values; one that lacks a key of before computes the same with every value of it."""
    return all(
        row.values[key] == value or (key in PART_ONCE and row.values[key] == MISSING and row.section.numerics != "")
        for key, value in wanted.items()
    )


def may_lack(key: str) -> bool:
    """Say whether a row may be without a key: a number of an own component, or what was part of an identity once."""
    return "." in key or key in PART_ONCE


def sort_key(value: Any) -> tuple[bool, Any]:
    """Return what a key's values are sorted by: numbers before text."""
    return (isinstance(value, str), value)
