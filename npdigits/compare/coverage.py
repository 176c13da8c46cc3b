"""Where a t interval is known to hold the mean less often than it promises."""

import numpy as np
from numpy.typing import ArrayLike

from npdigits.compare.statistics import present

# A bound this many standard deviations from the mean, or nearer, makes the values too skewed.
TOO_NEAR = 2.0


def falls_short(values: ArrayLike, lowest: float = 0.0, highest: float = 1.0) -> bool:
    """Return whether a bound is so near the values that ``t_interval`` holds their mean less often than it promises.

    Accuracies near 1 pile up at 1 with a long tail below.

    Args:
        values: (n,), of a bounded metric; NaN is left out.
        lowest: the lower bound; −inf if there is none.
        highest: the upper one: 1 for shares, 100 for per cents; inf for costs.
    """
    x = present(values)
    if len(x) < 2 or x.min() < lowest or x.max() > highest or not np.isfinite(x).all():
        return False
    mean, spread = float(x.mean()), float(x.std(ddof=1))
    return min(mean - lowest, highest - mean) <= TOO_NEAR * spread
