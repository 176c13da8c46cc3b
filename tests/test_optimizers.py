"""Optimizers: 100 steps from the same weights on the same gradients as PyTorch, L2, decay, pieces, subnormals."""

import numpy as np
import pytest
import torch

from npdigits.base.choice import assemble
from npdigits.nn import optimizer as common
from npdigits.nn import plain
from npdigits.nn.network import Parameters
from npdigits.nn.optimizers import ALIASES, OPTIMIZERS, SGD, Adam, Lion, RMSprop
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
    "nesterov": (
        lambda p, g: SGD(p, g, momentum=0.9, nesterov=True),
        lambda t, lr, **k: torch.optim.SGD(t, lr, momentum=0.9, nesterov=True, **k),
    ),
    "rmsprop": (lambda p, g: RMSprop(p, g), lambda t, lr, **k: torch.optim.RMSprop(t, lr, **k)),
}


NUMBERS = {"betas": (0.9, 0.999), "eps": 1e-8, "momentum": 0.9, "nesterov": False, "rho": 0.99}
EVERY = [*((name, NUMBERS) for name in OPTIMIZERS), ("sgd", NUMBERS | {"nesterov": True})]


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
    monkeypatch.setattr(common, "BLOCK_SIZE", 500)  # several pieces, with edges between weights and biases
    ours, theirs = CASES[case]
    parameters, gradient = start()
    reference = hundred_torch_steps(theirs, *torch_start(parameters), l2)
    hundred_steps(ours(parameters, gradient), parameters, gradient, l2)
    np.testing.assert_allclose(parameters.flat, reference, rtol=1e-9, atol=1e-11)


def plain_lion(theta, g, m, lr, beta1, beta2, decay):
    """Chen et al. 2023, algorithm 2, line by line, for one number in Python's floats."""
    c = beta1 * m + (1 - beta1) * g
    theta = theta - lr * ((c > 0) - (c < 0) + decay * theta)
    return theta, beta2 * m + (1 - beta2) * g


@pytest.mark.parametrize("decay", [0.0, 0.5])
@pytest.mark.parametrize("betas", [(0.9, 0.99), (0.5, 0.8), (0.0, 0.9)])
def test_lion_is_the_plain_algorithm(betas, decay):
    """The gradients are drawn, not the weights', as a sign decides a whole step."""
    parameters, gradient = start(sizes=(6, 3))
    optimizer, rng = Lion(parameters, gradient, betas), np.random.default_rng(4)
    n = parameters.all_weights.size
    expected = [(theta, 0.0) for theta in parameters.flat.tolist()]
    for step in range(100):
        g, lr = rng.normal(size=gradient.flat.size).tolist(), 0.02 / (1 + step // 30)
        expected = [
            plain_lion(theta, g[i], m, lr, *betas, decay if i < n else 0.0) for i, (theta, m) in enumerate(expected)
        ]
        gradient.flat[:] = g
        optimizer.step(lr, weight_decay=decay)
    np.testing.assert_allclose(parameters.flat, [theta for theta, _ in expected], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(optimizer.state["m"], [m for _, m in expected], rtol=1e-9, atol=1e-12)


def test_two_steps_of_lion_worked_by_hand():
    """β 0.9 and 0.99, η 0.1, g = 1, then −0.05.

    c₁ = 0.1, θ₁ = 1 − 0.1 = 0.9, m₁ = 0.01; c₂ = 0.009 − 0.005 > 0, though g < 0: θ₂ = 0.8, m₂ = 0.0099 − 0.0005.
    """
    parameters, gradient = start(sizes=(1, 1))
    parameters.flat[:] = 1
    optimizer = Lion(parameters, gradient)
    seen = []
    for g in (1.0, -0.05):
        gradient.flat[:] = g
        optimizer.step(0.1)
        seen.append([parameters.flat[0], optimizer.state["m"][0]])
    np.testing.assert_allclose(seen, [[0.9, 0.01], [0.8, 0.0094]], rtol=1e-12)


def test_nesterov_without_momentum_is_gradient_descent():
    results = []
    for optimizer in (lambda p, g: SGD(p, g), lambda p, g: SGD(p, g, nesterov=True)):
        parameters, gradient = start()
        hundred_steps(optimizer(parameters, gradient), parameters, gradient)
        results.append(parameters.flat.tobytes())
    assert results[0] == results[1]


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


@pytest.mark.parametrize(("name", "numbers"), EVERY)
def test_pieces_change_no_bit(name, numbers, monkeypatch):
    results = []
    for piece in (10**9, 500, 77):
        monkeypatch.setattr(common, "BLOCK_SIZE", piece)
        parameters, gradient = start("float32")
        hundred_steps(assemble(OPTIMIZERS[name], numbers, parameters, gradient), parameters, gradient, 0.01, 0.01)
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
@pytest.mark.parametrize(("name", "numbers"), EVERY)
def test_parts_change_no_bit(name, numbers, size, monkeypatch):
    monkeypatch.setattr(common, "BLOCK_SIZE", 300)
    results = []
    for parts in ([ALONE], [Part(rank, size) for rank in range(size)]):
        parameters, gradient = start("float32")
        optimizer, rng = assemble(OPTIMIZERS[name], numbers, parameters, gradient), np.random.default_rng(3)
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


def test_other_names_stand_for_one_that_there_is():
    assert set(ALIASES.values()) <= set(OPTIMIZERS) and not set(ALIASES) & set(OPTIMIZERS)


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
