"""A learner's function: its call with copies, and what it returned, judged in words for one who knows only Python."""

import inspect
import re
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import OwnCodeError
from npdigits.base.text import shortened
from npdigits.lessons.time_limit import TooLong, time_limit

Function = Callable[..., Any]
# Columns: of what Python says, and of a line of the learner's.
LONGEST, LONGEST_LINE = 160, 60
# A right answer takes less than a second a call, also in plain Python.
SECONDS = 10.0


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
            Wrong: it raises anything, does not end, or returns None.
        """
        copies = [one.copy() if isinstance(one, np.ndarray | list) else one for one in arguments]
        with watched(self.name, self._function):
            returned = self._function(*copies)
        if returned is None:
            raise Wrong(f"{self.name} returned None: nothing is there yet, or the line with return is missing")
        return returned

    def number(self, *arguments: Any) -> float:
        """Call it for one number.

        Raises:
            Wrong: it returned something else.
        """
        returned = self(*arguments)
        try:
            if isinstance(returned, str | bytes | bool | np.bool_):
                raise TypeError
            value = np.asarray(returned, dtype=float)
            if value.ndim:
                raise TypeError
        except (TypeError, ValueError, OverflowError):
            raise Wrong(f"{self.name} returned {described(returned)}; one number is asked for") from None
        return float(value)

    def array(self, shape: tuple[int, ...], *arguments: Any) -> Array:
        """Call it for an array of this shape with finite numbers.

        Raises:
            Wrong: it returned something else.
        """
        return as_array(self.name, self(*arguments), shape)


@contextmanager
def watched(name: str, function: Function) -> Iterator[None]:
    """Let a learner's function work inside, without NumPy's warnings, and say in which of its lines it stopped.

    Raises:
        Wrong: it raised something, or was at work for more than ``SECONDS``.
        OwnCodeError: as it was raised inside.
    """
    try:
        with np.errstate(all="ignore"), time_limit(SECONDS):
            yield
    except OwnCodeError:
        raise  # says where by itself
    except TooLong as error:
        where = _line(error, function)
        raise Wrong(f"{name} was still at work{where} after {SECONDS:g} s: is there a loop that never ends?") from error
    except (Exception, SystemExit) as error:  # the learner's code may raise anything
        raise Wrong(f"{name} stopped{_line(error, function)} with {_said(error)}") from error


def _line(error: BaseException, function: Function) -> str:
    """Return in which line of the learner's own file, or cell, it stopped: its number, and what stands there."""
    file = getattr(getattr(function, "__code__", None), "co_filename", None)
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    if not own:
        return ""
    return f" in line {own[-1].lineno}" + (f', "{shortened(own[-1].line, LONGEST_LINE)}",' if own[-1].line else "")


def _said(error: BaseException) -> str:
    """Return what Python says of an error; in plain words where shapes do not fit, as NumPy says that in many ways."""
    said = f"{type(error).__name__}: {error}"
    if not isinstance(error, ValueError) or not re.search("broadcast|matmul|not aligned", said):
        return shortened(said, LONGEST)
    shapes = " and ".join(re.findall(r"\(\d*(?:, ?\d+)*,?\)", said)[:2])
    told = f"the shapes of two arrays do not fit together{f', {shapes}' if shapes else ''}"
    return f"ValueError: {told}; print(….shape) of each, in a line before, tells which is which"


def as_array(name: str, returned: Any, shape: tuple[int, ...]) -> Array:
    """Return what was returned, an array of this shape with finite numbers.

    Raises:
        Wrong: it is something else.
    """
    try:
        array = np.asarray(returned, dtype=float)
    except (TypeError, ValueError, OverflowError):
        raise Wrong(f"{name} is {described(returned)}; an array of numbers is asked for") from None
    if returned is None or array.shape == () != shape:
        raise Wrong(f"{name} is {described(returned)}; an array of the shape {shape} is asked for")
    if array.shape != shape:
        raise Wrong(f"{name} has the shape {array.shape}; {shape} is asked for")
    if not np.isfinite(array).all():
        raise Wrong(f"{name} holds something that is no finite number: nan (not a number), inf (infinite) or None")
    return array


def described(value: Any) -> str:
    """Return what a value is, for a message: its kind, and the value where it is short."""
    if value is None:
        return "None"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if isinstance(value, list | tuple) and any(isinstance(one, np.ndarray | list | tuple) for one in value):
        return f"a {type(value).__name__} of {len(value)}: {', '.join(map(_kind, value[:4]))}{', …' * (len(value) > 4)}"
    return f"{type(value).__name__} {shortened(repr(value), 40)}"


def _kind(value: Any) -> str:
    """Return what a part of a list is, without its value."""
    return f"an array of shape {value.shape}" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"


def agree(a: Any, b: Any) -> bool:
    """Say whether two arrays, or numbers, are the same up to rounding."""
    return np.shape(a) == np.shape(b) and bool(np.allclose(a, b, rtol=1e-4, atol=1e-7))
