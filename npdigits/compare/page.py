"""The page: one self-contained HTML file with the table, the curves, main effects, a heat map and pairs of rows."""

import dataclasses
import itertools
import math
from pathlib import Path
from typing import Any

import pandas as pd

from npdigits.base.pages import page_of
from npdigits.compare.comparison import Comparison, margins, place, shown
from npdigits.compare.curves import COLUMNS, curves, rounded
from npdigits.compare.figures import title, unit
from npdigits.compare.rows import MARKS, Row, Section
from npdigits.compare.verdict import footnotes, outcome, verdict
from npdigits.compare.views import configurations, in_order, pivot, pivot_says

FILES = Path(__file__).parent / "page_files"
# Of so many keys heat maps are made, two by two.
MOST_KEYS = 6
TEST = "reported; nothing is chosen by it, so the table is not sorted by it"


def page(comparison: Comparison) -> str:
    """Return the page of a comparison of configurations."""
    template, style, more, plotting, script = (
        (FILES / name).read_text(encoding="utf-8")
        for name in ("page.html", "page.css", "uPlot.min.css", "uPlot.iife.min.js", "page.js")
    )
    return page_of(template, style + more, {"plotting": plotting, "script": script}, _content(comparison))


def _content(comparison: Comparison) -> dict[str, Any]:
    """Return what the page's script shows."""
    notes: list[str] = []
    view = configurations(comparison)
    drawn = [curves(row, notes.append) for row in comparison.rows]
    swept = [key for key in comparison.keys if key not in MARKS]
    effects = [_effect(comparison, key, section) for key in swept for section in _sections(comparison)]
    return {
        "heading": _heading(comparison),
        "verdict": verdict(comparison),
        "columns": [_column(comparison, index, column) for index, column in enumerate(view.columns)],
        "rows": [
            {
                "label": comparison.label(row, marks=True, unlike=_reference(comparison, row)),
                "cells": cells,
                "sort": [None if value != value else value for value in record],
                "outcome": outcome(comparison, row),
                "settings": {key: shown(row.values[key]) for key in comparison.keys},
            }
            for row, cells, record in zip(comparison.rows, view.cells, _sorting(comparison, view.frame), strict=True)
        ],
        "curves": drawn,
        "curve_columns": [{"name": name, "title": title(name), "scale": unit(name).scale} for name in COLUMNS],
        "effects": [effect for effect in effects if effect],
        "heat": [
            heat
            for pair in itertools.combinations(swept[:MOST_KEYS], 2)
            for section in _sections(comparison)
            if (heat := _heat(comparison, pair, section))
        ],
        "notes": [*footnotes(comparison), *dict.fromkeys(notes)],
        "left_out": [{"run": run, "status": status, "reason": why} for run, status, why in comparison.left_out],
    }


def _reference(comparison: Comparison, row: Row) -> Row | None:
    """Return the row that this one is compared with, so that it need not be called by more than the difference."""
    one = comparison.family.differences.get(row)
    return one.against if one else None


def _heading(comparison: Comparison) -> str:
    n_runs, n_rows = sum(len(row.runs) for row in comparison.rows), len(comparison.rows)
    sets = " and ".join(sorted({str(row.values["data"]) for row in comparison.rows}))
    runs = f"{n_runs} finished runs" if n_runs != 1 else "1 finished run"
    return f"{runs} of {n_rows} configuration{'s' * (n_rows != 1)} on {sets}"


def _column(comparison: Comparison, index: int, column: str) -> dict[str, Any]:
    name = column.split(" ")[0]
    fixed = name.startswith("test_")
    return {
        "title": column,
        "figure": index >= len(comparison.keys),
        "tested": name in ("Δ", "p", "verdict"),
        "why_not": TEST if fixed else "",
    }


def _sorting(comparison: Comparison, frame: pd.DataFrame) -> list[list[Any]]:
    """Return for each cell of the table what it is sorted by."""
    family = comparison.family
    names = [*comparison.keys, "n", comparison.metrics[0]]
    names += ["difference", "p_corrected", "verdict"] if family.differences else []
    names += [metric for metric in (*comparison.metrics[1:], "best_epoch", "seconds") if metric not in names]
    return [[value.item() if hasattr(value, "item") else value for value in record] for record in frame[names].values]


def _sections(comparison: Comparison) -> list[Section]:
    return list(dict.fromkeys(row.section for row in comparison.rows))


def _effect(comparison: Comparison, key: str, section: Section) -> dict[str, Any] | None:
    """Return a key's main effect: the marginal mean of each of its values, with every seed's figure."""
    metric = comparison.metrics[0]
    means = margins(comparison, [key], [row for row in comparison.rows if row.section == section])
    rows = sorted(means.rows, key=lambda row: place(row.values[key]))
    if len(rows) < 2 or not any(row.interval(metric).n for row in rows):
        return None
    scale = unit(metric).scale
    marks = [str(rows[0].values[mark]) for mark in means.keys if mark in MARKS]
    averaged = f"averaged over {', '.join(means.averaged)}" if means.averaged else ""
    return {
        "title": " · ".join([key, *marks]),
        "axis": title(metric),
        "values": [shown(row.values[key]) for row in rows],
        # A line between values that have no order would mean nothing.
        "ordered": not any(isinstance(row.values[key], str) for row in rows),
        "mean": rounded(row.interval(metric).mean * scale for row in rows),
        "half": rounded((row.interval(metric).half or float("nan")) * scale for row in rows),
        "seeds": [rounded(row.figures[metric] * scale) for row in rows],
        "says": "; ".join(filter(None, [averaged, *means.notes])),
    }


def _heat(comparison: Comparison, pair: tuple[str, str], section: Section) -> dict[str, Any] | None:
    """Return the first metric over two keys; None where no setting of the others was run with all of them."""
    metric, (down, across) = comparison.metrics[0], pair
    means = margins(comparison, pair, [row for row in comparison.rows if row.section == section])
    if not means.rows:
        return None
    marks = [str(means.rows[0].values[mark]) for mark in means.keys if mark in MARKS]
    view = pivot(dataclasses.replace(means, keys=pair))
    of_it = {(row.values[down], row.values[across]): row.interval(metric).mean for row in means.rows}
    downs, tops = (in_order(cell[i] for cell in of_it) for i in (0, 1))
    values = [[of_it.get((left, top), math.nan) * unit(metric).scale for top in tops] for left in downs]
    return {
        "name": " · ".join([f"{down} and {across}", *marks]),
        "down": down,
        "across": across,
        "downs": [shown(value) for value in downs],
        "tops": [shown(value) for value in tops],
        "cells": [row[1:] for row in view.cells],
        "means": [rounded(line) for line in values],
        "says": " ".join([*pivot_says(means), *(f"{note}." for note in means.notes)]),
    }
