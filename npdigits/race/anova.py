"""Functional ANOVA of a few noisy figures over a box: which share of their variance each key brings, and each pair.

With f the expected figure of a setting x that is drawn uniformly from the box, and V_u the variance of E[f | x_u] over
the keys u (Sobol 1993; Hutter, Hoos and Leyton-Brown 2014, equations 1 to 4), the shares are

    of a key j       V_j / V
    of a pair j, l   (V_jl − V_j − V_l) / V        what both do together beyond the sum of what each does

where V is the variance of the figures themselves, seeds' noise and all; so the shares of keys that do nothing tend
to 0, and what no key and no pair explains is left over.

f is a Gaussian process (scikit-learn's): squared-exponential kernel with a length for each coordinate, plus noise, all
by maximum likelihood. Its kernel is a product over the keys, c·∏ₖ κₖ, so every mean over the box is a product of means
over one side: nothing is sampled. With α = (K + σ²I)⁻¹y, the posterior mean and covariance of E[f | x_u] give

    E[(mean of f given x_u)²] = c²·αᵀQα + c·∏_{k∉u} ⟨⟨κₖ⟩⟩ − c²·tr((K + σ²I)⁻¹Q),
    Q = ∏_{k∈u} ⟨κₖ(x, ·)κₖ(x, ·)ᵀ⟩ ∘ ∏_{k∉u} ⟨κₖ⟩⟨κₖ⟩ᵀ

(Oakley and O'Hagan 2004, "Probabilistic sensitivity analysis of complex models", section 2.3: V_u is expected over the
posterior, not read off its mean, which is too flat).

Hutter, Hoos and Leyton-Brown take a random forest. Of 64 noisy settings it hardly sees what two keys do only together,
which the process does (experiments/README.md, where both are held against known shares). ``scipy.stats.sobol_indices``
tells of no pairs, and samples what is exact here.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.blas import one_thread
from npdigits.base.random import stream
from npdigits.race.places import Placed

# Where the search for the likeliest lengths begins: two, as an effect in waves hides from one that begins smooth.
STARTS = (1.0, 0.3)
# The lengths that are allowed, in sides of the box. The longest is that of a key without effect.
SHORTEST, LONGEST = 0.1, 30.0
# So many halves of the settings are looked at for an interval.
RESAMPLES = 50
# Of more settings so many are taken, drawn at random: the time grows with their cube.
MOST = 256
Keys = tuple[int, ...]


@dataclass(frozen=True)
class Share:
    """A share of the figures' variance, with its 95 % interval.

    Attributes:
        keys: whose, one or two.
        share: the estimate.
        low, high: the ends of the interval.
    """

    keys: tuple[str, ...]
    share: float
    low: float
    high: float


@one_thread()
def variance_shares(placed: Placed, figures: Array, purpose: str, resamples: int = RESAMPLES) -> tuple[Share, ...]:
    """Return the shares of each key and each pair, each kind by its share.

    The interval is share ± 1.96·s by the jackknife that deletes half of the settings (Shao and Wu 1989, equation 2.2,
    with d = n/2): s² is the mean of (θ_S − θ)² over many halves S. The bootstrap has settings twice with the same
    noise, which a process takes for no noise; where shares are known its intervals hold them less often
    (experiments/README.md).

    A key that a setting does not read lies at random on its side, anew in each subset: f does not depend on it there.

    Args:
        placed: where the settings lie.
        figures: of each setting, the higher the better. They enter by their ranks (NaN: lost, all alike the worst), so
            that a few that learnt nothing do not decide alone.
        purpose: of the random numbers.
        resamples: how many subsets.
    """
    random = stream(0, purpose)
    if len(figures) > MOST:
        taken = np.sort(random.permutation(len(figures))[:MOST])
        placed, figures = placed.take(taken), figures[taken]
    n = len(figures)
    filled = _imputed(placed, random)
    lengths = _likeliest(filled, ranks(figures), None)
    whole = _shares(placed, filled, ranks(figures), lengths)
    squares = dict.fromkeys(whole, 0.0)
    for _ in range(resamples):
        chosen = np.sort(random.permutation(n)[: n // 2])
        part = placed.take(chosen)
        y, points = ranks(figures[chosen]), _imputed(part, random)
        for keys, share in _shares(part, points, y, _likeliest(points, y, lengths)).items():
            squares[keys] += (share - whole[keys]) ** 2 / resamples
    names = [side.key for side in placed.sides]
    found = []
    for keys, share in whole.items():
        spread = 1.96 * float(np.sqrt(squares[keys]))
        low, high = np.clip([share - spread, share + spread], 0.0, 1.0)
        found.append(Share(tuple(names[j] for j in keys), min(share, 1.0), float(low), float(high)))
    return tuple(sorted(found, key=lambda one: (len(one.keys), -one.share)))


def ranks(figures: Array) -> Array:
    """Return the ranks of figures, those of equals averaged, with mean 0 and variance 1; NaN is the worst.

    All zeros where all are equal.
    """
    from scipy.stats import rankdata

    y = np.asarray(rankdata(np.where(np.isnan(figures), -np.inf, figures)))
    y -= y.mean()
    return y / spread if (spread := float(y.std())) else y


def _imputed(placed: Placed, random: np.random.Generator) -> tuple[Array, ...]:
    """Return the points, where a key is not read with one of its levels, drawn at random."""
    filled = []
    for side, points in zip(placed.sides, placed.points, strict=True):
        drawn = side.levels[random.integers(len(side.levels), size=len(points))]
        filled.append(np.where(np.isnan(points), drawn, points))
    return tuple(filled)


def _likeliest(points: Sequence[Array], y: Array, start: Array | None) -> Array:
    """Return the logarithms of the likeliest amplitude c, lengths and noise σ², by scikit-learn.

    Args:
        points: a list a side with an array (settings, columns).
        y: figures with mean 0 and variance 1.
        start: where the search begins; None: at each of STARTS.
    """
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

    x = np.hstack(points)
    best = (-np.inf, np.zeros(x.shape[1] + 2))
    for length in STARTS:
        lengths = RBF(np.full(x.shape[1], length), (SHORTEST, LONGEST))
        kernel = ConstantKernel(1.0, (1e-3, 1e2)) * lengths + WhiteKernel(0.3, (1e-3, 1.5))
        if start is not None:
            kernel = kernel.clone_with_theta(start)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a key without effect is at the longest length, which it warns of
            process = GaussianProcessRegressor(kernel, alpha=1e-9).fit(x, y)
        best = max(best, (process.log_marginal_likelihood_value_, process.kernel_.theta), key=lambda one: one[0])
        if start is not None:
            break
    return best[1]


def _shares(placed: Placed, points: Sequence[Array], y: Array, theta: Array) -> dict[Keys, float]:
    """Return the share of each key and pair, as the module says."""
    sides = range(len(placed.sides))
    noise, amplitude = float(np.exp(theta[-1])), float(np.exp(theta[0]))
    ends = np.cumsum([0, *(x.shape[1] for x in points)])
    lengths = [np.exp(theta[1 + a : 1 + b]) for a, b in pairwise(ends)]
    at = [_kernel(side.levels, x, length) for side, x, length in zip(placed.sides, points, lengths, strict=True)]
    n = len(y)
    inside = np.prod([_kernel(x, x, length) for x, length in zip(points, lengths, strict=True)], axis=0)
    inverse = np.linalg.inv(amplitude * inside + (noise + 1e-9) * np.eye(n))
    weights = inverse @ y
    means = [k.mean(axis=0) for k in at]
    of_means = [np.outer(mean, mean) for mean in means]
    products = [k.T @ k / len(k) for k in at]
    of_all = [
        float(_kernel(side.levels, side.levels, length).mean())
        for side, length in zip(placed.sides, lengths, strict=True)
    ]

    def expected(keys: Keys) -> float:
        """Return the mean over x_u of (E[f | x_u])²."""
        q = np.prod([products[k] if k in keys else of_means[k] for k in sides], axis=0)
        outside = float(np.prod([of_all[k] for k in sides if k not in keys]))
        return float(amplitude**2 * (weights @ q @ weights - np.sum(inverse * q)) + amplitude * outside)

    nothing = expected(())
    found: dict[Keys, float] = {(j,): max(expected((j,)) - nothing, 0.0) for j in sides}
    for j, k in combinations(sides, 2):
        found[j, k] = max(expected((j, k)) - nothing - found[(j,)] - found[(k,)], 0.0)
    return found


def _kernel(a: Array, b: Array, lengths: Array) -> Array:
    """Return exp(−½ Σ ((aᵢ − bᵢ)/lengthᵢ)²) for each pair of points."""
    squares: Array = np.square((a[:, None] - b[None]) / lengths).sum(axis=-1)
    return np.exp(-0.5 * squares)


def left_over(shares: Sequence[Share]) -> float:
    """Return what no key and no pair explains: seeds' noise, and what three or more keys do together."""
    return max(0.0, 1.0 - sum(one.share for one in shares))


def strongest(shares: Sequence[Share], most: int) -> tuple[Share, ...]:
    """Return the pairs with the largest shares."""
    return tuple(one for one in shares if len(one.keys) == 2)[:most]
