"""Optimizers: each updates the parameters θ in place from the gradient g.

Gradient descent and Adam, plainly: ``nn/plain.py``. Here the update of a large network, which is bound by memory, is
made in blocks that stay in cache, each with all its operations. A step may be limited to a range of the elements, so
that several workers can share it.
"""

import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from npdigits.base.arrays import Array, aligned, shared
from npdigits.nn.network import Parameters

# Elements of a block, at most: five float32 arrays of it fit into a 2 MiB cache (800 units, batch 32, two processes:
# with 16,384 a pass took 2.44 s, with 98,304 2.22 s).
BLOCK_SIZE = 98_304
# Numbers of float32 in a cache line: blocks begin at a multiple, and so should the ranges given to ``Optimizer.step``.
CACHE_LINE = 16
# Outside of these bounds for λ, gradients that are multiplied by 1/λ could overflow when squared, or vanish.
LEAST_L2, LARGEST_L2 = 2.0**-30, 1.0
# Steps between two searches for vanishing numbers.
FLUSH_EVERY = 64


@dataclass(frozen=True)
class Block:
    """A range of elements, as views of the flat buffers that are made once.

    Attributes:
        theta, g, scratch: parameters, gradient, memory of the same size. ``g`` may be overwritten.
        moments: the same range of each state array.
        weights: how many of the elements, from the first, are weights. Only these are regularized.
    """

    theta: Array
    g: Array
    scratch: Array
    moments: tuple[Array, ...]
    weights: int


class Optimizer(ABC):
    """What all optimizers have in common: state, L2, weight decay, and the loop over blocks.

    Attributes:
        state_names: of the arrays in ``state``.
        divisible: whether a step may be limited to a range of the elements, so that several workers can share it.
        steps: how many have been made.
        state: the arrays that are kept from step to step, by name. With ``steps`` they are all that is remembered.
    """

    state_names: tuple[str, ...] = ()
    divisible = True

    def __init__(self, parameters: Parameters, gradient: Parameters) -> None:
        theta = parameters.flat
        self.steps = 0
        # As those of ``Parameters``, in memory that several workers can use.
        self.state: dict[str, Array] = {name: shared(theta.size, theta.dtype) for name in self.state_names}
        self._parameters, self._gradient = parameters, gradient
        self._blocks: dict[tuple[int, int], list[Block]] = {}
        # Numbers below these bounds are set to zero. Weights: ε² is lost in any sum that it enters, yet its gradient
        # under L2 has a square that is a normal number. Moments: far above the smallest normal number.
        numbers = np.finfo(theta.dtype)
        self._negligible = (float(numbers.eps) ** 2, *(float(numbers.tiny) * 1e8 for _ in self.state_names))

    @abstractmethod
    def make_update(self, lr: float, scale: float) -> Callable[[Block], None]:
        """Return this step's update of a block, with everything computed that is the same for all blocks."""

    def gradient_scale(self, l2: float) -> float:
        """Return the factor that the gradient must have when ``step`` is called."""
        return 1.0

    def step(self, lr: float, l2: float = 0.0, weight_decay: float = 0.0, elements: slice | None = None) -> None:
        """Make one step from the cost's gradient times ``gradient_scale(l2)``. The gradient is overwritten.

        Args:
            lr: learning rate η.
            l2: λ of the penalty ½·λ·‖W‖²: g ← g + λ·W on weights. The penalty is not divided by the number of
                images, so λ means the same for every batch size and training set.
            weight_decay: λ of the decay that is decoupled from the gradient, W ← (1 − η·λ)·W on weights (Loshchilov &
                Hutter 2019, algorithm 2; scaled by η as in PyTorch's AdamW).
            elements: the range of the flat buffers to update; None updates all.
        """
        self.steps += 1
        scale = self.gradient_scale(l2)
        update = self.make_update(lr, scale)
        flush = self.steps % FLUSH_EVERY == 0
        for block in self._blocks_of(elements):
            if l2:
                self._add_penalty(block, l2, scale)
            if weight_decay:
                w = block.theta[: block.weights]
                np.multiply(w, 1 - lr * weight_decay, out=w)
            update(block)
            if flush:
                self._flush(block)

    def _add_penalty(self, block: Block, l2: float, scale: float) -> None:
        """g ← g + scale·λ·W on weights."""
        n = block.weights
        w, g, penalty = block.theta[:n], block.g[:n], block.scratch[:n]
        if scale == 1 / l2:
            penalty = w
        else:
            np.multiply(w, l2 * scale, out=penalty)
        np.add(g, penalty, out=g)

    def _blocks_of(self, elements: slice | None) -> list[Block]:
        """Return the blocks of a range of elements, made when it is first asked for."""
        theta = self._parameters.flat
        start, stop = (0, theta.size) if elements is None else (elements.start, elements.stop)
        if (start, stop) not in self._blocks:
            n = -(-(stop - start) // BLOCK_SIZE)
            edges = [start + (stop - start) * i // n // CACHE_LINE * CACHE_LINE for i in range(n)] + [stop]
            bounds = list(itertools.pairwise(edges))
            scratch = aligned(max((end - begin for begin, end in bounds), default=0), theta.dtype)  # stays in cache
            self._blocks[start, stop] = [self._block(begin, end, scratch) for begin, end in bounds]
        return self._blocks[start, stop]

    def _block(self, start: int, stop: int, scratch: Array) -> Block:
        n_weights = self._parameters.all_weights.size
        return Block(
            self._parameters.flat[start:stop],
            self._gradient.flat[start:stop],
            scratch[: stop - start],
            tuple(array[start:stop] for array in self.state.values()),
            weights=min(max(n_weights - start, 0), stop - start),
        )

    def _flush(self, block: Block) -> None:
        """Set numbers that have all but vanished to zero.

        Moments of pixels that hardly ever have ink, and with L2 their weights too, shrink step by step until they
        are subnormal numbers, on which the processor is far slower (a product of 15,910 float32: 2.6 → 90 µs).
        """
        for array, negligible in zip((block.theta, *block.moments), self._negligible, strict=True):
            np.abs(array, out=block.scratch)
            array[block.scratch < negligible] = 0


class SGD(Optimizer):
    """v ← μ·v + g;  θ ← θ − η·v. Gradient descent; with μ > 0 Polyak's momentum (Sutskever et al. 2013, §2).

    With ``nesterov`` θ ← θ − η·(g + μ·v): Nesterov's momentum (same section), written for the point at which the
    gradient is taken, as PyTorch's ``SGD(nesterov=True)`` has it.
    """

    state_names: tuple[str, ...] = ("v",)

    def __init__(
        self, parameters: Parameters, gradient: Parameters, momentum: float = 0.0, nesterov: bool = False
    ) -> None:
        self.momentum, self.nesterov = momentum, nesterov and momentum > 0
        if not momentum:
            self.state_names = ()  # nothing to remember
        super().__init__(parameters, gradient)

    def make_update(self, lr: float, scale: float) -> Callable[[Block], None]:
        def without_momentum(block: Block) -> None:
            np.multiply(block.g, lr, out=block.g)
            np.subtract(block.theta, block.g, out=block.theta)

        def with_momentum(block: Block) -> None:
            (v,) = block.moments
            np.multiply(v, self.momentum, out=v)
            np.add(v, block.g, out=v)
            np.multiply(v, lr, out=block.g)
            np.subtract(block.theta, block.g, out=block.theta)

        def with_nesterov(block: Block) -> None:
            (v,), s = block.moments, block.scratch
            np.multiply(v, self.momentum, out=v)
            np.add(v, block.g, out=v)
            np.multiply(v, self.momentum, out=s)
            np.add(s, block.g, out=s)
            np.multiply(s, lr, out=s)
            np.subtract(block.theta, s, out=block.theta)

        if self.nesterov:
            return with_nesterov
        return with_momentum if self.momentum else without_momentum


class RMSprop(Optimizer):
    """r ← ρ·r + (1 − ρ)·g²;  θ ← θ − η·g / (√r + ε). Tieleman & Hinton 2012, lecture 6.5."""

    state_names = ("r",)

    def __init__(self, parameters: Parameters, gradient: Parameters, rho: float = 0.99, eps: float = 1e-8) -> None:
        super().__init__(parameters, gradient)
        self.rho, self.eps = rho, eps

    def make_update(self, lr: float, scale: float) -> Callable[[Block], None]:
        def update(block: Block) -> None:
            g, s, (r,) = block.g, block.scratch, block.moments
            np.multiply(r, self.rho, out=r)
            np.multiply(g, g, out=s)  # np.square takes twice as long
            np.multiply(s, 1 - self.rho, out=s)
            np.add(r, s, out=r)
            np.sqrt(r, out=s)
            np.add(s, self.eps, out=s)
            np.divide(g, s, out=s)
            np.multiply(s, lr, out=s)
            np.subtract(block.theta, s, out=block.theta)

        return update


class Adam(Optimizer):
    """Adam, Kingma & Ba 2015, algorithm 1.

    m ← β₁·m + (1 − β₁)·g;  v ← β₂·v + (1 − β₂)·g²
    θ ← θ − η·(m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)

    The state holds M = m / (1 − β₁) and V = v / (1 − β₂), which saves two passes over the parameters. All that is the
    same for every parameter becomes two numbers (as in the paper's §2): with r = √((1 − β₂) / (1 − β₂ᵗ)),

    θ ← θ − k·M / (√V + ε/r),   k = η·(1 − β₁) / ((1 − β₁ᵗ)·r)

    Multiplying g, M and ε by a number and V by its square leaves θ as it is. With 0 < λ ≤ 1 it is 1/λ: the L2
    penalty's gradient λ·W is then W itself, which saves a pass, and squares of small gradients stay normal numbers.
    """

    state_names = ("M", "V")

    def __init__(
        self,
        parameters: Parameters,
        gradient: Parameters,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        super().__init__(parameters, gradient)
        self.betas, self.eps = betas, eps

    def _flush(self, block: Block) -> None:
        super()._flush(block)
        m, v = block.moments
        m[v == 0] = 0  # else it would be divided by ε alone

    def gradient_scale(self, l2: float) -> float:
        return 1 / min(max(l2, LEAST_L2), LARGEST_L2) if l2 else 1.0

    def make_update(self, lr: float, scale: float) -> Callable[[Block], None]:
        beta1, beta2 = self.betas
        r = math.sqrt((1 - beta2) / (1 - beta2**self.steps))
        eps = self.eps * scale / r
        k = lr * (1 - beta1) / ((1 - beta1**self.steps) * r)

        def update(block: Block) -> None:
            g, (m, v) = block.g, block.moments
            np.multiply(m, beta1, out=m)
            np.add(m, g, out=m)
            np.multiply(v, beta2, out=v)
            np.multiply(g, g, out=g)  # np.square takes twice as long (65,536 numbers: 17 against 8 µs)
            np.add(v, g, out=v)
            np.sqrt(v, out=g)
            np.add(g, eps, out=g)
            np.divide(m, g, out=g)
            np.multiply(g, k, out=g)
            np.subtract(block.theta, g, out=block.theta)

        return update


class Lion(Optimizer):
    """Lion, Chen et al. 2023, algorithm 2: every parameter moves by η, in a direction that a momentum decides.

    θ ← θ − η·sign(β₁·m + (1 − β₁)·g);  m ← β₂·m + (1 − β₂)·g

    The algorithm's weight decay is decoupled and scaled by η, as that of ``step`` is. The paper's β are 0.9 and 0.99,
    and its η a third to a tenth of Adam's.
    """

    state_names = ("m",)

    def __init__(self, parameters: Parameters, gradient: Parameters, betas: tuple[float, float] = (0.9, 0.99)) -> None:
        super().__init__(parameters, gradient)
        self.betas = betas

    def make_update(self, lr: float, scale: float) -> Callable[[Block], None]:
        beta1, beta2 = self.betas

        def update(block: Block) -> None:
            g, s, (m,) = block.g, block.scratch, block.moments
            np.multiply(m, beta1 / (1 - beta1), out=s)  # a positive factor changes no sign
            np.add(s, g, out=s)
            np.multiply(m, beta2, out=m)
            np.multiply(g, 1 - beta2, out=g)
            np.add(m, g, out=m)
            np.sign(s, out=g)  # into s itself it takes far longer (98,304 float32: 40 against 740 µs)
            np.multiply(g, lr, out=g)
            np.subtract(block.theta, g, out=block.theta)

        return update


# name -> factory of (parameters, gradient, numbers); each picks its own numbers.
OPTIMIZERS: dict[str, Callable[[Parameters, Parameters, dict[str, Any]], Optimizer]] = {
    "adam": lambda p, g, n: Adam(p, g, n["betas"], n["eps"]),
    "sgd": lambda p, g, n: SGD(p, g, n["momentum"], n["nesterov"]),
    "rmsprop": lambda p, g, n: RMSprop(p, g, n["rho"], n["eps"]),
    "lion": lambda p, g, n: Lion(p, g, n["betas"]),
}

# Other names; the configuration stores the one above, so that one experiment never has two names.
ALIASES = {"adamw": "adam"}
