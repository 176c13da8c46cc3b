"""Views of runs: what each table shows, as text for the eye and as numbers for programs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from npdigits.compare.comparison import ALWAYS, Comparison, place, shown
from npdigits.compare.family import MCNEMAR, Difference
from npdigits.compare.figures import as_difference, as_interval, as_p, title, unit
from npdigits.compare.rows import MARKS, Row, named_apart
from npdigits.compare.verdict import outcome
from npdigits.runs.table import Runs

# What only single runs can be sorted by.
OF_A_RUN = ("seed", "run")
# What is a whole number of each run; a column that also holds what is missing is of floats.
COUNTED = ("best_epoch", "epochs_run")


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
            line += [_difference(row, one, family.metric), as_p(one.corrected)] if one else ["", ""]
            line.append(outcome(comparison, row))
        cells.append(line + [_interval(row, metric) for metric in (*comparison.metrics[1:], *more)])
        records.append(_record(comparison, row, [*comparison.metrics, *more]))
    return View(columns, len(comparison.keys), cells, pd.DataFrame(records))


def _difference(row: Row, one: Difference, metric: str) -> str:
    pairs = one.interval.n
    fewer = f" ({pairs} pairs)" if pairs < max(len(row), len(one.against)) and one.p is not None else ""
    return as_difference(one.interval, metric) + fewer


def _n(row: Row) -> str:
    """Return how many seeds a row is of; if runs are lost, of how many, or (where a seed has several) how many."""
    if not row.lost:
        return str(len(row))
    return f"{len(row)} of {len(row) + row.lost}" if len(row.runs) == len(row) else f"{len(row)}, {row.lost} runs lost"


def _interval(row: Row, metric: str) -> str:
    return as_interval(row.interval(metric), metric)


def _record(comparison: Comparison, row: Row, metrics: Sequence[str]) -> dict[str, Any]:
    """Return a row's figures, unrounded."""
    record: dict[str, Any] = {key: row.values[key] for key in comparison.keys}
    record |= {"data": row.values["data"], "data_sha256": row.section.data_sha256}
    record |= {"n": len(row), "not_finished": row.lost}
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


def every_run(runs: Runs, comparison: Comparison, sort: str | None = None) -> View:
    """Return a row a finished run, in the order of the comparison's rows, or by ``seed`` or ``run``.

    Args:
        runs: what was read.
        comparison: whose runs they are.
        sort: "seed", "run", or with a leading "-" backwards; whatever else has put the comparison's rows in order.
    """
    metrics = list(dict.fromkeys([*comparison.metrics, "best_epoch", "epochs_run", "seconds"]))
    table = named_apart(runs.table).set_index("run", drop=False).astype(object)
    table = table.loc[[path for row in comparison.rows for path in row.runs]]
    if sort and sort.removeprefix("-") in OF_A_RUN:
        table = table.sort_values(sort.removeprefix("-"), ascending=not sort.startswith("-"), kind="stable")
    names = [*comparison.keys, "seed"]
    records = table[[*names, *metrics, "run"]].to_dict("records")
    for record in records:
        record |= {name: int(record[name]) for name in COUNTED if name in record and not math.isnan(record[name])}
    cells = [
        [*(shown(run[name]) for name in names), *(figure(run[metric], metric) for metric in metrics), run["run"]]
        for run in records
    ]
    titles = [*names, *(title(metric) for metric in metrics), "run"]
    return View(titles, len(comparison.keys), cells, pd.DataFrame(records))


def figure(value: float, metric: str) -> str:
    """Return one run's figure as text."""
    scale, decimals, *_ = unit(metric)
    decimals = 0 if scale == 1 and float(value).is_integer() else decimals
    return "–" if math.isnan(value) else f"{value * scale:.{decimals}f}"


def pivot(comparison: Comparison) -> View:
    """Return the first metric of a comparison ``by`` two keys: one key's values down, the other's across.

    A cell names its number of seeds where not all cells have the same, and how many runs did not finish.
    """
    metric, (down, across) = comparison.metrics[0], comparison.by
    marks = [key for key in comparison.keys if key in MARKS]
    tops = in_order(row.values[across] for row in comparison.rows)
    lines: dict[tuple[Any, ...], dict[Any, Row]] = {}
    for row in sorted(comparison.rows, key=lambda row: place(row.values[down])):
        lines.setdefault(tuple(row.values[key] for key in (*marks, down)), {})[row.values[across]] = row
    alike = len({len(row) for row in comparison.rows}) == 1

    def cell(row: Row | None) -> str:
        if row is None:
            return ""
        text = _interval(row, metric)
        return text if alike and not row.lost else f"{text} (n {_n(row)})"

    cells = [[*map(shown, left), *(cell(of_it.get(top)) for top in tops)] for left, of_it in lines.items()]
    records = [_record(comparison, row, [metric]) for row in comparison.rows]
    titles = [*marks, f"{down} \\ {across}", *map(shown, tops)]
    return View(titles, len(marks) + 1, cells, pd.DataFrame(records))


def pivot_says(comparison: Comparison) -> list[str]:
    """Return what the cells of a pivot are."""
    averaged = f", each seed's figure averaged over {', '.join(comparison.averaged)}" if comparison.averaged else ""
    return [f"{title(comparison.metrics[0])}: mean ± half of the 95 % t interval over seeds{averaged}."]


def in_order(values: Any) -> list[Any]:
    """Return the distinct values of a key sorted, numbers before text."""
    return sorted(dict.fromkeys(values), key=place)
