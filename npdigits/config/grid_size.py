"""How many points a grid has, counted before the first is made: said where they are many, refused where too many."""

import math
from collections.abc import Mapping
from typing import Any

from npdigits.base import program
from npdigits.base.errors import ConfigError

# The most points, unless this key says otherwise, and from how many on their number is said.
BOUND = "hydra.sweeper.max_points"
MOST_POINTS = 100_000
MANY = 10_000
# What a point costs until the first run begins, measured at 99,900 points: it is composed, checked and named.
SECONDS, BYTES = 4e-4, 1.1e4
# More points than that are a mistake, and no bound to be recommended.
CONCEIVABLE = 100_000_000
# As many experiments are named, whose grids may differ.
MOST_NAMED = 3


def check_size(axes: Mapping[str | None, Mapping[str, int]], bound: Any) -> None:
    """Say how many points there are if they are many.

    Args:
        axes: of each experiment (None: of none) how many values each key has.
        bound: the most that are allowed, as configured.

    Raises:
        ConfigError: there are more; or the bound is no whole number above 0.
    """
    if type(bound) is not int or bound < 1:
        raise ConfigError(f"{BOUND}={bound}: allowed are whole numbers from 1")
    count = sum(math.prod(of_one.values()) for of_one in axes.values())
    said = f"{_as_text(axes)}: a grid of {count:,} points"
    if count > bound:
        raise ConfigError(f"{said}: allowed are at most {bound:,}{_how_to_allow(count)}")
    if count > MANY:
        program.warn("npdigits", f"{said}: each is checked before the first run, which takes {_cost(count)}")


def _as_text(axes: Mapping[str | None, Mapping[str, int]]) -> str:
    """Return the keys that vary, each with the number of its values."""
    grids = [
        f"{experiment or ''}{': ' * bool(experiment)}"
        + (" × ".join(f"{key.lstrip('+')} ({n:,})" for key, n in of_one.items() if n > 1) or "no key varies")
        for experiment, of_one in axes.items()
    ]
    more = f"; {len(grids) - MOST_NAMED:,} more" if len(grids) > MOST_NAMED else ""
    return "; ".join(grids[:MOST_NAMED]) + more


def _how_to_allow(count: int) -> str:
    """Return how so many points are allowed and what they take; nothing where no machine could hold them."""
    if count > CONCEIVABLE:
        return ""
    return f"; {BOUND}={count} allows them" + (f", which takes {_cost(count)}" if count > MANY else "")


def _cost(count: int) -> str:
    """Return the time and memory that so many points take, as text."""
    seconds, size = SECONDS * count, BYTES * count
    time = f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:,.0f} min"
    return f"some {time} and {size / 1e9:,.1f} GB of memory"
