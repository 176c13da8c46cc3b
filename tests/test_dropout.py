"""Dropout: its masks, its gradient against PyTorch, and that it is drawn anew for each epoch and not when scoring."""

import numpy as np
import pytest
import torch
from test_network import batch, make

from npdigits.base.errors import ConfigError
from npdigits.base.random import stream
from npdigits.config.compose import compose
from npdigits.nn.dropout import LEVELS, Mask
from npdigits.nn.network import Parameters
from npdigits.nn.workspace import Workspace


@pytest.mark.parametrize("p", [0.2, 0.5, 0.9, 1e-4])
def test_a_mask_keeps_its_share_and_the_mean(p):
    mask = Mask(np.empty((1000, 500), np.float32), p)
    m = mask.draw(stream(0, "test"), 1000)
    left_out = (m == 0).mean()
    assert left_out == pytest.approx(p, abs=4 * np.sqrt(p * (1 - p) / m.size) + 1 / LEVELS)
    assert set(np.unique(m)) == {0, np.float32(1 / (1 - round(p * LEVELS) / LEVELS))}
    assert m.mean() == pytest.approx(1, abs=4 * np.sqrt(p / (1 - p) / m.size))


def test_masks_are_drawn_for_each_image_and_each_time():
    mask, rng = Mask(np.empty((8, 100)), 0.5), stream(0, "test")
    first = mask.draw(rng, 8).copy()
    assert (first[0] != first[1]).any()
    assert (mask.draw(rng, 8) != first).any()
    assert (mask.draw(stream(0, "test"), 8) == first).all()
    assert mask.draw(rng, 3).shape == (3, 100)


@pytest.mark.parametrize("activation", ["leaky_relu", "tanh", "sigmoid", "gelu"])
@pytest.mark.parametrize("dropout", [(0.5, 0.25), (0.0, 0.5)])
def test_the_gradient_is_torchs(activation, dropout):
    sizes = (12, 9, 7, 4)
    network = make(sizes, activation)
    x, y = batch(sizes, 20)
    workspace = Workspace(sizes, 23, "float64", dropout=dropout)
    workspace.leave_out(stream(0, "test"), 20)
    gradient = Parameters(sizes, "float64")
    network.gradient(x, y, gradient, workspace, 1 / 20)

    weights = [torch.tensor(w, requires_grad=True) for w in network.parameters.weights]
    f = {
        "leaky_relu": lambda z: torch.nn.functional.leaky_relu(z, 0.01),
        "tanh": torch.tanh,
        "sigmoid": torch.sigmoid,
        "gelu": torch.nn.functional.gelu,
    }
    a = torch.tensor(x)
    for layer, (w, b) in enumerate(zip(weights, network.parameters.biases, strict=True)):
        a = torch.nn.functional.linear(a, w, torch.tensor(b))
        if layer < 2:
            a = f[activation](a)
            mask = workspace.masks[layer]
            assert (mask is None) == (dropout[layer] == 0)
            a = a if mask is None else a * torch.tensor(mask.values[:20])
    torch.nn.functional.cross_entropy(a, torch.tensor(y)).backward()
    for ours, theirs in zip(gradient.weights, weights, strict=True):
        np.testing.assert_allclose(ours, theirs.grad.numpy(), rtol=1e-9, atol=1e-13)


def test_one_number_is_for_all_layers_and_a_list_must_fit():
    assert compose(["hidden=[30,20]", "dropout=0.5"]).dropout == (0.5,)
    assert compose(["hidden=[30,20]", "dropout=[0.5,0.1]"]).dropout == (0.5, 0.1)
    for typed in ("dropout=[0.5,0.1,0.2]", "dropout=1", "dropout=[]", "dropout=-0.1", "dropout=a"):
        with pytest.raises(ConfigError, match="dropout="):
            compose(["hidden=[30,20]", typed])
