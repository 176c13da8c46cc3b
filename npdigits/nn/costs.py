"""The costs that can be trained, each as its value and as its derivative, both from the last layer's z.

The same mathematics, plainly: ``nn/plain.py``. With t the target of an image (1 for its class, else 0; for tanh outputs
−1), and a = f(z) the outputs,

    cross_entropy, softmax      C = −ln a[y]                               ∂C/∂z = a − t
    cross_entropy, sigmoid      C = −Σ (t ln a + (1 − t) ln(1 − a))        ∂C/∂z = a − t
    mse                         C = ½ Σ (a − t)²                           ∂C/∂z = f′(z)ᵀ (a − t)

(Nielsen, ch. 1 eq. 6, ch. 3 eq. 63; Rumelhart, Hinton & Williams 1986). Whatever is trained, a run reports
``network.cross_entropy``. Training needs the derivatives alone. The values are what these are checked by
(``gradient_check``), so they keep their digits also where C is small: no probability is rounded to 1 and then taken
from 1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from npdigits.base.arrays import Array
from npdigits.nn.activations import sigmoid, tanh
from npdigits.nn.matmul import Operation

# (z, y): returns C of each image, shape (B,), float64, from the last layer's z, shape (B, classes), and the labels y,
# shape (B,). Changes neither.
Value = Callable[[Array, Array], Array]
# (z, y, rows): turns the last layer's z, shape (B, classes), into ∂C/∂z of each image, in place. y are the labels,
# shape (B,), and rows is 0 … B−1.
Derivative = Callable[[Array, Array, Array], None]


@dataclass(frozen=True)
class Cost:
    """A cost that can be trained.

    Attributes:
        value: ``value(z, y)`` is C of each image.
        derivative: ``derivative(z, y, rows)`` turns z into ∂C/∂z, in place.
    """

    value: Value
    derivative: Derivative

    def plan_derivative(self, z: Array, y: Array, rows: Array) -> list[Operation]:
        """Return the operations that turn z into ∂C/∂z, each time that they are carried out."""
        plan = PLANS.get(self.derivative)
        return plan(z, y) if plan else [partial(self.derivative, z, y, rows)]


def softmax(z: Array) -> None:
    """Turn logits into probabilities e^z / Σ e^z, row by row and in place.

    The row's maximum is subtracted first, which changes nothing but keeps e^z ≤ 1: logits of ±10⁴ are fine.
    """
    z -= np.maximum.reduce(z, axis=1, keepdims=True)
    np.exp(z, out=z)
    z /= row_sums(z)


def row_sums(z: Array) -> Array:
    """Return Σ of each row, shape (B, 1), added up from class to class, whether there is one image or many.

    z lies in memory by class. NumPy adds up a single row in another order, and an image would have other bits alone.
    """
    if len(z) == 1:
        return np.add.accumulate(z, axis=1)[:, -1:]
    sums: Array = np.add.reduce(z, axis=1, keepdims=True)
    return sums


def softmax_cross_entropy(z: Array, y: Array, rows: Array) -> None:
    """∂C/∂z = a − t: softmax and cross-entropy as one step."""
    softmax(z)
    z[rows, y] -= 1


def plan_softmax_cross_entropy(z: Array, y: Array) -> list[Operation]:
    """The same with its arguments bound, class by class: z is a view of memory of shape (classes, B)."""
    by_class = z.T
    of_row = np.empty(len(z), z.dtype)
    targets, t = np.eye(len(by_class), dtype=z.dtype), np.empty(by_class.shape, z.dtype)
    if len(z) > 1:
        add_up, sums = partial(np.add.reduce, by_class, 0, None, of_row), of_row
    else:  # as in ``row_sums``
        running = np.empty_like(by_class)
        add_up, sums = partial(np.add.accumulate, by_class, 0, None, running), running[-1]
    return [
        partial(np.maximum.reduce, by_class, 0, None, of_row),
        partial(np.subtract, by_class, of_row, by_class),
        partial(np.exp, by_class, by_class),
        add_up,
        partial(np.divide, by_class, sums, by_class),
        partial(targets.take, y, 1, t, "clip"),
        partial(np.subtract, by_class, t, by_class),
    ]


def softmax_mse(z: Array, y: Array, rows: Array) -> None:
    """∂C/∂z = a·(e − Σ a·e) with e = a − t, as ∂aᵢ/∂zⱼ = aᵢ·(δᵢⱼ − aⱼ)."""
    softmax(z)
    a = z.copy("K")  # in the order of z, as ``row_sums`` needs it
    z[rows, y] -= 1
    z -= row_sums(a * z)
    z *= a


def sigmoid_cross_entropy(z: Array, y: Array, rows: Array) -> None:
    """∂C/∂z = a − t."""
    sigmoid().apply(z)
    z[rows, y] -= 1


def sigmoid_mse(z: Array, y: Array, rows: Array) -> None:
    """∂C/∂z = (a − t)·a·(1 − a)."""
    sigmoid().apply(z)
    a = z.copy()
    z[rows, y] -= 1
    sigmoid().backward(z, a)


def tanh_mse(z: Array, y: Array, rows: Array) -> None:
    """∂C/∂z = (a − t)·(1 − a²), with targets ±1."""
    tanh().apply(z)
    a = z.copy()
    z += 1
    z[rows, y] -= 2
    tanh().backward(z, a)


def softmax_cross_entropy_value(z: Array, y: Array) -> Array:
    """C = −ln a[y] = (max z − z[y]) + ln(1 + Σ e^(z − max z)), where the sum leaves out the maximum."""
    z = z.astype(np.float64)
    rows, top = np.arange(len(z)), z.argmax(axis=1)
    largest = z[rows, top]
    others = np.exp(z - largest[:, None])
    others[rows, top] = 0
    value: Array = (largest - z[rows, y]) + np.log1p(others.sum(axis=1))
    return value


def softmax_mse_value(z: Array, y: Array) -> Array:
    """C = ½ Σ (a − t)², with 1 − a[y] as the sum of the other outputs."""
    a = z.astype(np.float64)
    softmax(a)
    rows = np.arange(len(a))
    a[rows, y] = 0
    a[rows, y] = a.sum(axis=1)
    value: Array = 0.5 * np.square(a).sum(axis=1)
    return value


def sigmoid_cross_entropy_value(z: Array, y: Array) -> Array:
    """C = Σ ln(1 + e^(±z)): −z for the class, z for the others."""
    value: Array = np.logaddexp(0, _away_from_target(z, y)).sum(axis=1)
    return value


def sigmoid_mse_value(z: Array, y: Array) -> Array:
    """C = ½ Σ σ(±z)², as |a − t| = σ(−z) for the class and σ(z) for the others."""
    value: Array = 0.5 * np.exp(2 * _log_sigmoid(_away_from_target(z, y))).sum(axis=1)
    return value


def tanh_mse_value(z: Array, y: Array) -> Array:
    """C = ½ Σ (2·σ(±2z))², as 1 − tanh z = 2·σ(−2z)."""
    value: Array = 2 * np.exp(2 * _log_sigmoid(2 * _away_from_target(z, y))).sum(axis=1)
    return value


def _away_from_target(z: Array, y: Array) -> Array:
    """Return −z for the class and z for the others, in float64: the larger, the farther a is from t."""
    away = z.astype(np.float64)
    away[np.arange(len(away)), y] *= -1
    return away


def _log_sigmoid(z: Array) -> Array:
    """Return ln σ(z) = −ln(1 + e^(−z))."""
    value: Array = -np.logaddexp(0, -z)
    return value


# Derivatives that are faster operation by operation -> (z, y) -> these, with their arguments bound.
PLANS: dict[Derivative, Callable[[Array, Array], list[Operation]]] = {softmax_cross_entropy: plan_softmax_cross_entropy}

# (output, cost) -> the cost
COSTS: dict[tuple[str, str], Cost] = {
    ("softmax", "cross_entropy"): Cost(softmax_cross_entropy_value, softmax_cross_entropy),
    ("softmax", "mse"): Cost(softmax_mse_value, softmax_mse),
    ("sigmoid", "cross_entropy"): Cost(sigmoid_cross_entropy_value, sigmoid_cross_entropy),
    ("sigmoid", "mse"): Cost(sigmoid_mse_value, sigmoid_mse),
    ("tanh", "mse"): Cost(tanh_mse_value, tanh_mse),
}
