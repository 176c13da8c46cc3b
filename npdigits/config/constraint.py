"""Constraints of a race's space, ``parameters <= 16000``: conditions on a setting's keys, in a few of Python's words.

They are read by ``ast`` and evaluated here, never by Python itself, so that no text can do more than compare numbers.
"""

import ast
import operator
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from npdigits.base.errors import ConfigError
from npdigits.config.suggestions import suggestion
from npdigits.config.value_text import short_text

# The count of a setting's weights and biases.
PARAMETERS = "parameters"
LONGEST = 500
EXAMPLE = "'parameters <= 16000', 'sum(hidden) < 100 and l2 > 0'"
WORDS = {"true": True, "false": False, "null": None}
FUNCTIONS: dict[str, Callable[[Any], Any]] = {"len": len, "sum": sum, "min": min, "max": max}
ARITHMETIC: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
ORDER: dict[type, Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
SAME: dict[type, Callable[[Any, Any], bool]] = {ast.Eq: operator.eq, ast.NotEq: operator.ne}
MEMBER: dict[type, Callable[[Any, Any], bool]] = {
    ast.In: lambda x, among: x in among,
    ast.NotIn: lambda x, among: x not in among,
}


class _Unclear(ValueError):
    """A constraint cannot be read or evaluated; the message says why."""


@dataclass(frozen=True)
class Constraint:
    """One condition.

    Attributes:
        text: as typed.
        condition: its tree.
    """

    text: str
    condition: ast.expr

    @classmethod
    def of(cls, text: str, known: Sequence[str], components: Collection[str] = ()) -> "Constraint":
        """Read a condition.

        Args:
            text: as typed.
            known: the keys that it may name.
            components: names of own components, whose numbers it may name besides: "swish.beta".

        Raises:
            ConfigError: it is none.
        """
        try:
            if len(text) > LONGEST:
                raise _Unclear(f"allowed are at most {LONGEST} characters")
            try:
                condition = ast.parse(text.replace("≤", "<=").replace("≥", ">=").strip(), mode="eval").body
            except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
                raise _Unclear(f"cannot be read: allowed is a condition such as {EXAMPLE}") from error
            names = _names(condition)
            if not set(names) - set(WORDS):
                raise _Unclear(f"names no key: allowed is a condition such as {EXAMPLE}")
            for name in names:
                if name not in (*known, PARAMETERS, *WORDS) and name.partition(".")[0] not in components:
                    raise _Unclear(f"there is no key {name}{suggestion(name, (*known, PARAMETERS))}")
        except _Unclear as error:
            raise ConfigError(f"race.where={short_text(text)}: {error}") from None
        return cls(text, condition)

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that it names, in the order in which it does."""
        return tuple(dict.fromkeys(name for name in _names(self.condition) if name not in (*WORDS, PARAMETERS)))

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Say whether values fulfil it.

        Args:
            values: of the keys, and ``parameters``; a key that is not there is null.

        Raises:
            ConfigError: it is no condition on such values.
        """
        try:
            return _truth(self.condition, values)
        except _Unclear as error:
            given = ", ".join(f"{key}={short_text(values.get(key))}" for key in self.keys)
            raise ConfigError(
                f"race.where={short_text(self.text)}: {error}{f'; a setting has {given}' if given else ''}"
            ) from None


def _names(condition: ast.AST) -> list[str]:
    """Return the keys that a tree names, and the words; refuse what is in no condition of ours."""
    name = _dotted(condition)
    if name:
        return [name]
    if isinstance(condition, ast.Call):
        function = condition.func.id if isinstance(condition.func, ast.Name) else ""
        if function not in FUNCTIONS or len(condition.args) != 1 or condition.keywords:
            raise _Unclear(f"allowed functions are {', '.join(f'{one}(key)' for one in FUNCTIONS)}")
        return _names(condition.args[0])
    if isinstance(condition, ast.Constant) and type(condition.value) in (int, float, str, bool, type(None)):
        return []
    if isinstance(condition, ast.BinOp) and type(condition.op) not in ARITHMETIC:
        raise _Unclear("allowed are + − * / // %, written with + and -")
    if isinstance(condition, ast.UnaryOp) and not isinstance(condition.op, ast.Not | ast.USub | ast.UAdd):
        raise _Unclear("allowed are not, + and -")
    if isinstance(condition, ast.Compare) and not all(type(op) in (ORDER | SAME | MEMBER) for op in condition.ops):
        raise _Unclear("allowed are < <= > >= == != in")
    if not isinstance(condition, ast.BoolOp | ast.BinOp | ast.UnaryOp | ast.Compare | ast.List | ast.Tuple):
        raise _Unclear(f"cannot be read: allowed is a condition such as {EXAMPLE}")
    below = (one for one in ast.iter_child_nodes(condition) if isinstance(one, ast.expr))
    return [name for one in below for name in _names(one)]


def _dotted(node: ast.AST) -> str:
    """Return the key that a node names, "swish.beta"; "" if it names none."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (above := _dotted(node.value)):
        return f"{above}.{node.attr}"
    return ""


def _truth(node: ast.AST, values: Mapping[str, Any]) -> bool:
    """Return the value of a condition."""
    result = _value(node, values)
    if type(result) is not bool:
        raise _Unclear(f"{ast.unparse(node)} is no condition, such as {EXAMPLE}")
    return result


def _value(node: ast.AST, values: Mapping[str, Any]) -> Any:
    """Return the value of a tree that ``_names`` has let pass."""
    if name := _dotted(node):
        return WORDS[name] if name in WORDS else values.get(name)
    match node:
        case ast.Constant():
            return node.value
        case ast.List() | ast.Tuple():
            return [_value(one, values) for one in node.elts]
        case ast.Call(func=ast.Name(id=function)):
            return _call(function, _value(node.args[0], values))
        case ast.BoolOp():
            of = all if isinstance(node.op, ast.And) else any
            return of(_truth(one, values) for one in node.values)
        case ast.UnaryOp(op=ast.Not()):
            return not _truth(node.operand, values)
        case ast.UnaryOp():
            number = _number(node.operand, values)
            return -number if isinstance(node.op, ast.USub) else number
        case ast.BinOp():
            try:
                return ARITHMETIC[type(node.op)](_number(node.left, values), _number(node.right, values))
            except (ZeroDivisionError, OverflowError) as error:
                raise _Unclear(f"{ast.unparse(node)}: {error}") from error
        case ast.Compare():
            sides = [_value(one, values) for one in (node.left, *node.comparators)]
            return all(_compare(type(op), *sides[i : i + 2]) for i, op in enumerate(node.ops))
    raise AssertionError(node)


def _call(function: str, given: Any) -> Any:
    """Return the length, the sum, the least or the largest of a list of numbers."""
    listed = isinstance(given, list | tuple) and all(type(one) in (int, float) for one in given)
    if not listed or (function in ("min", "max") and not given):
        raise _Unclear(f"{function}(…) is of a list of numbers, not of {short_text(given)}")
    return FUNCTIONS[function](given)


def _number(node: ast.AST, values: Mapping[str, Any]) -> Any:
    """Return the value of a node that is a number."""
    value = _value(node, values)
    if type(value) not in (int, float):
        raise _Unclear(f"{ast.unparse(node)} is no number")
    return value


def _compare(op: type, left: Any, right: Any) -> bool:
    """Compare two values; numbers alone have an order."""
    if op in MEMBER:
        if not isinstance(right, list | tuple):
            raise _Unclear("allowed behind `in` is a list, such as [1,2]")
        return MEMBER[op](left, right)
    if op in SAME:
        # A tuple of the configuration is the list that one types.
        pair = [list(one) if isinstance(one, tuple) else one for one in (left, right)]
        return SAME[op](*pair)
    if not all(type(one) in (int, float) for one in (left, right)):
        other = next(one for one in (left, right) if type(one) not in (int, float))
        raise _Unclear(f"{short_text(other)} is no number, so nothing is above or below it")
    return ORDER[op](left, right)
