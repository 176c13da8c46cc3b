"""What a data set cannot be is said before training, and nothing of a set that is as it should be."""

import re
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npdigits.data.sets import make_data
from npdigits.forms.checks import doubts, polarity_doubt

DIGITS = range(10)
BY_ROWS = {"transpose": False, "range": [0.0, 255.0]}


@pytest.fixture(scope="session")
def arrays(mnist_5k):
    """The embedded digits, as the four arrays of a set."""
    return {
        f"{half}_{kind}": values[split.rows].reshape(-1, *shape).astype(np.uint8)
        for half, split in (("train", mnist_5k.train), ("test", mnist_5k.test))
        for kind, values, shape in (("images", split.images, (28, 28)), ("labels", split.labels, ()))
    }


def said(arrays, name="idx", **changed):
    return doubts(make_data(name, "", {key: np.ascontiguousarray(a) for key, a in {**arrays, **changed}.items()}))


def each(arrays, kind, change):
    """Return the images or labels of both halves, changed."""
    return {f"{half}_{kind}": change(arrays[f"{half}_{kind}"]) for half in ("train", "test")}


def with_one(labels, label):
    return np.concatenate([[label], labels[1:]]).astype(np.uint8)


def test_of_the_digits_as_they_are_nothing_is_said(arrays, mnist_5k):
    assert said(arrays) == said(arrays, "own") == []
    assert doubts(mnist_5k) == []


def test_inverted_images(arrays):
    inverted = each(arrays, "images", lambda images: 255 - images)
    (line,) = said(arrays, **inverted)
    assert "paper is 255 and their ink is 0" in line and "data=file data.path=FOLDER data.invert=true" in line
    (line,) = said(arrays, "own", **inverted)
    assert line.endswith("your function is to return 255 - images")


@pytest.mark.parametrize(("highest", "factor"), [(1, "255"), (16, "15.9375")])
def test_images_on_another_scale(arrays, highest, factor):
    faint = each(arrays, "images", lambda images: (images // 255 * highest).astype(np.uint8))
    lines = [line for line in said(arrays, **faint) if "twice" not in line and "training images, too" not in line]
    assert len(lines) == 2
    for half, line in zip(("training", "test"), lines, strict=True):
        assert f"no pixel of the {half} images is above {highest}, of 255" in line
    assert all(f"data=file data.path=FOLDER data.range=[0,{highest}]" in line for line in lines)
    assert f"images * {factor}" in said(arrays, "own", **faint)[0]


def test_a_test_set_alone_on_another_scale(arrays):
    lines = said(arrays, test_images=arrays["test_images"] // 64)
    assert lines[0].startswith("no pixel of the test images is above 3, of 255")
    assert said(arrays, test_images=arrays["test_images"] * 0)[0] == "all pixels of the test images are 0"


@pytest.mark.parametrize("half", ["training", "test"])
def test_one_half_alone_is_inverted(arrays, half):
    """Whatever the classes are called, and in stored values."""
    kind = f"{half.removesuffix('ing')}_images"
    other = {"training": "test", "test": "training"}[half]
    changed = {kind: 255 - arrays[kind]}
    (line,) = said(arrays, **changed)
    assert line == (
        f"the {half} images' paper is 255 and their ink is 0, the other way round than in the {other} images: the two "
        f"sets differ: save the {half} images anew, as 255 - images"
    )
    (line,) = said(arrays, "own", **changed)
    assert line.endswith(f"your function is to return 255 - x_{kind.removesuffix('_images')}")
    reading = BY_ROWS | {"range": [1.0, 0.0]}
    (line,) = doubts(replace(make_data("file", "", arrays | changed), reading=reading, classes=tuple("abcdefghij")))
    assert line.startswith(f"the {half} images' paper is 0 and their ink is 1, the other way round than in the {other}")
    assert line.endswith(f"data.invert concerns both: save the {half} images anew, as 1 - images")


@pytest.mark.parametrize("half", ["train", "test"])
@pytest.mark.parametrize("share", [0.5, 0.1, 0.9])
def test_a_set_in_which_paper_is_now_this_now_that(arrays, half, share):
    images = arrays[f"{half}_images"].copy()
    chosen = np.arange(len(images)) % 10 < 10 * share
    images[chosen] = 255 - images[chosen]
    name = {"train": "training", "test": "test"}[half]
    odd = chosen if share <= 0.5 else ~chosen
    lines = [line for line in said(arrays, **{f"{half}_images": images}) if line.startswith("about ")]
    first, paper = int(odd.argmax()) + 1, 255 if share <= 0.5 else 0
    assert len(lines) == 1 and re.match(rf"about \d+% of the {name} images, such as {name} image \d+, have", lines[0])
    assert f"{name} image {first}, have paper of {paper} and ink of {255 - paper}" in lines[0]


def test_a_few_inverted_images_and_images_that_fill_their_frames_are_no_mixed_set(arrays):
    images = arrays["train_images"].copy()
    images[:20] = 255 - images[:20]
    assert said(arrays, train_images=images) == []
    rng = np.random.default_rng(0)
    assert said(arrays, train_images=rng.integers(0, 256, images.shape).astype(np.uint8)) == []


TURNS = {
    "transposed": lambda images: images.swapaxes(1, 2),
    "mirrored left to right": lambda images: images[:, :, ::-1],
    "turned by 180°": lambda images: images[:, ::-1, ::-1],
}


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("half", ["training", "test"])
def test_one_half_alone_lies_otherwise(arrays, turn, half):
    kind = f"{half.removesuffix('ing')}_images"
    (line,) = said(arrays, **{kind: TURNS[turn](arrays[kind])})
    change = "images.transpose(0, 2, 1)" if turn == "transposed" else "images that are upright"
    assert line == (
        f"the {half} images, unlike the others, look like digits that are {turn}: the two sets differ: save the {half} "
        f"images anew, as {change}"
    )


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("inverted", [False, True])
def test_a_test_set_of_anything_lies_otherwise(arrays, turn, inverted):
    """Held against the training set itself, as of letters and of digits of other scripts."""
    images = TURNS[turn](arrays["test_images"])
    changed = make_data("idx", "", arrays | {"test_images": np.ascontiguousarray(255 - images if inverted else images)})
    lines = doubts(replace(changed, classes=tuple("abcdefghij")))
    assert len(lines) == 1 + inverted
    assert lines[-1].startswith(
        f"the test images lie otherwise than the training images: beside these they are {turn}: the two sets differ"
    )


def test_test_labels_alone_are_off_by_one(arrays):
    (line,) = said(arrays, "own", test_labels=(arrays["test_labels"] + 1) % 10)
    assert line.startswith("the test images, unlike the others, look like digits whose labels are one more than the")
    assert line.endswith("your function is to return (y_test + 9) % 10")


def test_training_images_alone_tell_where_the_test_set_is_small(arrays):
    few = np.concatenate([np.flatnonzero(arrays["test_labels"] == digit)[:2] for digit in range(3)])
    turned = {f"{half}_images": arrays[f"{half}_images"].swapaxes(1, 2) for half in ("train", "test")}
    turned["test_images"] = turned["test_images"][few]
    (line,) = said(arrays, **turned, test_labels=arrays["test_labels"][few])
    assert line.startswith("the training images look like digits that are transposed")


@pytest.mark.parametrize("size", [15, 60])
def test_of_small_test_sets_that_are_as_they_should_be_nothing_is_said(arrays, size):
    for seed in range(20):
        rows = np.random.default_rng(seed).permutation(500)[:size]
        few = {f"test_{kind}": arrays[f"test_{kind}"][rows] for kind in ("images", "labels")}
        assert said(arrays, **few) == []
        letters = replace(make_data("idx", "", arrays | few), classes=tuple("abcdefghij"))
        assert doubts(letters) == []


def test_a_scale_is_named_in_stored_values(arrays):
    """A key is named where it concerns both halves alike, and only there."""
    faint = each(arrays, "images", lambda images: images // 64)
    for span, stored, key in (([0, 1000], "above 11.7647, of 1000", "[0,11.7647]"), ([1, 0], "below 0.98", "[0.98")):
        lines = doubts(replace(make_data("file", "", arrays | faint), reading=BY_ROWS | {"range": span}))
        for half in ("training", "test"):
            assert any(f"no pixel of the {half} images is {stored}" in line for line in lines)
        assert sum(f"data.range={key}" in line for line in lines) == 2
    lines = doubts(replace(make_data("file", "", arrays | {"test_images": faint["test_images"]}), reading=BY_ROWS))
    assert lines[0].endswith("data.range concerns both: save the test images anew, as images * 85")


@pytest.mark.parametrize("inverted", [False, True])
def test_transposed_images(arrays, inverted):
    """Also of inverted ones."""
    turned = each(arrays, "images", lambda images: (255 - images if inverted else images).swapaxes(1, 2))
    lines = said(arrays, **turned)
    assert len(lines) == 1 + inverted
    assert "look like digits that are transposed" in lines[-1]
    assert lines[-1].endswith("data=file data.path=FOLDER data.transpose=true")


@pytest.mark.parametrize(
    ("turn", "words"),
    [
        (lambda images: images[:, :, ::-1], "mirrored left to right"),
        (lambda images: images[:, ::-1], "mirrored top to bottom"),
        (lambda images: images[:, ::-1, ::-1], "turned by 180°"),
        (lambda images: np.rot90(images, 1, (1, 2)), "turned by 90° to the left"),
        (lambda images: np.rot90(images, -1, (1, 2)), "turned by 90° to the right"),
    ],
)
def test_turned_images(arrays, turn, words):
    (line,) = said(arrays, **each(arrays, "images", turn))
    assert line.startswith(f"the images look like digits that are {words}: ")


def test_ascii_labels(arrays):
    (line,) = said(arrays, **each(arrays, "labels", lambda labels: labels + 48))
    assert line.startswith("labels 48 … 57: 48 of 58 classes have no example: they are ASCII codes of digits: ")
    assert line.endswith("data=file data.path=FOLDER")


def test_one_label_of_255(arrays):
    first, second = said(arrays, train_labels=with_one(arrays["train_labels"], 255))
    assert first.startswith("labels 0 … 255: 245 of 256 classes have no example (10, 11, 12, 13, 14 … 254)")
    assert second == "label 255 has one example, training image 1: a wrong label?"


def test_labels_from_one_on(arrays):
    (line,) = said(arrays, **each(arrays, "labels", lambda labels: labels + 1))
    assert "labels 1 … 10: 1 of 11 classes has no example: do the labels begin at 1?" in line


@pytest.mark.parametrize(
    ("by", "off", "names"), [(9, "less", "1,2,3,4,5,6,7,8,9,0"), (1, "more", "9,0,1,2,3,4,5,6,7,8")]
)
def test_labels_that_are_off_by_one(arrays, by, off, names):
    (line,) = said(arrays, **each(arrays, "labels", lambda labels: (labels + by) % 10))
    assert f"labels are one {off} than the digit" in line and f"data.labels=[{names}]" in line


def test_one_class_only(arrays):
    lines = said(arrays, **each(arrays, "labels", lambda labels: labels * 0 + 3))
    assert lines == ["all training images are of class 3: there is nothing to tell apart"]


def test_a_class_that_is_missing(arrays):
    kept = {half: arrays[f"{half}_labels"] != 4 for half in ("train", "test")}
    (line,) = said(arrays, **{name: array[kept[name.split("_")[0]]] for name, array in arrays.items()})
    assert line == "labels 0 … 9: 1 of 10 classes has no example (4): a wrong label?"


def test_a_test_set_within_the_training_set(arrays):
    inside = {"test_images": arrays["train_images"][:300], "test_labels": arrays["train_labels"][:300]}
    (line,) = said(arrays, **inside)
    assert line.startswith("the test set lies within the training set: 300 of the 300 test images are training images")
    assert line.endswith("data=file data.path=FOLDER data.drop_duplicates=true")


def test_some_test_images_in_the_training_set(arrays):
    mixed = np.concatenate([arrays["test_images"][:-7], arrays["train_images"][:7]])
    labels = np.concatenate([arrays["test_labels"][:-7], (arrays["train_labels"][:7] + 1) % 10])
    first, second = said(arrays, test_images=mixed, test_labels=labels)
    assert first.startswith("7 of the 500 test images are training images, too")
    assert second.startswith("7 images are there twice, with different labels: test image 494 is ")
    assert second.endswith(f", its twin training image 1 is {arrays['train_labels'][0]}")
    first, second = said(arrays, test_images=mixed[: 500 - 6], test_labels=labels[: 500 - 6])
    assert first.startswith("1 of the 494 test images is a training image, too, and shows nothing")
    assert second.startswith("1 image is there twice, with different labels: test image 494 is ")


def test_keys_of_files_are_named_where_the_set_is_of_files(arrays):
    turned = each(arrays, "images", lambda images: np.ascontiguousarray(images.swapaxes(1, 2)))
    data = make_data("file", "", arrays | turned)
    (line,) = doubts(replace(data, reading=BY_ROWS))
    assert line.endswith(": data.transpose=true")
    (line,) = doubts(replace(data, reading=BY_ROWS | {"transpose": True}))
    assert line.endswith(": data.transpose=false")


@pytest.mark.parametrize("classes", [("a", "b", "c", "d", "e", "f", "g", "h", "i", "j"), ()])
def test_of_sets_that_are_no_digits_no_orientation_is_said(arrays, classes):
    """Of other names, and of noise by digits' names, whose images nothing else is odd about."""
    changed = each(arrays, "images", lambda images: np.ascontiguousarray(images.swapaxes(1, 2)))
    if not classes:
        rng = np.random.default_rng(0)
        changed = each(arrays, "images", lambda images: rng.integers(0, 256, images.shape).astype(np.uint8))
    assert doubts(replace(make_data("idx", "", arrays | changed), classes=classes)) == []


@given(
    st.integers(0, 10**6),
    st.tuples(st.integers(1, 40), st.integers(1, 9)),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_of_any_set_each_doubt_is_a_line(seed, sizes, shape):
    """Also of a few images of a pixel, all alike."""
    rng = np.random.default_rng(seed)
    classes, levels = int(rng.choice([1, 2, 10, 256])), int(rng.choice([1, 2, 17, 256]))
    made = {}
    for half, n in zip(("train", "test"), sizes, strict=True):
        made[f"{half}_images"] = rng.integers(0, levels, (n, *shape)).astype(rng.choice(["u1", "f4"]))
        made[f"{half}_labels"] = rng.integers(0, classes, n).astype(np.uint8)
    made["test_labels"] = np.minimum(made["test_labels"], made["train_labels"].max())
    lines = doubts(make_data("idx", "", made))
    assert all("\n" not in line and line for line in lines)
    faint = ("no pixel of the training images", "all pixels of the training images")
    assert bool(made["train_images"].max() <= 16) == any(line.startswith(faint) for line in lines)


@pytest.mark.alone
def test_it_takes_little_time_at_full_size():
    """Of 60,000 and 10,000 images: 35 ms on two cores at 2.1 GHz."""
    rng = np.random.default_rng(0)
    full = {
        "train_images": rng.integers(0, 256, (60_000, 28, 28), np.uint8),
        "train_labels": np.arange(60_000, dtype=np.uint8) % 10,
        "test_images": rng.integers(0, 256, (10_000, 28, 28), np.uint8),
        "test_labels": np.arange(10_000, dtype=np.uint8) % 10,
    }
    data = make_data("idx", "", full)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        assert doubts(data) == []
        times.append(time.perf_counter() - start)
    assert min(times) < 0.15


def test_polarity_of_a_batch(arrays):
    images = arrays["test_images"]
    assert not polarity_doubt(images)
    assert polarity_doubt(255 - images)
    assert polarity_doubt(255 - images[:1].astype(np.float32))
    assert not polarity_doubt(images[:0])
