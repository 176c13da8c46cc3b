"""Names that stood here in version 0.1, when this was a module."""

from typing import Any


def __getattr__(name: str) -> Any:
    if name in ("Data", "Split", "data_root", "hold_out", "load"):
        from npdigits.data import sets

        return getattr(sets, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
