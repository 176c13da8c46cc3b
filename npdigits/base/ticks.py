"""Axes whose figures can be read off: several on short logarithmic axes too, in full, and no noise drawn as a curve."""

from __future__ import annotations

import math
from typing import Any

# Figures stand at these multiples of powers of ten on a logarithmic axis: the first of these that give so many of them.
# Where none does, they stand at equal steps.
MULTIPLES, ENOUGH = ((1,), (1, 2, 5), (1, 2, 3, 5), (1, 2, 3, 4, 5, 7)), 4
# A linear axis shows at least this share of its values, as a curve that moves by less stands still; the ends of a
# logarithmic one have at least this ratio.
LEAST_SHARE, LEAST_RATIO = 1e-3, 1.02


def logarithmic(axes: Any) -> None:
    """Make the y axis logarithmic, once all of it is drawn, with three figures or more where they fit.

    What is not above zero is left out.
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

    axes.set_yscale("log", nonpositive="mask")
    low, high = _widened(*axes.get_ylim())
    axes.set_ylim(low, high)
    multiples = next((some for some in MULTIPLES if _count(some, low, high) >= ENOUGH), None)
    if multiples is None:
        axes.yaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))
    else:
        axes.yaxis.set_major_locator(LogLocator(subs=multiples, numticks=9))
    axes.yaxis.set_minor_locator(NullLocator())
    # As many digits as tell two of the figures apart.
    digits = max(3, 2 - math.floor(math.log10((high - low) / high)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.{digits}g}"))


def show_no_noise(axes: Any, of: float = 0.0) -> None:
    """Widen a linear y axis, once all of it is drawn, to ``LEAST_SHARE`` of its values: 2.3026 is not 2.302 + noise.

    Args:
        axes: whose.
        of: values that count as well, where differences of these are drawn.
    """
    low, high = axes.get_ylim()
    missing = LEAST_SHARE * max(abs(low), abs(high), of) - (high - low)
    if missing > 0:
        axes.set_ylim(low - missing / 2, high + missing / 2)


def whole_steps(axes: Any) -> None:
    """Let figures of the x axis be whole numbers: there is no half epoch."""
    axes.xaxis.get_major_locator().set_params(integer=True)


def _count(multiples: tuple[int, ...], low: float, high: float) -> int:
    """Return how many of these multiples of powers of ten lie between two values."""
    return sum(math.floor(math.log10(high / k)) - math.ceil(math.log10(low / k)) + 1 for k in multiples)


def _widened(low: float, high: float) -> tuple[float, float]:
    """Return the ends of a logarithmic axis, at least ``LEAST_RATIO`` apart."""
    factor = math.sqrt(max(1.0, LEAST_RATIO * low / high))
    return low / factor, high * factor
