"""The test set that is drawn where a file has none, and duplicates across the sets."""

from pathlib import Path

import numpy as np
import pytest

from npdigits.base.errors import ConfigError
from npdigits.forms.division import Half, draw_test, without_shared
from npdigits.forms.found import Wanted

LABELS = np.repeat(np.arange(3), [70, 140, 210])
CLASSES = ("a", "b", "c")
PLACE = Path("digits.csv")


def of_labels(labels, own_val=0):
    return Half(np.zeros((len(labels), 1, 1), np.uint8), np.asarray(labels), own_val)


WHOLE = of_labels(LABELS)


def test_a_seventh_is_drawn_stratified_and_always_the_same():
    drawn = draw_test(WHOLE, CLASSES, Wanted(), PLACE)
    assert np.bincount(LABELS[drawn]).tolist() == [10, 20, 30]
    np.testing.assert_array_equal(drawn, draw_test(WHOLE, CLASSES, Wanted(), PLACE))
    assert not (drawn[:10].all() or drawn[60:70].all())  # drawn, not cut off


@pytest.mark.parametrize(("size", "n"), [(42, 42), (0.5, 210), (1, 1), (1 / 3, 140)])
def test_a_number_or_a_share_is_drawn(size, n):
    assert draw_test(WHOLE, CLASSES, Wanted(test_size=size), PLACE).sum() == n


@pytest.mark.parametrize("size", [420, 10_000, 0.0001])
def test_what_leaves_nothing_is_refused(size):
    with pytest.raises(ConfigError, match=r"of the 420 images of digits.csv: allowed are 1 … 419"):
        draw_test(WHOLE, CLASSES, Wanted(test_size=size), PLACE)


def test_a_class_that_would_be_drawn_whole_is_named():
    with pytest.raises(ConfigError, match="leaves nothing of class a"):
        draw_test(of_labels([0, 1, 1, 1, 1, 1]), CLASSES[:2], Wanted(test_size=5), PLACE)


def test_a_validation_set_of_the_files_own_stays_whole():
    drawn = draw_test(of_labels([0, 1] * 35 + [1, 0] * 10, own_val=20), CLASSES[:2], Wanted(), PLACE)
    assert (drawn[:70].sum(), drawn[70:].sum()) == (10, 0)


def halves():
    images = np.arange(12, dtype=np.uint8).reshape(6, 1, 2)
    train = Half(images, np.array([0, 1, 0, 1, 0, 1]), own_val=2)
    return train, Half(images[[1, 4]], np.array([1, 0]))


def test_shared_images_are_left_out_of_the_training_set_where_that_is_wanted():
    train, test = halves()
    same, said = without_shared(train, test, CLASSES[:2], Wanted(), PLACE)
    assert same is train and said == ""
    left, said = without_shared(train, test, CLASSES[:2], Wanted(drop_duplicates=True), PLACE)
    assert left.labels.tolist() == [0, 0, 1, 1] and left.own_val == 1
    np.testing.assert_array_equal(left.images, train.images[[0, 2, 3, 5]])
    assert said == "2 training images that are in the test set, too, were left out"


def test_a_class_that_would_lose_all_its_images_is_named():
    train, _ = halves()
    with pytest.raises(ConfigError, match="all training images of class b are in the test set"):
        without_shared(train, train.only(train.labels == 1), CLASSES[:2], Wanted(drop_duplicates=True), PLACE)
