"""An elementwise formula of z as an expression: input, constants, and operations of one fixed table.

How each operation is written, for NumPy, as text and as an ONNX operator, stands in its line of ``OPERATIONS``.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import UserError


class UntraceableError(UserError):
    """A function whose formula cannot be read off; the message says what is in the way, and what can be instead."""


@dataclass(frozen=True)
class Operation:
    """One operation on arrays, element by element.

    Attributes:
        takes: the kind of each operand, in one letter: "n" a number, "b" true or false.
        gives: the kind of the result.
        compute: what it is in NumPy.
        text: of operands {0}, {1} …: an expression that JavaScript and Python read alike, given ``NAMES``.
        onnx: its operator; "" where the table ``COMPOSED`` of ``export/composed.py`` says how it is made of others.
    """

    takes: str
    gives: str
    compute: Callable[..., Array]
    text: str
    onnx: str = ""


def _numbers(flags: Array) -> Array:
    """Return 1 for true and 0 for false."""
    return np.asarray(flags).astype(float)


OPERATIONS: dict[str, Operation] = {
    "add": Operation("nn", "n", np.add, "({0} + {1})", "Add"),
    "subtract": Operation("nn", "n", np.subtract, "({0} - {1})", "Sub"),
    "multiply": Operation("nn", "n", np.multiply, "({0} * {1})", "Mul"),
    "divide": Operation("nn", "n", np.divide, "({0} / {1})", "Div"),
    "power": Operation("nn", "n", np.power, "pow({0}, {1})", "Pow"),
    "maximum": Operation("nn", "n", np.maximum, "max({0}, {1})", "Max"),
    "minimum": Operation("nn", "n", np.minimum, "min({0}, {1})", "Min"),
    "negative": Operation("n", "n", np.negative, "(-{0})", "Neg"),
    "absolute": Operation("n", "n", np.absolute, "abs({0})", "Abs"),
    "sign": Operation("n", "n", np.sign, "sign({0})", "Sign"),
    "sqrt": Operation("n", "n", np.sqrt, "sqrt({0})", "Sqrt"),
    "exp": Operation("n", "n", np.exp, "exp({0})", "Exp"),
    "log": Operation("n", "n", np.log, "log({0})", "Log"),
    "tanh": Operation("n", "n", np.tanh, "tanh({0})", "Tanh"),
    "sin": Operation("n", "n", np.sin, "sin({0})", "Sin"),
    "cos": Operation("n", "n", np.cos, "cos({0})", "Cos"),
    "floor": Operation("n", "n", np.floor, "floor({0})", "Floor"),
    "ceil": Operation("n", "n", np.ceil, "ceil({0})", "Ceil"),
    "expm1": Operation("n", "n", np.expm1, "expm1({0})"),
    "log1p": Operation("n", "n", np.log1p, "log1p({0})"),
    "sinh": Operation("n", "n", np.sinh, "sinh({0})"),
    "cosh": Operation("n", "n", np.cosh, "cosh({0})"),
    "tan": Operation("n", "n", np.tan, "tan({0})"),
    "arctan": Operation("n", "n", np.arctan, "atan({0})"),
    "arcsinh": Operation("n", "n", np.arcsinh, "asinh({0})"),
    "greater": Operation("nn", "b", np.greater, "({0} > {1})", "Greater"),
    "greater_equal": Operation("nn", "b", np.greater_equal, "({0} >= {1})", "GreaterOrEqual"),
    "less": Operation("nn", "b", np.less, "({0} < {1})", "Less"),
    "less_equal": Operation("nn", "b", np.less_equal, "({0} <= {1})", "LessOrEqual"),
    "equal": Operation("nn", "b", np.equal, "({0} == {1})", "Equal"),
    "logical_and": Operation("bb", "b", np.logical_and, "both({0}, {1})", "And"),
    "logical_or": Operation("bb", "b", np.logical_or, "either({0}, {1})", "Or"),
    "logical_not": Operation("b", "b", np.logical_not, "neither({0})", "Not"),
    "where": Operation("bnn", "n", np.where, "where({0}, {1}, {2})", "Where"),
    "number": Operation("b", "n", _numbers, "number({0})", "Cast"),
}
# Text of more characters than this is given a name.
LONG = 100
# The names that the texts use, as Python reads them. To JavaScript they are members of Math or functions of
# page_files/own.js.
NAMES: dict[str, Any] = {
    **{name: getattr(np, name) for name in ("pow", "abs", "sign", "sqrt", "exp", "log", "tanh", "sin", "cos")},
    **{name: getattr(np, name) for name in ("floor", "ceil", "expm1", "log1p", "sinh", "cosh", "tan", "atan", "asinh")},
    **{"max": np.maximum, "min": np.minimum, "both": np.logical_and, "either": np.logical_or},
    **{"neither": np.logical_not, "where": np.where, "number": _numbers, "Infinity": np.inf, "NaN": np.nan},
    "__builtins__": {},
}


@dataclass(frozen=True, eq=False)
class Node:
    """A node of an expression: the input z, a constant, or an operation.

    Attributes:
        operation: a key of ``OPERATIONS``; "input" and "constant" are the other two.
        operands: nodes.
        value: of a constant, a float or a bool.
        key: a digest; nodes of one key compute the same.
    """

    operation: str
    operands: tuple["Node", ...] = ()
    value: float | bool = 0.0
    key: str = ""

    @property
    def kind(self) -> str:
        """ "n" or "b", as in ``Operation``."""
        if self.operation == "constant":
            return "b" if isinstance(self.value, bool) else "n"
        return "n" if self.operation == "input" else OPERATIONS[self.operation].gives


def _node(operation: str, operands: tuple[Node, ...] = (), value: float | bool = 0.0) -> Node:
    said = repr((operation, [one.key for one in operands], value))
    return Node(operation, operands, value, hashlib.sha256(said.encode()).hexdigest())


Z = _node("input")


def constant(value: float | bool) -> Node:
    """Return a constant."""
    return _node("constant", value=value)


def call(operation: str, *operands: Node) -> Node:
    """Return an operation on nodes, each turned into the kind that the operation takes; of constants, a constant."""
    takes = OPERATIONS[operation].takes
    nodes = tuple(_as_kind(one, kind) for one, kind in zip(operands, takes, strict=True))
    if all(one.operation == "constant" for one in nodes):
        with np.errstate(all="ignore"):
            return constant(OPERATIONS[operation].compute(*(one.value for one in nodes)).item())
    return _node(operation, nodes)


def _as_kind(node: Node, kind: str) -> Node:
    """Return a node as a number (true is 1), or as true or false (0 is false)."""
    if node.kind == kind:
        return node
    if node.operation == "constant":
        return constant(float(node.value) if kind == "n" else bool(node.value))
    return call("number", node) if kind == "n" else call("logical_not", call("equal", node, constant(0.0)))


def as_number(node: Node) -> Node:
    """Return a node as a number."""
    return _as_kind(node, "n")


def steps(root: Node) -> list[Node]:
    """Return all nodes that an expression needs, each once, operands first and the expression itself last."""
    found: dict[str, Node] = {}
    waiting = [root]  # no recursion: a loop over a formula nests it deeply
    while waiting:
        node = waiting[-1]
        missing = [one for one in node.operands if one.key not in found]
        waiting.extend(missing)
        if not missing:
            found.setdefault(node.key, node)
            waiting.pop()
    return list(found.values())


def evaluate(root: Node, z: Array) -> Array:
    """Return the value of an expression by NumPy, in z's type."""
    values: dict[str, Array] = {}
    for node in steps(root):
        if node.operation == "input":
            value: Any = z
        elif node.operation == "constant":
            value = node.value
        else:
            value = OPERATIONS[node.operation].compute(*(values[one.key] for one in node.operands))
        values[node.key] = np.asarray(value, z.dtype if node.kind == "n" else bool)
    return values[root.key]


def texts(root: Node) -> tuple[list[tuple[str, str]], str]:
    """Return an expression as text: steps with a name, (name, text) each, and the result's text, which uses the names.

    A step has a name where its result is used more than once, or its text grows long (parsers limit how deep it nests).
    The text is made of this module's own parts and of numbers. Python (with ``NAMES``) and JavaScript read it alike.
    """
    nodes = steps(root)
    used: dict[str, int] = {}
    for node in nodes:
        for one in node.operands:
            used[one.key] = used.get(one.key, 0) + 1
    named: list[tuple[str, str]] = []
    said: dict[str, str] = {}
    for node in nodes:
        said[node.key] = text = _text(node, said)
        if node.operation in OPERATIONS and node is not root and (used[node.key] > 1 or len(text) > LONG):
            said[node.key] = f"t{len(named) + 1}"
            named.append((said[node.key], text))
    return named, said[root.key]


def _text(node: Node, said: Mapping[str, str]) -> str:
    if node.operation == "input":
        return "z"
    if node.operation == "constant":
        return _number(float(node.value))
    return OPERATIONS[node.operation].text.format(*(said[one.key] for one in node.operands))


def _number(value: float) -> str:
    """Return a number as both languages read it: the shortest text that gives the same double."""
    return repr(value).replace("inf", "Infinity").replace("nan", "NaN")


def read_texts(named: Iterable[tuple[str, str]], text: str, z: Array) -> Array:
    """Return what the texts of ``texts`` compute, by NumPy."""
    names = {**NAMES, "z": z}
    for name, one in named:
        names[name] = eval(one, names)
    return np.asarray(eval(text, names))
