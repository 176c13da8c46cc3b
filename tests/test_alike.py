"""Two files of one set: their columns by name, and svmlight's columns from one number."""

import numpy as np
import pytest
from made import digits

from npdigits.forms.alike import alike
from npdigits.forms.column_base import GUESSED
from npdigits.forms.found import TEST, TRAIN, Found, Part
from npdigits.forms.reading import combined

IMAGES = np.arange(12).reshape(3, 4)
NAMES = ("north", "east", "south", "west")


def found(images=IMAGES, columns=(), **more):
    return Found("a form", {TRAIN: Part(images, np.zeros(len(images)), str)}, "label", columns=columns, **more)


def images_of(one):
    (part,) = one.parts.values()
    return part.images


def test_columns_of_the_same_names_are_put_in_the_order_of_the_first():
    order = [2, 0, 3, 1]
    second = found(IMAGES[:, order], tuple(NAMES[i] for i in order))
    first, mended = alike(found(columns=NAMES), second)
    np.testing.assert_array_equal(images_of(mended), IMAGES)
    assert mended.columns == NAMES and "order of the training set's" in mended.notes[0]
    assert images_of(first) is IMAGES


@pytest.mark.parametrize("columns", [(), NAMES, ("a", "b", "c", "d"), NAMES[:3]])
def test_other_columns_stay_as_they_are(columns):
    second = found(columns=columns)
    assert alike(found(columns=NAMES), second)[1] is second


@pytest.mark.parametrize(
    ("of_first", "of_second", "moved"), [(None, 0, 0), (0, None, 1), (None, 1, None), (0, 0, None)]
)
def test_where_one_file_counts_from_0_the_other_does_too(of_first, of_second, moved):
    guessed = {None: (GUESSED,)}
    given = (found(sparse=True, counted_from=i, notes=guessed.get(i, ())) for i in (of_first, of_second))
    pair = alike(*given)
    for number, one in enumerate(pair):
        expected = np.pad(IMAGES, ((0, 0), (1, 0))) if number == moved else IMAGES
        np.testing.assert_array_equal(images_of(one), expected)


def test_the_parts_of_a_folder_are_alike(tmp_path):
    images, _ = digits(5, (2, 2))
    flat = images.reshape(5, 4)
    train = Found("a form", {TRAIN: Part(flat, None, str)}, "none", columns=NAMES)
    test = Found("a form", {TRAIN: Part(flat[:, ::-1], None, str)}, "none", columns=NAMES[::-1])
    whole = combined({TRAIN: train, TEST: test}, tmp_path)
    np.testing.assert_array_equal(whole.parts[TEST].images, whole.parts[TRAIN].images)
