"""Aim's repositories (.aim): recognized, and not read, as the metrics are in RocksDB, which needs Aim itself."""

from pathlib import Path
from typing import NoReturn

from npdigits.base.errors import ConfigError

KIND = "Aim's repository (to be exported first)"
FOLDER, PARTS = ".aim", ("run_metadata.sqlite", "meta", "seqs")


def recognizes(path: Path) -> bool:
    """Say whether a folder is a repository, or holds one."""
    return any(all((folder / part).exists() for part in PARTS) for folder in (path, path / FOLDER))


def read(path: Path) -> NoReturn:
    """Say what to do.

    Raises:
        ConfigError: always.
    """
    raise ConfigError(
        f"{path}: Aim keeps metrics in a form that Aim alone reads: write them to a CSV with it"
        " (outputs/README.md#aim shows how), and give that"
    )
