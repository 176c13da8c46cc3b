"""The parts of a run that the user's own components are: each in the form in which training uses it."""

import inspect
from collections.abc import Callable
from typing import Any

from npdigits.base.arrays import Array
from npdigits.base.errors import OwnCodeError
from npdigits.config.components import OwnComponent
from npdigits.nn.activations import Activation
from npdigits.nn.costs import Cost
from npdigits.nn.initializers import Initializer
from npdigits.nn.network import Parameters
from npdigits.nn.optimizer import Optimizer
from npdigits.nn.own_forms import cost_from, derivative_from, from_functions, initializer_from, schedule_from
from npdigits.nn.own_function import OwnFunction
from npdigits.nn.own_optimizer import FormulaOptimizer
from npdigits.nn.schedules import Schedule
from npdigits.training.own_metrics import Metric, metric_from
from npdigits.training.stopping import StoppingRule, stopping_rule_from


def own_activation(own: OwnComponent) -> Activation:
    """Return the activation of two functions, or of a class that works in place.

    Raises:
        OwnCodeError: it is neither.
    """
    function, numbers = own.function(), dict(own.numbers)
    if not isinstance(function, type):
        return from_functions(function, own.derivative(), numbers)
    made = _make(own)
    if missing := [name for name in ("apply", "backward") if not callable(getattr(made, name, None))]:
        raise OwnCodeError(f"{own.code.spec}: has no {missing[0]}; allowed are apply(z) and backward(delta, a)")
    needs_z = len(inspect.signature(made.backward).parameters) == 3
    return Activation(_in_place(own, made.apply), _in_place(own, made.backward), needs_z)


def own_optimizer(own: OwnComponent, parameters: Parameters, gradient: Parameters) -> Optimizer:
    """Return the optimizer of a formula, or of a subclass of ``Optimizer``.

    Raises:
        OwnCodeError: it is neither.
    """
    function = own.function()
    if not isinstance(function, type):
        return FormulaOptimizer(parameters, gradient, function, dict(own.numbers))
    made = _make(own, parameters, gradient)
    if not isinstance(made, Optimizer):
        raise OwnCodeError(f"{own.code.spec}: allowed is a formula, or a subclass of npdigits.nn.optimizers.Optimizer")
    return made


def own_cost(own: OwnComponent) -> Cost:
    """Return the cost of a function and its derivative."""
    numbers = dict(own.numbers)
    return Cost(cost_from(own.function(), numbers), derivative_from(own.derivative(), numbers))


def own_initializer(own: OwnComponent) -> Initializer:
    """Return the initializer of all layers."""
    return initializer_from(own.function(), dict(own.numbers))


def own_schedule(own: OwnComponent, lr: float, epochs: int) -> Schedule:
    """Return the learning-rate schedule."""
    return schedule_from(own.function(), lr, epochs, dict(own.numbers))


def reads_epochs(own: OwnComponent) -> bool:
    """Say whether a schedule's rates depend on the number of epochs, so that a run with it cannot be made longer."""
    return OwnFunction(own.function(), dict(own.numbers), ("lr", "epochs")).asks_for("epochs")


def own_stopping_rule(own: OwnComponent) -> StoppingRule:
    """Return the stopping rule."""
    return stopping_rule_from(own.function(), dict(own.numbers))


def own_metric(own: OwnComponent) -> tuple[str, Metric]:
    """Return the name of a figure of the user's own, and the function."""
    return own.code.name, metric_from(own.function(), dict(own.numbers))


def _make(own: OwnComponent, *arguments: Any) -> Any:
    """Return an instance of the user's class.

    Raises:
        OwnCodeError: it cannot be made.
    """
    return OwnFunction(own.function(), dict(own.numbers))(*arguments)


def _in_place(own: OwnComponent, method: Callable[..., Any]) -> Callable[..., None]:
    """Return a method that works in place, with its errors in the user's words."""
    checked = OwnFunction(method)

    def work(*arrays: Array) -> None:
        checked(*arrays)

    return work
