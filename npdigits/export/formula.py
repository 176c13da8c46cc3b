"""The user's own activation as a formula that can be written elsewhere: as JavaScript, as ONNX nodes."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.text import join_lines
from npdigits.export.composed import COMPOSED
from npdigits.export.expression import OPERATIONS, Node, UntraceableError, call, evaluate, read_texts, steps, texts
from npdigits.export.tracing import Traced, trace

# Where a formula is compared with its function: near and far, on both sides of 0, and of sizes that nobody thinks of.
NEAR = np.linspace(-12, 12, 193)
FAR = [0.0, -0.0, 1e-310, -1e-310, 1e-30, -1e-30, 1e-5, -1e-5, 25, -25, 90, -90, 400, -400, 1e4, -1e4]
GRID = np.concatenate([NEAR, FAR, [1 / 3] * 3]).reshape(53, 4)
# Both compute the same operations in float64, but for some that are rewritten.
RELATIVE, ABSOLUTE = 1e-6, 1e-9


@dataclass(frozen=True)
class Formula:
    """An activation's formula.

    Attributes:
        root: its expression.
    """

    root: Node

    def __call__(self, z: Array) -> Array:
        """Return a = f(z), in z's type."""
        with np.errstate(all="ignore"):  # also of parts that np.where does not choose
            return evaluate(self.root, z)

    def javascript(self) -> str:
        """Return the body of a function of z, in JavaScript, for page_files/own.js.

        It is made of parts of our own and of numbers; nothing in it was typed by a user.
        """
        named, text = texts(self.root)
        return "".join(f"const {name} = {one}; " for name, one in named) + f"return {text};"

    def read_javascript(self, z: Array) -> Array:
        """Return what the text of ``javascript`` computes, read by Python."""
        with np.errstate(all="ignore"):
            return read_texts(*texts(self.root), z)

    def onnx_nodes(self, z: str, a: str, dtype: Any) -> tuple[list[Any], dict[str, Array]]:
        """Return the nodes that compute a from z, and their constants by name.

        Args:
            z, a: names of the tensors; further names begin with a's.
            dtype: of z, a and the constants: float32 or float64.
        """
        from onnx import helper

        root = _composed(self.root)
        nodes: list[Any] = []
        constants: dict[str, Array] = {}
        names: dict[str, str] = {}
        for i, node in enumerate(steps(root)):
            names[node.key] = z if node.operation == "input" else f"{a}_{i}"
            if node.operation == "constant":
                with np.errstate(over="ignore"):
                    constants[names[node.key]] = np.array(node.value, dtype if node.kind == "n" else bool)
            elif node.operation != "input":
                inputs, operator = [names[one.key] for one in node.operands], OPERATIONS[node.operation].onnx
                nodes.append(helper.make_node(operator, inputs, [names[node.key]]))
                if operator == "Cast":
                    to = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
                    nodes[-1].attribute.append(helper.make_attribute("to", to))
        nodes.append(helper.make_node("Identity", [names[root.key]], [a]))
        return nodes, constants


def _composed(root: Node) -> Node:
    """Return an expression in which every operation is an operator of ONNX."""
    made: dict[str, Node] = {}
    for node in steps(root):
        operands = tuple(made[one.key] for one in node.operands)
        if node.operation in COMPOSED:
            traced = COMPOSED[node.operation](*(Traced(one, np.dtype(float)) for one in operands)).node
            made[node.key] = _composed(traced)  # sinh needs expm1
        elif node.operands:
            made[node.key] = call(node.operation, *operands)
        else:
            made[node.key] = node
    return made[root.key]


def own_formula(
    function: Callable[..., Any], numbers: Mapping[str, Any] | Iterable[tuple[str, Any]] = (), dtype: Any = np.float64
) -> Formula:
    """Return the formula of an activation that a user wrote.

    Args:
        function: f(z, **numbers), which returns a.
        numbers: its keyword arguments, by name or in pairs.
        dtype: of the z that it will be given, for functions that ask for it.

    Raises:
        UntraceableError: it has none that can be read off, or is not what was read off.
    """
    given = dict(numbers)
    formula, in_float64 = (Formula(trace(function, given, one)) for one in (dtype, np.float64))
    _refuse_another(function, given, in_float64)
    return formula


def _refuse_another(function: Callable[..., Any], numbers: Mapping[str, Any], formula: Formula) -> None:
    """Refuse a formula that is not the function: it was read off one call, and may depend on what z was there.

    Raises:
        UntraceableError: they differ somewhere on ``GRID``.
    """
    try:
        with np.errstate(all="ignore"):
            theirs = np.asarray(function(GRID.copy(), **numbers), float)
    except Exception as error:
        said = join_lines(f"{type(error).__name__}: {error}")
        raise UntraceableError(f"a function that raises {said}") from error
    ours = formula(GRID)
    if theirs.shape != ours.shape:
        raise UntraceableError(f"a function that returns shape {theirs.shape} of {ours.shape}")
    with np.errstate(all="ignore"):
        off = ~np.isclose(ours, theirs, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True)
    if off.any():
        z, a, b = (float(one[off][0]) for one in (GRID, theirs, ours))
        raise UntraceableError(
            f"a function that is no formula of each z alone (of z = {z:g} it makes {a:g}, not {b:g})"
        )
