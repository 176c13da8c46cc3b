"""The rows of a text table: numbers by np.loadtxt, some thousand at a time, labels as text; what is wrong, and where.

Kaggle's 42,000 rows of 785 columns take np.loadtxt a third of the time of pandas.read_csv, which makes a column object
of each of 785 columns of every chunk, and a tenth of its memory (experiments/read_csv_time.py). np.loadtxt reads what
it is given line by line, so that a line's number is known.
"""

import csv
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import DataError
from npdigits.base.text import join_lines, printable
from npdigits.forms.columns import Layout, column_name
from npdigits.forms.one_hot import is_truth, truth_of
from npdigits.forms.rows import LARGEST, Rows, smallest
from npdigits.forms.sheet import Sheet, has_commas, is_number
from npdigits.forms.text_lines import Lines, Numbering, repaired

# What stands in a cell whose value is not known, beside nothing at all.
MISSING = ("", "?", "na", "n/a", "nan", "null", "none", "-")
# A cell in a message is not longer.
SHOWN = 30


@dataclass(frozen=True)
class Table:
    """The rows of a table.

    Attributes:
        pixels: numbers, shape (rows, columns).
        labels: text, whole numbers or floats, shape (rows,); None where there is no column of them, or an empty one.
        numbering: which line of the file each row came from.
        parts: the part of the set that each row says, as text, shape (rows,); None where none does.
    """

    pixels: Array
    labels: Array | None
    numbering: Numbering
    parts: Array | None = None


class Texts:
    """Texts of which many are the same, held as numbers."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}
        self._codes: list[int] = []

    def __len__(self) -> int:
        return len(self._codes)

    def note(self, text: str) -> int:
        """Add a text; return 0, the number that np.loadtxt is to take for it."""
        self._codes.append(self._known.setdefault(text, len(self._known)))
        return 0

    def cut(self, length: int) -> None:
        """Take back what was added after the first texts."""
        del self._codes[length:]

    def as_they_are(self) -> Array:
        """Return all texts."""
        return np.array([repaired(text.strip()) for text in self._known])[np.array(self._codes, np.intp)]

    def labels(self, say: Callable[[int, str], NoReturn]) -> Array | None:
        """Return all texts, as whole numbers or floats where all are such; None where all are missing.

        Args:
            say: raises the error about the label of a row.
        """
        texts = [repaired(text.strip()) for text in self._known]
        codes = np.array(self._codes, np.intp)
        missing = [i for i, text in enumerate(texts) if text.lower() in MISSING]
        if len(missing) == len(texts):
            return None
        if missing and (
            any(not texts[i] for i in missing) or all(map(is_number, set(texts) - {texts[i] for i in missing}))
        ):
            row = int(np.flatnonzero(np.isin(codes, missing))[0])
            say(row, texts[codes[row]])
        if not all(map(is_number, texts)):
            return np.array(texts)[codes]
        numbers = np.array([float(text) for text in texts])
        whole = (numbers == np.rint(numbers)).all() and (np.abs(numbers) < 2**53).all()
        return (numbers.astype(np.int64) if whole else numbers)[codes]


def read_rows(batches: Iterable[Lines], sheet: Sheet, layout: Layout, expected: int, place: str) -> Table:
    """Return the rows of a table.

    Args:
        batches: all lines of the file; those before the rows are left out.
        expected: how many rows there will probably be.
        place: the file, for people.

    Raises:
        DataError: a row is damaged, or there is no memory for them.
    """
    rows, numbering = Rows(place, len(layout.numbers), expected), Numbering()
    texts = {column: Texts() for column in (layout.label, layout.division) if column is not None}
    for batch in batches:
        lines = batch.lines[max(0, sheet.first + 1 - batch.first) :]
        if not lines:
            continue
        first = batch.first + len(batch.lines) - len(lines)
        kept = _note_rows(lines, first, rows.n, sheet.comment, numbering)
        if not kept:
            continue
        numbers = _numbers(kept, sheet, layout, texts, rows.holds_decimals)
        if numbers is None or len(numbers) != len(kept):
            explain(lines, first, sheet, layout, place)
        rows.add(numbers)
    if not rows.n:
        raise DataError(f"{place}: no rows")

    def say(row: int, text: str) -> NoReturn:
        where = f"{place}: row {numbering.line_of(row)}, {column_name(sheet, layout.label or 0)}"
        raise DataError(f"{where}: {_shown(text)} is no label" if text else f"{where}: no label")

    labels = None if layout.label is None else texts[layout.label].labels(say)
    parts = None if layout.division is None else texts[layout.division].as_they_are()
    return Table(rows.done(), labels, numbering, parts)


def _note_rows(lines: list[str], first: int, row: int, comment: str | None, numbering: Numbering) -> list[str]:
    """Return the lines that are rows, and note where they come from."""
    if comment is None and all(lines) and not any(map(str.isspace, lines)):
        numbering.note(row, first)
        return lines
    kept: list[str] = []
    for number, line in enumerate(lines, first):
        if line.strip() and not (comment and line.lstrip().startswith(comment)):
            numbering.note(row + len(kept), number)
            kept.append(line)
    return kept


def _numbers(
    lines: list[str], sheet: Sheet, layout: Layout, texts: Mapping[int, Texts], decimals: bool
) -> Array | None:
    """Return the pixels of rows, of a type in ``KINDS``; None where there is something that is none."""
    if sheet.decimal_comma or sheet.quote:
        lines = [sheet.plain(line) for line in lines]
    known = {column: len(held) for column, held in texts.items()}
    numbers = set(layout.numbers)
    converters: Any = {i: texts[i].note if i in texts else _nothing for i in range(layout.width) if i not in numbers}
    converters |= dict.fromkeys(layout.one_hot, truth_of)
    first, last = layout.numbers[0], layout.numbers[-1]
    in_a_row = layout.numbers == tuple(range(first, last + 1))
    taken: slice | list[int] = slice(first, last + 1) if in_a_row else list(layout.numbers)
    # Bytes first, as nearly all pixels are; whole numbers up to 2⁵³ are exact among float64.
    kinds: tuple[type[Any], ...] = (np.float64,) if decimals else (np.uint8, np.float64)
    for kind in kinds:
        for column, held in texts.items():
            held.cut(known[column])
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # NumPy 2.0 … 2.2 take 1.5 for a byte, with a warning
                table: Array = np.loadtxt(
                    lines,
                    kind,
                    comments=None,
                    delimiter=sheet.delimiter,
                    converters=converters or None,
                    ndmin=2,
                    encoding=None,
                    quotechar=sheet.quote,
                )
        except (ValueError, OverflowError, Warning):
            continue
        if table.shape[1] != layout.width:
            return None
        values: Array = table[:, taken]
        if kind is np.uint8:
            return values
        if not np.isfinite(values).all() or np.abs(values).max(initial=0) > LARGEST:
            return None
        return smallest(values)
    return None


def _nothing(cell: str) -> int:
    """Return a number for a cell that is not read."""
    return 0


def explain(lines: Sequence[str], first: int, sheet: Sheet, layout: Layout, place: str) -> NoReturn:
    """Raise the error about the first of these lines that is no row of numbers.

    Raises:
        DataError: always.
    """
    for number, line in enumerate(lines, first):
        if not line.strip() or (sheet.comment and line.lstrip().startswith(sheet.comment)):
            continue
        where = f"{place}: row {number}"
        try:
            cells = sheet.cells(line)
        except csv.Error as error:
            raise DataError(f"{where}: {join_lines(str(error))}") from error
        if len(cells) != layout.width:
            raise DataError(f"{where}: {len(cells):,} cells: {layout.width:,} are expected, as in other rows")
        for column in sorted(layout.numbers):
            if column in layout.one_hot and is_truth(cells[column]):
                continue
            if wrong := _fault_of(cells[column]):
                raise DataError(f"{where}, {_both_names(sheet, column)}: {wrong}")
    raise DataError(f"{place}: rows {first} to {first + len(lines) - 1}: cannot be read as numbers")


def _fault_of(cell: str) -> str:
    """Return what is wrong with a pixel's cell; "" where nothing is."""
    if cell.lower() in MISSING:
        return f"a missing value ({_shown(cell)})" if cell else "a missing value"
    if cell.lower().lstrip("+-") in ("inf", "infinity"):
        return f"{_shown(cell)}: a pixel is a finite number"
    if has_commas(cell):
        return f"{_shown(cell)}: a comma in a number: allowed are decimals with a point, and thousands without a sign"
    if not is_number(cell):
        return f"{_shown(cell)} is no number"
    return f"{_shown(cell)} is too large for a pixel" if abs(float(cell)) > LARGEST else ""


def _both_names(sheet: Sheet, column: int) -> str:
    """Return a column by number and name, as one counts columns in a spreadsheet and looks for names above them."""
    name = sheet.names[column] if sheet.names else ""
    return f"column {column + 1} ({printable(name)})" if name else f"column {column + 1}"


def _shown(cell: str) -> str:
    cell = repaired(cell)
    return f"'{printable(cell[:SHOWN])}{'…' if len(cell) > SHOWN else ''}'"
