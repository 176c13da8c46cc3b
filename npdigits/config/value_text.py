"""A value of the configuration as text."""

import json
from typing import Any

from npdigits.base.text import join_lines
from npdigits.config.own_names import shorten


def as_cell(value: Any) -> Any:
    """Return a value of the configuration as a cell of a table: one hidden layer is its number, no scalar is text."""
    value = shorten(value)
    if isinstance(value, list | tuple):
        return value[0] if len(value) == 1 else f"[{','.join(map(str, value))}]"
    return value if isinstance(value, int | float | str) else json.dumps(value)


def short_text(value: Any) -> str:
    """Return a value as the user would type it, short and on one line."""
    if value is None or type(value) is bool:
        line = {None: "null", True: "true", False: "false"}[value]
    else:
        line = join_lines(str(value))
    return line if len(line) <= 80 else line[:77] + "…"
