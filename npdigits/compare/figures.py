"""Figures as text: the unit and the number of decimals of each metric."""

import math
from typing import Any, NamedTuple

from npdigits.compare.statistics import Interval


class Unit(NamedTuple):
    """How a metric is shown.

    Attributes:
        scale: what its figures are multiplied by.
        decimals: how many are shown; None for as many as the interval tells.
        name: of the unit, behind a figure.
        of_difference: the unit's name behind a difference of two figures.
    """

    scale: float
    decimals: int | None
    name: str
    of_difference: str


# Beyond, a figure is written with a power of ten.
MOST_DECIMALS = 8
SETS = {"train": "training", "val": "validation", "test": "test"}


def unit_of(metric: str, foreign: bool = False) -> Unit:
    """Return the unit of a metric; one of another program (``foreign``) has none."""
    if foreign:
        return Unit(1, None, "", "")
    if metric.endswith("_accuracy"):
        return Unit(100, 2, "%", "points")
    if metric.endswith("_cost"):
        return Unit(1, 4, "nats", "nats")
    if metric == "seconds":
        return Unit(1, 1, "s", "s")
    return Unit(1, 1, "", "epochs") if metric in ("best_epoch", "epochs_run") else Unit(1, 4, "", "")


def metric_in_words(metric: str, foreign: bool = False) -> str:
    """Return a metric's name in words: "validation accuracy"; of another program it is the name."""
    if foreign:
        return metric
    split, _, score = metric.partition("_")
    return f"{SETS[split]} {score}" if split in SETS else metric.replace("_", " ")


def column_title(metric: str, foreign: bool = False) -> str:
    """Return the title of a metric's column: "val_accuracy %"."""
    name = unit_of(metric, foreign).name
    return f"{metric} {name}" if name and metric != "seconds" else metric


def format_value(value: Any) -> str:
    """Return a value of a key as text, a number in its shortest form."""
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    return str(value)


def format_figure(value: float, metric: str, foreign: bool = False) -> str:
    """Return the figure of a single run: "96.52", a dash if there is none."""
    if math.isnan(value):
        return "–"
    unit = unit_of(metric, foreign)
    if unit.decimals is None:
        return f"{value:.7g}"
    decimals = 0 if unit.scale == 1 and float(value).is_integer() else unit.decimals
    return f"{value * unit.scale:.{decimals}f}"


def format_interval(interval: Interval, metric: str, with_unit: bool = False, foreign: bool = False) -> str:
    """Return "96.52 ± 0.07"; without ± if it is of one seed, a dash if it is of none."""
    unit = unit_of(metric, foreign)
    if math.isnan(interval.mean):
        return "–"
    text = _format_with_half(interval, unit, "")
    return f"{text} {unit.name}".rstrip() if with_unit else text


def format_difference(interval: Interval, metric: str, with_unit: bool = False, foreign: bool = False) -> str:
    """Return "+1.28 ± 0.17"."""
    unit = unit_of(metric, foreign)
    if math.isnan(interval.mean):
        return "–"
    text = _format_with_half(interval, unit, "+")
    text = f"−{text[1:]}" if text.startswith("-") else text
    return f"{text} {unit.of_difference}".rstrip() if with_unit else text


def _format_with_half(interval: Interval, unit: Unit, sign: str) -> str:
    """Return "0.9652 ± 0.0007"; without ± where there is no interval.

    Where the unit says no number of decimals, they are those of two digits of the half.
    """
    mean, half = interval.mean * unit.scale, None if interval.half is None else interval.half * unit.scale
    decimals = unit.decimals
    if decimals is None:
        if not half or not math.isfinite(half):
            return f"{mean:{sign}.6g}" + ("" if half is None else f" ± {half:g}")
        decimals = max(0, 1 - math.floor(math.log10(half)))
        if decimals > MOST_DECIMALS:
            return f"{mean:{sign}.6g} ± {half:.2g}"
    return f"{mean:{sign}.{decimals}f}" + ("" if half is None else f" ± {half:.{decimals}f}")


def format_p(p: float | None) -> str:
    """Return p with two significant digits: "0.031"."""
    if p is None:
        return "–"
    return "< 0.0001" if p < 0.0001 else f"{p:.2g}"


def state_p(p: float | None) -> str:
    """Return p with its name: "p = 0.031", "p < 0.0001"."""
    text = format_p(p)
    return f"p {text}" if text.startswith("<") else f"p = {text}"
