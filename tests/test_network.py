"""Forward pass, cost and gradient: against PyTorch, the plain version, central differences, and one step by hand."""

import numpy as np
import pytest
import torch

from npdigits.base.arrays import aligned
from npdigits.base.choice import assemble
from npdigits.base.random import stream
from npdigits.nn import plain
from npdigits.nn import workspace as module
from npdigits.nn.activations import ACTIVATIONS
from npdigits.nn.costs import softmax
from npdigits.nn.initializers import INITIALIZERS, initialize
from npdigits.nn.network import Network, Parameters, cross_entropy
from npdigits.nn.workspace import Workspace

TORCH = {
    "leaky_relu": lambda z: torch.nn.functional.leaky_relu(z, 0.01),
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "identity": lambda z: z,
    "gelu": torch.nn.functional.gelu,
    "silu": torch.nn.functional.silu,
    "softplus": lambda z: torch.nn.functional.softplus(z, threshold=700),  # its own is 20: beyond, it returns z
}


def make(sizes, activation="leaky_relu", initializer="xavier_he", dtype="float64", input_scale=1.0, seed=0):
    """Return a network with drawn weights and small random biases."""
    parameters = Parameters(sizes, dtype)
    for view, w in zip(parameters.weights, initialize(initializer, stream(seed, "initialization"), sizes), strict=True):
        view[...] = w
    rng = np.random.default_rng(seed)
    for b in parameters.biases:
        b[...] = rng.normal(0, 0.1, b.shape)
    return Network(parameters, assemble(ACTIVATIONS[activation], {"leak": 0.01}), input_scale)


def batch(sizes, n, seed=1, dtype="float64"):
    rng = np.random.default_rng(seed)
    return rng.normal(0, 1, (n, sizes[0])).astype(dtype), rng.integers(0, sizes[-1], n)


def gradient_of(network, x, y):
    """Return the gradient, computed in a workspace that is larger than the batch and full of rubbish."""
    sizes, dtype = network.parameters.sizes, network.parameters.flat.dtype.name
    gradient, workspace = Parameters(sizes, dtype), Workspace(sizes, len(x) + 3, dtype)
    gradient.flat[:] = np.nan
    for buffer in (*workspace.activations, *workspace.deltas, *workspace.first(len(x) + 3, keep_z=True).zs):
        buffer[:] = np.nan
    network.gradient(x, y, gradient, workspace, 1 / len(x))
    return gradient


def logits_of(network, x):
    workspace = Workspace(network.parameters.sizes, len(x), network.parameters.flat.dtype.name)
    return network.forward(x, workspace).copy()


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize("sizes", [(784, 20, 10), (30, 17, 12, 5), (40, 6)])
def test_logits_cost_and_gradient_are_torchs(activation, sizes):
    network = make(sizes, activation)
    x, y = batch(sizes, 32)
    weights = [torch.tensor(w, requires_grad=True) for w in network.parameters.weights]
    biases = [torch.tensor(b, requires_grad=True) for b in network.parameters.biases]
    a = torch.tensor(x)
    for layer, (w, b) in enumerate(zip(weights, biases, strict=True)):
        a = torch.nn.functional.linear(a, w, b)
        if layer < len(weights) - 1:
            a = TORCH[activation](a)
    cost = torch.nn.functional.cross_entropy(a, torch.tensor(y))
    cost.backward()

    logits = logits_of(network, x)
    np.testing.assert_allclose(logits, a.detach().numpy(), rtol=1e-11, atol=1e-12)
    assert cross_entropy(logits, y).mean() == pytest.approx(cost.item(), rel=1e-12)
    gradient = gradient_of(network, x, y)
    for ours, theirs in zip(gradient.weights + gradient.biases, weights + biases, strict=True):
        np.testing.assert_allclose(ours, theirs.grad.numpy(), rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize("initializer", sorted(INITIALIZERS))
def test_gradient_by_central_differences(activation, initializer):
    sizes = (9, 6, 5, 4)
    network = make(sizes, activation, initializer, input_scale=0.5)
    x, y = batch(sizes, 7)
    gradient = gradient_of(network, x, y).flat
    flat, h = network.parameters.flat, 1e-6
    numerical = np.empty_like(flat)
    for i in range(len(flat)):
        kept = flat[i]
        costs = []
        for step in (h, -h):
            flat[i] = kept + step
            costs.append(cross_entropy(logits_of(network, x), y).mean())
        flat[i] = kept
        numerical[i] = (costs[0] - costs[1]) / (2 * h)
    np.testing.assert_allclose(gradient, numerical, rtol=2e-5, atol=2e-8)


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_z_is_kept_only_where_a_gradient_needs_it(activation, monkeypatch):
    """One workspace for batches of any size, scored in between; what only scores takes no memory for z."""
    sizes = (9, 6, 5, 4)
    network = make(sizes, activation)
    x, y = batch(sizes, 7)
    workspace, scoring = Workspace(sizes, 7, "float64"), Workspace(sizes, 7, "float64")
    for n in (7, 3, 7):
        fresh = gradient_of(network, x[:n], y[:n]).flat
        gradient = Parameters(sizes, "float64")
        network.gradient(x[:n], y[:n], gradient, workspace, 1 / n)
        assert np.array_equal(network.forward(x, workspace), network.forward(x, scoring))
        np.testing.assert_allclose(gradient.flat, fresh, rtol=1e-12, atol=1e-15)
    needed = assemble(ACTIVATIONS[activation], {"leak": 0.01}).needs_z
    kept = workspace.first(7, keep_z=needed).zs
    assert [z.shape for z in kept] == ([(7, 6), (7, 5)] if needed else [])
    if needed:
        np.testing.assert_allclose(kept[0], x @ network.parameters.weights[0].T + network.parameters.biases[0])
    made = []
    monkeypatch.setattr(module, "aligned", lambda *shape: made.append(shape) or aligned(*shape))
    for n in (7, 5):
        network.forward(x[:n], scoring)
    assert made == []
    network.gradient(x, y, gradient, scoring, 1 / 7)
    assert len(made) == (2 if needed else 0)


def test_every_activation_is_compared():
    assert set(ACTIVATIONS) == set(TORCH) == set(plain.ACTIVATIONS)


@pytest.mark.parametrize("n", [1, 7, 8, 32, 100, 128, 512])
@pytest.mark.parametrize("hidden", [(20,), (32, 20), (128,), (300, 100)])
def test_the_fast_step_matches_the_plain_one_to_rounding(n, hidden):
    sizes = (784, *hidden, 10)
    network = make(sizes, dtype="float32", input_scale=1 / 255)
    x = np.random.default_rng(n).integers(0, 256, (n, 784)).astype(np.float32)
    y = np.random.default_rng(n).integers(0, 10, n)
    weights = [w.astype(float) for w in network.parameters.weights]
    biases = [b.astype(float) for b in network.parameters.biases]
    dw, db = plain.gradient(weights, biases, x.astype(float) / 255, y)
    gradient = gradient_of(network, x, y)
    for ours, reference in zip(gradient.weights + gradient.biases, dw + db, strict=True):
        np.testing.assert_allclose(ours, reference, rtol=1e-4, atol=2e-6 * np.abs(reference).max())


def test_one_step_worked_by_hand():
    """Two inputs, one leaky unit, two classes, one image: every figure below can be checked with a pencil."""
    network = make((2, 1, 2))
    p = network.parameters
    p.weights[0][...] = [[1.0, -2.0]]
    p.biases[0][...] = [0.5]
    p.weights[1][...] = [[2.0], [-1.0]]
    p.biases[1][...] = [0.0, 0.0]
    x, y = np.array([[1.0, 1.0]]), np.array([0])
    # z¹ = 1 − 2 + 0.5 = −0.5, a¹ = −0.005, z² = (−0.01, 0.005), p₀ = 1 / (1 + e^0.015)
    np.testing.assert_allclose(logits_of(network, x), [[-0.01, 0.005]], rtol=1e-12)
    q = 1 / (1 + np.exp(0.015))
    assert cross_entropy(logits_of(network, x), y)[0] == pytest.approx(-np.log(q), rel=1e-12)
    gradient = gradient_of(network, x, y)
    # δ² = (q − 1, 1 − q); ∂W² = δ² a¹; δ¹ = 0.01·(2·(q − 1) − (1 − q)) = 0.03·(q − 1); ∂W¹ = δ¹ x
    np.testing.assert_allclose(gradient.biases[1], [q - 1, 1 - q], rtol=1e-12)
    np.testing.assert_allclose(gradient.weights[1], [[-0.005 * (q - 1)], [-0.005 * (1 - q)]], rtol=1e-12)
    np.testing.assert_allclose(gradient.biases[0], [0.03 * (q - 1)], rtol=1e-12)
    np.testing.assert_allclose(gradient.weights[0], [[0.03 * (q - 1)] * 2], rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_huge_logits_are_fine(dtype):
    z = np.array([[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4], [3.0, 2.0, 1e4]], dtype)
    y = np.array([1, 0, 2])
    np.testing.assert_allclose(cross_entropy(z, y), [2e4, np.log(3), 0.0], rtol=1e-6)
    p = z.copy()
    softmax(p)
    np.testing.assert_allclose(p, [[1, 0, 0], [1 / 3] * 3, [0, 0, 1]], rtol=1e-6)


def test_parameters_are_named_views_of_one_buffer():
    p = Parameters((3, 4, 2))
    p.flat[:] = np.arange(p.flat.size)
    assert p.flat.size == 3 * 4 + 4 * 2 + 4 + 2
    assert p.weights[0].tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]
    assert p.all_weights.size == 20 and np.shares_memory(p.all_weights, p.flat)
    assert p.biases[1].tolist() == [24, 25]
    assert list(p.named()) == ["W1", "b1", "W2", "b2"]
    p.named()["b1"][0] = -1
    assert p.flat[20] == -1


def test_zero_weights_fail_as_they_should():
    """With W = 0 every hidden unit gets the same gradient, so they stay equal for ever."""
    network = make((5, 4, 3), initializer="zeros", activation="sigmoid")
    network.parameters.biases[0][:] = 0
    x, y = batch((5, 4, 3), 20)
    w1 = gradient_of(network, x, y).weights[0]
    assert np.ptp(w1, axis=0).max() == 0
