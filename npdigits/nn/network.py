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

import copy
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from npdigits.base.arrays import Array, shared
from npdigits.nn import matmul
from npdigits.nn.activations import Activation
from npdigits.nn.costs import COSTS, Cost
from npdigits.nn.matmul import Operation
from npdigits.nn.workspace import Workspace


class Parameters:
    """Weights and biases as named views of one flat buffer; a gradient has the same form.

    All weights come first and all biases after them, so that what concerns weights only (L2, weight decay) is one
    slice, and an optimizer is a few operations on one array.

    Args:
        sizes: units a layer from input to output.
        dtype: of the floats.
        copies: how many there are, as of the gradient of a batch that is cut into parts; None for one without an axis
            for them.

    Attributes:
        flat: the buffer, shape (n,). With copies this and all others have an axis more, the first.
        weights: W¹ … Wᴸ, views of shape (nₗ, nₗ₋₁).
        biases: b¹ … bᴸ, views of shape (nₗ,).
        all_weights: the part of ``flat`` that holds the weights.
    """

    def __init__(self, sizes: tuple[int, ...], dtype: str = "float32", copies: int | None = None) -> None:
        shapes = [(fan_out, fan_in) for fan_in, fan_out in itertools.pairwise(sizes)]
        n_weights = sum(rows * columns for rows, columns in shapes)
        self.sizes = sizes
        # In memory that several workers can use as well (``base.arrays``), which costs one worker nothing.
        axis = () if copies is None else (copies,)
        self.flat = shared((*axis, n_weights + sum(sizes[1:])), dtype)
        self.all_weights: Array = self.flat[..., :n_weights]
        self.weights: list[Array] = []
        self.biases: list[Array] = []
        w, b = 0, n_weights
        for rows, columns in shapes:
            self.weights.append(self.flat[..., w : w + rows * columns].reshape(*axis, rows, columns))
            self.biases.append(self.flat[..., b : b + rows])
            w, b = w + rows * columns, b + rows

    def named(self) -> dict[str, Array]:
        """Return the views under the names of a checkpoint: W1, b1, W2, b2, …"""
        layers = enumerate(zip(self.weights, self.biases, strict=True), start=1)
        return {name: view for i, (w, b) in layers for name, view in ((f"W{i}", w), (f"b{i}", b))}

    def of_copies(self, copies: slice) -> "Parameters":
        """Return views of some of the copies."""
        some = copy.copy(self)
        some.flat, some.all_weights = self.flat[copies], self.all_weights[copies]
        some.weights, some.biases = [w[copies] for w in self.weights], [b[copies] for b in self.biases]
        return some


class Plan:
    """A pass, written down once as the NumPy calls that it consists of, and carried out as often as it is called.

    Args:
        operations: in their order.
        result: the array that holds the result afterwards.
    """

    def __init__(self, operations: Sequence[Operation], result: Array) -> None:
        self.operations, self.result = tuple(operations), result

    def __call__(self) -> Array:
        """Carry it out; return the result."""
        for operation in self.operations:
            operation()
        return self.result


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
        return self.plan_forward(x, workspace)()

    def gradient(self, x: Array, y: Array, gradient: Parameters, workspace: Workspace, scale: float) -> None:
        """Write ∂C/∂W and ∂C/∂b of the sum of a batch's costs, times ``scale``, into ``gradient``.

        With ``scale`` = 1/B that is the gradient of their mean. L2 is the optimizer's to add.

        Args:
            x: images, shape (B, n₀), of the parameters' dtype.
            y: class labels 0 … nᴸ−1, shape (B,).
            gradient: receives the result: the elements of the own units, which are all if the layers are not split. If
                the batch is cut into parts, it has a copy for each.
            workspace: memory for at least B images.
            scale: the factor.
        """
        self.plan_gradient(x, y, gradient, workspace, scale)()

    def plan_forward(self, x: Array, workspace: Workspace) -> Plan:
        """Return a plan of ``forward``, which reads x and writes the logits each time that it is carried out."""
        workspace = workspace.first(len(x))
        return Plan([step for steps, _ in self._layers(x, workspace) for step in steps], workspace.logits)

    def plan_gradient(self, x: Array, y: Array, gradient: Parameters, workspace: Workspace, scale: float) -> Plan:
        """Return a plan of ``gradient``, which reads x and y each time that it is carried out."""
        if not len(x):  # a worker's part of a small batch may be empty
            return Plan([partial(gradient.flat.fill, 0)], gradient.flat)
        workspace = workspace.first(len(x), keep_z=self.activation.needs_z)
        steps: list[Operation] = []
        inputs = [x]
        for some, output in self._layers(x, workspace):
            steps += some
            inputs.append(output)
        delta = inputs.pop()
        steps += self.cost.plan_derivative(delta, y, workspace.rows)  # zᴸ → δᴸ, in place
        steps.append(partial(np.multiply, delta, scale, delta))
        own_delta = delta[:, workspace.units[-1]]
        for layer in reversed(range(len(inputs))):
            steps += self._layer_gradient(layer, own_delta, inputs[layer], gradient, workspace)
            if layer:
                own_delta = workspace.deltas[layer - 1]
                steps += self._backpropagate(layer, delta, workspace)
                if layer > 1:  # the first layer's δ is needed by its own units alone
                    some, delta = workspace.split.complete_deltas(layer - 1, own_delta, workspace.units[layer - 1])
                    steps += some
        computed = -(-len(x) // workspace.cuts.part_size)
        if gradient.flat.ndim > 1 and computed < len(gradient.flat):
            steps.append(partial(gradient.flat[computed:].fill, 0))  # parts that a small batch does not reach
        return Plan(steps, gradient.flat)

    def _layers(self, x: Array, workspace: Workspace) -> Iterator[tuple[list[Operation], Array]]:
        """Yield of each layer what computes a¹ … aᴸ⁻¹, as the next layer sees them, and zᴸ; and where that is."""
        last = len(self.parameters.weights) - 1
        a = x
        for layer in range(last):
            z, units = workspace.activations[layer], workspace.units[layer]
            steps = self._weighted_input(layer, units, a, z, workspace)
            if workspace.zs:  # f′ needs z, whose place a takes
                steps.append(partial(np.copyto, workspace.zs[layer], z))
            steps.append(partial(self.activation.apply, z))  # a = f(z), in place
            if (mask := workspace.own_masks[layer]) is not None:
                steps.append(partial(np.multiply, z, mask, workspace.dropped[layer]))  # a·m
            some, a = workspace.split.complete_activations(layer, workspace.dropped[layer], units)
            yield steps + some, a
        yield self._weighted_input(last, slice(None), a, workspace.logits, workspace), workspace.logits

    def _weighted_input(self, layer: int, units: slice, a: Array, z: Array, workspace: Workspace) -> list[Operation]:
        """z = a Wᵀ + b of these units of a layer, counted from 0; for the first layer z = s·x Wᵀ + b."""
        steps = list(matmul.forward(a, self.parameters.weights[layer][units], z, workspace.forward_tile(layer)))
        if layer == 0 and self.input_scale != 1:
            steps.append(partial(np.multiply, z, self.input_scale, z))
        return [*steps, partial(np.add, z, self.parameters.biases[layer][units], z)]

    def _layer_gradient(
        self, layer: int, delta: Array, a: Array, gradient: Parameters, workspace: Workspace
    ) -> list[Operation]:
        """∂C/∂b = Σ δ and ∂C/∂W = δᵀ a of the own units of a layer; for the first layer s·δᵀ x."""
        units, part = workspace.units[layer], workspace.cuts.part_size
        biases = gradient.biases[layer].reshape(-1, gradient.sizes[layer + 1])[:, units]
        weights = gradient.weights[layer].reshape(-1, *self.parameters.weights[layer].shape)[:, units]
        steps: list[Operation] = []
        for images, n in matmul.whole_and_rest(len(delta), part):
            some = delta[images].reshape((images.stop - images.start) // n, n, delta.shape[1])
            into = biases[images.start // part : images.start // part + len(some)]
            if workspace.cuts.by_units:  # from image to image: a product's order depends on how many units there are
                steps.append(partial(np.add.reduce, some, 1, None, into))
            else:
                steps.append(partial(np.matmul, workspace.ones[:, :n], some, into[:, None]))
        if layer == 0 and self.input_scale != 1:
            steps.append(partial(np.multiply, delta, self.input_scale, delta))  # a⁰ = s·x
        return [*steps, *matmul.gradient(delta, a, weights, part, workspace.gradient_tile(layer))]

    def _backpropagate(self, layer: int, delta: Array, workspace: Workspace) -> list[Operation]:
        """δˡ⁻¹ = (δˡ Wˡ)·mˡ⁻¹·f′(zˡ⁻¹) of the own units of the layer before; ``layer`` counts from 0."""
        units, below = workspace.units[layer - 1], workspace.deltas[layer - 1]
        w = self.parameters.weights[layer][:, units]
        steps = list(matmul.backward(delta, w, below, workspace.backward_tile(layer)))
        if (mask := workspace.own_masks[layer - 1]) is not None:
            steps.append(partial(np.multiply, below, mask, below))
        z = [workspace.zs[layer - 1]] if workspace.zs else []
        return [*steps, partial(self.activation.backward, below, workspace.activations[layer - 1], *z)]


def cross_entropy(logits: Array, y: Array) -> Array:
    """Return −ln softmax(z)[y] of every row, in nats: shape (B,), float64.

    Computed as ln Σ e^(z − max z) − (z[y] − max z), which stays finite where the probability itself would round to 0.
    """
    z = logits.astype(np.float64)
    z -= z.max(axis=1, keepdims=True)
    cost: Array = np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(y)), y]
    return cost
