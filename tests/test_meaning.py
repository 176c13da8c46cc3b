"""What stored numbers mean is recognized, said, and can be overruled; what makes no sense is one line."""

import contextlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from npdigits.base.errors import ConfigError, DataError
from npdigits.forms import reference
from npdigits.forms.found import Found, Meaning, Part, Wanted
from npdigits.forms.meaning import determine, images_by, labels_by

DIGITS = tuple(map(str, range(10)))


@pytest.fixture(scope="session")
def digits(mnist_5k):
    """A thousand of the embedded digits in a mixed order, and their labels."""
    rows = np.random.default_rng(0).permutation(len(mnist_5k.train))[:1000]
    return mnist_5k.train.images[rows].reshape(-1, 28, 28), mnist_5k.train.labels[rows].astype(np.uint8)


def part(images, labels, file="train.csv"):
    return Part(images, labels, lambda i: f"{file}: row {i + 2}")


def found(train, test=None, val=None, **facts):
    parts = {"train": part(*train)}
    parts |= {"val": part(*val, "val.csv")} if val else {}
    parts |= {"test": part(*test, "test.csv")} if test else {}
    return Found("CSV", parts, "column label", **facts)


def read(train, wanted=Wanted(), **facts):  # noqa: B008
    """Return the meaning of a training set, its images and classes, and what is said."""
    source = found(train, **facts)
    meaning, notes, warnings = determine(source, None, wanted)
    train = source.parts["train"]
    return meaning, images_by(meaning, train, source), labels_by(meaning, train), "; ".join([*notes, *warnings])


def refused(train, wanted=Wanted(), error=DataError, **facts):  # noqa: B008
    """Return the one line by which a set is refused."""
    with pytest.raises(error) as caught:
        read(train, wanted, **facts)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# how bytes may be stored -> (how, the range that is recognized, what is said)
SCALES = {
    "bytes": (lambda x: x, (0, 255), "values 0 … 255"),
    "int64": (lambda x: x.astype(np.int64), (0, 255), "values 0 … 255"),
    "float64": (lambda x: x.astype(float), (0, 255), "values 0 … 255"),
    "255ths": (lambda x: x / 255, (0, 1), "values 0 … 1, decimals of 255ths"),
    "six digits": (lambda x: np.round(x / 255, 6), (0, 1), "values 0 … 1, decimals of 255ths"),
    "four digits": (lambda x: np.round(x / 255, 4), (0, 1), "values 0 … 1, decimals of 255ths"),
    "three digits": (lambda x: np.round(x / 255, 3), (0, 1), "values 0 … 1, decimals of 255ths"),
    "float32": (lambda x: (x / 255).astype(np.float32), (0, 1), "values 0 … 1, decimals of 255ths"),
    "float16": (lambda x: (x / 255).astype(np.float16), (0, 1), "values 0 … 1, decimals of 255ths"),
    "256ths": (lambda x: (x / 256).astype(np.float32), (0, 255 / 256), "values 0 … 0.996, decimals of 256ths"),
    "−1 … 1": (lambda x: np.round(x / 127.5 - 1, 4), (-1, 1), "values -1 … 1, decimals of 255ths"),
    "centred": (lambda x: x / 255 - 0.5, (-0.5, 0.5), "values -0.5 … 0.5, decimals of 255ths"),
    "16 bits": (lambda x: x.astype(np.uint16) * 257, (0, 65535), "values 0 … 65535"),
    "signed": (lambda x: (x.astype(int) - 128).astype(np.int8), (-128, 127), "values -128 … 127"),
    "inverted": (lambda x: 255 - x, (255, 0), "values 0 … 255; inverted (paper was 255)"),
    "inverted 255ths": (lambda x: 1 - x / 255, (1, 0), "decimals of 255ths; inverted (paper was 1)"),
}


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("flat", [False, True])
def test_bytes_are_the_same_bytes_however_they_are_stored(digits, scale, flat):
    images, labels = digits
    store, span, words = SCALES[scale]
    stored = store(images)
    meaning, seen, classes, said = read((stored.reshape(1000, 784) if flat else stored, labels))
    assert seen.dtype == np.uint8 and (seen == images).all() and (classes == labels).all()
    assert meaning.shape == (28, 28) and meaning.range == pytest.approx(span) and meaning.classes == DIGITS
    assert words in said and "data.range" not in said
    assert Meaning.parse(meaning.as_dict()) == meaning


def test_bytes_are_not_copied(digits):
    images, labels = digits
    assert np.shares_memory(read((images.reshape(1000, 784), labels))[1], images)


def test_two_digits_leave_open_which_byte_it_was(digits):
    images, labels = digits
    _, seen, _, said = read((np.round(images / 255, 2), labels))
    assert seen.dtype == np.float32 and "values 0 … 1, decimals" in said and "255ths" not in said
    assert np.abs(seen - images).max() < 1.5
    assert (read((np.round(images / 255, 2).astype(np.float32), labels))[1] == seen).all()  # whatever the precision


def test_fine_scales_are_no_bytes():
    """Scikit-learn's digits, whole numbers 0 … 16 and shares of 16, in single and in double precision."""
    bunch = load_digits()
    for stored in (bunch.images, bunch.images.astype(np.uint8), bunch.data / 16, (bunch.images / 16).astype("f4")):
        meaning, seen, classes, said = read((stored, bunch.target))
        assert meaning.shape == (8, 8) and meaning.range in [(0, 16), (0, 1)] and f"0 … {meaning.range[1]:g}" in said
        assert seen.dtype == np.float32 and (seen == np.float32(bunch.images * 15.9375)).all()
        assert (classes == bunch.target).all()


def test_few_images_of_a_fine_scale_are_no_bytes_either():
    """Images of 0, 1 and 16 of 16, where 1 is nearly the byte 16."""
    meaning = Meaning((1, 3), (0, 16))
    seen = images_by(meaning, part(np.array([[0, 1, 16]]), None), found((None, None)))
    assert seen.dtype == np.float32 and seen.tolist() == [[[0, 15.9375, 255]]]


def test_black_and_white_images(digits):
    images, labels = digits
    for stored in (images > 127, (images > 127).astype(np.uint8), (images > 127).astype(float)):
        meaning, seen, _, _ = read((stored, labels))
        assert meaning.range == (0, 1) and seen.dtype == np.uint8 and (seen == 255 * (images > 127)).all()


def test_standardized_images_are_read_by_their_ends_and_warned_of(digits):
    images, labels = digits
    meaning, seen, _, said = read(((images / 255 - 0.1307) / 0.3081, labels))
    assert meaning.range == pytest.approx((-0.4242, 2.8215), abs=1e-4) and (seen == images).all()
    assert "as of standardized data" in said and "data.range=[LOW,HIGH]" in said


def test_overshoots_of_resampling_are_cut(digits):
    """As the images of a well-known course have them: −0.13 … 1.13 on paper of 0."""
    images, labels = digits
    meaning, seen, _, _ = read((np.where(images > 0, images / 255 * 1.26 - 0.13, 0), labels))
    assert meaning.range == (0, 1) and seen.min() == 0 and seen.max() == 255


def test_an_unknown_scale_is_warned_of(digits):
    images, labels = digits
    meaning, _, _, said = read((images.astype(int) * 3, labels))
    assert meaning.range == (0, 765) and "from 0 to 765" in said
    meaning, _, _, said = read((images.astype(int) * 3, labels), Wanted(range=(0, 1000)))
    assert meaning.range == (0, 1000) and "data.range" not in said


def test_photographs_that_are_formed_are_settled(digits):
    images, labels = digits
    _, seen, _, said = read((255 - images, labels), Wanted(transpose=True, invert=True), formed=True)
    assert (
        (seen == 255 - images).all() and "data.transpose has no effect" in said and "data.invert has no effect" in said
    )
    assert read((images, labels), formed=True)[3] == ""
    pictures = found((images, labels), formed=True)
    inverted = Meaning((28, 28), (16, 0), transpose=True)
    assert (images_by(inverted, pictures.parts["train"], pictures) == images).all()


def test_inversion_is_wanted_or_not(digits):
    images, labels = digits
    assert (read((images, labels), Wanted(invert=True))[1] == 255 - images).all()
    assert (read((255 - images, labels), Wanted(invert=False))[1] == 255 - images).all()


def test_photographs_are_left_as_they_are():
    images = np.random.default_rng(0).integers(0, 256, (300, 9, 9)).astype(np.uint8)
    meaning, _, _, said = read((images, np.arange(300) % 3))
    assert meaning.range == (0, 255) and "inverted" not in said


def test_an_open_orientation_is_asked_for_with_what_it_looks_like(digits):
    images, labels = digits
    by_columns = images.swapaxes(1, 2).reshape(1000, 784)
    line = refused((by_columns, labels), open_orientation=True)
    assert line.startswith("train.csv: CSV leaves open") and line.endswith("digits with data.transpose=true")
    assert refused((images, labels), open_orientation=True).endswith("digits with data.transpose=false")
    letters = np.array(list("abcdefghij"))[labels]
    assert "by their looks" not in refused((by_columns, letters), open_orientation=True)
    for answer in (True, False):
        meaning, seen, _, said = read((by_columns, labels), Wanted(transpose=answer), open_orientation=True)
        assert (seen == (images if answer else images.swapaxes(1, 2))).all() and seen.flags.c_contiguous
        assert meaning.transpose is answer and ("stored by columns" in said) == answer


def test_a_test_set_may_leave_the_orientation_open(digits):
    other = found(digits, open_orientation=True)
    with pytest.raises(DataError, match=r"data\.transpose=true"):
        determine(found(digits), other, Wanted())


def test_images_that_are_no_squares():
    images, labels = np.random.default_rng(0).integers(0, 256, (60, 12)).astype(np.uint8), np.arange(60) % 3
    assert refused((images, labels)).endswith("such as data.shape=[3,4]")
    _, seen, _, _ = read((images, labels), Wanted(shape=(2, 6)))
    assert (seen == images.reshape(60, 2, 6)).all()
    _, seen, _, _ = read((images, labels), Wanted(shape=(2, 6), transpose=True))
    assert (seen == images.reshape(60, 6, 2).swapaxes(1, 2)).all()
    assert "data.shape=[5,5]: is of 25 pixels" in refused((images, labels), Wanted(shape=(5, 5)), ConfigError)
    assert "data.shape=[4,3]" in refused((images.reshape(60, 3, 4), labels), Wanted(shape=(4, 3)), ConfigError)
    assert read((images.reshape(60, 3, 4), labels), Wanted(transpose=True))[1].shape == (60, 4, 3)


def test_columns_that_are_missing_are_filled_up_with_zeros(digits):
    images, labels = digits[0].copy(), digits[1]
    images[:, 27, 22:] = 0
    flat = images.reshape(1000, 784)
    train, test = (flat[:, :780], labels), (flat[:100, :778], labels[:100])
    source = found(train, test, sparse=True)
    meaning, notes, _ = determine(source, None, Wanted())
    assert meaning.shape == (28, 28) and "780 columns, filled up with zeros to 28 × 28" in notes
    assert (images_by(meaning, source.parts["train"], source) == images).all()
    assert images_by(meaning, source.parts["test"], source).shape == (100, 28, 28)
    assert "780 pixels in an image, which are no square" in refused(train)
    assert "700 pixels" in refused((flat[:, :700], labels), sparse=True)
    assert read((flat[:, :700], labels), Wanted(shape=(28, 28)), sparse=True)[1].shape == (1000, 28, 28)
    bomb = refused((flat, labels), Wanted(shape=(10_000, 10_000)), ConfigError, sparse=True)
    assert "data.shape=[10000,10000]" in bomb
    with pytest.raises(DataError, match=r"^test\.csv: an image of 778 pixels: the training images are of 28 × 28"):
        determine(found((flat, labels), test), None, Wanted())


def shifted(labels, by):
    """Labels 1 … 10 of digits."""
    return np.where(labels == 0, 10, labels) if by == 0 else labels + 1


@pytest.mark.parametrize(
    ("by", "words", "values"), [(0, "10 is zero", (10, *range(1, 10))), (1, "plus one", range(1, 11))]
)
@pytest.mark.parametrize("transpose", [False, True])
def test_labels_1_to_10_are_told_by_the_looks_of_the_digits(digits, by, words, values, transpose):
    images, labels = digits
    stored = images.swapaxes(1, 2) if transpose else images
    meaning, seen, classes, said = read((stored, shifted(labels, by)), Wanted(transpose=transpose))
    assert (classes == labels).all() and (seen == images).all()
    assert (
        meaning.classes == DIGITS
        and meaning.values == tuple(values)
        and f"labels 1 … 10, {words}" in said.replace("the digit ", "")
    )


def test_labels_1_to_10_of_what_is_no_digit_are_names():
    images = np.random.default_rng(0).integers(0, 256, (500, 9, 9)).astype(np.uint8)
    meaning, _, _, said = read((images, np.arange(500) % 10 + 1))
    assert meaning.classes == tuple(map(str, range(1, 11))) and "data.labels=[…]" in said


# stored labels of the digits -> (how, names, what is said)
LABELS = {
    "whole": (lambda y: y, DIGITS, ""),
    "floats": (lambda y: y.astype(float), DIGITS, ""),
    "half floats": (lambda y: y.astype(np.float16), DIGITS, ""),
    "text": (lambda y: y.astype(str), DIGITS, ""),
    "text of floats": (lambda y: y.astype(float).astype(str), DIGITS, ""),
    "objects": (lambda y: np.array([str(v) for v in y], object), DIGITS, ""),
    "bytes": (lambda y: y.astype("S1"), DIGITS, ""),
    "ASCII": (lambda y: y + 48, DIGITS, "ASCII codes of digits"),
    "ASCII letters": (lambda y: y + 97, tuple("abcdefghij"), "ASCII codes of characters"),
    "other numbers": (lambda y: y.astype(int) * 10, tuple(map(str, range(0, 100, 10))), "labels 0, 10, 20"),
    "names": (lambda y: np.array(list("ABCDEFGHIJ"))[y], tuple("ABCDEFGHIJ"), ""),
    "numbers among names": (lambda y: np.array([*"0123456", "10", "x", "y"])[y], (*"0123456", "10", "x", "y"), ""),
}


@pytest.mark.parametrize("how", LABELS)
def test_labels_are_classes(digits, how):
    images, labels = digits
    store, names, words = LABELS[how]
    meaning, _, classes, said = read((images, store(labels)))
    assert meaning.classes == names and (classes == labels).all() and classes.dtype == np.uint8
    assert words in said and ("labels" in said) == bool(words)


def test_two_classes_of_truth_values(digits):
    meaning, _, classes, _ = read((digits[0], digits[1] > 4))
    assert meaning.classes == ("0", "1") and (classes == (digits[1] > 4)).all()


def test_many_classes_have_numbers_beyond_a_byte():
    labels = np.repeat(np.arange(300), 4)
    _, _, classes, _ = read((np.random.default_rng(0).integers(0, 256, (1200, 2, 2)).astype(np.uint8), labels))
    assert classes.dtype == np.int64 and (classes == labels).all()


def test_a_class_whose_name_is_a_digit_is_that_digit(digits):
    images, labels = digits
    letters = np.array(list("jihgfedcba"))[labels]  # j is zero
    meaning, _, classes, _ = read((images, letters), Wanted(labels=tuple("9876543210")))
    assert meaning.classes == DIGITS and meaning.values == tuple("jihgfedcba") and (classes == labels).all()
    meaning, _, classes, _ = read((images, letters), Wanted(labels=tuple("zyxwvutsrq")))
    assert meaning.classes == tuple("zyxwvutsrq") and (classes == 9 - labels).all()
    line = refused((images, labels), Wanted(labels=("a", "b")), ConfigError)
    assert line.startswith("data.labels: names 2 classes; there are 10 different labels: 0, 1, 2")


def test_names_that_the_file_declares(digits):
    images, labels = digits
    names = tuple("abcdefghijk")
    meaning, _, classes, _ = read((images, labels + 1), classes=names)
    assert meaning.classes == names[1:] and meaning.values == tuple(range(1, 11)) and (classes == labels).all()
    assert "label 10: the file names 10 classes, 0 … 9" in refused((images, labels + 1), classes=names[:10])
    assert "gives several classes one name" in refused((images, labels), classes=("a",) * 10)


def test_classes_that_look_alike_are_said(digits):
    images, labels = digits
    for one, other in (("\u00fc", "u\u0308"), ("a b", "a  b")):
        said = read((images, np.array([one, other, "c"])[labels % 3]))[3]
        assert f"the classes {min(one, other)!a} and {max(one, other)!a} look alike, and are told apart" in said
    assert "alike" not in read((images, np.array(["a", "A"])[labels % 2]))[3]


def test_the_validation_set_is_of_the_training_side(digits):
    images, labels = digits
    low, high = labels < 5, labels >= 5
    source = found((images[low], labels[low]), val=(images[high], labels[high]))
    meaning, _, _ = determine(source, None, Wanted())
    assert meaning.classes == DIGITS and set(labels_by(meaning, source.parts["val"])) == set(range(5, 10))


def with_first(labels, label):
    changed = np.array(labels, type(label) if isinstance(label, float) else object)
    changed[3] = label
    return changed


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda y: with_first(y, 3.7), "train.csv: row 5: label 3.7 is no class"),
        (lambda y: with_first(y, float("nan")), "train.csv: row 5: label nan is no class"),
        (lambda y: with_first(y.astype(str), "3.7"), "train.csv: row 5: label 3.7 is no class"),
        (lambda y: with_first(y.astype(str), ""), "train.csv: row 5: no label"),
        (lambda y: with_first(y.astype(str), None), "train.csv: row 5: no label"),
        (lambda y: with_first(y.astype(str), "77"), "train.csv: row 5: label 77 has no other image"),
        (lambda y: y * 0, "train.csv: all 1,000 labels are 0"),
        (lambda y: np.arange(1000), "train.csv: 1,000 different labels for 1,000 images"),
        (lambda y: np.arange(1000) % 400, "train.csv: 400 different labels for 1,000 images"),
        (lambda y: y[:-1], "train.csv: the labels of 1,000 images are an array of shape (999,)"),
        (lambda y: y.astype(complex), "train.csv: labels of type complex128"),
    ],
)
def test_labels_that_are_no_classes(digits, change, words):
    assert words in refused((digits[0], change(digits[1])))


def test_test_labels_that_the_training_set_has_not(digits):
    images, labels = digits
    few = labels < 5
    source = found((images[few], labels[few]), test=(images, labels))
    row = int(np.flatnonzero(labels == 5)[0]) + 2
    with pytest.raises(DataError, match=rf"^test\.csv: row {row}: label 5 is no class .* 0, 1, 2, 3, 4$"):
        determine(source, None, Wanted())


def test_labels_of_other_files_may_be_names(digits):
    """Of folders by class, for a run whose labels were others."""
    _, labels = digits
    meaning = Meaning((28, 28), values=(10, *range(1, 10)))
    stored = np.where(labels == 0, 10, labels)
    for other in (stored, stored.astype(float), stored.astype(str), labels, labels.astype(str), labels.astype(object)):
        assert (labels_by(meaning, part(digits[0], other)) == labels).all()
    plus_one = Meaning((28, 28), values=tuple(range(1, 11)))
    assert (labels_by(plus_one, part(digits[0], labels + 1)) == labels).all()
    some = (labels > 0) & (labels < 9)  # folders 1 … 8, which are stored labels as well
    assert (labels_by(plus_one, part(digits[0][some], labels[some].astype(str))) == labels[some]).all()
    with pytest.raises(DataError, match="label 11 is no class"):
        labels_by(meaning, part(digits[0], labels + 2))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x: np.where(x == x, np.nan, x), "row 2: nan is no value of a pixel"),
        (lambda x: x / 0.0, "is no value of a pixel"),
        (lambda x: x * 0, "train.csv: all pixels of all images are 0"),
        (lambda x: x.view(np.int8), "bytes 0 … 255 that were saved as signed ones"),
        (lambda x: x.astype(str), "pixels of type <U3"),
        (lambda x: x.astype(complex), "pixels of type complex128"),
        (lambda x: x.ravel(), "no images: an array of shape (784000,)"),
        (lambda x: x[:, :0], "no images: an array of shape (1000, 0, 28)"),
    ],
)
@pytest.mark.filterwarnings("ignore:(divide by zero|invalid value)")
def test_pixels_that_are_none(digits, change, words):
    assert words in refused((change(digits[0]), digits[1]))


def test_values_beyond_the_wanted_scale(digits):
    images, labels = digits
    row = int(np.flatnonzero((images > 200).any(axis=(1, 2)))[0]) + 2
    line = refused((images, labels), Wanted(range=(0, 200)))
    assert line.startswith(f"train.csv: row {row}: a pixel of 2") and line.endswith("the scale is 0 … 200 (data.range)")


def with_pixel(images, value, rows=(15,)):
    changed = images.astype(np.float64 if isinstance(value, float) or images.dtype.kind == "f" else np.int64)
    changed[list(rows), 3, 3] = value
    return changed


@pytest.mark.parametrize(
    ("store", "value", "words"),
    [
        (lambda x: x, 10**6, "a pixel of 1000000; the pixels of all others are 0 … 255: correct it, or name"),
        (lambda x: x, -5, "a pixel of -5; the pixels of all others are 0 … 255"),
        (lambda x: x, 256, "a pixel of 256;"),
        (lambda x: x, 300.5, "a pixel of 300.5;"),
        (lambda x: x, 1023, "a pixel of 1023;"),  # which ends a usual scale
        (lambda x: x, 65535, "a pixel of 65535;"),
        (lambda x: x // 16, 255, "a pixel of 255; the pixels of all others are 0 … 15"),
        (lambda x: x / 255, 255.0, "a pixel of 255; the pixels of all others are 0 … 1"),
        (lambda x: x / 127.5 - 1, 3.25, "a pixel of 3.25; the pixels of all others are -1 … 1"),
        (lambda x: 1 - x / 255, -7.0, "a pixel of -7; the pixels of all others are 0 … 1"),
        (lambda x: (x > 127).astype(float), 5.0, "a pixel of 5; the pixels of all others are 0 … 1"),
    ],
)
def test_a_few_pixels_far_outside_the_scale_of_all_others_are_refused_with_their_row(digits, store, value, words):
    images, labels = digits
    line = refused((with_pixel(store(images), value), labels))
    assert line.startswith("train.csv: row 17: " + words)
    span = tuple(map(float, line.rpartition("data.range=")[2].strip("[]").split(",")))
    assert value in span
    if value != 10**6 and value != 65535 and value != 255:  # by which the others would hardly be seen
        assert read((with_pixel(store(images), value), labels), Wanted(range=span))[0].range in (span, span[::-1])


def test_two_images_with_such_pixels_and_one_in_the_test_set(digits):
    images, labels = digits
    line = refused((with_pixel(images, 999, (20, 40, 60)), labels))
    assert line.startswith("train.csv: row 22: a pixel of 999, and 2 more such images; the pixels")
    source = found((images, labels), test=(with_pixel(images, 999), labels))
    with pytest.raises(DataError, match=r"^test\.csv: row 17: a pixel of 999; "):
        determine(source, None, Wanted())


def test_what_many_images_have_is_their_scale(digits):
    """As images that are dim but for some, standardized ones, and few of any kind."""
    images, labels = digits
    rows = range(0, 1000, 20)
    meaning, _, _, said = read((with_pixel(images, 300, rows), labels))
    assert meaning.range == (0, 300) and "data.range" in said
    dim = images // 2
    dim[:3] = images[:3]
    assert read((dim, labels))[0].range == (0, 255)
    few = np.arange(8)
    assert read((with_pixel(images[few], 300, [0]), labels[few] * 0 + np.arange(8) % 2))[0].range == (0, 300)
    standardized = (images - images.mean()) / images.std()
    assert "as of standardized data" in read((standardized, labels))[3]


def test_other_files_are_read_by_the_recorded_scale(digits):
    images, labels = digits
    source = found(digits)
    by_bytes, by_shares, inverted = Meaning((28, 28)), Meaning((28, 28), (0, 1)), Meaning((28, 28), (255, 0))

    def seen(meaning, stored):
        return images_by(meaning, part(stored, labels, "other.csv"), source)

    assert (seen(by_bytes, images // 2) == images // 2).all()  # nothing is stretched to the batch's own values
    for meaning in (by_bytes, inverted):
        for other in (images / 255, (images > 127).astype(np.uint8), images // 16):
            with pytest.raises(
                DataError, match=r"other.csv: row 2: no pixel is above .* of the scale 0 … 255.*data\.range"
            ):
                seen(meaning, other)
    with pytest.raises(DataError, match=r"other.csv: row \d+: a pixel of \d+: the scale is 0 … 1 \(data\.range\)"):
        seen(by_shares, images)
    assert not seen(by_bytes, images * 0).any()  # a blank one is on any scale
    with pytest.raises(DataError, match="of 27 × 28: the training images are of 28 × 28"):
        seen(by_bytes, images[:, 1:])


def test_a_test_set_on_another_scale_is_refused(digits):
    images, labels = digits
    source = found(digits, test=(images / 255, labels))
    meaning, _, _ = determine(source, None, Wanted())
    with pytest.raises(DataError, match=r"test.csv: row 2: no pixel is above 1, of the scale 0 … 255"):
        images_by(meaning, source.parts["test"], source)


def test_the_reference_is_made_of_the_embedded_digits(mnist_5k):
    images = np.concatenate([split.images[split.rows] for split in (mnist_5k.train, mnist_5k.test)])[:5000]
    labels = np.concatenate([split.labels[split.rows] for split in (mnist_5k.train, mnist_5k.test)])
    made = reference.mean_digits(images.reshape(-1, 28, 28), labels)
    assert (np.load(reference.FILE) == made).all() and reference.FILE.stat().st_size < 2000


def stretched(images, side=16):
    """Digits cut to their boxes and stretched over a square, as USPS's fill theirs."""
    from PIL import Image

    found = np.zeros((len(images), side, side), np.uint8)
    for i, image in enumerate(images):
        rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
        box = Image.fromarray(image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
        found[i] = np.asarray(box.resize((side, side), Image.Resampling.BILINEAR))
    return found


@pytest.mark.parametrize("orientation", reference.ORIENTATIONS)
@pytest.mark.parametrize("shift", reference.SHIFTS)
def test_digits_are_recognized_however_they_lie(digits, orientation, shift):
    turn = reference.ORIENTATIONS[orientation]
    back = {"turned by 90° to the right": "turned by 90° to the left"}
    back |= {left: right for right, left in back.items()}
    expected = reference.Likeness(back.get(orientation, orientation), shift)
    bunch = load_digits()
    few, truth = digits[0][:300], digits[1][:300].astype(int)
    sets = [
        (few, truth),
        (stretched(few), truth),
        (np.repeat(np.repeat(few, 3, axis=1), 3, axis=2), truth),
        (bunch.images, bunch.target),
    ]
    for images, labels in sets:
        assert reference.looks_like(turn(images), (labels - shift) % 10) == expected


def test_what_is_no_digit_looks_like_none(digits):
    images, labels = digits
    rng = np.random.default_rng(0)
    assert reference.looks_like(rng.integers(0, 256, images.shape), labels) is None
    assert reference.looks_like(np.zeros_like(images), labels) is None
    assert reference.looks_like(images[labels < 2], labels[labels < 2]) is None  # 0 and 1 lie alike either way
    for seed in range(30):
        assert reference.looks_like(images, np.random.default_rng(seed).permutation(10)[labels]) is None
    assert reference.looks_like(images, rng.integers(0, 10, len(labels))) is None
    some_wrong = np.array([0, 1, 2, 3, 4, 5, 7, 8, 9, 6])[labels]
    assert reference.looks_like(images, some_wrong) is None
    assert reference.looks_like(np.maximum(images, images[:, :, ::-1]), labels) is None  # lies either way


def printed(characters):
    """Characters of the fonts that matplotlib brings, slanted at random: images and the places of the characters."""
    from pathlib import Path

    import matplotlib
    from PIL import Image, ImageDraw, ImageFont

    folder, rng = Path(matplotlib.get_data_path()) / "fonts" / "ttf", np.random.default_rng(1)
    fonts = [str(folder / f"DejaVu{name}.ttf") for name in ("Sans", "Sans-Bold", "Serif", "SansMono", "Sans-Oblique")]
    images = []
    for character in characters:
        for name in fonts * 2:
            page = Image.new("L", (40, 40))
            ImageDraw.Draw(page).text((20, 20), character, 255, ImageFont.truetype(name, 22), anchor="mm")
            slant = (1, rng.uniform(-0.3, 0.3), 0, rng.uniform(-0.2, 0.2), 1, 0)
            images.append(np.asarray(page.transform((40, 40), Image.Transform.AFFINE, slant)))
    return np.array(images), np.repeat(np.arange(len(characters)), 2 * len(fonts))


def test_letters_look_like_no_digits():
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyzΓΔΘΛΞΠΣΦΨΩБДЖЗИЛФЦШЯ"
    images, places = printed(letters)
    rng = np.random.default_rng(0)
    for n in (5, 6, 8, 10) * 10:
        chosen = rng.permutation(len(letters))[:n]
        rows = np.concatenate([np.flatnonzero(places == at) for at in chosen])
        assert reference.looks_like(images[rows], np.repeat(np.arange(n), 10)) is None
    assert reference.looks_like(*printed("0123456789")) == reference.Likeness("upright", 0)


KINDS = [
    "bool",
    "uint8",
    "int8",
    "uint16",
    "int64",
    "uint64",
    "float16",
    "float32",
    "float64",
    "longdouble",
    "complex64",
]
KINDS += ["U2", "S2", "O", "M8[s]"]
ODD = [np.nan, np.inf, -np.inf, 1e300, -1e300, 2**63, -(2**63), "x", "", None, b"\xff", "1e999", True, (), "٣", "1_0"]


@st.composite
def any_arrays(draw, shape):
    """Draw an array of any type of this shape, perhaps with an odd value."""
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    plain = rng.integers(0, draw(st.sampled_from([1, 2, 3, 17, 256, 10**6])), shape)
    with np.errstate(all="ignore"):
        array = plain.astype(draw(st.sampled_from(KINDS)))
    if array.size and draw(st.booleans()):
        at, odd = draw(st.integers(0, array.size - 1)), draw(st.sampled_from(ODD))
        with np.errstate(all="ignore"), contextlib.suppress(TypeError, ValueError, OverflowError):
            array.flat[at] = odd  # where this type has such a value
    return array


SIDES = st.integers(0, 4)
SHAPES = st.one_of(st.tuples(SIDES), st.tuples(SIDES, SIDES), st.tuples(SIDES, SIDES, SIDES))


@st.composite
def any_parts(draw):
    n = draw(st.sampled_from([0, 1, 2, 30]))
    images = draw(any_arrays((n, *draw(SHAPES))))
    labels = draw(st.one_of(st.none(), any_arrays((n,)), any_arrays((draw(st.integers(0, 3)), 2))))
    return part(images, labels)


@st.composite
def any_found(draw):
    names = draw(st.sampled_from([["train"], ["train", "test"], ["train", "val", "test"], ["test"]]))
    facts = {name: draw(st.booleans()) for name in ("open_orientation", "formed", "sparse")}
    classes = draw(st.sampled_from([None, None, None, ("a", "b"), ("0", "1", "1")]))
    return Found("made", {name: draw(any_parts()) for name in names}, "column", classes, **facts)


@st.composite
def any_wanted(draw):
    return Wanted(
        transpose=draw(st.sampled_from([None, True, False])),
        invert=draw(st.sampled_from([None, None, True])),
        range=draw(st.sampled_from([None, None, (0, 1), (0, 255), (-1e308, 1e308)])),
        labels=draw(st.sampled_from([None, None, ("a", "b"), ("1", "0")])),
        shape=draw(st.sampled_from([None, None, (2, 2), (1, 4), (10_000, 10_000)])),
    )


@given(any_found(), st.one_of(st.none(), any_found()), any_wanted())
@settings(max_examples=250, deadline=None, derandomize=True)
def test_any_arrays_are_read_or_refused_in_a_line(source, test, wanted):
    try:
        meaning, notes, warnings = determine(source, test, wanted)
        assert all("\n" not in line for line in [*notes, *warnings])
        assert Meaning.parse(meaning.as_dict()) == meaning
        for name, of in source.parts.items():
            images, labels = images_by(meaning, of, source), labels_by(meaning, of)
            assert images.shape == (len(labels), *meaning.shape) and images.dtype in (np.uint8, np.float32)
            assert 0 <= images.min() <= images.max() <= 255 and labels.max() < len(meaning.classes), name
    except (DataError, ConfigError) as error:
        assert "\n" not in str(error)


@given(any_parts(), st.booleans(), st.booleans())
@settings(max_examples=200, deadline=None, derandomize=True)
def test_any_other_file_is_read_by_a_run_s_meaning_or_refused_in_a_line(of, formed, sparse):
    meaning = Meaning((2, 2), (16.0, 0.0), True, (1, 2), ("a", "b"))
    source = replace(found((of.images, of.labels)), formed=formed, sparse=sparse)
    for use in (lambda: images_by(meaning, of, source), lambda: labels_by(meaning, of)):
        try:
            assert len(use()) == len(of.images)
        except (DataError, ConfigError) as error:
            assert "\n" not in str(error)
