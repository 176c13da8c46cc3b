"""One worker's part of a pass over the digits of a split: to train on them, or to score them."""

import math
from collections.abc import Callable

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.interruption import Stopped, never
from npdigits.base.random import stream
from npdigits.data.augmentation import Augmentation
from npdigits.data.sets import Split
from npdigits.nn.dropout import Mask
from npdigits.nn.max_norm import shorten
from npdigits.nn.network import Plan
from npdigits.nn.workspace import Workspace
from npdigits.training.batches import Batches, ToFloats, copy_as_floats
from npdigits.training.blocks import Blocks
from npdigits.training.scoring import Scoring
from npdigits.training.state import Recipe, State
from npdigits.training.work_split import GradientSum, SharedMemory, own_elements, share
from npdigits.training.workers import ALONE, Part

# Batches between two checks that the cost is finite, besides that at every epoch's end.
FINITE_CHECK_EVERY = 100
# The plan of a worker that has no part of a batch.
NOTHING = Plan((), np.empty(0))


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
        self.input_mask = Mask(np.empty_like(self.batches.x), recipe.input_dropout) if recipe.input_dropout else None
        self.augmentation = Augmentation(recipe.image_shape, recipe.augment) if recipe.augment else None
        self.elements = own_elements(part, parameters.flat.size, state.optimizer.divisible)
        computes = self.by_units or self.blocks.most > 0
        self.gradient, self.sum = state.gradient if computes else None, None
        if memory.gradients:
            self.gradient = memory.gradients.of_copies(part.slice(memory.cuts.parts))
            summed = own_elements(part, parameters.flat.size)
            self.sum = GradientSum(memory.gradients.flat, state.gradient.flat, part, summed)
        self.scale = state.optimizer.gradient_scale(recipe.l2)
        self.scoring = Scoring(state.network, image_dtype)
        self._plans: dict[tuple[int, int], Plan] = {}

    def _make_batches(self, memory: SharedMemory, image_dtype: str) -> Batches:
        """Return the memory of the images that this worker reads, and of the layers that it computes."""
        parameters, recipe, most = self.state.network.parameters, self.recipe, min(
            self.blocks.most, self.recipe.batch_size
        )
        images = recipe.batch_size if self.by_units else most
        x = memory.layers.x if memory.layers else None
        workspace = Workspace(
            parameters.sizes,
            images,
            parameters.flat.dtype.name,
            memory.split(self.part),
            recipe.dropout,
            memory.cuts,
        )
        return Batches(workspace, most, x, image_dtype)

    def train(self, epoch: int, lr: float) -> None:
        """Go once through the training set, in an order drawn for this epoch alone.

        Raises:
            Diverged: in every worker at the same step.
            Stopped: ``stop`` said so.
        """
        state, recipe, train = self.state, self.recipe, self.splits["train"]
        output_bias = state.network.parameters.biases[-1]
        # Overflow is not an error here: it ends in a cost that is not finite, which is checked.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            order = train.rows[stream(recipe.seed, "shuffle", epoch).permutation(len(train))]
            labels = train.labels[order].astype(np.intp)
            read = self._reader(epoch)
            for i, start in enumerate(range(0, len(order), recipe.batch_size)):
                rows = order[start : start + recipe.batch_size]
                own = read(rows)
                computed = slice(0, len(rows)) if self.by_units else own
                n = computed.stop - computed.start
                self.batches.y[:n] = labels[start + computed.start : start + computed.stop]
                # By units a batch's images are needed whole; and no step begins before the last one is made.
                self.part.wait()
                # No worker changes the parameters here, so all of them see the same.
                if i % FINITE_CHECK_EVERY == 0 and not math.isfinite(output_bias.sum()):
                    raise Diverged(epoch)
                self._plan(n, len(rows))()
                if self.stop():
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

    def _plan(self, n: int, batch: int) -> Plan:
        """Return the plan of the gradient of n images that are computed here, of a batch of so many; made once."""
        if (n, batch) not in self._plans:
            if not self.gradient:
                return NOTHING
            x, y = self.batches.x[:n], self.batches.y[:n]
            plan = self.state.network.plan_gradient(x, y, self.gradient, self.batches.workspace, self.scale / batch)
            self._plans[n, batch] = plan
        return self._plans[n, batch]

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

    def _reader(self, epoch: int) -> Callable[[Array], slice]:
        """Return what reads this worker's images of a batch, given its rows, and says which of them these are."""
        to_floats = self._to_floats(epoch)
        streams = self.blocks.streams(self.recipe.seed, "dropout", epoch) if any(self.recipe.dropout) else []
        train, batches, blocks = self.splits["train"], self.batches, self.blocks

        def read(rows: Array) -> slice:
            own = blocks.images(len(rows))
            start = own.start if self.by_units else 0
            batches.read(train, rows[own], start, to_floats)
            if streams:
                for i, images in blocks.of(own.stop - own.start):
                    batches.workspace.leave_out(streams[i], images.stop - images.start, start + images.start)
            return own

        return read

    def _to_floats(self, epoch: int) -> ToFloats:
        """Return what makes an epoch's floats of this worker's images: distorted, with pixels left out."""
        augmentation, mask, seed = self.augmentation, self.input_mask, self.recipe.seed
        if augmentation is None and mask is None:
            return copy_as_floats
        distorting = self.blocks.streams(seed, "augmentation", epoch)
        leaving_out = self.blocks.streams(seed, "input dropout", epoch)

        def to_floats(images: Array, x: Array) -> None:
            if augmentation is None:
                np.copyto(x, images)
            for i, some in self.blocks.of(len(x)):
                if augmentation is not None:
                    augmentation(distorting[i], images[some], x[some])
                if mask is not None:
                    x[some] *= mask.draw(leaving_out[i], some.stop - some.start)

        return to_floats


def _join(logits: list[Array] | None, classes: int) -> Array | None:
    """Return the logits of several batches as one array; None where they were not kept."""
    if logits is None:
        return None
    return np.concatenate(logits) if logits else np.empty((0, classes), np.float32)
