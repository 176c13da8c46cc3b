"""Files that are read by a meaning that is known: scale, order and classes are the known ones, or the user's."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from npdigits.base.errors import DataError
from npdigits.forms import known
from npdigits.forms.found import TRAIN, Found, Meaning, Part, Wanted
from npdigits.forms.known import Images, class_numbers, how_taken, meaning_of, read_images
from npdigits.pictures.taking import Takes

BYTES = Meaning((2, 3))
INVERTED = Meaning((2, 3), range=(255.0, 0.0))
ONE = Meaning((2, 3), range=(0.0, 1.0), transpose=True)
OPEN = {turned: Meaning((2, 3), transpose=turned, open_orientation=True) for turned in (True, False)}


def file_of(images=None, labels=None, pictures=False, **found):
    """Return a file with these images and labels."""
    images = np.zeros((len(labels) if labels is not None else 1, 2, 3)) if images is None else np.asarray(images)
    part = Part(images, None if labels is None else np.asarray(labels), lambda i: f"digits.csv: row {i + 2}")
    return Images(Path("digits.csv"), Found("CSV", {TRAIN: part}, "label", **found), part, "", pictures)


@pytest.mark.parametrize(
    ("meaning", "wanted", "span", "transpose"),
    [
        (BYTES, {}, (0, 255), False),
        (ONE, {}, (0, 1), True),
        (INVERTED, {}, (255, 0), False),
        (ONE, {"range": (0.0, 16.0)}, (0, 16), True),
        (ONE, {"transpose": False}, (0, 1), False),
        (BYTES, {"invert": True}, (255, 0), False),
        (INVERTED, {"invert": True}, (255, 0), False),
        (INVERTED, {"invert": False}, (0, 255), False),
        (BYTES, {"range": (0.0, 1.0), "invert": True}, (1, 0), False),
        (INVERTED, {"range": (0.0, 1.0)}, (1, 0), False),
    ],
)
def test_range_and_order_are_the_known_ones_or_the_users(meaning, wanted, span, transpose):
    read_by = meaning_of(file_of(), meaning, True, Wanted(**wanted))
    assert (read_by.range, read_by.transpose, read_by.shape) == (span, transpose, (2, 3))


def test_pictures_are_on_the_networks_scale_whatever_the_run_was_trained_on():
    for meaning in (ONE, INVERTED, BYTES):
        read_by = meaning_of(file_of(pictures=True), meaning, True, Wanted())
        assert (read_by.range, read_by.transpose) == ((0, 255), False)


def test_pictures_are_taken_as_those_that_the_run_was_trained_on():
    square = Meaning((28, 28), range=(255.0, 0.0), as_they_are=True)
    assert how_taken(square, Wanted()) == Takes(28, True, True)
    assert how_taken(square, Wanted(invert=False)) == Takes(28, True, False)
    assert how_taken(Meaning((28, 28)), Wanted()) == Takes(28, False, False)
    assert how_taken(Meaning((8, 8)), Wanted()) == Takes(8, True, False)
    assert how_taken(BYTES, Wanted()).side == 0


def test_a_form_that_leaves_the_order_open_asks_unless_it_is_known():
    asks = file_of(open_orientation=True)
    for meaning, recorded in ((BYTES, True), (BYTES, False), (ONE, False)):
        with pytest.raises(DataError, match=r"^digits\.csv: CSV leaves open .*data\.transpose=true"):
            meaning_of(asks, meaning, recorded, Wanted())
    assert not meaning_of(asks, BYTES, True, Wanted(transpose=False)).transpose


@pytest.mark.parametrize("turned", [True, False])
def test_an_order_that_was_said_of_such_a_form_holds_for_such_forms_alone(turned):
    assert meaning_of(file_of(open_orientation=True), OPEN[turned], True, Wanted()).transpose == turned
    rows = file_of(40 * np.arange(6).reshape(1, 2, 3))
    read_by = meaning_of(rows, OPEN[turned], True, Wanted())
    np.testing.assert_array_equal(read_images(rows, read_by, (2, 3)), rows.part.images)
    columns = file_of(40 * np.arange(6).reshape(1, 3, 2))
    read_by = meaning_of(columns, OPEN[turned], True, Wanted(transpose=True))
    np.testing.assert_array_equal(read_images(columns, read_by, (2, 3))[0], columns.part.images[0].T)


@pytest.mark.parametrize(("images", "size"), [(np.zeros((4, 3, 3)), "3 × 3"), (np.zeros((4, 7)), "7 values")])
def test_images_of_another_size_are_refused(images, size):
    with pytest.raises(DataError, match=rf"^digits\.csv: images of {size}: the run takes 2 × 3$"):
        read_images(file_of(images), BYTES, (2, 3))


def test_images_of_a_shape_that_the_run_does_not_take_are_refused():
    with pytest.raises(DataError, match=r"images of 3 × 2: the run takes 2 × 3"):
        read_images(file_of(np.zeros((4, 6), np.uint8)), Meaning((3, 2)), (2, 3))


@pytest.mark.parametrize(
    ("meaning", "low", "high"), [(BYTES, 0, 1), (BYTES, 0, 1000), (INVERTED, -9, 255), (ONE, 0, 255), (ONE, -1, 1)]
)
def test_values_on_another_scale_are_refused_and_never_stretched(meaning, low, high):
    images = np.array([[[low, high], [low, low], [high, low]]], np.float64)
    with pytest.raises(DataError, match=r"^digits\.csv: row 2: .*\(data\.range\)"):
        read_images(file_of(images), dataclasses.replace(meaning, shape=(3, 2), transpose=False), (3, 2))


def test_values_are_read_by_the_known_scale():
    images = np.array([[[64, 0, 32], [0, 0, 0]]], np.uint8)
    assert read_images(file_of(images), BYTES, (2, 3)).tolist() == images.tolist()
    assert read_images(file_of(images), INVERTED, (2, 3)).tolist() == (255 - images).tolist()
    quarter = read_images(file_of(images / 256), dataclasses.replace(ONE, transpose=False), (2, 3))
    assert quarter == pytest.approx(images * (255 / 256))


def test_digits_that_are_not_upright_are_noticed(mnist_5k):
    images = mnist_5k.test.images[mnist_5k.test.rows].reshape(-1, 28, 28)
    labels = mnist_5k.test.labels[mnist_5k.test.rows]
    names = list(map(str, range(10)))
    assert known.doubt(images, labels, names) == ""
    assert known.doubt(images.swapaxes(1, 2), labels, names) == "transposed"
    assert known.doubt(images.swapaxes(1, 2), labels, [f"class {name}" for name in names]) == ""
    assert known.doubt(np.random.default_rng(0).integers(0, 256, images.shape), labels, names) == ""


TEN_FOR_ZERO = Meaning((2, 3), values=tuple(range(1, 11)), classes=(*map(str, range(1, 10)), "0"))
WORDS = Meaning((2, 3), values=("one", "seven", "two"), classes=("one", "seven", "two"))
NAMED = Meaning((2, 3), values=(0, 1, 2), classes=("ship", "cat", "dog"))


@pytest.mark.parametrize(
    ("meaning", "labels", "numbers", "more"),
    [
        (BYTES, [7, 0, 7], [7, 0, 7], {}),
        (BYTES, [7.0, 0.0], [7, 0], {}),
        (BYTES, ["7", "0"], [7, 0], {}),
        (BYTES, np.array([b"7", b"0"]), [7, 0], {}),
        (TEN_FOR_ZERO, [10, 1, 9], [9, 0, 8], {}),
        (TEN_FOR_ZERO, [0, 1, 9], [9, 0, 8], {}),
        (TEN_FOR_ZERO, ["0", "1"], [9, 0], {}),
        (WORDS, ["two", "one"], [2, 0], {}),
        (NAMED, [2, 0], [2, 0], {}),
        (NAMED, ["dog", "ship"], [2, 0], {}),
        (NAMED, [1, 0], [2, 1], {"classes": ("cat", "dog")}),
        (BYTES, [1, 0], [8, 3], {"classes": ("3", "8")}),
    ],
)
def test_labels_are_matched_by_the_name_of_their_class(meaning, labels, numbers, more):
    assert class_numbers(file_of(labels=labels, **more), meaning, Wanted(), "run").tolist() == numbers


def test_the_user_may_name_them():
    wanted = Wanted(labels=("cat", "dog"))
    assert class_numbers(file_of(labels=[4, 9, 4]), NAMED, wanted, "run").tolist() == [1, 2, 1]
    with pytest.raises(DataError, match=r"data\.labels names 2 classes, and its labels are of 3"):
        class_numbers(file_of(labels=[4, 9, 3]), NAMED, wanted, "run")


@pytest.mark.parametrize(
    ("labels", "first", "label"),
    [([3, 11, 11], 3, "11"), ([3.5, 1.0], 2, "3.5"), (["3", "x\x1b"], 3, r"x\x1b"), ([-1, 3], 2, "-1")],
)
def test_a_class_that_is_not_known_is_named_with_its_first_row(labels, first, label):
    with pytest.raises(DataError) as error:
        class_numbers(file_of(labels=labels), BYTES, Wanted(), "outputs/run")
    known_classes = "0, 1, 2, 3, 4, 5, 6, 7, 8, 9"
    assert str(error.value) == f"digits.csv: row {first}: label {label}: outputs/run knows the classes {known_classes}"


def test_many_classes_are_not_all_listed():
    many = Meaning((2, 3), values=tuple(range(300)), classes=tuple(map(str, range(300))))
    with pytest.raises(DataError, match=r"knows the classes 0, 1, .*, 11 …$"):
        class_numbers(file_of(labels=[300]), many, Wanted(), "run")


def test_without_labels_nothing_can_be_scored():
    with pytest.raises(DataError, match=r"^digits\.csv: CSV without labels: npdigits-predict reads it$"):
        class_numbers(file_of(), BYTES, Wanted(), "run")


def test_of_several_parts_the_test_set_is_meant(tmp_path):
    np.savez(tmp_path / "a.npz", x_train=np.zeros((5, 2, 3)), x_test=np.ones((4, 2, 3)))
    images = known.open_images(tmp_path / "a.npz", Wanted(), (2, 3), Takes(), print)
    assert len(images) == 4 and images.chosen == "its test set" and images.part.images.all()
