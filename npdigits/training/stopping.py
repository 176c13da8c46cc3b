"""Early stopping: each rule says, from the history of the validation cost, whether a run should end.

A rule is a pure function of the records so far. It holds no state, so there is none to save, and whether a run stopped
as it should can be checked from its metrics.csv alone.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from npdigits.base.errors import OwnCodeError
from npdigits.nn.own_function import OwnFunction

# (val_costs, gaps) of the epochs so far -> whether to stop after the last of them
StoppingRule = Callable[[Sequence[float], Sequence[float]], bool]


def variance_of_last(costs: Sequence[float], window: int) -> float | None:
    """Return the population variance of the last ``window`` costs; None before there are that many."""
    return statistics.pvariance(costs[-window:]) if len(costs) >= window else None


def no_improvement(patience: int, min_delta: float) -> StoppingRule:
    """Stop once the validation cost has not improved by ``min_delta`` for ``patience`` epochs (Prechelt 1998, UP_s).

    An epoch improves if its cost is below that of the last epoch that improved, by at least ``min_delta``.
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


def cost_settled(patience: int, min_delta: float, window: int) -> StoppingRule:
    """Stop once the variance of the last ``window`` validation costs is under ``min_delta`` for ``patience`` epochs."""

    def rule(val_costs: Sequence[float], gaps: Sequence[float]) -> bool:
        variances = [
            variance_of_last(val_costs[: len(val_costs) - back], window)
            for back in range(min(patience, len(val_costs)))
        ]
        return len(variances) == patience and all(v is not None and v < min_delta for v in variances)

    return rule


def run_all_epochs() -> StoppingRule:
    """Stop at no epoch before the last."""
    return lambda val_costs, gaps: False


def stopping_rule_from(function: Callable[..., bool], numbers: Mapping[str, Any] | None = None) -> StoppingRule:
    """Return the rule of ``function(val_costs, gaps)``, which says whether to stop after the last epoch.

    Args:
        function: is given the validation cost and the gap of each epoch so far, in tuples of floats.
        numbers: of the function, by name.

    Raises:
        OwnCodeError: it takes something else; from the rule: it raises, or returns something else than true or false.
    """
    own = OwnFunction(function, numbers)
    own.check_arguments(("val_costs", "gaps"))

    def rule(val_costs: Sequence[float], gaps: Sequence[float]) -> bool:
        stop = own(tuple(val_costs), tuple(gaps))
        if not isinstance(stop, bool | np.bool):
            raise OwnCodeError(
                f"{own.place}: returned {stop!r} after {len(val_costs)} epochs; allowed is True or False"
            )
        return bool(stop)

    return rule


# name -> factory of its numbers, whose parameters are keys of the configuration.
STOPPING_RULES: dict[str, Callable[..., StoppingRule]] = {
    "val_cost": no_improvement,
    "gap": gap_too_wide,
    "variance": cost_settled,
    "none": run_all_epochs,
}

# The threshold of each rule where ``min_delta`` is null, in the unit of what the rule compares (nats; nats²). Each of
# them can act within an ordinary run: see "Do the stopping rules' own thresholds act?" in experiments/README.md.
MIN_DELTA = {"val_cost": 1e-4, "gap": 0.03, "variance": 1e-5, "none": 0.0}
