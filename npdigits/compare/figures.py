"""Figures as text: the unit and the number of decimals of each metric."""

import math
from typing import Any, NamedTuple

from npdigits.compare.statistics import Interval


class Unit(NamedTuple):
    """How a metric is shown.

    Attributes:
        scale: what its figures are multiplied by.
        decimals: how many are shown.
        name: of the unit, behind a figure.
        of_difference: the unit's name behind a difference of two figures.
    """

    scale: float
    decimals: int
    name: str
    of_difference: str


SETS = {"train": "training", "val": "validation", "test": "test"}


def unit_of(metric: str) -> Unit:
    """Return the unit of a metric."""
    if metric.endswith("_accuracy"):
        return Unit(100, 2, "%", "points")
    if metric.endswith("_cost"):
        return Unit(1, 4, "nats", "nats")
    if metric == "seconds":
        return Unit(1, 1, "s", "s")
    return Unit(1, 1, "", "epochs") if metric in ("best_epoch", "epochs_run") else Unit(1, 4, "", "")


def metric_in_words(metric: str) -> str:
    """Return a metric's name in words: "validation accuracy"."""
    split, _, score = metric.partition("_")
    return f"{SETS[split]} {score}" if split in SETS else metric.replace("_", " ")


def column_title(metric: str) -> str:
    """Return the title of a metric's column: "val_accuracy %"."""
    name = unit_of(metric).name
    return f"{metric} {name}" if name and metric != "seconds" else metric


def format_value(value: Any) -> str:
    """Return a value of a key as text, a number in its shortest form."""
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    return str(value)


def format_figure(value: float, metric: str) -> str:
    """Return the figure of a single run: "96.52", a dash if there is none."""
    unit = unit_of(metric)
    decimals = 0 if unit.scale == 1 and float(value).is_integer() else unit.decimals
    return "–" if math.isnan(value) else f"{value * unit.scale:.{decimals}f}"


def format_interval(interval: Interval, metric: str, with_unit: bool = False) -> str:
    """Return "96.52 ± 0.07"; without ± if it is of one seed, a dash if it is of none."""
    unit = unit_of(metric)
    if math.isnan(interval.mean):
        return "–"
    text = f"{interval.mean * unit.scale:.{unit.decimals}f}" + _format_half(interval, unit)
    return f"{text} {unit.name}".rstrip() if with_unit else text


def format_difference(interval: Interval, metric: str, with_unit: bool = False) -> str:
    """Return "+1.28 ± 0.17"."""
    unit = unit_of(metric)
    if math.isnan(interval.mean):
        return "–"
    text = f"{interval.mean * unit.scale:+.{unit.decimals}f}".replace("-", "−") + _format_half(interval, unit)
    return f"{text} {unit.of_difference}" if with_unit else text


def _format_half(interval: Interval, unit: Unit) -> str:
    """Return " ± 0.07"; "" where there is no interval."""
    return "" if interval.half is None else f" ± {interval.half * unit.scale:.{unit.decimals}f}"


def format_p(p: float | None) -> str:
    """Return p with two significant digits: "0.031"."""
    if p is None:
        return "–"
    return "< 0.0001" if p < 0.0001 else f"{p:.2g}"


def state_p(p: float | None) -> str:
    """Return p with its name: "p = 0.031", "p < 0.0001"."""
    text = format_p(p)
    return f"p {text}" if text.startswith("<") else f"p = {text}"
