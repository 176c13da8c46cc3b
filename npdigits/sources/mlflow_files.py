"""MLflow's file store: a folder an experiment, in it one a run, in it a file for each parameter, metric and tag.

What was seen of its real files, of 2.22 and 3.17: a slash in a name makes a folder; a line of a metric is "time value
step", and of a data set its name and digest follow, of which MLflow's own reader makes step 0, or an error
if the name has a space; here the step is the third field. Deleted experiments are moved to .trash, deleted runs stay
and say so. Logged models have metrics in files of the same form, which are not a run's.
"""

import math
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from npdigits.base.bounded import read_bytes
from npdigits.base.errors import ConfigError
from npdigits.base.kinds import short_repr
from npdigits.base.strict import parse_yaml
from npdigits.base.text import message_of
from npdigits.sources.found import HISTORY, Found
from npdigits.sources.mlflow_runs import GONE, NUMBERED, STATUS, Run, as_found, as_history
from npdigits.sources.run_files import LINK, is_within

KIND = "MLflow's file store"
META, TRASH, STORE = "meta.yaml", ".trash", "mlruns"
# Bytes of a file: descriptions, parameters and tags (MLflow cuts them at 8,000 letters), a metric's history.
MOST_OF_TEXT, MOST_OF_METRIC = 2**20, 2**28
# Folders within another that a name may make with its slashes.
DEEPEST = 32
MOST_SKIPPED = 100
# A line of a description as MLflow writes most of them: no quotes but around digits, nothing nested.
PLAIN = re.compile(r"([a-z_]+): ?(?:'([0-9]*)'|([A-Za-z0-9_][A-Za-z0-9_./-]*)|\[\]|\{\})?")


class Unreadable(ValueError):
    """A file or folder of a run that cannot be read: (place, why)."""


def recognizes(path: Path) -> bool:
    """Say whether a folder is a store, an experiment or a run of MLflow, or holds one called mlruns."""
    try:
        return path.is_dir() and next(_experiments(_root(path), []), None) is not None
    except (OSError, ValueError):
        return False


def read(path: Path) -> Found:
    """Read all experiments of a store, one experiment, or one run.

    Raises:
        ConfigError: it cannot be read.
    """
    found: list[tuple[int, Run, dict[str, Logged]]] = []
    skipped: list[tuple[str, str]] = []
    root = _root(path)
    for folder, experiment in _experiments(root, skipped):
        of = []
        for place in _run_folders(folder, root, skipped):
            try:
                of.append(_read_run(place, experiment, skipped))
            except Unreadable as error:
                skipped.append((str(place), str(error)))
        found += sorted(of, key=lambda one: one[0])
    if not found and not skipped:
        raise ConfigError(f"{path}: no runs of MLflow")
    metrics = Metrics([logged for _, _, logged in found])
    runs = [run for _, run, _ in found]
    return as_found(KIND, runs, metrics.names, metrics.history, metrics.last, skipped[:MOST_SKIPPED])


def _root(path: Path) -> Path:
    """Return the folder of a store, which may be given by the one that holds it."""
    inner = path / STORE
    has_own = (path / META).exists() or any(_children(path, META))
    return inner if not has_own and inner.is_dir() and not inner.is_symlink() else path


def _children(folder: Path, name: str, skipped: list[tuple[str, str]] | None = None) -> Iterator[Path]:
    """Yield the folders in a folder that hold a file of this name; links are added to ``skipped``."""
    try:
        with os.scandir(folder) as entries:
            inner = sorted(entry.name for entry in entries if entry.is_dir())
    except OSError:
        return
    for one in inner:
        file = folder / one / name
        if not file.is_file():
            continue
        links = [place for place in (folder / one, file) if place.is_symlink()]
        if not links:
            yield folder / one
        elif skipped is not None and (links[0] == file or not is_within(links[0], folder)):
            skipped.append((str(links[0]), LINK))


def _experiments(root: Path, skipped: list[tuple[str, str]]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the experiments below a folder, each with its description; deleted ones last."""
    table = _describe(root)
    if "run_id" in table or "run_uuid" in table:
        yield root, {"name": str(table.get("experiment_id")), "lifecycle_stage": None}
    elif "experiment_id" in table:
        yield root, table
    else:
        for folder in (root, root / TRASH):
            for one in _children(folder, META, skipped):
                table = _describe(one)
                if "experiment_id" in table and "run_id" not in table and "run_uuid" not in table:
                    yield one, {**table, **({"lifecycle_stage": GONE} if folder != root else {})}


def _run_folders(folder: Path, root: Path, skipped: list[tuple[str, str]]) -> Iterator[Path]:
    if folder == root and "run_id" in _describe(root):
        yield root
        return
    for one in _children(folder, META, skipped):
        if one.name not in ("models", "traces"):
            yield one


def _describe(folder: Path) -> dict[str, Any]:
    """Return a folder's description; an empty one if there is none that can be read."""
    try:
        return read_description(read_bytes(folder / META, MOST_OF_TEXT))
    except (OSError, ValueError):
        return {}


def read_description(content: bytes) -> dict[str, Any]:
    """Return what a meta.yaml says. Most are plain lines, which are read without YAML, as that takes a millisecond.

    Raises:
        ValueError: it is no table.
    """
    plain = [PLAIN.fullmatch(line) for line in content.decode("utf-8").splitlines()]
    if plain and all(plain):
        return {match[1]: match[2] if match[2] is not None else match[3] for match in plain if match}
    table = parse_yaml(content)
    if not isinstance(table, dict):
        raise ValueError("no table")
    return table


def _read_run(
    folder: Path, experiment: dict[str, Any], torn: list[tuple[str, str]]
) -> tuple[int, Run, dict[str, "Logged"]]:
    """Return when a run began, the run, and its metrics.

    Args:
        folder: of the run.
        experiment: its description.
        torn: (place, why) is added of what could not be read but costs nothing else.

    Raises:
        Unreadable: the run cannot be read.
    """
    try:
        table = read_description(read_bytes(folder / META, MOST_OF_TEXT))
    except (OSError, ValueError) as error:
        raise Unreadable(f"{META}: {message_of(error)}") from error
    key, status = table.get("run_id", table.get("run_uuid")), _status(table.get("status"))
    if not isinstance(key, str) or status not in STATUS:
        raise Unreadable(f"{META}: run_id {short_repr(key)}, status {short_repr(table.get('status'))}")
    params, tags = ({name: _text(file) for name, file in _files(folder / kind)} for kind in ("params", "tags"))
    name = table.get("run_name") or tags.get("mlflow.runName") or ""
    is_gone = GONE in (table.get("lifecycle_stage"), experiment.get("lifecycle_stage"))
    run = Run(key, str(name), str(experiment.get("name")), status, is_gone, str(folder), params, tags)
    began = str(table.get("start_time"))
    return (
        int(began) if began.isdecimal() and len(began) < 20 else 0,
        run,
        {name: read_metric(file, torn) for name, file in _files(folder / "metrics")},
    )


def _status(value: Any) -> Any:
    """Return a status as a word; MLflow writes a number."""
    text = str(value)
    return NUMBERED.get(int(text), text) if text.isdecimal() and len(text) < 3 else text


def _files(folder: Path, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Path]]:
    """Yield the files below a folder by their names, which have slashes where there are folders; links are left out.

    Raises:
        Unreadable: it cannot be listed, or is too deep.
    """
    if depth > DEEPEST:
        raise Unreadable(f"{folder.name}: more than {DEEPEST} folders within another")
    if folder.is_symlink():
        raise Unreadable(f"{folder.name}: {LINK}")
    if not folder.is_dir():
        return
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        raise Unreadable(f"{folder.name}: {message_of(error)}") from error
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _files(folder / entry.name, f"{prefix}{entry.name}/", depth + 1)
        elif entry.is_file(follow_symlinks=False):
            yield prefix + entry.name, folder / entry.name
        else:
            raise Unreadable(f"{folder.name}/{entry.name}: a link or no file, which is not followed")


def _text(file: Path) -> str:
    """Return a parameter or a tag.

    Raises:
        Unreadable: it cannot be read.
    """
    try:
        return read_bytes(file, MOST_OF_TEXT).decode("utf-8")
    except (OSError, ValueError) as error:
        raise Unreadable(f"{file.parent.name}/{file.name}: {message_of(error)}") from error


# Of a metric of one run: (time, step, value) of each line.
Logged = list[tuple[int, int, float]]


def read_metric(file: Path, torn: list[tuple[str, str]]) -> Logged:
    """Return the lines of a metric's file. What was being written when its program ended is left out and noted.

    Args:
        file: "TIME VALUE STEP" in each line, of a data set "TIME VALUE STEP NAME DIGEST", of old files "TIME VALUE".
        torn: (place, why) is added of a last line without an end.

    Raises:
        Unreadable: a line is none of these.
    """
    try:
        lines = read_bytes(file, MOST_OF_METRIC).decode("utf-8").split("\n")
    except (OSError, ValueError) as error:
        raise Unreadable(f"metrics/{file.name}: {message_of(error)}") from error
    if lines.pop():
        torn.append((str(file), "its last line has no end, and is left out"))
    found = []
    for number, line in enumerate(lines, start=1):
        parts = line.split(" ", 3)
        try:
            time, value, step = int(parts[0]), float(parts[1]), int(parts[2]) if len(parts) > 2 else 0
            if max(abs(time), abs(step)) >= 2**63:
                raise ValueError
        except (ValueError, IndexError):
            raise Unreadable(f"metrics/{file.name}, line {number}: {short_repr(line)}: no time, value, step") from None
        found.append((time, step, value))
    return found


class Metrics:
    """The metrics of all runs.

    Attributes:
        names: of the metrics.
    """

    def __init__(self, logged: list[dict[str, Logged]]) -> None:
        self._logged = logged
        self.names = list(dict.fromkeys(name for one in logged for name in one))

    def history(self, metric: str) -> pd.DataFrame:
        """Return a metric's history."""
        rows = [(run, *row) for run, one in enumerate(self._logged) for row in one.get(metric, ())]
        if not rows:
            return pd.DataFrame({"run": [], "step": [], "value": []}, columns=HISTORY).astype({"run": int})
        run, time, step, value = zip(*rows, strict=True)
        whole = {"run": run, "time": time, "step": step}
        arrays: dict[str, npt.NDArray[Any]] = {name: np.array(of, dtype=np.int64) for name, of in whole.items()}
        return as_history({**arrays, "value": np.array(value, dtype=np.float64)})

    def last(self, metric: str) -> list[float]:
        """Return each run's last value of a metric, by MLflow's rule; NaN where there is none."""
        found = []
        for one in self._logged:
            rows = one.get(metric)
            found.append(max(rows, key=lambda row: (row[1], row[0], row[2]))[2] if rows else math.nan)
        return found
