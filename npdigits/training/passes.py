"""One pass over the digits of a split: to train on them, or to score them."""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from npdigits.base.arrays import Array, aligned
from npdigits.base.interruption import Stopped, never
from npdigits.base.random import stream
from npdigits.data.augmentation import Augmentation
from npdigits.data.sets import Split
from npdigits.nn.costs import softmax
from npdigits.nn.dropout import Mask
from npdigits.nn.max_norm import shorten
from npdigits.nn.network import Layers, Network, Workspace, cross_entropy
from npdigits.nn.optimizers import elements
from npdigits.training.state import Recipe, State
from npdigits.training.work_split import ALL_ALONE, Sharing
from npdigits.training.workers import ALONE, Part

# Images scored at once: large enough that the products are efficient, small enough that they stay in cache.
SCORING_BATCH = 256
# A cost that is no longer finite is looked for after every so many batches, besides every epoch's end.
FINITE_CHECK_EVERY = 100


# (x, images): makes floats of images as they are kept.
Draw = Callable[[Array, Array], None]


class Diverged(ArithmeticError):
    """The cost stopped being finite, in this epoch."""

    def __init__(self, epoch: int) -> None:
        super().__init__(f"the cost stopped being finite in epoch {epoch}")
        self.epoch = epoch


class Batches:
    """The memory of one batch: images as they are kept, as floats, and the network's workspace.

    Args:
        sizes: of the network's layers.
        batch: images at most.
        dtype: of the floats.
        part: of the member of a team, which reads its part of each batch and waits for the others'.
        layers: where the team puts its batch and its layers together; without it a member sees its own images only.
        dropout: of each hidden layer the share of units to leave out.
        kept: the type of the images that are read.
    """

    def __init__(
        self,
        sizes: tuple[int, ...],
        batch: int,
        dtype: str,
        part: Part = ALONE,
        layers: Layers | None = None,
        dropout: Sequence[float] = (),
        kept: str = "uint8",
    ) -> None:
        self.batch, self.part, self.together = batch, part, layers is not None
        most = -(-batch // part.of)
        self.kept = aligned((most, sizes[0]), kept)
        if layers is None:
            self.floats = aligned((most, sizes[0]), dtype)
            self.workspace = Workspace(sizes, most, dtype, dropout=dropout)
        else:
            self.floats = layers.x
            self.workspace = Workspace(sizes, batch, dtype, part, layers, dropout)

    def of(self, split: Split, rows: Array, draw: Draw = np.copyto) -> Iterator[tuple[Array, Array, int]]:
        """Yield (x, y, n) of these rows of the split's images, batch by batch; x is overwritten by the next.

        Of a batch of n images, x and y are either all, or this member's own.

        Args:
            split: the digits.
            rows: which, in which order.
            draw: ``draw(x, images)`` makes the floats of a member's own images, shape (n, pixels), from what is kept.
        """
        for start in range(0, len(rows), self.batch):
            chosen = rows[start : start + self.batch]
            n = len(chosen)
            own = self.part.slice(n)
            x = self.floats[own] if self.together else self.floats[: own.stop - own.start]
            images = self.kept[: len(x)]
            # mode="clip" lets take write straight into `out`; the default would go through a copy to check bounds.
            split.images.take(chosen[own], 0, images, "clip")
            draw(x, images)
            self.part.wait()
            if self.together:
                yield self.floats[:n], split.labels[chosen], n
            else:
                yield x, split.labels[chosen[own]], n


class Member:
    """One member of the team that trains a network; alone it does all the work.

    Args:
        state: what is trained; its arrays are in memory that all members see.
        splits: the sets of digits, by name.
        recipe: how to train.
        part: this member's.
        sharing: what the members see of each other's work.
        stop: asked between two batches whether to end; by the first member only.
    """

    def __init__(
        self,
        state: State,
        splits: dict[str, Split],
        recipe: Recipe,
        part: Part = ALONE,
        sharing: Sharing = ALL_ALONE,
        stop: Callable[[], bool] = never,
    ) -> None:
        sizes, dtype = state.network.parameters.sizes, state.network.parameters.flat.dtype.name
        self.state, self.splits, self.recipe, self.part = state, splits, recipe, part
        kept = next(iter(splits.values())).images.dtype.name
        self.training = Batches(sizes, recipe.batch_size, dtype, part, sharing.layers, recipe.dropout, kept)
        most = -(-recipe.batch_size // part.of)
        self.input_mask = Mask((most, sizes[0]), recipe.input_dropout, dtype) if recipe.input_dropout else None
        self.augmentation = Augmentation(recipe.image_shape, recipe.augment) if recipe.augment else None
        # By images each member has a gradient of its own; the first one's is where all are added up.
        self.gradient = (state.gradient, *sharing.gradients)[part.rank if sharing.gradients else 0]
        own = elements(part, state.gradient.flat.size)
        self.total = state.gradient.flat[own]
        self.addends = [gradient.flat[own] for gradient in sharing.gradients]
        self.scoring = Batches(sizes, SCORING_BATCH, dtype, kept=kept)
        self.stop = stop if part.rank == 0 else never

    def train(self, epoch: int, lr: float) -> None:
        """Go once through the training set, in an order drawn for this epoch alone.

        Raises:
            Diverged: in every member at the same step.
            Stopped: it was asked to end.
        """
        # Overflow is not an error here: it ends in a cost that is not finite, and that is looked for.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            state, recipe, train = self.state, self.recipe, self.splits["train"]
            scale = state.optimizer.scale(recipe.l2)
            order = train.rows[stream(recipe.seed, "shuffle", epoch).permutation(len(train))]
            left_out = stream(recipe.seed, f"dropout of member {self.part.rank}", epoch)
            for i, (x, y, n) in enumerate(self.training.of(train, order, self._draw(epoch))):
                # Nobody changes the parameters here, so that all members see the same.
                if i % FINITE_CHECK_EVERY == 0 and not math.isfinite(state.network.parameters.biases[-1].sum()):
                    raise Diverged(epoch)
                self.training.workspace.leave_out(left_out, len(x))
                state.network.gradient(x, y, self.gradient, self.training.workspace, scale / n)
                if self.stop():
                    raise Stopped
                self.part.wait()
                for addend in self.addends:
                    np.add(self.total, addend, out=self.total)
                state.optimizer.step(lr, recipe.l2, recipe.weight_decay, self.part)
                if recipe.max_norm:
                    self.part.wait()  # a unit's weights may be another member's parameters
                    for w in state.network.parameters.weights[:-1]:
                        shorten(w[self.part.slice(len(w))], recipe.max_norm)

    def _draw(self, epoch: int) -> Draw:
        """Return what makes an epoch's floats of this member's images: distorted, with pixels left out."""
        augmentation, mask = self.augmentation, self.input_mask
        if augmentation is None and mask is None:
            return np.copyto
        purposes = ("augmentation", "input dropout")
        distorted, left_out = (stream(self.recipe.seed, f"{one} of member {self.part.rank}", epoch) for one in purposes)

        def draw(x: Array, images: Array) -> None:
            if augmentation is None:
                np.copyto(x, images)
            else:
                augmentation(distorted, images, x)
            if mask is not None:
                x *= mask.draw(left_out, len(x))

        return draw

    def score(self, name: str) -> tuple[float, int]:
        """Return (sum of cross-entropies in nats, how many were read right) of this member's part of a split."""
        with np.errstate(over="ignore", invalid="ignore"):
            split = self.splits[name]
            return _score(self.state.network, split, split.rows[self.part.slice(len(split))], self.scoring, self.stop)


def score(network: Network, split: Split, batches: Batches) -> tuple[float, float]:
    """Return (mean cross-entropy in nats, accuracy as a fraction) of a split."""
    cost, correct = _score(network, split, split.rows, batches)
    return cost / len(split), correct / len(split)


def _score(
    network: Network, split: Split, rows: Array, batches: Batches, stop: Callable[[], bool] = never
) -> tuple[float, int]:
    cost, correct = 0.0, 0
    for x, y, _ in batches.of(split, rows):
        if stop():
            raise Stopped
        logits = network.forward(x, batches.workspace)
        cost += float(cross_entropy(logits, y).sum())
        correct += int((logits.argmax(axis=1) == y).sum())
    return cost, correct


def probabilities(network: Network, split: Split) -> Array:
    """Return softmax probabilities of a split, shape (len(split), nᴸ), in the order of the split."""
    dtype = network.parameters.flat.dtype.name
    batches = Batches(network.parameters.sizes, SCORING_BATCH, dtype, kept=split.images.dtype.name)
    chunks = []
    for x, _, _ in batches.of(split, split.rows):
        p = network.forward(x, batches.workspace).copy()
        softmax(p)
        chunks.append(p)
    return np.concatenate(chunks)
