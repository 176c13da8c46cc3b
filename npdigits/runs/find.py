"""Where run directories are: at and below some folders."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from npdigits.base.errors import ConfigError
from npdigits.base.targets import SIGNS

# What is read of a run: to open a pipe of such a name would wait for ever.
READ = {*SIGNS, "environment.json", "predictions.npz"}
# Beside the runs of a sweep lie its table, what comparisons were written to, and the user's notes.
EXPECTED = (".csv", ".md", ".tex", ".json", ".html", "race.png")


def find_runs(paths: Iterable[str | os.PathLike[str]], warn: Callable[[str], None]) -> Iterator[Path]:
    """Yield the run directories at and below these paths, each once, in the order of their names.

    Raises:
        ConfigError: a path is not there, or no folder.
    """
    seen: set[tuple[int, int]] = set()
    foreign: list[str] = []
    for given in paths:
        if not Path(given).is_dir():
            raise ConfigError(f"{given}: {'no folder' if Path(given).exists() else 'there is no such folder'}")
        yield from _find_below(Path(given), seen, foreign)
    if foreign:
        more = f" and {len(foreign) - 5} more" if len(foreign) > 5 else ""
        warn(f"skipped, as not of a run: {', '.join(foreign[:5])}{more}")


def holds_run(folder: Path) -> bool:
    """Say whether there is a run directory of npdigits at or below a folder, and not only one with a metrics.csv."""
    return any((run / "identity.json").exists() for run in _find_below(folder, set(), []))


def _find_below(top: Path, seen: set[tuple[int, int]], foreign: list[str]) -> Iterator[Path]:
    to_do = [top]  # the next one last: folders may lie deeper than Python can call
    while to_do:
        folder = to_do.pop()
        status = folder.stat()
        if (status.st_dev, status.st_ino) in seen:  # given twice, or a link that leads round
            continue
        seen.add((status.st_dev, status.st_ino))
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            foreign.append(f"{folder} ({error.strerror})")
            continue
        if odd := [entry.path for entry in entries if entry.name in READ and not _says(entry.is_file)]:
            foreign += [f"{path} (not a file)" for path in odd]
        elif SIGNS & {entry.name for entry in entries}:
            yield folder
        else:
            if not entries:
                foreign.append(f"{folder} (empty)")
            to_do += [folder / entry.name for entry in reversed(entries) if _says(entry.is_dir)]
            foreign += [entry.path for entry in entries if not _says(entry.is_dir) and not _is_expected(entry.name)]


def _says(kind: Callable[[], bool]) -> bool:
    """Ask an entry of a folder what it is; one that cannot tell, as a link to itself, is nothing of the kind."""
    try:
        return kind()
    except OSError:
        return False


def _is_expected(name: str) -> bool:
    return name.startswith(".") or name.endswith(EXPECTED)
