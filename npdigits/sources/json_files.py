"""JSON files of other programs: NaN and Infinity are read, as many write them; nothing in them is made an object."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from npdigits.base.strict import UTF_8
from npdigits.sources.run_files import read_own

MOST_BYTES = 2**26


def read_json(path: Path, most: int = MOST_BYTES) -> Any:
    """Return what a JSON file stands for.

    Raises:
        OSError, ValueError: it cannot be read, or is none.
    """
    try:
        return json.loads(read_own(path, most).decode(UTF_8))
    except RecursionError:
        raise ValueError("too many lists and tables within another") from None


def read_json_table(path: Path, most: int = MOST_BYTES) -> dict[str, Any]:
    """Return the table of names that a JSON file holds; errors as ``read_json``."""
    table = read_json(path, most)
    if not isinstance(table, dict):
        raise ValueError("not a JSON object")
    return table


def is_number(value: Any) -> bool:
    """Say whether a value is a number, and no boolean."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def as_float(value: float) -> float:
    """Return a number as float64; a whole number that is too large is infinite."""
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def numbers_in(table: Mapping[str, Any], separator: str) -> dict[str, float]:
    """Return the numbers of nested tables by their names."""
    numbers: dict[str, float] = {}
    to_do: list[tuple[str, Mapping[str, Any]]] = [("", table)]
    while to_do:
        prefix, part = to_do.pop()
        for name, value in part.items():
            if isinstance(value, Mapping):
                to_do.append((f"{prefix}{name}{separator}", value))
            elif is_number(value):
                numbers[f"{prefix}{name}"] = as_float(value)
    return {name: numbers[name] for name in sorted(numbers)}
