"""How much of a variance each source brings: single sources, and crossed designs. Functions of numbers alone.

Bouthillier et al. 2021, "Accounting for Variance in Machine Learning Benchmarks", MLSys 3.
"""

import itertools
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import fdtri, gammaincinv

from npdigits.compare.statistics import ALPHA, Numbers

# Draws for the intervals of a crossed design; always the same ones.
DRAWN = 20_000
TAILS = (ALPHA / 2, 1 - ALPHA / 2)


class Estimate(NamedTuple):
    """A figure with the ends of its 95 % interval; NaN where it cannot be told."""

    value: float
    low: float
    high: float


UNKNOWN = Estimate(math.nan, math.nan, math.nan)


class Crossed(NamedTuple):
    """The random-effects analysis of a crossed design with k factors.

    Attributes:
        deviations: k + 2 standard deviations: of each factor's main effect, of all interactions with the residual, and
            of the sum of all.
        shares: k + 1 shares of the variance: of each factor's main effect, and of all interactions with the residual.
    """

    deviations: tuple[Estimate, ...]
    shares: tuple[Estimate, ...]


def deviation(values: ArrayLike) -> Estimate:
    """Return the standard deviation of n values, and its χ² interval: s·√((n−1)/χ²(0.975)) … s·√((n−1)/χ²(0.025)).

    Args:
        values: (n,), independent and normal; fewer than two have none.
    """
    x = np.asarray(values, dtype=float)
    df = len(x) - 1
    if df < 1:
        return UNKNOWN
    s = float(x.std(ddof=1))
    low, high = (s * math.sqrt(df / (2 * gammaincinv(df / 2, tail))) for tail in reversed(TAILS))
    return Estimate(s, low, high)


def variance_ratio(values: ArrayLike, total: ArrayLike) -> Estimate:
    """Return s²/s²(total) of two independent normal samples, and its F interval: F/F(0.975) … F/F(0.025).

    Args:
        values: (n,), of the runs in which one source varies.
        total: (m,), of those in which all do.
    """
    x, y = np.asarray(values, dtype=float), np.asarray(total, dtype=float)
    if min(len(x), len(y)) < 2 or y.var(ddof=1) == 0:
        return UNKNOWN
    ratio = float(x.var(ddof=1) / y.var(ddof=1))
    low, high = (ratio / float(fdtri(len(x) - 1, len(y) - 1, tail)) for tail in reversed(TAILS))
    return Estimate(ratio, low, high)


def crossed(figures: ArrayLike) -> Crossed:
    """Return the variance components of a balanced full crossing of random factors, by the method of moments.

    y = μ + Σ_S u_S + e over all sets S of factors, with independent u_S ~ N(0, σ²_S) for each combination of the
    levels of S. With n_i levels and r values in each cell, E[MS_S] = σ²_e + Σ_{T ⊇ S} r·Π_{i ∉ T} n_i·σ²_T, which is
    solved for σ²_S (Searle, Casella & McCulloch 1992, ch. 4); below 0 counts as 0. With r = 1 the interaction of all
    factors cannot be told from e. A factor's own part is its main effect; the rest is one sum.

    The intervals are those of generalized pivots (Weerahandi 1993): the quantiles of the same figures of
    MS·df/χ²(df), with DRAWN draws of χ² for each mean square.

    Args:
        figures: (n_1, …, n_k, r), with at least two factors of at least two levels each.
    """
    squares, degrees, solve = _analyse(np.asarray(figures, dtype=float))
    k = np.ndim(figures) - 1
    rng = np.random.default_rng(0)
    drawn = np.stack([square * df / rng.chisquare(df, DRAWN) for square, df in zip(squares, degrees, strict=True)])
    found, spread = (_gather(solve @ some, k) for some in (squares[:, None], drawn))
    deviations = tuple(_estimate(np.sqrt(one), np.sqrt(many)) for one, many in zip(found, spread, strict=True))
    # So that shares sum to 1, they are of the sum of the parts, none of which is below 0.
    whole, wholes = found[:-1].sum(axis=0), spread[:-1].sum(axis=0)
    if whole == 0:
        return Crossed(deviations, (UNKNOWN,) * (k + 1))
    pairs = [(one / whole, many / wholes) for one, many in zip(found[:-1], spread[:-1], strict=True)]
    return Crossed(deviations, tuple(_estimate(*pair) for pair in pairs))


def _analyse(y: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Return the mean squares, their degrees of freedom, and the matrix that makes variance components of them.

    The sets of factors are in the order of their size; where r > 1, the last mean square is that within the cells.
    """
    *levels, r = y.shape
    k, cells = len(levels), y.mean(axis=-1)
    sets = [some for size in range(1, k + 1) for some in itertools.combinations(range(k), size)]
    squares, degrees = [], []
    for some in sets:
        effect = np.zeros([levels[i] if i in some else 1 for i in range(k)])
        for size in range(len(some) + 1):
            for part in itertools.combinations(some, size):
                others = tuple(i for i in range(k) if i not in part)
                effect = effect + (-1) ** (len(some) - size) * cells.mean(axis=others, keepdims=True)
        df = math.prod(levels[i] - 1 for i in some)
        squares.append(y.size / effect.size * (effect**2).sum() / df)
        degrees.append(df)
    solve = np.zeros((len(sets), len(sets) + (r > 1)))
    for row, some in enumerate(sets):
        values_a_level = r * math.prod(levels[i] for i in range(k) if i not in some)
        for column, other in enumerate(sets):
            if set(some) <= set(other):
                solve[row, column] = (-1) ** (len(other) - len(some)) / values_a_level
    if r > 1:
        squares.append(((y - cells[..., None]) ** 2).sum() / (cells.size * (r - 1)))
        degrees.append(cells.size * (r - 1))
        solve[-1, -1] = -1 / r
        solve = np.vstack([solve, np.eye(1, len(sets) + 1, len(sets))])
    return np.array(squares), np.array(degrees, dtype=float), solve


def _gather(components: Numbers, k: int) -> Numbers:
    """Return the main effects' variances, the sum of the others, and the sum of all, each not below 0: (k + 2, n).

    The interactions are summed before what is below 0 counts as 0: a sum of what is left of each would be too large.
    """
    main, others = components[:k], components[k:].sum(axis=0)
    return np.vstack([main, others, main.sum(axis=0) + others]).clip(0)


def _estimate(found: Numbers, drawn: Numbers) -> Estimate:
    low, high = np.nanquantile(drawn, TAILS)
    return Estimate(float(found[0]), float(low), float(high))
