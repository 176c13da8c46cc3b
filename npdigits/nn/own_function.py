"""A function that the user wrote: what it asks for, its call with arrays that it may only read, and its errors.

The forms that such functions have are in ``nn/own_forms.py``, ``nn/own_optimizer.py`` and ``training/stopping.py``. A
function's numbers are its parameters with a default; it is given those of them that it names.
"""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import OwnCodeError

# How NumPy's errors about arrays that may not be changed call them.
READ_ONLY = "read-only"
UNTOLD = "untold"


class OwnFunction:
    """A user's function with its numbers.

    Args:
        function: as the user wrote it, or a ``functools.partial`` of it.
        numbers: values by name. Those that the function does not name are not for it, and left out.
        offered: what it may name besides, given at each call.

    Attributes:
        name: of the function.
        arguments: the names of its positional parameters without a default; ``UNTOLD`` where it is compiled and does
            not tell them.

    Raises:
        OwnCodeError: it needs a keyword that nobody gives.
    """

    def __init__(
        self, function: Callable[..., Any], numbers: Mapping[str, Any] | None = None, offered: Sequence[str] = ()
    ) -> None:
        inner = function.func if isinstance(function, functools.partial) else function
        self.name: str = getattr(inner, "__name__", type(inner).__name__)
        self._file = getattr(getattr(inner, "__code__", None), "co_filename", None)
        try:
            parameters = list(inspect.signature(function).parameters.values())
        except (TypeError, ValueError):
            parameters = [inspect.Parameter(UNTOLD, inspect.Parameter.POSITIONAL_ONLY)]
        required = [p for p in parameters if p.default is p.empty]
        positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        self.arguments = tuple(p.name for p in required if p.kind in positional)
        keywords = [p for p in parameters if p.kind is p.KEYWORD_ONLY or (p.kind in positional and p not in required)]
        self._names = {p.name for p in keywords}
        given = {name: value for name, value in (numbers or {}).items() if name in self._names}
        for p in keywords:
            if p in required and p.name not in {*given, *offered}:
                also = f"; given are {', '.join(offered)}" if offered else ""
                raise OwnCodeError(f"{self.name}: {p.name} has no default, as its numbers must have{also}")
        self._call = functools.partial(function, **given) if given else function
        self._offered = tuple(name for name in offered if name in self._names)
        self._seen = False
        line = getattr(getattr(inner, "__code__", None), "co_firstlineno", None)
        self.place = f"{Path(self._file).name}, line {line}: {self.name}" if self._file and line else self.name

    def asks_for(self, name: str) -> bool:
        """Say whether the function has a keyword of this name."""
        return name in self._names

    def check_arguments(self, *forms: tuple[str, ...]) -> None:
        """Refuse a function whose positional parameters are not as many as those of one of the forms.

        Raises:
            OwnCodeError: with the forms that are allowed.
        """
        if self.arguments != (UNTOLD,) and len(self.arguments) not in map(len, forms):
            allowed = " or ".join(f"{self.name}({', '.join(form)})" for form in forms)
            raise OwnCodeError(f"{self.name}({', '.join(self.arguments)}): allowed is {allowed}")

    def __call__(self, *arguments: Any, **offered: Any) -> Any:
        """Call the function with what it asks for.

        Raises:
            OwnCodeError: it raises anything; with its file and line, and what it was given.
        """
        try:
            if self._offered:
                return self._call(*arguments, **{name: offered[name] for name in self._offered})
            return self._call(*arguments)
        except (Exception, SystemExit) as error:
            said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            if isinstance(error, ValueError) and READ_ONLY in str(error):
                said = "it changes an array that it was given; allowed is to return a new one"
            raise OwnCodeError(f"{self._place(error)}{self.name}: {said}; {_given(arguments)}") from error

    def floats(self, shape: tuple[int, ...], *arguments: Any, what: str = "", **offered: Any) -> Array:
        """Call the function and return its result, an array of floats of this shape.

        The result must be finite where all arrays that it was given are. That is looked at in the first call alone.

        Raises:
            OwnCodeError: it is something else.
        """
        result = self(*arguments, **offered)
        return self.checked(result, shape, arguments, what)

    def checked(self, result: Any, shape: tuple[int, ...], arguments: Sequence[Any], what: str = "") -> Array:
        """Return a result, or one of several (``what`` names it), that is an array of floats of this shape."""
        if not isinstance(result, np.ndarray | np.generic) or result.shape != shape or result.dtype.kind != "f":
            returned = f"{what and what + ' '}{described(result)}"
            raise OwnCodeError(
                f"{self.place}: returned {returned}; allowed are floats of shape {shape}; {_given(arguments)}"
            )
        floats = np.asarray(result)
        if not self._seen and floats.size:
            given = [a for a in arguments if isinstance(a, np.ndarray) and a.dtype.kind == "f"]
            if all(np.isfinite(a).all() for a in given) and not np.isfinite(floats).all():
                raise self._not_finite(floats, what, arguments)
            self._seen = not what  # of several results every one is looked at; the caller says when all have been
        return floats

    def seen(self) -> None:
        """Note that all of several results have been looked at once."""
        self._seen = True

    def _not_finite(self, result: Array, what: str, arguments: Sequence[Any]) -> OwnCodeError:
        at = tuple(int(i[0]) for i in np.nonzero(~np.isfinite(result)))
        beside = [str(a[at]) for a in arguments if isinstance(a, np.ndarray) and a.shape == result.shape]
        where = f" where it was given {', '.join(beside)}" if beside else ""
        return OwnCodeError(
            f"{self.place}: returned {what and what + ' with '}{result[at]}{where}; allowed are finite numbers; "
            f"{_given(arguments)}"
        )

    def _place(self, error: BaseException) -> str:
        """Return "file, line 7: " for the last line of the function's file that the error came through."""
        line, trace = None, error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == self._file:
                line = trace.tb_lineno
            trace = trace.tb_next
        return f"{Path(self._file).name}, line {line}: " if self._file and line else ""


def read_only(array: Array) -> Array:
    """Return a view of an array that raises where it is changed."""
    view = array.view()
    view.flags.writeable = False
    return view


def _given(arguments: Sequence[Any]) -> str:
    return f"it was given {', '.join(map(described, arguments))}"


def described(value: Any) -> str:
    """Return an array as "float32 (128, 20)", and anything else as Python shows it, not too long."""
    if isinstance(value, np.ndarray | np.generic):
        return f"{value.dtype} {value.shape}"
    if isinstance(value, tuple) and any(isinstance(one, np.ndarray) for one in value):
        return f"a tuple of {', '.join(map(described, value))}"
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 40 else text[:39] + '…'}"
