"""Learning curves of a row: the mean over its seeds at each epoch, with a band."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from npdigits.base.errors import RunDirError
from npdigits.compare.rows import ComparisonRow
from npdigits.compare.statistics import t_band
from npdigits.runs.metrics import SCORES, read_metrics
from npdigits.runs.table import FIGURES

# What can be drawn over the epochs. The page begins with the first one.
COLUMNS = ("val_cost", "val_accuracy", "gap", *(name for name in SCORES if not name.startswith("val_")), "lr")


def columns_of(rows: Sequence[ComparisonRow]) -> list[str]:
    """Return what can be drawn of these rows over the epochs; the user's own figures stand last."""
    own = dict.fromkeys(name for row in rows for name in row.figures if name not in FIGURES)
    return [*COLUMNS, *own]


def learning_curves(
    row: ComparisonRow, warn: Callable[[str], None], columns: Sequence[str] = COLUMNS
) -> dict[str, Any]:
    """Return ``n``, how many runs reached each epoch, and for each column the ``mean`` and ``half`` of its interval.

    A run that stopped early counts up to its last epoch only. So where n falls, the mean is of fewer runs than before.

    Args:
        row: the runs whose metrics.csv are read.
        warn: is told which files cannot be read.
        columns: what to draw; a run that has no such column counts nothing in it.
    """
    tables = []
    for run in row.runs:
        try:
            tables.append(read_metrics(Path(run)))
        except RunDirError as error:
            warn(f"no curve: {error}")
    longest = max((len(table["epoch"]) for table in tables), default=0)
    curves: dict[str, Any] = {"n": [sum(len(table["epoch"]) > epoch for table in tables) for epoch in range(longest)]}
    for column in columns:
        values = np.full((len(tables), longest), np.nan)
        for run_values, table in zip(values, tables, strict=True):
            run_values[: len(table.get(column, ()))] = table.get(column, ())
        mean, half, _ = t_band(values)
        curves[column] = {"mean": rounded(mean), "half": rounded(half)}
    return curves


def rounded(values: Any) -> list[float | None]:
    """Return numbers rounded to six significant digits; None in place of those that are not finite."""
    return [float(f"{value:.6g}") if np.isfinite(value) else None for value in values]
