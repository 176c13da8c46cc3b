"""How much a reading is to be doubted: how few of the run's validation digits are as strange as what was read.

A reading has three scores, each the larger the stranger: 1 − p, p being the probability of the class that is read; how
unlike the training digits of that class the image is (``likeness``); and how much rather it is of no class than of any
(``detector``). Of a score t, and n validation digits' own,

    share(t) = (1 + how many of them are ≥ t) / (n + 1)

is a p-value: of digits like the validation set at most a share D has share ≤ D, whatever the scores are (conformal
p-values; Vovk, Gammerman & Shafer 2005; Bates, Candès, Lei, Romano & Sesia 2023). What is a little strange by several
scores is strange: the shares are multiplied (Fisher 1932), of 1 − p its root (weights: Good 1955). The product
is itself a score, whose share among the validation digits' is what counts, as the three do not vary independently:
doubt = 1 − share.

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
from npdigits.runs.arrays import DETECTOR, read_doubt
from npdigits.runs.detector import Detector
from npdigits.runs.layout import DOUBT
from npdigits.runs.likeness import Likeness, count_features, features_of
from npdigits.runs.trained import Trained
from npdigits.training.scoring import probabilities

# Validation digits that readings are held against. At a share of 1 % those of 5,000 refuse 0.7 to 1.3 % (95 %).
MOST_SCORES = 5_000
# What each share counts in the product. If 1 − p counts as the others do, more of what is no digit is kept above a
# probability of 0.9; if it counts less, fewer digits that are misread are found (experiments/README.md, 2026-11-29).
WEIGHTS = (0.5, 1.0, 1.0)
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
        detector: of what is none of the classes; None where there is none, as without likeness.
        scores: of the validation digits: 1 − p, how unlike they are (0 without likeness), and what the detector says,
            shape (n, 3); without a detector (n, 2).
    """

    likeness: Likeness | None
    detector: Detector | None
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
        n_classes = network.parameters.sizes[-1]
        likeness = Likeness.of(train, shape, n_classes)
        detector = Detector.of(train, shape, n_classes) if likeness else None
        found = cls(likeness, detector, np.zeros((0, 3 if detector else 2), np.float32))
        scores = found._scores(some, probabilities(network, some, temperature))
        return cls(likeness, detector, scores) if np.isfinite(scores).all() else None

    def __call__(self, split: Split, p: Array) -> Doubts:
        """Return how much the readings of a split's images, with these probabilities, are to be doubted."""
        scores = self._scores(split, p)
        # Whoever comes in pushes the validation digits that are less strange one rank down, which is left undone: a
        # reading is taken for a little less strange than it is, and no more are doubted than was asked for.
        ranks = 1 + self._counts(scores)
        as_strange = 1 + np.searchsorted(self._strange, products(ranks), side="left")
        unlike = ranks[1:].min(axis=0) <= ranks[0] if len(ranks) > 1 else np.zeros(len(p), bool)
        return Doubts(1 - as_strange / (len(self.scores) + 1), unlike, True)

    def arrays(self, network: Network) -> dict[str, Array]:
        """Return what doubt.npz holds."""
        kept = {"scores": self.scores, "weights": digest_of(network)}
        if self.likeness:
            kept |= {"means": self.likeness.means, "axes": self.likeness.axes}
        return kept | dict(self.detector.arrays) if self.detector else kept

    def _scores(self, split: Split, p: Array) -> Array:
        """Return the scores of each image, shape (n, scores)."""
        scores = np.zeros((len(p), self.scores.shape[1]), np.float32)
        scores[:, 0] = 1 - p.max(axis=1)
        if self.likeness:
            x = features_of(split.images[split.rows], self.likeness.shape)
            scores[:, 1] = self.likeness.residuals(x, p.argmax(axis=1))
            if self.detector:
                scores[:, 2] = self.detector.scores(x)
        return scores

    @cached_property
    def _strange(self) -> Array:
        """The products of the validation digits' ranks, as logarithms: sorted, (n,)."""
        return np.sort(products(self._counts(self.scores)))

    def _counts(self, scores: Array) -> Array:
        """Return of each score that is kept how many validation digits' are as large: (scores, n)."""
        n = self.scores.shape[1] if self.likeness else 1
        return np.stack([count_as_large(scores[:, i], self.scores[:, i]) for i in range(n)])


def products(ranks: Array) -> Array:
    """Return the logarithms of the products of ranks by some scores, shape (scores, n), each with its weight: (n,)."""
    found: Array = np.array(WEIGHTS[: len(ranks)]) @ np.log(ranks)
    return found


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
        if DOUBT in (run.summary.more_sizes or {}):
            warn(f"{path}: is lost: {ALONE}")
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
    detector = Detector({name: arrays[name] for name in DETECTOR}) if "W1" in arrays else None
    return Doubt(likeness, detector, arrays["scores"])


def doubts_of(run: Trained, split: Split, p: Array, warn: Callable[[str], None]) -> Doubts:
    """Return how much a run's readings of a split's images, with these probabilities, are to be doubted."""
    found = doubt_of(run, warn)
    if found:
        return found(split, p)
    return Doubts(1 - p.max(axis=1), np.zeros(len(p), bool), False)
