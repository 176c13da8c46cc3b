"""Every cost's derivative by the last layer's z: against PyTorch's own, and by pencil."""

import numpy as np
import pytest
import torch

from npdigits.nn.costs import COSTS

F = torch.nn.functional
OUTPUTS = {"softmax": lambda z: torch.softmax(z, 1), "sigmoid": torch.sigmoid, "tanh": torch.tanh}


def reference(output, cost, z, y):
    """The sum over a batch of the cost, as PyTorch has it."""
    t = F.one_hot(y, z.shape[1]).to(z.dtype)
    if cost == "mse":
        a = OUTPUTS[output](z)
        return 0.5 * ((a - (2 * t - 1 if output == "tanh" else t)) ** 2).sum()
    if output == "softmax":
        return F.cross_entropy(z, y, reduction="sum")
    return F.binary_cross_entropy_with_logits(z, t, reduction="sum")


@pytest.mark.parametrize(("output", "cost"), COSTS)
def test_the_derivative_is_torchs(output, cost):
    rng = np.random.default_rng(0)
    z, y = rng.normal(0, 2, (9, 5)), rng.integers(0, 5, 9)
    theirs = torch.tensor(z, requires_grad=True)
    reference(output, cost, theirs, torch.tensor(y)).backward()
    COSTS[output, cost](z, y, np.arange(9))
    np.testing.assert_allclose(z, theirs.grad.numpy(), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize(("output", "cost"), COSTS)
def test_large_numbers_stay_finite(output, cost):
    z = np.array([[1e4, -1e4, 0.0]], np.float32)
    COSTS[output, cost](z, np.array([1]), np.arange(1))
    assert np.isfinite(z).all()


def test_mse_on_sigmoids_by_pencil():
    # a = ½ for z = 0: (½ − 1)·½·½ for the class, (½ − 0)·½·½ for the others
    z = np.zeros((1, 3))
    COSTS["sigmoid", "mse"](z, np.array([2]), np.arange(1))
    assert z.tolist() == [[0.125, 0.125, -0.125]]
