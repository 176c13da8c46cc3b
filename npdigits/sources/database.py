"""SQLite files of other programs, read with distrust and without leaving anything beside them.

A database is a program as much as a file: views, virtual tables, generated columns and triggers are statements that
run where one only reads. So ordinary tables alone are read, with plain columns, and a statement is ended that takes
more steps than a file of this size can need (pages that point at each other make endless tables of few bytes).
See "Defense Against The Dark Arts", https://www.sqlite.org/security.html.

A database in WAL mode has its last changes in a second file, and an index of that in a third one, which readers make
where it is missing. Nothing is made here: with the index it is opened as it lies, without it a copy is opened.
"""

import contextlib
import functools
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from npdigits.base.bounded import opened
from npdigits.base.errors import ConfigError
from npdigits.base.text import join_lines

MAGIC = b"SQLite format 3\x00"
# Where the header says how the file is written, and what it says in WAL mode.
WRITTEN_BY, WAL = slice(18, 20), b"\x02\x02"
# Seconds that another program may hold the file.
PATIENCE = 1.0
# Bytes of the longest cell: MLflow's longest has 8,000 letters, tables of figures in JSON take more.
LONGEST = 16 * 2**20
# Steps of SQLite's machine: so many at least, and so many for each byte of the file. Reading MLflow's tables of 10,000
# runs takes fewer than one for each byte.
STEPS, STEPS_A_BYTE, EVERY = 20_000_000, 5, 100_000
# Bytes of a database with changes in a second file that are copied to read it.
MOST_COPIED = 8 * 2**30


class Database:
    """Ordinary tables of an open SQLite file.

    Attributes:
        tables: their names; views and virtual tables are none.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection, self._path = connection, path
        self.tables = self._plain_tables()

    def _plain_tables(self) -> set[str]:
        rows = self.rows("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
        return {str(name) for name, sql in rows if str(sql).lstrip()[:14].upper().startswith("CREATE TABLE")}

    def columns(self, table: str) -> set[str]:
        """Return a table's plain columns, without those that are computed; none of what is no ordinary table."""
        if table not in self.tables:
            return set()
        rows = self.rows("SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0", (table,))
        return {str(name) for (name,) in rows}

    def has(self, table: str, *columns: str) -> bool:
        """Say whether there is an ordinary table with these columns."""
        return self.columns(table) >= set(columns) and table in self.tables

    def need(self, table: str, *columns: str) -> None:
        """Refuse a database without this table and these columns.

        Raises:
            ConfigError: they are not there, or are not plain ones.
        """
        if not self.has(table, *columns):
            lacking = [column for column in columns if column not in self.columns(table)]
            what = f"column {table}.{lacking[0]}" if table in self.tables else f"table {table}"
            raise ConfigError(f"{self._path}: no ordinary {what}, which is what is read here")

    def rows(self, query: str, values: Sequence[object] = ()) -> list[Any]:
        """Return what a query gives.

        Raises:
            ConfigError: the file is damaged, held by another program, or gives more than it can hold.
        """
        try:
            return self._connection.execute(query, values).fetchall()
        except (sqlite3.Error, OverflowError, MemoryError) as error:
            raise ConfigError(f"{self._path}: {_in_words(error)}") from error


def is_sqlite(path: Path) -> bool:
    """Say whether a file begins as SQLite's do; raises nothing."""
    try:
        with opened(path) as file:
            return file.read(len(MAGIC)) == MAGIC
    except (OSError, ValueError):
        return False


def tables_of(path: Path) -> set[str]:
    """Return the names of a file's ordinary tables; none where it cannot be read as SQLite's. Raises nothing."""
    if not is_sqlite(path):
        return set()
    try:
        with open_database(path) as database:
            return database.tables
    except ConfigError:
        return set()


def why_unreadable(path: Path) -> str:
    """Return why a file that begins as SQLite's do cannot be read, in one line with its path; "" if it can be."""
    try:
        with open_database(path):
            return ""
    except ConfigError as error:
        return str(error)


@contextlib.contextmanager
def open_database(path: Path) -> Iterator[Database]:
    """Open an SQLite file to read its ordinary tables.

    Raises:
        ConfigError: it is none, is damaged, or another program holds it.
    """
    if not is_sqlite(path):
        raise ConfigError(f"{path}: no SQLite file")
    with contextlib.ExitStack() as stack:
        try:
            where, options, size = _prepare(path, stack)
            connection = sqlite3.connect(
                f"file:{quote(str(where))}?{options}", uri=True, timeout=PATIENCE, isolation_level=None
            )
        except (OSError, ValueError, sqlite3.Error) as error:
            raise ConfigError(f"{path}: {_in_words(error)}") from error
        stack.callback(connection.close)
        _restrict(connection, size)
        with contextlib.suppress(sqlite3.Error):  # one state of the file for all queries
            connection.execute("BEGIN")
        yield Database(connection, path)


def _prepare(path: Path, stack: contextlib.ExitStack) -> tuple[Path, str, int]:
    """Return which file is opened, with which options, and how many bytes there are to read.

    Raises:
        OSError, ValueError: files cannot be read, or what would be copied is too large.
    """
    with opened(path) as file:
        header = file.read(100)
    size = path.stat().st_size
    changes, index = Path(f"{path}-wal"), Path(f"{path}-shm")
    if header[WRITTEN_BY] != WAL:
        return path.absolute(), "mode=ro", size
    if index.exists():  # readonly_shm: neither made nor written
        return path.absolute(), "mode=ro&readonly_shm=1", size + _size(changes)
    if not _size(changes):
        return path.absolute(), "mode=ro&immutable=1", size
    size += _size(changes)
    if size > MOST_COPIED:
        raise ValueError(f"has changes in {changes.name}, and is too large to be copied: open it once in its program")
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    for file_path, name in ((path, "copy"), (changes, "copy-wal")):
        with opened(file_path) as source, (folder / name).open("wb") as target:
            shutil.copyfileobj(source, target, 2**20)
    return folder / "copy", "mode=rw", size


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() and not path.is_symlink() else 0


def _restrict(connection: sqlite3.Connection, size: int) -> None:
    """Let a connection read tables and nothing else, for as long as a file of this size can take."""
    connection.text_factory = functools.partial(str, encoding="utf-8", errors="replace")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    for pragma in ("trusted_schema = OFF", "query_only = ON", "cell_size_check = ON", "mmap_size = 0"):
        with contextlib.suppress(sqlite3.Error):  # a damaged file says so at the first query
            connection.execute(f"PRAGMA {pragma}")
    left = (STEPS + STEPS_A_BYTE * size) // EVERY

    def count() -> bool:
        nonlocal left
        left -= 1
        return left < 0

    connection.set_progress_handler(count, EVERY)


def _in_words(error: BaseException) -> str:
    """Return what is wrong with a database, for people."""
    message = join_lines(str(error))
    if "locked" in message or "busy" in message:
        return "another program writes to it: try again when it has ended"
    if "readonly" in message or "unable to open" in message:
        return "its program ended while it wrote: open it once in that program, which puts it in order"
    if message == "interrupted":
        return "damaged: gives more rows than its size can hold"
    if isinstance(error, sqlite3.Error | OverflowError | MemoryError):
        return f"damaged, or no SQLite file: {message or type(error).__name__}"
    return message
