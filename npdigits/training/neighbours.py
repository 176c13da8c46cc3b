"""Whether labels fit the images at all, whatever is trained: does an image's nearest neighbour have its label?

The rule of the nearest neighbour (Cover & Hart 1967) learns any classes that are told by the images, and of labels
that were drawn by lot or shuffled it can read none.
"""

import numpy as np

from npdigits.base.arrays import Array
from npdigits.data.sets import Split
from npdigits.training.inside import evenly

# Digits that are compared with each other; of MNIST's 90 % have a neighbour of their own class among so many.
MOST = 1000


def agreement(train: Split, other: Split | None = None) -> tuple[int, int, float]:
    """Return how many digits have the label of their nearest training digit, of how many, and what chance would be.

    Args:
        train: the training digits.
        other: whose neighbours are looked for; None: the training digits, each among the others.

    Chance is the share of the most frequent label.
    """
    known = evenly(train, MOST)
    asked = known if other is None else evenly(other, MOST)
    x, y = _floats(known), known.labels[known.rows]
    z, labels = (x, y) if other is None else (_floats(asked), asked.labels[asked.rows])
    # ‖z − x‖² without ‖z‖², which is the same for all x.
    distances = np.einsum("ij,ij->i", x, x) - 2 * z @ x.T
    if other is None:
        np.fill_diagonal(distances, np.inf)
    agreeing = int((y[distances.argmin(axis=1)] == labels).sum())
    return agreeing, len(labels), float(np.bincount(labels.astype(np.intp)).max() / len(labels))


def _floats(split: Split) -> Array:
    return split.images[split.rows].astype(np.float32) / 255
