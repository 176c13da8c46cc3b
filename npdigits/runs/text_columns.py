"""Text in pandas' columns, held as Python holds it."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import pandas as pd

_Asked = ParamSpec("_Asked")
_Answer = TypeVar("_Answer")


def held_by_python(function: Callable[_Asked, _Answer]) -> Callable[_Asked, _Answer]:
    """Return a function within which pandas holds text as Python does, whatever else is installed.

    Where pyarrow is, pandas 3 holds text by it, and refuses the names of files that are no UTF-8.
    """

    @functools.wraps(function)
    def held(*asked: _Asked.args, **named: _Asked.kwargs) -> _Answer:
        with pd.option_context("mode.string_storage", "python"):
            return function(*asked, **named)

    return held
