"""Where a t interval is known to hold the mean less often than it promises."""

import math

import numpy as np
from numpy.typing import ArrayLike

from npdigits.compare.statistics import present

# Known to fall short where the nearer bound is within √(TOO_SKEWED / max(n, 10)) standard deviations of the mean: 2 for
# up to 10 values, 1.4 for 20, 0.9 for 50. By simulation of beta values: experiments/README.md, "The referee".
TOO_SKEWED = 40.0


def falls_short(values: ArrayLike, lowest: float = 0.0, highest: float = 1.0) -> bool:
    """Return whether a bound is so near the values that ``t_interval`` holds their mean less often than it promises.

    Accuracies near 1 cannot spread upwards, so they are skewed: of the exponential distribution, whose mean is one
    standard deviation from its bound, the 95 % interval of ten values holds the mean with 90 %.

    Args:
        values: (n,), of a bounded metric; NaN is left out.
        lowest: the lower bound; −inf if there is none.
        highest: the upper one: 1 for shares, 100 for per cents; inf if there is none, as for costs.

    Returns:
        False, too, for fewer than two values, which have no interval, and for values beyond the bounds.
    """
    x = present(values)
    if len(x) < 2 or x.min() < lowest or x.max() > highest or not np.isfinite(x).all():
        return False
    near, far = sorted([float(x.mean()) - lowest, highest - float(x.mean())])
    # Between two bounds as near as each other, values are not skewed.
    return near <= far / 2 and near <= float(x.std(ddof=1)) * math.sqrt(TOO_SKEWED / max(len(x), 10))
