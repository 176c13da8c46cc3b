"""Settings as other programs keep them: text that stands for a number, nested tables."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

# A number as text: what Python's str and repr write of one, and JSON. No underscores, no spaces, no hexadecimals.
NUMBER = re.compile(r"[+-]?(\d+|(\d+\.\d*|\.\d+)([eE][+-]?\d+)?|\d+[eE][+-]?\d+)")
WORDS = {"True": True, "true": True, "False": False, "false": False, "None": None, "null": None}


def from_text(text: str) -> Any:
    """Return what a text stands for: a number, a boolean, None, or the text itself.

    Whole numbers with leading zeros ("007") and those over eighteen digits stay text, as two texts must not become one
    value.
    """
    if text in WORDS:
        return WORDS[text]
    if not NUMBER.fullmatch(text):
        return text
    digits = text.lstrip("+-")
    if digits.isdigit():
        return text if len(digits) > 18 or (len(digits) > 1 and digits[0] == "0") else int(text)
    value = float(text)
    return value if math.isfinite(value) else text


def flatten(table: Mapping[str, Any], separator: str = ".") -> dict[str, Any]:
    """Return a nested table as one of names with dots between: {"optimizer.lr": 0.1}; lists are texts: "[300,100]"."""
    flat: dict[str, Any] = {}
    to_do = [("", table)]
    while to_do:
        prefix, part = to_do.pop()
        for name, value in part.items():
            where = f"{prefix}{separator}{name}" if prefix else str(name)
            if isinstance(value, Mapping) and value:
                to_do.append((where, value))
            else:
                flat[where] = as_setting(value)
    return {name: flat[name] for name in sorted(flat)}


def as_setting(value: Any) -> Any:
    """Return a value as one cell: numbers, text, booleans and None as they are, a list as text without spaces."""
    if isinstance(value, str | bool | int | float) or value is None:
        return value
    if isinstance(value, Sequence):
        return f"[{','.join(str(as_setting(item)) for item in value)}]"
    return str(value)
