"""The slope of a function by central differences, and how far that figure can be trusted.

    n(h) = (C(h) − C(−h)) / 2h = C′(0) + h²·C‴(0)/6 + …

(Bishop 2006, "Pattern Recognition and Machine Learning", §5.3.3, eq. 5.69.) With a large h the next term is an error,
with a small one the rounding of C is, about noise/h. No single h suits every parameter, so h becomes smaller until two
figures agree, as in Ridders' method (Press et al. 2007, "Numerical Recipes", §5.7; here without its extrapolation).
A kink of C within the step spoils n(h) as well, until h is too small to reach it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

LARGEST_STEP = 1e-2
# Each step is this part of the one before, so that the next term becomes 1/64 of what it was.
SHRINK = 1 / 8
MOST_STEPS = 11
# Figures that agree as well as this need no further one: the later one is then better by the factor above.
AGREED = 1e-6


@dataclass(frozen=True)
class Slope:
    """A slope by differences.

    Attributes:
        value: n(h) of the step that could be trusted most.
        unsure: how far it is from n of the step before, and what rounding may have added. inf: nothing can be said.
    """

    value: float
    unsure: float


def slope(cost: Callable[[float], float], noise: float) -> Slope:
    """Return C′(0).

    Args:
        cost: C(t), where t of the size 1 is a large change.
        noise: how far rounding may move C.
    """
    h, best = LARGEST_STEP, Slope(0.0, math.inf)
    before = (cost(h) - cost(-h)) / (2 * h)
    for _ in range(MOST_STEPS):
        h *= SHRINK
        now = (cost(h) - cost(-h)) / (2 * h)
        unsure = abs(now - before) + noise / h
        if unsure < best.unsure:
            best = Slope(now, unsure)
        if unsure <= AGREED * abs(now) or noise / h > best.unsure:  # a smaller step could only be worse
            break
        before = now
    return best
