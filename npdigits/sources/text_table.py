"""A table as text, CSV and its like: delimiter, encoding and decimal sign by its content; torn rows are named.

Python's csv module reads it: pandas.read_csv makes 7 of "007", 9007199254740992 of a longer number in a column with
holes, and does not tell a blank cell from one that says NaN.
"""

import csv
import io
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

from npdigits.base.bounded import opened
from npdigits.base.errors import ConfigError
from npdigits.sources.columns import MOST_CELLS, Table, column_of_texts, unique_names
from npdigits.sources.doubts import find_doubt
from npdigits.sources.values import from_text

MOST_BYTES = 2**29
# Of a file's beginning, for what only recognizes it.
HEAD_BYTES = 2**16
DELIMITERS = (",", "\t", ";", "|")
# Files that are texts, whatever bytes are in them.
ENDINGS = (".csv", ".tsv", ".tab", ".log")
# Rows that the delimiter is chosen by.
TRIED = 30
# Rows that are taken apart at once.
AT_ONCE = 5_000
# So many bad rows are named, and how many more there are.
MOST_NAMED = 20
# What begins a text in UTF-16, as Excel's "Unicode text" and PowerShell write it.
UTF_16 = (b"\xff\xfe", b"\xfe\xff")


Cells = tuple[list[str], list[list[str]], list[tuple[str, str]], int]


def decode(content: bytes) -> tuple[str, str]:
    """Return a text, and a remark on its encoding or ""."""
    if content[:2] in UTF_16:
        return content.decode("utf-16", "replace"), ""
    try:
        return content.decode("utf-8-sig"), ""
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace"), "it is not UTF-8: its letters are read as Windows-1252"


def head_of(path: Path) -> list[str]:
    """Return the first columns' names of a table, [] where there is none. Raises nothing."""
    try:
        with opened(path) as file:
            content = file.read(HEAD_BYTES)
    except (OSError, ValueError):
        return []
    # Of a text whose writer was killed a part may be zeros; its names are not.
    is_text = path.suffix.lower() in ENDINGS and b"\0" not in content.partition(b"\n")[0]
    if b"\0" in content and content[:2] not in UTF_16 and not is_text:
        return []
    text = _without_comments(decode(content)[0])
    try:
        return next(filter(None, _rows_of(text, _find_delimiter(text))), [])
    except (csv.Error, StopIteration):
        return []


def read_text_table(path: Path, most: int = MOST_BYTES) -> Table:
    """Read a table with a line of names at its top.

    Raises:
        ConfigError: it cannot be read, has no rows or no names.
    """
    try:
        with opened(path, most) as file:
            content = file.read()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from error
    text, remark = decode(content)
    text = _without_comments(text)
    delimiter = _find_delimiter(text)
    remarks = [f"{path.name}: {remark}"] if remark else []
    first, texts, skipped, wider = _read_cells(path, text, delimiter)
    if not first:
        raise ConfigError(f"{path}: an empty table")
    if any("\0" in cell for cell in first):
        raise ConfigError(f"{path}: its first line holds bytes that are zero: damaged, or no text")
    names = unique_names(first, lambda line: remarks.append(f"{path.name}: {line}"))
    if all(not isinstance(from_text(cell.strip()), str) for cell in first):
        raise ConfigError(f"{path}: its first line holds numbers; a table begins with the names of its columns")
    commas = delimiter in ";\t|"
    tried = (cell for cells in texts for cell in cells[:TRIED])
    points = any("." in cell and isinstance(from_text(cell.strip()), float) for cell in tried)
    columns = {name: column_of_texts(cells, commas, points) for name, cells in zip(names, texts, strict=True)}
    if commas and any(
        any("," in cell for cell in cells[:TRIED]) and columns[name].numbers is not None
        for name, cells in zip(names, texts, strict=True)
    ):
        remarks.append(f"{path.name}: commas are read as decimal signs")
    doubts = [
        find_doubt(name, column, lambda row: f"line {_line_of(text, delimiter, first, row)}")
        for name, column in columns.items()
    ]
    remarks += [f"{path.name}: {doubt}" for doubt in doubts if doubt]
    if text[-1:] not in ("\n", "\r"):
        remarks.append(f"{path.name}: its last line has no end, so that it may be torn")
    return Table(columns, len(texts[0]), skipped, remarks, wider)


class _Counted:
    """The lines of a text, and how many were read."""

    def __init__(self, text: str) -> None:
        self.lines, self.n = io.StringIO(text, newline=None), 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self.lines)
        self.n += 1
        return line


def _rows_of(text: str | _Counted, delimiter: str) -> Iterator[list[str]]:
    # Ends of lines of all kinds become one; strict: what follows a closing quote is an error, not part of the cell.
    lines = io.StringIO(text, newline=None) if isinstance(text, str) else text
    return csv.reader(lines, delimiter=delimiter, skipinitialspace=delimiter != "\t", strict=True)


def _without_comments(text: str) -> str:
    """Return a text with empty lines for the comments at its top: lines that begin with #, and are no names.

    They are names where they have as many cells as the line below the comments.
    """
    lines = text[:HEAD_BYTES].splitlines(keepends=True)
    n = next((i for i, line in enumerate(lines) if not line.startswith("#")), 0)
    if not n:
        return text
    rest = text[sum(map(len, lines[:n])) :]
    delimiter = _find_delimiter(rest)
    try:
        cells = [len(next(_rows_of(part, delimiter), [])) for part in (lines[n - 1], rest[:HEAD_BYTES])]
    except csv.Error:
        return text
    kept = lines[n - 1] if cells[0] == cells[1] else "\n"
    return "\n" * (n - 1) + kept + rest


def _line_of(text: str, delimiter: str, first: list[str], row: int) -> int:
    """Return the line on which a row begins, counted from 1; of rows those count that were read, from 0."""
    lines = _Counted(text)
    reader = _rows_of(lines, delimiter)
    left = row + 1  # the first line too
    while True:
        start = lines.n + 1
        try:
            cells = next(reader)
        except csv.Error:
            continue
        except StopIteration:
            return start
        if len(cells) != len(first) or (cells == first and left <= row) or any("\0" in cell for cell in cells):
            continue
        if left == 0:
            return start
        left -= 1


def _find_delimiter(text: str) -> str:
    """Return the delimiter by which the first rows have most often the first one's number of cells, at least two."""
    start = text[:HEAD_BYTES]
    best, chosen = (0.0, 0), ","
    for delimiter in DELIMITERS:
        rows: list[list[str]] = []
        reader = _rows_of(start, delimiter)
        try:
            while len(rows) < TRIED:
                rows.append(next(reader))
        except (csv.Error, StopIteration):
            pass
        rows = [row for row in rows if row]
        if not rows or len(rows[0]) < 2:
            continue
        fits = sum(len(row) == len(rows[0]) for row in rows) / len(rows)
        if (round(fits, 1), len(rows[0])) > best:
            best, chosen = (round(fits, 1), len(rows[0])), delimiter
    return chosen


def _read_cells(path: Path, text: str, delimiter: str) -> Cells:
    """Return the first row, the columns below it, what is wrong with rows that are left out, how many are too wide."""
    try:
        has_nul = "\0" in text
        reader = _rows_of(text, delimiter)
        first = next((row for row in reader if row), [])
        columns: list[list[str]] = [[] for _ in first]
        if not first:
            return [], [], [], 0
        # Some rows at once: a hundred thousand of lists would be looked through by Python's memory management.
        while rows := list(itertools.islice(reader, AT_ONCE)):
            rows = [row for row in rows if row]
            if has_nul or any(len(row) != len(first) or row == first for row in rows):
                return _read_torn_cells(path, text, delimiter)
            if len(first) * (len(columns[0]) + len(rows)) > MOST_CELLS:
                raise ConfigError(f"{path}: more than {MOST_CELLS:,} cells")
            for position, column in enumerate(columns):
                column += [row[position] for row in rows]
    except csv.Error:
        return _read_torn_cells(path, text, delimiter)
    return first, columns, [], 0


def _read_torn_cells(path: Path, text: str, delimiter: str) -> Cells:
    """Read row by row, which takes longer, to name the lines that are left out."""
    lines = _Counted(text)
    reader = _rows_of(lines, delimiter)
    rows: list[list[str]] = []
    bad: list[tuple[str, str]] = []
    wider = 0
    while True:
        start = lines.n + 1
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            bad.append((_lines(path, start, lines.n), str(error)))
            continue
        if rows and any("\0" in cell for cell in row):
            bad.append((_lines(path, start, lines.n), "bytes that are zero"))
        elif row and rows and len(row) != len(rows[0]):
            wider += len(row) > len(rows[0])
            why = f"{len(row)} cell{'s' * (len(row) != 1)} where the first line has {len(rows[0])}"
            bad.append((_lines(path, start, lines.n), why))
        elif row and rows and row == rows[0]:
            bad.append((_lines(path, start, lines.n), "the names of the columns again"))
        elif row:
            rows.append(row)
    first = rows[0] if rows else []
    return first, [[row[position] for row in rows[1:]] for position in range(len(first))], named(bad, path), wider


def _lines(path: Path, first: int, last: int) -> str:
    return f"{path}: line {first}" if last <= first else f"{path}: lines {first} to {last}"


def named(bad: Sequence[tuple[str, str]], path: Path) -> list[tuple[str, str]]:
    """Return the first of what was skipped, and how many more there are."""
    more = len(bad) - MOST_NAMED
    return [*bad[:MOST_NAMED], *([(f"{path}", f"{more} more lines that cannot be read")] if more > 0 else [])]
