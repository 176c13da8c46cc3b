"""The network: forward pass, cost and gradient, in NumPy alone.

Notation, with B images a batch and layers l = 1 … L: a⁰ = x the input, W of shape (nₗ, nₗ₋₁), b of shape (nₗ,),

    zˡ = aˡ⁻¹ Wˡᵀ + bˡ        (B, nₗ)
    aˡ = f(zˡ)                hidden layers
    p  = softmax(zᴸ)          output
    C  = −(1/B) Σ ln p[y]

The backward pass is the chain rule on these lines (Rumelhart, Hinton & Williams 1986; Nielsen, ch. 2, BP1–BP4).
"""

import copy
import itertools
from dataclasses import dataclass

import numpy as np

from npdigits import products
from npdigits.activations import Activation
from npdigits.memory import Array, aligned


class Parameters:
    """Weights and biases as named views of one flat buffer; a gradient has the same form.

    All weights come first and all biases after them, so that what concerns weights only (L2, weight decay) is one
    slice, and an optimizer is a few operations on one array.

    Attributes:
        flat: the buffer, shape (n,).
        weights: W¹ … Wᴸ, views of shape (nₗ, nₗ₋₁).
        biases: b¹ … bᴸ, views of shape (nₗ,).
        all_weights: the part of ``flat`` that holds the weights.
    """

    def __init__(self, sizes: tuple[int, ...], dtype: str = "float32") -> None:
        shapes = [(fan_out, fan_in) for fan_in, fan_out in itertools.pairwise(sizes)]
        n_weights = sum(rows * columns for rows, columns in shapes)
        self.sizes = sizes
        self.flat = aligned(n_weights + sum(sizes[1:]), dtype)
        self.all_weights: Array = self.flat[:n_weights]
        self.weights: list[Array] = []
        self.biases: list[Array] = []
        w, b = 0, n_weights
        for rows, columns in shapes:
            self.weights.append(self.flat[w : w + rows * columns].reshape(rows, columns))
            self.biases.append(self.flat[b : b + rows])
            w, b = w + rows * columns, b + rows

    def named(self) -> dict[str, Array]:
        """Return the views under the names of a checkpoint: W1, b1, W2, b2, …"""
        layers = enumerate(zip(self.weights, self.biases, strict=True), start=1)
        return {name: view for i, (w, b) in layers for name, view in ((f"W{i}", w), (f"b{i}", b))}


class Workspace:
    """The memory of one forward and backward pass of up to ``batch`` images, so that a step allocates nothing large.

    Attributes:
        activations: a¹ … aᴸ⁻¹ and zᴸ, arrays of shape (batch, nₗ).
        deltas: δ¹ … δᴸ⁻¹ = ∂C/∂z of the hidden layers, the same shapes. (δᴸ takes the place of zᴸ.)
        ones, rows: (1, …, 1) and 0 … batch−1.
        threads: of BLAS; with several, large products are left to it whole.
    """

    def __init__(self, sizes: tuple[int, ...], batch: int, dtype: str = "float32", threads: int = 1) -> None:
        self.threads = threads
        self.activations: list[Array] = [aligned((batch, n), dtype) for n in sizes[1:-1]]
        # The logits lie in memory by class, not by image: the maximum and the sum over ten classes then run along
        # the batch (the maximum of 128 rows of ten: 10 → 1.4 µs).
        self.activations.append(aligned((sizes[-1], batch), dtype).T)
        self.deltas: list[Array] = [aligned((batch, n), dtype) for n in sizes[1:-1]]
        self.ones: Array = np.ones(batch, dtype)
        self.rows: Array = np.arange(batch)
        self._smaller: dict[int, Workspace] = {batch: self}

    def first(self, n: int) -> "Workspace":
        """Return the same memory for n images: views, made once for each n, not sliced at every step."""
        if n not in self._smaller:
            view = copy.copy(self)
            view.activations = [array[:n] for array in self.activations]
            view.deltas = [array[:n] for array in self.deltas]
            view.ones, view.rows = self.ones[:n], self.rows[:n]
            self._smaller[n] = view
        return self._smaller[n]


@dataclass(frozen=True)
class Network:
    """A fully connected network with a softmax output.

    Attributes:
        parameters: what is learned.
        activation: f of the hidden layers.
        input_scale: s in a⁰ = s·x. Images come as bytes 0 … 255; with s = 1/255 folded into the first layer's
            product it is applied to B·n₁ numbers instead of B·784.
    """

    parameters: Parameters
    activation: Activation
    input_scale: float = 1.0

    def forward(self, x: Array, workspace: Workspace) -> Array:
        """Return the logits zᴸ of a batch x of shape (B, n₀): a view of the workspace, shape (B, nᴸ)."""
        a = x
        last = len(self.parameters.weights) - 1
        layers = zip(self.parameters.weights, self.parameters.biases, workspace.first(len(x)).activations, strict=True)
        for layer, (w, b, z) in enumerate(layers):
            products.forward(a, w, z, workspace.threads)
            if layer == 0 and self.input_scale != 1:
                z *= self.input_scale
            z += b
            if layer < last:
                self.activation.apply(z)
            a = z
        return a

    def gradient(self, x: Array, y: Array, gradient: Parameters, workspace: Workspace) -> None:
        """Write ∂C/∂W and ∂C/∂b of a batch's mean cross-entropy into ``gradient``; L2 is the optimizer's to add.

        Args:
            x: images, shape (B, n₀), of the parameters' dtype.
            y: class labels 0 … nᴸ−1, shape (B,).
            gradient: receives the result; every element is overwritten.
            workspace: memory for at least B images.
        """
        workspace = workspace.first(len(x))
        delta = self.forward(x, workspace)
        softmax(delta)
        delta[workspace.rows, y] -= 1  # δᴸ = (p − onehot(y)) / B: softmax and cross-entropy as one step
        delta /= len(x)
        for layer in reversed(range(len(self.parameters.weights))):
            a = workspace.activations[layer - 1] if layer else x
            np.dot(workspace.ones, delta, out=gradient.biases[layer])
            if layer == 0 and self.input_scale != 1:
                delta *= self.input_scale  # a⁰ = s·x
            products.gradient(delta, a, gradient.weights[layer], workspace.threads)
            if layer:
                previous = workspace.deltas[layer - 1]
                np.matmul(delta, self.parameters.weights[layer], out=previous)
                self.activation.backward(previous, a)
                delta = previous


def softmax(z: Array) -> None:
    """Turn logits into probabilities e^z / Σ e^z, row by row and in place.

    The row's maximum is taken off first, which changes nothing but keeps e^z ≤ 1: logits of ±10⁴ are fine.
    """
    z -= np.maximum.reduce(z, axis=1, keepdims=True)
    np.exp(z, out=z)
    z /= np.add.reduce(z, axis=1, keepdims=True)


def cross_entropy(logits: Array, y: Array) -> Array:
    """Return −ln softmax(z)[y] of every row, in nats: shape (B,), float64.

    Computed as ln Σ e^(z − max z) − (z[y] − max z), which stays finite where the probability itself would round to 0.
    """
    z = logits.astype(np.float64)
    z -= z.max(axis=1, keepdims=True)
    cost: Array = np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(y)), y]
    return cost
