"""Learning curves for a paper: a row's mean over its seeds at each epoch, with a band."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from npdigits.base.errors import ConfigError
from npdigits.compare.comparison import Comparison
from npdigits.compare.curves import History, columns_of, common_steps, learning_curves, read_histories, read_history
from npdigits.compare.figures import metric_in_words, unit_of
from npdigits.compare.paper_style import (
    LINE,
    LINES,
    add_axes,
    axis_title,
    new_figure,
    row_label,
    widest,
)
from npdigits.compare.rows import ComparisonRow
from npdigits.compare.statistics import Numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Inches: of the axes, and of a line of the legend's before its label.
HEIGHT, HANDLE = 1.9, 0.42
MARGIN_LEFT, MARGIN_BOTTOM = 0.55, 0.42
# More steps than these look the same.
MOST_STEPS = 500


def draw(comparison: Comparison, width: float, history: Callable[[str], History] | None) -> tuple[Figure, str]:
    """Draw the first metric of the first rows over the epochs; return the figure and its caption.

    Args:
        comparison: of configurations.
        width: of the figure, in inches.
        history: reads the curves of a run of another program; None reads metrics.csv.

    Raises:
        ConfigError: there is no such curve.
    """
    metric, rows = comparison.metrics[0], comparison.rows[: len(LINES)]
    if comparison.by:
        raise ConfigError("curves are of configurations, not of marginal means")
    if metric not in (columns := columns_of(rows)):
        raise ConfigError(f"{metric} is not measured by epoch; --metric chooses one of {', '.join(columns)}")
    unread: list[str] = []
    histories = [_read(row, metric, history or read_history, unread.append) for row in rows]
    steps = common_steps([one for of_row in histories for one in of_row], MOST_STEPS)
    curves = [learning_curves(of_row, [metric], steps) for of_row in histories]
    if not any(value is not None for one in curves for value in one[metric]["mean"]):
        raise ConfigError(unread[0] if unread else f"no run has a curve of {metric}")
    labels, columns_in_legend = _fit_labels(comparison, rows, width)
    tallest = [labels[first : first + columns_in_legend] for first in range(0, len(labels), columns_in_legend)]
    lines = sum(max(label.count("\n") + 1 for label in beside) for beside in tallest)
    below = MARGIN_BOTTOM + LINE * lines + 0.1
    figure = new_figure(width, HEIGHT + below + 0.08)
    axes = add_axes(figure, MARGIN_LEFT, below, width - MARGIN_LEFT - 0.08, HEIGHT)
    for style, one, label in zip(LINES, curves, labels, strict=False):
        _draw_row(axes, steps, one["n"], one[metric], unit_of(metric, comparison.foreign).scale, style, label)
    axes.set_xlabel("step" if history else "epoch")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_ylabel(axis_title(metric, foreign=comparison.foreign))
    axes.margins(x=0.01)
    handles, names = axes.get_legend_handles_labels()
    figure.legend(
        *(_by_lines(some, columns_in_legend) for some in (handles, names)),
        **{
            "loc": "lower center",
            "ncols": columns_in_legend,
            "frameon": False,
            "borderaxespad": 0.2,
            "labelspacing": 0.25,
        },
        **{"handlelength": 2.6, "columnspacing": 1.0, "handletextpad": 0.5},
    )
    return figure, _describe(comparison, rows, curves, metric, unread)


def _draw_row(
    axes: Any,
    steps: Numbers,
    n: Sequence[int],
    curve: Mapping[str, Any],
    scale: float,
    style: Mapping[str, Any],
    label: str,
) -> None:
    """Draw a row's mean with its band; from where a first run has stopped on, the mean is a thin line without band."""
    mean, half = (np.array(curve[name], dtype=float) * scale for name in ("mean", "half"))
    there = ~np.isnan(mean)  # not every run has a value at every step
    steps, mean, half, reached = steps[: len(mean)][there], mean[there], half[there], np.array(n)[there]
    whole = int((reached == reached.max(initial=0)).sum())
    low, high = (mean - half)[:whole], (mean + half)[:whole]
    axes.fill_between(steps[:whole], low, high, color=style["color"], alpha=0.15, linewidth=0)
    axes.plot(steps[:whole], mean[:whole], label=label, marker="." if len(mean) == 1 else None, **style)
    axes.plot(steps[whole - 1 :], mean[whole - 1 :], linewidth=0.5, **style)


def _read(
    row: ComparisonRow, metric: str, history: Callable[[str], History], warn: Callable[[str], None]
) -> list[History]:
    """Return the metric's curve of each of a row's runs."""
    return [{metric: whole[metric]} if metric in whole else {} for whole in read_histories(row, warn, history)]


def _fit_labels(comparison: Comparison, rows: Sequence[ComparisonRow], width: float) -> tuple[list[str], int]:
    """Return the labels of a legend, and in how many columns they fit beside each other."""
    for columns in (4, 3, 2, 1):
        inches = (width - 0.1) / columns - HANDLE
        labels = [row_label(comparison, row, inches) for row in rows]
        if columns == 1 or (
            columns <= len(rows) and not any("\n" in label for label in labels) and widest(labels) <= inches
        ):
            break
    return labels, columns


def _by_lines(entries: Sequence[Any], columns: int) -> list[Any]:
    """Return entries in the order in which a legend, which fills columns, shows them line by line."""
    return [entry for first in range(columns) for entry in entries[first::columns]]


def _describe(
    comparison: Comparison,
    rows: Sequence[ComparisonRow],
    curves: Sequence[Mapping[str, Any]],
    metric: str,
    unread: Sequence[str],
) -> str:
    """Return the caption."""
    counts = sorted({len(row.runs) for row in rows})
    runs = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    name, step = metric_in_words(metric, comparison.foreign), "step" if comparison.foreign else "epoch"
    says = [f"{name} by {step}: mean over seeds with the 95 % t interval of each {step} (n = {runs})."]
    if any(one["n"] and one["n"][-1] < one["n"][0] for one in curves):
        says.append("Thin, without band, where a first run has stopped: the mean of the runs that go on.")
    if (more := len(comparison.rows) - len(rows)) > 0:
        says.append(f"The table's first {len(rows)} rows; {more} more are not drawn.")
    return " ".join([*says, *(f"{line}." for line in unread)])
