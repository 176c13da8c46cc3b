"""Intervals, exact tests and corrections: by pencil, and against SciPy."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from npdigits.compare import statistics
from npdigits.compare.statistics import (
    holm,
    least_p,
    mcnemar_p,
    seeds_to_decide,
    sign_flip_p,
    t_band,
    t_interval,
)

RNG = np.random.default_rng(0)


def test_an_interval_by_pencil():
    # 1, 2, 3, 4: mean 2.5, s² = 5/3, t(0.975; 3) = 3.18245 from the table, so 3.18245·√(5/3)/2
    mean, half, n = t_interval([1, 2, 3, 4])
    assert (mean, n) == (2.5, 4)
    assert half == pytest.approx(2.05426, abs=1e-5)


@pytest.mark.parametrize("n", [2, 3, 10, 50])
def test_an_interval_is_scipys(n):
    x = RNG.normal(size=n)
    interval = t_interval(x)
    low, high = stats.ttest_1samp(x, 0).confidence_interval(0.95)
    assert (interval.low, interval.high) == (pytest.approx(low), pytest.approx(high))


def test_one_value_has_no_interval_and_none_no_mean():
    assert t_interval([0.5]) == (0.5, None, 1)
    assert t_interval([np.nan, 0.5]) == (0.5, None, 1)
    mean, half, n = t_interval([])
    assert math.isnan(mean) and half is None and n == 0


def test_a_band_is_an_interval_of_each_column():
    values = RNG.normal(size=(5, 4))
    values[0, 2] = values[1:, 3] = np.nan
    mean, half, n = t_band(values)
    for column in range(4):
        interval = t_interval(values[:, column])
        assert mean[column] == pytest.approx(interval.mean)
        assert n[column] == interval.n
        assert half[column] == pytest.approx(np.nan if interval.half is None else interval.half, nan_ok=True)


@pytest.mark.parametrize(
    ("differences", "p"),
    [
        ([1, 2, 3], 2 / 8),  # only +++ and −−− reach |6|
        ([1, 2, -3], 1),  # the sum is 0, which all reach
        ([1, 1, -1], 1),  # |1| is the least that three ones can give
        ([3, 2, -1], 4 / 8),  # 4; of ±6, ±4, ±2, 0, 0 four reach it
        ([1] * 6, 2 / 64),
        ([0.1 + 0.2, -0.3], 1),  # equal but for rounding
        ([0, 0, 0], 1),
        ([5], 1),
    ],
)
def test_sign_flips_by_pencil(differences, p):
    assert sign_flip_p(differences) == p


@pytest.mark.parametrize("n", [2, 5, 8, 11])
def test_sign_flips_are_scipys(n):
    d = np.round(RNG.normal(0.3, size=n), 1)  # with ties
    exact = stats.permutation_test(
        (d,), np.sum, permutation_type="samples", n_resamples=np.inf, alternative="two-sided", vectorized=False
    ).pvalue
    every = np.array(list(itertools.product((1, -1), repeat=n))) @ d
    brute = np.mean(np.abs(every) >= abs(d.sum()) - 1e-9)
    assert sign_flip_p(d) == brute
    # SciPy doubles the smaller tail, which is the same where the sums lie symmetrically, as they do.
    assert sign_flip_p(d) == pytest.approx(exact)


def test_sign_flips_of_many_pairs_are_drawn_and_near_the_exact_ones(monkeypatch):
    d = RNG.normal(0.25, size=30)
    exact = sign_flip_p(d)
    monkeypatch.setattr(statistics, "MOST_PAIRS", 20)
    assert sign_flip_p(d) == pytest.approx(exact, rel=0.1)
    assert sign_flip_p(d) == sign_flip_p(d)
    assert sign_flip_p(np.ones(50)) == least_p(50) == 1 / 100_000


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
@pytest.mark.parametrize("shift", [0.0, 0.1, 0.2])
def test_sign_flips_of_hundreds_of_pairs_are_near_the_drawn_ones(monkeypatch, alternative, shift):
    d = RNG.normal(shift, size=200)
    near = sign_flip_p(d, alternative)
    monkeypatch.setattr(statistics, "EVEN", 0.0)
    assert near == pytest.approx(sign_flip_p(d, alternative), abs=0.004)
    assert near == pytest.approx(stats.norm.sf(abs(d.sum()) / np.sqrt(d @ d)) * 2) or alternative != "two-sided"


def test_a_few_differences_that_stick_out_are_flipped_one_by_one():
    d = np.r_[np.zeros(200), 1.0, 1.0]  # the two large ones have one sign in half of all assignments
    assert sign_flip_p(d) == pytest.approx(0.5, abs=0.01)
    assert sign_flip_p(np.zeros(200)) == sign_flip_p(np.zeros(200), "greater") == 1.0


def test_holm_by_pencil():
    # 0.005·4, 0.01·3, 0.03·2, 0.04·1 → the last one is not below the one before
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.4, 0.9]) == pytest.approx([0.8, 0.9])


def test_holm_of_some_of_a_family_is_never_below_that_of_all():
    for _ in range(100):
        p = RNG.uniform(0, 0.2, 8)
        some = RNG.permutation(8)[:4]
        assert (np.array(holm(p[some], 8)) >= np.array(holm(p))[some] - 1e-15).all()


@pytest.mark.parametrize(("b", "c"), [(0, 0), (0, 1), (1, 9), (5, 5), (12, 25), (300, 411)])
def test_mcnemar_is_scipys_binomial_test(b, c):
    assert mcnemar_p(b, c) == pytest.approx(stats.binomtest(b, b + c).pvalue if b + c else 1)


def test_mcnemar_by_pencil():
    assert mcnemar_p(0, 5) == 2 / 32  # 2·(½)⁵


@pytest.mark.parametrize(("comparisons", "seeds"), [(1, 6), (2, 7), (5, 8), (15, 10)])
def test_how_many_seeds_a_family_needs(comparisons, seeds):
    # 2^(1−6) = 0.031; 2·2^(1−7) = 0.031; 5·2^(1−8) = 0.039; 15·2^(1−10) = 0.029
    assert seeds_to_decide(comparisons) == seeds
    assert comparisons * least_p(seeds) <= 0.05 < comparisons * least_p(seeds - 1)
