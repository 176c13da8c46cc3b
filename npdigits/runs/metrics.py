"""metrics.csv: a row an epoch, in the shortest digits that read back as the same numbers."""

import csv
import dataclasses
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from npdigits.base.errors import RunDirError
from npdigits.training.state import Epoch

COLUMNS = [column.name for column in dataclasses.fields(Epoch) if column.name != "own"]
# Those of commit 3c68595, the first whose runs are read: no table is without them. A later one, which Epoch then has a
# default for, may be missing in a run of before.
FIRST_COLUMNS = (
    *("epoch", "lr", "train_cost", "train_accuracy", "val_cost", "val_accuracy", "test_cost", "test_accuracy"),
    *("gap", "val_cost_variance", "is_best"),
)
# Those of the three sets.
SCORES = tuple(f"{split}_{figure}" for split in ("train", "val", "test") for figure in ("cost", "accuracy"))


def header(own: Iterable[str] = ()) -> str:
    """Return the first line; ``own`` are the columns of the user's own figures."""
    return _line([*COLUMNS, *own])


def format_row(record: Epoch) -> str:
    """Return an epoch's line."""
    return _line([*(_cell(getattr(record, column)) for column in COLUMNS), *map(_cell, record.own.values())])


def format_metrics(history: Sequence[Epoch], own: Iterable[str] = ()) -> str:
    """Return the whole file of these epochs; ``own`` are the user's own columns, which a first epoch has anyway."""
    return header(history[0].own if history else own) + "".join(map(format_row, history))


def parse_metrics(text: str) -> list[Epoch]:
    """Return the epochs of a whole file, the inverse of ``format_metrics``; of columns that it lacks the defaults.

    Raises:
        ValueError: it is not what ``format_metrics`` writes, in this version or an earlier one.
    """
    lines = text.split("\n")
    columns = next(csv.reader(lines[:1]), [])
    ours = [column for column in COLUMNS if column in {*FIRST_COLUMNS, *columns}]
    if columns[: len(ours)] != ours or lines[-1] != "":
        raise ValueError("the header or the end of the table is missing")
    history = []
    for number, cells in enumerate(csv.reader(lines[1:-1]), start=1):
        if len(cells) != len(columns):
            raise ValueError(f"row {number} has {len(cells)} cells")
        row = dict(zip(columns, cells, strict=True))
        values: dict[str, Any] = {column: None if cell == "" else float(cell) for column, cell in row.items()}
        own = {column: values.pop(column) for column in columns[len(ours) :]}
        epoch = Epoch(**values | {"epoch": int(row["epoch"]), "is_best": row["is_best"] == "1"}, own=own)
        history.append(epoch)
        if epoch.epoch != number:
            raise ValueError(f"row {number} is of epoch {epoch.epoch}")
    return history


def read_metrics(path: Path) -> dict[str, list[float]]:
    """Read a run directory's metrics.csv: column name -> values, NaN where a cell is empty or the column is missing.

    Raises:
        RunDirError: there is none, or it cannot be read.
    """
    try:
        with (path / "metrics.csv").open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            if missing := set(FIRST_COLUMNS).difference(reader.fieldnames or ()):
                raise ValueError(f"no column {min(missing)}")
            rows = list(reader)
        columns = dict.fromkeys([*COLUMNS, *(reader.fieldnames or ())])
        return {column: [_number(row.get(column, "")) for row in rows] for column in columns}
    except OSError as error:
        raise RunDirError(f"{path}: not a run directory: metrics.csv: {error.strerror}") from error
    except (ValueError, TypeError, csv.Error) as error:
        raise RunDirError(f"{path}/metrics.csv: damaged: {error}") from error


def _line(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, bool) else repr(value)


def _number(cell: str) -> float:
    return float("nan") if cell == "" else float(cell)
