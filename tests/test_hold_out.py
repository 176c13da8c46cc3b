"""The validation set: exact in size, stratified, disjoint from the training set, drawn from the seed alone."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from npdigits.base.errors import ConfigError
from npdigits.data import sets


def set_of(counts: Sequence[int]) -> sets.Data:
    """A data set with so many training digits of each class, in a mixed order."""
    truth = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    half = sets.Split(np.zeros((len(truth), 1), np.uint8), truth, np.arange(len(truth)))
    return sets.Data("made", "", half, half, (1, 1), len(counts), default_val_size=len(truth) // 6)


@pytest.mark.parametrize("seed", range(5))
def test_hold_out_is_exact_stratified_and_disjoint(seed):
    rng = np.random.default_rng(seed)
    for _ in range(40):
        counts = rng.integers(0, rng.integers(2, 200), rng.integers(2, 12))
        counts[-1] += 2
        made = set_of(counts)
        n = len(made.train)
        size = int(rng.integers(1, n))
        train, val = sets.hold_out(made, size, seed)
        assert len(val) == size
        assert sorted([*train.rows, *val.rows]) == list(range(n))
        share = counts * size / n
        held = np.bincount(val.labels[val.rows], minlength=len(counts))
        assert (np.abs(held - share) < 1).all(), (counts, size, held)
        assert train.images is val.images is made.train.images


def test_hold_out_depends_on_the_seed_alone():
    made = set_of([40, 50, 60])
    first, again, other = (sets.hold_out(made, 30, seed)[1].rows.tolist() for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_hold_out_draws_from_the_rows_it_is_given():
    """A part of a set is divided within that part."""
    made = set_of([40, 50, 60])
    part = replace(made, train=replace(made.train, rows=np.arange(0, 150, 3)))
    train, val = sets.hold_out(part, 10, seed=0)
    assert sorted([*train.rows, *val.rows]) == list(range(0, 150, 3))


def test_hold_out_of_nothing_and_of_the_sets_own_count():
    made = set_of([40, 50, 60])
    train, val = sets.hold_out(made, 0, seed=0)
    assert (len(train), len(val)) == (150, 0)
    assert [len(part) for part in sets.hold_out(made, None, seed=0)] == [125, 25]


@pytest.mark.parametrize("size", [150, 151, 10**9])
def test_hold_out_leaves_something_to_train_on(size):
    made = set_of([40, 50, 60])
    with pytest.raises(ConfigError) as caught:
        sets.hold_out(made, size, seed=0)
    assert str(caught.value).startswith(f"val_size={size}: ")
    assert "150 training digits of made: allowed is 0 … 149" in str(caught.value)
    assert len(sets.hold_out(made, 149, seed=0)[0]) == 1
