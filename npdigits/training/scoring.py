"""Scoring: what a network reads in the digits of a split, some hundred at once."""

import math
from collections.abc import Callable, Iterator

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.interruption import Stopped, never
from npdigits.data.sets import Split
from npdigits.nn.costs import softmax
from npdigits.nn.network import Network, Plan, cross_entropy
from npdigits.nn.workspace import Workspace
from npdigits.training.batches import Batches
from npdigits.training.workers import ALONE, Part

# Images scored at once: large enough that the products are efficient, small enough that they stay in cache.
SCORING_BATCH = 256


class Scoring:
    """Scores splits with a network whose parameters may change in between.

    Args:
        network: that reads.
        image_dtype: of the splits' images.
    """

    def __init__(self, network: Network, image_dtype: str = "uint8") -> None:
        parameters = network.parameters
        workspace = Workspace(parameters.sizes, SCORING_BATCH, parameters.flat.dtype.name)
        self._network, self._batches = network, Batches(workspace, SCORING_BATCH, image_dtype=image_dtype)
        self._plans: dict[int, Plan] = {}

    def logits(self, split: Split, part: Part = ALONE) -> Iterator[tuple[Array, Array]]:
        """Yield (logits, labels) of each batch of a split that is a worker's; the next batch overwrites the logits.

        The batches are the same however many workers there are.
        """
        n = len(split)
        own = part.slice(-(-n // SCORING_BATCH))
        for start in range(own.start * SCORING_BATCH, min(own.stop * SCORING_BATCH, n), SCORING_BATCH):
            rows = split.rows[start : start + SCORING_BATCH]
            n = len(rows)
            images = self._batches.images[:n]
            split.images.take(rows, 0, images, "clip")  # straight into ``out``, as the rows are there
            np.copyto(self._batches.x[:n], images)
            yield self._plan(n)(), split.labels[rows]

    def _plan(self, n: int) -> Plan:
        """Return the plan for a batch of n images, made when it is first asked for."""
        if n not in self._plans:
            self._plans[n] = self._network.plan_forward(self._batches.x[:n], self._batches.workspace)
        return self._plans[n]

    def costs(
        self,
        split: Split,
        part: Part = ALONE,
        stop: Callable[[], bool] = never,
        kept: list[Array] | None = None,
    ) -> tuple[list[float], int]:
        """Score a worker's part of a split.

        Args:
            split: the digits.
            part: the worker's.
            stop: asked before each batch whether to end.
            kept: gets copies of the logits.

        Returns:
            Of each batch the sum of the cross-entropies in nats, and how many digits are read right in all.

        Raises:
            Stopped: ``stop`` said so.
        """
        costs, correct = [], 0
        for logits, y in self.logits(split, part):
            if stop():
                raise Stopped
            costs.append(float(cross_entropy(logits, y).sum()))
            correct += int((logits.argmax(axis=1) == y).sum())
            if kept is not None:
                kept.append(logits.copy())
        return costs, correct


def score(network: Network, split: Split) -> tuple[float, float]:
    """Return (mean cross-entropy in nats, accuracy as a fraction) of a split."""
    costs, correct = Scoring(network, split.images.dtype.name).costs(split)
    return math.fsum(costs) / len(split), correct / len(split)


def probabilities(network: Network, split: Split, temperature: float = 1.0) -> Array:
    """Return the probabilities softmax(z/T) of a split, shape (len(split), nᴸ), in the order of the split."""
    results = []
    with np.errstate(over="ignore", invalid="ignore"):  # as while training: an own activation may overflow on its way
        for logits, _ in Scoring(network, split.images.dtype.name).logits(split):
            p = logits.copy()
            if temperature != 1:
                p -= p.max(axis=1, keepdims=True)  # first, as z/T may overflow
                p /= temperature
            softmax(p)
            results.append(p)
    return np.concatenate(results)
