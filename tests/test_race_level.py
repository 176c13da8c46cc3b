"""Whether a confirmation could show a difference at all, beside the tests themselves."""

import types

import numpy as np
import pytest

from npdigits.compare.statistics import holm, sign_flip_p
from npdigits.race.level import least_confirm, say_hopeless
from npdigits.sweeps.race_progress import describe_best


@pytest.mark.parametrize("tests", [1, 2, 3, 7])
@pytest.mark.parametrize("number", [1, 2, 4])
def test_the_least_number_of_seeds_is_the_first_that_could_show_a_difference(tests, number):
    def lowest(n):
        return min(holm([sign_flip_p(np.ones(n))] * tests, tests))

    n = least_confirm(tests, number)
    assert lowest(n) <= 0.05 / 2**number < lowest(n - 1)


def test_a_confirmation_that_cannot_show_anything_is_told_with_the_least_that_could():
    assert say_hopeless(3, 10, 3) == "" and say_hopeless(0, 1, 1) == ""
    assert say_hopeless(3, 10, 4) == (
        "confirmation 4 cannot show any difference, whatever comes out: the least p of 10 seeds, 2/2^10 times 3 "
        "comparisons, is above its level, 0.05/2^4; race.confirm=11 is the least that could"
    )
    assert "race.confirm=8 " in say_hopeless(3, 6, 1) and "race.confirm=7 " in say_hopeless(1, 6, 1)


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ((0.9,), "90.00% (95 % interval of its digits, by Wilson: 82.56% to 94.48%) with lr=1"),
        ((0.9, 0.99), "94.50% (95 % interval t over 2 seeds: 37.32% to 100.00%) with lr=1"),
    ],
)
def test_the_best_so_far_says_which_interval_it_has(figures, said):
    run = types.SimpleNamespace(summary=types.SimpleNamespace(data_sizes={"val": 100}))
    told = types.SimpleNamespace(
        ledger=types.SimpleNamespace(run=lambda setting, place: run),
        race=types.SimpleNamespace(settings=[types.SimpleNamespace(overrides=("lr=1",))]),
    )
    course = types.SimpleNamespace(alive=(0,), figures={0: figures})
    assert describe_best(told, course) == said
