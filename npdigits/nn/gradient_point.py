"""A network at some parameters, on a batch of images: its cost, its gradient, and slopes of the cost, in float64.

And which parameters and images are good ones to check a gradient at.
"""

import functools
import math
from dataclasses import dataclass, replace

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.random import stream
from npdigits.nn.differences import Slope, slope
from npdigits.nn.network import Network, Parameters
from npdigits.nn.workspace import Workspace

# How many parameters nearby are looked at. Each number is moved by this part of a large change: far, so that kinks that
# meet at the initial weights part for good; drawn weights have none that meet, and what is wrong in a small range of z
# must not get out of it.
NEARBY = 3
FAR, NEAR = 0.1, 1e-3
# Points on the line along which noise is measured, and the step between them, as a part of a large change.
NOISE_POINTS, NOISE_STEP = 10, 1e-8
# Hidden biases of the drawn weights go this far: so z covers what an activation is.
LARGEST_BIAS = 4.0


@dataclass(frozen=True)
class Place:
    """Parameters to check at.

    Attributes:
        name: for people.
        network: with these parameters.
        nudge: how far from them what does not agree is looked at again, as a part of a large change.
    """

    name: str
    network: Network
    nudge: float


class Point:
    """A network at some parameters, on a batch: cost and gradient there.

    Args:
        network: a copy of it in float64 is used.
        x: images, shape (B, n₀), float64.
        y: labels, shape (B,).
        nudge: how far ``nearby`` is.
    """

    def __init__(self, network: Network, x: Array, y: Array, nudge: float) -> None:
        network = copy_of(network)
        self._network, self._x, self._y, self._nudge = network, x, y, nudge
        self.parameters = network.parameters
        sizes = network.parameters.sizes
        self._workspace = Workspace(sizes, len(x), "float64")
        self._gradient = Parameters(sizes, "float64")
        self._forward = network.plan_forward(x, self._workspace)
        self.is_finite = bool(np.isfinite(self._forward()).all())
        if not self.is_finite:
            return
        self.is_cost_finite = bool(np.isfinite(self._cost()))
        network.gradient(x, y, self._gradient, self._workspace, 1 / len(x))
        self._noise = self._measure_noise()

    def largest(self, group: str, n: int) -> Array:
        """Return the places of the n largest elements of a group's gradient."""
        g = np.abs(self._gradient.named()[group].reshape(-1))
        return np.argpartition(g, -n)[-n:]

    def slopes(self, group: str, where: int | slice, v: Array | float) -> tuple[float, Slope]:
        """Return ∂C/∂v by the network's gradient and by differences; v moves the elements ``where`` of a group."""
        theta = self._network.parameters.named()[group].reshape(-1)
        derivative = float(np.sum(self._gradient.named()[group].reshape(-1)[where] * v))
        kept = theta[where].copy()

        def cost(t: float) -> float:
            theta[where] = kept + t * v
            return self._cost()

        try:
            return derivative, slope(cost, self._noise)
        finally:
            theta[where] = kept

    @functools.cached_property
    def nearby(self) -> "list[Point]":
        """The same network at other parameters nearby."""
        points, rng = [], stream(0, "gradient check nearby")
        for _ in range(NEARBY):
            moved = copy_of(self._network)
            for theta in moved.parameters.named().values():
                theta += self._nudge * large_change(theta) * rng.standard_normal(theta.shape)
            points.append(Point(moved, self._x, self._y, self._nudge))
        return points

    def _cost(self) -> float:
        """Return the mean cost of the batch."""
        return float(self._network.cost.value(self._forward(), self._y).mean())

    def _measure_noise(self) -> float:
        """Return how far rounding may move the cost.

        That is how far it moves when each parameter's last bit does; and, for activations that are computed in float32,
        what is left of it in third differences along a line of very small steps, where anything smooth is gone
        (Hamming 1973, "Numerical Methods for Scientists and Engineers", ch. 6; Moré & Wild 2011, "Estimating
        Computational Noise": σ² is the mean square of third differences over 20). The median passes over a kink.
        """
        flat, rng, eps = self._network.parameters.flat, stream(0, "gradient check noise"), np.finfo(np.float64).eps
        kept, cost = flat.copy(), self._cost()
        moved = [float(eps) * abs(cost)]
        for _ in range(2):
            np.multiply(kept, 1 + eps * rng.integers(0, 2, flat.size, np.int8), out=flat)
            moved.append(abs(self._cost() - cost))
        line = NOISE_STEP * rng.integers(-1, 2, flat.size, np.int8)
        flat[...] = kept
        costs = [cost]
        for _ in range(NOISE_POINTS - 1):
            flat += line
            costs.append(self._cost())
        flat[...] = kept
        return max(*moved, float(np.median(np.abs(np.diff(costs, 3)))) / math.sqrt(20))


def large_change(theta: Array) -> float:
    """Return how far the numbers of a group must move to change z by about 1, if a layer's inputs are about 1."""
    return 1 / math.sqrt(theta.shape[1]) if theta.ndim == 2 else 1.0


def copy_of(network: Network) -> Network:
    """Return the network with parameters of its own, in float64."""
    parameters = Parameters(network.parameters.sizes, "float64")
    parameters.flat[...] = network.parameters.flat
    return replace(network, parameters=parameters)


def with_drawn_parameters(network: Network, seed: int = 0) -> Network:
    """Return the network with weights N(0, 1/fan_in) and hidden biases from −4 to 4, in float64.

    At the initial weights of a run much of the gradient may be 0 (zero weights, saturated units). Here it is not: z
    goes to both sides of 0, near and far.
    """
    drawn, rng = copy_of(network), stream(seed, "gradient check parameters")
    for w in drawn.parameters.weights:
        w[...] = rng.normal(0, large_change(w), w.shape)
    for b in drawn.parameters.biases:
        b[...] = rng.uniform(-LARGEST_BIAS, LARGEST_BIAS, b.shape)
    drawn.parameters.biases[-1][...] = rng.normal(0, 1, drawn.parameters.sizes[-1])
    return drawn


def draw_batch(network: Network, n: int, seed: int = 0) -> tuple[Array, Array]:
    """Return n images and their labels: half of the pixels are 0 (paper), the others drawn from the 256 shades.

    What the first layer sees, s·x, goes from 0 to 1.
    """
    rng, sizes = stream(seed, "gradient check batch"), network.parameters.sizes
    shades = rng.integers(0, 256, (n, sizes[0])) * (rng.random((n, sizes[0])) < 0.5)
    return shades / (255 * network.input_scale), rng.integers(0, sizes[-1], n)
