"""Plain tables as runs: a row a run, or a row an epoch with histories."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from npdigits.sources.columns import BLANK, Column, Table
from npdigits.sources.epochs import SEED, Codes, Epochs, divide, find_names, is_constant
from npdigits.sources.found import DELETED, FAILED, FINISHED, HISTORY, RUNNING, Found

# What programs call how a run ended, in lower case.
ENDS = {
    **dict.fromkeys(("finished", "completed", "complete", "succeeded", "success", "terminated", "done"), FINISHED),
    **dict.fromkeys(("running", "pending", "queued", "scheduled", "preempting", "waiting"), RUNNING),
    **dict.fromkeys(
        ("failed", "fail", "error", "crashed", "killed", "interrupted", "stopped", "pruned", "timeout", "preempted"),
        FAILED,
    ),
    "deleted": DELETED,
}
ENDED = ("status", "state")
# Columns that only count the rows: what pandas writes of a frame's index, and reads back without a name.
PANDAS_INDEX = "__index_level_0__"
COUNTS_ROWS = ("Unnamed: 0", "column 1", PANDAS_INDEX, "index")


def found_of_table(table: Table, kind: str, source: str) -> Found:
    """Return what a plain table holds.

    Args:
        table: its columns.
        kind: in words.
        source: the file's name, for names of runs.

    """
    remarks = list(table.remarks)
    columns, ended = _without_extra(table, remarks)
    table = Table(columns, table.n, table.skipped, remarks)
    epochs = divide(table)
    if epochs is None:
        return _rows_as_runs(table, kind, source, ended)
    return _rows_as_epochs(table, epochs, kind, source, ended)


def _without_extra(table: Table, remarks: list[str]) -> tuple[dict[str, Column], Column | None]:
    """Return the columns without one that counts the rows, and the one that says how runs ended."""
    columns, ended = dict(table.columns), None
    for name in COUNTS_ROWS:
        column = columns.get(name)
        if column is None or column.numbers is None or (name != next(iter(columns)) and name != PANDAS_INDEX):
            continue
        if np.array_equal(column.numbers, np.arange(table.n)) and len(columns) > 1:
            del columns[name]
    for name in [name for name in columns if name.lower() in ENDED]:
        texts = [value for value in columns[name].values if value is not BLANK]
        if ended is None and texts and all(isinstance(text, str) and text.lower() in ENDS for text in texts):
            ended = columns.pop(name)
            if len(texts) > 1 or ENDS[texts[0].lower()] != FINISHED:
                remarks.append(f"the column {name} says how the runs ended")
    return columns, ended


def _statuses(ended: Column | None, rows: Sequence[int] | np.ndarray) -> tuple[list[str], list[str]]:
    """Return the statuses of runs, and why those that did not finish did not, from a row of each."""
    if ended is None:
        return [], []
    texts = [value if isinstance(value, str) else "" for value in (ended.values[ended.codes[row]] for row in rows)]
    statuses = [ENDS.get(text.lower(), FINISHED) for text in texts]
    return statuses, ["" if status == FINISHED else text.lower() for status, text in zip(statuses, texts, strict=True)]


def settings_of(columns: Mapping[str, Column], rows: np.ndarray | None = None) -> list[dict[str, Any]]:
    """Return the settings of runs, those that are blank left out.

    Args:
        columns: that are settings.
        rows: where each run's settings stand; None for all rows.
    """
    if not columns:
        return [{} for _ in range(0 if rows is None else len(rows))]
    cells = []
    for column in columns.values():
        taken = column if rows is None else Column(column.codes[rows], column.values, None, column.blank[rows])
        cells.append(taken.cells())
    names = list(columns)
    settings = [dict(zip(names, row, strict=True)) for row in zip(*cells, strict=True)]
    if any(column.blank.any() for column in columns.values()):
        return [{name: value for name, value in one.items() if value is not BLANK} for one in settings]
    return settings


def _rows_as_runs(table: Table, kind: str, source: str, ended: Column | None) -> Found:
    numbers = {name: column.numbers for name, column in table.columns.items() if column.numbers is not None}

    def history(metric: str) -> pd.DataFrame:
        values = numbers[metric]
        return pd.DataFrame(dict(zip(HISTORY, (np.arange(table.n), np.full(table.n, np.nan), values), strict=True)))

    statuses, reasons = _statuses(ended, range(table.n))
    return Found(
        kind=kind,
        names=_names_of_rows(table, source),
        settings=settings_of(table.columns),
        metrics=list(numbers),
        history=history,
        last=lambda metric: numbers[metric].tolist(),
        statuses=statuses,
        reasons=reasons,
        has_steps=False,
        told=False,
        single=frozenset(name for name, values in numbers.items() if is_single(values)),
        skipped=table.skipped,
        remarks=table.remarks,
    )


def _names_of_rows(table: Table, source: str) -> list[str]:
    for name in find_names(list(table.columns)):
        column = table.columns[name]
        if len(column.values) == table.n and not column.blank.any():
            return [f"{source}: {name} {value}" for value in column.cells()]
    return [f"{source}: row {row}" for row in range(1, table.n + 1)]


def _rows_as_epochs(table: Table, epochs: Epochs, kind: str, source: str, ended: Column | None) -> Found:
    run = epochs.run
    first = np.unique(run, return_index=True)[1]
    last = table.n - 1 - np.unique(run[::-1], return_index=True)[1]
    columns = {name: column for name, column in table.columns.items() if name != epochs.step}
    constant = {name: column for name, column in columns.items() if is_constant(column, run)}
    measured = {
        name: column for name, column in columns.items() if column.numbers is not None and not column.blank.all()
    }
    names = [f"{source}: run {number}" for number in range(1, len(first) + 1)]
    if epochs.name is not None:
        cells = table.columns[epochs.name].cells()
        named = [str(cells[row]) for row in first]
        if len(set(named)) == len(named):  # it tells the runs apart, and is no setting
            constant.pop(epochs.name, None)
            measured.pop(epochs.name, None)
            seeds = [""] * len(first)
        else:
            by = [(name, columns[name].cells()) for name in constant if SEED.fullmatch(name)]
            seeds = ["".join(f", {name} {values[row]}" for name, values in by) for row in first]
        names = [f"{source}: {epochs.name} {name}{seed}" for name, seed in zip(named, seeds, strict=True)]
    remarks = list(table.remarks)
    how = f"the column {epochs.name}" if epochs.name else "their settings"
    remarks.append(f"{source}: a row an epoch, by {epochs.step}; {len(first)} runs, told apart by {how}")
    steps = table.columns[epochs.step].numbers
    if steps is not None and (n_without := int(np.isnan(steps).sum())):
        remarks.append(f"{source}: {n_without} row{'s have' if n_without > 1 else ' has'} no {epochs.step}")
    statuses, reasons = _statuses(ended, last)
    return Found(
        kind=kind,
        names=names,
        settings=settings_of(constant, first) if constant else [{} for _ in first],
        metrics=[
            *(name for name in measured if name not in constant),
            *(name for name in measured if name in constant),
        ],
        history=_history(table, epochs, measured),
        statuses=statuses,
        reasons=reasons,
        told=False,
        single=frozenset(name for name, column in measured.items() if is_single(column.numbers)),
        skipped=table.skipped,
        remarks=remarks,
    )


def _history(table: Table, epochs: Epochs, measured: Mapping[str, Column]) -> Callable[[str], pd.DataFrame]:
    """Return the function that gives a metric's history."""
    steps = table.columns[epochs.step].numbers
    assert steps is not None
    order = np.argsort(epochs.run, kind="stable")

    def history(metric: str) -> pd.DataFrame:
        column = measured[metric]
        assert column.numbers is not None
        kept = order[~(column.blank & ~_is_lost(column.blank, epochs.run, steps))[order]]
        parts = (epochs.run[kept], steps[kept], column.numbers[kept])
        return pd.DataFrame(dict(zip(HISTORY, parts, strict=True)))

    return history


def _is_lost(blank: npt.NDArray[np.bool_], run: Codes, steps: np.ndarray) -> npt.NDArray[np.bool_]:
    """Return which blank cells stand for a NaN that was measured: at that step another run has a value, this one none.

    pandas writes NaN as nothing. A cell is also blank where a metric is not measured at each step, or stands in another
    row of the same step: then it is so in all runs.
    """
    if not blank.any():
        return np.zeros(len(blank), dtype=bool)
    at = pd.factorize(steps)[0]
    has = np.zeros(int(at.max()) + 2, dtype=bool)
    has[at[~blank]] = True
    pair = pd.factorize(run.astype(np.int64) * (int(at.max()) + 2) + at)[0]
    own = np.zeros(int(pair.max()) + 1, dtype=bool)
    own[pair[~blank]] = True
    lost: npt.NDArray[np.bool_] = blank & has[at] & ~own[pair]
    return lost


def is_single(values: np.ndarray | None) -> bool:
    """Say whether all numbers are of single precision, and one of them at least is written with more digits."""
    if values is None:
        return False
    finite = values[np.isfinite(values)]
    with np.errstate(over="ignore"):
        short = finite.astype(np.float32).astype(np.float64)
    if not len(finite) or not np.array_equal(short, finite):
        return False
    return any(float(f"{value:.8g}") != value for value in finite[:1_000])
