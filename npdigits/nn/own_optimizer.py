"""An optimizer of a formula that the user wrote over the whole flat arrays.

::

    def lion(theta, g, m, *, lr, beta1: float = 0.9, beta2: float = 0.99):
        c = beta1 * m + (1 - beta1) * g
        return theta - lr * np.sign(c), beta2 * m + (1 - beta2) * g

The built-in ones (``nn/optimizers.py``) update block by block in place, which saves memory traffic. A formula sees all
parameters at once, so that it can use their norm.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from npdigits.base.arrays import Array, aligned
from npdigits.base.errors import OwnCodeError
from npdigits.nn.matmul import Operation
from npdigits.nn.network import Parameters
from npdigits.nn.optimizer import Block, Optimizer
from npdigits.nn.own_function import OwnFunction, read_only


class FormulaOptimizer(Optimizer):
    """θ, states ← formula(θ, g, states). One process makes the whole step (``divisible``).

    L2 and decoupled weight decay are applied before, as for all optimizers: g holds the penalty's gradient, and θ has
    decayed. Every 64 steps what has all but vanished becomes 0, also as for all.

    Args:
        parameters, gradient: of the network.
        formula: ``formula(theta, g, …)``. The further positional parameters are the states, arrays of theta's shape
            that begin at 0 and are kept from step to step, and in checkpoints, by their names. ``lr``, the learning
            rate, and ``t``, the step's number from 1, are given as keywords where it names them. Returns the new theta
            and the new states in their order, a tuple; theta alone if there is no state.
        numbers: the formula's other keywords, by name.

    Raises:
        OwnCodeError: it takes something else; from ``step``: it raises, or returns something else.
    """

    divisible = False

    def __init__(
        self,
        parameters: Parameters,
        gradient: Parameters,
        formula: Callable[..., Any],
        numbers: Mapping[str, Any] | None = None,
    ) -> None:
        self.formula = OwnFunction(formula, numbers, offered=("lr", "t"))
        if len(self.formula.arguments) < 2 or {"lr", "t"} & {*self.formula.arguments}:
            raise OwnCodeError(
                f"{self.formula.name}({', '.join(self.formula.arguments)}): allowed is {self.formula.name}(theta, g, "
                "and its states), then *, lr and t where it reads them, and its numbers"
            )
        self.state_names = self.formula.arguments[2:]
        super().__init__(parameters, gradient)
        self._whole: list[Block] = []
        self._lr = 0.0

    def _blocks_of(self, elements: slice | None) -> list[Block]:
        n = self._parameters.flat.size
        if elements not in (None, slice(0, n)):
            return []  # a worker that has no part in it
        if not self._whole:
            self._whole = [self._block(0, n, aligned(n, self._parameters.flat.dtype))]
        return self._whole

    def set_numbers(self, lr: float, scale: float) -> None:
        self._lr = lr

    def plan_update(self, block: Block) -> list[Operation]:
        return [partial(self._update, block)]

    def _update(self, block: Block) -> None:
        arguments = [read_only(array) for array in (block.theta, block.g, *block.moments)]
        theta, *states = self._results(self.formula(*arguments, lr=self._lr, t=self.steps), arguments)
        # States first: a formula may return its theta as the new state.
        for array, new in zip((*block.moments, block.theta), (*states, theta), strict=True):
            np.copyto(array, new, casting="same_kind")

    def _results(self, returned: Any, arguments: list[Array]) -> list[Array]:
        """Return what the formula returned: θ and the states, none of which is a view of another's memory."""
        own, names = self.formula, ("theta", *self.state_names)
        results = returned if self.state_names else (returned,)
        if not isinstance(results, tuple | list) or len(results) != len(names):
            shown = f"{len(results)} values" if isinstance(results, tuple | list) else f"a {type(results).__name__}"
            raise OwnCodeError(f"{own.place}: returned {shown}; allowed is ({', '.join(names)}), a tuple")
        shape = arguments[0].shape
        checked = [own.checked(one, shape, arguments, name) for name, one in zip(names, results, strict=True)]
        own.seen()
        states = arguments[2:]
        return [one.copy() if any(np.may_share_memory(one, state) for state in states) else one for one in checked]
