"""Views of runs: what each table shows, as text for the eye and as numbers for programs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from npdigits.compare.comparison import ALWAYS, Comparison, check_name, place, shown
from npdigits.compare.family import MCNEMAR
from npdigits.compare.figures import as_difference, as_interval, as_p, title, unit
from npdigits.compare.rows import Row, named_apart
from npdigits.compare.runs import Runs
from npdigits.compare.statistics import t_interval
from npdigits.compare.verdict import outcome


@dataclass(frozen=True)
class View:
    """A table.

    Attributes:
        columns: the titles.
        left: how many columns, from the left, hold names and not figures.
        cells: rows of text.
        frame: the same and more, unrounded.
    """

    columns: list[str]
    left: int
    cells: list[list[str]]
    frame: pd.DataFrame


def configurations(comparison: Comparison) -> View:
    """Return the comparison: a row a configuration, or a value of the key whose marginal means are compared."""
    family, tested = comparison.family, bool(comparison.family.differences)
    more = [name for name in ALWAYS if name not in comparison.metrics]
    columns = [*comparison.keys, "n", title(comparison.metrics[0])]
    if tested:
        on = "Δ" if family.metric == comparison.metrics[0] else f"Δ {family.metric}"
        sort_of_p = "p" + (" (McNemar)" if family.test == MCNEMAR else "")
        columns += [on, sort_of_p, "verdict"]
    columns += [title(metric) for metric in (*comparison.metrics[1:], *more)]
    cells, records = [], []
    for row in comparison.rows:
        of_keys = [shown(row.values[key]) for key in comparison.keys]
        line = [*of_keys, _n(row), _interval(row, comparison.metrics[0])]
        if tested:
            one = family.differences.get(row)
            line += [as_difference(one.interval, family.metric), as_p(one.corrected)] if one else ["", ""]
            line.append(outcome(comparison, row))
        cells.append(line + [_interval(row, metric) for metric in (*comparison.metrics[1:], *more)])
        records.append(_record(comparison, row, [*comparison.metrics, *more]))
    return View(columns, len(comparison.keys), cells, pd.DataFrame(records))


def _n(row: Row) -> str:
    lost = sum(row.lost.values())
    return f"{len(row)} of {len(row) + lost}" if lost else str(len(row))


def _interval(row: Row, metric: str) -> str:
    return as_interval(row.interval(metric), metric)


def _record(comparison: Comparison, row: Row, metrics: Sequence[str]) -> dict[str, Any]:
    """Return a row's figures, unrounded."""
    record: dict[str, Any] = {key: row.values[key] for key in comparison.keys}
    record |= {"n": len(row), "not_finished": sum(row.lost.values())}
    for metric in metrics:
        interval = row.interval(metric)
        record |= {metric: interval.mean, f"{metric}_half": interval.half}
    one = comparison.family.differences.get(row)
    record |= {
        "difference": one.interval.mean if one else None,
        "difference_half": one.interval.half if one else None,
        "pairs": one.interval.n if one else None,
        "p": one.p if one else None,
        "p_corrected": one.corrected if one else None,
        "verdict": outcome(comparison, row),
    }
    return record


def every_run(runs: Runs, comparison: Comparison) -> View:
    """Return a row a finished run, in the order of the comparison's rows."""
    metrics = [*comparison.metrics, *(name for name in ("best_epoch", "epochs_run", "seconds"))]
    metrics = list(dict.fromkeys(metrics))
    table = named_apart(runs.table).set_index("run", drop=False)
    cells, records = [], []
    for row in comparison.rows:
        for path in row.runs:
            run = table.loc[path]
            values = {**{key: run[key] for key in comparison.keys}, "seed": run["seed"]}
            # One run is one figure: nothing to round but what is beyond its own digits.
            figures = [figure(run[metric], metric) for metric in metrics]
            cells.append([*map(shown, values.values()), *figures, path])
            records.append({**values, **{metric: run[metric] for metric in metrics}, "run": path})
    titles = [title(metric) for metric in metrics]
    return View([*comparison.keys, "seed", *titles, "run"], len(comparison.keys), cells, pd.DataFrame(records))


def figure(value: float, metric: str) -> str:
    """Return one run's figure as text."""
    scale, decimals, *_ = unit(metric)
    decimals = 0 if scale == 1 and float(value).is_integer() else decimals
    return "–" if math.isnan(value) else f"{value * scale:.{decimals}f}"


def pivot(comparison: Comparison, down: str, across: str) -> View:
    """Return the first metric with one key's values down and another's across: means over seeds, with intervals.

    Where other keys differ too, each seed's figure is the mean over their settings.

    Raises:
        ConfigError: a key does not differ among the rows.
    """
    metric = comparison.metrics[0]
    for key in (down, across):
        check_name("--pivot", key, comparison.keys)
    grouped: dict[tuple[Any, Any], dict[Any, list[float]]] = {}
    for row in comparison.rows:
        by_seed = grouped.setdefault((row.values[down], row.values[across]), {})
        for seed, value in zip(row.seeds, row.figures[metric], strict=True):
            by_seed.setdefault(seed, []).append(float(value))
    intervals = {
        cell: t_interval([sum(some) / len(some) for some in by_seed.values()]) for cell, by_seed in grouped.items()
    }
    tops, lefts = (in_order(cell[i] for cell in grouped) for i in (1, 0))
    cells = [
        [shown(left), *(as_interval(intervals[left, top], metric) if (left, top) in grouped else "" for top in tops)]
        for left in lefts
    ]
    records = [
        {down: left, across: top, "n": n, metric: mean, f"{metric}_half": half}
        for (left, top), (mean, half, n) in intervals.items()
    ]
    return View([f"{down} \\ {across}", *map(shown, tops)], 1, cells, pd.DataFrame(records))


def pivot_says(comparison: Comparison, down: str, across: str) -> list[str]:
    """Return what the cells of a pivot are."""
    others = [key for key in comparison.keys if key not in (down, across)]
    averaged = f", each seed's figure averaged over {', '.join(others)}" if others else ""
    return [f"{title(comparison.metrics[0])}: mean ± half of the 95 % t interval over seeds{averaged}."]


def in_order(values: Any) -> list[Any]:
    """Return the distinct values of a key sorted, numbers before text."""
    return sorted(dict.fromkeys(values), key=place)
