"""Critical differences for a paper: rows on the axis of their mean, and bars that join what is not shown to differ.

The form is Demšar's ("Statistical comparisons of classifiers over multiple data sets", JMLR 7, 2006, figure 1), with a
line a row. There the axis is of mean ranks over data sets, and Nemenyi's test has one critical difference for all.
Here the rows were measured on one data set with several seeds. So the axis is of the metric itself, and each pair is
tested by itself: by the exact sign-flip test of the differences paired by seed (rows without a seed in common by a
permutation test), corrected by Holm's method over all pairs, as any of them may be read off. What is tested so need
not go in steps: of three rows the outer two may not be shown to differ, while the middle one differs from both. A bar
therefore has a dot at each of its own rows, and only passes the others.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from npdigits.base.errors import ConfigError
from npdigits.compare.comparison import Comparison
from npdigits.compare.difference import PERMUTATION, SIGN_FLIP, compare_over_seeds
from npdigits.compare.figures import metric_in_words, unit_of
from npdigits.compare.paper_style import LINE, Rows, add_axes, axis_title, draw_interval, new_figure, place_rows
from npdigits.compare.permutation import least_permutation_p
from npdigits.compare.rows import ComparisonRow
from npdigits.compare.statistics import ALPHA, holm, least_p

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# More than these are not legible.
MOST_ROWS, MOST_BARS = 40, 40
# Inches: below the axes, between two bars, and between groups of rows that are not compared with each other.
BELOW, BAR, GAP = 0.4, 0.09, 0.5 * LINE

IN_WORDS = {
    SIGN_FLIP: "exact sign-flip test of the differences paired by seed",
    PERMUTATION: "permutation test of rows that are not paired",
}
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
    alike, tests = find_alike(pairs, metric, comparison.family.alpha, comparison.unpaired)
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
    axes.set_xlabel(axis_title(comparison, metric))
    _draw_bars(axes, bars, levels, placed)
    best = "the best first" if len(groups) == 1 else "each group of comparable rows by itself, the best first"
    shown = f"{_name_tests(tests, len(pairs))}; shown where p ≤ {comparison.family.alpha:g}"
    caption = (
        f"Mean {metric_in_words(metric, comparison.foreign)} with the 95 % t interval over runs, {best}. Bars join "
        f"rows that are not shown to differ, nor to be equal, with a dot for each ({shown})."
    )
    return figure, caption + _say_too_few(pairs, comparison.family.alpha)


def _say_too_few(pairs: Sequence[tuple[ComparisonRow, ComparisonRow]], alpha: float) -> str:
    """Return a sentence where so few seeds could not have told some of the pairs apart; else ""."""
    least = [_least_p(a, b) * len(pairs) > alpha for a, b in pairs]
    if not any(least):
        return ""
    some = "any pair" if all(least) else f"{sum(least)} of the pairs"
    needed = next(n for n in range(1, 1000) if len(pairs) * least_p(n) <= alpha)
    return f" The seeds are too few to tell {some} apart over {len(pairs)} pairs: it takes {needed} of each row."


def _least_p(a: ComparisonRow, b: ComparisonRow) -> float:
    """Return the smallest p that the test of two rows can give."""
    shared = len(set(a.seeds) & set(b.seeds))
    return least_p(shared) if shared else least_permutation_p(len(a), len(b))


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
    pairs: Sequence[tuple[ComparisonRow, ComparisonRow]], metric: str, alpha: float = ALPHA, unpaired: bool = False
) -> tuple[Alike, tuple[str, ...]]:
    """Return for each row those that it is not shown to differ from, and the tests that were made.

    Args:
        pairs: of rows; the p's are corrected over all of them.
        metric: what is compared.
        alpha: corrected p's up to this one show a difference.
        unpaired: pair no runs, also where seeds match.
    """
    differences = [compare_over_seeds(a, b, metric, unpaired=unpaired) for a, b in pairs]
    corrected = holm([1.0 if found.p is None else found.p for found in differences])
    alike: dict[ComparisonRow, set[ComparisonRow]] = {row: set() for pair in pairs for row in pair}
    for (a, b), p in zip(pairs, corrected, strict=True):
        if p > alpha:
            alike[a].add(b)
            alike[b].add(a)
    return alike, tuple(dict.fromkeys(found.test for found in differences if found.p is not None))


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


def _name_tests(tests: Sequence[str], pairs: int) -> str:
    """Return the tests in words."""
    over = f", corrected (Holm) over {pairs} pairs" if pairs > 1 else ""
    return " and ".join(IN_WORDS[test] for test in tests) + over
