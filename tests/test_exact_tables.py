"""Random tables against rational arithmetic, SciPy and pencil: some of what ``python tests/exact_tables.py`` judges."""

import math

import exact_tables
import numpy as np
import pytest
from scipy import stats

from npdigits.compare import equivalence, permutation, planning
from npdigits.compare import statistics as plain
from npdigits.compare.coverage import falls_short
from npdigits.compare.equivalence import least_margin_p, margin_p, unpaired_margin_p
from npdigits.compare.permutation import least_permutation_p, permutation_p, unpaired_p, welch_p
from npdigits.compare.planning import seeds_for_margin, seeds_for_unpaired_margin
from npdigits.compare.statistics import ALPHA, sign_flip_p, welch_interval


def test_random_tables_are_judged_as_rational_arithmetic_does():
    rng = np.random.default_rng(27)
    outcomes = set()
    for _ in range(60):
        table = exact_tables.random_table(rng)
        assert exact_tables.differences_from_npdigits(table) == []
        outcomes |= {one.outcome for one in exact_tables.judge(table, 0).values()}
    assert outcomes >= {"better", "same", "open", "too few", "untested"}


def test_large_figures_just_at_the_margin_are_not_the_same_by_rounding():
    """100,000.0 and 100,000.2 differ by 0.2 and some 1e-11, all in one direction."""
    rows = [dict.fromkeys(range(11), 1_000_000 + place) for place in range(3)]
    for fixed in (True, False):
        table = exact_tables.Table(rows, exact_tables.Fraction(1, 10), 2, False, fixed)
        assert exact_tables.differences_from_npdigits(table) == []


@pytest.mark.parametrize(
    ("differences", "greater", "less"),
    [
        ([1, 2, 3], 1 / 8, 1),  # +++ alone reaches 6
        ([1, 2, -3], 5 / 8, 5 / 8),  # of ±6, ±4, ±2, 0, 0 five are not below 0
        ([0.1 + 0.2, -0.3], 3 / 4, 3 / 4),  # equal but for rounding
        ([0, 0], 1, 1),
    ],
)
def test_one_sided_sign_flips_by_pencil(differences, greater, less):
    assert sign_flip_p(differences, "greater") == greater
    assert sign_flip_p(differences, "less") == less


def test_many_pairs_of_one_side_are_drawn_and_near_the_exact_ones(monkeypatch):
    d = np.random.default_rng(1).normal(0.2, size=24)
    exact = sign_flip_p(d, "greater"), sign_flip_p(d, "less")
    monkeypatch.setattr(plain, "MOST_PAIRS", 20)
    assert (sign_flip_p(d, "greater"), sign_flip_p(d, "less")) == pytest.approx(exact, rel=0.05)


def test_a_margin_by_pencil():
    # d + 2 = 3, 2, 1 and d − 2 = −1, −2, −3: one of eight assignments each
    assert margin_p([1, 0, -1], 2) == least_margin_p(3) == 1 / 8
    # Just at the margin all d − 0.1 are 0 but for rounding, and nothing is told.
    assert margin_p([0.3 - 0.2] * 6, 0.1) == margin_p([0.2 - 0.3] * 6, 0.1) == 1
    assert margin_p([], 1) == 1 and margin_p([math.inf, 0, 0], 1) == 1


def test_permutations_by_pencil():
    # Of 20 splits only the observed one and its mirror leave 1, 2, 3 on one side.
    assert permutation_p([1, 2, 3], [4, 5, 6]) == least_permutation_p(3, 3) == 2 / 20
    assert permutation_p([1, 2, 3], [4, 5, 6], "less") == least_permutation_p(3, 3, "less") == 1 / 20
    assert permutation_p([1, 2, 3], [4, 5, 6], "greater") == 1
    assert unpaired_margin_p([1, 2, 3], [1, 2, 3], 10) == 1 / 20


@pytest.mark.parametrize(
    ("x", "y", "p"),
    [
        ([0.1] * 3, [0.1] * 4, 1),  # 0/0 in all splits
        ([0.1] * 3, [0.2] * 3, 2 / 20),  # ∞, as that of the mirror
        ([0.1] * 3, [0.2] * 2, 1 / 10),  # ∞ in one of ten
        ([5], [1, 2, 3], 1),  # one value has no spread
        ([], [1, 2], 1),
        ([math.inf, 1], [1, 2], 1),
        ([math.nan, 1, 1], [2, 2], 2 / 6),
    ],
)
def test_permutations_without_spread(x, y, p):
    assert permutation_p(x, y) == pytest.approx(p, rel=1e-12)


@pytest.mark.parametrize(("n", "m"), [(4, 7), (6, 6), (8, 3)])
@pytest.mark.parametrize("alternative", ["greater", "less"])
def test_permutations_are_scipys(n, m, alternative):
    rng = np.random.default_rng([n, m])
    x, y = rng.normal(size=n), rng.normal(0.5, 2, size=m)

    def welch(x, y, axis):
        return stats.ttest_ind(x, y, axis=axis, equal_var=False).statistic

    theirs = stats.permutation_test((x, y), welch, alternative=alternative, n_resamples=np.inf, vectorized=True).pvalue
    assert permutation_p(x, y, alternative) == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("alternative", plain.ALTERNATIVES)
def test_welchs_test_is_scipys_and_unpaired_rows_get_the_larger_p(alternative):
    rng = np.random.default_rng(5)
    for n, m in [(2, 3), (7, 4), (20, 6)]:
        x, y = rng.normal(size=n), rng.normal(0.5, 3, size=m)
        theirs = stats.ttest_ind(x, y, equal_var=False, alternative=alternative).pvalue
        assert welch_p(x, y, alternative) == pytest.approx(theirs, abs=1e-9)
        assert unpaired_p(x, y, alternative) == max(welch_p(x, y, alternative), permutation_p(x, y, alternative))


def test_welchs_test_without_spread():
    assert welch_p([1, 1], [2, 2]) == welch_p([1, 1], [2, 2], "less") == 0
    assert welch_p([1, 1], [2, 2], "greater") == welch_p([1, 1], [1, 1]) == welch_p([1, 2], [3]) == 1


@pytest.mark.parametrize(("n", "m"), [(9, 9), (8, 11), (11, 8)])
def test_drawn_splits_are_near_the_exact_ones(monkeypatch, n, m):
    rng = np.random.default_rng([n, m])
    x, y = rng.normal(size=n), rng.normal(0.7, 2, size=m)
    exact = [permutation_p(x, y, alternative) for alternative in plain.ALTERNATIVES]
    monkeypatch.setattr(permutation, "MOST_SPLITS", 10)
    monkeypatch.setattr(permutation, "MOST_PAIRS", 10)
    monkeypatch.setattr(permutation, "DRAWN", 30_000)
    drawn = [permutation_p(x, y, alternative) for alternative in plain.ALTERNATIVES]
    assert drawn == [permutation_p(x, y, alternative) for alternative in plain.ALTERNATIVES]
    assert drawn == pytest.approx(exact, abs=4 * math.sqrt(0.25 / 30_000))
    far = np.arange(20.0)
    assert permutation_p(far, far + 100) == least_permutation_p(20, 20) == 1 / 30_001


def test_figures_stored_with_few_digits_keep_their_ties():
    figures = np.float32([0.1, 0.2, 0.3, 0.4, 0.5, 0.7]).astype(float)
    exact, single = [-0.1, -0.2, 0.3, 0.5], figures[[0, 1, 2, 4]] * [-1, -1, 1, 1]
    assert sign_flip_p(single) < sign_flip_p(exact) == sign_flip_p(single, rounding=1e-7)
    in_decimals = permutation_p([0.1, 0.5], [0.2, 0.3, 0.4, 0.7])
    assert permutation_p(figures[[0, 4]], figures[[1, 2, 3, 5]], rounding=1e-7) == in_decimals


@pytest.mark.parametrize(("n", "m"), [(2, 2), (3, 9), (20, 5)])
def test_welchs_interval_is_scipys(n, m):
    rng = np.random.default_rng([n, m])
    x, y = rng.normal(size=n), rng.normal(3, 5, size=m)
    low, high = stats.ttest_ind(x, y, equal_var=False).confidence_interval(0.95)
    found = welch_interval([*x, math.nan], y)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9)
    assert found.n == min(n, m)


def test_welchs_interval_of_too_little():
    assert welch_interval([1, 3], [2]) == (0, None, 1)
    assert welch_interval([1, 1], [3, 3]) == (-2, 0, 2)
    assert math.isnan(welch_interval([], [1]).mean)
    assert welch_interval([math.inf, 1], [1, 2]) == (math.inf, None, 2)


@pytest.mark.parametrize("comparisons", [1, 6])
@pytest.mark.parametrize("margin", [1.5, 2.5])
def test_as_many_seeds_as_planned_show_the_same(monkeypatch, comparisons, margin):
    monkeypatch.setattr(planning, "_upper_factor", lambda df: 1.0)  # as if the spread were known
    rng = np.random.default_rng(4)
    d = rng.standard_normal(9)
    d /= d.std(ddof=1)
    n = seeds_for_margin(d, margin, comparisons)
    told = np.mean([margin_p(rng.standard_normal(n), margin) * comparisons <= ALPHA for _ in range(100)])
    assert told >= 0.8 - 2.5 * math.sqrt(0.16 / 100)
    k = seeds_for_unpaired_margin(d * 0.6, d * 0.8, margin, comparisons)

    def p():
        return unpaired_margin_p(rng.standard_normal(k) * 0.6, rng.standard_normal(k) * 0.8, margin)

    told = np.mean([p() * comparisons <= ALPHA for _ in range(100)])
    assert told >= 0.8 - 2.5 * math.sqrt(0.16 / 100)


def test_plans_at_their_limits():
    assert seeds_for_margin([0.5], 1) is None and seeds_for_unpaired_margin([0.5], [1, 2], 1) is None
    assert seeds_for_margin([0, math.inf], 1) is None
    assert seeds_for_margin([0, 1, -1], 1e-6) is None
    # Without spread as many as the least p allows: 6·2⁻⁷ = 0.047, 1/20 of 3 + 3.
    assert seeds_for_margin([1, 1, 1], 1, 6) == 7
    assert seeds_for_unpaired_margin([1, 1], [2, 2], 1) == 3
    wide = [seeds_for_margin([-1, 0.2, 1], margin) for margin in (0.5, 1, 2, 4)]
    assert wide == sorted(wide, reverse=True)


@pytest.mark.parametrize(
    ("values", "bounds", "short"),
    [
        ([0.99, 0.998, 1.0, 0.999, 0.95, 0.995], (), True),
        ([0.95, 0.96, 0.955, 0.965], (), False),
        ([99, 99.8, 100, 99.9, 95, 99.5], (0, 100), True),
        ([99, 99.8, 100, 99.9, 95, 99.5], (), False),  # not shares
        ([0.01, 0.002, 0.05, 0.001], (0, math.inf), True),
        ([0.2, 0.5, 0.8, 0.4], (), False),  # as far from one bound as from the other
        ([1.0, 1.0, 1.0], (), True),
        ([1.0], (), False),
    ],
)
def test_values_that_pile_up_at_a_bound(values, bounds, short):
    assert falls_short(values, *bounds) is short


def test_an_unknown_alternative_is_refused():
    for test in (
        lambda: sign_flip_p([1], "two"),
        lambda: permutation_p([1, 2], [3, 4], "two"),
        lambda: least_permutation_p(2, 2, ""),
    ):
        with pytest.raises(ValueError, match="alternative="):
            test()


def test_a_test_of_one_side_alone_is_no_margin_test(monkeypatch):
    """The reference sees a fault: of margin tests that forget one side."""
    monkeypatch.setattr(
        "npdigits.compare.difference.margin_p",
        lambda d, margin, **_: sign_flip_p(d + margin, "greater"),
    )
    rng = np.random.default_rng(27)
    assert any(exact_tables.differences_from_npdigits(exact_tables.random_table(rng)) for _ in range(30))
    assert equivalence.margin_p([3, 3, 3, 3, 3], 1) == 1
