"""How many seeds it takes to show that two settings are the same within a margin."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtri, ndtr

from npdigits.compare.equivalence import least_margin_p
from npdigits.compare.permutation import least_permutation_p
from npdigits.compare.statistics import ALPHA, Numbers, present, t_quantile

# With how much probability "the same" is to come out, where there is no difference.
POWER = 0.8
# The spread seen is replaced by its upper limit, which is not below the true spread with this probability.
SURE = 0.8
# More seeds than this are not asked for.
MOST_SEEDS = 100_000
# Quantiles of the spread that may be seen, over which the power is averaged.
_PLACES = (np.arange(2000) + 0.5) / 2000


def seeds_for_margin(differences: ArrayLike, margin: float, comparisons: int = 1) -> int | None:
    """Return with how many pairs of seeds ``margin_p`` tells with a probability of POWER, if there is no difference.

    Planned with the upper limit of the differences' spread, s·√((n−1)/χ²(0.2; n−1)), for Holm's strictest step,
    ALPHA/comparisons. The number may be below that of the pairs seen: then their mean, not their number, keeps the
    test from telling.

    Args:
        differences: (n,), of the pairs seen; NaN is left out.
        margin: in their units, above 0.
        comparisons: how many the p is corrected for.

    Returns:
        The number of pairs; None where fewer than two were seen, where one is infinite, or over MOST_SEEDS are needed.
    """
    d = present(differences)
    if len(d) < 2 or not np.isfinite(d).all():
        return None
    spread = float(d.std(ddof=1)) * _upper_factor(len(d) - 1)
    return _find_least(
        lambda n: (
            least_margin_p(n) * comparisons <= ALPHA
            and _power(margin / spread if spread else math.inf, n, n - 1, comparisons) >= POWER
        )
    )


def seeds_for_unpaired_margin(x: ArrayLike, y: ArrayLike, margin: float, comparisons: int = 1) -> int | None:
    """Return with how many seeds on each side ``unpaired_margin_p`` tells with a probability of POWER.

    As ``seeds_for_margin``, with the upper limit of √(s²ₓ + s²ᵧ), which has ν = (s²ₓ + s²ᵧ)² / (s⁴ₓ/(n−1) + s⁴ᵧ/(m−1))
    degrees of freedom (Satterthwaite 1946).

    Args:
        x: (n,), values seen; NaN is left out.
        y: (m,), likewise.
        margin: in their units, above 0.
        comparisons: how many the p is corrected for.

    Returns:
        The number of seeds of each side; None where one has fewer than two, where a value is infinite, or over
        MOST_SEEDS are needed.
    """
    x, y = present(x), present(y)
    if min(len(x), len(y)) < 2 or not np.isfinite([*x, *y]).all():
        return None
    a, b = float(x.var(ddof=1)), float(y.var(ddof=1))
    share = a / (a + b) if a + b else 0.5
    of_squares = share**2 + (1 - share) ** 2
    spread = math.sqrt(a + b) * _upper_factor(1 / (share**2 / (len(x) - 1) + (1 - share) ** 2 / (len(y) - 1)))
    return _find_least(
        lambda n: (
            least_permutation_p(n, n, "greater") * comparisons <= ALPHA
            and _power(margin / spread if spread else math.inf, n, (n - 1) / of_squares, comparisons) >= POWER
        )
    )


def _upper_factor(df: float) -> float:
    """Return by what a spread of df degrees of freedom is multiplied to give its upper limit: √(df/χ²(1−SURE; df))."""
    return math.sqrt(df / float(chdtri(df, SURE)))


def _power(margin: float, n: int, df: float, comparisons: int) -> float:
    """Return with what probability two one-sided t tests show a difference of 0 to be within ± margin.

    P(|z|/√n ≤ margin − t·s/√n), z normal, s² = χ²(df)/df; averaged over the quantiles of s.

    Args:
        margin: in true spreads.
        n: how many values.
        df: degrees of freedom.
        comparisons: how many the level is divided by.
    """
    if n < 2:
        return 0.0
    if math.isinf(margin):
        return 1.0
    t = t_quantile(df, 1 - 2 * ALPHA / comparisons)
    s: Numbers = np.sqrt(chdtri(df, _PLACES) / df)
    return float(np.mean((2 * ndtr(math.sqrt(n) * margin - t * s) - 1).clip(0)))


def _find_least(is_enough: Callable[[int], bool]) -> int | None:
    """Return the smallest n up to MOST_SEEDS that is enough, by doubling and halving; None if there is none."""
    high = 2
    while not is_enough(high):
        if high == MOST_SEEDS:
            return None
        high = min(2 * high, MOST_SEEDS)
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high
