"""The plain version of ``nn`` and the fast one: equal for every activation, cost, penalty and mask; plain by itself."""

import itertools

import numpy as np
import pytest
from made import output_of, start_python

from npdigits.base.choice import assemble
from npdigits.base.random import stream
from npdigits.nn import plain
from npdigits.nn.activations import ACTIVATIONS
from npdigits.nn.costs import COSTS
from npdigits.nn.network import Network, Parameters, cross_entropy
from npdigits.nn.optimizers import SGD
from npdigits.nn.workspace import Workspace

SIZES = [(12, 5), (12, 9, 5), (12, 9, 7, 5)]
DROPOUT = {(12, 5): (), (12, 9, 5): (0.4,), (12, 9, 7, 5): (0.0, 0.4)}


def drawn(sizes, seed=0):
    """Return parameters of which no number is 0, and a batch."""
    rng = np.random.default_rng(seed)
    parameters = Parameters(sizes, "float64")
    parameters.flat[:] = rng.normal(0, 0.5, parameters.flat.size)
    return parameters, rng.normal(0, 1, (20, sizes[0])), rng.integers(0, sizes[-1], 20)


def copies(parameters):
    return [w.copy() for w in parameters.weights], [b.copy() for b in parameters.biases]


def hold_equal(parameters, weights, biases):
    for fast, reference in zip(parameters.weights + parameters.biases, weights + biases, strict=True):
        np.testing.assert_allclose(fast, reference, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize(("output", "cost"), sorted(COSTS))
@pytest.mark.parametrize("regularized", [False, True])
def test_a_step_of_the_fast_network_is_the_plain_one(sizes, activation, output, cost, regularized):
    """Gradient and update, with L2, weight decay and dropout, or without any of them."""
    parameters, x, y = drawn(sizes)
    weights, biases = copies(parameters)
    gradient = Parameters(sizes, "float64")
    network = Network(
        parameters, assemble(ACTIVATIONS[activation], {"leak": plain.LEAK}), input_scale=0.5, cost=COSTS[output, cost]
    )
    workspace = Workspace(sizes, 23, "float64", dropout=DROPOUT[sizes] if regularized else ())
    workspace.leave_out(stream(0, "test"), 20)
    masks = [None if mask is None else mask.values[:20].copy() for mask in workspace.masks]
    assert (not any(DROPOUT[sizes])) or (any(m is not None and 0 in m for m in masks)) == regularized
    l2, decay = (0.3, 0.2) if regularized else (0.0, 0.0)

    network.gradient(x, y, gradient, workspace, 1 / 20)
    choices = {"activation": activation, "output": output, "cost": cost, "masks": masks}
    hold_equal(gradient, *plain.gradient(weights, biases, 0.5 * x, y, **choices))

    SGD(parameters, gradient).step(0.1, l2, decay)
    dw, db = plain.gradient(weights, biases, 0.5 * x, y, **choices, l2=l2)
    hold_equal(parameters, *plain.sgd_step(weights, biases, dw, db, 0.1, decay))


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_the_fast_logits_and_their_cost_are_the_plain_ones(activation):
    parameters, x, y = drawn(SIZES[-1])
    network = Network(parameters, assemble(ACTIVATIONS[activation], {"leak": plain.LEAK}))
    logits = network.forward(x, Workspace(SIZES[-1], 20, "float64"))
    (*_, z), _ = plain.forward(parameters.weights, parameters.biases, x, activation)
    np.testing.assert_allclose(logits, z, rtol=1e-12)
    np.testing.assert_allclose(cross_entropy(logits, y), plain.cost_of_images(z, y), rtol=1e-12)
    mean = plain.mean_cost(parameters.weights, parameters.biases, x, y, activation)
    assert cross_entropy(logits, y).mean() == pytest.approx(mean, rel=1e-12)


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize(("output", "cost"), sorted(COSTS))
def test_the_plain_gradient_is_that_of_the_plain_cost(activation, output, cost):
    """By central differences, with L2 and dropout."""
    sizes, h = (6, 5, 4, 3), 1e-6
    parameters, x, y = drawn(sizes)
    rng = np.random.default_rng(1)
    masks = [2.0 * (rng.random((20, n)) < 0.5) for n in sizes[1:-1]]
    arguments = (parameters.weights, parameters.biases, x, y, activation, output, cost, masks, 0.3)
    dw, db = plain.gradient(*arguments)
    flat, numerical = parameters.flat, []
    for i in range(flat.size):
        kept, costs = flat[i], []
        for step in (h, -h):
            flat[i] = kept + step
            costs.append(plain.mean_cost(*arguments))
        flat[i] = kept
        numerical.append((costs[0] - costs[1]) / (2 * h))
    analytical = np.concatenate([array.ravel() for array in dw + db])
    np.testing.assert_allclose(analytical, numerical, rtol=2e-5, atol=2e-8)


def test_every_activation_and_cost_is_compared():
    assert set(plain.ACTIVATIONS) == set(ACTIVATIONS)
    pairs = set(itertools.product(plain.OUTPUTS, ("cross_entropy", "mse")))
    assert set(COSTS) == pairs - {("tanh", "cross_entropy")}


def test_the_plain_version_imports_nothing_of_the_fast_one():
    code = "import sys, npdigits.nn.plain; print(*(name for name in sys.modules if name.startswith('npdigits.')))"
    loaded = set(output_of(start_python(code)).split())
    own = {"npdigits.base", "npdigits.base.arrays", "npdigits.nn", "npdigits.nn.plain"}
    assert loaded <= own | {"npdigits.former_names"}
