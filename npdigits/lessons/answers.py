"""A learner's function: its call with copies, and what it returned, judged in words for one who knows only Python."""

import inspect
import traceback
from collections.abc import Callable
from typing import Any

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.text import shortened

Function = Callable[..., Any]
LONGEST = 160


class Wrong(Exception):
    """An answer that is not right yet; the message is one line that helps."""


class Answer:
    """A learner's function.

    Args:
        function: as it was handed in.
        arguments: the names of what it is given, for the messages.

    Raises:
        Wrong: it is no function, or takes another number of arguments.
    """

    def __init__(self, function: Function, *arguments: str) -> None:
        if not callable(function):
            raise Wrong(f"this is {described(function)}, not a function: hand in its name without brackets")
        self.name: str = getattr(function, "__name__", "the function")
        self._function = function
        try:
            inspect.signature(function).bind(*arguments)
        except TypeError as error:
            raise Wrong(f"{self.name}: it is called as {self.name}({', '.join(arguments)}), but: {error}") from error
        except ValueError:
            pass  # compiled functions may not tell

    def __call__(self, *arguments: Any) -> Any:
        """Call it with copies, so that nothing of ours is changed; return what it returns.

        Raises:
            Wrong: it raises anything, or returns None.
        """
        copies = [one.copy() if isinstance(one, np.ndarray | list) else one for one in arguments]
        try:
            with np.errstate(all="ignore"):
                returned = self._function(*copies)
        except Exception as error:  # the learner's code may raise anything
            line = traceback.extract_tb(error.__traceback__)[-1].lineno
            said = f"{type(error).__name__}: {error}"
            raise Wrong(f"{self.name} stopped in line {line} with {shortened(said, LONGEST)}") from error
        if returned is None:
            raise Wrong(f"{self.name} returned None: nothing is there yet, or the line with return is missing")
        return returned

    def number(self, *arguments: Any) -> float:
        """Call it for one number.

        Raises:
            Wrong: it returned something else.
        """
        returned = self(*arguments)
        if np.ndim(returned) or isinstance(returned, str):
            raise Wrong(f"{self.name} returned {described(returned)}; one number is asked for")
        try:
            value = float(returned)
        except (TypeError, ValueError):
            raise Wrong(f"{self.name} returned {described(returned)}; one number is asked for") from None
        return value

    def array(self, shape: tuple[int, ...], *arguments: Any) -> Array:
        """Call it for an array of this shape with finite numbers.

        Raises:
            Wrong: it returned something else.
        """
        return as_array(self.name, self(*arguments), shape)


def as_array(name: str, returned: Any, shape: tuple[int, ...]) -> Array:
    """Return what was returned, an array of this shape with finite numbers.

    Raises:
        Wrong: it is something else.
    """
    try:
        array = np.asarray(returned, dtype=float)
    except (TypeError, ValueError):
        raise Wrong(f"{name} is {described(returned)}; an array of numbers is asked for") from None
    if array.shape != shape:
        raise Wrong(f"{name} has the shape {array.shape}; {shape} is asked for")
    if not np.isfinite(array).all():
        raise Wrong(f"{name} holds numbers that are infinite or not a number (nan)")
    return array


def described(value: Any) -> str:
    """Return what a value is, for a message: its kind, and the value where it is short."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    return f"{type(value).__name__} {shortened(repr(value), 40)}"


def agree(a: Any, b: Any) -> bool:
    """Say whether two arrays, or numbers, are the same up to rounding."""
    return np.shape(a) == np.shape(b) and bool(np.allclose(a, b, rtol=1e-4, atol=1e-7))
