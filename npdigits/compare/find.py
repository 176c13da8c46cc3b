"""Where run directories are: at and below some folders."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from npdigits.errors import ConfigError

# By one of these a folder is taken for a run directory.
SIGNS = {"identity.json", "summary.json", "metrics.csv"}
# Files beside the runs of a sweep that are ours, or the user's own notes.
EXPECTED = {"sweep.csv", "README.md"}


def find(paths: Iterable[str | os.PathLike[str]], warn: Callable[[str], None]) -> Iterator[Path]:
    """Yield the run directories at and below these paths, each once, in the order of their names.

    Raises:
        ConfigError: a path is not there, or no folder.
    """
    seen: set[tuple[int, int]] = set()
    foreign: list[str] = []
    for given in paths:
        if not Path(given).is_dir():
            raise ConfigError(f"{given}: {'no folder' if Path(given).exists() else 'there is no such folder'}")
        yield from _below(Path(given), seen, foreign)
    if foreign:
        more = f" and {len(foreign) - 5} more" if len(foreign) > 5 else ""
        warn(f"skipped, as not of a run: {', '.join(foreign[:5])}{more}")


def _below(folder: Path, seen: set[tuple[int, int]], foreign: list[str]) -> Iterator[Path]:
    status = folder.stat()
    if (status.st_dev, status.st_ino) in seen:  # given twice, or a link that leads round
        return
    seen.add((status.st_dev, status.st_ino))
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        foreign.append(f"{folder} ({error.strerror})")
        return
    if SIGNS & {entry.name for entry in entries}:
        yield folder
        return
    if not entries:
        foreign.append(f"{folder} (empty)")
    for entry in entries:
        if entry.is_dir():
            yield from _below(folder / entry.name, seen, foreign)
        elif not entry.name.startswith(".") and entry.name not in EXPECTED:
            foreign.append(entry.path)
