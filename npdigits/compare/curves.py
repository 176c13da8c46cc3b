"""Learning curves of a row: the mean over its seeds at each epoch or step, with a band."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from npdigits.base.errors import RunDirError
from npdigits.compare.rows import ComparisonRow
from npdigits.compare.statistics import Numbers, t_band
from npdigits.runs.metrics import SCORES, read_metrics
from npdigits.runs.table import FIGURES

# What can be drawn over the epochs. The page begins with the first one.
COLUMNS = ("val_cost", "val_accuracy", "gap", *(name for name in SCORES if not name.startswith("val_")), "lr")
# Runs of other programs may have logged millions of steps: at most so many are drawn.
MOST_STEPS = 1000

# column -> (steps, values), both (n,) and sorted by steps
History = Mapping[str, tuple[Numbers, Numbers]]


def columns_of(rows: Sequence[ComparisonRow]) -> list[str]:
    """Return what can be drawn of these rows over the epochs; the user's own figures stand last."""
    own = dict.fromkeys(name for row in rows for name in row.figures if name not in FIGURES)
    return [*COLUMNS, *own]


def read_history(run: str) -> History:
    """Return the columns of a run directory's metrics.csv.

    Raises:
        RunDirError: they cannot be read.
    """
    table = read_metrics(Path(run))
    epochs = np.array(table["epoch"], dtype=float)
    return {name: (epochs, np.array(values, dtype=float)) for name, values in table.items()}


def read_histories(
    row: ComparisonRow, warn: Callable[[str], None], history: Callable[[str], History] = read_history
) -> list[History]:
    """Return the histories of a row's runs; of those that cannot be read ``warn`` is told."""
    found = []
    for run in row.runs:
        try:
            found.append(history(run))
        except RunDirError as error:
            warn(f"no curve: {error}")
    return found


def common_steps(histories: Sequence[History], most: int | None = None) -> Numbers:
    """Return the steps at which any run has a value, sorted; of more than ``most`` some, evenly, and the last one."""
    every = [steps for history in histories for steps, _ in history.values()]
    steps = np.unique(np.concatenate(every)) if every else np.zeros(0)
    if most is not None and len(steps) > most:
        steps = steps[np.unique(np.linspace(0, len(steps) - 1, most).round().astype(int))]
    return steps


def learning_curves(histories: Sequence[History], columns: Sequence[str], steps: Numbers) -> dict[str, Any]:
    """Return ``n``, how many runs reached each step, and for each column the ``mean`` and ``half`` of its interval.

    A run that stopped early counts up to its last step only. So where n falls, the mean is of fewer runs than before.

    Args:
        histories: of a row's runs.
        columns: what to draw; a run that has no such column counts nothing in it.
        steps: (n,), sorted, where to draw; what lies behind the last run's end is left out.
    """
    ends = np.array([max((s[-1] for s, _ in history.values() if len(s)), default=-np.inf) for history in histories])
    steps = steps[steps <= ends.max(initial=-np.inf)]
    curves: dict[str, Any] = {"n": [int((ends >= step).sum()) for step in steps]}
    for column in columns:
        values = np.full((len(histories), len(steps)), np.nan)
        for of_run, history in zip(values, histories, strict=True):
            if column in history:
                where, there = history[column]
                _, position, source = np.intersect1d(steps, where, assume_unique=True, return_indices=True)
                of_run[position] = there[source]
        mean, half, _ = t_band(values)
        curves[column] = {"mean": rounded(mean), "half": rounded(half)}
    return curves


def rounded(values: Any) -> list[float | None]:
    """Return numbers rounded to six significant digits; None in place of those that are not finite."""
    return [float(f"{value:.6g}") if np.isfinite(value) else None for value in values]
