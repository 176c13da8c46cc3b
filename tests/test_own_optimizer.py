"""Optimizers of a formula: beside PyTorch and the built-in ones, what they keep, and what they may not do."""

import numpy as np
import pytest
import torch
from test_loop import TEST, TRAIN, VAL, recipe, state
from test_optimizers import hundred_steps, hundred_torch_steps, start, torch_start

from npdigits.base.errors import OwnCodeError
from npdigits.nn.own_optimizer import FormulaOptimizer
from npdigits.training.loop import fit
from npdigits.training.workers import can_fork


def adam(theta, g, m, v, *, lr, t, beta1: float = 0.9, beta2: float = 0.999):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    return theta - lr * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + 1e-8), m, v


def descent(theta, g, *, lr):
    return theta - lr * g


def normalized(theta, g, *, lr):
    """A step of the same length whatever the gradient: it needs the norm of the whole."""
    return theta - lr * g / np.sqrt((g**2).sum())


def heavy_ball(theta, g, before, *, lr, t, mu: float = 0.9):
    """Polyak 1964: the last theta is the state, which is theta itself when it is returned."""
    return theta - lr * g + (mu * (theta - before) if t > 1 else 0), theta


CASES = {
    "adam": (adam, {}, lambda t, lr, **k: torch.optim.Adam(t, lr, **k)),
    "adam, other numbers": (
        adam,
        {"beta1": 0.5, "beta2": 0.9},
        lambda t, lr, **k: torch.optim.Adam(t, lr, betas=(0.5, 0.9), **k),
    ),
    "descent": (descent, {"of_another": 1}, lambda t, lr, **k: torch.optim.SGD(t, lr, **k)),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("l2", [0.0, 0.1])
def test_a_hundred_steps_are_torchs(case, l2):
    formula, numbers, theirs = CASES[case]
    parameters, gradient = start()
    reference = hundred_torch_steps(theirs, *torch_start(parameters), l2)
    hundred_steps(FormulaOptimizer(parameters, gradient, formula, numbers), parameters, gradient, l2)
    np.testing.assert_allclose(parameters.flat, reference, rtol=1e-9, atol=1e-11)


def test_decay_comes_before_and_concerns_weights_alone():
    parameters, gradient = start()
    before, n = parameters.flat.copy(), parameters.all_weights.size
    gradient.flat[:] = 2.0
    FormulaOptimizer(parameters, gradient, descent).step(0.1, weight_decay=0.5)
    np.testing.assert_allclose(parameters.flat[:n], before[:n] * (1 - 0.1 * 0.5) - 0.2, rtol=1e-12)
    np.testing.assert_allclose(parameters.flat[n:], before[n:] - 0.2, rtol=1e-12)


def test_the_old_theta_may_be_the_new_state():
    """By hand: θ₁ = 1 − 0.1·1 = 0.9; θ₂ = 0.9 − 0.1 + 0.9·(0.9 − 1) = 0.71; θ₃ = 0.71 − 0.1 + 0.9·(−0.19) = 0.439."""
    parameters, gradient = start()
    parameters.flat[:] = 1
    optimizer = FormulaOptimizer(parameters, gradient, heavy_ball)
    seen = []
    for _ in range(3):
        gradient.flat[:] = 1
        optimizer.step(0.1)
        seen.append([parameters.flat[0], optimizer.state["before"][0]])
    np.testing.assert_allclose(seen, [[0.9, 1], [0.71, 0.9], [0.439, 0.71]], rtol=1e-12)


def test_states_may_change_places():
    parameters, gradient = start()
    optimizer = FormulaOptimizer(parameters, gradient, lambda theta, g, p, q: (p, q, p + 1))
    seen = []
    for _ in range(4):
        optimizer.step(0.1)
        seen.append([parameters.flat[0], optimizer.state["p"][0], optimizer.state["q"][0]])
    assert seen == [[0, 0, 1], [0, 1, 1], [1, 1, 2], [1, 2, 2]]


def lion(theta, g, m, *, lr):
    return theta - lr * np.sign(0.9 * m + 0.1 * g), 0.99 * m + 0.01 * g


@pytest.mark.skipif(not can_fork(), reason="processes share a run on Linux only")
@pytest.mark.parametrize("batch", [4, 32])  # by units, by images
@pytest.mark.parametrize("formula", [lion, normalized])
def test_of_several_workers_the_first_makes_the_step(formula, batch):
    """A run by several is the run by one to the bit."""

    def of_formula(parameters, gradient):
        return FormulaOptimizer(parameters, gradient, formula)

    runs = []
    for threads in (1, 2, 3):
        s = state(of_formula)
        list(fit(s, TRAIN, VAL, TEST, recipe(threads=threads, batch_size=batch, epochs=2, l2=1e-3)))
        runs.append(s)
    one, *several = runs
    for other in several:
        assert other.network.parameters.flat.tobytes() == one.network.parameters.flat.tobytes()
        assert (other.optimizer.steps, other.history) == (one.optimizer.steps, one.history)
    assert one.history[-1].train_cost != one.history[0].train_cost


def changes_theta(theta, g, *, lr):
    theta -= lr * g
    return theta


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        (changes_theta, r"^test_own_optimizer.py, line \d+: changes_theta: it changes an array that it was given"),
        (
            lambda theta, g, m: theta,
            r"^test_own_optimizer.py, line \d+: <lambda>: returned a ndarray; allowed is \(theta, m\), a tuple$",
        ),
        (lambda theta, g, m: (theta, m, m), r"returned 3 values; allowed is \(theta, m\), a tuple$"),
        (lambda theta, g: (theta, g), r"returned theta a tuple of .*; allowed are floats of shape \(1540,\)"),
        (lambda theta, g, m: (theta, m[:5]), r"returned m float64 \(5,\); allowed are floats of shape \(1540,\)"),
        (lambda theta, g, m: (theta, m + np.inf), r"returned m with inf where it was given .*; allowed are finite"),
        (lambda theta, g, m: (theta * np.nan, m), "returned theta with nan where it was given"),
    ],
)
def test_what_a_formula_does_wrong_is_one_line_and_changes_nothing(formula, message):
    parameters, gradient = start()
    before = parameters.flat.copy()
    optimizer = FormulaOptimizer(parameters, gradient, formula)
    with pytest.raises(OwnCodeError, match=message):
        optimizer.step(0.1)
    assert np.array_equal(parameters.flat, before) and not any(array.any() for array in optimizer.state.values())


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        (lambda theta: theta, r"^<lambda>\(theta\): allowed is <lambda>\(theta, g, and its states\)"),
        (
            lambda theta, g, lr: theta,
            r"^<lambda>\(theta, g, lr\): allowed is .*, then \*, lr and t where it reads them",
        ),
        (lambda theta, g, *, rate: theta, "rate has no default, as its numbers must have; given are lr, t"),
    ],
)
def test_other_signatures_are_refused(formula, message):
    with pytest.raises(OwnCodeError, match=message):
        FormulaOptimizer(*start(), formula)


def test_states_are_named_as_in_a_checkpoint():
    optimizer = FormulaOptimizer(*start("float32"), adam)
    assert {name: (array.dtype.name, array.any()) for name, array in optimizer.state.items()} == {
        "m": ("float32", False),
        "v": ("float32", False),
    }
    assert not optimizer.divisible
