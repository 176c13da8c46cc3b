"""Lesson 4: gradient descent on one number, against the optimizer's steps; also where it runs away."""

from collections.abc import Callable

import numpy as np

from npdigits.base.arrays import Array
from npdigits.lessons.answers import Answer, Function, Wrong, agree, as_array, described
from npdigits.nn.network import Parameters
from npdigits.nn.optimizers import OPTIMIZERS

CASES = 12


def check(function: Function) -> None:
    """Judge ``my_function(slope, start, lr, steps)``, which returns the places: the start, and one after each step."""
    answer = Answer(function, "slope", "start", "lr", "steps")
    rng = np.random.default_rng(4)
    for _ in range(CASES):
        bend, lowest = float(rng.uniform(0.5, 3)), float(rng.normal(0, 2))
        start, steps = float(rng.normal(0, 3)), int(rng.integers(2, 9))
        # From slow to running away: beyond 2/bend every step goes farther than the one before.
        lr = float(rng.uniform(0.1, 2.6)) / bend

        def slope(w: float, bend: float = bend, lowest: float = lowest) -> float:
            return bend * (w - lowest)

        true = _of_the_optimizer(bend, lowest, start, lr, steps)
        returned = answer(slope, start, lr, steps)
        if not isinstance(returned, list | tuple | np.ndarray):
            raise Wrong(f"it returned {described(returned)}; a list of {steps + 1} places is asked for")
        if isinstance(returned, list | tuple) and len(returned) != steps + 1:
            n = len(returned)
            raise Wrong(f"of {steps} steps it returned {n} places; {steps + 1} are asked for, the start is the first")
        places = as_array("what it returned", returned, (steps + 1,))
        if not agree(places, true):
            raise Wrong(_reason(places, np.array(true), slope, lr))


def _reason(places: Array, true: Array, slope: Callable[[float], float], lr: float) -> str:
    """Return why places are not those of gradient descent, as far as they tell it."""
    start, step = true[0], true[1] - true[0]
    if np.array_equal(places[1:], places[1:].round(6)) and np.allclose(places, true, rtol=0, atol=1):
        return "the places are rounded: keep all digits"
    if not agree(places[0], start):
        return "the first place is not the start: keep the start in the list before the first step"
    if agree(places[1], start):
        return "after the first step it is still at the start: make the step, w = …, and keep the new place after that"
    if agree(places[1] - start, -step):
        return "the first step goes uphill: against the slope is minus"
    if agree(places, start + step * np.arange(len(true))):
        return "every step takes the slope of the start; take the slope where you are now"
    if agree(places[1], start - slope(start)):
        return "lr is missing: a step is lr times the slope"
    if agree(abs(places[1]), abs(step)):
        return "this is the step alone; the new place is the old place minus lr times the slope"
    i = next(i for i in range(1, len(true)) if not agree(places[i], true[i]))
    return (
        f"step {i} begins at {true[i - 1]:.4g}, where the slope is {slope(true[i - 1]):.4g}; with lr = {lr:.4g} it "
        f"ends at {true[i]:.4g}, and yours at {places[i]:.4g}"
    )


def _of_the_optimizer(bend: float, lowest: float, start: float, lr: float, steps: int) -> list[float]:
    """Return the places of plain gradient descent, by the optimizer that trains networks."""
    theta, gradient = Parameters((1, 1), "float64"), Parameters((1, 1), "float64")
    descend = OPTIMIZERS["sgd"](theta, gradient)
    theta.flat[...] = start
    places = [start]
    for _ in range(steps):
        gradient.flat[...] = bend * (theta.flat - lowest)
        descend.step(lr)
        places.append(float(theta.flat[0]))
    return places
