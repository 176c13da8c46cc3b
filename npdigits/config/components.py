"""A user's own component: a function or small class that is chosen where a built-in one could be.

``activation=mine.py:swish`` chooses it. Its keyword-only parameters with an annotation and a default are its numbers,
which become keys under its name: ``swish.beta=1.5``. A configuration holds it as ``swish@SHA-256``, so that other code
is another configuration.
"""

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from npdigits.base import own_code
from npdigits.base.errors import OwnCodeError
from npdigits.base.own_code import OwnCode
from npdigits.config.suggestions import suggestion
from npdigits.config.value_text import short_text

# A text among the numbers has at most so many characters, as every reader of the run wants it (``runs.contents``).
LONGEST_TEXT = 10_000
# The types that a number may have, by their annotation.
TYPES: dict[Any, type] = {kind: kind for kind in (bool, int, float, str)}
TYPES |= {kind.__name__: kind for kind in (bool, int, float, str)}


@dataclass(frozen=True)
class Kind:
    """What can be chosen by one key.

    Attributes:
        example: how such a function begins, for messages.
        positional: the least number of positional parameters.
        context: keyword-only parameters that npdigits gives where they are asked for.
        differentiable: whether a derivative, ``d_NAME``, must stand beside it.
    """

    example: str
    positional: int
    context: tuple[str, ...] = ()
    differentiable: bool = False


KINDS: dict[str, Kind] = {
    "activation": Kind("swish(z, *, beta: float = 1.0)", 1, differentiable=True),
    "cost": Kind("focal(z, y, *, gamma: float = 2.0)", 2, differentiable=True),
    "initializer": Kind("draw(rng, fan_in, fan_out, *, gain: float = 1.0)", 3),
    "optimizer": Kind("descend(theta, g, *, lr)", 2, ("lr", "t")),
    "schedule": Kind("rate(epoch, *, lr, gamma: float = 0.9)", 1, ("lr", "epochs")),
    "stop_on": Kind("stop(val_costs, gaps, *, patience: int = 3)", 2),
    "metrics": Kind("top2(p, y, *, k: int = 2)", 2),
    "data.source": Kind("digits(*, noise: float = 0.0)", 0),
}


@dataclass(frozen=True)
class OwnComponent:
    """A component of the user's, with the values of its numbers.

    Attributes:
        key: by which it is chosen: "activation".
        code: its sources.
        numbers: (name, value) of each.
        defaults: likewise; empty for what a run directory keeps.
    """

    key: str
    code: OwnCode
    numbers: tuple[tuple[str, Any], ...] = ()
    defaults: tuple[tuple[str, Any], ...] = field(default=(), compare=False)

    @property
    def keys(self) -> dict[str, Any]:
        """The numbers under their keys: "swish.beta" -> 1.5."""
        return {f"{self.code.name}.{name}": value for name, value in self.numbers}

    def function(self) -> Any:
        """Return the function or class."""
        return self.code.load()

    def derivative(self) -> Any:
        """Return the function's derivative."""
        return self.code.load(f"d_{self.code.name}")


def read_component(key: str, value: str, kept: Mapping[str, OwnCode] | None, given: Mapping[str, Any]) -> OwnComponent:
    """Return the component that a value names, with its numbers as given or else by default.

    Args:
        key: by which it is chosen.
        value: "mine.py:swish", or "swish@SHA-256" of what is kept.
        kept: the code that a run directory keeps, by its marked name; None for what a user types.
        given: the numbers that the configuration gives.

    Raises:
        OwnCodeError: it cannot be found or read, fails, or is not such a component.
    """
    if kept is not None and value not in kept:
        raise OwnCodeError(f"{key}={short_text(value)}: the run directory does not keep this code")
    if kept is not None:  # its numbers were checked when they were written, and nothing of it is executed to read them
        return OwnComponent(key, kept[value], tuple(given.items()))
    try:
        code = own_code.read(value)
        declared = _declare(key, code)
    except OwnCodeError as error:
        raise OwnCodeError(f"{key}={short_text(value)}: {str(error).removeprefix(f'{value}: ')}") from error
    for name, number in given.items():
        if name not in declared:
            known = ", ".join(f"{code.name}.{one}" for one in declared) or "none"
            hint = suggestion(f"{code.name}.{name}", [f"{code.name}.{one}" for one in declared])
            raise OwnCodeError(
                f"{code.name}.{name}={short_text(number)}: {code.spec} has no such number; it has {known}{hint}"
            )
    numbers = tuple((name, _check(code, name, given.get(name, default))) for name, default in declared.items())
    defaults = tuple((name, _check(code, name, default)) for name, default in declared.items())
    return OwnComponent(key, code, numbers, defaults)


def _declare(key: str, code: OwnCode) -> dict[str, Any]:
    """Return the numbers of a component, each with its default.

    Raises:
        OwnCodeError: it is not such a component.
    """
    kind, found = KINDS[key], code.load()
    if not callable(found):
        raise OwnCodeError(f"is a {type(found).__name__}; allowed is a function such as {kind.example}")
    is_class = isinstance(found, type)
    if kind.differentiable and not is_class and not code.has(f"d_{code.name}"):
        raise OwnCodeError(f"its derivative d_{code.name} must stand beside it")
    try:
        parameters = list(inspect.signature(found).parameters.values())
    except (TypeError, ValueError) as error:
        raise OwnCodeError("its parameters cannot be read") from error
    needed = [one for one in parameters if one.default is one.empty and one.kind is not one.KEYWORD_ONLY]
    if not is_class and len(needed) < kind.positional:
        raise OwnCodeError(f"takes {len(needed)} positional arguments; allowed is a function such as {kind.example}")
    declared: dict[str, Any] = {}
    for one in parameters:
        if one in needed or one.name in kind.context:
            continue
        if one.default is one.empty or one.annotation not in TYPES:
            raise OwnCodeError(f"{one.name} must have an annotation and a default, such as {one.name}: float = 1.0")
        declared[one.name] = one.default
    return declared


def _check(code: OwnCode, name: str, value: Any) -> Any:
    """Return a number in the type of its annotation.

    Raises:
        OwnCodeError: it has another.
    """
    kind = TYPES[inspect.signature(code.load()).parameters[name].annotation]
    fits: dict[type, tuple[Callable[[Any], bool], str]] = {
        bool: (lambda x: type(x) is bool, "true or false"),
        int: (lambda x: type(x) is int, "a whole number"),
        float: (lambda x: type(x) in (int, float) and math.isfinite(x), "a number"),
        str: (
            lambda x: isinstance(x, str) and len(x) <= LONGEST_TEXT,
            f"a text of at most {LONGEST_TEXT:,} characters",
        ),
    }
    accepts, allowed = fits[kind]
    if not accepts(value):
        raise OwnCodeError(f"{code.name}.{name}={short_text(value)}: allowed is {allowed}")
    return value + 0.0 if kind is float else value
