"""Optuna's storages: SQLite, or a journal."""

from pathlib import Path

from npdigits.sources import optuna_journal, optuna_sqlite
from npdigits.sources.database import is_sqlite
from npdigits.sources.found import Found

KIND = "Optuna's storage (SQLite, journal)"


def recognizes(path: Path) -> bool:
    """Say whether a file is a database or a journal of Optuna's."""
    return optuna_sqlite.recognizes(path) or optuna_journal.recognizes(path)


def read(path: Path) -> Found:
    """Read a storage.

    Raises:
        ConfigError: it cannot be read.
    """
    return optuna_sqlite.read(path) if is_sqlite(path) else optuna_journal.read(path)
