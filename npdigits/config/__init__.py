"""Names that stood here before this was a package; a pickled estimator holds its configuration."""

from typing import Any


def __getattr__(name: str) -> Any:
    if name in ("Config", "DataConfig", "parse"):
        from npdigits.config import schema

        return getattr(schema, {"parse": "parse_config"}.get(name, name))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
