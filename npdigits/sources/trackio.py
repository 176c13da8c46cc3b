"""Trackio's projects: an SQLite file each, with a run's configuration and its logged values as JSON.

What was seen of real files, of 0.43: they are in WAL mode; the JSON is bytes in a column of text; NaN and infinities
are the texts "NaN", "Infinity", "-Infinity"; runs of one name are told apart by their ids; deleted ones have no rows; a
run that is resumed without its configuration loses it; and nothing tells whether a run has ended.
"""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from npdigits.base.errors import ConfigError
from npdigits.base.kinds import short_repr
from npdigits.base.text import message_of
from npdigits.sources.database import Database, open_database, tables_of
from npdigits.sources.found import FINISHED, HISTORY, Found
from npdigits.sources.run_files import LINK
from npdigits.sources.values import flatten

KIND = "Trackio's project (SQLite)"
PROJECT = "project"
# What Trackio calls its folder of projects.
FOLDER = "trackio"
TABLES = {"metrics", "configs"}
SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
# Letters of an id that a run is called by where its name does not tell it from others.
SHOWN = 8
MOST_SKIPPED = 100


def recognizes(path: Path) -> bool:
    """Say whether a file is a project's database, or a folder holds some."""
    return next(_databases(path), None) is not None


def read(path: Path) -> Found:
    """Read a project, or all projects in a folder.

    Raises:
        ConfigError: none can be read.
    """
    runs: list[Run] = []
    skipped: list[tuple[str, str]] = []
    files = list(_databases(path)) if path.is_dir() else [path]
    if path.is_dir():
        folders = {path, *(file.parent for file in files)}
        skipped += [(str(link), LINK) for one in folders for link in sorted(one.glob("*.db")) if link.is_symlink()]
    if not files:
        raise ConfigError(f"{path}: no projects of Trackio")
    for file in files:
        try:
            runs += _read_project(file, skipped)
        except ConfigError as error:
            if len(files) == 1:
                raise
            skipped.append((str(file), str(error).removeprefix(f"{file}: ")))
    return _as_found(runs, skipped)


def _databases(path: Path) -> Iterator[Path]:
    """Yield the databases of projects at a path; links in a folder are not followed."""
    try:
        files = _files(path) if path.is_dir() else [path]
    except OSError:
        return
    for file in files:
        if tables_of(file) >= TABLES:
            yield file


def _files(path: Path) -> list[Path]:
    """Return the databases in a folder, or in Trackio's own within it; no links."""
    inner = path / FOLDER
    for folder in (path, *([inner] if inner.is_dir() and not inner.is_symlink() else [])):
        files = sorted(file for file in folder.glob("*.db") if not file.is_symlink())
        if any(tables_of(file) >= TABLES for file in files):
            return files
    return []


class Run:
    """A run of a project.

    Attributes:
        project, name, id: what it is called; older versions have no ids, and the name is one.
        place: the file that holds it.
        settings: its configuration, without Trackio's own entries.
        logged: (step, values) in the order in which they were written.
    """

    def __init__(self, file: Path, name: str, key: str) -> None:
        self.project, self.place, self.name, self.id = file.stem, str(file), name, key
        self.settings: dict[str, Any] = {}
        self.logged: list[tuple[float, dict[str, float]]] = []


def _read_project(file: Path, skipped: list[tuple[str, str]]) -> list[Run]:
    """Return the runs of a database; add to ``skipped`` those that cannot be read.

    Raises:
        ConfigError: the database cannot be read.
    """
    runs: dict[str, Run] = {}
    bad: dict[str, str] = {}
    with open_database(file) as database:
        for key, name, text in _rows(database, "configs", "config"):
            run = runs.setdefault(key, Run(file, name, key))
            try:
                table = flatten(_table(text))
                run.settings = {name: value for name, value in table.items() if not name.startswith("_")}
            except (ValueError, RecursionError) as error:
                bad.setdefault(key, f"configs: {message_of(error)}")
        for key, name, text, step in _rows(database, "metrics", "metrics", "step"):
            run = runs.setdefault(key, Run(file, name, key))
            try:
                run.logged.append((_as_step(step), dict(_numbers(_table(text)))))
            except (ValueError, RecursionError) as error:
                bad.setdefault(key, f"metrics: {message_of(error)}")
    skipped += [(f"{file}: run {runs[key].name}", why) for key, why in bad.items()]
    return [run for key, run in runs.items() if key not in bad]


def _rows(database: Database, table: str, *columns: str) -> Iterator[tuple[Any, ...]]:
    """Yield (id, name, columns …) of a table's rows as they were written.

    Raises:
        ConfigError: the table cannot be read.
    """
    database.need(table, "run_name", *columns)
    key = "run_id" if database.has(table, "run_id") else "run_name"
    for one, name, *values in database.rows(f"SELECT {key}, run_name, {', '.join(columns)} FROM {table} ORDER BY id"):
        yield str(one), str(name), *values


def _table(text: Any) -> dict[str, Any]:
    """Return the table that a text of JSON stands for.

    Raises:
        ValueError, RecursionError: it is none.
    """
    if not isinstance(text, str | bytes):
        raise ValueError(f"{short_repr(text)} is no text")
    table = json.loads(text)
    if not isinstance(table, dict):
        raise ValueError(f"{short_repr(table)} is no table")
    return table


def _as_step(step: Any) -> float:
    if type(step) is not int:
        raise ValueError(f"step {short_repr(step)} is no whole number")
    return float(step)


def _numbers(table: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Yield the numbers among logged values by their names; pictures, texts and tables are none."""
    to_do: list[tuple[str, Mapping[str, Any]]] = [("", table)]
    while to_do:
        prefix, part = to_do.pop()
        for name, value in part.items():
            if isinstance(value, Mapping):
                if "_type" not in value:
                    to_do.append((f"{prefix}{name}.", value))
            elif isinstance(value, str):
                if value in SPECIAL:
                    yield prefix + name, SPECIAL[value]
            elif isinstance(value, int | float) and not isinstance(value, bool):
                yield prefix + name, float(value)


def _as_found(runs: list[Run], skipped: list[tuple[str, str]]) -> Found:
    projects = dict.fromkeys(run.project for run in runs)
    several = len(projects) > 1
    histories: dict[str, list[tuple[int, float, float]]] = {}
    for position, run in enumerate(runs):
        for step, values in run.logged:
            for name, value in values.items():
                histories.setdefault(name, []).append((position, step, value))
    remarks = ["Trackio does not keep whether a run has ended: all count as finished"]
    if several:
        remarks.append(f"there are {len(projects)} projects: which one a run is of is the setting {PROJECT}")
    if bare := [run.name for run in runs if not run.settings and any(other.settings for other in runs)]:
        remarks.append(
            f"{len(bare)} of the runs have no configuration, which Trackio takes from a run that is resumed without it:"
            f" {', '.join(bare[:5])}"
        )
    return Found(
        KIND,
        names=_names(runs),
        settings=[{**({PROJECT: run.project} if several else {}), **run.settings} for run in runs],
        metrics=list(histories),
        history=lambda metric: pd.DataFrame(histories[metric], columns=HISTORY),
        statuses=[FINISHED] * len(runs),
        reasons=[""] * len(runs),
        skipped=skipped[:MOST_SKIPPED],
        remarks=remarks,
    )


def _names(runs: list[Run]) -> list[str]:
    """Return what each run is called; where several have a name, with the beginning of their ids."""
    called = [(run.place, run.name) for run in runs]
    twice = {one for one in called if called.count(one) > 1} if len(set(called)) < len(called) else set()
    return [
        f"{run.place}: {run.name}" + (f" ({run.id[:SHOWN]})" if (run.place, run.name) in twice else "") for run in runs
    ]
