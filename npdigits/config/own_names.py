"""How own components are named: as they are typed, as a configuration keeps them, and by installed packages."""

import re
from collections.abc import Mapping
from typing import Any

# "swish@3fa2…": what a configuration holds in the place of a name.
MARKED = re.compile(r"([A-Za-z_]\w*)@([0-9a-f]{64})")
# Digits of the SHA-256 that are shown.
SHOWN = 8
# "swish@3fa2c1d8": as tables show it.
SHORT = re.compile(rf"[A-Za-z_]\w*@[0-9a-f]{{{SHOWN}}}")
# Installed packages offer components as entry points of these groups: npdigits.activation, npdigits.optimizer, …
GROUP = "npdigits."


def is_own(value: Any) -> bool:
    """Say whether a value names own code: ``mine.py:swish`` as typed, or ``swish@SHA-256`` as it is kept."""
    return isinstance(value, str) and (":" in value or MARKED.fullmatch(value) is not None)


def name_of(value: str) -> str:
    """Return the name of a component: "swish" of "swish@3fa2…"."""
    return value.partition("@")[0]


def without_digests(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return plain values with own components by their names alone, whatever their code."""

    def bare(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [bare(one) for one in value]
        return name_of(value) if isinstance(value, str) and MARKED.fullmatch(value) else value

    return {key: bare(value) for key, value in values.items()}


def shorten(value: Any) -> Any:
    """Return a value with eight digits in the place of a SHA-256: "swish@3fa2c1d8"."""
    if isinstance(value, list | tuple):
        return type(value)(shorten(one) for one in value)
    return MARKED.sub(lambda found: f"{found[1]}@{found[2][:SHOWN]}", value) if isinstance(value, str) else value


def find_entry_point(key: str, name: str) -> str | None:
    """Return the place of a component that an installed package offers by this name: "package.module:swish"."""
    from importlib import metadata  # a name that is no built-in's is rare

    for point in metadata.entry_points(group=f"{GROUP}{key}"):
        if point.name == name:
            return point.value
    return None
