"""Sacred's FileStorageObserver: a folder a run with config.json, run.json and metrics.json.

Values that jsonpickle wrote ("py/object" and the like) would be made again by running code; they are left out.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from npdigits.base.errors import ConfigError
from npdigits.sources.found import FAILED, FINISHED, RUNNING, Found
from npdigits.sources.json_files import as_float, is_number, read_json_table
from npdigits.sources.run_files import LINK, Run, Series, Unread, find_runs, holds, join, no_runs, why
from npdigits.sources.values import flatten

KIND = "Sacred's FileStorageObserver"
CONFIG, RUN, METRICS = "config.json", "run.json", "metrics.json"
ENDS = {"COMPLETED": FINISHED, "RUNNING": RUNNING, "QUEUED": RUNNING}
PICKLED, TUPLE = "py/", "py/tuple"
DEEPEST = 50


def _fits(folders: set[str], files: set[str]) -> bool:
    return {CONFIG, RUN} <= files


def recognizes(path: Path) -> bool:
    """Say whether there is a run at or below a folder."""
    return holds(path, _fits)


def read(path: Path) -> Found:
    """Read all runs at and below a folder.

    Raises:
        ConfigError: there are none.
    """
    if not path.is_dir():
        raise ConfigError(f"{path}: {KIND} writes a folder")
    unread, runs = Unread(), []
    for folder in find_runs(path, _fits, skipped=unread.skipped):
        try:
            runs.append(_read_run(folder, unread))
        except (OSError, ValueError) as error:
            unread.skipped.append((str(folder), why(error)))
    if not runs and all(why == LINK for _, why in unread.skipped):
        raise no_runs(path, KIND, unread.skipped)
    return join(KIND, runs, unread.skipped, unread.remarks())


def _read_run(folder: Path, unread: Unread) -> Run:
    """Return a run.

    Raises:
        OSError, ValueError: config.json or run.json cannot be read.
    """
    config, run = read_json_table(folder / CONFIG), read_json_table(folder / RUN)
    left_out: list[str] = []
    settings = flatten(_plain(config, "", left_out))
    unread.note(left_out)
    experiment = run.get("experiment")
    name = experiment.get("name") if isinstance(experiment, dict) else None
    for key, value in (("sacred.experiment", name), ("sacred.command", run.get("command"))):
        if isinstance(value, str):
            settings.setdefault(key, value)
    series: dict[str, Series] = {}
    try:
        for metric, logged in read_json_table(folder / METRICS).items():
            series[metric] = _history(logged)
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        unread.skipped.append((str(folder / METRICS), why(error)))
    if is_number(run.get("result")):  # what the main function returned
        series.setdefault("result", (np.full(1, np.nan), np.full(1, as_float(run["result"]))))
    return Run(str(folder), settings, series, *_status(run))


def _status(run: Mapping[str, Any]) -> tuple[str, str]:
    """Return how a run ended, and why it did not finish."""
    told = str(run.get("status"))
    status = ENDS.get(told, FAILED)
    if status == FINISHED:
        return status, ""
    trace = run.get("fail_trace")
    if told == "FAILED" and isinstance(trace, list) and trace:
        return status, " ".join(str(trace[-1]).split())[:200] or "failed"
    if told == "RUNNING":  # also of one that was killed
        return status, f"its last sign of life is of {str(run.get('heartbeat'))[:19]}"
    return status, told.lower()[:80]


def _history(logged: Any) -> Series:
    """Return a metric's steps and values.

    Raises:
        ValueError: they are not lists of one length; or hold something else than numbers.
    """
    steps = logged.get("steps") if isinstance(logged, dict) else None
    values = logged.get("values") if isinstance(logged, dict) else None
    if not isinstance(steps, list) or not isinstance(values, list) or len(steps) != len(values):
        raise ValueError("steps and values are not lists of one length")
    if not all(map(is_number, steps)) or not all(map(is_number, values)):
        raise ValueError("steps or values that are no numbers")
    return np.array([as_float(step) for step in steps]), np.array([as_float(value) for value in values])


def _plain(table: Mapping[str, Any], prefix: str, left_out: list[str], depth: int = 0) -> dict[str, Any]:
    """Return the values of a table that are plain; of the others the names are added to ``left_out``."""
    plain = {}
    for name, value in table.items():
        if isinstance(value, dict) and isinstance(value.get(TUPLE), list):
            value = value[TUPLE]
        if _is_pickled(value) or depth == DEEPEST:
            left_out.append(f"{prefix}{name}")
        elif isinstance(value, dict):
            plain[name] = _plain(value, f"{prefix}{name}.", left_out, depth + 1)
        else:
            plain[name] = value
    return plain


def _is_pickled(value: Any, depth: int = 0) -> bool:
    """Say whether jsonpickle wrote a value, or one in a list."""
    if isinstance(value, list):
        return depth == DEEPEST or any(_is_pickled(item, depth + 1) for item in value)
    return isinstance(value, dict) and any(name.startswith(PICKLED) for name in value)
