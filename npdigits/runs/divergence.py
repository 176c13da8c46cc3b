"""diverged.csv: of a run that diverged the cost before each step of the epoch in which it did, and its plot."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from npdigits.base import canvas, ticks
from npdigits.base.arrays import Array
from npdigits.base.bounded import read_bytes
from npdigits.base.kinds import short_repr
from npdigits.base.spreadsheet import csv_table
from npdigits.runs.layout import DIVERGENCE_STEPS

if TYPE_CHECKING:  # matplotlib is imported where something is drawn
    from matplotlib.figure import Figure

COLUMNS = ("epoch", "step", "cost")
# A row has 35 characters; an epoch of a million steps 35 MB.
MOST_BYTES, LONGEST_NUMBER = 100 << 20, 40
# So few steps are dots, too.
FEW = 30
# Inches beside the axes, where figures as long as 1e+300 stand, and what they are.
LEFT = 0.95


def as_text(epoch: int, costs: Sequence[float]) -> str:
    """Return the table of the costs before each step of an epoch, in nats; what is not finite is empty."""
    rows = ((epoch, step, cost if math.isfinite(cost) else None) for step, cost in enumerate(costs, start=1))
    return csv_table(COLUMNS, rows)


def read_steps(path: Path) -> dict[str, Array]:
    """Read a run directory's diverged.csv: column name -> values, NaN where a cost was not finite.

    Raises:
        OSError: there is none, or it cannot be read.
        ValueError: it is damaged; the message names it.
    """
    file = path / DIVERGENCE_STEPS
    try:
        head, *rows = csv.reader(read_bytes(file, MOST_BYTES).decode().splitlines())
        if tuple(head) != COLUMNS or not rows:
            raise ValueError(f"its columns are {short_repr(','.join(head))}")
        values = [[_number(cell) for cell in row] for row in rows]
        table = np.array(values, np.float64)
        if table.shape != (len(rows), 3) or not np.array_equal(table[:, 1], np.arange(1, len(rows) + 1)):
            raise ValueError("its rows are not step after step")
    except (ValueError, csv.Error) as error:
        raise ValueError(f"{file}: damaged: {error}") from error
    return {name: table[:, i] for i, name in enumerate(COLUMNS)}


def _number(cell: str) -> float:
    value = float(cell or "nan") if len(cell) <= LONGEST_NUMBER else math.inf
    if value < 0 or math.isinf(value):
        raise ValueError(f"{short_repr(cell)}: allowed is a finite number ≥ 0")
    return value


def divergence(title: str, table: dict[str, Array]) -> Figure:
    """Draw the cost of each step's batch, up to the one at which it is no longer finite."""
    figure, axes = canvas.titled(f"Cost of each batch in epoch {table['epoch'][0]:.0f} — {title}", left=LEFT)
    steps, costs = table["step"], table["cost"]
    axes.plot(steps, costs, color="#0072B2", marker="." if len(steps) <= FEW else None)
    if (costs > 0).any():
        ticks.logarithmic(axes)
    if np.isnan(costs[-1]):
        axes.axvline(steps[-1], color="#D55E00", linestyle="--")
        where = (steps[-1], 0.5), ("data", "axes fraction")
        axes.annotate("not finite ", where[0], xycoords=where[1], ha="right", color="#D55E00", fontsize=9)
    axes.set_xlabel("step")
    axes.set_ylabel("cross-entropy before the step (nats)")
    ticks.whole_steps(axes)
    return figure
