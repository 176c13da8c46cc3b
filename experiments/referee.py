"""Does the referee keep its promises on anybody's results? ``python experiments/referee.py``

Simulates tables of five settings whose true means are known, and counts how often a verdict is wrong and how often an
interval holds the truth; how often as many seeds as ``seeds_for_margin`` says are enough; and of which values
``falls_short`` warns. Each part is written to results/referee.json when it is done, and not made again.
"""

import argparse
import itertools
import json
import math
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from npdigits.base.files import write_whole
from npdigits.base.program import Parser, exit_code, whole_number
from npdigits.compare.baselines import find_best
from npdigits.compare.coverage import falls_short
from npdigits.compare.difference import Difference
from npdigits.compare.equivalence import margin_p, unpaired_margin_p
from npdigits.compare.family import Block, Plan, make_blocks
from npdigits.compare.margin import Margin
from npdigits.compare.planning import seeds_for_margin, seeds_for_unpaired_margin
from npdigits.compare.rows import ComparisonRow, Section
from npdigits.compare.statistics import ALPHA, Interval, Numbers, t_interval

PROGRAM = "referee.py"
RESULTS = Path(__file__).parent / "results" / "referee.json"
SETTINGS = 5
# An effect of the seed that all settings share, in spreads of the noise.
SHARED = 1.0
Rng = np.random.Generator
# (rng, (settings, seeds)) -> noise with mean 0 and standard deviation 1
NOISES: dict[str, Callable[[Rng, tuple[int, int]], Numbers]] = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "skewed": lambda rng, shape: 1 - rng.exponential(size=shape),
}
UNEQUAL = np.array([1.0, 0.25, 0.5, 2.0, 4.0])
# Unpaired: how many seeds each setting has. The first is the baseline.
NUMBERS = (7, 6, 9, 6, 8)
# Where the margin is tested at its edge, in spreads of the noise: far enough that one side alone decides.
MARGIN = 4.0
MEAN = 0.98
WHERE = Section("", 0, "")


@dataclass(frozen=True)
class Drawn:
    """One simulated table.

    Attributes:
        metrics: of each metric (settings, seeds); NaN where a run is missing.
        truth: (settings,), the true means of the first metric.
    """

    metrics: list[Numbers]
    truth: Numbers


@dataclass(frozen=True)
class Scenario:
    """A kind of table.

    Attributes:
        name: in words.
        draw: a random table.
        paired: whether it is compared by pairs of seeds.
        margin: if not None, "the same within the margin" is the verdict that is wrong.
    """

    name: str
    draw: Callable[[Rng], Drawn]
    paired: bool = True
    margin: float | None = None


def spread_table(noise: str, seeds: int, spreads: Numbers, shared: float = SHARED) -> Callable[[Rng], Drawn]:
    """Return how to draw tables of settings with the same mean and these spreads."""

    def draw(rng: Rng) -> Drawn:
        of_seed = shared * rng.standard_normal(seeds)
        values = of_seed + spreads[:, None] * NOISES[noise](rng, (SETTINGS, seeds))
        return Drawn([np.round(values, 3)], np.zeros(SETTINGS))

    return draw


def unequal_numbers(draw: Callable[[Rng], Drawn], numbers: tuple[int, ...] = NUMBERS) -> Callable[[Rng], Drawn]:
    """Return how to draw such tables, of which each setting has another number of seeds."""

    def cut(rng: Rng) -> Drawn:
        drawn = draw(rng)
        for values in drawn.metrics:
            for row, n in zip(values, numbers, strict=True):
                row[n:] = np.nan
        return drawn

    return cut


def missing_seeds(draw: Callable[[Rng], Drawn], share: float) -> Callable[[Rng], Drawn]:
    """Return how to draw such tables, of which each run is missing with this probability."""

    def cut(rng: Rng) -> Drawn:
        drawn = draw(rng)
        for values in drawn.metrics:
            values[rng.random(values.shape) < share] = np.nan
        return drawn

    return cut


def bounded_table(seeds: int, variation: float, shared: bool = True) -> Callable[[Rng], Drawn]:
    """Return how to draw accuracies near 1, counted on 1,000 digits.

    Args:
        seeds: of each setting.
        variation: the standard deviation of 1 − accuracy over its mean.
        shared: whether settings share an effect of the seed.
    """
    wrong = 1 - MEAN
    strength = MEAN * wrong / (variation * wrong) ** 2 - 1

    def draw(rng: Rng) -> Drawn:
        values = rng.beta(MEAN * strength, wrong * strength, (SETTINGS, seeds))
        if shared:
            # Half of the errors are of the seed: means of two such values, of which all settings have one in common.
            values = (values + rng.beta(MEAN * strength, wrong * strength, seeds)) / 2
        return Drawn([np.round(values, 3)], np.full(SETTINGS, MEAN))

    return draw


def two_metrics(seeds: int, correlation: float) -> Callable[[Rng], Drawn]:
    """Return how to draw tables of two metrics whose noise is correlated."""

    def draw(rng: Rng) -> Drawn:
        first, second = rng.standard_normal((2, SETTINGS, seeds))
        second = correlation * first + math.sqrt(1 - correlation**2) * second
        return Drawn([np.round(first, 3), np.round(second, 3)], np.zeros(SETTINGS))

    return draw


def at_the_edge(draw: Callable[[Rng], Drawn]) -> Callable[[Rng], Drawn]:
    """Return how to draw such tables with true means 0, MARGIN, 2·MARGIN, …: no two are within the margin."""

    def shift(rng: Rng) -> Drawn:
        drawn = draw(rng)
        # The baseline, which comes first, has a neighbour on each side.
        truth = MARGIN * (np.array([2, 1, 3, 0, 4]) - 2.0)
        return Drawn([values + truth[:, None] for values in drawn.metrics], truth)

    return shift


def all_at_the_edge(draw: Callable[[Rng], Drawn]) -> Callable[[Rng], Drawn]:
    """Return how to draw such tables in which all settings are a margin from the baseline, two below and two above."""

    def shift(rng: Rng) -> Drawn:
        drawn = draw(rng)
        truth = MARGIN * np.array([0.0, 1, -1, 1, -1])
        return Drawn([values + truth[:, None] for values in drawn.metrics], truth)

    return shift


def scenarios() -> Iterator[Scenario]:
    """Yield all kinds of tables."""
    equal = np.ones(SETTINGS)
    for seeds, noise in itertools.product((6, 10, 20), NOISES):
        yield Scenario(f"equal spread, {noise}, {seeds} seeds", spread_table(noise, seeds, equal))
        yield Scenario(f"unequal spread, {noise}, {seeds} seeds", spread_table(noise, seeds, UNEQUAL))
    for noise in NOISES:
        missing = missing_seeds(spread_table(noise, 12, equal), 0.2)
        yield Scenario(f"a fifth of the runs missing, {noise}, 12 seeds", missing)
    # In these orders of the spreads the few seeds spread most, or least.
    orders = {"equal": equal, "more with few seeds": np.array([1, 4, 0.25, 2, 0.5]), "less with few seeds": UNEQUAL}
    for noise, (order, spreads) in itertools.product(NOISES, orders.items()):
        draw = unequal_numbers(spread_table(noise, max(NUMBERS), spreads, 0.0))
        yield Scenario(f"6 to 9 seeds unpaired, spread {order}, {noise}", draw, False)
    for seeds, variation in itertools.product((6, 10, 20), (0.5, 1.0)):
        of = f"{1 - MEAN:.0%} ± {variation * (1 - MEAN):.0%} wrong, {seeds} seeds"
        yield Scenario(f"accuracies, {of}", bounded_table(seeds, variation))
        if seeds < 20:
            yield Scenario(f"accuracies, {of}, unpaired", bounded_table(seeds, variation, False), False)
    for correlation in (0.0, 0.8):
        yield Scenario(f"two metrics, correlation {correlation:g}, 12 seeds", two_metrics(12, correlation))
    for noise in NOISES:
        for seeds, (where, edge) in itertools.product((10, 20), EDGES.items()):
            name = f"{where}, {noise}, {seeds} seeds"
            yield Scenario(name, edge(spread_table(noise, seeds, equal)), True, MARGIN)
        for where, edge in EDGES.items():
            drawn = unequal_numbers(spread_table(noise, max(NUMBERS), orders["more with few seeds"], 0.0))
            yield Scenario(f"{where}, {noise}, 6 to 9 seeds unpaired, spread unequal", edge(drawn), False, MARGIN)


EDGES = {"steps of the margin": at_the_edge, "each a margin from the baseline": all_at_the_edge}


def judge(scenario: Scenario, drawn: Drawn) -> dict[str, float]:
    """Return of one table whether a verdict was wrong, and which share of its intervals held the truth."""
    rows, names = rows_of(drawn), [f"metric_{place}" for place in range(len(drawn.metrics))]
    margin = None if scenario.margin is None else Margin(f"{scenario.margin:g}", scenario.margin)

    def blocks(fixed: bool) -> list[Block]:
        against = {name: {WHERE: rows[0]} if fixed else find_best(rows, name) for name in names}
        plans = [Plan(name, against[name], fixed, margin=margin) for name in names]
        return make_blocks(rows, plans, None, not scenario.paired)

    fixed = blocks(True)
    wrong = {
        "baseline": any(is_wrong(scenario, one) for block in fixed for one in block.differences.values()),
        "baseline, uncorrected": any(
            ((one.p if scenario.margin is None else one.within_p) or 0.0) <= ALPHA
            for block in fixed
            for one in block.differences.values()
        ),
    }
    # Where each is a margin from the baseline, some others are truly the same.
    if scenario.margin is None or len(set(drawn.truth)) == SETTINGS:
        wrong["best"] = any(is_wrong(scenario, one) for block in blocks(False) for one in block.differences.values())
    differences = [fixed[0].differences[row].interval for row in rows[1:]]
    return {
        "mean held": hold([row.interval(names[0]) for row in rows], drawn.truth),
        "difference held": hold(differences, drawn.truth[1:] - drawn.truth[0]),
        "warned": sum(falls_short(row.figures[names[0]]) for row in rows) / SETTINGS,
        **{name: float(one) for name, one in wrong.items()},
    }


def rows_of(drawn: Drawn) -> list[ComparisonRow]:
    """Return a table's rows, of the runs that there are."""
    there = ~np.isnan(drawn.metrics[0])
    rows = []
    for place in range(SETTINGS):
        names = tuple(str(seed) for seed in np.flatnonzero(there[place]))
        figures = {f"metric_{k}": values[place, there[place]] for k, values in enumerate(drawn.metrics)}
        rows.append(ComparisonRow({"setting": place}, WHERE, names, names, figures))
    return rows


def is_wrong(scenario: Scenario, difference: Difference) -> bool:
    """Return whether a verdict is: there is no difference, or one that is not within the margin."""
    return difference.real if scenario.margin is None else difference.within


def hold(intervals: list[Interval], truth: Numbers) -> float:
    """Return the share of intervals that hold the truth, but for rounding."""
    slack = 1e-12
    pairs = zip(intervals, truth.tolist(), strict=True)
    return float(np.mean([one.low - slack <= true <= one.high + slack for one, true in pairs]))


def run_scenario(scenario: Scenario, tables: int) -> dict[str, float]:
    """Return the shares over all tables."""
    rng = np.random.default_rng([tables, *scenario.name.encode()])
    found = [judge(scenario, scenario.draw(rng)) for _ in range(tables)]
    return {name: float(np.mean([one[name] for one in found])) for name in found[0]}


def check_plan(seen: int, margin: float, comparisons: int, paired: bool, pilots: int) -> dict[str, float]:
    """Return how often as many seeds as planned show "the same", where there is no difference.

    Args:
        seen: how many seeds the plan is made from.
        margin: in spreads of the difference.
        comparisons: the test's p is multiplied by this.
        paired: or unpaired, of spreads 1 : 2.
        pilots: how many plans are made.
    """
    rng = np.random.default_rng([seen, int(100 * margin), comparisons, paired, pilots])
    # Of x − y spread is 1.
    of_x, of_y = math.sqrt(0.2), math.sqrt(0.8)
    told, planned = 0, []
    for _ in range(pilots):
        if paired:
            n = seeds_for_margin(rng.standard_normal(seen), margin, comparisons) or 0
            p = margin_p(rng.standard_normal(n), margin)
        else:
            x, y = of_x * rng.standard_normal(seen), of_y * rng.standard_normal(seen)
            n = seeds_for_unpaired_margin(x, y, margin, comparisons) or 0
            p = unpaired_margin_p(of_x * rng.standard_normal(n), of_y * rng.standard_normal(n), margin)
        told += p * comparisons <= ALPHA
        planned.append(n)
    return {"told": told / pilots, "median": float(np.median(planned)), "largest": float(max(planned))}


def check_warning(seeds: int, variation: float, tables: int) -> dict[str, float]:
    """Return how often t intervals of accuracies near 1 hold the mean, and how often ``falls_short`` warns of them."""
    rng = np.random.default_rng([seeds, int(100 * variation), tables])
    wrong = 1 - MEAN
    strength = MEAN * wrong / (variation * wrong) ** 2 - 1
    values = rng.beta(MEAN * strength, wrong * strength, (tables, seeds))
    return {
        "held": hold([t_interval(row) for row in values], np.full(tables, MEAN)),
        "warned": float(np.mean([falls_short(row) for row in values])),
    }


def parts(tables: int) -> Iterator[tuple[str, str, Callable[[], dict[str, float]]]]:
    """Yield each part's group, name and how it is made."""
    for scenario in scenarios():
        yield "tables", scenario.name, partial(run_scenario, scenario, tables)
    for seen, margin, comparisons, paired in itertools.product((5, 10), (1.5, 2.5), (1, 4), (True, False)):
        name = f"{'paired' if paired else 'unpaired'}, margin {margin:g}, {seen} seen, {comparisons} comparisons"
        yield "plans", name, partial(check_plan, seen, margin, comparisons, paired, tables // 4)
    for variation, seeds in itertools.product((0.1, 0.25, 0.5, 0.7, 1.0, 1.4), (5, 10, 20, 50)):
        name = f"{variation:g} times the mean, {seeds} seeds"
        yield "warnings", name, partial(check_warning, seeds, variation, 5 * tables)


def main() -> None:
    """Make what is missing in the results, and print all as tables in Markdown: shares in per cent."""
    parser = Parser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tables", type=whole_number(100, 10**6), default=2000, help="of each kind (default: 2000)")
    parser.add_argument("--only", default="", help="the parts whose names this regular expression finds")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the file to go on with (default: %(default)s)")
    sys.exit(exit_code(PROGRAM, lambda: simulate(parser.parse_args())))


def simulate(chosen: argparse.Namespace) -> int:
    """Make what is missing in the results' file, and print it all."""
    found: dict[str, Any] = json.loads(chosen.results.read_text()) if chosen.results.exists() else {}
    if found.get("tables_each") != chosen.tables:
        found = {"tables_each": chosen.tables}
    for group, name, make in parts(chosen.tables):
        kept = found.setdefault(group, {})
        if name not in kept and re.search(chosen.only, name):
            kept[name] = make()
            write_whole(chosen.results, json.dumps(found, indent=1) + "\n")
            print(name, kept[name], file=sys.stderr, flush=True)
    for group in ("tables", "plans", "warnings"):
        print_table(found.get(group, {}))
    return 0


def print_table(rows: dict[str, dict[str, float]]) -> None:
    """Print one group: shares in per cent, counts as they are."""
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    print(f"\n| | {' | '.join(columns)} |\n|{'---|' * (len(columns) + 1)}")
    for name, row in rows.items():
        cells = [cell(column, row.get(column)) for column in columns]
        print(f"| {name} | {' | '.join(cells)} |")


def cell(column: str, value: float | None) -> str:
    """Return a figure as text."""
    if value is None:
        return "–"
    return f"{value:g}" if column in ("median", "largest") else f"{100 * value:.1f}"


if __name__ == "__main__":
    main()
