"""How much an image looks like none of the classes: a small network that knows one class more than there are.

It sees the edges that ``likeness`` takes from an image, x, and has learned the classes from training digits, and the
one more from images of no digit, which were made of these (``outliers``). Of its logits z₁ … z_K, z_none

    s = z_none − log Σ exp z_k

is how much rather it is none of the K classes, in nats. One class more tells digits from outliers better than two
classes, digit or none, do: each digit has its own border with what is none. What it adds is measured in
experiments/README.md (2026-11-29).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from npdigits.base.arrays import Array, aligned
from npdigits.base.random import stream
from npdigits.data.sets import Split
from npdigits.nn.activations import relu
from npdigits.nn.initializers import initialize
from npdigits.nn.network import Network, Parameters
from npdigits.nn.optimizers import Adam
from npdigits.nn.workspace import Workspace
from npdigits.runs.arrays import DETECTOR
from npdigits.runs.likeness import features_of, reduced, small_shape
from npdigits.runs.outliers import outliers_of

# Training digits at most, and as many outliers; units of the hidden layer.
MOST_DIGITS, HIDDEN = 10_000, 128
# How it is trained: Adam, whose learning rate falls linearly to 0.
EPOCHS, BATCH_SIZE, LR = 8, 128, 0.004


@dataclass(frozen=True)
class Detector:
    """A network of one hidden layer, with one class more than there are, the last.

    Attributes:
        arrays: W1 (hidden, features), b1, W2 (classes + 1, hidden), b2, by name, float16.
    """

    arrays: Mapping[str, Array]

    @classmethod
    def of(cls, train: Split, shape: tuple[int, int], n_classes: int) -> "Detector | None":
        """Return a detector that has learned from training digits; None where their numbers are too large for that.

        Args:
            train: the digits.
            shape: (height, width) of their images.
            n_classes: of the network that reads them.
        """
        rng = stream(0, "outliers")
        rows = train.rows[:: math.ceil(len(train) / MOST_DIGITS)]
        images, small = train.images[rows], small_shape(shape)
        outliers = outliers_of(rng, 255 * reduced(images, shape), len(images))
        x = np.concatenate([features_of(images, shape), features_of(outliers.reshape(len(outliers), -1), small)])
        y = np.concatenate([train.labels[rows], np.full(len(outliers), n_classes)])
        scale = max(float(np.sqrt(np.mean(np.square(x)))), float(np.finfo(np.float32).tiny))
        with np.errstate(over="ignore", invalid="ignore"):
            parameters = learned(rng, x / np.float32(scale), y, n_classes + 1)
            parameters.weights[0][...] /= scale
            arrays = {name: array.astype(np.float16) for name, array in parameters.named().items()}
        return cls(arrays) if all(np.isfinite(array).all() for array in arrays.values()) else None

    def scores(self, x: Array) -> Array:
        """Return s of images with the features x, shape (n, features): (n,), float32."""
        w1, b1, w2, b2 = (self.arrays[name].astype(np.float32) for name in DETECTOR)
        a = x @ w1.T + b1
        z = np.maximum(a, 0, out=a) @ w2.T + b2
        most = z[:, :-1].max(axis=1)
        scores: Array = z[:, -1] - most - np.log(np.exp(z[:, :-1] - most[:, None]).sum(axis=1))
        return scores


def learned(rng: np.random.Generator, x: Array, y: Array, n_classes: int) -> Parameters:
    """Return the parameters of a network of one hidden layer that has learned the labels y of x.

    Args:
        rng: the random generator.
        x: shape (n, features), float32.
        y: labels 0 … n_classes−1, (n,).
        n_classes: how many there are.
    """
    sizes = (x.shape[1], HIDDEN, n_classes)
    parameters, gradient = Parameters(sizes), Parameters(sizes)
    for view, w in zip(parameters.weights, initialize("he_normal", rng, sizes), strict=True):
        view[...] = w
    batch, labels = aligned((BATCH_SIZE, sizes[0])), np.zeros(BATCH_SIZE, np.intp)
    network, optimizer = Network(parameters, relu()), Adam(parameters, gradient)
    plan = network.plan_gradient(batch, labels, gradient, Workspace(sizes, BATCH_SIZE), 1 / BATCH_SIZE)
    n_batches = math.ceil(len(x) / BATCH_SIZE)
    for epoch in range(EPOCHS):
        order = np.resize(rng.permutation(len(x)), (n_batches, BATCH_SIZE))  # the last batch begins anew
        for i, rows in enumerate(order):
            x.take(rows, 0, batch, "clip")
            labels[:] = y[rows]
            plan()
            optimizer.step(LR * (1 - (epoch + i / n_batches) / EPOCHS))
    return parameters
