"""Plain tables: CSV, TSV, JSON lines, a JSON list of records, parquet; a row a run, or a row an epoch."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from npdigits.base.bounded import opened
from npdigits.base.errors import ConfigError
from npdigits.base.kinds import short_repr
from npdigits.sources.columns import MOST_CELLS, Column, Table, column_of_values, columns_of_records
from npdigits.sources.database import MAGIC, is_sqlite, why_unreadable
from npdigits.sources.doubts import find_doubt
from npdigits.sources.found import Found
from npdigits.sources.plain import found_of_table
from npdigits.sources.run_files import LINK
from npdigits.sources.table_folder import MOST_FILES, files_in, holds_tables, join_tables
from npdigits.sources.text_table import HEAD_BYTES, MOST_BYTES, decode, head_of, named, read_text_table
from npdigits.sources.values import flatten

KIND = "a table (CSV, JSON lines, parquet)"
PARQUET = b"PAR1"
NO_OBJECT = "no JSON object"
# Files that may have a single column.
TEXT = (".csv", ".tsv", ".tab")
JSON = (".json", ".jsonl", ".ndjson", ".jsonlines")


def recognizes(path: Path) -> bool:
    """Say whether a file begins as a table does, or a folder directly holds a table with numbers."""
    if path.is_dir():
        return holds_tables(path)
    start = _start_of(path)
    if start[:4] == PARQUET:
        return True
    if start.startswith(MAGIC):  # of which no other reader can say why it cannot be read
        return bool(why_unreadable(path))
    if b"\0" in start and path.suffix.lower() in (*TEXT, *JSON):
        return True
    if start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        return path.suffix.lower() in JSON or b"\n{" in start
    return len(head_of(path)) > 1 or (path.suffix.lower() in TEXT and bool(head_of(path)))


def read(path: Path) -> Found:
    """Read a table, or all tables directly in a folder.

    Raises:
        ConfigError: it cannot be read.
    """
    if path.is_dir():
        return _read_folder(path)
    if is_sqlite(path):
        raise ConfigError(why_unreadable(path) or f"{path}: a database, and no table")
    table = read_table(path)
    if not table.n:
        raise ConfigError(f"{path}: a table without rows")
    return found_of_table(table, _kind(path), path.name)


def _read_folder(path: Path) -> Found:
    """Read the tables in a folder; what is none is named.

    Raises:
        ConfigError: there is none.
    """
    found: list[Found] = []
    skipped: list[tuple[str, str]] = []
    for number, file in enumerate(files_in(path)):
        if number >= MOST_FILES:
            raise ConfigError(f"{path}: more than {MOST_FILES:,} tables; name a part of them")
        if file.is_symlink():
            skipped.append((str(file), LINK))
            continue
        try:
            one = read(file)
        except ConfigError as error:
            skipped.append((str(file), str(error).removeprefix(f"{file}: ")))
            continue
        if one.metrics:
            found.append(one)
        else:
            skipped.append((str(file), "a table without a column of numbers"))
    return join_tables(path, f"a folder of {len(found)} tables", found, skipped)


def read_table(path: Path, most: int = MOST_BYTES) -> Table:
    """Return the columns of a file of any of the forms.

    Raises:
        ConfigError: it cannot be read.
    """
    start = _start_of(path)
    if start[:4] == PARQUET:
        return _read_parquet(path, most)
    if start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        return _read_json(path, most)
    return read_text_table(path, most)


def _kind(path: Path) -> str:
    start = _start_of(path)
    if start[:4] == PARQUET:
        return "a parquet table"
    return "a table of JSON" if start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[") else "a table as text"


def _start_of(path: Path) -> bytes:
    try:
        with opened(path) as file:
            return file.read(HEAD_BYTES)
    except (OSError, ValueError):
        return b""


def read_all(path: Path, most: int) -> bytes:
    """Return the content of a file.

    Raises:
        ConfigError: it cannot be read, or is too large.
    """
    try:
        with opened(path, most) as file:
            return file.read()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from error


def _read_json(path: Path, most: int) -> Table:
    """Read JSON lines, a list of records, or what pandas' to_json writes where nothing else is said.

    Raises:
        ConfigError: it is none of these.
    """
    text, _ = decode(read_all(path, most))
    try:
        whole = _parse(text)
    except Doubled as error:
        if _begins_as_lines(text):
            whole = None
        else:
            raise ConfigError(f"{path}: {error}") from error
    if isinstance(whole, dict) and whole and all(isinstance(column, dict) for column in whole.values()):
        rows = dict.fromkeys(row for column in whole.values() for row in column)
        if len(rows) * len(whole) > 2 * sum(len(column) for column in whole.values()):
            raise ConfigError(f"{path}: no table: tables within one another")
        whole = [{name: column[row] for name, column in whole.items() if row in column} for row in rows]
    elif isinstance(whole, dict):
        whole = [whole]
    if isinstance(whole, list):
        bad = [(f"{path}: record {i}", NO_OBJECT) for i, row in enumerate(whole, 1) if not _is_row(row)]
        records = [flatten(row) for row in whole if _is_row(row)]
    else:
        records, bad = _read_lines(path, text)
    if not records:
        if bad and bad[0][1] != NO_OBJECT:
            raise ConfigError(f"{bad[0][0]}: {bad[0][1]}")
        raise ConfigError(f"{path}: no records: a table is a JSON object a line, or a list of them")
    try:
        columns = columns_of_records(records)
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from error
    return Table(columns, len(records), named(bad, path), _doubts(path, columns))


def _doubts(path: Path, columns: Mapping[str, Column]) -> list[str]:
    """Return what is to be said of columns that are numbers but for a few cells."""
    doubts = [find_doubt(name, column, lambda row: f"record {row + 1}") for name, column in columns.items()]
    return [f"{path.name}: {doubt}" for doubt in doubts if doubt]


def _parse(text: str) -> Any:
    """Return what a JSON text stands for, None for what is none.

    Raises:
        Doubled: a name is there twice in a table.
    """
    try:
        return json.loads(text, object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError) as error:
        if isinstance(error, Doubled):
            raise
        return None


class Doubled(ValueError):
    """A name is there twice in a JSON table, so that two values are given for one."""


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        seen: set[str] = set()
        name = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise Doubled(f"the name {short_repr(name)} is there twice")
    return table


def _begins_as_lines(text: str) -> bool:
    """Say whether a text is JSON lines: its first line is a table by itself."""
    try:
        return _is_row(_parse(text.lstrip().partition("\n")[0]))
    except Doubled:
        return True


def _is_row(value: Any) -> bool:
    return isinstance(value, dict)


def _read_lines(path: Path, text: str) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    records, bad = [], []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = _parse(line)
        except Doubled as error:
            bad.append((f"{path}: line {number}", str(error)))
            continue
        if _is_row(row):
            records.append(flatten(row))
        else:
            bad.append((f"{path}: line {number}", NO_OBJECT))
    return records, bad


def _read_parquet(path: Path, most: int) -> Table:
    """Read a parquet file.

    Raises:
        ConfigError: it cannot be read, or pyarrow is not there.
    """
    content = read_all(path, most)
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise ConfigError(f"{path}: a parquet file is read by pyarrow: pip install 'npdigits[parquet]'") from error
    try:
        file = parquet.ParquetFile(pyarrow.BufferReader(content))
        if file.metadata.num_rows * max(file.metadata.num_columns, 1) > MOST_CELLS:
            raise ConfigError(f"{path}: {file.metadata.num_rows:,} rows: allowed are {MOST_CELLS:,} cells")
        table = file.read()
        values = [column.to_pylist() for column in table.columns]
    except (pyarrow.ArrowException, ValueError, OSError, OverflowError) as error:
        raise ConfigError(f"{path}: {' '.join(str(error).split())[:200]}") from error
    columns = {name: column_of_values(cells) for name, cells in zip(table.column_names, values, strict=True)}
    return Table(columns, table.num_rows, remarks=_doubts(path, columns))
