"""metrics.csv: a row an epoch, in the shortest digits that read back as the same numbers."""

import csv
import dataclasses
import io
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from npdigits.base.bounded import opened
from npdigits.base.errors import RunDirError
from npdigits.base.kinds import short_repr
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
ACCURACIES = tuple(name for name in SCORES if name.endswith("accuracy"))
# A run whose training or validation cost is not finite ends before its row is written. The test cost does not end one,
# and the square of a cost may be too large for a number.
MAY_OVERFLOW = ("test_cost", "val_cost_variance")
# The name of a column that holds a figure of the user's own: none of ours begins so.
OWN = r"(train|val|test)_(?!cost$|accuracy$|cost_variance$)[A-Za-z_]\w*"
# What a table may hold at most. A row has 170 characters, so the table of 100,000 epochs 17 MB and 1.1 million cells;
# four million take 130 MB where they are read.
MOST_BYTES, MOST_CELLS, LONGEST_LINE, LONGEST_NUMBER, LONGEST_NAME = 100 << 20, 4_000_000, 100_000, 40, 200


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
    if not text.endswith("\n"):
        raise ValueError("the header or the end of the table is missing")
    rows = _rows(io.StringIO(text, newline=""))
    columns = next(rows, [])
    ours = [column for column in COLUMNS if column in {*FIRST_COLUMNS, *columns}]
    if columns[: len(ours)] != ours:
        raise ValueError("the header or the end of the table is missing")
    own = _own_columns(columns, ours)
    history = []
    for number, cells in enumerate(rows, start=1):
        values: dict[str, Any] = {
            column: None if cell == "" else _number(cell, column, number)
            for column, cell in zip(columns, cells, strict=True)
        }
        _check_row(values, number)
        figures = {column: values.pop(column) for column in own}
        history.append(Epoch(**values | {"epoch": number, "is_best": values["is_best"] == 1}, own=figures))
    return history


def read_metrics(path: Path, growing: bool = False) -> dict[str, list[float]]:
    """Read a run directory's metrics.csv: column name -> values, NaN where a cell is empty or the column is missing.

    Args:
        path: the run directory.
        growing: whether the run has not ended, so that the last line may not be whole; it is then left out.

    Raises:
        RunDirError: there is none, or it cannot be read.
    """
    try:
        with opened(path / "metrics.csv", MOST_BYTES) as file, io.TextIOWrapper(file, "utf-8", newline="") as text:
            return _read_columns(_without_torn_end(text) if growing else text)
    except OSError as error:
        raise RunDirError(f"{path}: not a run directory: metrics.csv: {error.strerror}") from error
    except ValueError as error:
        raise RunDirError(f"{path}/metrics.csv: damaged: {error}") from error


def _without_torn_end(file: TextIO) -> TextIO:
    """Return a table without its last line, if that has no end."""
    text = file.read(MOST_BYTES + 1)
    return io.StringIO(text[: text.rfind("\n") + 1], newline="")


def _read_columns(file: TextIO) -> dict[str, list[float]]:
    """Return the columns of a table.

    Raises:
        ValueError: it is not what a run writes.
    """
    rows = _rows(file)
    names = next(rows, [])
    check_names(names)
    columns: list[list[float]] = [[] for _ in names]
    for number, cells in enumerate(rows, start=1):
        for column, value in zip(columns, row_of(cells, names, number).values(), strict=True):
            column.append(value)
    table = dict(zip(names, columns, strict=True))
    n = len(columns[0])
    return {name: table[name] if name in table else [math.nan] * n for name in dict.fromkeys([*COLUMNS, *names])}


def check_names(names: Sequence[str]) -> None:
    """Refuse the names of columns that no run's table has.

    Raises:
        ValueError: one is missing, there twice, or unknown.
    """
    if missing := set(FIRST_COLUMNS).difference(names):
        raise ValueError(f"no column {min(missing)}")
    _own_columns(names, COLUMNS)


def row_of(cells: Sequence[str], names: Sequence[str], number: int) -> dict[str, float]:
    """Return the values of the row of this epoch by the names of the columns, NaN where a cell is empty.

    Raises:
        ValueError: no run writes such a row.
    """
    if len(cells) != len(names):
        raise ValueError(f"row {number} has {len(cells)} cells")
    values = {
        name: math.nan if cell == "" else _number(cell, name, number) for cell, name in zip(cells, names, strict=True)
    }
    _check_row(values, number)
    return values


def _rows(file: TextIO) -> Iterator[list[str]]:
    """Yield the cells of each line, the names first.

    Raises:
        ValueError: the file is no table of cells that are as long as ours, or holds more of them than any run writes.
    """
    columns = cells = 0
    try:
        for number, row in enumerate(csv.reader(_lines(file))):
            if number == 0:
                columns = len(row)
            elif len(row) != columns:
                raise ValueError(f"row {number} has {len(row)} cells")
            cells += columns
            if cells > MOST_CELLS:
                raise ValueError(f"more than {MOST_CELLS:,} cells")
            yield row
    except csv.Error as error:
        raise ValueError(str(error)) from error


def _lines(file: TextIO) -> Iterator[str]:
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE:
            raise ValueError(f"row {number} is longer than {LONGEST_LINE:,} characters")
        yield line
        number += 1


def _own_columns(columns: Sequence[str], ours: Sequence[str]) -> list[str]:
    """Return the columns that hold figures of the user's own.

    Raises:
        ValueError: one is there twice, or is no name of one.
    """
    own = [column for column in columns if column not in ours]
    if len(set(columns)) < len(columns):
        twice = next(column for n, column in enumerate(columns) if column in columns[:n])
        raise ValueError(f"column {short_repr(twice)} is there twice")
    if wrong := [column for column in own if not re.fullmatch(OWN, column) or len(column) > LONGEST_NAME]:
        raise ValueError(f"column {short_repr(wrong[0])}: allowed is a figure of one's own, such as val_top2")
    return own


def _check_row(values: Mapping[str, Any], number: int) -> None:
    """Refuse a row whose values no run writes.

    Raises:
        ValueError: says which and what is allowed.
    """
    if values["epoch"] != number:
        raise ValueError(f"row {number} is of epoch {values['epoch']}")
    if values["is_best"] not in (0, 1):
        raise ValueError(f"row {number}: is_best={values['is_best']}: allowed is 0 or 1")
    for column in ACCURACIES:
        value = values[column]
        if value is not None and (value < 0 or value > 1):
            raise ValueError(f"row {number}: {column}={value}: allowed is a number from 0 to 1")


def _line(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, bool) else repr(value)


def _number(cell: str, column: str, row: int) -> float:
    try:
        if len(cell) > LONGEST_NUMBER:
            raise ValueError
        value = float(cell)
        if math.isinf(value) and column not in MAY_OVERFLOW:
            raise ValueError
        return value
    except ValueError:
        raise ValueError(f"row {row}: {column}={short_repr(cell)}: allowed is a finite number") from None
