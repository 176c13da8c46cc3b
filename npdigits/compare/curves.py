"""Learning curves of a row: the mean over its seeds at each epoch, with a band."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from npdigits.base.errors import RunDirError
from npdigits.compare.rows import Row
from npdigits.compare.statistics import t_band
from npdigits.runs.metrics import SCORES, read_metrics

# What can be drawn over the epochs, the first one at first.
COLUMNS = ("val_cost", "val_accuracy", "gap", *(name for name in SCORES if not name.startswith("val_")), "lr")


def curves(row: Row, warn: Callable[[str], None]) -> dict[str, Any]:
    """Return ``n``, how many runs reached each epoch, and for each column the ``mean`` and ``half`` of its interval.

    A run that stopped early counts only up to its end, so that where n falls the mean is of other runs than before.

    Args:
        row: whose runs' metrics.csv are read.
        warn: told of files that cannot be.
    """
    tables = []
    for run in row.runs:
        try:
            tables.append(read_metrics(Path(run)))
        except RunDirError as error:
            warn(f"no curve: {error}")
    longest = max((len(table["epoch"]) for table in tables), default=0)
    drawn: dict[str, Any] = {"n": [sum(len(table["epoch"]) > epoch for table in tables) for epoch in range(longest)]}
    for column in COLUMNS:
        values = np.full((len(tables), longest), np.nan)
        for place, table in zip(values, tables, strict=True):
            place[: len(table[column])] = table[column]
        mean, half, _ = t_band(values)
        drawn[column] = {"mean": rounded(mean), "half": rounded(half)}
    return drawn


def rounded(values: Any) -> list[float | None]:
    """Return numbers with six significant digits; what is not finite is None."""
    return [float(f"{value:.6g}") if np.isfinite(value) else None for value in values]
