"""Runs as one tidy CSV: a row an epoch, with the run, its settings, its seed, the epoch and the figures."""

from collections.abc import Sequence
from typing import Any

from npdigits.base.spreadsheet import csv_table
from npdigits.config.keys import RULES
from npdigits.export.exported import RACE_PART, Exported
from npdigits.runs.metrics import COLUMNS

# Figures whose names are keys of the configuration, too -> their columns.
RENAMED = {"lr": "learning_rate"}
FIRST, SEED, EPOCH = ("run", "data"), "seed", "epoch"


def tidy_csv(runs: Sequence[Exported]) -> str:
    """Return the table; a key that a run does not have, and a figure that an epoch has not, are empty cells.

    A column tells runs of a race, where there are any: of its search, or of which confirmation.
    """
    settings = dict.fromkeys(name for run in runs for name in run.settings)
    keys = [name for name in (*RULES, *settings) if name in settings]
    keys = [name for name in dict.fromkeys(keys) if name not in (SEED, *FIRST)]
    found = dict.fromkeys(name for run in runs for _, figures in run.epochs for name in figures)
    names = [name for name in dict.fromkeys((*COLUMNS, *found)) if name in found]
    part = [RACE_PART] if any(RACE_PART in run.tags for run in runs) else []
    head = [*FIRST, *part, *keys, SEED, EPOCH, *(RENAMED.get(name, name) for name in names)]
    rows: list[list[Any]] = []
    for run in runs:
        of_race = [run.tags.get(name, "") for name in part]
        about = [run.settings.get("data"), *of_race, *(run.settings.get(name) for name in (*keys, SEED))]
        for number, figures in run.epochs:
            rows.append([run.name, *about, number, *map(figures.get, names)])
    return csv_table(head, rows)
