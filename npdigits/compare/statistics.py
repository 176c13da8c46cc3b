"""How sure a difference is: intervals over seeds, exact paired tests, corrections for many comparisons.

These are plain functions of numbers, which know nothing of runs.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr, stdtrit

# A difference is called real where its corrected p is not above ALPHA. Intervals hold the mean with 1 − ALPHA.
ALPHA = 0.05
# Up to MOST_PAIRS pairs, all assignments of signs are counted, from two halves of 2^20 sums each. Beyond, DRAWN random
# ones are.
MOST_PAIRS = 40
DRAWN = 99_999

Numbers = NDArray[np.float64]


class Interval(NamedTuple):
    """A mean and its interval, mean ± half, of n values; half is None for fewer than two, which have no spread."""

    mean: float
    half: float | None
    n: int

    @property
    def low(self) -> float:
        """The interval's lower end."""
        return self.mean - (self.half or 0.0)

    @property
    def high(self) -> float:
        """The interval's upper end."""
        return self.mean + (self.half or 0.0)


def t_interval(values: ArrayLike) -> Interval:
    """Return the mean and Student's 95 % interval: x̄ ± t(0.975; n−1)·s/√n (Student 1908).

    Args:
        values: (n,), independent and about normal; NaN is left out.
    """
    x = np.asarray(values, dtype=float)
    x = x[~np.isnan(x)]
    n = len(x)
    if n == 0:
        return Interval(math.nan, None, 0)
    if n == 1:
        return Interval(float(x[0]), None, 1)
    return Interval(float(x.mean()), float(t_quantile(n - 1) * x.std(ddof=1) / math.sqrt(n)), n)


def t_band(values: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Return ``t_interval`` of each column: the means, the halves (NaN for fewer than two values), the counts.

    Args:
        values: (runs, epochs); NaN where a run has no value.
    """
    n = (~np.isnan(values)).sum(axis=0)
    mean = np.nansum(values, axis=0) / np.where(n, n, np.nan)
    squares = np.nansum((values - mean) ** 2, axis=0)
    df = np.where(n > 1, n - 1, np.nan)
    return mean, t_quantile(df) * np.sqrt(squares / df / n.clip(1)), n.astype(float)


def t_quantile(df: Any, sure: float = 1 - ALPHA) -> Any:
    """Return x, elementwise, so that −x ≤ t ≤ x with this probability for Student's t with df degrees of freedom."""
    return stdtrit(df, (1 + sure) / 2)


def sign_flip_p(differences: ArrayLike) -> float:
    """Return the exact two-sided p of the paired sign-flip test (Fisher 1935, §21).

    If the two settings were the same, each seed's difference dᵢ could as well have had the other sign. p is the share
    of the 2ⁿ assignments of signs with |Σ ±dᵢ| ≥ |Σ dᵢ|: at least 2/2ⁿ. Over MOST_PAIRS pairs, (1 + those among DRAWN
    random assignments) / (1 + DRAWN), always the same ones.

    Args:
        differences: (n,), of the pairs.
    """
    d = np.asarray(differences, dtype=float)
    # Two sums count as equal where they differ by rounding: by less than a billionth of the sum of all |dᵢ|.
    least = abs(d.sum()) - 1e-9 * np.abs(d).sum()
    if least <= 0:
        return 1.0
    if len(d) > MOST_PAIRS:
        return _drawn_p(d, least)
    # Each sum of the first half is looked up among the sorted ones of the second: 2·2^(n/2) sums stand for 2ⁿ.
    first, second = _all_sums(d[: len(d) // 2]), np.sort(_all_sums(d[len(d) // 2 :]))
    above = len(second) - np.searchsorted(second, least - first)
    return float(2 * above.sum() / 2.0 ** len(d))


def _all_sums(d: Numbers) -> Numbers:
    """Return Σ ±dᵢ for all 2ⁿ assignments of signs."""
    sums = np.zeros(1)
    for x in d:
        sums = np.concatenate([sums + x, sums - x])
    return sums


def _drawn_p(d: Numbers, least: float) -> float:
    """Return p from DRAWN random assignments of signs, of which those count whose sum is at least ``least``."""
    rng = np.random.default_rng(len(d))
    extreme, left = 0, DRAWN
    while left:
        some = min(left, max(1, 10_000_000 // len(d)))
        signs = 1.0 - 2.0 * rng.integers(0, 2, (some, len(d)), dtype=np.int8)
        extreme += int((np.abs(signs @ d) >= least).sum())
        left -= some
    return (1 + extreme) / (1 + DRAWN)


def least_p(n: int) -> float:
    """Return the smallest p that ``sign_flip_p`` can give for n pairs."""
    return min(1.0, 2.0 ** (1 - n)) if n <= MOST_PAIRS else 1 / (1 + DRAWN)


def seeds_to_decide(comparisons: int) -> int:
    """Return the smallest number of paired seeds with which one of so many comparisons can come out as real."""
    return next(n for n in range(1, 1000) if comparisons * 2.0 ** (1 - n) <= ALPHA)


def holm(p: Sequence[float], comparisons: int | None = None) -> list[float]:
    """Return the p's, corrected so that the chance of any false finding stays below ALPHA (Holm 1979).

    p̃₍ᵢ₎ = maxⱼ≤ᵢ min(1, (m − j + 1)·p₍ⱼ₎), in the order of p.

    Args:
        p: of all comparisons of a family, or of some; the corrected ones are then not below those that all would give.
        comparisons: m, how many there are; by default as many as in ``p``.
    """
    m = len(p) if comparisons is None else comparisons
    corrected, highest = [0.0] * len(p), 0.0
    for rank, index in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        highest = max(highest, min(1.0, (m - rank) * p[index]))
        corrected[index] = highest
    return corrected


def mcnemar_p(only_first: int, only_second: int) -> float:
    """Return the exact two-sided p of McNemar's test (McNemar 1947): min(1, 2·P(X ≤ min(b, c))), X ~ B(b + c, ½).

    Args:
        only_first: b, digits that only the first network reads right.
        only_second: c, digits that only the second does.
    """
    n = only_first + only_second
    return min(1.0, 2 * float(bdtr(min(only_first, only_second), n, 0.5))) if n else 1.0
