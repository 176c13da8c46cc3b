"""layers.csv: a row an epoch and layer, of what is seen inside the network (``inspect=true``)."""

from __future__ import annotations

import csv
import dataclasses
import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.bounded import read_bytes
from npdigits.base.errors import RunDirError
from npdigits.base.files import Appended, Folder
from npdigits.base.kinds import short_repr
from npdigits.base.spreadsheet import csv_table
from npdigits.config.build import initial_state
from npdigits.runs.events import Listener
from npdigits.runs.layout import LAYERS
from npdigits.runs.weight_history import WeightHistory
from npdigits.training.inside import Inside, Layer

if TYPE_CHECKING:
    from npdigits.config.schema import Config
    from npdigits.data.sets import Split
    from npdigits.runs.record import RunRecord
    from npdigits.training.state import Epoch

COLUMNS = ("epoch", *(column.name for column in dataclasses.fields(Layer)))
# What a cell of these columns may be, besides a finite number from 0 on.
WHOLE, SHARES = ("epoch", "layer"), ("dead", "saturated", "identical")
HEADER = csv_table(COLUMNS, [])
LINE = re.compile(re.escape(HEADER.strip().encode()))
# Of a file that is read, and of a cell: a row has 140 characters, so those of 10,000 epochs and ten layers 14 MB.
MOST_BYTES, LONGEST_NUMBER = 100 << 20, 40


class Layers(Listener):
    """Writes layers.csv while a run trains. A listener, as it changes nothing of the run.

    What has been written of epochs that are done again is left out, and what a killed process had no time to write of
    the last one is made up for: the file is that of a run that was never killed.

    Args:
        train: the training set.
    """

    def __init__(self, train: Split) -> None:
        self._train = train
        self._inside: Inside | None = None
        self._file: Appended | None = None

    def begun(self, run: RunRecord) -> None:
        shadow = initial_state(run.config, run.sizes)
        self._inside = Inside(shadow, self._train, run.config.l2, run.config.weight_decay)
        history, folder = run.state.history, Folder(run.path)
        kept = _lines_until(run.path, len(history), len(run.sizes) - 1)
        folder.write_whole(LAYERS, HEADER + "".join(kept))
        self._file = Appended(folder, LAYERS, LINE)
        if history and not (kept and kept[-1].startswith(f"{len(history)},")):
            self.epoch_ended(run, history[-1])

    def epoch_ended(self, run: RunRecord, epoch: Epoch) -> None:
        assert self._inside is not None and self._file is not None, "begun() comes first"
        self._file.write(_rows_as_text(epoch.epoch, self._inside.look(run.state, epoch.lr)))

    def ended(self, run: RunRecord) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def inspectors(config: Config, train: Split) -> list[Listener]:
    """Return the listeners that a configuration asks for, which keep what the network was like after each epoch."""
    asked: list[Listener] = [Layers(train)] if config.inspect else []
    return [*asked, WeightHistory()] if config.history else asked


def _rows_as_text(epoch: int, layers: Sequence[Layer]) -> str:
    """Return the lines of an epoch."""
    return csv_table(COLUMNS, [(epoch, *dataclasses.astuple(layer)) for layer in layers]).removeprefix(HEADER)


def _lines_until(path: Path, last: int, layers: int) -> list[str]:
    """Return the lines that a run directory's layers.csv has of the epochs up to one, if all their layers are there."""
    try:
        text = read_bytes(path / LAYERS, MOST_BYTES).decode()
        _parse(text.splitlines(keepends=True))
    except (OSError, ValueError):  # there is none, or it is damaged: it begins here
        text = ""
    lines = [line for line in text.splitlines(keepends=True)[1:] if line.endswith("\n")]
    lines = [line for line in lines if int(line.partition(",")[0]) <= last]
    return lines[: len(lines) // layers * layers]


def read_layers(path: Path) -> dict[str, Array]:
    """Read a run directory's layers.csv: column name -> values, NaN where a cell is empty.

    A last line that is not whole is left out: it is being written, or a process was killed while it was.

    Raises:
        OSError: there is none, or it cannot be read.
        RunDirError: it is damaged.
    """
    try:
        return _parse(read_bytes(path / LAYERS, MOST_BYTES).decode().splitlines(keepends=True))
    except ValueError as error:
        raise RunDirError(f"{path / LAYERS}: damaged: {error}") from error


def _parse(lines: Sequence[str]) -> dict[str, Array]:
    """Return the columns of a file of these lines.

    Raises:
        ValueError: it is not what a run writes.
    """
    if not lines or lines[0] != HEADER:
        raise ValueError(f"does not begin with {HEADER.strip()}")
    whole = lines if lines[-1].endswith("\n") else lines[:-1]
    rows: list[list[float]] = []
    try:
        for number, cells in enumerate(csv.reader(whole[1:]), start=1):
            if len(cells) != len(COLUMNS):
                raise ValueError(f"row {number} has {len(cells)} cells")
            rows.append([_number(cell, name, number) for name, cell in zip(COLUMNS, cells, strict=True)])
    except csv.Error as error:
        raise ValueError(str(error)) from error
    _check_order(rows)
    table = np.array(rows, np.float64).reshape(len(rows), len(COLUMNS))
    return {name: table[:, i] for i, name in enumerate(COLUMNS)}


def _check_order(rows: Iterable[Sequence[float]]) -> None:
    """Refuse rows that are not epoch after epoch, and in each layer after layer.

    Raises:
        ValueError: says which.
    """
    before = (0.0, 0.0)
    for number, (epoch, layer, *_) in enumerate(rows, start=1):
        if not (layer == 1 if epoch > before[0] else (epoch, layer) == (before[0], before[1] + 1)):
            raise ValueError(f"row {number} is of epoch {epoch:g} and layer {layer:g}")
        before = epoch, layer


def _number(cell: str, column: str, row: int) -> float:
    if cell == "" and column not in WHOLE:
        return math.nan
    try:
        value = float(cell) if len(cell) <= LONGEST_NUMBER else math.nan
    except ValueError:
        value = math.nan
    if not 0 <= value < (1e300 if column not in SHARES else 1 + 1e-9) or (column in WHOLE and value % 1):
        allowed = (
            "a whole number" if column in WHOLE else "a number from 0 to 1" if column in SHARES else "a number ≥ 0"
        )
        raise ValueError(f"row {row}: {column}={short_repr(cell)}: allowed is {allowed}")
    return value
