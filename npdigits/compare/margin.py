"""How much of a difference does not matter: as it was typed, in the unit in which a metric is shown."""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from npdigits.base.errors import ConfigError
from npdigits.compare.figures import unit_of


class Margin(NamedTuple):
    """A margin.

    Attributes:
        text: as typed: "0.1".
        size: in the metric's figures: 0.001 of an accuracy that is shown in %.
    """

    text: str
    size: float


def parse_margins(typed: str | float | None, metrics: Sequence[str], foreign: bool = False) -> dict[str, Margin]:
    """Return the margin of each metric that has one.

    Args:
        typed: "0.1"; or, where the metrics are measured in other units, "val_accuracy=0.1,val_cost=0.01".
        metrics: those that are tested.
        foreign: whether another program has measured them.

    Raises:
        ConfigError: it is no number above 0, or it does not tell which metric it is of.
    """
    if typed is None:
        return {}
    text = str(typed).strip()
    if "=" not in text:
        units = {unit_of(metric, foreign).of_difference for metric in metrics}
        if len(metrics) > 1 and (len(units) > 1 or units == {""}):
            each = ",".join(f"{metric}={text}" for metric in metrics)
            raise ConfigError(f"--margin {text}: of which metric? Say it for each, as in {each}")
        return {metric: _parse(text, metric, foreign) for metric in metrics}
    margins = {}
    for part in text.split(","):
        metric, _, number = (piece.strip() for piece in part.rpartition("="))
        if metric not in metrics:
            raise ConfigError(f"--margin {part.strip()}: allowed are the metrics that are tested: {', '.join(metrics)}")
        if metric in margins:
            raise ConfigError(f"--margin {text}: {metric} is there twice")
        margins[metric] = _parse(number, metric, foreign)
    return margins


def _parse(text: str, metric: str, foreign: bool) -> Margin:
    """Return one margin.

    Raises:
        ConfigError: it is no number above 0.
    """
    try:
        is_size = 0 < float(text) < math.inf
        # By fractions, so that 0.1 points are 0.001 and not a neighbour of it.
        size = float(Fraction(text) / Fraction(unit_of(metric, foreign).scale)) if is_size else 0.0
    except ValueError:
        size = 0.0
    if not 0 < size < math.inf:
        raise ConfigError(
            f"--margin {text}: allowed is a number above 0, in the unit of {metric} as the table shows it"
        )
    return Margin(text, size)
