"""Intervals for a paper: each row's mean with its seeds, and beside it the difference to the baseline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from npdigits.base.errors import ConfigError
from npdigits.compare.comparison import Comparison
from npdigits.compare.figures import metric_in_words, unit_of
from npdigits.compare.outcomes import margin_in_words, outcome_of
from npdigits.compare.paper_style import (
    COLOURS,
    SMALL,
    Rows,
    add_axes,
    axis_title,
    draw_interval,
    new_figure,
    place_rows,
    widest,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# More rows than a page holds.
MOST_ROWS = 60
# Inches: below the axes, and between what stands side by side.
BELOW, GAP = 0.53, 0.1


def draw(comparison: Comparison, width: float) -> tuple[Figure, str]:
    """Draw the first metric of each row, and where something was tested the differences; return figure and caption.

    Args:
        comparison: of configurations, or of marginal means.
        width: of the figure, in inches.

    Raises:
        ConfigError: there are more rows than a page holds.
    """
    rows, tested = comparison.rows, bool(comparison.family.differences)
    if len(rows) > MOST_ROWS:
        raise ConfigError(f"{len(rows)} rows: a page holds {MOST_ROWS}; choose some with --filter")
    outcomes = [outcome_of(comparison, row) if tested else "" for row in rows]
    placed = place_rows(comparison, rows, width)
    figure = new_figure(width, placed.height + BELOW)
    room = width - placed.left - widest(outcomes) - 0.08
    share = 0.55 * (room - GAP) if tested else room
    means = add_axes(figure, placed.left, BELOW, share, placed.height)
    _draw_means(means, comparison, placed)
    nbins = 2 if width < 4 else 5
    placed.prepare(means, nbins)
    if tested:
        differences = add_axes(figure, placed.left + share + GAP, BELOW, room - GAP - share, placed.height)
        _draw_differences(differences, comparison, placed, outcomes)
        placed.prepare(differences, nbins)
    return figure, _describe(comparison)


def _draw_means(axes: Any, comparison: Comparison, placed: Rows) -> None:
    """Draw each row's seeds as dots and its mean with the interval."""
    metric = comparison.metrics[0]
    scale = unit_of(metric, comparison.foreign).scale
    for row, place in placed.at.items():
        seeds = np.asarray(row.figures[metric], dtype=float) * scale
        axes.plot(seeds, np.full(len(seeds), place), "o", color="0.6", markersize=2, markeredgewidth=0, zorder=1)
        draw_interval(axes, row.interval(metric), scale, place, "#000000", filled=True)
    axes.set_yticks(list(placed.at.values()), placed.labels)
    axes.set_xlabel(axis_title(comparison, metric, in_lines=True))


def _draw_differences(axes: Any, comparison: Comparison, placed: Rows, outcomes: Sequence[str]) -> None:
    """Draw each row's difference to the row that it is compared with, and the verdict in a word."""
    family = comparison.family
    unit = unit_of(family.metric, comparison.foreign)
    axes.axvline(0, color="0.4", linewidth=0.6)
    if family.margin:
        axes.axvspan(
            *(sign * family.margin.size * unit.scale for sign in (-1, 1)), color="0.93", linewidth=0, zorder=-1
        )
    for (row, place), outcome in zip(placed.at.items(), outcomes, strict=True):
        if difference := family.differences.get(row):
            colour = COLOURS.get(outcome, "0.35")
            draw_interval(axes, difference.interval, unit.scale, place, colour, filled=difference.real)
        axes.annotate(
            outcome,
            (1, place),
            xycoords=("axes fraction", "data"),
            xytext=(3, 0),
            textcoords="offset points",
            **{"va": "center", "fontsize": SMALL, "annotation_clip": False},
        )
    axes.set_yticks([])
    axes.set_xlabel(f"difference\n({unit.of_difference})" if unit.of_difference else "difference")


def _describe(comparison: Comparison) -> str:
    """Return the caption."""
    family = comparison.family
    metric = metric_in_words(comparison.metrics[0], comparison.foreign)
    says = f"{metric}: each run (grey), mean and 95 % t interval over runs."
    if not family.differences:
        return says
    of = f" in {metric_in_words(family.metric, comparison.foreign)}" if family.metric != comparison.metrics[0] else ""
    many = f", Holm over {family.comparisons} comparisons" if family.comparisons > 1 else ""
    baselines = dict.fromkeys(family.references.values())
    named = "; ".join(comparison.label(row, marks=len(baselines) > 1) for row in baselines)
    parts = [f"{says} Right: difference{of} to {named}; filled where p ≤ {family.alpha:g} ({family.test} test{many})."]
    if family.margin:
        parts.append(f"Grey: a difference of less than {margin_in_words(comparison, family)}, which does not matter.")
    if len(comparison.blocks) > 1:
        parts.append(f"Of {len(comparison.blocks)} comparisons of metrics and baselines the first one.")
    return " ".join(parts)
