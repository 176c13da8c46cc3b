"""Figures as text: which unit and how many decimals a metric has."""

import math
from typing import NamedTuple

from npdigits.compare.statistics import Interval


class Unit(NamedTuple):
    """How a metric is shown: times ``scale``, with so many ``decimals``; a difference is in ``points``."""

    scale: float
    decimals: int
    sign: str
    points: str


SETS = {"train": "training", "val": "validation", "test": "test"}


def unit(metric: str) -> Unit:
    """Return how a metric is shown."""
    if metric.endswith("_accuracy"):
        return Unit(100, 2, "%", "points")
    if metric.endswith("_cost"):
        return Unit(1, 4, "nats", "nats")
    return Unit(1, 1, "s", "s") if metric == "seconds" else Unit(1, 1, "", "epochs")


def named(metric: str) -> str:
    """Return a metric's name in words: "validation accuracy"."""
    split, _, figure = metric.partition("_")
    return f"{SETS[split]} {figure}" if split in SETS else metric.replace("_", " ")


def title(metric: str) -> str:
    """Return a metric's name as a column's title: "val_accuracy %"."""
    sign = unit(metric).sign
    return f"{metric} {sign}" if sign and metric != "seconds" else metric


def as_interval(interval: Interval, metric: str, with_unit: bool = False) -> str:
    """Return "96.52 ± 0.07"; of one seed without interval, of none a dash."""
    scale, decimals, sign, _ = unit(metric)
    if math.isnan(interval.mean):
        return "–"
    text = f"{interval.mean * scale:.{decimals}f}"
    if interval.half is not None:
        text += f" ± {interval.half * scale:.{decimals}f}"
    return f"{text} {sign}".rstrip() if with_unit else text


def as_difference(interval: Interval, metric: str, with_unit: bool = False) -> str:
    """Return "+1.28 ± 0.17"."""
    scale, decimals, _, points = unit(metric)
    if math.isnan(interval.mean):
        return "–"
    text = f"{interval.mean * scale:+.{decimals}f}".replace("-", "−")
    if interval.half is not None:
        text += f" ± {interval.half * scale:.{decimals}f}"
    return f"{text} {points}" if with_unit else text


def as_p(p: float | None) -> str:
    """Return p with two significant digits."""
    if p is None:
        return "–"
    return "< 0.0001" if p < 0.0001 else f"{p:.2g}"


def p_is(p: float | None) -> str:
    """Return "p = 0.031"."""
    text = as_p(p)
    return f"p {text}" if text.startswith("<") else f"p = {text}"
