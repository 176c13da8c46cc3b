"""The network: forward pass, cost and gradient, in NumPy alone.

Notation, with B images a batch and layers l = 1 … L: a⁰ = x the input, W of shape (nₗ, nₗ₋₁), b of shape (nₗ,),

    zˡ = aˡ⁻¹ Wˡᵀ + bˡ        (B, nₗ)
    aˡ = f(zˡ)                hidden layers
    p  = softmax(zᴸ)          output
    C  = −(1/B) Σ ln p[y]     or another cost (``costs``)

The backward pass is the chain rule on these lines (Rumelhart, Hinton & Williams 1986; Nielsen, ch. 2, BP1–BP4).

Several processes can share both passes (``team``). Each then computes its own units: some rows of W, the same columns
of z, a and δ. Where a product needs a whole layer, the parts are put together. Alone, one's own units are all.
"""

import copy
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from npdigits.base.arrays import Array, aligned, shared
from npdigits.nn import matmul as products
from npdigits.nn.activations import Activation
from npdigits.nn.costs import Derivative, softmax_cross_entropy
from npdigits.nn.dropout import Mask
from npdigits.training.workers import ALONE, Part


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


class Layers:
    """The memory in which a team puts together what each member computed of a batch.

    Attributes:
        x: the input as floats, shape (batch, n₀).
        activations, deltas: a¹ … aᴸ⁻¹ and δ¹ … δᴸ⁻¹, arrays of shape (batch, nₗ).
    """

    def __init__(self, sizes: tuple[int, ...], batch: int, dtype: str = "float32") -> None:
        self.x = shared((batch, sizes[0]), dtype)
        self.activations: list[Array] = [shared((batch, n), dtype) for n in sizes[1:-1]]
        self.deltas: list[Array] = [shared((batch, n), dtype) for n in sizes[1:-1]]


class Workspace:
    """The memory of one forward and backward pass of up to ``batch`` images, so that a step allocates nothing large.

    Attributes:
        part: the member's part of the work.
        units: slices, of each layer 1 … L the units that are this member's own.
        activations, deltas: of its own units only, a¹ … aᴸ⁻¹ and δ¹ … δᴸ⁻¹ = ∂C/∂z.
        all_activations, all_deltas: of whole layers; what the next layer sees. Alone they are the same arrays, unless
            units are left out.
        masks: by which its own units of a¹ … aᴸ⁻¹ are multiplied before the next layer sees them (``dropout``); None
            where nothing is left out.
        logits: zᴸ, which every member computes whole; δᴸ takes its place.
        ones, rows: (1, …, 1) and 0 … batch−1.
    """

    def __init__(
        self,
        sizes: tuple[int, ...],
        batch: int,
        dtype: str = "float32",
        part: Part = ALONE,
        layers: Layers | None = None,
        dropout: Sequence[float] = (),
    ) -> None:
        self.part = part
        self.units = [part.slice(n) for n in sizes[1:]]
        widths = [units.stop - units.start for units in self.units[:-1]]
        self.activations: list[Array] = [aligned((batch, n), dtype) for n in widths]
        self.deltas: list[Array] = [aligned((batch, n), dtype) for n in widths]
        # Where units are left out, f′ needs the activations as they were before.
        self.masks = [Mask((batch, n), p, dtype) if p else None for n, p in zip(widths, dropout, strict=False)]
        self.masks += [None] * (len(widths) - len(self.masks))
        alone = [a if m is None else aligned(a.shape, dtype) for a, m in zip(self.activations, self.masks, strict=True)]
        self.all_activations = alone if layers is None else layers.activations
        self.all_deltas = self.deltas if layers is None else layers.deltas
        # The logits lie in memory by class, not by image: the maximum and the sum over ten classes then run along
        # the batch (the maximum of 128 rows of ten: 10 → 1.4 µs).
        self.logits: Array = aligned((sizes[-1], batch), dtype).T
        self.ones: Array = np.ones(batch, dtype)
        self.rows: Array = np.arange(batch)
        self._smaller: dict[int, Workspace] = {batch: self}

    def first(self, n: int) -> "Workspace":
        """Return the same memory for n images: views, made once for each n, not sliced at every step."""
        if n not in self._smaller:
            view = copy.copy(self)
            for name in ("activations", "deltas", "all_activations", "all_deltas"):
                setattr(view, name, [array[:n] for array in getattr(self, name)])
            view.logits, view.ones, view.rows = self.logits[:n], self.ones[:n], self.rows[:n]
            self._smaller[n] = view
        return self._smaller[n]

    def put_together(self, own: Array, whole: Array, units: slice, mask: Mask | None = None) -> Array:
        """Return the whole layer of which ``own`` are these units, when every member has put its own there."""
        if mask is not None:
            np.multiply(own, mask.values[: len(own)], out=whole[:, units])
        elif self.part.of > 1:
            whole[:, units] = own
        self.part.wait()
        return whole

    def leave_out(self, rng: np.random.Generator, n: int) -> None:
        """Draw which units are left out for each of the next n images."""
        for mask in self.masks:
            if mask is not None:
                mask.draw(rng, n)


@dataclass(frozen=True)
class Network:
    """A fully connected network with a softmax output.

    Attributes:
        parameters: what is learned.
        activation: f of the hidden layers.
        derivative: of the cost that is trained, by zᴸ.
        input_scale: s in a⁰ = s·x. Images come as bytes 0 … 255; with s = 1/255 folded into the first layer's
            product it is applied to B·n₁ numbers instead of B·784.
    """

    parameters: Parameters
    activation: Activation
    input_scale: float = 1.0
    derivative: Derivative = softmax_cross_entropy

    def forward(self, x: Array, workspace: Workspace) -> Array:
        """Return the logits zᴸ of a batch x of shape (B, n₀): a view of the workspace, shape (B, nᴸ)."""
        workspace = workspace.first(len(x))
        weights, biases = self.parameters.weights, self.parameters.biases
        a = x
        for layer, (w, b) in enumerate(zip(weights, biases, strict=True)):
            hidden = layer < len(weights) - 1
            own = workspace.units[layer] if hidden else slice(None)
            z = workspace.activations[layer] if hidden else workspace.logits
            products.forward(a, w[own], z)
            if layer == 0 and self.input_scale != 1:
                z *= self.input_scale
            z += b[own]
            if hidden:
                self.activation.apply(z)
                a = workspace.put_together(z, workspace.all_activations[layer], own, workspace.masks[layer])
        return workspace.logits

    def gradient(self, x: Array, y: Array, gradient: Parameters, workspace: Workspace, scale: float) -> None:
        """Write ∂C/∂W and ∂C/∂b of the sum of a batch's costs into ``gradient``, times a number.

        With 1/B as the number that is the gradient of their mean. L2 is the optimizer's to add.

        Args:
            x: images, shape (B, n₀), of the parameters' dtype.
            y: class labels 0 … nᴸ−1, shape (B,).
            gradient: receives the result; every element is overwritten (by the members together).
            workspace: memory for at least B images.
            scale: the number.
        """
        if not len(x):  # of a batch smaller than its team some members have no image
            gradient.flat[...] = 0
            return
        workspace = workspace.first(len(x))
        delta = self.forward(x, workspace)
        self.derivative(delta, y, workspace.rows)  # δᴸ
        delta *= scale
        own_delta = delta[:, workspace.units[-1]]
        for layer in reversed(range(len(self.parameters.weights))):
            a = workspace.all_activations[layer - 1] if layer else x
            own = workspace.units[layer]
            np.dot(workspace.ones, own_delta, out=gradient.biases[layer][own])
            if layer == 0 and self.input_scale != 1:
                own_delta *= self.input_scale  # a⁰ = s·x
            products.gradient(own_delta, a, gradient.weights[layer][own])
            if layer:
                previous, below = workspace.deltas[layer - 1], workspace.units[layer - 1]
                np.matmul(delta, self.parameters.weights[layer][:, below], out=previous)
                mask = workspace.masks[layer - 1]
                if mask is not None:
                    previous *= mask.values[: len(previous)]
                self.activation.backward(previous, workspace.activations[layer - 1])
                own_delta = previous
                if layer > 1:  # the first layer's δ is needed by nobody else
                    delta = workspace.put_together(previous, workspace.all_deltas[layer - 1], below)


def cross_entropy(logits: Array, y: Array) -> Array:
    """Return −ln softmax(z)[y] of every row, in nats: shape (B,), float64.

    Computed as ln Σ e^(z − max z) − (z[y] − max z), which stays finite where the probability itself would round to 0.
    """
    z = logits.astype(np.float64)
    z -= z.max(axis=1, keepdims=True)
    cost: Array = np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(y)), y]
    return cost
