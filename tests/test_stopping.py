"""Every stopping rule stops exactly when its definition says."""

import statistics

import pytest

from npdigits.base.choice import assemble
from npdigits.training.stopping import (
    MIN_DELTA,
    STOPPING_RULES,
    cost_settled,
    gap_too_wide,
    no_improvement,
    run_all_epochs,
    variance_of_last,
)


def first_stop(rule, val_costs, gaps=None):
    """Return the epoch, counted from 1, after which the rule first says stop; None where it never does."""
    gaps = gaps or [0.0] * len(val_costs)
    return next((n for n in range(1, len(val_costs) + 1) if rule(val_costs[:n], gaps[:n])), None)


def test_no_improvement_stops_after_patience_epochs_and_not_one_later():
    costs = [1.0, 0.5, 0.6, 0.6, 0.6, 0.6]  # the best is epoch 2
    assert first_stop(no_improvement(3, 0.0), costs) == 5
    assert first_stop(no_improvement(1, 0.0), costs) == 3
    assert first_stop(no_improvement(5, 0.0), costs) is None


def test_an_improvement_starts_the_count_again():
    assert first_stop(no_improvement(2, 0.0), [1.0, 1.1, 0.9, 1.0, 0.8, 0.9, 0.9]) == 7


def test_equal_is_no_improvement():
    assert first_stop(no_improvement(2, 0.0), [0.5, 0.5, 0.5]) == 3


def test_an_improvement_below_min_delta_does_not_count_but_adds_up():
    assert first_stop(no_improvement(2, 0.1), [1.0, 0.95, 0.92]) == 3
    # 0.04 at a time: the third is 0.12 under the reference, and counts.
    assert first_stop(no_improvement(3, 0.1), [1.0, 0.96, 0.92, 0.88, 0.87, 0.87, 0.87]) == 7


def test_an_improvement_of_exactly_min_delta_counts():
    assert first_stop(no_improvement(1, 0.25), [1.0, 0.75, 0.5, 0.25]) is None


def test_gap_stops_when_it_was_too_wide_patience_times_in_a_row():
    gaps = [0.0, 0.2, 0.2, 0.0, 0.2, 0.2, 0.2, 0.2]
    assert first_stop(gap_too_wide(3, 0.1), [1.0] * 8, gaps) == 7
    assert first_stop(gap_too_wide(2, 0.1), [1.0] * 8, gaps) == 3
    assert first_stop(gap_too_wide(3, 0.2), [1.0] * 8, gaps) is None  # not above


def test_variance_stops_when_the_cost_has_settled():
    costs = [1.0, 0.5, 0.3, 0.3, 0.3, 0.3, 0.3]
    # Windows of 3 end at epochs 3…7; those that end at 5, 6 and 7 have variance 0, that at 4 has 0.0089.
    assert first_stop(cost_settled(1, 1e-3, 3), costs) == 5
    assert first_stop(cost_settled(2, 1e-3, 3), costs) == 6
    assert first_stop(cost_settled(2, 0.01, 3), costs) == 5
    assert first_stop(cost_settled(1, 0.0, 3), costs) is None  # 0 is not under 0


def test_variance_waits_for_a_full_window():
    assert first_stop(cost_settled(1, 1.0, 4), [0.3] * 6) == 4
    assert first_stop(cost_settled(3, 1.0, 4), [0.3] * 6) == 6


def test_variance_starts_again_when_it_rises():
    costs = [0.3, 0.3, 0.3, 0.9, 0.3, 0.3, 0.3, 0.3]
    assert first_stop(cost_settled(2, 1e-3, 2), costs) == 3
    assert first_stop(cost_settled(3, 1e-3, 2), costs) == 8


def test_none_never_stops():
    assert first_stop(run_all_epochs(), [1.0] * 50, [9.0] * 50) is None


def test_variance_of_last_is_the_population_variance():
    costs = [3.0, 0.4, 0.1, 0.7]
    assert variance_of_last(costs, 3) == pytest.approx(statistics.pvariance(costs[1:]))
    assert variance_of_last(costs, 5) is None


def test_every_rule_can_be_chosen_and_has_a_threshold_of_its_own():
    assert set(STOPPING_RULES) == set(MIN_DELTA) == {"val_cost", "gap", "variance", "none"}
    costs, gaps = [0.5] * 30, [1.0] * 30
    stops = {
        name: first_stop(
            assemble(STOPPING_RULES[name], {"patience": 4, "min_delta": MIN_DELTA[name], "window": 6}), costs, gaps
        )
        for name in STOPPING_RULES
    }
    assert stops == {"val_cost": 5, "gap": 4, "variance": 9, "none": None}
