"""Numbers brought to what a page draws: histograms, and weights as bytes."""

import base64
import math
from typing import Any

import numpy as np

from npdigits.base.arrays import Array

BINS = 41
# Values of a histogram at most, evenly out of all: more change nothing that is seen.
MOST_VALUES = 20_000
# Weights beyond this quantile of all have the full colour.
FULL = 0.995
# What a byte of full colour is.
BYTE = 127


def histogram(values: Array, ends: tuple[float, float] | None = None) -> dict[str, Any] | None:
    """Return how many values lie where, zeros apart; None where one is not finite.

    Args:
        values: of any shape.
        ends: of the range; None is symmetric about 0, to a round number, so that it seldom jumps.
    """
    flat = values.ravel()
    if len(flat) > MOST_VALUES:
        flat = flat[:: len(flat) // MOST_VALUES | 1]  # odd: in step with no layer of an even number of units
    most = float(np.abs(flat).max(initial=0))
    if not math.isfinite(most):
        return None
    high = round_up(most)
    low, high = ends or (-high, high)
    there = flat[flat != 0]
    bins = ((there.astype(np.float64) - low) / (high - low) * BINS).astype(np.intp)
    counts = np.bincount(np.clip(bins, 0, BINS - 1), minlength=BINS)
    return {"counts": counts.tolist(), "low": low, "high": high, "zeros": 1 - len(there) / max(len(flat), 1)}


def round_up(x: float) -> float:
    """Return the next of … 0.1, 0.2, 0.5, 1, 2, 5 …; 1 of 0."""
    if not 1e-300 < x < 1e300:
        return 1.0
    power = 10.0 ** math.floor(math.log10(x))
    return next((k * power for k in (1, 2, 5) if x <= k * power), 10 * power)


def weights_as_bytes(w: Array) -> tuple[str, float]:
    """Return weights as signed bytes in base64, and the weight that is ±``BYTE``."""
    values = np.nan_to_num(w.astype(np.float64), posinf=0, neginf=0)
    top = float(np.quantile(np.abs(values), FULL)) or float(np.abs(values).max()) or 1.0
    whole = np.clip(np.round(values / top * BYTE), -BYTE, BYTE).astype(np.int8)
    return as_text(whole), top


def as_text(array: Array) -> str:
    """Return an array's bytes in base64."""
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def finite(value: float, digits: int = 6) -> float | None:
    """Return a number in so many digits; None where it is none."""
    return float(f"{value:.{digits}g}") if math.isfinite(value) else None
