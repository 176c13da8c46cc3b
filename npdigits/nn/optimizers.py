"""Optimizers: each updates the parameters θ in place from the gradient g, block by block (``nn/optimizer.py``).

Gradient descent and Adam, plainly: ``nn/plain.py``.
"""

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from npdigits.nn.matmul import Operation
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
        self._mu, self._lr = self.number(momentum), self.number(0.0)

    def set_numbers(self, lr: float, scale: float) -> None:
        self._lr[()] = lr

    def plan_update(self, block: Block) -> list[Operation]:
        theta, g, s, mu, lr = block.theta, block.g, block.scratch, self._mu, self._lr
        if not self.momentum:
            return [partial(np.multiply, g, lr, g), partial(np.subtract, theta, g, theta)]
        (v,) = block.moments
        steps = [partial(np.multiply, v, mu, v), partial(np.add, v, g, v)]
        if self.nesterov:
            steps += [partial(np.multiply, v, mu, s), partial(np.add, s, g, s), partial(np.multiply, s, lr, s)]
        else:
            steps.append(partial(np.multiply, v, lr, s))
        return [*steps, partial(np.subtract, theta, s, theta)]


class RMSprop(Optimizer):
    """r ← ρ·r + (1 − ρ)·g²;  θ ← θ − η·g / (√r + ε). Tieleman & Hinton 2012, lecture 6.5."""

    state_names = ("r",)

    def __init__(self, parameters: Parameters, gradient: Parameters, rho: float = 0.99, eps: float = 1e-8) -> None:
        super().__init__(parameters, gradient)
        self.rho, self.eps = rho, eps
        self._lr = self.number(0.0)

    def set_numbers(self, lr: float, scale: float) -> None:
        self._lr[()] = lr

    def plan_update(self, block: Block) -> list[Operation]:
        theta, g, s, (r,) = block.theta, block.g, block.scratch, block.moments
        return [
            partial(np.multiply, r, self.number(self.rho), r),
            partial(np.multiply, g, g, s),  # np.square takes twice as long
            partial(np.multiply, s, self.number(1 - self.rho), s),
            partial(np.add, r, s, r),
            partial(np.sqrt, r, s),
            partial(np.add, s, self.number(self.eps), s),
            partial(np.divide, g, s, s),
            partial(np.multiply, s, self._lr, s),
            partial(np.subtract, theta, s, theta),
        ]


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
        self._k, self._added = self.number(0.0), self.number(0.0)

    def _flush(self, block: Block) -> None:
        super()._flush(block)
        m, v = block.moments
        m[v == 0] = 0  # else it would be divided by ε alone

    def gradient_scale(self, l2: float) -> float:
        return 1 / min(max(l2, LEAST_L2), LARGEST_L2) if l2 else 1.0

    def set_numbers(self, lr: float, scale: float) -> None:
        beta1, beta2 = self.betas
        r = math.sqrt((1 - beta2) / (1 - beta2**self.steps))
        self._added[()] = self.eps * scale / r
        self._k[()] = lr * (1 - beta1) / ((1 - beta1**self.steps) * r)

    def plan_update(self, block: Block) -> list[Operation]:
        theta, g, (m, v) = block.theta, block.g, block.moments
        beta1, beta2 = (self.number(beta) for beta in self.betas)
        return [
            partial(np.multiply, m, beta1, m),
            partial(np.add, m, g, m),
            partial(np.multiply, v, beta2, v),
            partial(np.multiply, g, g, g),  # np.square takes twice as long (65,536 numbers: 17 against 8 µs)
            partial(np.add, v, g, v),
            partial(np.sqrt, v, g),
            partial(np.add, g, self._added, g),
            partial(np.divide, m, g, g),
            partial(np.multiply, g, self._k, g),
            partial(np.subtract, theta, g, theta),
        ]


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
        self._lr = self.number(0.0)

    def set_numbers(self, lr: float, scale: float) -> None:
        self._lr[()] = lr

    def plan_update(self, block: Block) -> list[Operation]:
        theta, g, s, (m,) = block.theta, block.g, block.scratch, block.moments
        beta1, beta2 = self.betas
        return [
            partial(np.multiply, m, self.number(beta1 / (1 - beta1)), s),  # a positive factor changes no sign
            partial(np.add, s, g, s),
            partial(np.multiply, m, self.number(beta2), m),
            partial(np.multiply, g, self.number(1 - beta2), g),
            partial(np.add, m, g, m),
            partial(np.sign, s, g),  # into s itself it takes far longer (98,304 float32: 40 against 740 µs)
            partial(np.multiply, g, self._lr, g),
            partial(np.subtract, theta, g, theta),
        ]


# name -> factory of (parameters, gradient) and its numbers, which are keys of the configuration.
OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {"adam": Adam, "sgd": SGD, "rmsprop": RMSprop, "lion": Lion}

# Other names; the configuration stores the one above, so that one experiment never has two names.
ALIASES = {"adamw": "adam"}
