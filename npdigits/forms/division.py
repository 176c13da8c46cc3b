"""Dividing a set that a file holds: its test set is drawn where it has none, and duplicates are found."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import ConfigError
from npdigits.base.random import stream
from npdigits.data.stratified import draw_stratified
from npdigits.forms.duplicates import shared
from npdigits.forms.found import Wanted

# Of a set without a test set a seventh is drawn, as MNIST's 10,000 are of its 70,000.
TEST_SHARE = 1 / 7


@dataclass(frozen=True)
class Half:
    """Images and labels, shape (n, height, width) and (n,).

    Attributes:
        own_val: how many of them, at the end, are a validation set of the file's own.
    """

    images: Array
    labels: Array
    own_val: int = 0

    def only(self, kept: Array) -> "Half":
        """Return the rows for which truth values say so."""
        first = len(self.labels) - self.own_val
        return Half(self.images[kept], self.labels[kept], int(kept[first:].sum()))


def draw_test(train: Half, classes: Sequence[str], wanted: Wanted, place: Path) -> Array:
    """Return which images are drawn for the test: stratified, from a stream of its own, the same for every seed.

    Raises:
        ConfigError: too few images would be left on either side.
    """
    labels = train.labels[: len(train.labels) - train.own_val]  # a validation set of the file's own stays whole
    size = TEST_SHARE if wanted.test_size is None else wanted.test_size
    n = round(size * len(labels)) if size < 1 else int(size)
    if not 1 <= n < len(labels):
        raise ConfigError(
            f"data.test_size={size:g}: draws {n:,} of the {len(labels):,} images of {place}: "
            f"allowed are 1 … {len(labels) - 1:,}"
        )
    drawn = np.zeros(len(train.labels), bool)
    drawn[: len(labels)] = draw_stratified(labels, len(classes), n, stream(0, "test set of a file"))
    if lost := np.flatnonzero(np.bincount(train.labels[~drawn], minlength=len(classes)) == 0).tolist():
        raise ConfigError(
            f"data.test_size={size:g}: leaves nothing of class {classes[lost[0]]} to train on: allowed is less"
        )
    return drawn


def without_shared(train: Half, test: Half, classes: Sequence[str], wanted: Wanted, place: Path) -> tuple[Half, str]:
    """Return the training set without images that the test set has, too, where that is wanted, and what is said of it.

    Raises:
        ConfigError: a class would have no training image left.
    """
    twice = shared(train.images, test.images)
    if not twice.any() or not wanted.drop_duplicates:
        return train, ""  # that there are such is one of the doubts about a set
    left = train.only(~twice)
    _refuse_lost_classes(left.labels, classes, place)
    return left, f"{int(twice.sum()):,} training images that are in the test set, too, were left out"


def _refuse_lost_classes(labels: Array, classes: Sequence[str], place: Path) -> None:
    """Refuse a training set that has lost a class with its duplicates.

    Raises:
        ConfigError: it has.
    """
    counts = np.bincount(labels, minlength=len(classes))
    if lost := np.flatnonzero(counts == 0).tolist():
        name = classes[lost[0]]
        raise ConfigError(
            f"data.drop_duplicates=true: all training images of class {name} are in the test set of {place}: "
            "allowed is false"
        )
