"""Optimizers: each updates the parameters θ in place from the gradient g.

A large network's update is bound by memory, so it is made in pieces that stay in cache, each with all its steps. The
members of a team (``team``) each update their part of the flat buffers.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from npdigits.base.arrays import Array, aligned, shared
from npdigits.nn.network import Parameters
from npdigits.training.workers import ALONE, Part

# Elements a piece, at most: five float32 arrays of it fit into a 2 MiB cache (800 units, batch 32, two processes: with
# 16,384 a pass took 2.44 s, with 98,304 2.22 s).
PIECE = 98_304
# Numbers of float32 in a cache line: a piece begins at a multiple.
CACHE_LINE = 16
# For λ outside of these, gradients that are multiplied by 1/λ could overflow when squared, or vanish.
LEAST_L2, LARGEST_L2 = 2.0**-30, 1.0
# Steps between two searches for numbers on their way to zero.
FLUSH_EVERY = 64


@dataclass(frozen=True)
class Piece:
    """A part of the flat buffers, with views made once.

    Attributes:
        theta, g, scratch: parameters, gradient, memory of the same size. ``g`` may be overwritten.
        moments: the same part of each state array.
        weights: how many of its elements, from the first, are weights; only they are regularized.
    """

    theta: Array
    g: Array
    scratch: Array
    moments: tuple[Array, ...]
    weights: int


def elements(part: Part, n: int) -> slice:
    """Return which of n parameters a member updates."""
    return part.slice(n, CACHE_LINE)


class Optimizer(ABC):
    """What all optimizers share: their state, L2, weight decay, and going through the pieces.

    Attributes:
        steps: how many have been made.
        state: the arrays that are all that it remembers besides.
    """

    names: tuple[str, ...] = ()

    def __init__(self, parameters: Parameters, gradient: Parameters) -> None:
        theta = parameters.flat
        self.steps = 0
        self.state: dict[str, Array] = {name: shared(theta.size, theta.dtype) for name in self.names}
        self._parameters, self._gradient = parameters, gradient
        self._pieces: dict[Part, list[Piece]] = {}
        # Below these a number is set to zero. A weight of ε² is lost in any sum that it enters, yet large enough for
        # its gradient under L2 to have a square that is a normal number. A moment: far above the smallest normal one.
        numbers = np.finfo(theta.dtype)
        self._negligible = (float(numbers.eps) ** 2, *(float(numbers.tiny) * 1e8 for _ in self.names))

    @abstractmethod
    def formula(self, lr: float, scale: float) -> Callable[[Piece], None]:
        """Return this step's update of a piece, with all that is the same for every piece worked out."""

    def scale(self, l2: float) -> float:
        """Return the number that the gradient is to be multiplied by before it is given to ``step``."""
        return 1.0

    def step(self, lr: float, l2: float = 0.0, weight_decay: float = 0.0, part: Part = ALONE) -> None:
        """Make one step from the gradient of the cross-entropy, times ``scale(l2)``. The gradient is overwritten.

        Args:
            lr: learning rate η.
            l2: λ of the penalty ½·λ·‖W‖²: g ← g + λ·W on weights. The penalty is not divided by the number of
                images, so λ means the same for every batch size and training set.
            weight_decay: λ of the decay that is decoupled from the gradient, W ← (1 − η·λ)·W on weights (Loshchilov &
                Hutter 2019, algorithm 2; scaled by η as in PyTorch's AdamW).
            part: of the parameters, the ones to update here.
        """
        self.steps += 1
        scale = self.scale(l2)
        formula = self.formula(lr, scale)
        flush = self.steps % FLUSH_EVERY == 0
        if part not in self._pieces:
            self._pieces[part] = self._cut(part)
        for piece in self._pieces[part]:
            if l2:
                w, g, penalty = piece.theta[: piece.weights], piece.g[: piece.weights], piece.scratch[: piece.weights]
                if scale == 1 / l2:
                    penalty = w
                else:
                    np.multiply(w, l2 * scale, out=penalty)
                np.add(g, penalty, out=g)
            if weight_decay:
                w = piece.theta[: piece.weights]
                np.multiply(w, 1 - lr * weight_decay, out=w)
            formula(piece)
            if flush:
                self._flush(piece)

    def _cut(self, part: Part) -> list[Piece]:
        """Return the pieces of a part, about equal in size."""
        theta, g, n_weights = self._parameters.flat, self._gradient.flat, self._parameters.all_weights.size
        mine = elements(part, theta.size)
        n = -(-(mine.stop - mine.start) // PIECE)
        cuts = [Part(i, n).slice(mine.stop - mine.start, CACHE_LINE) for i in range(n)]
        scratch = aligned(max((cut.stop - cut.start for cut in cuts), default=0), theta.dtype)  # stays in cache
        return [
            Piece(
                theta[start:end],
                g[start:end],
                scratch[: end - start],
                tuple(array[start:end] for array in self.state.values()),
                weights=min(max(n_weights - start, 0), end - start),
            )
            for start, end in ((mine.start + cut.start, mine.start + cut.stop) for cut in cuts)
        ]

    def _flush(self, piece: Piece) -> None:
        """Set what has all but vanished to zero.

        Moments of pixels that are hardly ever inked, and with L2 their weights too, shrink step by step until they
        are subnormal numbers, on which the processor is far slower (a product of 15,910 float32: 2.6 → 90 µs).
        """
        for array, negligible in zip((piece.theta, *piece.moments), self._negligible, strict=True):
            np.abs(array, out=piece.scratch)
            array[piece.scratch < negligible] = 0


class SGD(Optimizer):
    """v ← μ·v + g;  θ ← θ − η·v. Gradient descent; with μ > 0 Polyak's momentum (Sutskever et al. 2013, §2)."""

    names: tuple[str, ...] = ("v",)

    def __init__(self, parameters: Parameters, gradient: Parameters, momentum: float = 0.0) -> None:
        self.momentum = momentum
        if not momentum:
            self.names = ()  # nothing to remember
        super().__init__(parameters, gradient)

    def formula(self, lr: float, scale: float) -> Callable[[Piece], None]:
        def plain(piece: Piece) -> None:
            np.multiply(piece.g, lr, out=piece.g)
            np.subtract(piece.theta, piece.g, out=piece.theta)

        def with_momentum(piece: Piece) -> None:
            (v,) = piece.moments
            np.multiply(v, self.momentum, out=v)
            np.add(v, piece.g, out=v)
            np.multiply(v, lr, out=piece.g)
            np.subtract(piece.theta, piece.g, out=piece.theta)

        return with_momentum if self.momentum else plain


class RMSprop(Optimizer):
    """r ← ρ·r + (1 − ρ)·g²;  θ ← θ − η·g / (√r + ε). Tieleman & Hinton 2012, lecture 6.5."""

    names = ("r",)

    def __init__(self, parameters: Parameters, gradient: Parameters, rho: float = 0.99, eps: float = 1e-8) -> None:
        super().__init__(parameters, gradient)
        self.rho, self.eps = rho, eps

    def formula(self, lr: float, scale: float) -> Callable[[Piece], None]:
        def update(piece: Piece) -> None:
            g, s, (r,) = piece.g, piece.scratch, piece.moments
            np.multiply(r, self.rho, out=r)
            np.multiply(g, g, out=s)  # np.square takes twice as long
            np.multiply(s, 1 - self.rho, out=s)
            np.add(r, s, out=r)
            np.sqrt(r, out=s)
            np.add(s, self.eps, out=s)
            np.divide(g, s, out=s)
            np.multiply(s, lr, out=s)
            np.subtract(piece.theta, s, out=piece.theta)

        return update


class Adam(Optimizer):
    """Adam, Kingma & Ba 2015, algorithm 1.

    m ← β₁·m + (1 − β₁)·g;  v ← β₂·v + (1 − β₂)·g²
    θ ← θ − η·(m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)

    What is kept are M = m / (1 − β₁) and V = v / (1 − β₂), which saves two passes over the parameters, and all that
    is the same for every parameter becomes two numbers (as in the paper's §2): with r = √((1 − β₂) / (1 − β₂ᵗ)),

    θ ← θ − k·M / (√V + ε/r),   k = η·(1 − β₁) / ((1 − β₁ᵗ)·r)

    Multiplying g, M and ε by a number and V by its square leaves θ as it is. With 0 < λ ≤ 1 it is 1/λ: the L2
    penalty's gradient λ·W is then W itself, which saves a pass, and squares of small gradients stay normal numbers.
    """

    names = ("M", "V")

    def __init__(
        self,
        parameters: Parameters,
        gradient: Parameters,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        super().__init__(parameters, gradient)
        self.betas, self.eps = betas, eps

    def _flush(self, piece: Piece) -> None:
        super()._flush(piece)
        m, v = piece.moments
        m[v == 0] = 0  # alone it would be divided by ε

    def scale(self, l2: float) -> float:
        return 1 / min(max(l2, LEAST_L2), LARGEST_L2) if l2 else 1.0

    def formula(self, lr: float, scale: float) -> Callable[[Piece], None]:
        beta1, beta2 = self.betas
        r = math.sqrt((1 - beta2) / (1 - beta2**self.steps))
        eps = self.eps * scale / r
        k = lr * (1 - beta1) / ((1 - beta1**self.steps) * r)

        def update(piece: Piece) -> None:
            g, (m, v) = piece.g, piece.moments
            np.multiply(m, beta1, out=m)
            np.add(m, g, out=m)
            np.multiply(v, beta2, out=v)
            np.multiply(g, g, out=g)  # np.square takes twice as long (65,536 numbers: 17 against 8 µs)
            np.add(v, g, out=v)
            np.sqrt(v, out=g)
            np.add(g, eps, out=g)
            np.divide(m, g, out=g)
            np.multiply(g, k, out=g)
            np.subtract(piece.theta, g, out=piece.theta)

        return update


# name -> factory of (parameters, gradient, numbers); each uses those of the numbers that it has.
OPTIMIZERS: dict[str, Callable[[Parameters, Parameters, dict[str, Any]], Optimizer]] = {
    "adam": lambda p, g, n: Adam(p, g, n["betas"], n["eps"]),
    "sgd": lambda p, g, n: SGD(p, g, n["momentum"]),
    "rmsprop": lambda p, g, n: RMSprop(p, g, n["rho"], n["eps"]),
}
