"""Which value of a history counts: the last one, that at a step, or that at the step where a metric is best."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from npdigits.base.errors import ConfigError
from npdigits.compare.statistics import Numbers
from npdigits.sources.found import Found

ALLOWED = "last, step=NUMBER, best or best:METRIC"
LAST, BEST, STEP = "last", "best", "step"


@dataclass(frozen=True)
class At:
    """A choice of one value from a history.

    Attributes:
        kind: LAST, BEST or STEP.
        metric: for BEST the metric that decides; None where it is not yet known.
        step: for STEP.
    """

    kind: str = LAST
    metric: str | None = None
    step: float = math.nan

    def in_words(self, metric: str) -> str:
        """Return where a metric's value was taken: "at the last step"."""
        if self.kind == LAST:
            return "at the last step"
        if self.kind == STEP:
            return f"at step {self.step:g}"
        if self.metric == metric:
            return f"at the best step of {metric} itself, which flatters noisy runs"
        return f"at the best step of {self.metric}"


def parse_at(text: str | None) -> At:
    """Return the choice that --at names; None is the last value.

    Raises:
        ConfigError: it is none.
    """
    if text in (None, LAST):
        return At()
    name, colon, metric = str(text).partition(":")
    if name == BEST and (metric or not colon):
        return At(BEST, metric or None)
    name, _, number = str(text).partition("=")
    try:
        step = float(number)
    except ValueError:
        step = math.nan
    if name != STEP or not math.isfinite(step):
        raise ConfigError(f"--at {text}: allowed is {ALLOWED}")
    return At(STEP, step=step)


def take(found: Found, metric: str, at: At, higher: Callable[[str], bool]) -> tuple[Numbers, Numbers]:
    """Return each run's value of a metric, and its step; NaN where it has none there.

    Of values that were logged at one step the one that was written last counts. The last value is that of the largest
    step; where there are no steps, that which was written last.

    Args:
        found: the runs, n of them.
        metric: whose values are taken; a source may lack it.
        at: which ones.
        higher: metric -> whether higher values are better.
    """
    values, steps = _take(found, metric, at, higher)
    return (_shortest(values) if metric in found.single else values), steps


def _shortest(values: Numbers) -> Numbers:
    """Return figures that were stored in single precision as the shortest decimals that it tells apart: 0.93 again."""
    return np.array([float(str(value)) for value in values.astype(np.float32)])


def _take(found: Found, metric: str, at: At, higher: Callable[[str], bool]) -> tuple[Numbers, Numbers]:
    n = len(found.names)
    nothing = np.full(n, np.nan)
    if metric not in found.metrics:
        return nothing, nothing
    if at.kind == LAST and found.last is not None:
        return np.asarray(found.last(metric), dtype=float), nothing
    history = found.history(metric)
    of = at.metric or metric
    if at.kind == BEST and of not in found.metrics:
        return nothing, nothing
    if at.kind == LAST:
        chosen = _last_of_each(history)
    elif at.kind == STEP:
        chosen = _last_of_each(history[history.step == at.step])
    else:
        deciding = history if of == metric else found.history(of)
        steps = _best_steps(deciding, higher(of))
        fits = history.step.to_numpy(float) == steps.reindex(history.run).to_numpy(float)
        chosen = _last_of_each(history[fits])
    values, where = nothing.copy(), nothing.copy()
    position = chosen.run.to_numpy(int)
    values[position], where[position] = chosen.value.to_numpy(float), chosen.step.to_numpy(float)
    return values, where


def _last_of_each(history: pd.DataFrame) -> pd.DataFrame:
    """Return each run's row of the largest step; of several, or where there are no steps, the one written last."""
    steps = history.step.to_numpy(float)
    order = np.lexsort((np.arange(len(history)), np.where(np.isnan(steps), -np.inf, steps)))
    return history.iloc[order].drop_duplicates("run", keep="last")


def _best_steps(history: pd.DataFrame, higher: bool) -> pd.Series:
    """Return each run's step where a metric is best, of equal ones the first; a run without a finite value has none.

    What was written twice at a step counts as it was written last.
    """
    final = history.drop_duplicates(["run", "step"], keep="last")
    value = final.value.to_numpy(float)
    final = final[np.isfinite(value)]
    value = value[np.isfinite(value)]
    order = np.lexsort((final.step.to_numpy(float), -value if higher else value, final.run.to_numpy(int)))
    best = final.iloc[order].drop_duplicates("run", keep="first")
    return pd.Series(best.step.to_numpy(float), index=best.run.to_numpy(int), dtype=float)
