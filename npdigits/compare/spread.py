"""Where the spread comes from: ``npdigits-compare … --spread``, the share of the variance that each source brings."""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from npdigits.base.errors import ConfigError
from npdigits.compare.designs import LEAST, encode, find_all_different, find_crossing, find_line
from npdigits.compare.figures import Unit, format_value, unit_of
from npdigits.compare.rows import MARKS, tell_data_sets_apart
from npdigits.compare.shares import UNKNOWN, Estimate, crossed, deviation, variance_ratio
from npdigits.compare.statistics import Numbers
from npdigits.compare.views import View
from npdigits.config.dependence import follows_in
from npdigits.config.seeds import DRAWN_BY
from npdigits.config.suggestions import suggestion
from npdigits.runs.summary import Status
from npdigits.runs.table import NULL, Runs

# The sources of spread of npdigits' own runs.
SOURCES = tuple(DRAWN_BY)
ALONE, CROSSED = "one at a time", "crossed"
ALL, TOGETHER = "all", "in combination"
EXPLAINED = {
    ALONE: (
        "One at a time: n runs that differ in this source alone; all: in every source. std with its 95 % χ² interval; "
        "share: the variance over that of all, with an F interval, both of normal figures. What sources bring only in "
        "combination counts to each of them, so the shares need not sum to 100 %."
    ),
    CROSSED: (
        "Crossed: each value of a source with each of the others; random-effects analysis of variance by moments, an "
        "estimate below 0 counts as 0; in combination: all interactions, and whatever else tells runs apart. "
        "Generalized 95 % intervals (Weerahandi 1993); n: values of the source."
    ),
}


class Line(NamedTuple):
    """A row of the table: one source in one design, by metric its std and its share of the variance."""

    values: tuple[Any, ...]
    design: str
    source: str
    n: int
    found: Mapping[str, tuple[Estimate, Estimate]]


def parse_sources(typed: str | None, runs: Runs) -> tuple[str, ...]:
    """Return the columns whose values are the sources of spread.

    Args:
        typed: "a,b,c"; "" for the three seeds of npdigits.
        runs: which have the columns.

    Raises:
        ConfigError: one is no key of the runs, or there are fewer than two.
    """
    names = tuple(dict.fromkeys(name.strip() for name in typed.split(","))) if typed else SOURCES
    allowed = (*runs.keys, "seed")
    for name in names:
        if name not in allowed:
            hint = suggestion(name, allowed) or "; name keys that vary with --spread=a,b, and the runs before it"
            raise ConfigError(f"--spread {name}: no key of these runs{hint}")
    if len(names) < 2:
        raise ConfigError(f"--spread {typed}: allowed are two or more keys, of which the share of each is asked")
    return names


def find_spread(runs: Runs, metrics: Sequence[str], sources: Sequence[str]) -> tuple[View, list[str]]:
    """Return the table of variance shares, and the lines under it.

    Args:
        runs: of one or more configurations.
        metrics: columns of figures.
        sources: columns; of npdigits' own null stands for the run's ``seed``.
    """
    table = runs.table[(runs.table.status == Status.FINISHED) & (runs.table.same_as == "")]
    table = _with_given_seeds(tell_data_sets_apart(table), sources)
    keys = [key for key in (*MARKS, *runs.keys) if key not in sources]
    if not runs.foreign:  # what draws the same has the same bits, however its seeds are written
        table = table.drop_duplicates([*keys, "data_sha256", *sources])
    shown = _differing(table, keys)
    lines: list[Line] = []
    notes: list[str] = []
    for _, group in table.groupby([*keys, "data_sha256"], sort=False, dropna=False):
        values = tuple(group[key].iloc[0] for key in shown)
        label = " ".join(f"{key}={format_value(value)}" for key, value in zip(shown, values, strict=True))
        said: list[str] = []
        lines += _lines_of(group, values, metrics, sources, said)
        notes += [f"{label}: {line}" if label else line for line in said]
    designs = dict.fromkeys(line.design for line in lines)
    return _view(lines, shown, metrics, runs.foreign), [*(EXPLAINED[design] for design in designs), *notes]


def _with_given_seeds(table: pd.DataFrame, sources: Sequence[str]) -> pd.DataFrame:
    """Return the table with the run's seed where one of npdigits' three seeds is null."""
    ours = {key: table[key].where(table[key].astype(object) != NULL, table.seed) for key in sources if key in DRAWN_BY}
    return table.assign(**ours)


def _differing(table: pd.DataFrame, keys: Sequence[str]) -> list[str]:
    """Return the keys with more than one value, but for values that follow from others."""
    differing = [key for key in keys if table[key].nunique(dropna=False) > 1]
    if not differing:
        return []
    rows: list[dict[str, Any]] = table[list(keys)].drop_duplicates().astype(object).to_dict("records")
    follows = set.intersection(*(set(follows_in(row)) for row in rows))
    return [key for key in differing if key not in follows]


def _lines_of(
    group: pd.DataFrame, values: tuple[Any, ...], metrics: Sequence[str], sources: Sequence[str], note: list[str]
) -> Iterator[Line]:
    """Yield the rows of one configuration; ``note`` is told what cannot be."""
    codes = encode([group[source].tolist() for source in sources])
    figures = {metric: group[metric].to_numpy(dtype=float) for metric in metrics}
    crossing, different = find_crossing(codes), find_all_different(codes)
    lines = [find_line(codes, i) for i in range(len(sources))]
    # The lines of a crossing say nothing that it does not say itself.
    within = dict(zip(crossing.factors, crossing.runs.shape, strict=False)) if crossing else {}
    alone = {
        source: line
        for i, (source, line) in enumerate(zip(sources, lines, strict=True))
        if len(line) > within.get(i, 1)
    }
    few = {source: line for source, line in alone.items() if len(line) < LEAST}
    for source, line in alone.items():
        if source not in few:
            yield _alone(values, source, {m: (y[line], y[different]) for m, y in figures.items()})
    if len(alone) > len(few):
        if len(different) >= LEAST:
            yield _alone(values, ALL, {m: (y[different], y[different]) for m, y in figures.items()})
        else:
            note.append(f"no {LEAST} runs differ in all of {', '.join(sources)}: the shares cannot be told")
    if crossing:
        yield from _crossed(
            values, [sources[i] for i in crossing.factors], {m: y[crossing.runs] for m, y in figures.items()}
        )
        if left := len(group) - crossing.runs.size:
            note.append(f"{crossing.runs.size} of {len(group)} runs are a full crossing, {left} stand outside of it")
    unknown = [
        s for i, s in enumerate(sources) if not (crossing and i in crossing.factors) and (s not in alone or s in few)
    ]
    if unknown:
        note.append(f"{', '.join(unknown)}: cannot be told, as fewer than {LEAST} runs differ in it alone")


def _alone(values: tuple[Any, ...], source: str, figures: Mapping[str, tuple[Numbers, Numbers]]) -> Line:
    """Return the row of a source that varies alone, or of all; metric -> the figures of these runs, those of all."""
    found = {}
    for metric, (own, total) in figures.items():
        own, total = own[~np.isnan(own)], total[~np.isnan(total)]
        enough = len(own) >= LEAST and len(total) >= LEAST and source != ALL
        found[metric] = (
            deviation(own) if len(own) >= LEAST else UNKNOWN,
            variance_ratio(own, total) if enough else UNKNOWN,
        )
    return Line(values, ALONE, source, max(len(own) for own, _ in figures.values()), found)


def _crossed(values: tuple[Any, ...], sources: Sequence[str], figures: Mapping[str, Numbers]) -> Iterator[Line]:
    """Yield the rows of a full crossing; metric -> figures, (n_1, …, n_k, r)."""
    unknown = [(UNKNOWN, UNKNOWN)] * (len(sources) + 2)
    found = {
        metric: unknown if np.isnan(y).any() else list(zip_longest(*crossed(y), fillvalue=UNKNOWN))
        for metric, y in figures.items()
    }
    shape = next(iter(figures.values())).shape
    counts = (*shape[:-1], math.prod(shape), math.prod(shape))
    for i, (source, n) in enumerate(zip((*sources, TOGETHER, ALL), counts, strict=True)):
        yield Line(values, CROSSED, source, n, {metric: of[i] for metric, of in found.items()})


def _view(lines: Sequence[Line], shown: Sequence[str], metrics: Sequence[str], foreign: bool) -> View:
    """Return the table."""
    titles = [*shown, "design", "source", "n"]
    for metric in metrics:
        titles += [f"{metric} std {unit_of(metric, foreign).of_difference}".rstrip(), "share %"]
    cells, records = [], []
    for line in lines:
        cell = [*map(format_value, line.values), line.design, line.source, str(line.n)]
        record = dict(zip(shown, line.values, strict=True)) | {
            "design": line.design,
            "source": line.source,
            "n": line.n,
        }
        for metric in metrics:
            std, share = line.found[metric]
            unit = unit_of(metric, foreign)
            cell += [_text(std, unit.scale, _decimals_of_std(unit)), _text(share, 100, 0)]
            for name, estimate in ((f"{metric}_std", std), (f"{metric}_share", share)):
                record |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
        cells.append(cell)
        records.append(record)
    return View(titles, len(shown) + 2, cells, pd.DataFrame(records))


def _decimals_of_std(unit: Unit) -> int | None:
    """Return how many decimals a std has: one more than a figure in per cent; None for three digits."""
    return None if unit.decimals is None else unit.decimals + (unit.scale > 1)


def _text(estimate: Estimate, scale: float, decimals: int | None) -> str:
    """Return "0.21 (0.15 to 0.39)"; a dash where it cannot be told."""
    if math.isnan(estimate.value):
        return "–"
    value, low, high = (
        f"{scale * number:.3g}" if decimals is None else f"{scale * number:.{decimals}f}" for number in estimate
    )
    return value if estimate.low == estimate.high else f"{value} ({low} to {high})"
