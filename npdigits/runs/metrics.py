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
    """Return the epochs of a whole file, the inverse of ``format_metrics``.

    Raises:
        ValueError: it is not what ``format_metrics`` writes.
    """
    lines = text.split("\n")
    own = next(csv.reader(lines[:1]), [])[len(COLUMNS) :]
    if lines[0] + "\n" != header(own) or lines[-1] != "":
        raise ValueError("the header or the end of the table is missing")
    history = []
    for number, cells in enumerate(csv.reader(lines[1:-1]), start=1):
        if len(cells) != len(COLUMNS) + len(own):
            raise ValueError(f"row {number} has {len(cells)} cells")
        values: list[Any] = [None if cell == "" else float(cell) for cell in cells]
        values[0], values[len(COLUMNS) - 1] = int(cells[0]), cells[len(COLUMNS) - 1] == "1"
        figures = dict(zip(own, values[len(COLUMNS) :], strict=True))
        history.append(Epoch(**dict(zip(COLUMNS, values, strict=False)), own=figures))
        if values[0] != number:
            raise ValueError(f"row {number} is of epoch {values[0]}")
    return history


def read_metrics(path: Path) -> dict[str, list[float]]:
    """Read a run directory's metrics.csv: column name -> values, NaN where a cell is empty.

    Raises:
        RunDirError: there is none, or it cannot be read.
    """
    try:
        with (path / "metrics.csv").open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            if missing := set(COLUMNS).difference(reader.fieldnames or ()):
                raise ValueError(f"no column {min(missing)}")
            rows = list(reader)
        return {column: [_number(row[column]) for row in rows] for column in reader.fieldnames or ()}
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
