"""Components of plain functions, the form in which users write them: activation, cost, initializer, schedule.

::

    def swish(z, *, beta: float = 1.0):            # a = f(z)
        return z / (1 + np.exp(-beta * z))

    def d_swish(z, a, *, beta: float = 1.0):       # f′(z); the second argument may be left out
        s = 1 / (1 + np.exp(-beta * z))
        return s + beta * a * (1 - s)

    from_functions(swish, d_swish, {"beta": 1.5})

Functions get arrays that they may read only, and return new ones. What comes back is checked (``OwnFunction``). A
formula over all parameters is an optimizer in ``nn/own_optimizer.py``, a stopping rule is in ``training/stopping.py``.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import OwnCodeError
from npdigits.nn.activations import Activation
from npdigits.nn.costs import Derivative
from npdigits.nn.initializers import Initializer
from npdigits.nn.own_function import OwnFunction, read_only
from npdigits.nn.schedules import Schedule

Numbers = Mapping[str, Any] | None


def from_functions(f: Callable[..., Array], df: Callable[..., Array], numbers: Numbers = None) -> Activation:
    """Return the activation of a function and its derivative, for arrays of any shape and type of floats.

    Args:
        f: ``f(z)`` returns a, of z's shape.
        df: ``df(z)`` or ``df(z, a)`` returns f′(z), of z's shape; which of them is told by its parameters.
        numbers: of both, by name; each is given those that it names.

    Raises:
        OwnCodeError: they take something else. Later, from what is returned: they raise or return something else.
    """
    value, slope = OwnFunction(f, numbers), OwnFunction(df, numbers)
    value.check_arguments(("z",))
    slope.check_arguments(("z",), ("z", "a"))
    takes_a = len(slope.arguments) == 2

    def apply(z: Array) -> None:
        np.copyto(z, value.floats(z.shape, read_only(z)), casting="same_kind")

    def backward(delta: Array, a: Array, z: Array) -> None:
        given = (read_only(z), read_only(a)) if takes_a else (read_only(z),)
        delta *= slope.floats(z.shape, *given)

    return Activation(apply, backward, needs_z=True)


def derivative_from(d_cost: Callable[..., Array], numbers: Numbers = None) -> Derivative:
    """Return the derivative that is trained by, of ``d_cost(z, y)``.

    Args:
        d_cost: returns ∂C/∂z of each image, shape (B, classes), from the last layer's z, of that shape, and the labels
            y, shape (B,).
        numbers: of the function, by name.

    Raises:
        OwnCodeError: as ``from_functions``.
    """
    own = OwnFunction(d_cost, numbers)
    own.check_arguments(("z", "y"))

    def derivative(z: Array, y: Array, rows: Array) -> None:
        np.copyto(z, own.floats(z.shape, read_only(z), read_only(y)), casting="same_kind")

    return derivative


def cost_from(cost: Callable[..., Array], numbers: Numbers = None) -> Callable[[Array, Array], Array]:
    """Return ``cost(z, y)`` with its results checked: C of each image, shape (B,).

    Args:
        cost: of the last layer's z, shape (B, classes), and the labels y, shape (B,).
        numbers: of the function, by name.

    Raises:
        OwnCodeError: as ``from_functions``.
    """
    own = OwnFunction(cost, numbers)
    own.check_arguments(("z", "y"))
    return lambda z, y: own.floats((len(z),), read_only(z), read_only(y))


def initializer_from(function: Callable[..., Array], numbers: Numbers = None) -> Initializer:
    """Return the initializer of ``function(rng, fan_in, fan_out)``, which returns W, shape (fan_out, fan_in).

    Args:
        function: draws with ``rng``, a ``numpy.random.Generator``, and so the same for the same seed.
        numbers: of the function, by name.

    Raises:
        OwnCodeError: as ``from_functions``.
    """
    own = OwnFunction(function, numbers)
    own.check_arguments(("rng", "fan_in", "fan_out"))

    def initializer(rng: np.random.Generator, fan_in: int, fan_out: int) -> Array:
        w = own.floats((fan_out, fan_in), rng, fan_in, fan_out)
        return w.astype(np.float64)

    return initializer


def schedule_from(function: Callable[..., float], lr: float, epochs: int, numbers: Numbers = None) -> Schedule:
    """Return the schedule of ``function(epoch)``, the learning rate of an epoch, the first of which is 0.

    Args:
        function: is given the keywords ``lr`` and ``epochs`` where it names them. (One that names ``epochs`` depends on
            their number: a run with it cannot be made longer.)
        lr: the configuration's learning rate.
        epochs: the configuration's epochs.
        numbers: of the function, by name.

    Raises:
        OwnCodeError: as ``from_functions``; a rate is a finite number ≥ 0.
    """
    own = OwnFunction(function, numbers, offered=("lr", "epochs"))
    own.check_arguments(("epoch",))

    def schedule(epoch: int) -> float:
        rate = own(epoch, lr=lr, epochs=epochs)
        if not is_number(rate) or not math.isfinite(rate) or rate < 0:
            raise OwnCodeError(f"{own.place}: returned {rate!r} for epoch {epoch}; allowed is a finite number ≥ 0")
        return float(rate)

    return schedule


def is_number(value: Any) -> bool:
    """Say whether a value is one real number, of Python or NumPy; true and false are none."""
    if isinstance(value, np.generic | np.ndarray):
        return value.shape == () and value.dtype.kind in "fiu"
    return isinstance(value, int | float) and not isinstance(value, bool)
