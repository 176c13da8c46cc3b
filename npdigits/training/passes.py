"""One worker's part of a pass over the digits of a split: to train on them, or to score them."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.interruption import Stopped, never
from npdigits.base.random import stream
from npdigits.data.sets import Split
from npdigits.nn.max_norm import shorten
from npdigits.nn.network import Plan
from npdigits.nn.workspace import Workspace
from npdigits.training.batches import Batches
from npdigits.training.blocks import Blocks
from npdigits.training.reader import Reader
from npdigits.training.scoring import Scoring
from npdigits.training.state import Recipe, State
from npdigits.training.work_split import GradientSum, SharedMemory, own_elements, share
from npdigits.training.workers import ALONE, Part

# Batches between two checks that the cost is finite, besides that at every epoch's end.
FINITE_CHECK_EVERY = 100
# The plan of a worker that has no part of a batch.
NOTHING = Plan((), np.empty(0))


@dataclass(frozen=True)
class Step:
    """One worker's part of the steps on batches of a certain size, with all arrays that it needs.

    Attributes:
        own: which images of the batch are read here.
        images, x: memory for these as they are stored, and as floats.
        start: place of the first of them among the images that the workspace has.
        computed: which images of the batch are computed here.
        y: memory for the labels of these.
        gradient: their gradient.
    """

    own: slice
    images: Array
    x: Array
    start: int
    computed: slice
    y: Array
    gradient: Plan


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
        memory: where the workers see each other's work; None for one that works alone.
        stop: asked by the first worker between two batches whether to end. While it waits, all workers wait.
    """

    def __init__(
        self,
        state: State,
        splits: dict[str, Split],
        recipe: Recipe,
        part: Part = ALONE,
        memory: SharedMemory | None = None,
        stop: Callable[[], bool] = never,
    ) -> None:
        parameters, image_dtype = state.network.parameters, next(iter(splits.values())).images.dtype.name
        memory = memory or share(parameters, recipe.batch_size, part.workers, recipe.dropout)
        self.state, self.splits, self.recipe, self.part = state, splits, recipe, part
        self.stop = stop if part.rank == 0 else never
        self.by_units = memory.cuts.by_units
        self.blocks = Blocks(memory.cuts, part)
        self.batches = self._make_batches(memory, image_dtype)
        self.reader = Reader(recipe, self.blocks, self.batches.workspace)
        self.elements = own_elements(part, parameters.flat.size, state.optimizer.divisible)
        computes = self.by_units or self.blocks.most > 0
        self.gradient, self.sum = state.gradient if computes else None, None
        if memory.gradients:
            self.gradient = memory.gradients.of_copies(part.slice(memory.cuts.parts))
            summed = own_elements(part, parameters.flat.size)
            self.sum = GradientSum(memory.gradients.flat, state.gradient.flat, part, summed)
        self.scoring = Scoring(state.network, image_dtype)
        self._steps: dict[int, Step] = {}

    def _make_batches(self, memory: SharedMemory, image_dtype: str) -> Batches:
        """Return the memory of the images that this worker reads, and of the layers that it computes."""
        parameters, batch_size = self.state.network.parameters, self.recipe.batch_size
        read = min(self.blocks.most, batch_size)
        images, dtype = batch_size if self.by_units else read, parameters.flat.dtype.name
        split, dropout = memory.split(self.part), self.recipe.dropout
        workspace = Workspace(parameters.sizes, images, dtype, split, dropout, memory.cuts)
        return Batches(workspace, read, memory.layers.x if memory.layers else None, image_dtype)

    def train(self, epoch: int, lr: float) -> None:
        """Go once through the training set, in an order drawn for this epoch alone.

        Raises:
            Diverged: in every worker at the same step.
            Stopped: ``stop`` said so.
        """
        recipe, train, part, stop = self.recipe, self.splits["train"], self.part, self.stop
        output_bias, batch_size = self.state.network.parameters.biases[-1], recipe.batch_size
        # Overflow is not an error here: it ends in a cost that is not finite, which is checked.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            order = train.rows[stream(recipe.seed, "shuffle", epoch).permutation(len(train))]
            labels = train.labels[order].astype(np.intp)
            self.reader.begin(epoch)
            step = self._step(min(batch_size, len(order)))
            for i, start in enumerate(range(0, len(order), batch_size)):
                if start + batch_size > len(order):
                    step = self._step(len(order) - start)
                own, computed = step.own, step.computed
                self.reader.read(train, order[start + own.start : start + own.stop], step.images, step.x, step.start)
                step.y[...] = labels[start + computed.start : start + computed.stop]
                # By units a batch's images are needed whole; and no step begins before the last one is made.
                part.wait()
                # No worker changes the parameters here, so all of them see the same.
                if i % FINITE_CHECK_EVERY == 0 and not math.isfinite(output_bias.sum()):
                    raise Diverged(epoch)
                step.gradient()
                if stop():
                    raise Stopped
                self._update(lr)

    def score(self, name: str) -> tuple[list[float], int, Array | None]:
        """Score this worker's part of a split.

        Returns:
            Of each batch the sum of the cross-entropies in nats, how many digits are read right in all, and where the
            recipe has metrics the logits, shape (digits, classes).
        """
        with np.errstate(over="ignore", invalid="ignore"):
            logits: list[Array] | None = [] if self.recipe.metrics else None
            costs, correct = self.scoring.costs(self.splits[name], self.part, self.stop, logits)
            return costs, correct, _join(logits, self.state.network.parameters.sizes[-1])

    def _step(self, batch: int) -> Step:
        """Return this worker's part of a batch of so many images, made when it is first asked for."""
        if batch not in self._steps:
            own = self.blocks.images(batch)
            start, n = (own.start, batch) if self.by_units else (0, own.stop - own.start)
            read = slice(start, start + own.stop - own.start)
            x, y = self.batches.x[:n], self.batches.y[:n]
            plan = NOTHING
            if self.gradient:
                scale = self.state.optimizer.gradient_scale(self.recipe.l2) / batch
                plan = self.state.network.plan_gradient(x, y, self.gradient, self.batches.workspace, scale)
            computed = slice(0, batch) if self.by_units else own
            images = self.batches.images[: own.stop - own.start]
            self._steps[batch] = Step(own, images, self.batches.x[read], start, computed, y, plan)
        return self._steps[batch]

    def _update(self, lr: float) -> None:
        """Make a step of the optimizer on this worker's own elements, and shorten its own units' weights."""
        state, recipe = self.state, self.recipe
        if self.sum:
            for operation in self.sum.alone:
                operation()
        self.part.wait()
        if self.sum:
            for operation in self.sum.together:
                operation()
            if not state.optimizer.divisible:
                self.part.wait()  # the first worker needs the sums of all
        state.optimizer.step(lr, recipe.l2, recipe.weight_decay, self.elements)
        if recipe.max_norm:
            self.part.wait()  # a unit's weights may have been updated by another worker
            for w in state.network.parameters.weights[:-1]:
                shorten(w[self.part.slice(len(w))], recipe.max_norm)


def _join(logits: list[Array] | None, classes: int) -> Array | None:
    """Return the logits of several batches as one array; None where they were not kept."""
    if logits is None:
        return None
    return np.concatenate(logits) if logits else np.empty((0, classes), np.float32)
