"""Rows of a comparison: the runs of one configuration, over its seeds."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from npdigits.compare.runs import FIGURES
from npdigits.compare.statistics import Interval, Numbers, t_interval

# Columns besides the configuration's keys by which rows are kept apart and marked.
MARKS = ("data", "numerics", "environment")


class Section(NamedTuple):
    """What two runs must have in common for a difference between them to say something about their settings.

    Attributes:
        data_sha256: the digits.
        numerics: which bits the code computes.
        environment: the NumPy, BLAS and processor; "" where they are pooled.
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
        lost: status -> how many of its runs did not finish.
    """

    values: dict[str, Any]
    section: Section
    seeds: tuple[Any, ...]
    runs: tuple[str, ...]
    figures: dict[str, Numbers]
    lost: dict[str, int] = field(default_factory=dict)

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


def rows_of(table: pd.DataFrame, keys: Sequence[str], pool: bool, warn: Callable[[str], None]) -> list[Row]:
    """Return a row a configuration with finished runs.

    Args:
        table: of runs, as ``load_runs`` returns it.
        keys: the configuration's.
        pool: let runs of several environments share a row.
        warn: told of runs that are left out.
    """
    # By digest, so that a hundred thousand cells need not be compared.
    by = ["configuration"] if pool else ["configuration", "environment"]
    lost = _lost(table, by)
    runs = named_apart(table[(table.status == "finished") & (table.same_as == "")])
    runs = runs.sort_values([*by, "seed", "run"], kind="stable", ignore_index=True)
    twice = runs.duplicated([*by, "seed"])
    if twice.any():
        warn(f"{twice.sum()} runs left out of the means, as their seed is there twice: {_some(runs.run[twice])}")
        runs = runs[~twice].reset_index(drop=True)
    if runs.empty:
        return []
    bounds = np.flatnonzero(np.r_[True, (runs[by] != runs[by].shift()).any(axis=1)[1:]]).tolist()
    figures = {metric: runs[metric].to_numpy(dtype=float) for metric in FIGURES}
    columns = list(dict.fromkeys([*by, *MARKS, "data_sha256", *keys]))
    firsts = runs.loc[bounds, columns].astype(object).to_dict("records")
    seeds, paths, environments = (runs[column].tolist() for column in ("seed", "run", "environment"))
    rows = []
    for first, start, end in zip(firsts, bounds, [*bounds[1:], len(runs)], strict=True):
        environment = "" if pool else first["environment"]
        if pool:
            first["environment"] = " and ".join(sorted(set(environments[start:end])))
        rows.append(
            Row(
                values={key: first[key] for key in (*MARKS, *keys)},
                section=Section(first["data_sha256"], first["numerics"], environment),
                seeds=tuple(seeds[start:end]),
                runs=tuple(paths[start:end]),
                figures={metric: values[start:end] for metric, values in figures.items()},
                lost=lost.get(tuple(first[key] for key in by), {}),
            )
        )
    return rows


def named_apart(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with other names for data sets of one name that hold other digits: "idx 0a1b2c3d"."""
    digits = table.groupby("data").data_sha256.transform("nunique")
    return table.assign(data=table.data.where(digits <= 1, table.data + " " + table.data_sha256.str[:8]))


def _lost(table: pd.DataFrame, by: list[str]) -> dict[tuple[Any, ...], dict[str, int]]:
    lost: dict[tuple[Any, ...], dict[str, int]] = {}
    unfinished = table[(table.status != "finished") & (table.same_as == "")]
    for (*group, status), n in unfinished.groupby([*by, "status"]).size().items():
        lost.setdefault(tuple(group), {})[status] = int(n)
    return lost


def differing(rows: Iterable[Row], keys: Sequence[str]) -> list[str]:
    """Return the marks and keys that have more than one value among these rows."""
    seen: dict[str, set[Any]] = {key: set() for key in (*MARKS, *keys)}
    for row in rows:
        for key, values in seen.items():
            values.add(row.values.get(key))
    return [key for key, values in seen.items() if len(values) > 1]


def marginal(rows: Sequence[Row], key: str, others: Sequence[str], warn: Callable[[str], None]) -> list[Row]:
    """Return a row each value of a key: for each seed the mean over the settings of the other keys.

    Only what is there for all values counts, so that like is compared with like: of a setting of the other keys, a seed
    that was run with every value of ``key``.

    Args:
        rows: of all configurations.
        key: whose values are compared.
        others: the keys, besides, that differ among the rows.
        warn: told of what is left out.
    """
    values = list(dict.fromkeys(row.values[key] for row in rows))
    # (section, setting of the others, seed) -> value of the key -> (row, place of the seed in it)
    cells: dict[tuple[Any, ...], dict[Any, tuple[Row, int]]] = {}
    for row in rows:
        setting = tuple(row.values[other] for other in others)
        for place, seed in enumerate(row.seeds):
            cells.setdefault((row.section, setting, seed), {})[row.values[key]] = (row, place)
    there = {section: {row.values[key] for row in rows if row.section == section} for section, *_ in cells}
    complete = {cell: found for cell, found in cells.items() if len(found) == len(there[cell[0]])}
    n_left_out = sum(map(len, cells.values())) - sum(map(len, complete.values()))
    if n_left_out:
        warn(f"{n_left_out} runs left out: not every value of {key} was run with their other settings and seed")
    result = []
    for section in there:
        of_it = [(seed, found) for (its, _, seed), found in complete.items() if its == section]
        seeds = tuple(sorted({seed for seed, _ in of_it}))
        for value in (value for value in values if value in there[section] and seeds):
            chosen = [[found[value] for its, found in of_it if its == seed] for seed in seeds]
            figures = {
                metric: np.array([np.mean([row.figures[metric][place] for row, place in some]) for some in chosen])
                for metric in FIGURES
            }
            first = chosen[0][0][0]
            marks = {mark: first.values[mark] for mark in MARKS}
            paths = tuple(row.runs[place] for some in chosen for row, place in some)
            result.append(Row({**marks, key: value}, section, seeds, paths, figures))
    return result


def _some(names: Iterable[str], most: int = 5) -> str:
    names = list(names)
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
