"""From what other programs wrote to a table of runs: the keys, the seed, and one value of each metric."""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from npdigits.base.errors import ConfigError
from npdigits.compare.at import BEST, LAST, At, take
from npdigits.compare.directions import direction_by_name
from npdigits.compare.keys_of import Chosen, choose, listed, setting_table
from npdigits.compare.read_as import explain
from npdigits.compare.rows import MARKS
from npdigits.compare.statistics import Numbers
from npdigits.config.suggestions import suggestion
from npdigits.runs.table import MISSING, NULL, OWN, SHARED, Runs
from npdigits.sources import found as source
from npdigits.sources.found import Found

# Columns of the table of runs that a setting of such a name would hide.
TAKEN = {*OWN, *SHARED, *MARKS, "n"}


@dataclass(frozen=True)
class Asked:
    """What a user says of results.

    Attributes:
        metrics: that are compared.
        shown: further metrics that are shown.
        seed: the setting that pairs runs.
        keys: the settings that tell configurations apart.
        at: which value of a history counts.
        higher: metric -> whether higher is better, as the user says; "" stands for metrics of which nothing else tells.
    """

    metrics: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    seed: str | None = None
    keys: tuple[str, ...] | None = None
    at: At = field(default_factory=At)
    higher: Mapping[str, bool] = field(default_factory=dict)


def to_runs(sources: Sequence[Found], asked: Asked, notes: Sequence[str] = ()) -> Runs:
    """Return the runs of some sources as one table.

    A run whose settings and seed another one has is counted once: the first that finished. Where all runs have one
    seed it pairs nothing, and each run counts.

    Args:
        sources: what was read, at least one.
        asked: what the user says.
        notes: lines on how it was read.

    Raises:
        ConfigError: a name is unknown, no metric is named where there are several, or it is not known of one whether
            higher or lower is better.
    """
    metrics = _choose_metrics(sources, asked)
    # A checkpoint is of one step: all columns are taken where the first metric is best.
    at = dataclasses.replace(asked.at, metric=asked.at.metric or metrics[0]) if asked.at.kind == BEST else asked.at
    wanted = [*metrics, *(name for name in asked.shown if name not in metrics)]
    higher = {name: _direction(name, sources, asked.higher) for name in [*metrics, *_deciding(at)]}
    higher |= {name: bool(direction_by_name(name)) for name in asked.shown if name not in higher}
    figures, steps = _take_all(sources, wanted, at, higher.__getitem__)
    measured = np.concatenate([_have(found, metrics, figures) for found, figures in _by_source(sources, figures)])
    settings = setting_table([one for found in sources for one in found.settings])
    told = all(found.told for found in sources)
    seed = asked.seed or next((found.seed for found in sources if found.seed), None)
    # A store may hold other experiments: their settings are none of these runs'.
    also = {name for found in sources if found.told for name in found.metrics}
    chosen = choose(settings[measured], wanted, told, seed, asked.keys, also)
    names = {key: f"config.{key}" if key in TAKEN or key in wanted else key for key in chosen.keys}
    table = _table_of(sources, settings, chosen, names, figures)
    never = (table.status == source.FINISHED) & ~measured
    left_out, table = table.run[never].tolist(), table[~never].reset_index(drop=True)
    steps = {name: of_runs[~never.to_numpy()] for name, of_runs in steps.items()}
    return Runs(
        table=table,
        keys=tuple(names.values()),
        environments={},
        skipped=tuple(pair for found in sources for pair in found.skipped),
        warnings=tuple(f"skipped: {place}: {why}" for found in sources for place, why in found.skipped),
        measured=tuple(wanted),
        shown=tuple(wanted),
        extra=(),
        single=frozenset(name for name in wanted if any(name in found.single for found in sources)),
        higher=higher,
        foreign=True,
        read_as=tuple(explain(sources, table, chosen, metrics, higher, at, steps, left_out, notes)),
        history=_history_of(sources, wanted),
    )


def _deciding(at: At) -> list[str]:
    return [at.metric] if at.metric else []


def _choose_metrics(sources: Sequence[Found], asked: Asked) -> tuple[str, ...]:
    """Return the metrics that are compared.

    Raises:
        ConfigError: one is unknown, or none was named where there are several.
    """
    there = list(dict.fromkeys(name for found in sources for name in found.metrics))
    if not there:
        raise ConfigError("nothing was measured there: no column of numbers, no metric")
    for option, name in (
        *(("--metric", name) for name in asked.metrics),
        *(("--higher" if better else "--lower", name) for name, better in asked.higher.items() if name),
        *(("--show", name) for name in asked.shown),
        *(("--at best:", name) for name in _deciding(asked.at)),
    ):
        if name not in there:
            why = next((remark for found in sources for remark in found.remarks if f"{name}: " in remark), "")
            told = why or f"the runs have {listed(there)}{suggestion(name, there)}"
            raise ConfigError(f"{option} {name}: {told}".replace(": :", ":"))
    if asked.metrics:
        return asked.metrics
    likely = [name for name in there if direction_by_name(name) is not None] or there
    if len(there) == 1 or len(likely) == 1:
        return (likely[0],)
    held_out = [name for name in likely if any(word in name.lower() for word in ("val", "valid", "dev", "eval"))]
    raise ConfigError(f"--metric: which one? There are {listed([*dict.fromkeys([*held_out, *likely, *there])])}")


def _direction(name: str, sources: Sequence[Found], typed: Mapping[str, bool]) -> bool:
    """Return whether higher is better: as typed of this metric, as the source tells, by the name, or as typed of all.

    Raises:
        ConfigError: nothing tells.
    """
    if name in typed:
        return typed[name]
    told = {found.higher[name] for found in sources if name in found.higher}
    if len(told) == 1:
        return told.pop()
    by_name = direction_by_name(name)
    if by_name is None and "" not in typed:
        raise ConfigError(f"--metric {name}: whether higher or lower is better is not known: add --higher or --lower")
    return typed[""] if by_name is None else by_name


def _take_all(
    sources: Sequence[Found], metrics: Sequence[str], at: At, higher: Callable[[str], bool]
) -> tuple[dict[str, Numbers], dict[str, Numbers]]:
    """Return each metric's values (n,), and the steps that they were taken at (n,)."""
    if at.kind != LAST and not any(found.has_steps for found in sources):
        raise ConfigError("--at: these results have a row a run, and no steps to choose from")
    taken = {
        name: [take(found, name, at if found.has_steps else At(), higher) for found in sources] for name in metrics
    }
    figures = {name: np.concatenate([values for values, _ in parts]) for name, parts in taken.items()}
    return figures, {name: np.concatenate([steps for _, steps in parts]) for name, parts in taken.items()}


def _by_source(sources: Sequence[Found], figures: Mapping[str, Numbers]) -> Iterator[tuple[Found, dict[str, Numbers]]]:
    """Yield each source with the figures of its runs."""
    start = 0
    for found in sources:
        end = start + len(found.names)
        yield found, {name: values[start:end] for name, values in figures.items()}
        start = end


def _have(found: Found, metrics: Sequence[str], figures: Mapping[str, Numbers]) -> NDArray[np.bool_]:
    """Return which runs of a source have measured one of some metrics at any time, be it NaN."""
    has = np.zeros(len(found.names), dtype=bool)
    for name in metrics:
        has |= ~np.isnan(figures[name])
    for name in metrics:
        if not has.all() and name in found.metrics:
            has[np.unique(found.history(name).run.to_numpy(int))] = True
    return has


def _table_of(
    sources: Sequence[Found],
    settings: pd.DataFrame,
    chosen: Chosen,
    names: Mapping[str, str],
    figures: Mapping[str, Numbers],
) -> pd.DataFrame:
    """Return the table of runs, as ``load_runs`` returns it of npdigits' own."""
    n = len(settings)
    statuses = [s for found in sources for s in (found.statuses or [source.FINISHED] * len(found.names))]
    reasons = [reason for found in sources for reason in (found.reasons or [""] * len(found.names))]
    runs = _unique([name for found in sources for name in found.names])
    cells = [settings[key].tolist() for key in chosen.keys]
    named = functools.cache(_digest)  # of a hundred thousand runs few are of other settings
    configurations = [named(row) for row in zip(*cells, strict=True)] if cells else [_digest(())] * n
    # A run without a seed stands for itself: it is paired with none.
    seeds = [MISSING] * n if chosen.seed is None else settings[chosen.seed].tolist()
    seeds = [f"#{index}" if seed in (MISSING, NULL) else seed for index, seed in enumerate(seeds)]
    seeds = [str(seed) for seed in seeds] if any(isinstance(seed, str) for seed in seeds) else seeds
    first: dict[tuple[str, Any], str] = {}
    same_as = [""] * n
    for index, (configuration, seed, status) in enumerate(zip(configurations, seeds, statuses, strict=True)):
        if status == source.FINISHED:
            same_as[index] = first.setdefault((configuration, seed), runs[index])
            same_as[index] = "" if same_as[index] == runs[index] else same_as[index]
    table = {
        "run": runs,
        "status": statuses,
        "reason": [
            reason or ("" if status == source.FINISHED else status)
            for reason, status in zip(reasons, statuses, strict=True)
        ],
        "same_as": same_as,
        **dict.fromkeys(("data", "data_sha256", "numerics", "environment"), ""),
        "identity": [f"{c} {s}" for c, s in zip(configurations, seeds, strict=True)],
        "configuration": configurations,
        "seed": seeds,
        **{names[key]: column for key, column in zip(chosen.keys, cells, strict=True)},
        **figures,
        "seconds_shared": False,
    }
    frame = pd.DataFrame({name: pd.Series(column, index=range(n), dtype=object) for name, column in table.items()})
    for name in figures:
        frame[name] = frame[name].astype(float)
    for name in ("seed", *names.values()):
        frame[name] = frame[name].infer_objects()
    return frame


def _unique(names: Sequence[str]) -> list[str]:
    """Return names of which no two are alike: the second of one name is "name (2)"."""
    seen: dict[str, int] = {}
    result = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return result


def _digest(values: Any) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _history_of(sources: Sequence[Found], metrics: Sequence[str]) -> Callable[[str], Mapping[str, Any]] | None:
    """Return a function from a run to its histories, metric -> (steps, values); None where there are none."""
    if not any(found.has_steps for found in sources):
        return None
    # metric -> by source its history and, by run, where its rows are
    read: dict[str, list[tuple[pd.DataFrame, Mapping[Any, Any]] | None]] = {}
    starts = np.cumsum([0, *(len(found.names) for found in sources)])
    position = {run: index for index, run in enumerate(_unique([name for found in sources for name in found.names]))}

    def history(run: str) -> Mapping[str, Any]:
        index = position[run]
        which = int(np.searchsorted(starts, index, side="right")) - 1
        result = {}
        for metric in metrics:
            if metric not in read:
                wholes = [f.history(metric) if f.has_steps and metric in f.metrics else None for f in sources]
                read[metric] = [None if w is None else (w, w.groupby("run", sort=False).indices) for w in wholes]
            if (there := read[metric][which]) is not None:
                whole, rows_of = there
                own = whole.iloc[rows_of.get(index - starts[which], [])].drop_duplicates("step", keep="last")
                own = own[~own.step.isna()].sort_values("step", kind="stable")
                result[metric] = (own.step.to_numpy(float), own.value.to_numpy(float))
        return result

    return history
