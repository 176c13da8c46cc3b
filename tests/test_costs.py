"""Every cost's value and its derivative by the last layer's z: against PyTorch's own, and by pencil."""

import numpy as np
import pytest
import torch

from npdigits.nn.costs import COSTS

F = torch.nn.functional
OUTPUTS = {"softmax": lambda z: torch.softmax(z, 1), "sigmoid": torch.sigmoid, "tanh": torch.tanh}


def reference(output, cost, z, y):
    """The cost of each image, as PyTorch has it."""
    t = F.one_hot(y, z.shape[1]).to(z.dtype)
    if cost == "mse":
        a = OUTPUTS[output](z)
        return 0.5 * ((a - (2 * t - 1 if output == "tanh" else t)) ** 2).sum(1)
    if output == "softmax":
        return F.cross_entropy(z, y, reduction="none")
    return F.binary_cross_entropy_with_logits(z, t, reduction="none").sum(1)


@pytest.mark.parametrize(("output", "cost"), COSTS)
def test_the_derivative_is_torchs(output, cost):
    rng = np.random.default_rng(0)
    z, y = rng.normal(0, 2, (9, 5)), rng.integers(0, 5, 9)
    theirs = torch.tensor(z, requires_grad=True)
    reference(output, cost, theirs, torch.tensor(y)).sum().backward()
    COSTS[output, cost].derivative(z, y, np.arange(9))
    np.testing.assert_allclose(z, theirs.grad.numpy(), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize(("output", "cost"), COSTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 2, 3, 9, 40])
def test_bound_operations_and_single_images_have_the_same_bits(output, cost, dtype, n):
    """The logits lie in memory by class, as a workspace has them."""
    rng = np.random.default_rng(n)
    memory, y = rng.normal(0, 2, (10, n)).astype(dtype), rng.integers(0, 10, n)
    z, bound, each = memory.T.copy("K"), memory.T.copy("K"), memory.T.copy("K")
    COSTS[output, cost].derivative(z, y, np.arange(n))
    for operation in COSTS[output, cost].plan_derivative(bound, y, np.arange(n)):
        operation()
    for i in range(n):
        COSTS[output, cost].derivative(each[i : i + 1], y[i : i + 1], np.arange(1))
    assert z.tobytes() == bound.tobytes() == each.tobytes()
    assert (z != memory.T).any()


@pytest.mark.parametrize(("output", "cost"), COSTS)
def test_large_numbers_stay_finite(output, cost):
    z = np.array([[1e4, -1e4, 0.0]], np.float32)
    COSTS[output, cost].derivative(z, np.array([1]), np.arange(1))
    assert np.isfinite(z).all()


def test_mse_on_sigmoids_by_pencil():
    # a = ½ for z = 0: (½ − 1)·½·½ for the class, (½ − 0)·½·½ for the others
    z = np.zeros((1, 3))
    COSTS["sigmoid", "mse"].derivative(z, np.array([2]), np.arange(1))
    assert z.tolist() == [[0.125, 0.125, -0.125]]


@pytest.mark.parametrize(("output", "cost"), COSTS)
@pytest.mark.parametrize("scale", [0.0, 2.0, 20.0])
def test_the_value_is_torchs_and_changes_nothing(output, cost, scale):
    rng = np.random.default_rng(1)
    z, y = rng.normal(0, scale, (9, 5)), rng.integers(0, 5, 9)
    kept = z.copy()
    value = COSTS[output, cost].value(z, y)
    expected = reference(output, cost, torch.tensor(z), torch.tensor(y)).numpy()
    np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-14)
    assert (z == kept).all() and (value.shape, value.dtype) == ((9,), np.float64)


# Of three classes the last one's logit is 40 and the others' −40: e^(−80) and e^(−40) decide.
SMALL = {
    ("softmax", "cross_entropy"): 2 * np.exp(-80.0),
    ("softmax", "mse"): 0.5 * (2 * 1 + 2**2) * np.exp(-160.0),
    ("sigmoid", "cross_entropy"): 3 * np.exp(-40.0),
    ("sigmoid", "mse"): 0.5 * 3 * np.exp(-80.0),
    ("tanh", "mse"): 0.5 * 3 * (2 * np.exp(-80.0)) ** 2,
}


@pytest.mark.parametrize(("output", "cost"), COSTS)
def test_a_small_value_keeps_its_digits(output, cost):
    value = COSTS[output, cost].value(np.array([[-40.0, -40.0, 40.0]]), np.array([2]))
    np.testing.assert_allclose(value, SMALL[output, cost], rtol=1e-12)


@pytest.mark.parametrize(("output", "cost"), COSTS)
def test_the_value_of_large_numbers_in_float32_is_finite_and_in_float64(output, cost):
    value = COSTS[output, cost].value(np.array([[1e4, -1e4, 0.0]], np.float32), np.array([1]))
    assert np.isfinite(value).all() and value.dtype == np.float64
