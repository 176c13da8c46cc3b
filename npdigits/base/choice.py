"""A choice of one factory among several: each is called with those numbers that it names as its parameters."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

Made = TypeVar("Made")


def numbers_of(factory: Callable[..., Any]) -> tuple[str, ...]:
    """Return the names of a factory's parameters."""
    return tuple(inspect.signature(factory).parameters)


def assemble(factory: Callable[..., Made], numbers: Mapping[str, Any], *context: Any) -> Made:
    """Return what a factory makes.

    Args:
        factory: takes the context, then numbers by name.
        numbers: by name; of these it is given those that it names.
        context: its first arguments.
    """
    names = numbers_of(factory)[len(context) :]
    return factory(*context, **{name: numbers[name] for name in names})
