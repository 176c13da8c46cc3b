"""JSON files of names and values, such as identity.json and environment.json."""

import json
from pathlib import Path
from typing import Any


def as_json(table: dict[str, Any]) -> str:
    """Return the text of such a file.

    Raises:
        ValueError: a number is not finite, which JSON has no word for.
    """
    return json.dumps(table, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def read_table(path: Path) -> dict[str, Any] | None:
    """Return what such a file holds; None where it cannot be read."""
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return table if isinstance(table, dict) else None


def read_identity(path: Path) -> dict[str, Any] | None:
    """Return what a run directory's identity.json holds, None where it cannot be read."""
    return read_table(path / "identity.json")
