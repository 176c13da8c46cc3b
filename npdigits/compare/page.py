"""A comparison as one self-contained HTML file: the table, the curves, main effects, heat maps and pairs of rows."""

import dataclasses
import itertools
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from npdigits.base.pages import page_of
from npdigits.compare.comparison import Comparison, marginal_comparison
from npdigits.compare.curves import (
    MOST_STEPS,
    History,
    columns_of,
    common_steps,
    learning_curves,
    read_histories,
    rounded,
)
from npdigits.compare.figures import column_title, format_value, unit_of
from npdigits.compare.ordering import ordering_metric
from npdigits.compare.outcomes import outcome_of
from npdigits.compare.rows import MARKS, ComparisonRow, Section, sort_key
from npdigits.compare.verdict import GOES_ON, footnotes, verdict
from npdigits.compare.views import Column, View, configurations, explain_pivot, pivot, sorted_values, table_columns
from npdigits.runs.summary import Status

FILES = Path(__file__).parent / "page_files"
# Where further sections stand in page.html.
MORE = "  <!-- more -->\n"
# Heat maps are made of the pairs of the first so many keys.
MOST_KEYS = 6
# Why the page's table cannot be sorted by a column of the test set.
WHY_NOT_SORTED = "reported; nothing is chosen by it, so the table is not sorted by it"


def comparison_page(comparison: Comparison) -> str:
    """Return the page of a comparison of configurations, as HTML."""
    return page_from(content_of(comparison))


def page_from(content: dict[str, Any], more: str = "") -> str:
    """Return a page with this content.

    Args:
        content: as of ``content_of``.
        more: the name of files with further sections, and with the script and the style of these.
    """
    template, style, plotting_style, plotting, script = map(
        _read, ("page.html", "page.css", "uPlot.min.css", "uPlot.iife.min.js", "page.js")
    )
    sections, of_sections, filling = (_read(f"{more}.{ending}") if more else "" for ending in ("html", "css", "js"))
    before, _, after = template.partition(MORE)
    scripts = {"plotting": plotting, "script": script, "filling": filling}
    return page_of(before + sections + after, style + plotting_style + of_sections, scripts, content)


def _read(name: str) -> str:
    return (FILES / name).read_text(encoding="utf-8")


def content_of(comparison: Comparison) -> dict[str, Any]:
    """Return the data of the page's script."""
    notes: list[str] = []
    view, shown = configurations(comparison), table_columns(comparison)
    histories = _read_curves(comparison, notes.append)
    columns = _drawn(comparison, histories)
    every = [history for of_row in histories for history in of_row]
    steps = common_steps(every, MOST_STEPS if comparison.foreign else None)
    # The finalists of a race are no grid: a mean over some of them is nobody's effect.
    swept = [] if comparison.claim else [key for key in comparison.keys if key not in MARKS]
    sections = list(dict.fromkeys(row.section for row in comparison.rows))
    effects = [_main_effect(comparison, key, section) for key in swept for section in sections]
    pairs = itertools.combinations(swept[:MOST_KEYS], 2)
    heat_maps = [_heat_map(comparison, pair, section) for pair in pairs for section in sections]
    return {
        "heading": _heading(comparison),
        "verdict": verdict(comparison),
        "columns": [_describe_column(comparison, index, column) for index, column in enumerate(shown)],
        "rows": _describe_rows(comparison, view, shown),
        "curves": [learning_curves(history, columns, steps) for history in histories],
        "steps": steps.tolist(),
        "step_name": "step" if comparison.foreign else "epoch",
        "curve_columns": [
            {
                "name": name,
                "title": column_title(name, comparison.foreign),
                "scale": unit_of(name, comparison.foreign).scale,
            }
            for name in columns
        ],
        "effects": [effect for effect in effects if effect],
        "heat": [heat_map for heat_map in heat_maps if heat_map],
        "notes": [*footnotes(comparison), *dict.fromkeys(notes)],
        "left_out": _describe_left_out(comparison),
    }


def _describe_left_out(comparison: Comparison) -> list[dict[str, str]]:
    """Return what is said of the runs that no row holds; of paused ones, of which a race leaves many, how many."""
    shown = [one for one in comparison.left_out if comparison.foreign or one[1] != Status.PAUSED]
    if n := len(comparison.left_out) - len(shown):
        shown.append((f"{n} run{'s' * (n > 1)}", str(Status.PAUSED), GOES_ON))
    return [dict(zip(("run", "status", "reason"), one, strict=True)) for one in shown]


def _read_curves(comparison: Comparison, warn: Callable[[str], None]) -> list[list[History]]:
    """Return the histories of each row's runs; none where another program has kept none."""
    if not comparison.foreign:
        return [read_histories(row, warn) for row in comparison.rows]
    history = comparison.history
    return [read_histories(row, warn, history) if history else [] for row in comparison.rows]


def _drawn(comparison: Comparison, histories: Sequence[Sequence[History]]) -> list[str]:
    """Return what can be drawn over the steps."""
    if not comparison.foreign:
        return columns_of(comparison.rows)
    return list(dict.fromkeys(name for of_row in histories for history in of_row for name in history))


def _heading(comparison: Comparison) -> str:
    """Return the page's title."""
    n_runs, n_rows = sum(len(row.runs) for row in comparison.rows), len(comparison.rows)
    sets = " and ".join(sorted({str(row.values["data"]) for row in comparison.rows}))
    runs = f"{n_runs} finished runs" if n_runs != 1 else "1 finished run"
    on = "" if comparison.foreign else f" on {sets}"
    return f"{runs} of {n_rows} configuration{'s' * (n_rows != 1)}{on}"


def _describe_column(comparison: Comparison, index: int, column: Column) -> dict[str, Any]:
    """Return a column of the table: its title, what it holds, and why it is not to be sorted by."""
    figures = comparison.rows[0].figures
    of_test_set = column.name in figures and ordering_metric(column.name, figures) != column.name
    return {
        "title": column.title,
        "figure": index >= len(comparison.keys),
        "tested": column.block is not None,
        "why_not": WHY_NOT_SORTED if of_test_set else "",
    }


def _describe_rows(comparison: Comparison, view: View, shown: Sequence[Column]) -> list[dict[str, Any]]:
    """Return the rows of the table: the cells, what they are sorted by, the outcomes and the settings."""
    differences = comparison.family.differences
    return [
        {
            # A row that is compared with another is labelled by what differs from that one.
            "label": comparison.label(row, marks=True, unlike=differences[row].against if row in differences else None),
            "cells": cells,
            "sort": [_sortable(value) for value in record],
            "outcome": outcome_of(comparison, row),
            "outcomes": [
                outcome_of(comparison, row, column.block) if column.block and column.is_verdict else ""
                for column in shown
            ],
            "settings": {key: format_value(row.values[key]) for key in comparison.keys},
        }
        for row, cells, record in zip(comparison.rows, view.cells, _sort_values(view.frame, shown), strict=True)
    ]


def _sortable(value: Any) -> Any:
    """Return what a cell is sorted by; nothing for a figure that is not finite, which JSON has none of."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _sort_values(frame: pd.DataFrame, shown: Sequence[Column]) -> list[list[Any]]:
    """Return, for each cell of the table, the value that it is sorted by."""
    records = frame[[column.name for column in shown]].values
    return [[value.item() if hasattr(value, "item") else value for value in record] for record in records]


def _main_effect(comparison: Comparison, key: str, section: Section) -> dict[str, Any] | None:
    """Return a key's main effect: the marginal mean of each of its values, with every seed's figure."""
    metric = comparison.metrics[0]
    means = _marginal_means(comparison, [key], section)
    rows = sorted(means.rows, key=lambda row: sort_key(row.values[key]))
    if len(rows) < 2 or not any(row.interval(metric).n for row in rows):
        return None
    scale = unit_of(metric, comparison.foreign).scale
    averaged = f"averaged over {', '.join(means.averaged)}" if means.averaged else ""
    return {
        "title": " · ".join([key, *_marks_of(means, rows[0])]),
        "axis": column_title(metric, comparison.foreign),
        "values": [format_value(row.values[key]) for row in rows],
        # A line between values that have no order would mean nothing.
        "ordered": not any(isinstance(row.values[key], str) for row in rows),
        "mean": rounded(row.interval(metric).mean * scale for row in rows),
        "half": rounded((row.interval(metric).half or float("nan")) * scale for row in rows),
        "seeds": [rounded(row.figures[metric] * scale) for row in rows],
        "says": "; ".join(filter(None, [averaged, *means.notes])),
    }


def _heat_map(comparison: Comparison, pair: tuple[str, str], section: Section) -> dict[str, Any] | None:
    """Return the first metric over two keys; None where no setting of the other keys was run with all their values."""
    metric, (down, across) = comparison.metrics[0], pair
    means = _marginal_means(comparison, pair, section)
    if not means.rows:
        return None
    scale = unit_of(metric, comparison.foreign).scale
    view = pivot(dataclasses.replace(means, keys=pair))
    mean_at = {(row.values[down], row.values[across]): row.interval(metric).mean for row in means.rows}
    downs, tops = (sorted_values(position[axis] for position in mean_at) for axis in (0, 1))
    values = [[mean_at.get((left, top), math.nan) * scale for top in tops] for left in downs]
    return {
        "name": " · ".join([f"{down} and {across}", *_marks_of(means, means.rows[0])]),
        "down": down,
        "across": across,
        "downs": [format_value(value) for value in downs],
        "tops": [format_value(value) for value in tops],
        "cells": [row[1:] for row in view.cells],
        "means": [rounded(line) for line in values],
        "says": " ".join([*explain_pivot(means), *(f"{note}." for note in means.notes)]),
    }


def _marginal_means(comparison: Comparison, by: Sequence[str], section: Section) -> Comparison:
    """Return the marginal means by some keys of a section's rows."""
    return marginal_comparison(comparison, by, [row for row in comparison.rows if row.section == section])


def _marks_of(comparison: Comparison, row: ComparisonRow) -> list[str]:
    """Return the values of those marks by which the rows differ."""
    return [str(row.values[mark]) for mark in comparison.keys if mark in MARKS]
