"""How much a reading is to be doubted: how few of the run's validation digits are as strange as what was read.

A reading has two scores, each the larger the stranger: 1 − p, p being the probability of the class that is read; and
how unlike the training digits of that class the image is (``likeness``). Of a score t, and n validation digits' own,

    share(t) = (1 + how many of them are ≥ t) / (n + 1)

is a p-value: of digits like the validation set at most a share D has share ≤ D, whatever the scores are (conformal
p-values; Vovk, Gammerman & Shafer 2005; Bates, Candès, Lei, Romano & Sesia 2023). The smaller one, of 1 − p
taken four times, is itself a score, whose share among the validation digits' is what counts: doubt = 1 − share.

All that is needed lies in ``doubt.npz``, which is written when a run ends. Of a run without it, as of earlier versions
and of those without a validation set, doubt is 1 − p.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from npdigits.base.arrays import Array
from npdigits.data.sets import Split
from npdigits.nn.network import Network
from npdigits.runs.arrays import read_doubt
from npdigits.runs.layout import DOUBT
from npdigits.runs.likeness import Likeness, count_features
from npdigits.runs.trained import Trained
from npdigits.training.scoring import probabilities

# Validation digits that readings are held against. At a share of 1 % those of 5,000 refuse 0.7 to 1.3 % (95 %).
MOST_SCORES = 5_000
# How many times rarer 1 − p must be, to be as strange as an image that is unlike its class. That finds about as many
# of the digits that are misread, and more of what is no digit (experiments/README.md, 2026-11-29).
UNSURE = 4
# As strange as the strangest hundredth of the validation digits. Of a run of which these are not known nothing is
# marked unless it is asked for: which probability is a low one is not known either, and what such runs have said stays.
DEFAULT = 0.01
ALONE = "doubt is told by the probability alone"


@dataclass(frozen=True)
class Doubts:
    """How much readings are to be doubted.

    Attributes:
        doubt: from 0 to 1, shape (n,).
        unlike: whether it is the image that is strange, and not the network that is unsure; (n,).
        known: whether doubt is a share of validation digits; else it is 1 − p.
    """

    doubt: Array
    unlike: Array
    known: bool


@dataclass(frozen=True)
class Doubt:
    """What readings are held against.

    Attributes:
        likeness: of the training digits; None where it is not kept.
        scores: of the validation digits: 1 − p, and how unlike they are (0 without likeness), shape (n, 2).
    """

    likeness: Likeness | None
    scores: Array

    @classmethod
    def of(
        cls, network: Network, train: Split, val: Split, shape: tuple[int, int], temperature: float = 1.0
    ) -> "Doubt | None":
        """Return what readings of a network are held against; None where that cannot be told.

        Args:
            network: that reads, as it was at the best epoch.
            train: the digits that it was trained on.
            val: the validation digits.
            shape: (height, width) of the images.
            temperature: of the probabilities, as it is of those that are held against it.
        """
        some = val.first(MOST_SCORES)
        if not len(some):
            return None
        likeness = Likeness.of(train, shape, network.parameters.sizes[-1])
        found = cls(likeness, np.zeros((0, 2), np.float32))
        scores = found._scores(some, probabilities(network, some, temperature))
        return cls(likeness, scores) if np.isfinite(scores).all() else None

    def __call__(self, split: Split, p: Array) -> Doubts:
        """Return how much the readings of a split's images, with these probabilities, are to be doubted."""
        scores = self._scores(split, p)
        ranks = [1 + count_as_large(scores[:, i], self.scores[:, i]) for i in range(2)]
        strangest = self._strangest(*ranks)
        # Whoever comes in pushes validation digits that are less strange one rank down; so this is right to within one.
        as_strange = 1 + np.searchsorted(self._ranks, strangest, side="left")
        return Doubts(1 - as_strange / (len(self.scores) + 1), strangest < UNSURE * ranks[0], True)

    def arrays(self, network: Network) -> dict[str, Array]:
        """Return what doubt.npz holds."""
        kept = {"scores": self.scores, "weights": digest_of(network)}
        if self.likeness is None:
            return kept
        return {"means": self.likeness.means, "axes": self.likeness.axes, **kept}

    def _scores(self, split: Split, p: Array) -> Array:
        """Return the two scores of each image, shape (n, 2)."""
        scores = np.zeros((len(p), 2), np.float32)
        scores[:, 0] = 1 - p.max(axis=1)
        if self.likeness:
            scores[:, 1] = self.likeness.residuals(split.images[split.rows], p.argmax(axis=1))
        return scores

    @cached_property
    def _ranks(self) -> Array:
        """Of each validation digit how many are as strange, by the score by which these are fewer: sorted, (n,)."""
        return np.sort(self._strangest(*(count_as_large(scores, scores) for scores in self.scores.T)))

    def _strangest(self, unsure: Array, unlike: Array) -> Array:
        """Return the smaller one of ranks by both scores."""
        strangest: Array = np.minimum(UNSURE * unsure, unlike) if self.likeness else UNSURE * unsure
        return strangest


def count_as_large(scores: Array, among: Array) -> Array:
    """Return of each score how many of others are as large or larger."""
    count: Array = len(among) - np.searchsorted(np.sort(among), scores, side="left")
    return count


def digest_of(network: Network) -> Array:
    """Return the SHA-256 of a network's weights and biases, bytes."""
    return np.frombuffer(hashlib.sha256(network.parameters.flat.data).digest(), np.uint8)


def doubt_of(run: Trained, warn: Callable[[str], None]) -> Doubt | None:
    """Return what a run's readings are held against; None where its directory does not hold that.

    Args:
        run: the network.
        warn: is told of a file that cannot be used.
    """
    path = run.path / DOUBT
    try:
        arrays = read_doubt(path, run.sizes[-1], count_features(run.summary.height_and_width))
    except FileNotFoundError:
        return None
    except OSError as error:
        warn(f"{path}: cannot be read: {error.strerror}: {ALONE}")
        return None
    except ValueError as error:
        warn(f"{error}: {ALONE}")
        return None
    if not np.array_equal(arrays["weights"], digest_of(run.network)):
        warn(f"{path}: is of another epoch's network: {ALONE}")
        return None
    likeness = None
    if "means" in arrays:
        likeness = Likeness(run.summary.height_and_width, arrays["means"], arrays["axes"])
    return Doubt(likeness, arrays["scores"])


def doubts_of(run: Trained, split: Split, p: Array, warn: Callable[[str], None]) -> Doubts:
    """Return how much a run's readings of a split's images, with these probabilities, are to be doubted."""
    found = doubt_of(run, warn)
    if found:
        return found(split, p)
    return Doubts(1 - p.max(axis=1), np.zeros(len(p), bool), False)
