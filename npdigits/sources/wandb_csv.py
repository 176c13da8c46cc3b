"""CSV that W&B's pages export: the table of runs, and the points of a chart.

Written from W&B's public documentation, as its pages do not run offline: no file of them was at hand. The table has a
row a run with the columns that were shown, its own (Name, State, Created …), config and summary alike. A chart has
a row a step and for each run the columns "NAME - METRIC", "NAME - METRIC__MIN" and "NAME - METRIC__MAX".
"""

from pathlib import Path

import numpy as np

from npdigits.base.errors import ConfigError
from npdigits.sources.columns import Column, Table
from npdigits.sources.found import Found
from npdigits.sources.keras_csv import name_settings
from npdigits.sources.plain import found_of_table
from npdigits.sources.run_files import Run, Series, join
from npdigits.sources.text_table import head_of, read_text_table

KIND = "CSV exported by W&B"
NAME, STATE = "Name", "State"
# Columns of W&B's own, which say nothing of how a run was set up. At least one of them stands beside Name and State.
OWN = frozenset(
    (
        *("ID", "Notes", "User", "Created", "Runtime", "Sweep", "Updated", "End Time", "Duration", "Start Time"),
        *("Hostname", "Host Name", "Commit", "GitHub", "Github", "Agent", "GPU Count", "GPU Type", "Description"),
        *("Entity", "Project", "Username", "Path", "Heartbeat", "Crashed Reason"),
    )
)
BOUNDS = ("__MIN", "__MAX")


def recognizes(path: Path) -> bool:
    """Say whether a file's first line has the columns of one of the two."""
    head = head_of(path) if path.is_file() else []
    return _is_table(head) or _is_chart(head)


def _is_table(head: list[str]) -> bool:
    return NAME in head and STATE in head and bool(OWN & set(head))


def _is_chart(head: list[str]) -> bool:
    return len(head) > 1 and any(name.endswith(BOUNDS) for name in head) and all(" - " in name for name in head[1:])


def read(path: Path) -> Found:
    """Read the table of runs, or a chart.

    Raises:
        ConfigError: it is none.
    """
    table = read_text_table(path)
    head = list(table.columns)
    if not table.n:
        raise ConfigError(f"{path}: a table without rows")
    if _is_chart(head):
        return _read_chart(path, table)
    if not _is_table(head):
        raise ConfigError(f"{path}: neither W&B's table of runs (Name, State, …) nor a chart (NAME - METRIC, …)")
    columns = {name.lower() if name in (NAME, STATE) else name: c for name, c in table.columns.items()}
    kept = {name: column for name, column in columns.items() if name not in OWN}
    remarks = [
        *table.remarks,
        "W&B exports the columns that were shown, and does not say which are config and which summary",
    ]
    return found_of_table(Table(kept, table.n, table.skipped, remarks), f"{KIND} (table of runs)", path.name)


def _read_chart(path: Path, table: Table) -> Found:
    counted = next(iter(table.columns.values())).numbers
    if counted is None:
        raise ConfigError(f"{path}: its first column counts nothing")
    by_run: dict[str, dict[str, Series]] = {}
    for name, column in list(table.columns.items())[1:]:
        run, _, metric = name.rpartition(" - ")
        if not metric.endswith(BOUNDS):
            by_run.setdefault(run, {}).update(_series(metric, counted, column))
    runs = [Run(f"{path.name}: {run}", {}, series) for run, series in by_run.items()]
    remarks = [*table.remarks, name_settings(runs, list(by_run)), "W&B's charts hold some of the steps, not all"]
    return join(f"{KIND} (chart)", runs, table.skipped, remarks)


def _series(metric: str, counted: np.ndarray, column: Column) -> dict[str, Series]:
    if column.numbers is None:
        return {}
    there = ~column.blank
    return {metric: (counted[there], column.numbers[there])} if there.any() else {}
