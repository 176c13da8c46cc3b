"""Weight initializers: ``(rng, fan_in, fan_out) -> W`` of shape (fan_out, fan_in), in float64.

They are drawn in float64 whatever the run's dtype, so that float32 and float64 runs start from the same weights
up to rounding.
"""

import itertools
import math
from collections.abc import Callable
from functools import partial

import numpy as np

from npdigits.base.arrays import Array

Initializer = Callable[[np.random.Generator, int, int], Array]


def _variance(scheme: str, fan_in: int, fan_out: int) -> float:
    """Return Var(W) of a scheme. It keeps the variance of signals, or of gradients, equal from layer to layer."""
    match scheme:
        case "xavier":  # Glorot & Bengio 2010, eq. 12: the mean of the forward and the backward condition
            return 2 / (fan_in + fan_out)
        case "he":  # He et al. 2015, eq. 10: ReLU halves the variance, so twice the forward condition
            return 2 / fan_in
        case "lecun":  # LeCun et al. 1998, "Efficient BackProp", eq. 16: the forward condition
            return 1 / fan_in
    raise ValueError(f"unknown scheme {scheme!r}")


def scaled_normal(scheme: str, rng: np.random.Generator, fan_in: int, fan_out: int) -> Array:
    """Draw W ~ N(0, σ²) with σ² = Var(W) of the scheme."""
    return rng.normal(0.0, math.sqrt(_variance(scheme, fan_in, fan_out)), (fan_out, fan_in))


def scaled_uniform(scheme: str, rng: np.random.Generator, fan_in: int, fan_out: int) -> Array:
    """Draw W ~ U(−r, r) with r = √(3·Var(W)), as U(−r, r) has the variance r²/3."""
    r = math.sqrt(3 * _variance(scheme, fan_in, fan_out))
    return rng.uniform(-r, r, (fan_out, fan_in))


def normal(rng: np.random.Generator, fan_in: int, fan_out: int) -> Array:
    """Draw W ~ N(0, 1), whatever the fans: far too large for a wide layer, kept to show it (Nielsen, ch. 3)."""
    return rng.normal(0.0, 1.0, (fan_out, fan_in))


def zeros(rng: np.random.Generator, fan_in: int, fan_out: int) -> Array:
    """Return W = 0, to show why it fails: all units of a hidden layer stay equal in every step."""
    return np.zeros((fan_out, fan_in))


def _for_all_layers(initializer: Initializer) -> tuple[Initializer, Initializer]:
    """Return the entry of an initializer that the hidden layers and the output layer have in common."""
    return initializer, initializer


# name -> (hidden layers' initializer, output layer's)
INITIALIZERS: dict[str, tuple[Initializer, Initializer]] = {
    "xavier_he": (partial(scaled_normal, "xavier"), partial(scaled_normal, "he")),
    **{f"{s}_normal": _for_all_layers(partial(scaled_normal, s)) for s in ("xavier", "he", "lecun")},
    **{f"{s}_uniform": _for_all_layers(partial(scaled_uniform, s)) for s in ("xavier", "he", "lecun")},
    "normal": _for_all_layers(normal),
    "zeros": _for_all_layers(zeros),
}

# Short names; the configuration stores the full one, so that one experiment never has two names.
ALIASES = {scheme: f"{scheme}_normal" for scheme in ("xavier", "he", "lecun")}


def initialize(name: str, rng: np.random.Generator, sizes: tuple[int, ...], scale: float = 1.0) -> list[Array]:
    """Draw the weight matrices by an initializer of ``INITIALIZERS``; see ``draw``."""
    return draw(INITIALIZERS[name], rng, sizes, scale)


def draw(
    initializers: tuple[Initializer, Initializer], rng: np.random.Generator, sizes: tuple[int, ...], scale: float = 1.0
) -> list[Array]:
    """Draw the weight matrices of a network with these layer sizes, first layer first.

    Args:
        initializers: of the hidden layers, and of the output layer.
        rng: the random generator; the layers are drawn in their order.
        sizes: units a layer from input to output, for example (784, 20, 10).
        scale: a factor for all weights: 0.01 with ``normal`` is N(0, 0.01²) (Hinton et al. 2012, appendix A).
    """
    hidden, output = initializers
    fans = list(itertools.pairwise(sizes))
    drawn = [hidden(rng, *fan) for fan in fans[:-1]] + [output(rng, *fans[-1])]
    return [scale * w for w in drawn]
