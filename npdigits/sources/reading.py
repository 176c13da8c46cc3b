"""Which program wrote a file or folder, by its content, and reading it."""

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

from npdigits.base.errors import ConfigError
from npdigits.sources.found import Found

# name for --as -> the module of the reader, in the order in which they are asked. A reader has
#   KIND: in words, for messages;
#   recognizes(path) -> bool: by content, quickly, of a file or a folder; raises nothing;
#   read(path) -> Found: raises ConfigError with one line where the source as a whole cannot be read.
READERS: dict[str, str] = {
    "mlflow": "mlflow",
    "optuna": "optuna",
    "trackio": "trackio",
    "aim": "aim",
    "tensorboard": "tensorboard",
    "wandb": "wandb",
    "lightning": "lightning_csv",
    "sacred": "sacred",
    "hydra": "hydra_folders",
    "dvclive": "dvclive",
    "cv_results": "cv_results",
    "wandb-csv": "wandb_csv",
    "keras": "keras_csv",
    "table": "table",
}
# What is read as nothing else: other programs' files are tables as well.
REST = "table"


def readers() -> dict[str, ModuleType]:
    """Return the readers by their names, imported."""
    return {name: importlib.import_module(f"npdigits.sources.{module}") for name, module in READERS.items()}


def is_known(path: Path) -> bool:
    """Say whether a reader recognizes a file or folder."""
    return any(reader.recognizes(path) for reader in readers().values())


def read_sources(paths: Sequence[str], kind: str | None, note: Callable[[str], None]) -> list[Found]:
    """Read files and folders of other programs.

    Args:
        paths: of the sources.
        kind: a name of ``READERS``; None is what the content tells.
        note: is told what else there is at a path that two programs wrote to.

    Raises:
        ConfigError: a path is not there, is recognized by no reader, or cannot be read.
    """
    return [read_source(Path(path), kind, note) for path in paths]


def read_source(path: Path, kind: str | None, note: Callable[[str], None]) -> Found:
    """Read one file or folder; the arguments and errors are those of ``read_sources``."""
    if not path.exists():
        raise ConfigError(f"{path}: there is no such folder or file")
    known = readers()
    if kind is not None:
        return known[kind].read(path)  # type: ignore[no-any-return]
    fits = [name for name, reader in known.items() if reader.recognizes(path)]
    fits = [name for name in fits if name != REST] or fits
    if not fits and path.is_file() and not path.stat().st_size:
        raise ConfigError(f"{path}: is empty")
    if not fits:
        raise ConfigError(f"{path}: no results that are known; read are {', '.join(r.KIND for r in known.values())}")
    if len(fits) > 1:
        others = ", ".join(f"{known[name].KIND} (--as {name})" for name in fits[1:])
        note(f"{path}: read as {known[fits[0]].KIND}; there is also {others}")
    return known[fits[0]].read(path)  # type: ignore[no-any-return]
