"""Images that are there twice are found, exactly; of equal hashes, images that differ are not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npdigits.data import sets
from npdigits.forms import duplicates
from npdigits.forms.duplicates import first_equals, repeated, shared


def by_hand(train, test):
    """The same by Python's sets."""
    known = {image.tobytes() for image in test}
    return [image.tobytes() in known for image in train]


def few_images(rng, n, shape, kind):
    """Images of which many are equal: of two values, and half of them copies."""
    images = rng.integers(0, 2, (n, *shape)).astype(kind)
    return images[rng.integers(0, n, n)]


@given(
    st.integers(0, 10**6),
    st.tuples(st.integers(1, 700), st.integers(1, 300)),
    st.tuples(st.integers(1, 3), st.integers(1, 9)),
    st.sampled_from(["uint8", "float32", "int16"]),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_all_duplicates_and_nothing_else(seed, sizes, shape, kind):
    rng = np.random.default_rng(seed)
    train, test = (few_images(rng, n, shape, kind) for n in sizes)
    assert shared(train, test).tolist() == by_hand(train, test)
    firsts = {}
    expected = [firsts.setdefault(image.tobytes(), i) for i, image in enumerate([*train, *test])]
    assert np.concatenate(first_equals([train, test])).tolist() == expected
    assert repeated(train).tolist() == [first != i for i, first in enumerate(expected[: len(train)])]


@pytest.mark.parametrize("bits", [0, 1])
def test_equal_hashes_are_no_equal_images(monkeypatch, bits):
    """Also where nearly all hashes are the same."""
    monkeypatch.setattr(duplicates, "_hash_rows", lambda rows: (rows.sum(axis=1) & bits).astype(np.uint64))
    rng = np.random.default_rng(0)
    train, test = few_images(rng, 600, (2, 3), np.uint8), few_images(rng, 40, (2, 3), np.uint8)
    assert shared(train, test).tolist() == by_hand(train, test)
    assert repeated(train).sum() == len(train) - len({image.tobytes() for image in train})


def test_hashes_tell_images_apart_that_differ_in_one_bit():
    """Also in the highest bit of a word, which a product alone would leave where it is."""
    images = np.zeros((8 * 37 + 1, 37), np.uint8)
    for i in range(8 * 37):
        images[i, i // 8] = 1 << (i % 8)
    assert len(np.unique(duplicates._hash_rows(images))) == len(images)
    tops = np.unpackbits(np.arange(2**12, dtype=">u2").view(np.uint8)).reshape(-1, 16) * np.uint8(128)
    wide = np.zeros((2**12, 16 * 8), np.uint8)
    wide[:, 7::8] = tops
    assert len(np.unique(duplicates._hash_rows(wide))) == len(wide)


def test_values_are_compared_not_bytes():
    image = np.array([[[0, 1], [2, 255]]])
    assert shared(image.astype(np.uint8), image.astype(np.float32)).all()
    assert shared(-np.zeros((1, 2, 2), np.float32), np.zeros((1, 2, 2), np.float32)).all()
    assert not shared(image.astype(np.uint8), image.astype(np.float32) + 0.25).any()


def test_images_of_another_shape_are_others():
    assert shared(np.zeros((3, 2, 6), np.uint8), np.zeros((3, 3, 4), np.uint8)).tolist() == [False] * 3


def test_mnist_has_no_digit_twice(mnist_root):
    mnist = sets.load("mnist", mnist_root)
    assert not shared(mnist.train.images, mnist.test.images).any()
    assert not repeated(mnist.train.images).any() and not repeated(mnist.test.images).any()
