"""How sure a difference is: intervals over seeds, exact paired tests, corrections for many comparisons.

These are plain functions of numbers, which know nothing of runs.
"""

import functools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr, ndtr, stdtrit

# A difference is called real where its corrected p is not above ALPHA. Intervals hold the mean with 1 − ALPHA.
ALPHA = 0.05
# Up to MOST_PAIRS pairs, all assignments of signs are counted, from two halves of 2^20 sums each. Beyond, DRAWN random
# ones are.
MOST_PAIRS = 40
DRAWN = 99_999
# Over MOST_DRAWN pairs, the sums' normal limit is taken where no few differences outweigh the others: κ₄ of the sums is
# −2·Σdᵢ⁴/(Σdᵢ²)², and up to EVEN the limit's p is off by less than 0.0002 at p = 0.05; random signs are by 0.0007.
MOST_DRAWN, EVEN = 150, 0.02
ALTERNATIVES = ("two-sided", "greater", "less")

Numbers = NDArray[np.float64]


class Interval(NamedTuple):
    """A mean and its interval, mean ± half, of n values; half is None for fewer than two, or where one is infinite."""

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
    x = present(values)
    n = len(x)
    if n == 0:
        return Interval(math.nan, None, 0)
    if n == 1 or not np.isfinite(x).all():
        return Interval(_mean(x), None, n)
    return Interval(float(x.mean()), float(t_quantile(n - 1) * x.std(ddof=1) / math.sqrt(n)), n)


def welch_interval(x: ArrayLike, y: ArrayLike) -> Interval:
    """Return x̄ − ȳ and Welch's 95 % interval, for values that are not paired and may spread unequally.

    x̄ − ȳ ± t(0.975; ν)·√(a + b) with a = s²ₓ/n, b = s²ᵧ/m and ν = (a + b)² / (a²/(n−1) + b²/(m−1))
    (Welch 1947; Satterthwaite 1946). ``Interval.n`` is the smaller of n and m; half is None where that is below two.

    Args:
        x: (n,), independent and about normal; NaN is left out.
        y: (m,), likewise.
    """
    mean, variance, df = welch_parts(x, y)
    n = min(len(present(x)), len(present(y)))
    return Interval(mean, None if df is None else float(t_quantile(df) * math.sqrt(variance)), n)


def welch_parts(x: ArrayLike, y: ArrayLike) -> tuple[float, float, float | None]:
    """Return x̄ − ȳ, its variance s²ₓ/n + s²ᵧ/m and ν, as for ``welch_interval``; ν is None where there is none."""
    x, y = present(x), present(y)
    n, m = len(x), len(y)
    mean = _mean(x) - _mean(y)
    if min(n, m) < 2 or not math.isfinite(mean):
        return mean, math.nan, None
    a, b = float(x.var(ddof=1)) / n, float(y.var(ddof=1)) / m
    # By shares of a + b, as the squares of tiny variances would be 0.
    share = a / (a + b) if a + b else 0.5
    return mean, a + b, 1 / (share**2 / (n - 1) + (1 - share) ** 2 / (m - 1))


def present(values: ArrayLike) -> Numbers:
    """Return the values without NaN, as a new array."""
    x: Numbers = np.asarray(values, dtype=float)
    return np.compress(~np.isnan(x), x)


def _mean(x: Numbers) -> float:
    """Return the mean, also of infinite values; NaN of none, and of ∞ with −∞."""
    with np.errstate(invalid="ignore"):
        return float(x.mean()) if len(x) else math.nan


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


def sign_flip_p(differences: ArrayLike, alternative: str = "two-sided", *, rounding: float = 0.0) -> float:
    """Return the exact p of the paired sign-flip test (Fisher 1935, §21).

    If the two settings were the same, each seed's difference dᵢ could as well have had the other sign. p is the share
    of the 2ⁿ assignments of signs with |Σ ±dᵢ| ≥ |Σ dᵢ| (two-sided: at least 2/2ⁿ), or with Σ ±dᵢ ≥ Σ dᵢ ("greater":
    at least 1/2ⁿ). Over MOST_PAIRS pairs, (1 + those among DRAWN random assignments) / (1 + DRAWN), always the same
    ones; over MOST_DRAWN pairs of which none stick out (EVEN), 2·Φ(−|Σ dᵢ| / √Σ dᵢ²), the limit of Σ ±dᵢ. Without
    pairs p is 1, and where a difference is infinite.

    Args:
        differences: (n,), of the pairs.
        alternative: "two-sided", "greater" (the differences' mean is above 0) or "less".
        rounding: how far each difference may be off, as its figures were stored with so many digits. Sums that it may
            have told apart count as equal, which never makes p smaller.
    """
    check_alternative(alternative)
    d = np.asarray(differences, dtype=float)
    if not len(d) or not np.isfinite(d).all():
        return 1.0
    if alternative == "less":
        d = -d
    two_sided = alternative == "two-sided"
    # Two sums count as equal where they differ by rounding: by less than a billionth of the sum of all |dᵢ|.
    slack = 1e-9 * np.abs(d).sum() + 2 * rounding * len(d)
    least = (abs(d.sum()) if two_sided else d.sum()) - slack
    if two_sided and least <= 0:
        return 1.0
    if len(d) > MOST_DRAWN and _are_even(d):
        return float((1 + two_sided) * ndtr(-least / math.sqrt(d @ d)))
    if len(d) > MOST_PAIRS:
        return _drawn_p(d, least, two_sided)
    # Each sum of the first half is looked up among the sorted ones of the second: 2·2^(n/2) sums stand for 2ⁿ.
    first, second = _all_sums(d[: len(d) // 2]), np.sort(_all_sums(d[len(d) // 2 :]))
    above = len(second) - np.searchsorted(second, least - first)
    return float((1 + two_sided) * above.sum() / 2.0 ** len(d))


def _are_even(d: Numbers) -> bool:
    """Say whether none of the differences stick out, so that Σ ±dᵢ is about normal."""
    squares = (d / (np.abs(d).max() or 1.0)) ** 2
    return bool(squares.any()) and float(squares @ squares) <= EVEN * float(squares.sum()) ** 2


def check_alternative(alternative: str) -> None:
    """Raise a ValueError unless this is an alternative of a test."""
    if alternative not in ALTERNATIVES:
        raise ValueError(f"alternative={alternative!r}: allowed is one of {', '.join(ALTERNATIVES)}")


def _all_sums(d: Numbers) -> Numbers:
    """Return Σ ±dᵢ for all 2ⁿ assignments of signs."""
    sums = np.zeros(1)
    for x in d:
        sums = np.concatenate([sums + x, sums - x])
    return sums


def _drawn_p(d: Numbers, least: float, two_sided: bool) -> float:
    """Return p from DRAWN random assignments of signs, of which those count whose sum is at least ``least``."""
    rng = np.random.default_rng(len(d))
    extreme, left = 0, DRAWN
    while left:
        some = min(left, max(1, 10_000_000 // len(d)))
        signs = _all_signs(len(d)) if some == DRAWN else _draw_signs(rng, some, len(d))
        sums = signs @ d
        extreme += int(((np.abs(sums) if two_sided else sums) >= least).sum())
        left -= some
    return (1 + extreme) / (1 + DRAWN)


def _draw_signs(rng: np.random.Generator, some: int, n: int) -> Numbers:
    return np.asarray(1.0 - 2.0 * rng.integers(0, 2, (some, n), dtype=np.int8), dtype=np.float64)


@functools.lru_cache(maxsize=1)
def _all_signs(n: int) -> Numbers:
    """Return all assignments that are drawn for n differences: of a table with many rows of as many seeds the same."""
    return _draw_signs(np.random.default_rng(n), DRAWN, n)


def least_p(n: int) -> float:
    """Return the smallest two-sided p that ``sign_flip_p`` can give for n pairs."""
    if n > MOST_DRAWN:
        return 0.0
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
