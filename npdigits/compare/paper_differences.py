"""Critical differences for a paper: rows on the axis of their mean, and bars that join what is not shown to differ.

The form is Demšar's ("Statistical comparisons of classifiers over multiple data sets", JMLR 7, 2006, figure 1), with a
line a row. There the axis is of mean ranks over data sets, and Nemenyi's test has one critical difference for all.
Here the rows were measured on one data set with several seeds. So the axis is of the metric itself, and each pair is
tested by itself: by the exact sign-flip test of the differences paired by seed, corrected by Holm's method over all
pairs, as any of them may be read off. What is tested so need not go in steps: of three rows the outer two may not be
shown to differ, while the middle one differs from both. A bar therefore has a dot at each of its own rows, and only
passes the others.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from npdigits.base.errors import ConfigError
from npdigits.compare.comparison import Comparison
from npdigits.compare.difference import PERMUTATION, SIGN_FLIP, Difference, compare_over_seeds
from npdigits.compare.figures import metric_in_words, unit_of
from npdigits.compare.paper_style import LINE, Rows, add_axes, axis_title, draw_interval, new_figure, place_rows
from npdigits.compare.rows import ComparisonRow
from npdigits.compare.statistics import ALPHA, holm

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# More than these are not legible.
MOST_ROWS, MOST_BARS = 40, 40
# Inches: below the axes, between two bars, and between groups of rows that are not compared with each other.
BELOW, BAR, GAP = 0.4, 0.09, 0.5 * LINE

Alike = Mapping[ComparisonRow, set[ComparisonRow]]


def draw(comparison: Comparison, width: float) -> tuple[Figure, str]:
    """Draw the first metric's mean of each row, and the bars; return figure and caption.

    Args:
        comparison: of configurations, or of marginal means.
        width: of the figure, in inches.

    Raises:
        ConfigError: there are no two rows to compare, or more rows or bars than are legible.
    """
    metric = comparison.metrics[0]
    groups = _group_rows(comparison, metric)
    pairs = [pair for rows in groups for pair in itertools.combinations(rows, 2)]
    differences = [compare_over_seeds(a, b, metric, unpaired=comparison.unpaired) for a, b in pairs]
    alike = find_alike(pairs, differences, comparison.family.alpha)
    bars = [bar for rows in groups for bar in find_bars(rows, alike)]
    if len(bars) > MOST_BARS:
        raise ConfigError(f"over {MOST_BARS} bars: too many groups of rows overlap; choose some rows with --filter")
    placed = place_rows(comparison, [row for rows in groups for row in rows], width, gap=GAP)
    levels = pack_bars(bars, placed.at)
    beside = BAR * (max(levels, default=-1) + 1) + 0.12
    figure = new_figure(width, placed.height + BELOW)
    axes = add_axes(figure, placed.left, BELOW, width - placed.left - beside, placed.height)
    placed.prepare(axes, nbins=4 if width < 4 else 8)
    axes.set_yticks(list(placed.at.values()), placed.labels)
    for row, place in placed.at.items():
        draw_interval(
            axes, row.interval(metric), unit_of(metric, comparison.foreign).scale, place, "#000000", filled=True
        )
    axes.set_xlabel(axis_title(metric, foreign=comparison.foreign))
    _draw_bars(axes, bars, levels, placed)
    best = "the best first" if len(groups) == 1 else "each group of comparable rows by itself, the best first"
    tests = _name_tests(differences, comparison.family.alpha)
    caption = (
        f"Mean {metric_in_words(metric, comparison.foreign)} with the 95 % t interval over seeds, {best}. Bars join "
        f"rows that are not shown to differ, nor to be equal, with a dot for each ({tests})."
    )
    return figure, caption


def _draw_bars(axes: Any, bars: Sequence[Sequence[ComparisonRow]], levels: Sequence[int], placed: Rows) -> None:
    """Draw the bars on the right of the axes."""
    inches = axes.get_position().width * axes.figure.get_size_inches()[0]
    for bar, level in zip(bars, levels, strict=True):
        x, places = 1 + (0.08 + BAR * level) / inches, [placed.at[row] for row in bar]
        options: dict[str, Any] = {"color": "#000000", "transform": axes.get_yaxis_transform(), "clip_on": False}
        axes.plot([x, x], [places[0], places[-1]], linewidth=1.4, **options)
        axes.plot([x] * len(places), places, "o", markersize=3.4, **options)


def _group_rows(comparison: Comparison, metric: str) -> list[list[ComparisonRow]]:
    """Return the rows of each section that has two or more, the best first.

    Raises:
        ConfigError: there is none, or there are more rows than are legible.
    """
    sign = -1 if comparison.family.higher else 1
    sections: dict[Any, list[ComparisonRow]] = {row.section: [] for row in comparison.rows}
    for row in sorted(comparison.rows, key=lambda row: sign * row.interval(metric).mean):
        if row.interval(metric).n:
            sections[row.section].append(row)
    groups = [rows for rows in sections.values() if len(rows) > 1]
    if not groups:
        raise ConfigError("there are no two rows to compare with each other")
    if all(row.interval(metric).n == 1 for rows in groups for row in rows):
        raise ConfigError("each row has a single seed, by which no two are told apart; run more seeds")
    if (count := sum(map(len, groups))) > MOST_ROWS:
        raise ConfigError(f"{count} rows: at most {MOST_ROWS} are legible; choose some with --filter")
    return groups


def find_alike(
    pairs: Sequence[tuple[ComparisonRow, ComparisonRow]], differences: Sequence[Difference], alpha: float = ALPHA
) -> Alike:
    """Return for each row those that it is not shown to differ from, by tests corrected over all of these pairs.

    Args:
        pairs: of rows.
        differences: of these, tested; a pair that cannot be tested is not shown to differ.
        alpha: corrected p's up to this one show a difference.
    """
    corrected = holm([1.0 if one.p is None else one.p for one in differences])
    alike: dict[ComparisonRow, set[ComparisonRow]] = {row: set() for pair in pairs for row in pair}
    for (a, b), p in zip(pairs, corrected, strict=True):
        if p > alpha:
            alike[a].add(b)
            alike[b].add(a)
    return alike


def find_bars(rows: Sequence[ComparisonRow], alike: Alike) -> list[list[ComparisonRow]]:
    """Return the largest groups of two or more rows of which no two are shown to differ, each in the rows' order.

    At most one more than ``MOST_BARS`` are looked for.
    """
    order = {row: index for index, row in enumerate(rows)}
    groups = (group for group in _cliques(set(), set(rows), set(), alike) if len(group) > 1)
    bars = [sorted(group, key=order.__getitem__) for group in itertools.islice(groups, MOST_BARS + 1)]
    return sorted(bars, key=lambda bar: [order[row] for row in bar])


def _cliques(
    chosen: set[ComparisonRow], left: set[ComparisonRow], done: set[ComparisonRow], alike: Alike
) -> Iterator[set[ComparisonRow]]:
    """Yield the maximal cliques of what is chosen and some of what is left (Bron & Kerbosch 1973, with a pivot)."""
    if not left and not done:
        yield chosen
        return
    pivot = max(left | done, key=lambda row: len(alike[row] & left))
    for row in left - alike[pivot]:
        yield from _cliques(chosen | {row}, left & alike[row], done & alike[row], alike)
        left = left - {row}
        done = done | {row}


def pack_bars(bars: Sequence[Sequence[ComparisonRow]], at: Mapping[ComparisonRow, float]) -> list[int]:
    """Return on which level each bar is drawn, so that no two touch: the first one that is free from its top on.

    Args:
        bars: in the order of their first rows.
        at: row -> its place, from above.
    """
    ends: list[float] = []
    levels = []
    for bar in bars:
        level = next((level for level, end in enumerate(ends) if end < at[bar[0]]), len(ends))
        ends[level : level + 1] = [at[bar[-1]]]
        levels.append(level)
    return levels


def _name_tests(differences: Sequence[Difference], alpha: float) -> str:
    """Return the tests in words."""
    names = {
        SIGN_FLIP: "exact sign-flip test of the differences paired by seed",
        PERMUTATION: "permutation of Welch's t",
    }
    tests = dict.fromkeys(one.test for one in differences)
    told = " and, where no seeds are paired, ".join(names[test] for test in names if test in tests)
    over = f", corrected (Holm) over {len(differences)} pairs" if len(differences) > 1 else ""
    return f"{told}{over}; shown where p ≤ {alpha:.3g}"
