"""The rules of a race: its rungs, who is dropped after each, and the t test beside SciPy's and least squares."""

import math
from itertools import islice, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from npdigits.race import rules
from npdigits.race.rules import Drop, Rung, compare_with_best, drop_after, rank, rungs


def seeds_and_epochs(n, epochs, many=10):
    return [(rung.seeds, rung.epochs, rung.most) for rung in islice(rungs(n, epochs), many)]


def test_the_rungs_of_64_settings_go_from_few_epochs_to_many_seeds():
    few_epochs, many_seeds = (
        [(1, 2, 48), (1, 5, 39), (1, 10, 24), (1, 20, 16)],
        [(2, 20, 11), (3, 20, 8), (4, 20, 6), (5, 20, 5)],
    )
    assert seeds_and_epochs(64, 20) == [*few_epochs, *many_seeds, (6, 20, 5), (7, 20, 5)]


def test_a_short_rung_that_would_drop_nobody_is_left_out():
    assert seeds_and_epochs(3, 20, 3) == [(1, 20, 3), (2, 20, 3), (3, 20, 3)]
    assert seeds_and_epochs(64, 1, 2) == [(1, 1, 16), (2, 1, 11)]


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 500), st.integers(1, 300))
def test_rungs_only_ever_get_longer_and_narrower(n, epochs):
    first = list(islice(rungs(n, epochs), 40))
    assert [rung.number for rung in first] == list(range(1, 41))
    assert all(1 <= rung.epochs <= epochs and 1 <= rung.most <= n for rung in first)
    for before, after in pairwise(first):
        assert after.most <= before.most
        assert (after.seeds, after.epochs) > (before.seeds, before.epochs)
        assert after.epochs == epochs or after.seeds == before.seeds == 1
        assert (after.rule == "t") == (after.seeds > 1)
    assert first[-1].most == min(n, rules.FEW)


def test_the_worst_by_rank_are_dropped_and_say_their_rank():
    rung = Rung(1, 1, 4, 3, "rank")
    drops = drop_after(rung, {7: [0.9], 3: [0.95], 5: [0.91], 1: [0.91], 2: [0.92]})
    assert drops == (
        Drop(7, 1, "rank 5 of 5 after 4 epochs (3 stay at most)"),
        Drop(5, 1, "rank 4 of 5 after 4 epochs (3 stay at most)"),
    )


def test_what_has_no_figure_loses_whatever_the_others_are():
    rung = Rung(1, 1, 4, 3, "rank")
    assert [drop.setting for drop in drop_after(rung, {1: [math.nan], 2: [0.1], 3: [math.nan]})] == [3, 1]
    assert [drop.setting for drop in drop_after(Rung(5, 2, 4, 3, "t"), {1: [0.99, math.nan], 2: [0.1, 0.1]})] == [1]
    assert rank({4: [math.nan, 1.0], 2: [0.1, 0.1], 0: [], 3: [0.2, 0.0]}) == (2, 3, 0, 4)


def test_the_order_of_seeds_makes_no_difference_of_rounding():
    # From left to right these add up to 0.6 and to 0.6000000000000001.
    assert rank({1: [0.3, 0.2, 0.1], 2: [0.1, 0.2, 0.3]}) == (1, 2)


def test_the_t_rule_drops_who_is_far_behind_but_never_the_best_three():
    rng = np.random.default_rng(1)
    seeds = rng.normal(0, 0.01, 5)
    means = {1: 0.95, 2: 0.90, 3: 0.949, 4: 0.91, 5: 0.92}
    figures = {setting: mean + seeds + rng.normal(0, 1e-3, 5) for setting, mean in means.items()}
    drops = drop_after(Rung(7, 5, 20, 5, "t"), figures)
    assert [drop.setting for drop in drops] == [2, 4]
    assert all(drop.why.startswith("t = -") and drop.why.endswith("over 5 seeds") for drop in drops)


def test_the_t_test_of_two_settings_is_the_paired_one():
    x, y = [0.91, 0.95, 0.93, 0.96], [0.90, 0.95, 0.91, 0.95]
    t, p = compare_with_best({8: y, 2: x})[8]
    expected = stats.ttest_rel(x, y, alternative="greater")
    assert (t, p) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-9)


def test_the_t_test_of_many_settings_is_that_of_least_squares_in_the_two_way_layout():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(4, 6)) + rng.normal(size=6) + np.array([0, 1, 0.5, 0.2])[:, None]
    # A column a setting, and one a seed but the first: the layout's design matrix.
    design = np.zeros((24, 9))
    for i in range(4):
        for j in range(6):
            design[6 * i + j, i] = 1
            if j:
                design[6 * i + j, 3 + j] = 1
    coefficients, residual, _, _ = np.linalg.lstsq(design, x.ravel())
    variance = residual[0] / (24 - 9)
    tests = compare_with_best(dict(enumerate(x)))
    best = int(np.argmax(x.mean(axis=1)))
    inverse = np.linalg.inv(design.T @ design)
    for i in set(range(4)) - {best}:
        contrast = np.zeros(9)
        contrast[best], contrast[i] = 1, -1
        t = contrast @ coefficients / math.sqrt(variance * contrast @ inverse @ contrast)
        assert tests[i] == pytest.approx((t, stats.t.sf(t, 15)), rel=1e-9)
    assert tests[best] == (0.0, 1.0)


def test_figures_without_a_residual_tell_the_lower_from_the_equal():
    assert compare_with_best({1: [0.9, 0.8], 2: [0.9, 0.8], 3: [0.8, 0.7]}) == {
        1: (0.0, 1.0),
        2: (0.0, 0.5),
        3: (math.inf, 0.0),
    }
    assert compare_with_best({1: [0.9], 2: [0.8]}) == {1: (0.0, 1.0), 2: (0.0, 1.0)}
    assert compare_with_best({}) == {}


# Accuracies as they are stored, in steps of a digit among 10,000.
ACCURACY = st.integers(0, 10_000).map(lambda right: right / 10_000) | st.just(math.nan)


@settings(max_examples=30, deadline=None)
@given(
    st.integers(2, 5).flatmap(
        lambda s: st.dictionaries(st.integers(0, 99), st.lists(ACCURACY, min_size=s, max_size=s), min_size=1)
    ),
    st.integers(1, 20),
    st.randoms(use_true_random=False),
)
def test_neither_the_order_of_settings_nor_of_seeds_decides(figures, most, random):
    seeds = len(next(iter(figures.values())))
    rung = Rung(4, seeds, 20, most, "t")
    drops = drop_after(rung, figures)
    shuffled, order = list(figures.items()), list(range(seeds))
    random.shuffle(shuffled)
    random.shuffle(order)
    assert drop_after(rung, dict(shuffled)) == drops
    again = drop_after(rung, {setting: [x[j] for j in order] for setting, x in shuffled})
    assert [drop.setting for drop in again] == [drop.setting for drop in drops]
    ranked = rank(figures)
    finite = [setting for setting in ranked if not any(map(math.isnan, figures[setting]))]
    assert [drop.setting for drop in drops] == [i for i in reversed(ranked) if i in {drop.setting for drop in drops}]
    assert set(finite[: rules.LEAST]).isdisjoint(drop.setting for drop in drops)
    assert len(figures) - len(drops) <= max(most, rules.LEAST)
