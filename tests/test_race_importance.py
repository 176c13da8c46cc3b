"""What mattered in a race: shares against known ones, settings as points, and what is said where little is known."""

import dataclasses
import math

import numpy as np
import pytest
from raced import BOX, drawn, told
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

from npdigits.config import grammar
from npdigits.config.axes import read_axis
from npdigits.race import anova
from npdigits.race import importance as importance_module
from npdigits.race.anova import left_over, ranks, variance_shares
from npdigits.race.effects import crossing, main_effects
from npdigits.race.importance import as_text, in_words, shown
from npdigits.race.importance import importance as importance_by
from npdigits.race.places import place, sides_of, untold


def importance(race):
    return importance_by(race, resamples=3)


def axes(space):
    return tuple(read_axis(key, grammar.parser().parse_override(f"{key}={text}")) for key, text in space.items())


def placed_in(space, settings):
    return place(sides_of(axes(space)), settings)


def shares_of(function, n=64, noise=0.0, space=BOX, resamples=4):
    settings = drawn(space, n)
    random = np.random.default_rng(0)
    numbers = [{key: float(value) for key, value in (one.split("=") for one in setting)} for setting in settings]
    figures = np.array([function(**one) for one in numbers]) + noise * random.standard_normal(n)
    placed, inside = placed_in(space, settings)
    assert len(inside) == n
    found = variance_shares(placed, figures, "test", resamples)
    return {one.keys: one for one in found}


def test_the_shares_of_a_sum_are_those_of_its_terms():
    # Of ranks of 2a + b, uniform each: F(s) is piecewise; shares from a fine grid, without the module's own code.
    found = shares_of(lambda a, b, c: 2 * a + b)
    grid = (np.arange(400) + 0.5) / 400
    sums = 2 * grid[:, None] + grid[None]
    cumulative = np.searchsorted(np.sort(sums.ravel()), sums) / sums.size
    for key, axis in (("a", 1), ("b", 0)):
        assert found[(key,)].share == pytest.approx(cumulative.mean(axis=axis).var() * 12, abs=0.02)
    assert found[("c",)].share < 0.01 and found[("a", "c")].share < 0.01
    assert left_over(tuple(found.values())) < 0.02


def test_what_two_keys_do_only_together_is_the_share_of_the_pair():
    found = shares_of(lambda a, b, c: (a - 0.5) * (b - 0.5))
    assert found[("a", "b")].share > 0.8
    assert max(one.share for keys, one in found.items() if keys != ("a", "b")) < 0.05


def test_the_interval_holds_the_share_and_noise_is_left_over():
    found = shares_of(lambda a, b, c: a, noise=math.sqrt(1 / 12), resamples=20)  # as much noise as signal
    one = found[("a",)]
    assert one.low < 0.5 < one.high and 0.1 < one.high - one.low < 0.6
    assert 0.3 < left_over(tuple(found.values())) < 0.7


def test_of_noise_alone_no_key_has_a_share_that_its_interval_calls_real():
    found = shares_of(lambda a, b, c: 0.0, noise=1.0)
    assert all(one.low == 0 for one in found.values())
    assert left_over(tuple(found.values())) > 0.7


def test_categories_lists_and_numbers_in_any_order_are_told_apart():
    space = {"hidden": "[100],[30],[30,30]", "l2": "0.001,0,0.0001", "decay": "true,false"}
    settings = [
        (f"hidden={hidden}", f"l2={l2}", f"decay={decay}")
        for hidden in ("[100]", "[30]", "[30,30]")
        for l2 in ("0", "1e-4", "0.001")
        for decay in ("true", "false")
    ]
    placed, inside = placed_in(space, settings)
    assert len(inside) == 18
    assert [side.names for side in placed.sides] == [
        ("[100]", "[30]", "[30,30]"),
        ("0", "0.0001", "0.001"),
        ("true", "false"),
    ]
    assert [side.ordered for side in placed.sides] == [False, True, False]
    assert set(placed.points[1].ravel()) == {0, 0.5, 1} and placed.points[0].shape == (18, 3)
    figures = np.where(placed.bins[:, 0] == 1, 1.0, 0.0)  # [30] is the good one: an order would not see it
    found = {one.keys: one.share for one in variance_shares(placed, figures, "test", 4)}
    assert found[("hidden",)] > 0.9 and max(found[("l2",)], found[("decay",)]) < 0.02


def test_a_logarithmic_interval_is_even_in_the_logarithm_and_whole_numbers_have_equal_shares():
    space = {"lr": "tag(log,interval(1e-4,1.0))", "hidden": "interval(1,40)", "batch_size": "interval(1,4)"}
    placed, _ = placed_in(space, [("lr=0.01", "hidden=40", "batch_size=3"), ("lr=1.0", "hidden=1", "batch_size=1")])
    assert placed.points[0].ravel() == pytest.approx([0.5, 1.0])
    assert placed.points[1].ravel() == pytest.approx([1 - 0.5 / 40, 0.5 / 40])
    assert placed.sides[0].names == ("0.0001–0.001", "0.001–0.01", "0.01–0.1", "0.1–1")
    assert placed.sides[2].names == ("1", "2", "3", "4") and list(placed.bins[:, 2]) == [2, 0]


def test_a_setting_with_a_value_that_the_space_does_not_have_is_in_no_figure():
    _, inside = placed_in({"a": "interval(0.0,1.0)", "b": "1,2"}, [("a=0.5", "b=1"), ("a=2", "b=1"), ("a=0.5", "b=x")])
    assert inside == (0,)


def test_many_values_in_order_are_four_parts_and_many_without_are_not_looked_at():
    names = ",".join(f"[{k}]" for k in range(1, 30))
    found = axes({"hidden": names, "epochs": "range(10,110,10)", "l2": "0.5"[:3] + ",0.1"})
    assert [side.key for side in sides_of(found)] == ["epochs", "l2"]
    assert sides_of(found)[0].names == ("10–30", "40–50", "60–80", "90–100")
    assert untold(found, ["hidden", "epochs", "l2", "seed"]) == ("hidden", "seed")


def test_a_key_that_a_setting_does_not_read_changes_nothing_there():
    space = {"optimizer": "sgd,adam", "momentum": "interval(0.0,0.99)"}
    settings = drawn(space, 32, unread=[("momentum", "optimizer=adam")])
    placed, _ = placed_in(space, settings)
    unread = np.isnan(placed.points[1].ravel())
    assert unread.sum() == 16 and (placed.bins[unread, 1] == -1).all()
    figures = np.where(unread, 0.5, np.nan_to_num(placed.points[1].ravel()))
    found = {one.keys: one.share for one in variance_shares(placed, figures, "test", 4)}
    # Half of the settings have the momentum's effect a: the mean over both is a/2, the rest is the pair's.
    assert found[("momentum",)] == pytest.approx(found[("optimizer", "momentum")], abs=0.1)
    assert found[("momentum",)] > 0.3
    effect = main_effects(placed, figures)[1]
    assert sum(len(level.figures) for level in effect.levels) == 16


def test_a_key_that_is_not_read_takes_nothing_from_the_key_that_says_so():
    # Adam is always better; with SGD the figure goes up and down with the momentum. Of ranks 1 to n/2 and n/2 times
    # 3n/4 + 1/2, the optimizer's share of the variance is (n/4)²/((n/4)² + (n²/4 − 1)/24).
    space = {"optimizer": "sgd,adam", "momentum": "interval(0.0,0.99)"}
    placed, _ = placed_in(space, drawn(space, 64, unread=[("momentum", "optimizer=adam")]))
    momentum = placed.points[1].ravel()
    figures = np.where(np.isnan(momentum), 2.0, np.cos(12 * momentum))
    found = {one.keys: one.share for one in variance_shares(placed, figures, "test", 2)}
    assert found[("optimizer",)] == pytest.approx(16**2 / (16**2 + (32**2 - 1) / 24), abs=0.05)


def test_shares_are_those_of_functions_drawn_from_the_process():
    # Scikit-learn draws functions on the whole grid; V_u of each is a plain variance of means.
    space = {"a": "1,2,3,4", "b": "x,y,z"}
    placed, _ = placed_in(space, [("a=1", "b=x"), ("a=4", "b=y"), ("a=2", "b=z"), ("a=3", "b=x"), ("a=1", "b=y")])
    y = np.array([1.2, -0.9, 0.3, -1.1, 0.5])
    theta = np.log([1.3, 0.5, 0.8, 1.1, 0.9, 0.2])
    kernel = (ConstantKernel() * RBF(np.ones(4)) + WhiteKernel()).clone_with_theta(theta)
    process = GaussianProcessRegressor(kernel, alpha=1e-9, optimizer=None).fit(np.hstack(placed.points), y)
    first, second = (side.levels for side in placed.sides)
    grid = np.array([[*a, *b] for a in first for b in second])
    mean, covariance = process.predict(grid, return_cov=True)
    covariance -= 0.2 * np.eye(len(grid))  # of figures without their noise
    draws = np.random.default_rng(0).multivariate_normal(mean, covariance, 20_000, check_valid="ignore")
    draws = draws.reshape(-1, 4, 3)
    alone = draws.mean(axis=2).var(axis=1), draws.mean(axis=1).var(axis=1)
    expected = {(0,): alone[0].mean(), (1,): alone[1].mean()}
    expected[0, 1] = (draws.reshape(len(draws), -1).var(axis=1) - alone[0] - alone[1]).mean()
    assert anova._shares(placed, placed.points, y, theta) == pytest.approx(expected, rel=0.05)


def test_lost_settings_are_the_worst_all_alike_and_in_no_mean():
    assert list(ranks(np.array([0.3, np.nan, 0.1, np.nan]))) == pytest.approx(
        list((np.array([4, 1.5, 3, 1.5]) - 2.5) / np.array([4, 1.5, 3, 1.5]).std())
    )
    race = told(BOX, drawn(BOX, 32), lambda v: math.nan if float(v["a"]) > 0.75 else float(v["b"]))
    one = importance(race).arms[0]
    assert (one.n, one.lost, one.missing) == (32, 8, 0)
    assert {share.keys for share in one.shares if share.share > 0.1} >= {("a",), ("b",)}
    last = one.effects[0].levels[-1]
    assert last.lost == 8 and last.figures == () and math.isnan(last.mean) and last.half is None
    assert "8 lost settings are the worst, all alike" in " ".join(as_text(importance(race)))


def test_the_same_race_is_told_in_the_same_words_and_each_arm_by_itself():
    race = told(BOX, drawn(BOX, 32), lambda v: float(v["a"]), arms=("dropout", "l2"))
    text = as_text(importance(race))
    assert text == as_text(importance(race))
    assert [line for line in text if line.endswith(":")] == ["dropout:", "l2:"]
    assert [one.n for one in importance(race).arms] == [32, 32]


def test_of_few_settings_of_equal_ones_and_of_none_it_says_that_it_cannot_tell():
    few = importance(told(BOX, drawn(BOX, 32)[:23], lambda v: float(v["a"]))).arms[0]
    assert few.shares == () and "23 settings have come" in few.why_not and few.effects
    equal = importance(told(BOX, drawn(BOX, 32), lambda v: 0.5))
    assert equal.arms[0].why_not == "all settings are alike"
    lost = importance(told(BOX, drawn(BOX, 32), lambda v: math.nan))
    assert "What mattered cannot be told: all settings are alike." in as_text(lost)
    race = told(BOX, drawn(BOX, 8), lambda v: float(v["a"]))
    race.ledger.runs.clear()
    none = importance(race).arms[0]
    assert (none.n, none.missing, none.effects) == (0, 8, ()) and "it takes 24" in none.why_not


def test_it_says_how_well_the_first_rung_foretold_full_runs():
    race = told(BOX, drawn(BOX, 32), lambda v: float(v["a"]))
    assert "too few to say" in as_text(importance(race))[-1]
    best = sorted(race.race.settings, key=lambda one: -race.ledger.runs[one.number, 0][1])[:8]
    for rank, one in enumerate(best):  # the order turns round, but for the seeds' mean
        race.ledger.runs[one.number, 1] = (20, rank / 10 + rank % 2, "")
        race.ledger.runs[one.number, 2] = (20, rank / 10 - rank % 2, "")
    witness = importance(race).arms[0].witness
    assert (witness.n, witness.rank_correlation) == (8, pytest.approx(-1))
    spread = 1.96 * math.sqrt(1.06 / 5)
    for one in best:
        del race.ledger.runs[one.number, 2]
        race.ledger.runs[one.number, 1] = (20, race.ledger.runs[one.number, 0][1] + (one is best[0]) - 1, "")
    best_first = importance(race).arms[0].witness
    assert best_first.rank_correlation == pytest.approx(1)
    race.ledger.runs[best[0].number, 1] = (20, -5.0, "")  # rank 1 becomes rank 8: 1 − 6·Σd²/(n³ − n), Σd² = 7² + 7
    witness = importance(race).arms[0].witness
    assert witness.rank_correlation == pytest.approx(1 - 6 * 56 / (8**3 - 8))
    assert math.atanh(witness.high) - math.atanh(witness.low) == pytest.approx(2 * spread)


def test_the_first_rung_alone_is_looked_at_and_means_over_two_keys_add_up():
    race = told(BOX, drawn(BOX, 16), lambda v: float(v["a"]))
    race.ledger.runs[3, 0] = (0, 0.5, "")  # has not come to the end of the rung
    one = importance(race).arms[0]
    assert (one.n, one.missing) == (15, 1)
    placed, _ = placed_in(BOX, drawn(BOX, 16))
    found = crossing(placed, np.arange(16.0), ("b", "a"))
    assert found.keys == ("b", "a") and sum(len(level.figures) for line in found.cells for level in line) == 16
    assert sorted(figure for line in found.cells for level in line for figure in level.figures) == list(range(16))
    row = [figure for level in found.cells[0] for figure in level.figures]
    assert sorted(row) == [k for k in range(16) if placed.bins[k, 1] == 0]


def test_of_very_many_settings_some_are_taken_and_that_is_said(monkeypatch):
    for module in (anova, importance_module):
        monkeypatch.setattr(module, "MOST", 32)
    race = told(BOX, drawn(BOX, 64), lambda v: float(v["a"]))
    one = importance(race).arms[0]
    assert one.n == 64 and one.shares[0].keys == ("a",) and one.shares[0].share > 0.6
    assert "Shares of 32 of them, drawn at random, are of the variance of ranks" in " ".join(as_text(importance(race)))


def test_pairs_that_do_nothing_are_not_shown_but_for_one():
    one = importance(told(BOX, drawn(BOX, 32), lambda v: float(v["a"]))).arms[0]
    assert len([share for share in shown(one) if len(share.keys) == 2]) == 1
    assert len([share for share in shown(one) if len(share.keys) == 1]) == 3


def test_shares_that_add_up_to_more_than_all_are_said_to():
    one = importance(told(BOX, drawn(BOX, 32), lambda v: float(v["a"]))).arms[0]
    more = dataclasses.replace(one, shares=tuple(dataclasses.replace(share, share=0.3) for share in one.shares))
    said = " ".join(in_words(more))
    assert f"Together the estimates are {30 * len(one.shares)} %, more than all" in said and "is left" not in said
    less = dataclasses.replace(one, shares=tuple(dataclasses.replace(share, share=0.1) for share in one.shares))
    assert f"{100 - 10 * len(one.shares)} % is left" in " ".join(in_words(less))
