"""Drawing some of a set's digits so that each class keeps its share."""

import numpy as np

from npdigits.base.arrays import Array


def draw_stratified(labels: Array, n_classes: int, size: int, rng: np.random.Generator) -> Array:
    """Return which of some digits are drawn, truth values: of each class its share of ``size``, to within one digit.

    The shares are rounded so that the sum is ``size`` (largest remainder).
    """
    share = np.bincount(labels, minlength=n_classes) * size / len(labels)
    take = np.floor(share).astype(int)
    take[np.argsort(take - share, kind="stable")[: size - take.sum()]] += 1
    drawn = np.zeros(len(labels), bool)
    for digit, n in enumerate(take):
        drawn[rng.permutation(np.flatnonzero(labels == digit))[:n]] = True
    return drawn
