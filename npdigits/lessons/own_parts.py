"""Lesson 7: an activation with its derivative, by differences; an optimizer, by what it does to a bowl."""

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import OwnCodeError
from npdigits.lessons.answers import Answer, Function, Wrong, watched
from npdigits.nn.network import Parameters
from npdigits.nn.own_optimizer import FormulaOptimizer

# Differences of f over this step tell its slope to about seven digits.
STEP = 1e-5
PLACES, ROUNDS, LR = 6, 300, 0.05
# After these rounds the cost must be below this part of what it was.
ENOUGH = 0.05


def check(activation: Function, derivative: Function, optimizer: Function) -> None:
    """Judge ``f(z)``, ``d_f(z, a)`` and ``step(theta, g, *, lr)``, which may have states as conf/README.md says."""
    _check_activation(Answer(activation, "z"), Answer(derivative, "z", "a"))
    _check_optimizer(optimizer)


def _check_activation(f: Answer, d_f: Answer) -> None:
    z = np.random.default_rng(7).normal(0, 2, (40, 5))
    a = f.array(z.shape, z)
    if not np.allclose(f.array((5,), z[3]), a[3]):
        raise Wrong(f"{f.name}: each number must be computed for itself, whatever stands beside it")
    line = np.polyval(np.polyfit(z.ravel(), a.ravel(), 1), z)
    if np.allclose(a, line, atol=1e-6):
        raise Wrong(f"{f.name} is a straight line: layers of such units can do no more than a single layer")
    f.array((3,), np.array([-100.0, 0.0, 100.0]))
    slope = (f.array(z.shape, z + STEP) - f.array(z.shape, z - STEP)) / (2 * STEP)
    given = d_f.array(z.shape, z, a)
    off = np.abs(given - slope) > 1e-4 * np.maximum(1, np.abs(slope))
    if off.mean() > 0.01:  # at a corner, as relu has, there is no slope
        at = tuple(np.argwhere(off)[0])
        raise Wrong(
            f"{d_f.name}: at z = {z[at]:.3f} {f.name} rises by {slope[at]:.4f} a unit, and it says {given[at]:.4f}"
        )


def _check_optimizer(function: Function) -> None:
    name = getattr(function, "__name__", "the optimizer")
    rng = np.random.default_rng(77)
    bends, start = rng.uniform(0.5, 2, PLACES), rng.normal(0, 1, PLACES)
    try:
        with watched(name, function):
            places = _walk(function, bends, start, LR)
            slower = _walk(function, bends, start, LR / 1000)
    except OwnCodeError as error:
        raise Wrong(" ".join(str(error).split())) from error  # arrays in it may have several lines
    first = places[1] - start
    if not first.any():
        raise Wrong(f"{name}: it leaves theta as it is: a step changes it, against the gradient g")
    if first @ (bends * start) > 0:
        raise Wrong(f"{name}: the cost rises: a step goes against the gradient, theta minus something")
    if np.allclose(slower[1] - start, first):
        raise Wrong(f"{name}: lr changes nothing: the step's size must follow from it")
    before, after = bends @ start**2, bends @ places[-1] ** 2
    if after > ENOUGH * before:
        raise Wrong(
            f"{name}: in a bowl, after {ROUNDS} steps with lr={LR}, the cost is {after / before:.3g} of what it was; "
            f"less than {ENOUGH} is asked for"
        )


def _walk(function: Function, bends: Array, start: Array, lr: float) -> list[Array]:
    """Return the places of a walk down the bowl C = ½ Σ bend·θ², by the optimizer that npdigits makes of a formula."""
    sizes = (PLACES - 1, 1)  # as many weights and one bias
    theta, gradient = Parameters(sizes, "float64"), Parameters(sizes, "float64")
    optimizer = FormulaOptimizer(theta, gradient, function)
    theta.flat[...] = start
    places = [start.copy()]
    for _ in range(ROUNDS):
        gradient.flat[...] = bends * theta.flat
        optimizer.step(lr)
        places.append(theta.flat.copy())
    return places
