"""How many seeds it takes to show that two settings are the same within a margin."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtri, ndtr

from npdigits.compare.equivalence import least_margin_p
from npdigits.compare.permutation import least_permutation_p
from npdigits.compare.statistics import ALPHA, DRAWN, MOST_PAIRS, Numbers, present, t_quantile

# With how much probability "the same" is to come out, where there is no difference.
POWER = 0.8
# The spread seen is replaced by its upper limit, which is not below the true spread with this probability.
SURE = 0.8
# More seeds than this are not asked for.
MOST_SEEDS = 100_000
# Quantiles of the spread that may be seen, over which the power is averaged.
_PLACES = (np.arange(200) + 0.5) / 200
# With the least number of pairs, and up to this many more, few assignments of signs are allowed to be beyond the one
# that is seen. The sign-flip test then tells far less often than a t test: 0.53 to 0.77 for 0.8.
_FEW = 3
# Simulated samples for these. Of each, the few smallest |d ± margin| matter: 7 for up to 8 assignments.
_SAMPLES, _SMALLEST = 2000, 7


def seeds_for_margin(differences: ArrayLike, margin: float, comparisons: int = 1) -> int | None:
    """Return with how many pairs of seeds ``margin_p`` tells with a probability of POWER, if there is no difference.

    Planned for normal differences with the upper limit of their spread, s·√((n−1)/χ²(0.2; n−1)), and for Holm's
    strictest step, ALPHA/comparisons. The number may be below that of the pairs seen: then their mean, not their
    number, keeps the test from telling.

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
    in_spreads = margin / spread if spread else math.inf
    least = next(n for n in range(1, MOST_SEEDS) if n > MOST_PAIRS or least_margin_p(n) * comparisons <= ALPHA)
    for n in range(least, least + _FEW):
        if _power_of_few(in_spreads, n, comparisons) >= POWER:
            return n
    # One more than a t test needs, as signs are discrete: 0.85 to 0.92 for 0.8, where without it 0.73 to 0.82.
    found = _find_least(lambda n: _power(in_spreads, n - 1, n - 2, comparisons) >= POWER, least + _FEW)
    # Drawn signs have a least p that no number of pairs makes smaller.
    out_of_reach = found and found > MOST_PAIRS and comparisons / (1 + DRAWN) > ALPHA
    return None if out_of_reach else found


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
    spread = math.sqrt(a + b) * _upper_factor(1 / (share**2 / (len(x) - 1) + (1 - share) ** 2 / (len(y) - 1)))
    in_spreads = margin / spread if spread else math.inf
    sides = share**2 + (1 - share) ** 2

    def is_enough(n: int) -> bool:
        # One more than Welch's t test needs, as splits are discrete.
        allowed = least_permutation_p(n, n, "greater") * comparisons <= ALPHA
        return allowed and _power(in_spreads, n - 1, (n - 2) / sides, comparisons) >= POWER

    return _find_least(is_enough, 3)


def _upper_factor(df: float) -> float:
    """Return by what a spread of df degrees of freedom is multiplied to give its upper limit: √(df/χ²(1−SURE; df))."""
    return math.sqrt(df / float(chdtri(df, SURE)))


def _power(margin: float, n: int, df: float, comparisons: int) -> float:
    """Return with what probability two one-sided t tests show a difference of 0 to be within ± margin.

    P(|z|/√n ≤ margin − t·s/√n), z normal, s² = χ²(df)/df; averaged over the quantiles of s.

    Args:
        margin: in true spreads.
        n: how many values, at least two.
        df: degrees of freedom.
        comparisons: how many the level is divided by.
    """
    if math.isinf(margin):
        return 1.0
    t = t_quantile(df, 1 - 2 * ALPHA / comparisons)
    s: Numbers = np.sqrt(chdtri(df, _PLACES) / df)
    return float(np.mean((2 * ndtr(math.sqrt(n) * margin - t * s) - 1).clip(0)))


def _power_of_few(margin: float, n: int, comparisons: int) -> float:
    """Return the share of simulated samples of n normal differences that ``margin_p`` shows to be within ± margin.

    Of a = d ± margin, the assignments of signs with a sum not below that of a itself are those whose flipped |a| add
    up to no more than the |a| below 0 do. If they are few, they flip some of the smallest |a| alone.
    """
    if math.isinf(margin):
        return 1.0
    d = np.random.default_rng(n).standard_normal((_SAMPLES, n))
    smallest = min(n, _SMALLEST)
    subsets = (np.arange(2**smallest) >> np.arange(smallest)[:, None]) & 1
    told = np.ones(_SAMPLES, dtype=bool)
    for a in (margin + d, margin - d):
        below = -a.clip(max=0).sum(axis=1) * (1 + 1e-9)
        flipped = np.sort(np.abs(a), axis=1)[:, :smallest] @ subsets
        told &= (flipped <= below[:, None]).sum(axis=1) * comparisons <= ALPHA * 2**n
    return float(told.mean())


def _find_least(is_enough: Callable[[int], bool], least: int) -> int | None:
    """Return the smallest n from ``least`` to MOST_SEEDS that is enough, by doubling and halving; None if none is."""
    low, high = least - 1, least
    while not is_enough(high):
        if high == MOST_SEEDS:
            return None
        low, high = high, min(2 * high, MOST_SEEDS)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high
