"""Views of runs: what each table shows, as text for people and as numbers for programs."""

import functools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd

from npdigits.compare.claim import OBJECTIVE
from npdigits.compare.comparison import Comparison
from npdigits.compare.difference import MCNEMAR, PERMUTATION, Difference
from npdigits.compare.family import Block
from npdigits.compare.figures import (
    column_title,
    format_difference,
    format_figure,
    format_interval,
    format_p,
    format_value,
)
from npdigits.compare.outcomes import outcome_in_words, outcome_of
from npdigits.compare.rows import MARKS, ComparisonRow, Values, sort_key, tell_data_sets_apart
from npdigits.compare.sentences import seeds_to_tell
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
        notes: what a table in a paper is to say below it.
    """

    columns: list[str]
    left: int
    cells: list[list[str]]
    frame: pd.DataFrame
    notes: tuple[str, ...] = ()


class Column(NamedTuple):
    """A column of the table of a comparison.

    Attributes:
        title: as it is shown.
        name: of the column in the unrounded figures by which it is sorted.
        cell: the text of a row's cell.
        block: the tests that it belongs to, if it is of a test.
    """

    title: str
    name: str
    cell: Callable[[ComparisonRow], str]
    block: Block | None = None

    @property
    def is_verdict(self) -> bool:
        """Whether it holds outcomes."""
        return self.title == "verdict" and self.block is not None


def configurations(comparison: Comparison) -> View:
    """Return the table of a comparison: a row for each configuration, or for each value of the keys compared ``by``."""
    columns = table_columns(comparison)
    cells = [[column.cell(row) for column in columns] for row in comparison.rows]
    records = [_record(comparison, row, comparison.columns) for row in comparison.rows]
    notes = comparison.claim.notes if comparison.claim else ()
    return View([column.title for column in columns], len(comparison.keys), cells, pd.DataFrame(records), notes)


def table_columns(comparison: Comparison) -> list[Column]:
    """Return the columns of the table: keys, number of seeds, each metric with its tests, what is shown besides."""
    columns = [Column(key, key, functools.partial(_format_key, key=key)) for key in comparison.keys]
    columns.append(Column("n", "n", _count_seeds))
    for metric in comparison.columns:
        mean = functools.partial(_format_mean, metric=metric, foreign=comparison.foreign)
        columns.append(Column(column_title(metric, comparison.foreign), metric, mean))
        for block in comparison.blocks:
            if block.column == metric and (block.differences or len(comparison.blocks) > 1) and comparison.is_tested:
                columns += _columns_of_test(comparison, block)
        if comparison.claim and metric == OBJECTIVE:
            columns += [Column(title, name, cell) for title, name, cell in comparison.claim.columns()]
    return columns


def _format_key(row: ComparisonRow, key: str) -> str:
    return format_value(row.values[key])


def _columns_of_test(comparison: Comparison, block: Block) -> list[Column]:
    """Return the columns of one metric against one baseline: the difference, p's and the outcome."""
    suffix = suffix_of(comparison, block)
    title = "Δ" if block.metric == block.column else f"Δ {block.metric}"
    if len({one.kind for one in comparison.blocks}) > 1 or _has_several_baselines(comparison):
        title += f" to {name_baseline(comparison, block)}"

    def of_difference(show: Callable[[ComparisonRow, Difference], str]) -> Callable[[ComparisonRow], str]:
        return lambda row: show(row, block.differences[row]) if row in block.differences else ""

    shown = [
        Column(
            title,
            f"difference{suffix}",
            of_difference(lambda row, one: _format_difference(row, one, block.metric, comparison.foreign)),
            block,
        ),
        Column(
            "p" + (" (McNemar)" if MCNEMAR in block.tests else ""),
            f"p_corrected{suffix}",
            of_difference(lambda row, one: format_p(one.corrected)),
            block,
        ),
    ]
    if block.margin and MCNEMAR not in block.tests:
        within = of_difference(lambda row, one: format_p(one.within_corrected))
        shown.append(Column(f"p within {block.margin.text}", f"p_within_corrected{suffix}", within, block))
    return [
        *shown,
        Column("verdict", f"verdict{suffix}", lambda row: outcome_in_words(comparison, row, block), block),
    ]


def _has_several_baselines(comparison: Comparison) -> bool:
    """Say whether rows are compared with more than one baseline."""
    return len(comparison.blocks) > len({block.column for block in comparison.blocks})


def name_baseline(comparison: Comparison, block: Block) -> str:
    """Return the label of a block's baseline; its kind where the rows' groups have several."""
    references = list(dict.fromkeys(block.references.values()))
    return comparison.label(references[0]) if len(references) == 1 else block.kind


def suffix_of(comparison: Comparison, block: Block) -> str:
    """Return how the names of a block's columns end: "" of the first one, else ":val_cost" or ":hidden=20"."""
    if block is comparison.family:
        return ""
    parts = [block.column] if len(comparison.tested) > 1 else []
    if _has_several_baselines(comparison):
        parts.append(name_baseline(comparison, block))
    return f":{':'.join(parts)}"


def _format_difference(row: ComparisonRow, difference: Difference, metric: str, foreign: bool) -> str:
    """Return a difference, with the number of pairs where not all seeds are paired; or that it is unpaired."""
    pairs = difference.interval.n
    is_partial = pairs < max(len(row), len(difference.against)) and difference.p is not None
    more = f" ({pairs} pairs)" if is_partial else ""
    if difference.test == PERMUTATION:
        more = " (unpaired)" if difference.p is not None else ""
    return format_difference(difference.interval, metric, foreign=foreign) + more


def _count_seeds(row: ComparisonRow) -> str:
    """Return a row's number of seeds, and where runs did not finish, of how many, or else how many runs are lost."""
    if not row.lost:
        return str(len(row))
    has_one_run_a_seed = len(row.runs) == len(row)
    return f"{len(row)} of {len(row) + row.lost}" if has_one_run_a_seed else f"{len(row)}, {row.lost} runs lost"


def _format_mean(row: ComparisonRow, metric: str, foreign: bool = False) -> str:
    return format_interval(row.interval(metric), metric, foreign=foreign)


def _record(comparison: Comparison, row: ComparisonRow, metrics: Sequence[str]) -> dict[str, Any]:
    """Return a row's figures, unrounded."""
    record: dict[str, Any] = {key: row.values[key] for key in comparison.keys}
    if not comparison.foreign:
        record |= {"data": row.values["data"], "data_sha256": row.section.data_sha256}
    record |= {"n": len(row), "not_finished": row.lost}
    for metric in metrics:
        interval = row.interval(metric)
        record |= {metric: interval.mean, f"{metric}_half": interval.half}
    if comparison.claim:
        record |= comparison.claim.record(row)
    for block in comparison.blocks:
        found = _record_test(comparison, row, block)
        record |= {f"{name}{suffix_of(comparison, block)}": value for name, value in found.items()}
    return record


def _record_test(comparison: Comparison, row: ComparisonRow, block: Block) -> dict[str, Any]:
    """Return what one metric against one baseline says of a row, unrounded."""
    difference = block.differences.get(row)
    record = {
        "difference": difference.interval.mean if difference else None,
        "difference_half": difference.interval.half if difference else None,
        "pairs": difference.interval.n if difference else None,
        "p": difference.p if difference else None,
        "p_corrected": difference.corrected if difference else None,
        "verdict": outcome_of(comparison, row, block),
    }
    if any(PERMUTATION in one.tests for one in comparison.blocks):
        record |= {"test": difference.test if difference else None}
        if difference and difference.test == PERMUTATION:
            record |= {"pairs": 0}
    if block.margin:
        is_open = record["verdict"] in ("open", "too few")
        record |= {
            "p_within": difference.within_p if difference else None,
            "p_within_corrected": difference.within_corrected if difference else None,
            "within": difference.within if difference else None,
            "seeds_to_tell": seeds_to_tell(block, difference) if difference and is_open else None,
        }
    return record


def every_run(runs: Runs, comparison: Comparison, sort: str | None = None) -> View:
    """Return the table of single runs, in the order of the comparison's rows, or by ``seed`` or ``run``.

    Args:
        runs: what was read.
        comparison: of these runs.
        sort: "seed" or "run", with a leading "-" backwards. Anything else has sorted the comparison's rows already.
    """
    beside = comparison.extra if comparison.foreign else ("best_epoch", "epochs_run", "seconds")
    metrics = list(dict.fromkeys([*comparison.metrics, *beside]))
    table = tell_data_sets_apart(runs.table).set_index("run", drop=False).astype(object)
    table = table.loc[[path for row in comparison.rows for path in row.runs]]
    if sort and sort.removeprefix("-") in RUN_COLUMNS:
        table = table.sort_values(sort.removeprefix("-"), ascending=not sort.startswith("-"), kind="stable")
    of_race = "race_part" in table and (table.race_part != "").any()
    names = [*comparison.keys, *(["race_part"] if of_race else []), "seed"]
    records = table[[*names, *metrics, "run"]].to_dict("records")
    for record in records:
        record |= {name: int(record[name]) for name in WHOLE_NUMBERS if name in record and not math.isnan(record[name])}
    cells = [
        [
            *(format_value(run[name]) for name in names),
            *(format_figure(run[metric], metric, comparison.foreign) for metric in metrics),
            run["run"],
        ]
        for run in records
    ]
    titles = [*names, *(column_title(metric, comparison.foreign) for metric in metrics), "run"]
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
        mean = _format_mean(row, metric, comparison.foreign)
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
    title = column_title(comparison.metrics[0], comparison.foreign)
    return [f"{title}: mean ± half of the 95 % t interval over seeds{averaged}."]


def sorted_values(values: Iterable[Any]) -> list[Any]:
    """Return the distinct values of a key sorted, numbers before text."""
    return sorted(dict.fromkeys(values), key=sort_key)
