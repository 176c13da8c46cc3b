"""Lesson 4: gradient descent on one number, against the optimizer's steps; also where it runs away."""

import numpy as np

from npdigits.lessons.answers import Answer, Function, Wrong, agree, as_array
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
        n = np.size(returned)
        if n == steps:
            raise Wrong(f"of {steps} steps it returned {n} places; {steps + 1} are asked for, the start is the first")
        places = as_array("what it returned", returned, (steps + 1,))
        if agree(places, true):
            continue
        if not agree(places[0], start):
            raise Wrong("the first place is not the start: keep the start in the list before the first step")
        if agree(places[1] - start, start - true[1]):
            raise Wrong("the first step goes uphill: against the slope is minus")
        if agree(places, start - lr * slope(start) * np.arange(steps + 1)):
            raise Wrong("every step takes the slope of the start; take the slope where you are now")
        if agree(places[1], start - slope(start)):
            raise Wrong("lr is missing: a step is lr times the slope")
        raise Wrong(f"with lr={lr:.3g} it goes from {start:.3g} to {places[1]:.3g}, the optimizer to {true[1]:.3g}")


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
