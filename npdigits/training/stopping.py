"""Early stopping: each rule says, from the history of the validation cost, whether a run should end.

A rule is a pure function of what has been recorded so far. It holds no state, so there is none to save, and what a
run did can be checked from its metrics.csv alone.
"""

import statistics
from collections.abc import Callable, Sequence

# (val_costs, gaps) of the epochs so far -> whether to stop after the last of them
StoppingRule = Callable[[Sequence[float], Sequence[float]], bool]


def variance_of_last(costs: Sequence[float], window: int) -> float | None:
    """Return the population variance of the last ``window`` costs; None before there are that many."""
    return statistics.pvariance(costs[-window:]) if len(costs) >= window else None


def no_improvement(patience: int, min_delta: float) -> StoppingRule:
    """Stop once the validation cost has not improved by ``min_delta`` for ``patience`` epochs (Prechelt 1998, UP_s).

    An epoch improves when its cost is at least ``min_delta`` (and more than nothing) below that of the last epoch
    that improved.
    """

    def rule(val_costs: Sequence[float], gaps: Sequence[float]) -> bool:
        reference, since = float("inf"), 0
        for cost in val_costs:
            if cost < reference and reference - cost >= min_delta:
                reference, since = cost, 0
            else:
                since += 1
        return since >= patience

    return rule


def gap_too_wide(patience: int, min_delta: float) -> StoppingRule:
    """Stop once validation minus training cost has been above ``min_delta`` for ``patience`` epochs in a row.

    The gap is the "variance" of the bias–variance reading: how much worse the network does on digits it did not see.
    """

    def rule(val_costs: Sequence[float], gaps: Sequence[float]) -> bool:
        return len(gaps) >= patience and all(gap > min_delta for gap in gaps[-patience:])

    return rule


def settled(patience: int, min_delta: float, window: int) -> StoppingRule:
    """Stop once the variance of the last ``window`` validation costs is under ``min_delta`` for ``patience`` epochs."""

    def rule(val_costs: Sequence[float], gaps: Sequence[float]) -> bool:
        variances = [
            variance_of_last(val_costs[: len(val_costs) - back], window)
            for back in range(min(patience, len(val_costs)))
        ]
        return len(variances) == patience and all(v is not None and v < min_delta for v in variances)

    return rule


def never() -> StoppingRule:
    """Run all the epochs."""
    return lambda val_costs, gaps: False


# Every entry takes (patience, min_delta, window), and uses its own.
STOPPING_RULES: dict[str, Callable[[int, float, int], StoppingRule]] = {
    "val_cost": lambda patience, min_delta, window: no_improvement(patience, min_delta),
    "gap": lambda patience, min_delta, window: gap_too_wide(patience, min_delta),
    "variance": settled,
    "none": lambda patience, min_delta, window: never(),
}

# What ``min_delta: null`` means for each rule, in the unit of what the rule looks at (nats; nats²). Each of them can
# act within an ordinary run: see "Do the stopping rules' own thresholds act?" in experiments/README.md.
MIN_DELTA = {"val_cost": 1e-4, "gap": 0.03, "variance": 1e-5, "none": 0.0}
