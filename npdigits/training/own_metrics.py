"""Figures of the user's own, computed on each set after each epoch. They choose nothing."""

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import OwnCodeError
from npdigits.base.own_module import where_it_failed
from npdigits.nn.costs import softmax

# (p, y) -> the figure: p the probabilities of the classes, shape (n, classes), y the labels, shape (n,).
Metric = Callable[[Array, Array], float]


def make_metric(function: Callable[..., Any], numbers: Mapping[str, Any], where: str) -> Metric:
    """Return a function of the user's as a metric that is checked.

    Args:
        function: of (p, y) and its numbers.
        numbers: its keyword arguments.
        where: its place, for messages.
    """
    return functools.partial(_compute, function, numbers, where)


def _compute(function: Callable[..., Any], numbers: Mapping[str, Any], where: str, p: Array, y: Array) -> float:
    """Return the figure.

    Raises:
        OwnCodeError: the function fails, or returns no number.
    """
    try:
        figure = function(_readable(p), _readable(y), **numbers)
    except Exception as error:
        given = f"p {p.dtype}{p.shape}, y {y.dtype}{y.shape}"
        raise OwnCodeError(f"{where}: {where_it_failed(error)}; it was given {given}") from error
    if isinstance(figure, np.ndarray) and figure.ndim == 0:
        figure = figure[()]
    if not isinstance(figure, int | float | np.number | np.bool_) or not math.isfinite(figure):
        raise OwnCodeError(f"{where}: returned {_describe(figure)}; wanted is one finite number")
    return float(figure)


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


def _readable(array: Array) -> Array:
    """Return a view that cannot be changed."""
    view = array.view()
    view.flags.writeable = False
    return view


def _describe(value: Any) -> str:
    return f"{value.dtype}{value.shape}" if isinstance(value, np.ndarray) else f"{value!r}"
