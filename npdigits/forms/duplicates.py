"""Images that are there twice: in the training and in the test set, or within one."""

from collections.abc import Sequence

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.random import stream

# Images that are hashed or compared at once: some hundred kilobytes, which stay in the processor's cache.
AT_ONCE = 256
WORD = 8  # bytes of a uint64


def shared(train: Array, test: Array) -> Array:
    """Return which training images equal a test image, truth values of shape (n,).

    Images are compared by their values, in the order of their pixels: bytes equal floats of the same numbers.
    """
    if train.shape[1:] != test.shape[1:]:
        return np.zeros(len(train), bool)
    train_firsts, test_firsts = first_equals([train, test])
    held = np.zeros(len(train) + len(test), bool)
    held[test_firsts] = True
    twice: Array = held[train_firsts]
    return twice


def repeated(images: Array) -> Array:
    """Return which images equal an earlier one, truth values of shape (n,)."""
    (firsts,) = first_equals([images])
    again: Array = firsts != np.arange(len(images))
    return again


def first_equals(sets: Sequence[Array]) -> list[Array]:
    """Return for each image the number of the first one that equals it; the sets' images are counted through.

    Images of the same hash are candidates, and are compared pixel by pixel.

    Args:
        sets: of images, shape (n, …) each, all of the same number of pixels, without NaN.
    """
    rows = _as_rows(sets)
    hashes = np.concatenate([_hash_rows(part) for part in rows])
    order = np.argsort(hashes, kind="stable")
    starts = np.ones(len(order), bool)
    starts[1:] = hashes[order][1:] != hashes[order][:-1]
    begins = np.maximum.accumulate(np.where(starts, np.arange(len(order)), 0))
    firsts = np.empty(len(order), np.intp)
    firsts[order] = order[begins]
    _verify(rows, firsts)
    ends = np.cumsum([len(part) for part in rows])
    return np.split(firsts, ends[:-1])


def _as_rows(sets: Sequence[Array]) -> list[Array]:
    """Return images as rows of one type, without a copy where they are so already."""
    kind = np.result_type(*sets)
    rows = [images.reshape(len(images), int(np.prod(images.shape[1:]))) for images in sets]
    return [np.ascontiguousarray(part, kind) for part in rows]


def _hash_rows(rows: Array) -> Array:
    """Return a hash of each row, uint64: Σ cᵢ·(wᵢ ⊕ (wᵢ ≫ 29)) mod 2⁶⁴ over its words wᵢ, where the cᵢ are odd.

    The shift spreads what differs in the highest bits of a word alone, which the product would leave there. 47 MB of
    bytes take 20 ms.
    """
    size = rows.shape[1] * rows.itemsize
    words = -(-size // WORD)
    factors = stream(0, "hashes of images").integers(0, 2**64, words, np.uint64) | np.uint64(1)
    hashes = np.empty(len(rows), np.uint64)
    padded = np.zeros((AT_ONCE, words * WORD), np.uint8)
    mixed = np.empty((AT_ONCE, words), np.uint64)
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        if some.dtype.kind == "f":
            some = some + some.dtype.type(0)  # −0 becomes 0
        raw = some.view(np.uint8).reshape(len(some), size)
        if size % WORD:
            padded[: len(some), :size] = raw
            raw = padded[: len(some)]
        found, space = raw.view(np.uint64), mixed[: len(some)]
        np.right_shift(found, np.uint64(29), out=space)
        np.bitwise_xor(found, space, out=space)
        np.matmul(space, factors, out=hashes[start : start + AT_ONCE])
    return hashes


def _verify(rows: Sequence[Array], firsts: Array) -> None:
    """Correct the numbers of first images where hashes agree and images do not, in place."""
    suspects = np.flatnonzero(firsts != np.arange(len(firsts)))
    others: dict[bytes, int] = {}
    for start in range(0, len(suspects), AT_ONCE):
        some = suspects[start : start + AT_ONCE]
        own, first = _take(rows, some), _take(rows, firsts[some])
        for at in np.flatnonzero((own != first).any(axis=1)):
            firsts[some[at]] = others.setdefault(own[at].tobytes(), int(some[at]))


def _take(rows: Sequence[Array], numbers: Array) -> Array:
    """Return the images of these numbers, of sets that are counted through."""
    taken = np.empty((len(numbers), rows[0].shape[1]), rows[0].dtype)
    start = 0
    for part in rows:
        here = (numbers >= start) & (numbers < start + len(part))
        taken[here] = part[numbers[here] - start]
        start += len(part)
    return taken
