"""Optimizers: each updates the parameters θ in place from the gradient g, block by block (``nn/optimizer.py``).

Gradient descent and Adam, plainly: ``nn/plain.py``.
"""

import math
from collections.abc import Callable

import numpy as np

from npdigits.nn.network import Parameters
from npdigits.nn.optimizer import Block, Optimizer

# Outside of these bounds for λ, gradients that are multiplied by 1/λ could overflow when squared, or vanish.
LEAST_L2, LARGEST_L2 = 2.0**-30, 1.0


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


# name -> factory of (parameters, gradient) and its numbers, which are keys of the configuration.
OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {"adam": Adam, "sgd": SGD, "rmsprop": RMSprop, "lion": Lion}

# Other names; the configuration stores the one above, so that one experiment never has two names.
ALIASES = {"adamw": "adam"}
