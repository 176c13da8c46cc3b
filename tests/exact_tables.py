"""Random tables of results, judged in rational arithmetic: what every interval, p, corrected p and verdict has to be.

``python tests/exact_tables.py 5000`` judges so many, and with ``--statsmodels`` asks that package as well for the
intervals and Holm's correction. The suite judges some (``test_exact_tables.py``). Nothing here uses npdigits' formulas:
signs and splits are counted one by one, in whole numbers; t intervals are SciPy's.
"""

import argparse
import itertools
import math
import warnings
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from scipy import stats

from npdigits.compare.baselines import find_best
from npdigits.compare.family import Plan, make_blocks
from npdigits.compare.margin import Margin
from npdigits.compare.outcomes import outcome_of
from npdigits.compare.rows import ComparisonRow, Section

ALPHA = Fraction(1, 20)
WHERE = Section("", 0, "")
METRIC = "val_accuracy"
# A figure in units of its last digit; None where it is NaN.
Figure = int | None


class Table(NamedTuple):
    """Random results.

    Attributes:
        rows: of each setting seed -> figure.
        unit: what the figures are multiplied by.
        margin: in the same units.
        unpaired: whether to take the rows as groups in any case.
        fixed: whether the first row is the baseline; else the best observed one.
    """

    rows: list[dict[int, Figure]]
    unit: Fraction
    margin: int
    unpaired: bool
    fixed: bool


class Judged(NamedTuple):
    """What is to come out of one row.

    Attributes:
        mean, half: of the interval; None where there is none.
        p, corrected: of the difference; None where nothing is tested.
        within, within_corrected: of the margin.
        outcome: the verdict.
    """

    mean: float | None
    half: float | None
    p: Fraction | None
    corrected: Fraction | None
    within: Fraction | None
    within_corrected: Fraction | None
    outcome: str


def random_table(rng: np.random.Generator) -> Table:
    """Return a table of 2 to 5 settings; figures with ties, zeros, NaN, of all kinds of sizes; seeds missing."""
    unpaired = bool(rng.random() < 0.4)
    settings, most = int(rng.integers(2, 6)), 6 if unpaired else int(rng.choice([2, 5, 7, 8, 9, 10, 11, 12]))
    unit, middle = [
        (Fraction(1, 1000), 970),
        (Fraction(1, 100), 98),
        (Fraction(1, 10**4), 0),
        (Fraction(1, 10), 10**6),
    ][rng.integers(4)]
    spread = int(rng.choice([0, 1, 3, 20, 500]))
    shift = int(rng.choice([0, 0, 1, 2, 5])) * max(spread, 1)
    missing, undefined = (float(rng.choice([0, 0, 0.2, 0.5])) for _ in range(2))
    rows: list[dict[int, Figure]] = []
    for place in range(settings):
        # Seeds of their own, now and then: then there are no pairs.
        first = 100 * place if rng.random() < 0.1 else 0
        seeds = [first + seed for seed in range(int(rng.choice([1, 3, 4, 5, 6, 6])) if unpaired else most)]
        seeds = [seed for seed in seeds if rng.random() >= missing][: 6 if first else None] or seeds[:1]
        constant = rng.random() < 0.1
        drawn = rng.integers(-spread, spread + 1, len(seeds)) * (0 if constant else 1) + middle + shift * (place % 3)
        rows.append(
            {
                seed: None if rng.random() < undefined / 2 else int(figure)
                for seed, figure in zip(seeds, drawn, strict=True)
            }
        )
    margin = max(1, int(rng.choice([1, 2, 3, 5]) * max(spread, 1)))
    return Table(rows, unit, margin, unpaired, bool(rng.random() < 0.5))


def flip_p(d: Sequence[int], side: int) -> Fraction:
    """Return the share of all assignments of signs with a sum as far out: of both sides for 0, else of that side."""
    signs = np.array(list(itertools.product((1, -1), repeat=len(d))), dtype=np.int64)
    sums, observed = signs @ np.array(d, dtype=np.int64), sum(d)
    beyond = (np.abs(sums) >= abs(observed)) if side == 0 else side * sums >= side * observed
    return Fraction(int(beyond.sum()), len(sums))


def split_p(x: Sequence[int], y: Sequence[int], side: int) -> Fraction:
    """Return the share of all splits with a studentized difference as far out."""
    both, n = [*x, *y], len(x)
    total, squares = sum(both), sum(v * v for v in both)

    def key(first: Sequence[int]) -> tuple[int, Fraction]:
        """Return T, as what its order is by: (±1, 0) for ±∞, else (0, T·|T|)."""
        m = len(both) - n
        s, q = sum(first), sum(v * v for v in first)
        d = Fraction(s, n) - Fraction(total - s, m)
        v = Fraction(n * q - s * s, n * n * (n - 1)) + Fraction(m * (squares - q) - (total - s) ** 2, m * m * (m - 1))
        if v == 0:
            return (d > 0) - (d < 0), Fraction(0)
        return 0, d * abs(d) / v

    def out(of: tuple[int, Fraction]) -> tuple[int, Fraction]:
        return (abs(of[0]), abs(of[1])) if side == 0 else (side * of[0], side * of[1])

    observed = out(key(x))
    every = [out(key(first)) >= observed for first in itertools.combinations(both, n)]
    return Fraction(sum(every), len(every))


def holm(p: Sequence[Fraction], comparisons: int) -> list[Fraction]:
    """Return the p's corrected by their definition: p̃₍ᵢ₎ = maxⱼ≤ᵢ min(1, (m − j + 1)·p₍ⱼ₎)."""
    order = sorted(p)
    steps = [min(Fraction(1), (comparisons - j) * one) for j, one in enumerate(order)]
    # Of equal p's the first has the largest step.
    return [max(steps[: order.index(one) + 1]) for one in p]


class Pair(NamedTuple):
    """Two rows, tested: p and least p of the difference and of the margin; the interval."""

    p: Fraction | None
    least: Fraction
    within: Fraction | None
    within_least: Fraction
    mean: float | None
    half: float | None


def test_two(table: Table, row: dict[int, Figure], other: dict[int, Figure]) -> Pair:
    """Return what is to come out of two rows."""
    margin, unit = table.margin, float(table.unit)
    if not table.unpaired and set(row) & set(other):
        shared = [(row[seed], other[seed]) for seed in sorted(set(row) & set(other))]
        d = [a - b for a, b in shared if a is not None and b is not None]
        n = len(d)
        if not n:
            return Pair(None, Fraction(1), None, Fraction(1), None, None)
        within = max(flip_p([v + margin for v in d], 1), flip_p([v - margin for v in d], -1))
        least = min(Fraction(1), Fraction(2, 2**n))
        mean, half = float(Fraction(sum(d), n) * table.unit), None
        if n > 1:
            half = 0.0 if len(set(d)) == 1 else half_of(stats.ttest_1samp(np.array(d) - d[0], 0)) * unit
        return Pair(flip_p(d, 0), least, within, Fraction(1, 2**n), mean, half)
    x, y = ([v for v in one.values() if v is not None] for one in (row, other))
    n, m = len(x), len(y)
    mean = float((Fraction(sum(x), n) - Fraction(sum(y), m)) * table.unit) if n and m else None
    if min(n, m) < 2:
        return Pair(None, Fraction(1), None, Fraction(1), mean, None)
    constant = len(set(x)) == len(set(y)) == 1
    half = 0.0 if constant else half_of(stats.ttest_ind(np.array(x) - x[0], np.array(y) - y[0], equal_var=False)) * unit
    above, below = [v + margin for v in x], [v - margin for v in x]
    within = max(split_p(above, y, 1), split_p(below, y, -1), welch_p(above, y, 1), welch_p(below, y, -1))
    splits = math.comb(n + m, n)
    p = max(split_p(x, y, 0), welch_p(x, y, 0))
    return Pair(p, Fraction(1 + (n == m), splits), within, Fraction(1, splits), mean, half)


def welch_p(x: Sequence[int], y: Sequence[int], side: int) -> Fraction:
    """Return the p of SciPy's t test of unequal variances."""
    if len(set(x)) == len(set(y)) == 1:
        return Fraction(x[0] == y[0] if side == 0 else side * x[0] <= side * y[0])
    alternative = {0: "two-sided", 1: "greater", -1: "less"}[side]
    # Less a figure, which SciPy's variances are surer of. It warns of a side of equal figures.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        p = stats.ttest_ind(np.array(x) - x[0], np.array(y) - x[0], equal_var=False, alternative=alternative).pvalue
    return Fraction(float(p))


def half_of(result: object) -> float:
    """Return half of the width of SciPy's 95 % interval."""
    low, high = result.confidence_interval(0.95)
    return float(high - low) / 2


def judge(table: Table, reference: int) -> dict[int, Judged]:
    """Return what is to come out of each row that is compared with the reference."""
    places = [place for place in range(len(table.rows)) if place != reference]
    pairs = {place: test_two(table, table.rows[place], table.rows[reference]) for place in places}
    tested = [place for place in places if pairs[place].p is not None]
    comparisons = len(tested)
    others: list[Pair] = []
    if not table.fixed:
        comparisons = len(table.rows) * (len(table.rows) - 1) // 2
        others = [test_two(table, table.rows[a], table.rows[b]) for a, b in itertools.combinations(places, 2)]
    every = [*(pairs[place] for place in tested), *(one for one in others if one.p is not None)]
    columns = [
        dict(zip(tested, holm([getattr(one, of) for one in every], comparisons), strict=False))
        for of in ("p", "least", "within", "within_least")
    ]
    return {place: _judged(place, pairs[place], *columns) for place in places}


def _judged(place: int, pair: Pair, p: dict, least: dict, within: dict, within_least: dict) -> Judged:
    if pair.p is None:
        return Judged(pair.mean, pair.half, None, None, None, None, "untested")
    if p[place] <= ALPHA:
        outcome = "better" if pair.mean > 0 else "worse"
    elif within[place] <= ALPHA:
        outcome = "same"
    else:
        outcome = "too few" if min(least[place], within_least[place]) > ALPHA else "open"
    return Judged(pair.mean, pair.half, pair.p, p[place], pair.within, within[place], outcome)


def differences_from_npdigits(table: Table) -> list[str]:
    """Return, in words, where npdigits says something else of a table."""
    rows = []
    for place, row in enumerate(table.rows):
        figures = [math.nan if v is None else float(v * table.unit) for v in row.values()]
        names = tuple(f"{place}/{seed}" for seed in row)
        rows.append(ComparisonRow({"setting": place}, WHERE, tuple(row), names, {METRIC: np.array(figures)}))
    references = {WHERE: rows[0]} if table.fixed else find_best(rows, METRIC)
    if not references:
        return []
    size = float(table.margin * table.unit)
    plan = Plan(METRIC, references, table.fixed, margin=Margin(f"{size:g}", size))
    block = make_blocks(rows, [plan], None, table.unpaired)[0]
    wanted = judge(
        table._replace(unpaired=table.unpaired or all(len(row) == 1 for row in rows)), rows.index(references[WHERE])
    )
    faults = []
    for place, one in wanted.items():
        found = block.differences[rows[place]]
        seen = (
            *(None if math.isnan(found.interval.mean) else found.interval.mean, found.interval.half),
            *(found.p, found.corrected, found.within_p, found.within_corrected),
        )
        for name, a, b in zip(Judged._fields, seen, one[:6], strict=False):
            # Halves of figures of a million are off by their rounding.
            slack = 1e-9 * max(1.0, abs(b or 0.0))
            if (a is None) != (b is None) or (a is not None and b is not None and abs(a - float(b)) > slack):
                faults.append(f"{name} is {a}, not {b if b is None else float(b)}, of row {place} of {table}")
        outcome = outcome_of(None, rows[place], block)
        if outcome != one.outcome:
            faults.append(f"the verdict is {outcome}, not {one.outcome}, of row {place} of {table}")
    return faults


def differences_from_statsmodels(table: Table) -> list[str]:
    """Return where statsmodels has another interval, or another correction, than this reference."""
    from statsmodels.stats.multitest import multipletests
    from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

    wanted = judge(table, 0)
    faults = []
    p = [float(one.p) for one in wanted.values() if one.p is not None]
    if p and table.fixed:
        theirs, ours = (
            multipletests(p, method="holm")[1],
            [one.corrected for one in wanted.values() if one.p is not None],
        )
        faults += [f"Holm: {a} and {float(b)}" for a, b in zip(theirs, ours, strict=True) if abs(a - float(b)) > 1e-9]
    for place, one in wanted.items():
        if not one.half:
            continue
        row, other = table.rows[place], table.rows[0]
        if not table.unpaired and set(row) & set(other):
            shared = [(row[seed], other[seed]) for seed in set(row) & set(other)]
            d = np.array([a - b for a, b in shared if a is not None and b is not None], dtype=float)
            low, high = DescrStatsW(d).tconfint_mean(0.05)
        else:
            x, y = (np.array([v for v in r.values() if v is not None], dtype=float) for r in (row, other))
            low, high = CompareMeans(DescrStatsW(x), DescrStatsW(y)).tconfint_diff(0.05, usevar="unequal")
        half = (high - low) / 2 * float(table.unit)
        if abs(half - one.half) > 1e-9 * max(1.0, half):
            faults.append(f"half is {half}, not {one.half}, of row {place} of {table}")
    return faults


def main() -> None:
    """Judge as many tables as asked for, and tell what differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("tables", type=int, nargs="?", default=5000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--statsmodels", action="store_true")
    chosen = parser.parse_args()
    rng, faults, outcomes = np.random.default_rng(chosen.seed), 0, {}
    for _ in range(chosen.tables):
        table = random_table(rng)
        for fault in differences_from_npdigits(table):
            faults += 1
            print(fault, flush=True)
        for one in judge(table, 0).values():
            outcomes[one.outcome] = outcomes.get(one.outcome, 0) + 1
        if chosen.statsmodels:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                for fault in differences_from_statsmodels(table):
                    faults += 1
                    print("statsmodels:", fault, flush=True)
    print(f"{chosen.tables} tables, {faults} differences; outcomes against the first row: {outcomes}")
    raise SystemExit(faults > 0)


if __name__ == "__main__":
    main()
