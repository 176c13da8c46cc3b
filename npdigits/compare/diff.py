"""Two runs side by side: in which settings they differ, and whether their test predictions differ."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from npdigits.base.errors import ConfigError, RunDirError
from npdigits.base.paths import resolved
from npdigits.compare.figures import format_figure, format_value, metric_in_words, state_p
from npdigits.compare.predictions import count_disagreements, read_predictions
from npdigits.compare.statistics import ALPHA, mcnemar_p
from npdigits.compare.verdict import describe_edited_code
from npdigits.compare.views import View
from npdigits.config.former import PART_ONCE
from npdigits.runs.kept_code import read_kept
from npdigits.runs.table import MISSING, Runs

# Columns that are compared besides the configuration's keys.
COLUMNS = ("status", "data", "data_sha256", "numerics", "environment", "seed")


def diff_runs(runs: Runs, first: str, second: str) -> tuple[View, list[str]]:
    """Return a table of what differs between two runs, settings first, and the lines under it.

    Args:
        runs: read from these two paths.
        first, second: the paths of the run directories, as given.

    Raises:
        ConfigError: one of the paths is not that of a run, or both are of one run.
    """
    if resolved(first) == resolved(second):
        raise ConfigError(f"--diff {first} {second}: the same run twice")
    pair = [_find_run(runs, path) for path in (first, second)]
    a, b = pair
    settings = [key for key in (*COLUMNS, *runs.keys) if a[key] != b[key] and not _follows(key, a, b)]
    cells = [[key, *(format_value(run[key]) for run in pair)] for key in settings]
    cells += [[metric, *(format_figure(run[metric], metric) for run in pair)] for metric in runs.figures]
    frame = pd.DataFrame([{"setting": key, first: a[key], second: b[key]} for key in (*settings, *runs.figures)])
    lines = _describe_settings(runs, pair, settings)
    lines += [*_describe_code(first, second), _compare_predictions(first, second)]
    return View(["setting", first, second], 1, cells, frame), lines


def _follows(key: str, a: Any, b: Any) -> bool:
    """Say whether two runs differ in a key only as it is no part of the identity of one, which its numerics tell."""
    return key in PART_ONCE and MISSING in (a[key], b[key])


def _find_run(runs: Runs, path: str) -> Any:
    """Return a run's row of the table.

    Raises:
        ConfigError: there is none, or several.
    """
    found = runs.table[runs.table.run == str(Path(path))]
    if len(found) != 1:
        why = next((line for line in runs.warnings if str(Path(path)) in line), "it is no run directory")
        raise ConfigError(f"--diff {path}: {why}")
    return found.astype(object).iloc[0]


def _describe_settings(runs: Runs, pair: Sequence[Any], differing: Sequence[str]) -> list[str]:
    """Return the lines about the settings."""
    lines = [] if differing else ["The settings are the same."]
    if "environment" in differing:
        lines += [f"environment {run.environment}: {runs.environments[run.environment]}" for run in pair]
    if "numerics" in differing:
        lines += describe_edited_code(run.numerics for run in pair)
    return lines


def _describe_code(first: str, second: str) -> list[str]:
    """Return a unified diff of the own code that two runs have under one name, where it differs."""
    lines: list[str] = []
    kept = [read_kept(Path(path)) for path in (first, second)]
    files: dict[str, None] = {}
    sides: list[dict[str, bytes]] = [{} for _ in kept]
    for side, codes in zip(sides, kept, strict=True):
        for code in codes.values():
            side |= {f"{code.name}: {name}": content for name, content in code.files}
    for name in dict.fromkeys(name for side in sides for name in side):
        a, b = (side.get(name, b"").decode("utf-8", "replace").splitlines() for side in sides)
        if a != b and all(any(other.startswith(name.partition(":")[0] + ":") for other in side) for side in sides):
            shown = name.partition(": ")[2]
            if shown not in files:
                lines += difflib.unified_diff(a, b, f"{first}: {shown}", f"{second}: {shown}", n=2, lineterm="")
            files[shown] = None
    return [*lines, ""] if lines else []


def _compare_predictions(first: str, second: str) -> str:
    """Return the result of McNemar's test of two runs' test predictions, in words."""
    try:
        counts = count_disagreements(read_predictions(Path(first)), read_predictions(Path(second)))
    except RunDirError as error:
        return f"Test predictions cannot be compared: {error}"
    if counts is None:
        return "Test predictions cannot be compared: the test digits are not the same."
    only_first, only_second, digits = counts
    p = mcnemar_p(only_first, only_second)
    finding = "the two networks differ" if p <= ALPHA else "the two networks are not shown to differ"
    return (
        f"Of {digits:,} test digits the first alone reads {only_first} right, the second alone {only_second}; "
        f"McNemar's exact {state_p(p)}: {finding} in {metric_in_words('test_accuracy')}. What their settings do, "
        "seeds tell."
    )
