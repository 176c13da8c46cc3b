"""Optuna's samplers, asked for one point after another; plain numbers go in and out, and nothing is remembered.

A point says of each key where its value stands: a place from 0 to 1 of an interval, or the number of a value.

Sources: J. Bergstra, R. Bardenet, Y. Bengio, B. Kégl, "Algorithms for Hyper-Parameter Optimization", NIPS 2011, section
4 (tpe); T. Akiba, S. Sano, T. Yanase, T. Ohta, M. Koyama, "Optuna", KDD 2019, section 2 (ask and tell); M. Nomura, S.
Watanabe, Y. Akimoto, Y. Ozaki, M. Onishi, "Warm Starting CMA-ES for Hyperparameter Optimization", AAAI 2021 (cmaes).
"""

import importlib.util
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from npdigits.base.errors import ConfigError
from npdigits.base.random import stream

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler

# race.search -> the packages that it needs, by the names under which they are imported.
SAMPLERS: Mapping[str, tuple[str, ...]] = {
    "tpe": ("optuna",),
    "gp": ("optuna", "torch"),
    "random": ("optuna",),
    "cmaes": ("cmaes",),
}
# How many settings of an arm the first round has, and how many each later one.
FIRST, ROUND = 16, 8
# The share of the first round, the best of it, by which CMA-ES begins.
BETTER_PART = 0.25

# Key -> a place (float) or the number of a value (int).
Point = Mapping[str, float | int]


@dataclass(frozen=True)
class Dimension:
    """A key as a sampler sees it.

    Attributes:
        count: how many values it has; None: any place of an interval.
        ordered: whether values with numbers next to each other are alike: 10 and 20 are, "adam" and "sgd" are not.
    """

    count: int | None = None
    ordered: bool = True


@dataclass(frozen=True)
class Told:
    """What is known of a point.

    Attributes:
        point: of a key that the setting does not read there is nothing in it.
        figure: the higher the better; NaN where the setting is lost.
    """

    point: Point
    figure: float


def refuse_without_packages(search: str) -> None:
    """Refuse a search whose packages are not installed.

    Raises:
        ConfigError: one of them is not.
    """
    for package in SAMPLERS.get(search, ()):
        if importlib.util.find_spec(package) is None:
            raise ConfigError(
                f"race.search={search} needs the package {package}, which is not installed: "
                "pip install 'npdigits[search]'; race.search=sobol needs none"
            )


def ask(
    search: str,
    dimensions: Mapping[str, Dimension],
    rounds: Sequence[Sequence[Told]],
    running: Sequence[Point],
    seed: int,
) -> Iterator[Point]:
    """Yield what a sampler proposes, without end: another point each time, should the ones before be of no use.

    A lost setting is told as the worst figure of all. Optuna's own state for it, failed, would leave it out of all that
    the sampler knows, and it would go on to propose what is lost.

    Args:
        search: a key of ``SAMPLERS``.
        dimensions: key -> what values it has.
        rounds: what was told, a round after another, each in the order of its settings; the later ones of one size.
        running: points of the present round whose figures are not told.
        seed: of the sampler, below 2^32.
    """
    worst = min((told.figure for round_ in rounds for told in round_ if math.isfinite(told.figure)), default=0.0)
    finite = [
        [Told(told.point, told.figure if math.isfinite(told.figure) else worst) for told in round_] for round_ in rounds
    ]
    if search == "cmaes":
        yield from _ask_cmaes(dimensions, finite, seed)
    else:
        yield from _ask_optuna(search, dimensions, [told for round_ in finite for told in round_], running, seed)


def _ask_optuna(
    search: str,
    dimensions: Mapping[str, Dimension],
    everything: Sequence[Told],
    running: Sequence[Point],
    seed: int,
) -> Iterator[Point]:
    """Yield what a sampler of Optuna's proposes."""
    import optuna
    from optuna.trial import FrozenTrial, TrialState, create_trial

    distributions = {key: _distribution(dimension) for key, dimension in dimensions.items()}

    def trial(point: Point, figure: float | None) -> FrozenTrial:
        params = dict(point) if search == "tpe" else _complete(dimensions, point)
        state = TrialState.RUNNING if figure is None else TrialState.COMPLETE
        return create_trial(
            state=state, value=figure, params=params, distributions={k: distributions[k] for k in params}
        )

    with _quiet():
        study = optuna.create_study(direction="maximize", sampler=_sampler(search, seed))
        study.add_trials([trial(told.point, told.figure) for told in everything])
        study.add_trials([trial(point, None) for point in running])
    while True:
        with _quiet():
            params = study.ask(distributions).params
        # The trial stays unfinished, by which a sampler knows that it is to propose another point.
        yield {key: _below_one(params[key]) if of.count is None else params[key] for key, of in dimensions.items()}


def _sampler(search: str, seed: int) -> "BaseSampler":
    from optuna import samplers

    if search == "tpe":
        # By groups: no other way models keys that some settings do not read.
        return samplers.TPESampler(seed=seed, multivariate=True, group=True, constant_liar=True)
    return samplers.GPSampler(seed=seed) if search == "gp" else samplers.RandomSampler(seed=seed)


def _ask_cmaes(dimensions: Mapping[str, Dimension], rounds: Sequence[Sequence[Told]], seed: int) -> Iterator[Point]:
    """Yield what CMA-ES proposes: it starts from the better part of the first round; each later one is a generation.

    Of the library that Optuna's sampler uses too. Optuna's own cannot be told of a generation after the fact. Values
    without an order are drawn evenly.
    """
    keys = [key for key, dimension in dimensions.items() if dimension.ordered]
    rng = np.random.default_rng(seed)
    told = [[(_unit(dimensions, keys, each.point), -each.figure) for each in round_] for round_ in rounds]
    optimizer = _optimizer(len(keys), told, seed) if keys else None
    while True:
        places = dict(zip(keys, map(float, optimizer.ask()), strict=True)) if optimizer else {}
        point: dict[str, float | int] = {}
        for key, of in dimensions.items():
            place = _below_one(places.get(key, rng.random()))
            point[key] = place if of.count is None else int(place * of.count)
        yield point


def _optimizer(dimension: int, told: Sequence[Sequence[tuple[np.ndarray[Any, Any], float]]], seed: int) -> Any:
    """Return CMA-ES after the generations that it was told."""
    import cmaes

    mean, sigma, cov = cmaes.get_warm_start_mgd(list(told[0]), gamma=BETTER_PART)
    bounds = np.tile([0.0, 1.0], (dimension, 1))
    optimizer = cmaes.CMA(mean, sigma, bounds=bounds, cov=cov, seed=seed, population_size=ROUND)
    for generation in told[1:]:
        optimizer.tell(list(generation))
    return optimizer


def _unit(dimensions: Mapping[str, Dimension], keys: Sequence[str], point: Point) -> np.ndarray[Any, Any]:
    """Return a point's place on the unit cube of some keys, shape (keys,)."""
    complete = _complete(dimensions, point)
    counts = [dimensions[key].count for key in keys]
    return np.array([complete[k] if n is None else (complete[k] + 0.5) / n for k, n in zip(keys, counts, strict=True)])


def _distribution(dimension: Dimension) -> "BaseDistribution":
    """Return how Optuna writes a dimension."""
    from optuna import distributions

    if dimension.count is None:
        return distributions.FloatDistribution(0.0, 1.0)
    if dimension.ordered:
        return distributions.IntDistribution(0, dimension.count - 1)
    return distributions.CategoricalDistribution(tuple(range(dimension.count)))


def _complete(dimensions: Mapping[str, Dimension], point: Point) -> dict[str, float | int]:
    """Return a point with every key, as most samplers leave out one that lacks a key.

    What the setting does not read stands at a place drawn by the point. Always at the same place it would be proposed
    at others for ever, as there nothing is known.
    """
    rng = stream(0, f"unread keys of {sorted(point.items())}")
    places = {key: rng.random() for key in dimensions}
    drawn = {key: places[key] if of.count is None else int(places[key] * of.count) for key, of in dimensions.items()}
    return drawn | dict(point)


def _below_one(place: float) -> float:
    return min(place, math.nextafter(1.0, 0.0))


@contextmanager
def _quiet() -> Iterator[None]:
    """Let Optuna neither log nor warn: what it says is of its own arguments, which nobody here has typed."""
    from optuna import logging

    level = logging.get_verbosity()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.set_verbosity(logging.CRITICAL)
        try:
            yield
        finally:
            logging.set_verbosity(level)
