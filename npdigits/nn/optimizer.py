"""What all optimizers have in common: the state, L2, weight decay, and the loop over blocks.

The update of a large network, which is bound by memory, is made in blocks that stay in cache, each with all its
operations. A step may be limited to a range of the elements, so that several workers can share it.

The operations of a step are NumPy calls whose arguments are bound once. What changes from step to step, as the learning
rate does, are numbers in arrays of no dimension, which these calls read.
"""

import itertools
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import partial

import numpy as np

from npdigits.base.arrays import Array, aligned, shared
from npdigits.nn.matmul import Operation
from npdigits.nn.network import Parameters

# Elements of a block, at most: five float32 arrays of it fit into a 2 MiB cache beside a batch (635,210 parameters, one
# core: a step took 1.76 ms with 8,192, 1.60 to 1.63 ms with 16,384 to 49,152, 1.70 ms with 98,304).
BLOCK_SIZE = 32_768
# Numbers of float32 in a cache line: blocks begin at a multiple, and so should the ranges given to ``Optimizer.step``.
CACHE_LINE = 16
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
        self._plans: dict[tuple[object, ...], tuple[list[Operation], list[Operation]]] = {}
        self._kept = self.number(1.0)
        self._penalty = self.number(0.0)
        # Numbers below these bounds are set to zero. Weights: ε² is lost in any sum that it enters, yet its gradient
        # under L2 has a square that is a normal number. Moments: far above the smallest normal number.
        numbers = np.finfo(theta.dtype)
        self._negligible = (float(numbers.eps) ** 2, *(float(numbers.tiny) * 1e8 for _ in self.state_names))

    @abstractmethod
    def plan_update(self, block: Block) -> list[Operation]:
        """Return the operations that update a block in every step."""

    @abstractmethod
    def set_numbers(self, lr: float, scale: float) -> None:
        """Set the numbers that the operations read, for the step that ``steps`` counts last.

        Args:
            lr: learning rate η.
            scale: the gradient's factor, as ``gradient_scale`` gives it.
        """

    def number(self, value: float) -> Array:
        """Return a number as an array of no dimension and of the parameters' type."""
        return np.array(value, self._parameters.flat.dtype)

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
        self.set_numbers(lr, scale)
        self._kept[()] = 1 - lr * weight_decay
        self._penalty[()] = l2 * scale
        for operation in self._plan(l2, weight_decay, elements)[self.steps % FLUSH_EVERY == 0]:
            operation()

    def _plan(self, l2: float, weight_decay: float, elements: slice | None) -> tuple[list[Operation], list[Operation]]:
        """Return the operations of a step, made when they are first asked for; and those of one that flushes."""
        key = l2, bool(weight_decay), None if elements is None else (elements.start, elements.stop)
        if key not in self._plans:
            usual: list[Operation] = []
            flushing: list[Operation] = []
            for block in self._blocks_of(elements):
                steps = self._plan_penalty(block, l2) if l2 else []
                if weight_decay:
                    w = block.theta[: block.weights]
                    steps.append(partial(np.multiply, w, self._kept, w))
                steps += self.plan_update(block)
                usual += steps
                flushing += [*steps, partial(self._flush, block)]
            self._plans[key] = usual, flushing
        return self._plans[key]

    def _plan_penalty(self, block: Block, l2: float) -> list[Operation]:
        """g ← g + scale·λ·W on weights."""
        n = block.weights
        w, g, penalty = block.theta[:n], block.g[:n], block.scratch[:n]
        if self.gradient_scale(l2) == 1 / l2:
            return [partial(np.add, g, w, g)]
        return [partial(np.multiply, w, self._penalty, penalty), partial(np.add, g, penalty, g)]

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
