"""Operations that ONNX lacks, or ONNX Runtime lacks for float64, composed of those that both have.

They are plain functions of NumPy, which are traced themselves. Only operators that ONNX Runtime 1.17 and later compute
in float32 and float64 remain; of Sinh, Cosh, Tan, Atan and Asinh it has none for float64 (1.32).
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

# arctan is halved so often before its series is summed up, whose terms go up to y to this power.
HALVINGS, LAST_POWER = 3, 19


def expm1(x: Any) -> Any:
    """e^x − 1 = 2·t / (1 − t), t = tanh(x/2): near 0 it loses no digits; elsewhere as it is written."""
    t = np.tanh(0.5 * np.clip(x, -1, 1))
    return np.where(abs(x) < 1, 2 * t / (1 - t), np.exp(x) - 1)


def log1p(x: Any) -> Any:
    """ln(1 + x) = ln(u)·x/(u − 1), u = 1 + x as it is rounded: near 0 it loses no digits (Kahan; HP-15C, appendix)."""
    u = 1 + x
    rounded = u - 1
    near = np.where(rounded == 0, x, np.log(u) * x / np.where(rounded == 0, 1, rounded))
    return np.where(abs(x) < 0.5, near, np.log(u))


def sinh(x: Any) -> Any:
    """(e^x − e^(−x)) / 2."""
    return 0.5 * (np.expm1(x) - np.expm1(-x))


def cosh(x: Any) -> Any:
    """(e^x + e^(−x)) / 2."""
    return 0.5 * (np.exp(x) + np.exp(-x))


def arcsinh(x: Any) -> Any:
    """sign(x)·ln(1 + |x| + x²/(1 + √(1 + x²))); where x² could overflow sign(x)·ln(2·|x|)."""
    size = abs(x)
    square = size * size
    small = np.log1p(size + square / (1 + np.sqrt(1 + square)))
    return np.sign(x) * np.where(size < 1e9, small, np.log(size) + math.log(2))


def arctan(x: Any) -> Any:
    """arctan(x) = π/2 − arctan(1/x) and 2·arctan(x / (1 + √(1 + x²))), until Taylor's series is short."""
    size = abs(x)
    beyond = size > 1
    y = np.where(beyond, 1 / np.maximum(size, 1), size)
    for _ in range(HALVINGS):
        y = y / (1 + np.sqrt(1 + y * y))
    square, total = y * y, 0.0
    for power in range(LAST_POWER, 0, -2):  # y − y³/3 + y⁵/5 …, by Horner's rule
        total = 1 / power - square * total
    angle = 2**HALVINGS * y * total
    return np.sign(x) * np.where(beyond, math.pi / 2 - angle, angle)


# name of the operation -> what it is in terms of others
COMPOSED: dict[str, Callable[..., Any]] = {
    "expm1": expm1,
    "log1p": log1p,
    "sinh": sinh,
    "cosh": cosh,
    "tan": lambda x: np.sin(x) / np.cos(x),
    "arcsinh": arcsinh,
    "arctan": arctan,
}
