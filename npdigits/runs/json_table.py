"""The tables of a run directory, such as identity.json and config.yaml, read as ``contents`` says."""

import json
from pathlib import Path
from typing import Any

from npdigits.base.bounded import read_bytes
from npdigits.base.errors import RunDirError
from npdigits.base.kinds import Kind
from npdigits.base.strict import parse_json, parse_yaml
from npdigits.runs.contents import CONFIG, ENVIRONMENT, IDENTITY, MOST_BYTES


def as_json(table: dict[str, Any]) -> str:
    """Return the text of a JSON file of names and values.

    Raises:
        ValueError: a number is not finite, which JSON has no word for.
    """
    return json.dumps(table, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def load_table(file: Path, kind: Kind) -> dict[str, Any]:
    """Return what a JSON file of a run directory holds, or its config.yaml.

    Raises:
        OSError: it cannot be opened.
        ValueError: it is not what a run writes; the message names the key and the value.
    """
    content = read_bytes(file, MOST_BYTES[file.name])
    table: dict[str, Any] = (parse_yaml if file.suffix == ".yaml" else parse_json)(content)
    if not isinstance(table, dict):
        raise ValueError("not a table of names and values")
    kind(table)
    return table


def load_identity(path: Path) -> dict[str, Any]:
    """Return what a run directory's identity.json holds.

    Raises:
        RunDirError: it cannot be read, or is not what a run writes.
    """
    try:
        return load_table(path / "identity.json", IDENTITY)
    except FileNotFoundError as error:
        raise RunDirError(f"{path}/identity.json: missing") from error
    except (OSError, ValueError) as error:
        raise RunDirError(f"{path}/identity.json: damaged: {error}") from error


def read_identity(path: Path) -> dict[str, Any] | None:
    """Return what a run directory's identity.json holds, None where it cannot be read."""
    try:
        return load_identity(path)
    except RunDirError:
        return None


def load_config(path: Path) -> dict[str, Any]:
    """Return what a run directory's config.yaml holds; ``former.parse_run_config`` says whether a key allows its value.

    Raises:
        OSError: it cannot be opened.
        ValueError: it is not of the form that a run writes.
    """
    try:
        return load_table(path / "config.yaml", CONFIG)
    except ValueError as error:
        raise ValueError(f"config.yaml: {error}") from error


def read_environment(path: Path) -> dict[str, Any] | None:
    """Return what a run directory's environment.json holds, None where it cannot be read."""
    try:
        return load_table(path / "environment.json", ENVIRONMENT)
    except (OSError, ValueError):
        return None
