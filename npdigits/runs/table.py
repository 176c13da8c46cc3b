"""Run directories as tables: ``load_runs`` gives a row a run, ``load_metrics`` a row an epoch."""

import functools
import hashlib
import json
import math
import os
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from npdigits.base.bounded import read_bytes
from npdigits.base.errors import RunDirError
from npdigits.base.text import printable
from npdigits.config.identity import canonical, digest, with_later_keys
from npdigits.config.keys import RULES
from npdigits.config.value_text import as_cell
from npdigits.data.sets import default_val_size
from npdigits.runs.contents import MOST_BYTES
from npdigits.runs.environments import UNKNOWN, describe_all, name_environment, unite
from npdigits.runs.find import find_runs
from npdigits.runs.json_table import load_identity
from npdigits.runs.metrics import SCORES, read_metrics
from npdigits.runs.race_part import race_part
from npdigits.runs.summary import Status, Summary, read_summary, read_summary_if_there
from npdigits.runs.text_columns import held_by_python

# What a run's summary measures, in the order of the columns.
FIGURES = (*SCORES, "best_epoch", "epochs_run", "seconds")
# What a comparison shows of npdigits' own runs where nothing is asked for, the first one tested; and beside it.
SHOWN, EXTRA = ("val_accuracy", "test_accuracy"), ("best_epoch", "seconds")
# Entries of an identity that are not listed as keys in which runs differ.
NOT_KEYS = ("seed", "data_sha256", "numerics")
MISSING = "–"
# A key's null, as a cell.
NULL = "null"
# What a comparison reads of a run besides, where it shows curves or single runs.
READ_LATER = ("metrics.csv", "predictions.npz")
# Columns whose values are numbers, whatever is missing.
NUMBERS = (*FIGURES, "parameters", "layers", "units")
# The columns that say what a run is and how it ended.
OWN = (
    *("run", "status", "reason", "same_as", "data", "data_sha256", "numerics", "environment"),
    *("identity", "configuration", "seed"),
)
SHARED = ("seconds_shared", "race_part")


@dataclass(frozen=True)
class Runs:
    """What was found under some folders.

    Attributes:
        table: a row a run, as ``load_runs`` returns it.
        keys: its columns that are keys of the configuration, without the seed.
        own_metrics: its columns that are the user's own figures.
        measured: its columns of figures that every run has.
        shown: metrics that a comparison shows where none is asked for.
        extra: columns that it shows besides.
        higher: metric -> whether higher is better, where that is known otherwise than by its name.
        foreign: whether another program made the runs: then nothing is known of data, numerics and environments.
        single: metrics that were stored in single precision.
        read_as: what was read and how it was understood, a line each; "" of own run directories.
        history: (path of a run) -> its figures by column (epochs,), for curves; None for metrics.csv.
        environments: what each name in the column ``environment`` stands for, in words.
        skipped: (path, why) of what looks like a run and cannot be read.
        warnings: a line for each thing that was skipped or is strange.
    """

    table: pd.DataFrame
    keys: tuple[str, ...]
    environments: dict[str, str]
    skipped: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    own_metrics: tuple[str, ...] = ()
    measured: tuple[str, ...] = FIGURES
    shown: tuple[str, ...] = SHOWN
    extra: tuple[str, ...] = EXTRA
    higher: Mapping[str, bool] = field(default_factory=dict)
    foreign: bool = False
    single: frozenset[str] = frozenset()
    read_as: tuple[str, ...] = ()
    history: Callable[[str], Mapping[str, Any]] | None = None

    @property
    def figures(self) -> tuple[str, ...]:
        """The columns that were measured."""
        return (*self.measured, *self.own_metrics)


def load_runs(path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> pd.DataFrame:
    """Read run directories into a table, a row a run, sorted by path.

    Example::

        runs = npdigits.load_runs("outputs/width")
        runs[runs.status == "finished"].groupby("hidden").val_accuracy.agg(["mean", "std"])

    Args:
        path: a run directory, or a folder with any number of them at any depth; or several of these.

    Returns:
        The columns ``run`` (its path), ``status``, ``reason`` (why it did not finish), ``same_as`` (of a run that is
        there twice the path of the one that counts, else ""), ``data``, ``data_sha256``, ``numerics`` (the version of
        the code: 6, or "6+3fa2c1d8" where it was edited), ``environment`` (a name for the NumPy, BLAS and processor
        that bits depend on), ``identity`` (a name for all that decides the result), ``configuration`` (likewise,
        without the seed), ``seed``, one for each other key of the configuration that decides a result or did in the
        version of a run, and the best epoch's figures: ``train_cost`` … ``test_accuracy``, ``best_epoch``,
        ``epochs_run``, ``seconds``, ``parameters``, ``layers`` (hidden ones), ``units`` (in all hidden layers),
        ``seconds_shared``, ``race_part`` ("race" of a run by which a race finds settings, "confirmation-1" …, of
        no race ""). Figures that a run has not are NaN. A single hidden layer is a number, else text: ``[300,100]``.

    Raises:
        ConfigError: a path is not there.

    Warns:
        UserWarning: for each thing that cannot be read; it is skipped.
    """
    found = read_runs([path] if isinstance(path, str | os.PathLike) else path)
    for line in found.warnings:
        warnings.warn(printable(line), stacklevel=2)
    return found.table


def _warn(line: str) -> None:
    """Warn the caller of ``load_metrics``."""
    warnings.warn(printable(line), stacklevel=3)


@held_by_python
def load_metrics(path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> pd.DataFrame:
    """Read metrics.csv of one or many run directories: a row an epoch, with ``run``, the path, as its first column.

    Example::

        metrics = npdigits.load_metrics("outputs/width")
        metrics.merge(npdigits.load_runs("outputs/width")[["run", "hidden", "seed"]], on="run")

    Args:
        path: as for ``load_runs``.

    Raises:
        ConfigError: a path is not there.

    Warns:
        UserWarning: for each file that cannot be read; it is skipped.
    """
    frames = [pd.DataFrame({"run": []}, dtype=str)]
    for directory in find_runs([path] if isinstance(path, str | os.PathLike) else path, _warn):
        try:
            read_summary_if_there(directory)  # which refuses what a newer version wrote
            frames.append(pd.DataFrame({"run": str(directory), **read_metrics(directory)}))
        except RunDirError as error:
            _warn(str(error))
    return pd.concat([frame for frame in frames if len(frame)] or frames, ignore_index=True)


@held_by_python
def read_runs(paths: Iterable[str | os.PathLike[str]]) -> Runs:
    """Read the run directories at and below these paths; what cannot be read is skipped, with a warning.

    Raises:
        ConfigError: a path is not there.
    """
    said: list[str] = []
    environments: dict[str, dict[str, Any]] = {}
    named, part_of = functools.cache(name_environment), functools.cache(race_part)
    skipped: list[tuple[str, str]] = []
    rows: list[dict[str, Any]] = []
    keys: dict[str, None] = {}
    own: dict[str, None] = {}
    for directory in find_runs(paths, said.append):
        try:
            row, configuration, figures = _read_run(directory, said.append)
        except (RunDirError, ValueError) as error:
            said.append(f"skipped: {error}")
            skipped.append((str(directory), str(error).removeprefix(f"{directory}/").removeprefix(f"{directory}: ")))
            continue
        row["environment"], deciding = named(_read_bytes(directory / "environment.json"))
        environments[row["environment"]] = deciding
        row["race_part"] = part_of(directory.parent)
        keys |= dict.fromkeys(key for key in configuration if key not in row)
        own |= dict.fromkeys(figures)
        rows.append({**configuration, **row, **figures})
    keys = dict.fromkeys(key for key in (*RULES, *keys) if key in keys)
    # A key that a run does not have: one of its own components', or none that decides its result.
    table = pd.DataFrame([{**dict.fromkeys(keys, MISSING), **row} for row in rows], dtype=object)
    table = table.reindex(columns=[*OWN, *keys, *NUMBERS, *own, *SHARED])
    for column in table.columns:
        is_number = column in NUMBERS or column in own
        table[column] = pd.to_numeric(table[column]) if is_number else table[column].infer_objects()
    table = mark_duplicates(table.assign(environment=table.environment.map(unite(environments))))
    said += _find_contradictions(table)
    return Runs(table, tuple(keys), describe_all(environments), tuple(skipped), tuple(said), tuple(own))


def _read_run(directory: Path, warn: Callable[[str], None]) -> tuple[dict[str, Any], dict[str, Any], dict[str, float]]:
    """Return a run's row without its configuration, its configuration, and the user's own figures.

    Raises:
        RunDirError, ValueError: it is not a run, or one of its files is damaged.
    """
    summary, identity = read_summary(directory), load_identity(directory)
    if summary.identity != digest(identity):
        raise RunDirError(f"{directory}: identity.json and summary.json are not of the same run")
    for name in READ_LATER:
        size, recorded = _file_size(f"{directory}/{name}"), (summary.sizes or {}).get(name)
        if recorded is not None and size not in (None, recorded):
            warn(f"{directory}/{name}: torn: {size} bytes, {recorded} were written; the table takes summary.json's")
    identity = canonical(identity, **_known_sizes(summary))
    without_seed = {key: value for key, value in identity.items() if key != "seed"}
    row = {
        "run": str(directory),
        "status": str(summary.status),
        "reason": summary.explanation(identity.get("numerics"), identity.get("epochs")),
        "same_as": "",
        "data": summary.data,
        "data_sha256": str(identity.get("data_sha256")),
        "numerics": identity.get("numerics"),
        "environment": UNKNOWN,
        "identity": digest(identity),
        "configuration": hashlib.sha256(json.dumps(without_seed, sort_keys=True).encode()).hexdigest()[:16],
        "seed": identity.get("seed"),
        **{name: _read_figure(directory, summary, name) for name in (*FIGURES, "parameters")},
        **_count_hidden(identity),
        "seconds_shared": summary.seconds_shared,
    }
    configuration = {key: as_cell(value) for key, value in with_later_keys(identity).items() if key not in NOT_KEYS}
    return row, configuration, _own_figures(summary)


def _own_figures(summary: Summary) -> dict[str, float]:
    """Return the user's own figures of a run's best epoch; those of a set that is empty are NaN."""
    own = summary.own_metrics or {}
    return {name: math.nan if value is None else float(value) for name, value in own.items()}


def _count_hidden(identity: dict[str, Any]) -> dict[str, float]:
    """Return how many hidden layers there are, and hidden units in all: numbers, however many layers."""
    hidden = identity.get("hidden")
    if not isinstance(hidden, list) or not all(type(size) is int for size in hidden):
        return {"layers": math.nan, "units": math.nan}
    return {"layers": len(hidden), "units": sum(hidden)}


def _known_sizes(summary: Summary) -> dict[str, int]:
    """Return how many training digits a run's data set has, and how many it holds out, as far as the summary tells."""
    train, val = ((summary.data_sizes or {}).get(half) for half in ("train", "val"))
    if type(train) is not int or type(val) is not int:
        return {}
    return {"digits": train + val, "val_size": default_val_size(summary.data, train + val)}


def _file_size(path: str) -> int | None:
    try:
        return os.stat(path).st_size  # noqa: PTH116 – a Path for each would take a tenth of all the time
    except OSError:
        return None


def _read_figure(directory: Path, summary: Summary, name: str) -> float:
    value = getattr(summary, name)
    without = name.startswith("val_") and not (summary.data_sizes or {}).get("val")
    if value is None and summary.status == Status.FINISHED and not without:
        raise RunDirError(f"{directory}/summary.json: damaged: no {name}")
    if value is None:
        return math.nan
    if value < 0:
        raise RunDirError(f"{directory}/summary.json: damaged: {name}={value!r}: allowed is a number from 0")
    return float(value)


def _read_bytes(path: Path) -> bytes | None:
    try:
        return read_bytes(path, MOST_BYTES[path.name])
    except (OSError, ValueError):
        return None


def mark_duplicates(table: pd.DataFrame) -> pd.DataFrame:
    """Mark runs that are there more than once, so that each counts once: the finished one, or else the first."""
    finished_first = table.sort_values("status", key=lambda status: status != Status.FINISHED, kind="stable")
    first = finished_first.groupby(["identity", "environment"]).run.transform("first")
    first = first.reindex(table.index)
    return table.assign(same_as=first.where(first != table.run, ""))


def _find_contradictions(table: pd.DataFrame) -> list[str]:
    """Return a line for each run that is there twice, with the same identity and environment, but other results."""
    finished = table[table.status == Status.FINISHED]
    twins = finished[finished.duplicated(["identity", "environment"], keep=False)]
    lines = []
    for _, group in twins.groupby(["identity", "environment"]):
        if (group[list(SCORES)].nunique(dropna=False) > 1).any():
            lines.append(f"the same run in the same environment, with other results: {', '.join(group.run)}")
    return lines
