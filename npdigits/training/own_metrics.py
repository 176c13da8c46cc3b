"""Figures of the user's own, computed on each set after each epoch. They choose nothing."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from npdigits.base.arrays import Array
from npdigits.base.errors import OwnCodeError
from npdigits.nn.costs import softmax
from npdigits.nn.own_forms import is_number
from npdigits.nn.own_function import OwnFunction, described, read_only

# (p, y) -> the figure: p the probabilities of the classes, shape (n, classes), y the labels, shape (n,).
Metric = Callable[[Array, Array], float]


def metric_from(function: Callable[..., Any], numbers: Mapping[str, Any] | None = None) -> Metric:
    """Return the metric of ``function(p, y)``, which returns one number.

    Args:
        function: of the probabilities of the classes, shape (n, classes), and the labels, shape (n,).
        numbers: of the function, by name.

    Raises:
        OwnCodeError: it takes something else; from the metric: it raises, or returns no finite number.
    """
    own = OwnFunction(function, numbers)
    own.check_arguments(("p", "y"))

    def metric(p: Array, y: Array) -> float:
        figure = own(read_only(p), read_only(y))
        if not is_number(figure) or not math.isfinite(figure):
            raise OwnCodeError(f"{own.place}: returned {described(figure)}; allowed is one finite number")
        return float(figure)

    return metric


def compute(metrics: Sequence[tuple[str, Metric]], split: str, logits: Array, labels: Array) -> dict[str, float]:
    """Return the figures of a set under the names of metrics.csv: "val_top2".

    Args:
        metrics: (name, metric) of each.
        split: the set's name.
        logits: z of the last layer, shape (n, classes). Overwritten.
        labels: shape (n,).
    """
    softmax(logits)
    return {f"{split}_{name}": metric(logits, labels) for name, metric in metrics}


def columns(names: Sequence[str]) -> list[str]:
    """Return the columns of these metrics, in their order."""
    return [f"{split}_{name}" for name in names for split in ("train", "val", "test")]
