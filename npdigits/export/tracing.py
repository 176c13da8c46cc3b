"""Reading a formula off a Python function: f is called once with an object in z's place that notes what is done to it.

The object is what NumPy's dispatch protocols are for: its operators and NumPy's functions of it arrive in
``__array_ufunc__`` (NEP 13) and ``__array_function__`` (NEP 18). An in-place change (``out=z``, ``a *= 2``,
``a[z < 0] = …``) changes the noted expression of that object, so that other names of it see the change, as with arrays.
"""

import reprlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from npdigits.base.text import join_lines
from npdigits.export.array_functions import FUNCTIONS, REWRITTEN, operation_of
from npdigits.export.expression import Node, UntraceableError, Z, as_number, call, constant, steps

# More operations than this are no activation, and a loop that went wrong.
MOST_STEPS = 2000


class Traced(np.lib.mixins.NDArrayOperatorsMixin):
    """What stands for an array while a function is traced.

    Attributes:
        node: the expression of the array's elements.
        mask: where this is ``a[mask]``, the expression of the mask; else None.
        dtype: of z, as the function may ask for it.
    """

    shape, ndim, size = (1, 1), 2, 1

    def __init__(self, node: Node, dtype: np.dtype[Any], mask: Node | None = None) -> None:
        self.node, self.dtype, self.mask = node, dtype, mask

    # --- what NumPy asks of it

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, out: tuple[Any, ...] = (), where: Any = True, **rest: Any
    ) -> "Traced":
        name = ufunc.__name__
        if method != "__call__":
            raise UntraceableError(f"np.{name}.{method}")
        if getattr(np, name, None) is not ufunc:
            raise UntraceableError(f"the function {name}, which is not NumPy's,")
        if set(rest) - {"dtype", "casting"}:
            raise UntraceableError(f"np.{name} with {', '.join(rest)}=")
        made = self.apply(name, *inputs)
        target = out[0] if out else None
        if target is None and where is True:
            return made
        if not isinstance(target, Traced):
            raise UntraceableError(f"np.{name} with where= or out=, but without an array like z as out=")
        target.node = made.node if where is True else call("where", self._node(where), made.node, self._node(target))
        return target

    def __array_function__(self, function: Any, types: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        name = getattr(function, "__name__", str(function))
        if name not in FUNCTIONS or getattr(np, name, None) is not function:
            raise UntraceableError(f"{function.__module__}.{name}".replace("numpy.", "np.", 1))
        return FUNCTIONS[name](self, *args, **kwargs)

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise UntraceableError("np.asarray(z), or a function that makes an array of z,")

    # --- what Python asks of it

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise UntraceableError(f"z.{name}")

    def __bool__(self) -> bool:
        raise UntraceableError("an if, and, or, or max of z's values (instead: np.where, &, |, np.maximum)")

    def __float__(self) -> float:
        raise UntraceableError("a function of single numbers, as math.exp (instead: np.exp)")

    __int__ = __index__ = __complex__ = __float__

    def __iter__(self) -> Any:
        raise UntraceableError("a loop over z's elements")

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> "Traced":
        if self._is_everything(key):
            return self
        return Traced(self.node, self.dtype, self._mask(key))

    def __setitem__(self, key: Any, value: Any) -> None:
        if self._is_everything(key):
            self.node = self._node(value)
            return
        mask = self._mask(key)
        if isinstance(value, Traced) and (value.mask is None or value.mask.key != mask.key):
            raise UntraceableError("z[…] = values of another part of z")
        self.node = call("where", mask, _node_of(value), self.node)

    # --- methods of arrays

    def copy(self, order: str = "C") -> "Traced":
        """Return another array of the same elements."""
        return self.like(self.node)

    def astype(self, dtype: Any, **_: Any) -> "Traced":
        """Return the same elements: an export computes all of them in one type."""
        wanted = np.dtype(dtype)
        if wanted.kind == "b":
            return self.like(call("logical_not", call("equal", as_number(self.node), constant(0.0))))
        if (wanted.kind != "f" or wanted.itemsize < 4) and not (wanted.kind in "iu" and self.node.kind == "b"):
            raise UntraceableError(f"z.astype({wanted.name})")
        return self.like(as_number(self.node))

    def clip(self, *args: Any, **kwargs: Any) -> Any:
        """Return the elements between two limits."""
        return FUNCTIONS["clip"](self, self, *args, **kwargs)

    # --- how expressions are made

    def like(self, node: Node) -> "Traced":
        """Return another array of this one's type and part of z."""
        return Traced(node, self.dtype, self.mask)

    def constant(self, value: float | bool) -> "Traced":
        """Return an array like this one, filled with one value."""
        return self.like(constant(value))

    def apply(self, name: str, *operands: Any) -> "Traced":
        """Return what an elementwise function of NumPy makes of operands, each an array like this one or a number.

        Raises:
            UntraceableError: an expression cannot have it.
        """
        nodes = [self._node(one) for one in operands]
        if name in REWRITTEN:
            return self.like(REWRITTEN[name](*map(self.like, nodes)).node)
        operation = operation_of(name, all(one.kind == "b" for one in nodes))
        if operation is None:
            raise UntraceableError(f"np.{name}")
        return self.like(call(operation, *nodes))

    def _node(self, value: Any) -> Node:
        """Return an operand's expression.

        Raises:
            UntraceableError: it is another array, or another part of z.
        """
        if isinstance(value, Traced) and (value.mask is None) != (self.mask is None):
            raise UntraceableError("z[…] together with all of z")
        if isinstance(value, Traced) and value.mask and self.mask and value.mask.key != self.mask.key:
            raise UntraceableError("z[…] together with another part of z")
        return _node_of(value)

    def _is_everything(self, key: Any) -> bool:
        return key is Ellipsis or (isinstance(key, slice) and key == slice(None))

    def _mask(self, key: Any) -> Node:
        if self.mask is not None or not (isinstance(key, Traced) and key.node.kind == "b" and key.mask is None):
            raise UntraceableError("z[…] of single elements, rows or columns")
        return key.node


def _node_of(value: Any) -> Node:
    """Return the expression of an operand: something traced, or a number.

    Raises:
        UntraceableError: it is neither.
    """
    if isinstance(value, Traced):
        return value.node
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.item()
    if isinstance(value, bool | np.bool):
        return constant(bool(value))
    if isinstance(value, int | float | np.integer | np.floating):
        return constant(float(value))
    what = f"an array of shape {value.shape}" if isinstance(value, np.ndarray) else reprlib.repr(value)
    raise UntraceableError(f"{what} beside z")


def trace(function: Any, numbers: Mapping[str, Any], dtype: Any) -> Node:
    """Return the expression that a function computes of z.

    Args:
        function: f(z, **numbers), of arrays.
        numbers: its keyword arguments.
        dtype: of z.

    Raises:
        UntraceableError: says what is in the way.
    """
    if isinstance(function, type):
        raise UntraceableError("a class (instead: a function of z, which returns a)")
    z = Traced(Z, np.dtype(dtype))
    try:
        with np.errstate(all="ignore"):
            result = function(z, **numbers)
    except UntraceableError:
        raise
    except Exception as error:
        said = join_lines(f"{type(error).__name__}: {error}")
        raise UntraceableError(f"a function that raises {said} where z is no array") from error
    if not isinstance(result, Traced) or result.mask is not None:
        raise UntraceableError("a function that returns no array like z")
    root = as_number(result.node)
    nodes = steps(root)
    if all(one.operation != "input" for one in nodes):
        raise UntraceableError("a function that does not depend on z")
    if len(nodes) > MOST_STEPS:
        raise UntraceableError(f"a function of {len(nodes):,} operations (allowed are {MOST_STEPS:,})")
    return root
