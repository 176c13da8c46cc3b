"""A look inside a network that trains: how large each layer's weights, gradient and step are, and which units are idle.

It is taken on a fixed batch and on copies, so that nothing of the training changes.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from npdigits.base.arrays import Array
from npdigits.data.sets import Split
from npdigits.nn.units import find_dead, find_identical, find_saturated, largest_slope, slopes
from npdigits.nn.workspace import Workspace
from npdigits.training.state import State

# The batch: so many digits of the training set. Dead units differ from rare ones at that size, and a look takes a tenth
# of an epoch of 4,000 digits.
BATCH = 500


def evenly(split: Split, n: int) -> Split:
    """Return n digits of a split, at even distances in its order, as files may be sorted by classes.

    Of N digits they are those at ⌊i·N/n⌋, i = 0 … n−1; all if there are fewer than n.
    """
    n = min(n, len(split))
    return dataclasses.replace(split, rows=split.rows[np.arange(n) * len(split) // max(n, 1)])


def copy_into(shadow: State, state: State) -> None:
    """Copy weights and optimizer of a state, which is only read, into another of the same form."""
    shadow.network.parameters.flat[:] = state.network.parameters.flat
    for name, array in state.optimizer.state.items():
        shadow.optimizer.state[name][...] = array
    shadow.optimizer.steps = state.optimizer.steps


@dataclass(frozen=True)
class Layer:
    """What is seen of one layer. All norms are L2, over the layer's weights without its biases.

    Attributes:
        layer: its number, from 1; the last one is the output's.
        weight_norm: ‖W‖.
        gradient_norm: ‖∂C/∂W‖ of the batch's mean cost, without dropout, distortions and penalties.
        update_norm: ‖ΔW‖ of the step that the optimizer would make with this gradient, with L2 and weight decay.
        update_ratio: ‖ΔW‖ / ‖W‖; None where W is 0.
        dead, saturated, identical: shares of its units (``nn.units``); the first two None of the output. A unit that is
            dead is not counted as saturated.

    A number that is not finite is None.
    """

    layer: int
    weight_norm: float | None
    gradient_norm: float | None
    update_norm: float | None
    update_ratio: float | None
    dead: float | None
    saturated: float | None
    identical: float


@dataclass(frozen=True)
class Arrays:
    """What a look has at hand, to be read within the look alone.

    Attributes:
        activations: of each hidden layer, shape (images, units).
        gradients: of each layer, ∂C/∂W.
        dead, saturated: of each hidden layer, which units are; one may be both.
    """

    activations: Sequence[Array]
    gradients: Sequence[Array]
    dead: Sequence[Array]
    saturated: Sequence[Array]


class Inside:
    """Looks into a network on a fixed batch.

    Args:
        shadow: a state of the same form, whose arrays are overwritten.
        train: the training set, of which ``BATCH`` digits are the batch.
        l2, weight_decay: of the recipe.
    """

    def __init__(self, shadow: State, train: Split, l2: float, weight_decay: float) -> None:
        parameters, batch = shadow.network.parameters, evenly(train, BATCH)
        dtype = parameters.flat.dtype.name
        self.x: Array = batch.images[batch.rows].astype(dtype)
        self.y: Array = batch.labels[batch.rows].astype(np.intp)
        self._shadow, self._l2, self._weight_decay = shadow, l2, weight_decay
        self._scale = shadow.optimizer.gradient_scale(l2)
        workspace = Workspace(parameters.sizes, len(self.x), dtype)
        factor = self._scale / len(self.x)
        self._gradient = shadow.network.plan_gradient(self.x, self.y, shadow.gradient, workspace, factor)
        self._workspace = workspace.first(len(self.x), keep_z=shadow.network.activation.needs_z)
        with np.errstate(all="ignore"):
            self._largest = largest_slope(shadow.network.activation, dtype)

    def look(self, state: State, lr: float, see: Callable[[Arrays], None] | None = None) -> list[Layer]:
        """Return what is seen of each layer of a state, which is only read.

        Args:
            state: the state.
            lr: the rate of the step.
            see: is shown what the figures are made of.
        """
        shadow, theirs = self._shadow, state.network.parameters
        copy_into(shadow, state)
        with np.errstate(all="ignore"):  # what is not finite is None
            self._gradient()
            gradients = [_norm(w) / self._scale for w in shadow.gradient.weights]
            idle = [self._idle(layer) for layer in range(len(theirs.weights) - 1)]
            if see:
                slopes_of_cost = [w / self._scale for w in shadow.gradient.weights]
                see(Arrays(self._workspace.activations, slopes_of_cost, *([one[i] for one in idle] for i in (0, 1))))
            shadow.optimizer.step(lr, self._l2, self._weight_decay)  # overwrites the gradient
            layers = zip(theirs.weights, theirs.biases, shadow.network.parameters.weights, gradients, strict=True)
            found = []
            for i, (w, b, after, gradient) in enumerate(layers):
                weight, update = _norm(w), _norm(after.astype(np.float64) - w)
                ratio = update / weight if weight else math.nan
                dead, saturated = _shares(*idle[i]) if i < len(idle) else (None, None)
                identical = float(find_identical(w, b).mean())
                norms = _finite(weight), _finite(gradient), _finite(update), _finite(ratio)
                found.append(Layer(i + 1, *norms, dead, saturated, identical))
        return found

    def _idle(self, layer: int) -> tuple[Array, Array]:
        """Return which units of a hidden layer, counted from 0, are dead and which are saturated."""
        a = self._workspace.activations[layer]
        z = self._workspace.zs[layer] if self._workspace.zs else None
        dead = find_dead(a)
        return dead, find_saturated(slopes(self._shadow.network.activation, a, z), self._largest)


def _shares(dead: Array, saturated: Array) -> tuple[float, float]:
    """Return the shares of dead units and of saturated ones that are not dead."""
    return float(dead.mean()), float((saturated & ~dead).mean())


def _norm(w: Array) -> float:
    """Return the L2 norm of an array, added up in float64."""
    flat = w.ravel().astype(np.float64)
    return math.sqrt(flat @ flat)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
