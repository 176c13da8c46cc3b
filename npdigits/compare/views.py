"""Views of runs: what each table shows, as text for people and as numbers for programs."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from npdigits.compare.comparison import EXTRA_COLUMNS, Comparison
from npdigits.compare.family import MCNEMAR, Difference
from npdigits.compare.figures import (
    column_title,
    format_difference,
    format_figure,
    format_interval,
    format_p,
    format_value,
)
from npdigits.compare.rows import MARKS, ComparisonRow, Values, sort_key, tell_data_sets_apart
from npdigits.compare.verdict import outcome_of
from npdigits.runs.table import Runs

# Columns that only single runs can be sorted by.
RUN_COLUMNS = ("seed", "run")
# Columns of whole numbers. Where a column also holds missing values, pandas has made it one of floats.
WHOLE_NUMBERS = ("best_epoch", "epochs_run")


@dataclass(frozen=True)
class View:
    """A table.

    Attributes:
        columns: the titles.
        left: how many columns, from the left, hold names and not figures.
        cells: rows of text.
        frame: the same figures and more, unrounded.
    """

    columns: list[str]
    left: int
    cells: list[list[str]]
    frame: pd.DataFrame


def configurations(comparison: Comparison) -> View:
    """Return the table of a comparison: a row for each configuration, or for each value of the keys compared ``by``."""
    family, tested = comparison.family, bool(comparison.family.differences)
    first, *others = comparison.metrics
    others += [name for name in EXTRA_COLUMNS if name not in comparison.metrics]
    columns = [*comparison.keys, "n", column_title(first)]
    if tested:
        difference = "Δ" if family.metric == first else f"Δ {family.metric}"
        columns += [difference, "p" + (" (McNemar)" if family.test == MCNEMAR else ""), "verdict"]
    columns += map(column_title, others)
    cells, records = [], []
    for row in comparison.rows:
        values = [format_value(row.values[key]) for key in comparison.keys]
        of_tests = _format_test(comparison, row) if tested else []
        figures = [_format_mean(row, metric) for metric in others]
        cells.append([*values, _count_seeds(row), _format_mean(row, first), *of_tests, *figures])
        records.append(_record(comparison, row, [first, *others]))
    return View(columns, len(comparison.keys), cells, pd.DataFrame(records))


def _format_test(comparison: Comparison, row: ComparisonRow) -> list[str]:
    """Return a row's cells about the test: the difference, p and the outcome."""
    family = comparison.family
    difference = family.differences.get(row)
    if difference is None:
        return ["", "", outcome_of(comparison, row)]
    size = _format_difference(row, difference, family.metric)
    return [size, format_p(difference.corrected), outcome_of(comparison, row)]


def _format_difference(row: ComparisonRow, difference: Difference, metric: str) -> str:
    """Return a difference, with the number of pairs where not all seeds are paired."""
    pairs = difference.interval.n
    is_partial = pairs < max(len(row), len(difference.against)) and difference.p is not None
    return format_difference(difference.interval, metric) + (f" ({pairs} pairs)" if is_partial else "")


def _count_seeds(row: ComparisonRow) -> str:
    """Return a row's number of seeds, and where runs did not finish, of how many, or else how many runs are lost."""
    if not row.lost:
        return str(len(row))
    has_one_run_a_seed = len(row.runs) == len(row)
    return f"{len(row)} of {len(row) + row.lost}" if has_one_run_a_seed else f"{len(row)}, {row.lost} runs lost"


def _format_mean(row: ComparisonRow, metric: str) -> str:
    return format_interval(row.interval(metric), metric)


def _record(comparison: Comparison, row: ComparisonRow, metrics: Sequence[str]) -> dict[str, Any]:
    """Return a row's figures, unrounded."""
    record: dict[str, Any] = {key: row.values[key] for key in comparison.keys}
    record |= {"data": row.values["data"], "data_sha256": row.section.data_sha256}
    record |= {"n": len(row), "not_finished": row.lost}
    for metric in metrics:
        interval = row.interval(metric)
        record |= {metric: interval.mean, f"{metric}_half": interval.half}
    difference = comparison.family.differences.get(row)
    record |= {
        "difference": difference.interval.mean if difference else None,
        "difference_half": difference.interval.half if difference else None,
        "pairs": difference.interval.n if difference else None,
        "p": difference.p if difference else None,
        "p_corrected": difference.corrected if difference else None,
        "verdict": outcome_of(comparison, row),
    }
    return record


def every_run(runs: Runs, comparison: Comparison, sort: str | None = None) -> View:
    """Return the table of single runs, in the order of the comparison's rows, or by ``seed`` or ``run``.

    Args:
        runs: what was read.
        comparison: of these runs.
        sort: "seed" or "run", with a leading "-" backwards. Anything else has sorted the comparison's rows already.
    """
    metrics = list(dict.fromkeys([*comparison.metrics, "best_epoch", "epochs_run", "seconds"]))
    table = tell_data_sets_apart(runs.table).set_index("run", drop=False).astype(object)
    table = table.loc[[path for row in comparison.rows for path in row.runs]]
    if sort and sort.removeprefix("-") in RUN_COLUMNS:
        table = table.sort_values(sort.removeprefix("-"), ascending=not sort.startswith("-"), kind="stable")
    names = [*comparison.keys, "seed"]
    records = table[[*names, *metrics, "run"]].to_dict("records")
    for record in records:
        record |= {name: int(record[name]) for name in WHOLE_NUMBERS if name in record and not math.isnan(record[name])}
    cells = [
        [
            *(format_value(run[name]) for name in names),
            *(format_figure(run[metric], metric) for metric in metrics),
            run["run"],
        ]
        for run in records
    ]
    titles = [*names, *map(column_title, metrics), "run"]
    return View(titles, len(comparison.keys), cells, pd.DataFrame(records))


def pivot(comparison: Comparison) -> View:
    """Return the first metric of a comparison ``by`` two keys: one key's values down, the other's across.

    A cell names its number of seeds where not all cells have the same, and how many runs did not finish.
    """
    metric, (down, across) = comparison.metrics[0], comparison.by
    marks = [key for key in comparison.keys if key in MARKS]
    tops = sorted_values(row.values[across] for row in comparison.rows)
    # values of the marks and of the key down -> value of the key across -> row
    lines: dict[Values, dict[Any, ComparisonRow]] = {}
    for row in sorted(comparison.rows, key=lambda row: sort_key(row.values[down])):
        lines.setdefault(tuple(row.values[key] for key in (*marks, down)), {})[row.values[across]] = row
    alike = len({len(row) for row in comparison.rows}) == 1

    def format_cell(row: ComparisonRow | None) -> str:
        if row is None:
            return ""
        mean = _format_mean(row, metric)
        return mean if alike and not row.lost else f"{mean} (n {_count_seeds(row)})"

    cells = [
        [*map(format_value, left), *(format_cell(by_top.get(top)) for top in tops)] for left, by_top in lines.items()
    ]
    records = [_record(comparison, row, [metric]) for row in comparison.rows]
    titles = [*marks, f"{down} \\ {across}", *map(format_value, tops)]
    return View(titles, len(marks) + 1, cells, pd.DataFrame(records))


def explain_pivot(comparison: Comparison) -> list[str]:
    """Return the lines that explain the cells of a pivot."""
    averaged = f", each seed's figure averaged over {', '.join(comparison.averaged)}" if comparison.averaged else ""
    return [f"{column_title(comparison.metrics[0])}: mean ± half of the 95 % t interval over seeds{averaged}."]


def sorted_values(values: Iterable[Any]) -> list[Any]:
    """Return the distinct values of a key sorted, numbers before text."""
    return sorted(dict.fromkeys(values), key=sort_key)
