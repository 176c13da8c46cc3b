"""DVCLive: plots/metrics/NAME.tsv with a row a step, metrics.json with the last values, params.yaml."""

from pathlib import Path

import numpy as np

from npdigits.base.errors import ConfigError
from npdigits.sources.found import Found
from npdigits.sources.json_files import numbers_in, read_json_table
from npdigits.sources.run_files import (
    LINK,
    MOST_BYTES,
    Run,
    Series,
    Unread,
    find_runs,
    holds,
    join,
    natural,
    no_runs,
    walk,
    why,
)
from npdigits.sources.text_table import read_text_table

KIND = "DVCLive"
METRICS, SETTINGS, PLOTS, HISTORIES = "metrics.json", "params.yaml", "plots", "metrics"
STEP = "step"


def _fits(folders: set[str], files: set[str]) -> bool:
    told = {METRICS, SETTINGS} & files
    return ".hydra" not in folders and bool(told if PLOTS in folders else len(told) == 2)


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
    unread = Unread()
    runs = [_read_run(folder, unread) for folder in find_runs(path, _fits, skipped=unread.skipped)]
    if not runs:
        raise no_runs(path, KIND, unread.skipped)
    return join(KIND, runs, unread.skipped, unread.remarks())


def _read_run(folder: Path, unread: Unread) -> Run:
    series: dict[str, Series] = {}
    histories = folder / PLOTS / HISTORIES
    links = [place for place in (folder / PLOTS, histories) if place.is_symlink()]
    for place, _, files in walk(histories, links=links) if not links else ():
        for name in sorted(files, key=natural):
            if name.endswith(".tsv"):
                own = _read_history(place / name, unread)
                if own is not None:
                    series[(place / name).relative_to(histories).with_suffix("").as_posix()] = own
    unread.skipped += [(str(link), LINK) for link in links]
    for name, value in _read_last(folder / METRICS, unread).items():
        if name not in series and name != STEP:  # logged with plot=False
            series[name] = (np.full(1, np.nan), np.full(1, value))
    return Run(str(folder), unread.settings(folder / SETTINGS), series)


def _read_last(path: Path, unread: Unread) -> dict[str, float]:
    try:
        return numbers_in(read_json_table(path), "/")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        unread.skipped.append((str(path), why(error)))
        return {}


def _read_history(path: Path, unread: Unread) -> Series | None:
    """Return a metric's history; None where its file cannot be read, which is noted."""
    try:
        table = read_text_table(path, MOST_BYTES)
    except ConfigError as error:
        unread.skipped.append((str(path), str(error).removeprefix(f"{path}: ")))
        return None
    unread.add(path, table)
    values = [column for name, column in table.columns.items() if name not in (STEP, "timestamp")]
    # A metric that is itself called step or timestamp stands in the last column.
    column = values[-1] if values else list(table.columns.values())[-1]
    steps = table.columns[STEP].numbers if STEP in table.columns else None
    if steps is None or column.numbers is None:
        unread.skipped.append((str(path), "no columns of numbers, a step and a value"))
        return None
    there = ~column.blank
    return steps[there], column.numbers[there]
