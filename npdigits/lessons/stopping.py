"""Lesson 5: early stopping by patience, against the rule that ends runs."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from npdigits.lessons.answers import Answer, Function, Wrong, described
from npdigits.training.stopping import no_improvement

CASES = 60
# Larger than any epoch.
MOST = 1_000_000


def check(function: Function) -> None:
    """Judge ``my_function(costs, patience)``, which returns the last epoch and the best one, counted from 1."""
    answer = Answer(function, "costs", "patience")
    rng = np.random.default_rng(5)
    for _ in range(CASES):
        n, patience = int(rng.integers(1, 25)), int(rng.integers(1, 6))
        falling = 2.0 / np.arange(1, n + 1) ** rng.uniform(0, 1)
        costs = (falling + rng.normal(0, 0.2, n) ** 2).round(4).tolist()
        last, best = _of_the_rule(costs, patience)
        returned = answer(costs, patience)
        if not isinstance(returned, tuple | list) or len(returned) != 2:
            raise Wrong(f"it returned {described(returned)}; two numbers are asked for: return last, best")
        ends, found = (_whole(one, returned) for one in returned)
        if (ends, found) == (last, best):
            continue
        shown = ", ".join(f"{cost:.2f}" for cost in costs[: last + 1])
        given = f"costs {shown}{', …' if n > last + 1 else ''} and patience {patience}"
        if (ends, found) == (best, last):
            raise Wrong("the two are the other way round: return last, best")
        if (ends, found) == (last - 1, best - 1):
            raise Wrong("epochs are counted from 1; a list's places are counted from 0")
        if ends != last:
            when = "ends too late" if ends > last else "ends too early"
            raise Wrong(f"with {given} it {when}, after epoch {ends}; {last} is right")
        if found == int(np.argmin(costs)) + 1:
            raise Wrong("the best epoch lies after the end: nobody has seen it, training was over by then")
        raise Wrong(f"with {given} the best epoch is {best}, not {found}")


def _whole(value: Any, returned: Any) -> int:
    """Return a whole number as it was returned, of whatever kind.

    Raises:
        Wrong: it is none, or larger than any epoch here.
    """
    try:
        if not isinstance(value, str | bytes) and value == int(value) and abs(value) < MOST:
            return int(value)
    except (TypeError, ValueError, OverflowError):
        pass
    raise Wrong(f"it returned {described(returned)}; two whole numbers are asked for: return last, best")


def _of_the_rule(costs: Sequence[float], patience: int) -> tuple[int, int]:
    """Return the last epoch and the best one, as a run with this rule has them."""
    rule = no_improvement(patience, 0.0)
    last = next((n for n in range(1, len(costs) + 1) if rule(costs[:n], ())), len(costs))
    return last, int(np.argmin(costs[:last])) + 1
