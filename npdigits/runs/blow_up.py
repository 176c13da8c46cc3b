"""Why a run has diverged: the step at which its cost blew up, and a rate at which it does not, tried on copies."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from npdigits.base.arrays import Array
from npdigits.config.build import initial_state, recipe
from npdigits.training.inside import BATCH, evenly
from npdigits.training.replay import Course, Replay, cost_of
from npdigits.training.state import State

if TYPE_CHECKING:
    from npdigits.data.sets import Split
    from npdigits.runs.prepare import Plan

# Steps that a smaller rate must lower the cost in, from the initial weights; how many powers of ten are tried, and the
# first of them at most: from a rate of 1e30 all of them would be as useless.
TRIED_STEPS, TRIED_DECADES, HIGHEST_TRIED = 100, 8, 10.0
# A rate learns if it takes the cost below this share of that of guessing by the classes' shares.
LEARNS = 0.9
# A cost of so many times that of guessing is a high one.
HIGH = 1.5


def tell_divergence(plan: Plan, state: State, initial: State) -> tuple[str, Course | None]:
    """Return in one line how a run has diverged, and the steps of the epoch in which it did, if it made any.

    Args:
        plan: its settings and sets.
        state: where it stood at the end of the epoch before; only read.
        initial: where it began; only read.
    """
    config, train = plan.config, plan.train
    how, before = recipe(config, plan.source.image_shape), cost_of(initial, evenly(train, BATCH))
    if not math.isfinite(before):
        return (
            f"the cost is not finite with the initial weights: a smaller init_scale (it is {config.init_scale:g})",
            None,
        )
    replay = Replay(initial_state(config, plan.sizes), train, how)
    epoch = len(state.history) + 1
    course = replay.steps(state, epoch, how.schedule(epoch - 1))
    line = f"the cost was {cost_as_text(before)} nats with the initial weights"
    if not course.finite and len(course.costs) > 1:
        last = len(course.costs) - 1
        line += f", {cost_as_text(course.costs[-2])} before step {last:,} of epoch {epoch} and not finite after it"
    return f"{line}; {tell_rate(plan, initial, how.schedule(epoch - 1))}", course


def tell_rate(plan: Plan, initial: State, rate: float) -> str:
    """Return which smaller rate learns, tried on copies: powers of ten, then half a power more; and if none does, that.

    It is the largest that takes the cost well below that of guessing. Where none does and the cost was high before the
    first step, the initial weights are to blame.
    """
    lr, digits, guessing = plan.config.lr, evenly(plan.train, BATCH), entropy_of(plan.train)
    steps = min(TRIED_STEPS, -(-len(plan.train) // plan.config.batch_size))
    replay = Replay(initial_state(plan.config, plan.sizes), plan.train, recipe(plan.config, plan.source.image_shape))
    begin = min(0.1, HIGHEST_TRIED / rate) if rate else 0.1
    for decade in range(TRIED_DECADES):
        share = begin * 10.0**-decade
        cost = replay.cost_after(initial, rate * share, steps, digits)
        if not cost < LEARNS * guessing:
            continue
        higher = replay.cost_after(initial, rate * share * math.sqrt(10), steps, digits)
        if higher < LEARNS * guessing:
            share, cost = share * math.sqrt(10), higher
        return f"with lr={lr * share:.2g} the first {steps} steps lower it to {cost_as_text(cost)} (tried on copies)"
    lowest = begin * 10.0 ** (1 - TRIED_DECADES)
    none = (
        f"no rate from lr={lr * begin:.2g} down to {lr * lowest:.0e} takes it below that of guessing in {steps} steps "
        "(tried on copies)"
    )
    before = cost_of(initial, digits)
    if before > HIGH * guessing:
        scale = f"(init_scale is {plan.config.init_scale:g})"
        return f"{none}; with the initial weights it was {cost_as_text(before)}: smaller ones {scale}"
    return none


def shares_of(split: Split) -> Array:
    """Return the shares of the classes that are there."""
    counts = np.bincount(split.labels[split.rows].astype(np.intp))
    shares: Array = counts[counts > 0] / len(split)
    return shares


def entropy_of(split: Split) -> float:
    """Return the cost of guessing by the classes' shares alone, in nats: the entropy of the labels."""
    shares = shares_of(split)
    return float(-(shares * np.log(shares)).sum())


def cost_as_text(value: float) -> str:
    return f"{value:.2f}" if value < 1000 else f"{value:.1e}"
