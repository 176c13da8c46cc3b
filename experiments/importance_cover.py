"""How well ``race/anova.py`` finds shares that are known: ``python experiments/importance_cover.py [DATA_SETS]``.

Draws settings of known functions by a Sobol sequence, with noise of a quarter of each function's variance, and prints
of each share the truth, the mean and spread of the estimate, and how often the interval holds the truth: of the package
(a Gaussian process, jackknife), of the same with the bootstrap, and the estimates of a random forest.

The truth is that of ranks: the shares of the variance of F(f(x) + noise), F being the distribution of that over the
box.
"""

import argparse
import warnings
from collections.abc import Callable, Iterator
from itertools import combinations

import numpy as np
from scipy.stats import norm, qmc
from sklearn.ensemble import RandomForestRegressor

from npdigits.base.arrays import Array
from npdigits.base.blas import one_thread
from npdigits.base.terminal import show
from npdigits.config.axes import Axis
from npdigits.race.anova import RESAMPLES, ranks, variance_shares
from npdigits.race.places import Placed, place, sides_of

NOISE = 0.25
# Shares this near to the truth count as found: they would be written as the same per cent.
ROUNDING = 0.005
# The truth is taken on a grid of so many places a key.
GRID = 16


def ishigami(x: Array) -> Array:
    """Ishigami and Homma (1990), at a = 7, b = 0.1."""
    z = (2 * x - 1) * np.pi
    return np.asarray(np.sin(z[:, 0]) + 7 * np.sin(z[:, 1]) ** 2 + 0.1 * z[:, 2] ** 4 * np.sin(z[:, 0]))


def ridge(x: Array) -> Array:
    """Something like accuracy by the logarithm of lr: best at a place that depends on a second key, a cliff above."""
    best = 0.55 + 0.2 * (x[:, 1] - 0.5)
    below, above = np.maximum(best - x[:, 0], 0), np.maximum(x[:, 0] - best - 0.15, 0)
    return np.asarray(-6 * below**2 - 60 * above**2 - 0.3 * x[:, 2])


FUNCTIONS: dict[str, tuple[int, Callable[[Array], Array]]] = {
    "sum": (4, lambda x: np.asarray(3 * x[:, 0] + 2 * x[:, 1] ** 2)),
    "product": (4, lambda x: np.asarray(12 * (x[:, 0] - 0.5) * (x[:, 1] - 0.5) + x[:, 2])),
    "ridge": (4, ridge),
    "Ishigami": (3, ishigami),
    "nothing": (4, lambda x: np.zeros(len(x))),
}
Shares = dict[tuple[int, ...], float]


def main() -> None:
    """Print a table for each function."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("sets", nargs="?", type=int, default=40, help="data sets of each function")
    parser.add_argument("--settings", type=int, default=64)
    parser.add_argument("--only", nargs="*", choices=FUNCTIONS, default=list(FUNCTIONS), help="these functions")
    parser.add_argument("--bootstrap", action="store_true", help="the bootstrap's intervals as well")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    with one_thread():
        for name in options.only:
            _print_function(name, options.sets, options.settings, options.bootstrap)


def _print_function(name: str, sets: int, n: int, with_bootstrap: bool) -> None:
    """Print what was found of one function."""
    keys, function = FUNCTIONS[name]
    spread, truth = known(keys, function)
    process: dict[str, list[Shares]] = {"share": [], "held": [], "width": [], "bootstrap": [], "forest": []}
    for number in range(sets):
        rng = np.random.default_rng([number, n])
        x = qmc.Sobol(keys, rng=rng).random(n)
        figures = function(x) + spread * rng.standard_normal(n)
        placed = in_box(x)
        found = {tuple(int(key[1:]) for key in one.keys): one for one in variance_shares(placed, figures, f"{number}")}
        process["share"].append({key: one.share for key, one in found.items()})
        process["held"].append({key: holds(one.low, one.high, truth[key]) for key, one in found.items()})
        process["width"].append({key: one.high - one.low for key, one in found.items()})
        nothing = dict.fromkeys(truth, np.nan)
        process["bootstrap"].append(bootstrap(placed, figures, truth, rng) if with_bootstrap else nothing)
        process["forest"].append(forest(x, ranks(figures)))
    show(f"{name}, {n} settings, {sets} data sets")
    show("key     truth  process  (spread)  held  width  bootstrap held  forest  (spread)")
    for key in truth:
        if len(key) == 2 and max(truth[key], float(np.mean([one[key] for one in process["forest"]]))) < ROUNDING:
            continue
        of = {what: np.array([one[key] for one in found_all]) for what, found_all in process.items()}
        show(
            f"{'×'.join(map(str, key)):6} {truth[key]:6.3f} {of['share'].mean():8.3f} {of['share'].std():9.3f}"
            f" {of['held'].mean():5.2f} {of['width'].mean():6.2f} {of['bootstrap'].mean():15.2f}"
            f" {of['forest'].mean():7.3f} {of['forest'].std():9.3f}"
        )


def in_box(x: Array) -> Placed:
    """Return settings of keys k0, k1, … from 0 to 1."""
    sides = sides_of([Axis(f"k{j}", "interval(0,1)", (), 0.0, 1.0) for j in range(x.shape[1])])
    placed, _ = place(sides, [[f"k{j}={value!r}" for j, value in enumerate(row)] for row in x.tolist()])
    return placed


def known(keys: int, function: Callable[[Array], Array]) -> tuple[float, Shares]:
    """Return the standard deviation of the noise, and the true shares of the ranks' variance."""
    places = (np.arange(GRID) + 0.5) / GRID
    grid = np.stack(np.meshgrid(*[places] * keys, indexing="ij"), axis=-1).reshape(-1, keys)
    values = function(grid)
    spread = float(np.sqrt(NOISE) * values.std()) or 1.0
    noise = spread * norm.ppf((np.arange(101) + 0.5) / 101)
    everything = np.sort((values[:, None] + noise[::4]).ravel())
    expected = np.mean([np.searchsorted(everything, values + one) / len(everything) for one in noise], axis=0)
    return spread, shares_on_grid(expected.reshape([GRID] * keys), 1 / 12)


def shares_on_grid(values: Array, variance: float) -> Shares:
    """Return the shares of a function that is known on a grid, an axis a key."""
    keys = range(values.ndim)

    def of(kept: tuple[int, ...]) -> float:
        return float(values.mean(axis=tuple(k for k in keys if k not in kept)).var())

    alone = {(j,): of((j,)) for j in keys}
    pairs = {(j, k): of((j, k)) - alone[(j,)] - alone[(k,)] for j, k in combinations(keys, 2)}
    return {key: max(0.0, share) / variance for key, share in (alone | pairs).items()}


def forest(x: Array, y: Array) -> Shares:
    """Return the shares that a random forest sees (Hutter, Hoos and Leyton-Brown 2014), on a grid."""
    places = (np.arange(8) + 0.5) / 8
    grid = np.stack(np.meshgrid(*[places] * x.shape[1], indexing="ij"), axis=-1).reshape(-1, x.shape[1])
    trees = RandomForestRegressor(100, random_state=0).fit(x, y)
    return shares_on_grid(trees.predict(grid).reshape([8] * x.shape[1]), 1.0)


def bootstrap(placed: Placed, figures: Array, truth: Shares, rng: np.random.Generator) -> Shares:
    """Return whether the percentile interval of the bootstrap over settings holds each share."""
    draws = list(_draws(placed, figures, rng))
    found = {}
    for key in truth:
        low, high = np.quantile([draw[key] for draw in draws], (0.025, 0.975))
        found[key] = holds(low, high, truth[key])
    return found


def _draws(placed: Placed, figures: Array, rng: np.random.Generator) -> Iterator[Shares]:
    for _ in range(RESAMPLES):
        chosen = rng.integers(len(figures), size=len(figures))
        found = variance_shares(placed.take(chosen), figures[chosen], "bootstrap", resamples=0)
        yield {tuple(int(key[1:]) for key in one.keys): one.share for one in found}


def holds(low: float, high: float, truth: float) -> float:
    """Say as 0 or 1 whether an interval holds a share."""
    return float(low - ROUNDING <= truth <= high + ROUNDING)


if __name__ == "__main__":
    main()
