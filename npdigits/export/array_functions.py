"""What NumPy's functions are in terms of the operations that an expression has (``export/expression.py``).

Here they are named, and the others written by them; ``export/tracing.py`` hands over what stands for an array.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from npdigits.export.expression import OPERATIONS, UntraceableError

# Of truth values NumPy's sum is "or", and its product "and".
OF_FLAGS = {
    **{"add": "logical_or", "maximum": "logical_or", "bitwise_or": "logical_or"},
    **{"multiply": "logical_and", "minimum": "logical_and", "bitwise_and": "logical_and", "invert": "logical_not"},
}


def operation_of(name: str, flags: bool) -> str | None:
    """Return the operation that a function of NumPy's is; None if there is none.

    Args:
        name: of the function.
        flags: whether all of its operands are true or false.
    """
    if flags and name in OF_FLAGS:
        return OF_FLAGS[name]
    return name if name in OPERATIONS else None


def _logaddexp(x: Any, y: Any) -> Any:
    """ln(e^x + e^y) = max(x, y) + ln(1 + e^(−|x − y|)), which cannot overflow."""
    return np.maximum(x, y) + np.log1p(np.exp(-abs(x - y)))


# name of an elementwise function -> the same, in terms of others
REWRITTEN: dict[str, Callable[..., Any]] = {
    "positive": lambda x: x.copy(),
    "fabs": lambda x: abs(x),
    "square": lambda x: x * x,
    "reciprocal": lambda x: 1 / x,
    "float_power": lambda x, y: x**y,
    "exp2": lambda x: 2**x,
    "log2": lambda x: np.log(x) * (1 / math.log(2)),
    "log10": lambda x: np.log(x) * (1 / math.log(10)),
    "logaddexp": _logaddexp,
    "cbrt": lambda x: np.sign(x) * abs(x) ** (1 / 3),
    "heaviside": lambda x, at_0: np.where(x < 0, 0, np.where(x > 0, 1, np.where(x == 0, at_0, x))),
    "not_equal": lambda x, y: ~(x == y),
    "logical_xor": lambda x, y: (x != 0) != (y != 0),
    "isnan": lambda x: x != x,
    "isinf": lambda x: abs(x) == math.inf,
    "isfinite": lambda x: abs(x) < math.inf,
}


def _where(like: Any, condition: Any, *branches: Any) -> Any:
    if len(branches) != 2:
        raise UntraceableError("np.where without values")
    return like.apply("where", condition, *branches)


def _clip(
    like: Any,
    a: Any,
    a_min: Any = None,
    a_max: Any = None,
    out: Any = None,
    *,
    min: Any = None,
    max: Any = None,
) -> Any:
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    if low is not None:
        a = np.maximum(a, low)
    if high is not None:
        a = np.minimum(a, high)
    return np.positive(a, out=out)


def _copyto(like: Any, dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    np.positive(src, out=dst, where=where)


def _full_like(like: Any, a: Any, fill_value: Any, dtype: Any = None, **_: Any) -> Any:
    filled = like.constant(0.0) + fill_value
    return filled if dtype is None else filled.astype(dtype)


def _select(like: Any, condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    result = default
    for condition, choice in reversed([*zip(condlist, choicelist, strict=True)]):
        result = like.apply("where", condition, choice, result)
    return result


def _piecewise(like: Any, x: Any, condlist: Any, funclist: Sequence[Any], *args: Any, **kw: Any) -> Any:
    conditions = [*condlist] if isinstance(condlist, list | tuple) else [condlist]
    values = [one(x, *args, **kw) if callable(one) else one for one in funclist]
    if len(values) not in (len(conditions), len(conditions) + 1):
        raise UntraceableError("np.piecewise with another number of functions than of conditions")
    result = values.pop() if len(values) > len(conditions) else 0.0
    for condition, value in zip(conditions, values, strict=True):  # of several that are true the last one counts
        result = like.apply("where", condition, value, result)
    return result


# name of a function of whole arrays -> the same; `like` is the array that was found among its arguments
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "where": _where,
    "clip": _clip,
    "copy": lambda like, a, **_: a.copy(),
    "copyto": _copyto,
    "full_like": _full_like,
    "zeros_like": lambda like, a, **named: _full_like(like, a, 0.0, **named),
    "ones_like": lambda like, a, **named: _full_like(like, a, 1.0, **named),
    "empty_like": lambda like, a, **named: _full_like(like, a, math.nan, **named),
    "select": _select,
    "piecewise": _piecewise,
    "shape": lambda like, a: a.shape,
    "ndim": lambda like, a: a.ndim,
}
