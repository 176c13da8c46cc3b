"""One pass over the digits of a split: to train on them, or to score them."""

import math
from collections.abc import Callable

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.interruption import Stopped, never
from npdigits.base.random import stream
from npdigits.data.augmentation import Augmentation
from npdigits.data.sets import Split
from npdigits.nn.costs import softmax
from npdigits.nn.dropout import Mask
from npdigits.nn.max_norm import shorten
from npdigits.nn.network import Network, cross_entropy
from npdigits.training.batches import Batches, ToFloats, copy_as_floats
from npdigits.training.state import Recipe, State
from npdigits.training.work_split import NOTHING_SHARED, SharedMemory, own_elements
from npdigits.training.workers import ALONE, Part

# Images scored at once: large enough that the products are efficient, small enough that they stay in cache.
SCORING_BATCH = 256
# Batches between two checks that the cost is finite, besides that at every epoch's end.
FINITE_CHECK_EVERY = 100


class Diverged(ArithmeticError):
    """The cost stopped being finite, in this epoch."""

    def __init__(self, epoch: int) -> None:
        super().__init__(f"the cost stopped being finite in epoch {epoch}")
        self.epoch = epoch


class Trainer:
    """Does one worker's part of each pass. Alone it does all the work.

    Args:
        state: what is trained; its arrays are in memory that all workers see.
        splits: the sets of digits, by name.
        recipe: how to train.
        part: this worker's.
        memory: where the workers see each other's work.
        stop: asked by the first worker between two batches whether to end. While it waits, all workers wait.
    """

    def __init__(
        self,
        state: State,
        splits: dict[str, Split],
        recipe: Recipe,
        part: Part = ALONE,
        memory: SharedMemory = NOTHING_SHARED,
        stop: Callable[[], bool] = never,
    ) -> None:
        sizes, dtype = state.network.parameters.sizes, state.network.parameters.flat.dtype.name
        self.state, self.splits, self.recipe, self.part = state, splits, recipe, part
        image_dtype = next(iter(splits.values())).images.dtype.name
        self.batches = Batches(sizes, recipe.batch_size, dtype, part, memory.layers, recipe.dropout, image_dtype)
        own_images = -(-recipe.batch_size // part.workers)
        self.input_mask = Mask((own_images, sizes[0]), recipe.input_dropout, dtype) if recipe.input_dropout else None
        self.augmentation = Augmentation(recipe.image_shape, recipe.augment) if recipe.augment else None
        # By images each worker has a gradient of its own; the first one's is where all are added up.
        self.gradient = (state.gradient, *memory.gradients)[part.rank if memory.gradients else 0]
        self.own_elements = own_elements(part, state.gradient.flat.size, state.optimizer.divisible)
        self.sum = state.gradient.flat[self.own_elements]
        self.addends = [gradient.flat[self.own_elements] for gradient in memory.gradients]
        self.scoring_batches = Batches(sizes, SCORING_BATCH, dtype, image_dtype=image_dtype)
        self.stop = stop if part.rank == 0 else never

    def train(self, epoch: int, lr: float) -> None:
        """Go once through the training set, in an order drawn for this epoch alone.

        Raises:
            Diverged: in every worker at the same step.
            Stopped: ``stop`` said so.
        """
        # Overflow is not an error here: it ends in a cost that is not finite, which is checked.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            state, recipe, train, workspace = self.state, self.recipe, self.splits["train"], self.batches.workspace
            scale = state.optimizer.gradient_scale(recipe.l2)
            order = train.rows[stream(recipe.seed, "shuffle", epoch).permutation(len(train))]
            dropout_rng = self._own_stream("dropout", epoch)
            for i, (x, y, n) in enumerate(self.batches.read(train, order, self._to_floats(epoch))):
                # No worker changes the parameters here, so all of them see the same.
                if i % FINITE_CHECK_EVERY == 0 and not math.isfinite(state.network.parameters.biases[-1].sum()):
                    raise Diverged(epoch)
                workspace.leave_out(dropout_rng, len(x))
                state.network.gradient(x, y, self.gradient, workspace, scale / n)
                if self.stop():
                    raise Stopped
                self.part.wait()
                self._update(lr)

    def score(self, name: str) -> tuple[float, int, Array | None]:
        """Score this worker's part of a split.

        Returns:
            The sum of the cross-entropies in nats, how many digits are read right, and where the recipe has metrics
            the logits, shape (digits, classes).
        """
        with np.errstate(over="ignore", invalid="ignore"):
            split = self.splits[name]
            rows = split.rows[self.part.slice(len(split))]
            logits: list[Array] | None = [] if self.recipe.metrics else None
            cost, correct = _score_rows(self.state.network, split, rows, self.scoring_batches, self.stop, logits)
            return cost, correct, _join(logits, self.state.network.parameters.sizes[-1])

    def _update(self, lr: float) -> None:
        """Make a step of the optimizer on this worker's own elements, and shorten its own units' weights."""
        state, recipe = self.state, self.recipe
        for addend in self.addends:
            np.add(self.sum, addend, out=self.sum)
        state.optimizer.step(lr, recipe.l2, recipe.weight_decay, self.own_elements)
        if recipe.max_norm:
            self.part.wait()  # a unit's weights may have been updated by another worker
            for w in state.network.parameters.weights[:-1]:
                shorten(w[self.part.slice(len(w))], recipe.max_norm)

    def _to_floats(self, epoch: int) -> ToFloats:
        """Return what makes an epoch's floats of this worker's images: distorted, with pixels left out."""
        augmentation, mask = self.augmentation, self.input_mask
        if augmentation is None and mask is None:
            return copy_as_floats
        augmentation_rng, mask_rng = (self._own_stream(name, epoch) for name in ("augmentation", "input dropout"))

        def to_floats(images: Array, x: Array) -> None:
            if augmentation is None:
                np.copyto(x, images)
            else:
                augmentation(augmentation_rng, images, x)
            if mask is not None:
                x *= mask.draw(mask_rng, len(x))

        return to_floats

    def _own_stream(self, purpose: str, epoch: int) -> np.random.Generator:
        return stream(self.recipe.seed, f"{purpose} of member {self.part.rank}", epoch)


def _join(logits: list[Array] | None, classes: int) -> Array | None:
    """Return the logits of several batches as one array; None where they were not kept."""
    if logits is None:
        return None
    return np.concatenate(logits) if logits else np.empty((0, classes), np.float32)


def score(network: Network, split: Split, batches: Batches) -> tuple[float, float]:
    """Return (mean cross-entropy in nats, accuracy as a fraction) of a split."""
    cost, correct = _score_rows(network, split, split.rows, batches)
    return cost / len(split), correct / len(split)


def _score_rows(
    network: Network,
    split: Split,
    rows: Array,
    batches: Batches,
    stop: Callable[[], bool] = never,
    kept: list[Array] | None = None,
) -> tuple[float, int]:
    """Return (sum of cross-entropies in nats, digits read right) of some rows; ``kept`` gets copies of the logits."""
    cost, correct = 0.0, 0
    for x, y, _ in batches.read(split, rows):
        if stop():
            raise Stopped
        logits = network.forward(x, batches.workspace)
        cost += float(cross_entropy(logits, y).sum())
        correct += int((logits.argmax(axis=1) == y).sum())
        if kept is not None:
            kept.append(logits.copy())
    return cost, correct


def probabilities(network: Network, split: Split) -> Array:
    """Return softmax probabilities of a split, shape (len(split), nᴸ), in the order of the split."""
    dtype = network.parameters.flat.dtype.name
    batches = Batches(network.parameters.sizes, SCORING_BATCH, dtype, image_dtype=split.images.dtype.name)
    results = []
    with np.errstate(over="ignore", invalid="ignore"):  # as while training: an own activation may overflow on its way
        for x, _, _ in batches.read(split, split.rows):
            p = network.forward(x, batches.workspace).copy()
            softmax(p)
            results.append(p)
    return np.concatenate(results)
