"""Who has won a race: the highest mean over fresh seeds, of those that have all of theirs."""

import pytest

from npdigits.race.table import Confirmed, winners


@pytest.mark.parametrize(
    ("found", "won"),
    [
        ({}, ()),
        ({4: ((0.9, 0.92), True)}, (4,)),
        ({4: ((0.9, 0.92), True), 1: ((0.95, 0.91), True), 7: ((0.93, 0.9), True)}, (1,)),
        ({4: ((0.9, 0.92), True), 1: ((0.99,), False)}, (4,)),
        ({4: ((0.9, 0.92), True), 1: ((0.92, 0.9), True)}, (4, 1)),
        ({4: ((), False)}, ()),
    ],
)
def test_the_highest_mean_of_all_seeds_wins(found, won):
    assert winners({number: Confirmed(*one) for number, one in found.items()}) == won
