"""Optimizers: 100 steps from the same weights on the same gradients as PyTorch, L2, decay, pieces, subnormals."""

import numpy as np
import pytest
import torch

from npdigits.nn import optimizers, plain
from npdigits.nn.network import Parameters
from npdigits.nn.optimizers import OPTIMIZERS, SGD, Adam, RMSprop
from npdigits.training.work_split import own_elements
from npdigits.training.workers import ALONE, Part

SIZES = (40, 30, 10)
CASES = {
    "adam": (lambda p, g: Adam(p, g), lambda t, lr, **k: torch.optim.Adam(t, lr, **k)),
    "adam, other numbers": (
        lambda p, g: Adam(p, g, betas=(0.5, 0.9), eps=1e-3),
        lambda t, lr, **k: torch.optim.Adam(t, lr, betas=(0.5, 0.9), eps=1e-3, **k),
    ),
    "sgd": (lambda p, g: SGD(p, g), lambda t, lr, **k: torch.optim.SGD(t, lr, **k)),
    "momentum": (lambda p, g: SGD(p, g, momentum=0.9), lambda t, lr, **k: torch.optim.SGD(t, lr, momentum=0.9, **k)),
    "rmsprop": (lambda p, g: RMSprop(p, g), lambda t, lr, **k: torch.optim.RMSprop(t, lr, **k)),
}


def start(dtype="float64", sizes=SIZES):
    parameters, gradient = Parameters(sizes, dtype), Parameters(sizes, dtype)
    parameters.flat[:] = np.random.default_rng(0).normal(size=parameters.flat.size)
    return parameters, gradient


def hundred_steps(optimizer, parameters, gradient, l2=0.0, weight_decay=0.0, steps=100):
    """Minimize a bowl with noise; the gradient depends on the weights, so that an error cannot hide."""
    rng = np.random.default_rng(1)
    for step in range(steps):
        g = parameters.flat * 0.3 + rng.normal(size=parameters.flat.size)
        gradient.flat[:] = optimizer.gradient_scale(l2) * g
        optimizer.step(0.02 / (1 + step // 30), l2, weight_decay)


def hundred_torch_steps(make, weights, biases, l2=0.0, steps=100):
    rng = np.random.default_rng(1)
    n_weights = weights.numel()
    optimizer = make([{"params": [weights], "weight_decay": l2}, {"params": [biases]}], 0.02)
    for step in range(steps):
        noise = torch.tensor(rng.normal(size=n_weights + biases.numel()))
        weights.grad = weights.detach() * 0.3 + noise[:n_weights]
        biases.grad = biases.detach() * 0.3 + noise[n_weights:]
        for group in optimizer.param_groups:
            group["lr"] = 0.02 / (1 + step // 30)
        optimizer.step()
    return torch.cat([weights.detach(), biases.detach()]).numpy()


def torch_start(parameters):
    n = parameters.all_weights.size
    flat = torch.tensor(parameters.flat)
    return flat[:n].clone().requires_grad_(), flat[n:].clone().requires_grad_()


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("l2", [0.0, 0.1])
def test_a_hundred_steps_are_torchs(case, l2, monkeypatch):
    monkeypatch.setattr(optimizers, "BLOCK_SIZE", 500)  # several pieces, with edges between weights and biases
    ours, theirs = CASES[case]
    parameters, gradient = start()
    reference = hundred_torch_steps(theirs, *torch_start(parameters), l2)
    hundred_steps(ours(parameters, gradient), parameters, gradient, l2)
    np.testing.assert_allclose(parameters.flat, reference, rtol=1e-9, atol=1e-11)


def test_decoupled_decay_is_adamws():
    parameters, gradient = start()
    reference = hundred_torch_steps(lambda t, lr: torch.optim.AdamW(grouped(t, 0.5), lr), *torch_start(parameters))
    hundred_steps(Adam(parameters, gradient), parameters, gradient, weight_decay=0.5)
    np.testing.assert_allclose(parameters.flat, reference, rtol=1e-9, atol=1e-11)


def grouped(groups, decay):
    weights, biases = groups
    return [{**weights, "weight_decay": decay}, {**biases, "weight_decay": 0.0}]


def test_adam_is_the_plain_algorithm_in_float32():
    parameters, gradient = start("float32")
    reference, theta = plain.Adam(parameters.flat.size), parameters.flat.astype(float)
    optimizer, rng = Adam(parameters, gradient), np.random.default_rng(2)
    for _ in range(200):
        g = rng.normal(size=theta.size).astype(np.float32)
        theta = reference.step(theta, g.astype(float), 0.01)
        gradient.flat[:] = g
        optimizer.step(0.01)
    np.testing.assert_allclose(parameters.flat, theta, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_pieces_change_no_bit(name, monkeypatch):
    numbers = {"betas": (0.9, 0.999), "eps": 1e-8, "momentum": 0.9, "rho": 0.99}
    results = []
    for piece in (10**9, 500, 77):
        monkeypatch.setattr(optimizers, "BLOCK_SIZE", piece)
        parameters, gradient = start("float32")
        hundred_steps(OPTIMIZERS[name](parameters, gradient, numbers), parameters, gradient, 0.01, 0.01)
        results.append(parameters.flat.tobytes())
    assert len(set(results)) == 1


@pytest.mark.parametrize("l2", [1e20, 3.0, 0.07, 1e-12])
def test_adam_is_torchs_for_any_strength_of_l2(l2):
    """Adam is given gradients times 1/λ, but not times more than 2³⁰."""
    parameters, gradient = start()
    reference = hundred_torch_steps(lambda t, lr: torch.optim.Adam(t, lr), *torch_start(parameters), l2)
    hundred_steps(Adam(parameters, gradient), parameters, gradient, l2)
    np.testing.assert_allclose(parameters.flat, reference, rtol=1e-9, atol=1e-11)


def test_a_tiny_eps_divides_nothing_that_the_flush_left_over():
    parameters, gradient = start("float32", (6, 3))
    optimizer, before = Adam(parameters, gradient, eps=1e-30), parameters.flat.copy()
    for _ in range(130):
        gradient.flat[:] = 1e-16
        optimizer.step(1e-3)
    assert np.abs(parameters.flat - before).max() < 0.2  # a step of Adam's is lr at the most


@pytest.mark.parametrize("size", [2, 3, 5])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_parts_change_no_bit(name, size, monkeypatch):
    monkeypatch.setattr(optimizers, "BLOCK_SIZE", 300)
    numbers = {"betas": (0.9, 0.999), "eps": 1e-8, "momentum": 0.9, "rho": 0.99}
    results = []
    for parts in ([ALONE], [Part(rank, size) for rank in range(size)]):
        parameters, gradient = start("float32")
        optimizer, rng = OPTIMIZERS[name](parameters, gradient, numbers), np.random.default_rng(3)
        for step in range(1, 71):
            gradient.flat[:] = rng.normal(size=gradient.flat.size)
            for part in parts:
                optimizer.steps = step - 1  # each worker counts for itself
                optimizer.step(0.01, 0.1, 0.1, own_elements(part, gradient.flat.size))
        results.append(parameters.flat.tobytes())
    assert results[0] == results[1]


@pytest.mark.parametrize("l2", [0.0, 1e-4])
@pytest.mark.parametrize("case", CASES)
def test_what_vanishes_becomes_zero_and_never_subnormal(case, l2):
    """Weights of pixels that are never inked again get no gradient but that of L2."""
    parameters, gradient = start("float32", (6, 3))
    optimizer = CASES[case][0](parameters, gradient)
    tiny = np.finfo(np.float32).tiny
    rng = np.random.default_rng(0)
    for step in range(3000):
        gradient.flat[:] = optimizer.gradient_scale(l2) * rng.normal(size=gradient.flat.size) if step < 10 else 0
        optimizer.step(0.01, l2)
        if step % 64 == 63:
            for array in (parameters.flat, *optimizer.state.values()):
                assert not np.any((array != 0) & (np.abs(array) < tiny))


def test_state_is_all_that_is_remembered():
    """A copy that is given steps and state goes on with the same bits."""
    runs = []
    for interrupted in (False, True):
        parameters, gradient = start("float32")
        optimizer = Adam(parameters, gradient)
        rng = np.random.default_rng(5)
        for step in range(20):
            if interrupted and step == 9:
                fresh = Adam(parameters, gradient)
                fresh.steps = optimizer.steps
                for name, array in optimizer.state.items():
                    fresh.state[name][:] = array
                optimizer = fresh
            gradient.flat[:] = rng.normal(size=gradient.flat.size)
            optimizer.step(0.01)
        runs.append(parameters.flat.tobytes())
    assert runs[0] == runs[1]
