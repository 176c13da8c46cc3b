"""Optimizers: each updates the flat parameter buffer θ in place from the flat gradient g.

``state`` names the arrays that must be kept to go on later; with ``steps`` they are all that an optimizer knows.
"""

import math
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


class Optimizer(Protocol):
    """What the trainer needs of an optimizer."""

    steps: int
    state: dict[str, Array]

    def update(self, theta: Array, g: Array, lr: float) -> None:
        """Make one step at learning rate ``lr``. May overwrite ``g``."""


class SGD:
    """v ← μ·v + g;  θ ← θ − η·v. Gradient descent; with μ > 0 Polyak's momentum (Sutskever et al. 2013, §2)."""

    def __init__(self, n: int, dtype: str, momentum: float) -> None:
        self.momentum = momentum
        self.steps = 0
        self.state: dict[str, Array] = {"v": np.zeros(n, dtype)} if momentum else {}

    def update(self, theta: Array, g: Array, lr: float) -> None:
        self.steps += 1
        if self.momentum:
            v = self.state["v"]
            v *= self.momentum
            v += g
            np.multiply(v, lr, out=g)
        else:
            g *= lr
        theta -= g


class RMSprop:
    """r ← ρ·r + (1 − ρ)·g²;  θ ← θ − η·g / (√r + ε). Tieleman & Hinton 2012, lecture 6.5."""

    def __init__(self, n: int, dtype: str, rho: float, eps: float) -> None:
        self.rho, self.eps = rho, eps
        self.steps = 0
        self.state: dict[str, Array] = {"r": np.zeros(n, dtype)}
        self._scratch: Array = np.empty(n, dtype)

    def update(self, theta: Array, g: Array, lr: float) -> None:
        self.steps += 1
        r, s = self.state["r"], self._scratch
        r *= self.rho
        np.multiply(g, g, out=s)
        s *= 1 - self.rho
        r += s
        np.sqrt(r, out=s)
        s += self.eps
        np.divide(g, s, out=s)
        s *= lr
        theta -= s


class Adam:
    """Adam, Kingma & Ba 2015, algorithm 1, with the two bias corrections folded into scalars as in its §2.

    m ← β₁·m + (1 − β₁)·g;  v ← β₂·v + (1 − β₂)·g²
    θ ← θ − η·(m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)
    """

    def __init__(self, n: int, dtype: str, beta1: float, beta2: float, eps: float) -> None:
        self.beta1, self.beta2, self.eps = beta1, beta2, eps
        self.steps = 0
        self.state: dict[str, Array] = {"m": np.zeros(n, dtype), "v": np.zeros(n, dtype)}
        self._scratch: Array = np.empty(n, dtype)

    def update(self, theta: Array, g: Array, lr: float) -> None:
        self.steps += 1
        m, v, s = self.state["m"], self.state["v"], self._scratch
        m *= self.beta1
        np.multiply(g, 1 - self.beta1, out=s)
        m += s
        v *= self.beta2
        np.multiply(g, g, out=s)
        s *= 1 - self.beta2
        v += s
        # With c₂ = √(1 − β₂ᵗ):  m̂ / (√v̂ + ε) = m / (√v + ε·c₂) · c₂ / (1 − β₁ᵗ).
        c2 = math.sqrt(1 - self.beta2**self.steps)
        np.sqrt(v, out=s)
        s += self.eps * c2
        np.divide(m, s, out=s)
        s *= lr * c2 / (1 - self.beta1**self.steps)
        theta -= s


# Every entry takes all the numbers that an optimizer may need (n, dtype, momentum, rho, betas, eps), and uses its own.
OPTIMIZERS: dict[str, Callable[[int, str, float, float, tuple[float, float], float], Optimizer]] = {
    "adam": lambda n, dtype, momentum, rho, betas, eps: Adam(n, dtype, *betas, eps),
    "sgd": lambda n, dtype, momentum, rho, betas, eps: SGD(n, dtype, momentum),
    "rmsprop": lambda n, dtype, momentum, rho, betas, eps: RMSprop(n, dtype, rho, eps),
}
