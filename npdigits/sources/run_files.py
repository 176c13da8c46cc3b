"""Sources that keep a folder or a file for each run: finding them, and joining what was read of each."""

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from npdigits.base.bounded import read_bytes
from npdigits.base.errors import ConfigError
from npdigits.sources.columns import Table
from npdigits.sources.epochs import find_step
from npdigits.sources.found import FINISHED, HISTORY, Found
from npdigits.sources.plain import is_single
from npdigits.sources.plain_yaml import MOST_BYTES as MOST_BYTES_OF_SETTINGS
from npdigits.sources.plain_yaml import read_settings

Numbers = npt.NDArray[np.float64]
# Steps and values of a metric.
Series = tuple[Numbers, Numbers]
# Of a run's own files. A log of ten metrics over a million steps is smaller.
MOST_BYTES = 2**28
# Folders within folders that are looked into, and how many of them; fewer to find out what a source is.
DEEPEST, MOST_FOLDERS, FOLDERS_TO_RECOGNIZE = 8, 200_000, 2_000
# Names of settings that are listed.
MOST_LISTED = 8


@dataclass
class Run:
    """What was read of one run.

    Attributes:
        name: its path.
        settings: name -> value.
        series: metric -> steps and values, in the order in which they were written.
        status: one of found.STATUSES.
        reason: why it did not finish.
    """

    name: str
    settings: Mapping[str, Any]
    series: Mapping[str, Series] = field(default_factory=dict)
    status: str = FINISHED
    reason: str = ""


def join(
    kind: str, runs: Sequence[Run], skipped: Sequence[tuple[str, str]], remarks: Sequence[str] = (), **more: Any
) -> Found:
    """Return runs as one ``Found``; ``more`` are further fields of it."""
    metrics = list(dict.fromkeys(name for run in runs for name in run.series))

    def history(metric: str) -> pd.DataFrame:
        parts = [(i, *run.series[metric]) for i, run in enumerate(runs) if metric in run.series]
        columns = (
            np.concatenate([np.full(len(values), i, dtype=np.intp) for i, _, values in parts] or [np.zeros(0, int)]),
            np.concatenate([steps for _, steps, _ in parts] or [np.zeros(0)]),
            np.concatenate([values for _, _, values in parts] or [np.zeros(0)]),
        )
        return pd.DataFrame(dict(zip(HISTORY, columns, strict=True)))

    has_steps = any(np.isfinite(steps).any() for run in runs for steps, _ in run.series.values())
    single = frozenset(name for name in metrics if is_single(history(name).value.to_numpy(float)))
    return Found(
        kind=kind,
        names=[run.name for run in runs],
        settings=[run.settings for run in runs],
        metrics=metrics,
        history=history,
        statuses=[run.status for run in runs],
        reasons=[run.reason for run in runs],
        has_steps=has_steps,
        single=single,
        skipped=tuple(dict.fromkeys(skipped)),
        remarks=tuple(remarks),
        **more,
    )


def series_of(table: Table, step: str | None = None, leave_out: Sequence[str] = ()) -> dict[str, Series]:
    """Return the columns of numbers of one run's own table as histories; blank cells are no values.

    Args:
        table: a row an epoch, or a row alone.
        step: the column that counts; None is one whose name says so.
        leave_out: columns that are no metrics.
    """
    step = find_step(table.columns) if step is None else step
    counted = table.columns[step].numbers if step is not None else None
    # Where nothing counts, the rows do; a single row has no step.
    steps = np.arange(table.n, dtype=float) if counted is None else counted
    if counted is None and table.n == 1:
        steps = np.full(1, np.nan)
    series = {}
    for name, column in table.columns.items():
        if name == step or name in leave_out or column.numbers is None:
            continue
        there = ~column.blank & np.isfinite(steps) | (~column.blank & (counted is None))
        if there.any():
            series[name] = (steps[there], column.numbers[there])
    return series


def walk(
    path: Path, most: int = MOST_FOLDERS, links: list[Path] | None = None
) -> Iterator[tuple[Path, set[str], set[str]]]:
    """Yield folders with the names of the folders and files in them, version_2 before version_10; no links.

    Args:
        path: of the first folder.
        most: folders that are looked into.
        links: is told what links there are.
    """
    to_do, n = [(path, 0)], 0
    while to_do and n < most:
        folder, depth = to_do.pop()
        n += 1
        folders: set[str] = set()
        files: set[str] = set()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_symlink():
                        if links is not None:
                            links.append(folder / entry.name)
                        continue
                    (folders if entry.is_dir() else files).add(entry.name)
        except OSError:
            continue
        yield folder, folders, files
        if depth < DEEPEST:
            to_do += [(folder / name, depth + 1) for name in sorted(folders, key=natural, reverse=True)]


Fits = Callable[[set[str], set[str]], bool]


def find_runs(
    path: Path, fits: Fits, most: int = MOST_FOLDERS, skipped: list[tuple[str, str]] | None = None
) -> Iterator[Path]:
    """Yield the folders at and below a path that hold a run, as ``fits`` says from the names of folders and files.

    Links to folders out of the source are added to ``skipped``, and those without which a folder holds no run.
    """
    links: list[Path] = []
    for folder, folders, files in walk(path, most, links):
        if fits(folders, files):
            yield folder
        linked = {link.name for link in links if link.parent == folder}
        if skipped is not None and linked:
            lacking = not fits(folders, files) and fits(folders | linked, files | linked)
            needed = {n for n in linked if not fits(folders | linked - {n}, files | linked - {n})} if lacking else set()
            skipped += name_links(links, path, lambda link, needed=needed: link.name in needed)  # type: ignore[misc]
        links.clear()


LINK = "a link, which is not followed"


def name_links(links: Sequence[Path], root: Path, fits: Callable[[Path], bool]) -> list[tuple[str, str]]:
    """Return which links were not followed: those to folders out of the source, and those that ``fits`` chooses.

    A folder within the source is read where it lies.
    """
    return [(str(link), LINK) for link in sorted(links) if fits(link) or (link.is_dir() and not is_within(link, root))]


def is_within(link: Path, root: Path) -> bool:
    """Say whether what a link leads to lies in a folder; a link that leads in circles does not."""
    try:
        return link.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):
        return False


def no_runs(path: Path, kind: str, skipped: Sequence[tuple[str, str]]) -> ConfigError:
    """Return the error for a source without runs, which names a link if there is one."""
    link = next((f": {place} is {why}" for place, why in skipped if why == LINK), "")
    return ConfigError(f"{path}: no run of {kind}{link}")


def holds(path: Path, fits: Fits) -> bool:
    """Say whether there is a run at or below a folder; quickly, and not where npdigits itself wrote."""
    return path.is_dir() and next(find_runs(path, fits, FOLDERS_TO_RECOGNIZE), None) is not None


def natural(name: str) -> list[tuple[int, str]]:
    """Return a key that sorts numbers within names by their value."""
    parts = re.split(r"(\d+)", name)
    return [(int(part), "") if part.isascii() and part.isdigit() and len(part) < 19 else (-1, part) for part in parts]


def read_own(path: Path, most: int = MOST_BYTES) -> bytes:
    """Return the content of a file of a run, which no link may stand for.

    Raises:
        OSError, ValueError: it cannot be read.
    """
    if path.is_symlink():
        raise ValueError(LINK)
    return read_bytes(path, most)


class Unread:
    """What was not read of all runs: files, settings that are not plain (named once), columns of their tables."""

    def __init__(self) -> None:
        """Start without any."""
        self.names: dict[str, int] = {}
        self.skipped: list[tuple[str, str]] = []
        self.said: list[str] = []

    def settings(self, path: Path) -> dict[str, Any]:
        """Return the settings of a YAML file, {} where there is none; what is not plain is noted."""
        try:
            content = read_own(path, MOST_BYTES_OF_SETTINGS)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            self.skipped.append((str(path), why(error)))
            return {}
        try:
            settings, unread = read_settings(content)
        except ValueError as error:
            self.skipped.append((str(path), f"its settings cannot be read: {why(error)}"))
            return {}
        self.note(unread)
        return settings

    def add(self, path: Path, table: Table) -> None:
        """Add what a table, a file of a run, says of what was not read of it."""
        self.skipped += table.skipped
        self.said += [f"{path.parent.name}/{remark}" for remark in table.remarks]

    def note(self, names: Sequence[str]) -> None:
        """Note settings that were left out."""
        for name in names:
            self.names[name] = self.names.get(name, 0) + 1

    def remarks(self) -> list[str]:
        """Return what a user should know of them."""
        if not self.names:
            return self.said
        listed = ", ".join(list(self.names)[:MOST_LISTED])
        more = f" and {len(self.names) - MOST_LISTED} more" if len(self.names) > MOST_LISTED else ""
        return [*self.said, f"settings that are no plain values are left out: {listed}{more}"]


def why(error: Exception) -> str:
    """Return what is wrong with a file, in one line."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split())[:200]
