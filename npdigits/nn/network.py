"""The network: forward pass, cost and gradient, in NumPy alone.

The same mathematics, plainly: ``nn/plain.py``, which is to be read first.

Notation, with B images a batch and layers l = 1 … L: a⁰ = x the input, W of shape (nₗ, nₗ₋₁), b of shape (nₗ,),

    zˡ = aˡ⁻¹ Wˡᵀ + bˡ        (B, nₗ)
    aˡ = f(zˡ)                hidden layers; with dropout aˡ = f(zˡ)·mˡ
    p  = softmax(zᴸ)          output
    C  = −(1/B) Σ ln p[y]     or another cost (``costs``)

The backward pass is the chain rule on these lines (Rumelhart, Hinton & Williams 1986; Nielsen, ch. 2, BP1–BP4).

The units of a layer may be split between several workers (``workspace.LayerSplit``). Each computes its own units: some
rows of W, the same columns of z, a and δ. Where a product needs the whole layer, the split completes it.
"""

import itertools
from dataclasses import dataclass

import numpy as np

from npdigits.base.arrays import Array, shared
from npdigits.nn import matmul
from npdigits.nn.activations import Activation
from npdigits.nn.costs import COSTS, Cost
from npdigits.nn.workspace import Workspace


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
        # In memory that several workers can use as well (``base.arrays``), which costs one worker nothing.
        self.flat = shared(n_weights + sum(sizes[1:]), dtype)
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


@dataclass(frozen=True)
class Network:
    """A fully connected network.

    Attributes:
        parameters: what is learned.
        activation: f of the hidden layers.
        input_scale: s in a⁰ = s·x. Images come as bytes 0 … 255; with s = 1/255 folded into the first layer's
            product it is applied to B·n₁ numbers instead of B·784.
        cost: what is trained.
    """

    parameters: Parameters
    activation: Activation
    input_scale: float = 1.0
    cost: Cost = COSTS["softmax", "cross_entropy"]

    def forward(self, x: Array, workspace: Workspace) -> Array:
        """Return the logits zᴸ of a batch x of shape (B, n₀): a view of the workspace, shape (B, nᴸ)."""
        *_, logits = self._propagate(x, workspace.first(len(x)))
        return logits

    def gradient(self, x: Array, y: Array, gradient: Parameters, workspace: Workspace, scale: float) -> None:
        """Write ∂C/∂W and ∂C/∂b of the sum of a batch's costs, times ``scale``, into ``gradient``.

        With ``scale`` = 1/B that is the gradient of their mean. L2 is the optimizer's to add.

        Args:
            x: images, shape (B, n₀), of the parameters' dtype.
            y: class labels 0 … nᴸ−1, shape (B,).
            gradient: receives the result: the elements of the own units, which are all if the layers are not split.
            workspace: memory for at least B images.
            scale: the factor.
        """
        if not len(x):  # a worker's part of a small batch may be empty
            gradient.flat[...] = 0
            return
        workspace = workspace.first(len(x), keep_z=self.activation.needs_z)
        *activations, delta = self._propagate(x, workspace)
        self.cost.derivative(delta, y, workspace.rows)  # zᴸ → δᴸ, in place
        delta *= scale
        own_delta = delta[:, workspace.units[-1]]
        for layer in reversed(range(len(activations))):
            units = workspace.units[layer]
            np.dot(workspace.ones, own_delta, out=gradient.biases[layer][units])  # ∂C/∂b = Σ δ
            if layer == 0 and self.input_scale != 1:
                own_delta *= self.input_scale  # a⁰ = s·x
            matmul.gradient(own_delta, activations[layer], gradient.weights[layer][units])  # ∂C/∂W = δᵀ a
            if layer:
                own_delta = self._backpropagate(layer, delta, workspace)
                if layer > 1:  # the first layer's δ is needed by its own units alone
                    delta = workspace.split.complete_deltas(layer - 1, own_delta)

    def _propagate(self, x: Array, workspace: Workspace) -> list[Array]:
        """Return a⁰ = x, a¹ … aᴸ⁻¹ of whole layers, as the next layer sees them, and zᴸ."""
        last = len(self.parameters.weights) - 1
        a, outputs = x, [x]
        for layer in range(last):
            z = workspace.activations[layer]
            self._weighted_input(layer, workspace.units[layer], a, z)
            if workspace.zs:  # f′ needs z, whose place a takes
                np.copyto(workspace.zs[layer], z)
            self.activation.apply(z)  # a = f(z), in place
            a = workspace.apply_dropout(layer)  # a·m
            a = workspace.split.complete_activations(layer, a)
            outputs.append(a)
        self._weighted_input(last, slice(None), a, workspace.logits)
        outputs.append(workspace.logits)
        return outputs

    def _weighted_input(self, layer: int, units: slice, a: Array, z: Array) -> None:
        """z = a Wᵀ + b of these units of a layer, counted from 0; for the first layer z = s·x Wᵀ + b."""
        matmul.forward(a, self.parameters.weights[layer][units], z)
        if layer == 0 and self.input_scale != 1:
            z *= self.input_scale
        z += self.parameters.biases[layer][units]

    def _backpropagate(self, layer: int, delta: Array, workspace: Workspace) -> Array:
        """Return δˡ⁻¹ = (δˡ Wˡ)·mˡ⁻¹·f′(zˡ⁻¹) of the own units of the layer before; ``layer`` counts from 0."""
        units, below = workspace.units[layer - 1], workspace.deltas[layer - 1]
        np.matmul(delta, self.parameters.weights[layer][:, units], out=below)
        mask = workspace.masks[layer - 1]
        if mask is not None:
            mask.apply(below, below)
        if workspace.zs:
            self.activation.backward(below, workspace.activations[layer - 1], workspace.zs[layer - 1])
        else:
            self.activation.backward(below, workspace.activations[layer - 1])
        return below


def cross_entropy(logits: Array, y: Array) -> Array:
    """Return −ln softmax(z)[y] of every row, in nats: shape (B,), float64.

    Computed as ln Σ e^(z − max z) − (z[y] − max z), which stays finite where the probability itself would round to 0.
    """
    z = logits.astype(np.float64)
    z -= z.max(axis=1, keepdims=True)
    cost: Array = np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(y)), y]
    return cost
