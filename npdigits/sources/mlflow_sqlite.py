"""MLflow's SQLite store: tables of experiments, runs, params, metrics, the last value of each metric, and tags.

What was seen of its real files, of 2.22 and 3.17: NaN is 0 with a mark beside it; infinities are the largest numbers
there are, and are infinities again here; −0 is 0; what was written twice alike (step, time, value) stands there once.
"""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from npdigits.base.errors import ConfigError
from npdigits.base.kinds import short_repr
from npdigits.sources.database import Database, open_database, tables_of
from npdigits.sources.found import HISTORY, Found
from npdigits.sources.mlflow_runs import GONE, STATUS, Run, as_found, as_history, short_ids

KIND = "MLflow's SQLite store"
TABLES = ("experiments", "runs", "params", "tags", "metrics", "latest_metrics")
MOST_SKIPPED = 100
LARGEST = sys.float_info.max
# A row of metrics or latest_metrics that holds other than numbers, which SQLite allows in any column.
NO_NUMBERS = "typeof(value) NOT IN ('real', 'integer') OR typeof(step) <> 'integer' OR typeof(timestamp) <> 'integer'"


def recognizes(path: Path) -> bool:
    """Say whether a file is MLflow's database."""
    return set(TABLES) <= tables_of(path)


def read(path: Path) -> Found:
    """Read all experiments of a database.

    Raises:
        ConfigError: it cannot be read.
    """
    with open_database(path) as database:
        _check(database)
        runs, skipped = _read_runs(database, path)
        for table in ("params", "tags"):
            for run, name, text in database.rows(f"SELECT run_uuid, key, value FROM {table} ORDER BY rowid"):
                if run in runs and text is not None:
                    getattr(runs[run], table)[str(name)] = str(text)
        for table in ("metrics", "latest_metrics"):
            for (run,) in database.rows(f"SELECT DISTINCT run_uuid FROM {table} WHERE {NO_NUMBERS}"):
                if runs.pop(run, None):
                    skipped.append((f"{path}: run {short_repr(run)}", f"damaged: a row of {table} holds no numbers"))
        names = database.rows("SELECT key FROM latest_metrics GROUP BY key ORDER BY MIN(rowid)")
    store = Store(path, list(runs))
    return as_found(
        KIND, list(runs.values()), [str(name) for (name,) in names], store.history, store.last, skipped[:MOST_SKIPPED]
    )


def _check(database: Database) -> None:
    """Refuse a database whose tables are not MLflow's.

    Raises:
        ConfigError: a table or a column is not there.
    """
    database.need("experiments", "experiment_id", "name", "lifecycle_stage")
    database.need("runs", "run_uuid", "name", "status", "lifecycle_stage", "experiment_id")
    for table in ("params", "tags"):
        database.need(table, "run_uuid", "key", "value")
    for table in ("metrics", "latest_metrics"):
        database.need(table, "run_uuid", "key", "value", "timestamp", "step", "is_nan")


def _read_runs(database: Database, path: Path) -> tuple[dict[str, Run], list[tuple[str, str]]]:
    """Return id -> run in the order in which they were made, without what belongs to them, and what is no run."""
    experiments = {
        key: (str(name), stage == GONE)
        for key, name, stage in database.rows("SELECT experiment_id, name, lifecycle_stage FROM experiments")
    }
    rows = database.rows("SELECT run_uuid, name, status, lifecycle_stage, experiment_id FROM runs ORDER BY rowid")
    runs, skipped = {}, []
    for shown, (key, name, status, stage, experiment) in zip(
        short_ids([str(row[0]) for row in rows]), rows, strict=True
    ):
        place = f"{path}: run {shown}"
        if status in STATUS and experiment in experiments and isinstance(key, str):
            of, is_gone = experiments[experiment]
            runs[key] = Run(key, name or "", of, status, is_gone or stage == GONE, place)
        else:
            skipped.append((place, f"status {short_repr(status)}, experiment {short_repr(experiment)}"))
    return runs, skipped


class Store:
    """The metrics of a database, read when they are asked for.

    Attributes:
        path: of the database.
        position: id of a run -> its position among all.
    """

    def __init__(self, path: Path, ids: list[str]) -> None:
        self.path, self.position = path, {key: position for position, key in enumerate(ids)}

    def history(self, metric: str) -> pd.DataFrame:
        """Return a metric's history.

        Raises:
            ConfigError: it cannot be read.
        """
        with _metrics(self.path) as database:
            rows = database.rows(
                "SELECT run_uuid, timestamp, step, value, is_nan FROM metrics WHERE key = ?", (metric,)
            )
        rows = [row for row in rows if row[0] in self.position]
        if not rows:
            return pd.DataFrame({"run": [], "step": [], "value": []}, columns=HISTORY).astype({"run": int})
        keys, times, steps, values, marks = zip(*rows, strict=True)
        del rows
        return as_history(
            {
                "run": np.fromiter(map(self.position.__getitem__, keys), int, len(keys)),
                "time": np.array(times, dtype=np.int64),
                "step": np.array(steps, dtype=np.int64),
                "value": _as_logged(values, marks),
            }
        )

    def last(self, metric: str) -> list[float]:
        """Return each run's last value of a metric, as MLflow itself keeps it; NaN where there is none.

        Raises:
            ConfigError: it cannot be read.
        """
        found = np.full(len(self.position), np.nan)
        with _metrics(self.path) as database:
            rows = database.rows("SELECT run_uuid, value, is_nan FROM latest_metrics WHERE key = ?", (metric,))
        rows = [row for row in rows if row[0] in self.position]
        if rows:
            keys, values, marks = zip(*rows, strict=True)
            found[[self.position[key] for key in keys]] = _as_logged(values, marks)
        return [float(value) for value in found]


@contextlib.contextmanager
def _metrics(path: Path) -> Iterator[Database]:
    """Open a database that was read before, and may have changed since.

    Raises:
        ConfigError: it cannot be read, or is another one.
    """
    with open_database(path) as database:
        _check(database)
        yield database


def _as_logged(values: Any, marks: Any) -> npt.NDArray[np.float64]:
    """Return values as they were logged: marked ones are NaN, the largest number stands for an infinity.

    Raises:
        ConfigError: they are no numbers.
    """
    try:
        value = np.array(values, dtype=np.float64)
        value[np.array(marks, dtype=bool)] = np.nan
    except (ValueError, TypeError, OverflowError) as error:
        raise ConfigError("damaged: a row of metrics holds no numbers") from error
    value[value == LARGEST], value[value == -LARGEST] = np.inf, -np.inf
    return value
