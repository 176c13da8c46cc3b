"""Two runs side by side: in which settings they differ, and whether their test predictions do."""

from pathlib import Path

import pandas as pd

from npdigits.base.errors import ConfigError, RunDirError
from npdigits.base.paths import resolved
from npdigits.compare.comparison import shown
from npdigits.compare.figures import named, p_is
from npdigits.compare.predictions import one_alone, read_guesses
from npdigits.compare.statistics import ALPHA, mcnemar_p
from npdigits.compare.views import View, figure
from npdigits.runs.table import FIGURES, Runs

ABOUT = ("status", "data", "data_sha256", "numerics", "environment")


def diff(runs: Runs, first: str, second: str) -> tuple[View, list[str]]:
    """Return what differs between two runs, settings first, and what is to be said of it.

    Args:
        runs: read from these two paths.
        first, second: the paths of the run directories, as given.

    Raises:
        ConfigError: one of the paths is not that of a run.
    """
    if resolved(first) == resolved(second):
        raise ConfigError(f"--diff {first} {second}: the same run twice")
    chosen = []
    for path in (first, second):
        found = runs.table[runs.table.run == str(Path(path))]
        if len(found) != 1:
            why = next((line for line in runs.warnings if str(Path(path)) in line), "it is no run directory")
            raise ConfigError(f"--diff {path}: {why}")
        chosen.append(found.astype(object).iloc[0])
    a, b = chosen
    settings = [key for key in (*ABOUT, "seed", *runs.keys) if a[key] != b[key]]
    rows = [[key, *(shown(run[key]) for run in (a, b))] for key in settings]
    figures = [[name, *(figure(run[name], name) for run in (a, b))] for name in FIGURES]
    frame = pd.DataFrame([{"setting": key, first: a[key], second: b[key]} for key in (*settings, *FIGURES)])
    lines = [] if settings else ["The settings are the same."]
    if "environment" in settings:
        lines += [f"environment {run.environment}: {runs.environments[run.environment]}" for run in (a, b)]
    return View(["setting", first, second], 1, rows + figures, frame), [*lines, _predictions(first, second)]


def _predictions(first: str, second: str) -> str:
    """Return what McNemar's test says of two runs' test predictions."""
    try:
        only = one_alone(read_guesses(Path(first)), read_guesses(Path(second)))
    except RunDirError as error:
        return f"Test predictions cannot be compared: {error}"
    if only is None:
        return "Test predictions cannot be compared: the test digits are not the same."
    only_first, only_second, digits = only
    p = mcnemar_p(only_first, only_second)
    said = "the two networks differ" if p <= ALPHA else "the two networks are not shown to differ"
    return (
        f"Of {digits:,} test digits the first alone reads {only_first} right, the second alone {only_second}; "
        f"McNemar's exact {p_is(p)}: {said} in {named('test_accuracy')}. What their settings do, seeds tell."
    )
