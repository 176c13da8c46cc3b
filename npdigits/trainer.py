"""Training: a generator that yields one record an epoch and does no input or output.

Whoever calls it logs, saves and draws. Validation data chooses the best epoch and when to stop; the test set is
scored beside it and chooses nothing.
"""

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from npdigits.data import Split
from npdigits.memory import Array, aligned
from npdigits.network import Network, Parameters, Workspace, cross_entropy, softmax
from npdigits.optimizers import Optimizer
from npdigits.schedules import Schedule
from npdigits.stopping import StoppingRule, variance_of_last
from npdigits.streams import stream

# Images scored at once: large enough that the products are efficient, small enough that they stay in cache.
SCORING_BATCH = 256
# A cost that is no longer finite is looked for after every so many batches, besides every epoch's end.
FINITE_CHECK_EVERY = 100


class Diverged(ArithmeticError):
    """The cost stopped being finite, in this epoch."""

    def __init__(self, epoch: int) -> None:
        super().__init__(f"the cost stopped being finite in epoch {epoch}")
        self.epoch = epoch


@dataclass(frozen=True)
class Epoch:
    """The record of one epoch: a row of metrics.csv.

    Costs are plain mean cross-entropies in nats, without L2, so that they compare between configurations;
    accuracies are fractions. All three sets are scored with the same weights, those at the epoch's end. What needs
    validation data is None where there is none.
    """

    epoch: int  # counted from 1
    lr: float
    train_cost: float
    train_accuracy: float
    val_cost: float | None
    val_accuracy: float | None
    test_cost: float
    test_accuracy: float
    gap: float | None  # val_cost − train_cost
    val_cost_variance: float | None  # over the last `window` epochs
    is_best: bool  # the lowest val_cost so far; without validation data always true


@dataclass
class State:
    """All that a run is between two epochs."""

    network: Network
    gradient: Parameters  # what the optimizer reads; of no meaning between two steps
    optimizer: Optimizer
    threads: int = 1  # of BLAS
    history: list[Epoch] = field(default_factory=list)
    best: Array | None = None  # the best epoch's flat parameters
    stopped_by: str | None = None

    @contextlib.contextmanager
    def back_if_cut_short(self) -> Iterator[None]:
        """Put weights and optimizer back as they were if what is done here is not completed, whatever the reason."""
        arrays = [self.network.parameters.flat, *self.optimizer.state.values()]
        kept, steps = [array.copy() for array in arrays], self.optimizer.steps
        try:
            yield
        except BaseException:
            for array, before in zip(arrays, kept, strict=True):
                array[...] = before
            self.optimizer.steps = steps
            raise

    @property
    def best_epoch(self) -> Epoch | None:
        """The record whose weights are kept: the lowest validation cost; without validation data the last."""
        return next((record for record in reversed(self.history) if record.is_best), None)


@dataclass(frozen=True)
class Recipe:
    """How to train: plain values, every one of which can change the result."""

    schedule: Schedule
    stop_on: str
    stopping_rule: StoppingRule
    window: int
    epochs: int
    batch_size: int
    l2: float
    weight_decay: float
    seed: int


def fit(state: State, train: Split, val: Split, test: Split, recipe: Recipe) -> Iterator[Epoch]:
    """Train from where ``state`` stands, and yield the record of each epoch once it is in ``state.history``.

    Between two yields nothing of ``state`` is in motion, so the caller may save it. At the end ``state.stopped_by``
    says why: ``epochs``, or the stopping rule's name.

    Raises:
        Diverged: the cost stopped being finite; ``state`` is then what it was at the end of the epoch before.
    """
    dtype = state.network.parameters.flat.dtype.name
    sizes = state.network.parameters.sizes
    scoring = Batches(sizes, SCORING_BATCH, dtype, state.threads)
    training = Batches(sizes, recipe.batch_size, dtype, state.threads)
    val_costs = [record.val_cost for record in state.history if record.val_cost is not None]
    gaps = [record.gap for record in state.history if record.gap is not None]

    while len(state.history) < recipe.epochs:
        epoch = len(state.history) + 1
        lr = recipe.schedule(epoch - 1)
        # Overflow is not an error here: it ends in a cost that is not finite, and that is looked for.
        with state.back_if_cut_short(), np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            train_one_epoch(state, train, recipe, training, epoch, lr)
            train_cost, train_accuracy = score(state.network, train, scoring)
            test_cost, test_accuracy = score(state.network, test, scoring)
            val_cost, val_accuracy = score(state.network, val, scoring) if len(val) else (None, None)
            # The test cost is not asked: test data must not stop a run either.
            if not (math.isfinite(train_cost) and math.isfinite(val_cost or 0.0)):
                raise Diverged(epoch)
        gap = None
        if val_cost is not None:
            gap = val_cost - train_cost
            val_costs.append(val_cost)
            gaps.append(gap)
        is_best = val_cost is None or val_cost < min(val_costs[:-1], default=math.inf)
        variance = variance_of_last(val_costs, recipe.window)
        record = Epoch(
            epoch,
            lr,
            train_cost,
            train_accuracy,
            val_cost,
            val_accuracy,
            test_cost,
            test_accuracy,
            gap,
            variance,
            is_best,
        )
        if is_best:
            state.best = state.network.parameters.flat.copy()
        state.history.append(record)
        if len(val) and recipe.stopping_rule(val_costs, gaps):
            state.stopped_by = recipe.stop_on
        elif epoch == recipe.epochs:
            state.stopped_by = "epochs"
        yield record
        if state.stopped_by:
            return


class Batches:
    """The memory of one batch: bytes, floats and the network's workspace."""

    def __init__(self, sizes: tuple[int, ...], batch: int, dtype: str, threads: int = 1) -> None:
        self.batch = batch
        self.bytes = aligned((batch, sizes[0]), "uint8")
        self.floats = aligned((batch, sizes[0]), dtype)
        self.workspace = Workspace(sizes, batch, dtype, threads)

    def of(self, split: Split, rows: Array) -> Iterator[tuple[Array, Array]]:
        """Yield (x, y) of these rows of the split's images, batch by batch; x is overwritten by the next."""
        for start in range(0, len(rows), self.batch):
            chosen = rows[start : start + self.batch]
            images, x = self.bytes, self.floats
            if len(chosen) < self.batch:
                images, x = images[: len(chosen)], x[: len(chosen)]
            # mode="clip" lets take write straight into `out`; the default would go through a copy to check bounds.
            split.images.take(chosen, 0, images, "clip")
            np.copyto(x, images)
            yield x, split.labels[chosen]


def train_one_epoch(state: State, train: Split, recipe: Recipe, batches: Batches, epoch: int, lr: float) -> None:
    """Go once through the training set, in an order drawn for this epoch alone."""
    network, gradient = state.network, state.gradient
    order = train.rows[stream(recipe.seed, "shuffle", epoch).permutation(len(train))]
    for i, (x, y) in enumerate(batches.of(train, order)):
        network.gradient(x, y, gradient, batches.workspace)
        if i % FINITE_CHECK_EVERY == 0 and not math.isfinite(gradient.biases[-1].sum()):
            raise Diverged(epoch)
        state.optimizer.step(lr, recipe.l2, recipe.weight_decay)


def score(network: Network, split: Split, batches: Batches) -> tuple[float, float]:
    """Return (mean cross-entropy in nats, accuracy as a fraction) of a split."""
    cost, correct = 0.0, 0
    for x, y in batches.of(split, split.rows):
        logits = network.forward(x, batches.workspace)
        cost += float(cross_entropy(logits, y).sum())
        correct += int((logits.argmax(axis=1) == y).sum())
    return cost / len(split), correct / len(split)


def probabilities(network: Network, split: Split) -> Array:
    """Return softmax probabilities of a split, shape (len(split), nᴸ), in the order of the split."""
    batches = Batches(network.parameters.sizes, SCORING_BATCH, network.parameters.flat.dtype.name)
    chunks = []
    for x, _ in batches.of(split, split.rows):
        p = network.forward(x, batches.workspace).copy()
        softmax(p)
        chunks.append(p)
    return np.concatenate(chunks)
