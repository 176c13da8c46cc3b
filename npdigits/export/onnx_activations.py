"""The activations as operators of ONNX (opset 17), for weights of float32 and of float64.

Where there is no operator of the name, or ONNX Runtime has none for float64 (Erf, Softplus), an activation is composed
of those that every runtime has for both.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from npdigits.base.arrays import Array
from npdigits.nn.erfc import CENTRE, powers


class Nodes:
    """The nodes of a graph, in their order, and the constants that they read.

    Args:
        dtype: of the weights.

    Attributes:
        list: the nodes.
        constants: arrays by name.
    """

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype
        self.list: list[Any] = []
        self.constants: dict[str, Array] = {}
        self._numbers: dict[float, str] = {}

    def add(self, operator: str, inputs: list[str], output: str = "", **attributes: Any) -> str:
        """Add a node, and return the name of its output."""
        from onnx import helper

        output = output or f"t{len(self.list)}"
        self.list.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def number(self, value: float) -> str:
        """Return the name of a constant, made when it is first asked for."""
        if value not in self._numbers:
            self._numbers[value] = f"number_{len(self._numbers)}"  # identifiers, as the format wants names to be
            self.constants[self._numbers[value]] = np.array(value, self.dtype)
        return self._numbers[value]


def _leaky_relu(nodes: Nodes, z: str, a: str, leak: float) -> None:
    if nodes.dtype == np.float64 and float(np.float32(leak)) != leak:  # an attribute is a float32
        nodes.constants["leak"] = np.array(leak, nodes.dtype)
        nodes.add("Max", [z, nodes.add("Mul", [z, "leak"], f"leaked_{z}")], a)
    else:
        nodes.add("LeakyRelu", [z], a, alpha=leak)


def _silu(nodes: Nodes, z: str, a: str) -> None:
    nodes.add("Mul", [z, nodes.add("Sigmoid", [z])], a)


def _softplus(nodes: Nodes, z: str, a: str) -> None:
    """max(z, 0) + ln(1 + e^(−|z|))."""
    power = nodes.add("Exp", [nodes.add("Neg", [nodes.add("Abs", [z])])])
    rest = nodes.add("Log", [nodes.add("Add", [power, nodes.number(1)])])
    nodes.add("Add", [nodes.add("Relu", [z]), rest], a)


def _gelu(nodes: Nodes, z: str, a: str) -> None:
    """½·z·(1 + erf(z/√2)); for float64 max(z, 0) − ½·|z|·erfc(|z|/√2), with ``nn.erfc`` written out."""
    if nodes.dtype == np.float32:
        erf = nodes.add("Erf", [nodes.add("Mul", [z, nodes.number(math.sqrt(0.5))])])
        share = nodes.add("Mul", [nodes.add("Add", [erf, nodes.number(1)]), nodes.number(0.5)])
        nodes.add("Mul", [z, share], a)
        return
    size = nodes.add("Abs", [z])
    x = nodes.add("Mul", [size, nodes.number(math.sqrt(0.5))])
    quotient = nodes.add("Div", [nodes.number(-2 * CENTRE), nodes.add("Add", [x, nodes.number(CENTRE)])])
    t = nodes.add("Add", [quotient, nodes.number(1)])
    last, *before = reversed(powers(nodes.dtype))
    r = nodes.number(last)
    for power in before:
        r = nodes.add("Add", [nodes.add("Mul", [r, t]), nodes.number(power)])
    decay = nodes.add("Exp", [nodes.add("Neg", [nodes.add("Mul", [x, x])])])
    divisor = nodes.add("Add", [nodes.add("Mul", [x, nodes.number(2)]), nodes.number(1)])
    erfc = nodes.add("Div", [nodes.add("Mul", [r, decay]), divisor])
    tail = nodes.add("Mul", [nodes.add("Mul", [size, nodes.number(0.5)]), erfc])
    nodes.add("Sub", [nodes.add("Relu", [z]), tail], a)


def _of(operator: str) -> Callable[[Nodes, str, str, float], Any]:
    return lambda nodes, z, a, leak: nodes.add(operator, [z], a)


# name -> function that adds the nodes which compute a from z, both given by name, and the leak
OPERATORS: dict[str, Callable[[Nodes, str, str, float], Any]] = {
    "leaky_relu": _leaky_relu,
    "relu": _of("Relu"),
    "tanh": _of("Tanh"),
    "sigmoid": _of("Sigmoid"),
    "identity": _of("Identity"),
    "gelu": lambda nodes, z, a, leak: _gelu(nodes, z, a),
    "silu": lambda nodes, z, a, leak: _silu(nodes, z, a),
    "softplus": lambda nodes, z, a, leak: _softplus(nodes, z, a),
}
