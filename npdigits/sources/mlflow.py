"""MLflow's stores: SQLite, or files; a folder may hold either."""

from pathlib import Path

from npdigits.base.errors import ConfigError
from npdigits.sources import mlflow_files, mlflow_sqlite
from npdigits.sources.found import Found

KIND = "MLflow's store (mlflow.db, mlruns)"
# What MLflow calls its database where nobody names one.
DATABASE = "mlflow.db"


def recognizes(path: Path) -> bool:
    """Say whether a file is MLflow's database, or a folder holds one or is a file store."""
    if path.is_dir():
        return mlflow_sqlite.recognizes(path / DATABASE) or mlflow_files.recognizes(path)
    return mlflow_sqlite.recognizes(path)


def read(path: Path) -> Found:
    """Read a store.

    Raises:
        ConfigError: it cannot be read, or a folder holds two stores.
    """
    if not path.is_dir():
        return mlflow_sqlite.read(path)
    database = path / DATABASE
    if not mlflow_sqlite.recognizes(database):
        return mlflow_files.read(path)
    if mlflow_files.recognizes(path):
        raise ConfigError(f"{path}: holds two stores of MLflow, {DATABASE} and files: name one of them")
    return mlflow_sqlite.read(database)
