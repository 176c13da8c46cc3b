"""The outcome of a run: the best epoch's figures, its predictions on the test set, and what they are worth."""

import dataclasses
import math
from typing import Any

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.random import stream
from npdigits.data.added_strokes import NUMBERS, AddedStrokes
from npdigits.data.augmentation import Augmentation, DistortionRanges
from npdigits.data.sets import Split
from npdigits.nn.network import Network, Parameters
from npdigits.runs.metrics import SCORES
from npdigits.training.state import Epoch, State

READOUT_DIGITS = 75
MISTAKES_KEPT = 24
# Labels of so many classes fit into a byte each.
BYTE = 256
# How many digits are shown distorted, and how often each.
DISTORTED_DIGITS, DISTORTED_TIMES = 10, 9


def figures_of(best: Epoch) -> dict[str, Any]:
    """Return the best epoch's number and its figures, under the names of metrics.csv."""
    own = {"own_metrics": dict(best.own)} if best.own else {}
    return {"best_epoch": best.epoch, **{name: getattr(best, name) for name in SCORES}, **own}


def collect_predictions(p: Array, test: Split) -> dict[str, Array]:
    """Return what predictions.npz holds: probabilities and labels of the test set, and its worst mistakes' images."""
    labels = test.labels[test.rows]
    guesses = p.argmax(axis=1)
    wrong = np.flatnonzero(guesses != labels)
    worst = wrong[np.argsort(-p[wrong, guesses[wrong]], kind="stable")][:MISTAKES_KEPT]
    return {
        "probabilities": p,
        "labels": labels.astype(np.uint8 if p.shape[1] <= BYTE else np.int64),
        "mistakes": worst,
        "mistake_images": test.images[test.rows[worst]],
    }


def distort_examples(
    train: Split, shape: tuple[int, int], ranges: DistortionRanges | None, added_strokes: float, seed: int
) -> dict[str, Array]:
    """Return what distorted.npz holds: some training images, and what the augmentation makes of each.

    ``originals``, bytes of shape (digits, pixels), one of each of the first classes; ``distorted`` (digits, times,
    pixels).

    Args:
        train: the images.
        shape: (height, width) of them.
        ranges: how far they are distorted; None for not at all.
        added_strokes: share of the digits that get strokes.
        seed: of what is drawn.
    """
    labels = train.labels[train.rows]
    firsts = np.sort([np.flatnonzero(labels == digit)[0] for digit in np.unique(labels)[:DISTORTED_DIGITS]])
    originals = train.images[train.rows[firsts]]
    many = np.repeat(originals, DISTORTED_TIMES, axis=0)
    if added_strokes:
        numbers = stream(seed, "added strokes shown").random((len(many), NUMBERS))
        AddedStrokes(shape, added_strokes)(numbers, np.repeat(labels[firsts], DISTORTED_TIMES), many)
    drawn = many.astype(np.float32)
    if ranges:
        Augmentation(shape, ranges)(stream(seed, "distorted"), many, drawn)
    distorted = np.rint(drawn).astype(np.uint8).reshape(len(originals), DISTORTED_TIMES, -1)
    return {"originals": originals, "distorted": distorted}


def read_out(p: Array, test: Split, seed: int) -> dict[str, Any]:
    """Return how many of 75 random test digits are read right, with Wilson's 95 % interval (Wilson 1927)."""
    n = min(READOUT_DIGITS, len(test))
    chosen = stream(seed, "readout").choice(len(test), n, replace=False)
    correct = int((p[chosen].argmax(axis=1) == test.labels[test.rows[chosen]]).sum())
    return {"digits": n, "correct": correct, "accuracy": correct / n, "interval": list(wilson_interval(correct, n))}


def find_blindness(p: Array, test: Split) -> dict[str, Any]:
    """Return what a network that has learned nothing, or not all classes, does on the test set.

    ``at_chance``: whether it is not shown to read better than one who always says the most frequent class, as the 95 %
    interval of its accuracy reaches down to that class's share. ``never_read``: the classes that are there and that it
    reads nothing as.
    """
    labels, guesses = test.labels[test.rows], p.argmax(axis=1)
    counts = np.bincount(labels, minlength=p.shape[1])
    low, _ = wilson_interval(int((guesses == labels).sum()), len(labels))
    never = np.flatnonzero((counts > 0) & (np.bincount(guesses, minlength=p.shape[1]) == 0))
    return {"at_chance": bool(low <= counts.max() / len(labels)), "never_read": never.tolist()}


def confusion_matrix(guesses: Array, labels: Array, n_classes: int) -> Array:
    """Return how often each class (down) was read as each (across), shape (n_classes, n_classes)."""
    counts = np.zeros((n_classes, n_classes), dtype=int)
    np.add.at(counts, (labels, guesses), 1)
    return counts


def wilson_interval(correct: int, n: int) -> tuple[float, float]:
    """Return Wilson's score interval for a proportion at 95 %: (p̂ + z²/2n ± z·√(p̂(1−p̂)/n + z²/4n²)) / (1 + z²/n)."""
    z = 1.959963984540054
    p = correct / n
    centre, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, (centre - half) / (1 + z * z / n)), min(1.0, (centre + half) / (1 + z * z / n))


def best_network(state: State) -> Network:
    """Return the network as it was at the end of the best epoch."""
    best = Parameters(state.network.parameters.sizes, state.network.parameters.flat.dtype.name)
    best.flat[:] = state.best
    return dataclasses.replace(state.network, parameters=best)
