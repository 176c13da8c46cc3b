"""The costs that can be trained, each as its derivative by the last layer's z.

The same mathematics, plainly: ``nn/plain.py``. With t the target of an image (1 for its class, else 0; for tanh outputs
−1), and a = f(z) the outputs,

    cross_entropy, softmax      C = −ln a[y]                               ∂C/∂z = a − t
    cross_entropy, sigmoid      C = −Σ (t ln a + (1 − t) ln(1 − a))        ∂C/∂z = a − t
    mse                         C = ½ Σ (a − t)²                           ∂C/∂z = f′(z)ᵀ (a − t)

(Nielsen, ch. 1 eq. 6, ch. 3 eq. 63; Rumelhart, Hinton & Williams 1986). Whatever is trained, a run reports
``network.cross_entropy``.
"""

from collections.abc import Callable

import numpy as np

from npdigits.base.arrays import Array
from npdigits.nn.activations import sigmoid, tanh

# (z, y, rows): turns the last layer's z, shape (B, classes), into ∂C/∂z of each image, in place. y are the labels,
# shape (B,), and rows is 0 … B−1.
Derivative = Callable[[Array, Array, Array], None]


def softmax(z: Array) -> None:
    """Turn logits into probabilities e^z / Σ e^z, row by row and in place.

    The row's maximum is subtracted first, which changes nothing but keeps e^z ≤ 1: logits of ±10⁴ are fine.
    """
    z -= np.maximum.reduce(z, axis=1, keepdims=True)
    np.exp(z, out=z)
    z /= np.add.reduce(z, axis=1, keepdims=True)


def softmax_cross_entropy(z: Array, y: Array, rows: Array) -> None:
    """∂C/∂z = a − t: softmax and cross-entropy as one step."""
    softmax(z)
    z[rows, y] -= 1


def softmax_mse(z: Array, y: Array, rows: Array) -> None:
    """∂C/∂z = a·(e − Σ a·e) with e = a − t, as ∂aᵢ/∂zⱼ = aᵢ·(δᵢⱼ − aⱼ)."""
    softmax(z)
    a = z.copy()
    z[rows, y] -= 1
    z -= np.add.reduce(a * z, axis=1, keepdims=True)
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


# (output, cost) -> derivative
COSTS: dict[tuple[str, str], Derivative] = {
    ("softmax", "cross_entropy"): softmax_cross_entropy,
    ("softmax", "mse"): softmax_mse,
    ("sigmoid", "cross_entropy"): sigmoid_cross_entropy,
    ("sigmoid", "mse"): sigmoid_mse,
    ("tanh", "mse"): tanh_mse,
}
