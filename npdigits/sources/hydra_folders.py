"""Folders of Hydra jobs, a multirun's or single ones: .hydra/config.yaml beside a file of metrics of the user's.

Interpolations (``${oc.env:HOME}``) stay the text that they are.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from npdigits.base.errors import ConfigError
from npdigits.sources.columns import Table
from npdigits.sources.found import FAILED, FINISHED, Found
from npdigits.sources.json_files import as_float, is_number, numbers_in, read_json
from npdigits.sources.plain_yaml import MOST_BYTES as MOST_BYTES_OF_SETTINGS
from npdigits.sources.run_files import (
    LINK,
    Run,
    Series,
    Unread,
    find_runs,
    holds,
    join,
    natural,
    read_own,
    series_of,
    why,
)
from npdigits.sources.table import read_table
from npdigits.sources.values import from_text

KIND = "folders of Hydra jobs"
HYDRA, CONFIG, OVERRIDES = ".hydra", "config.yaml", "overrides.yaml"
# Names of files that hold metrics, the likeliest first; then any other of these endings.
LIKELY = tuple(
    f"{name}{ending}"
    for ending in (".csv", ".jsonl", ".json", ".tsv", ".parquet")
    for name in ("metrics", "results", "history", "log", "scores", "summary")
)
ENDINGS = (".csv", ".jsonl", ".ndjson", ".json", ".tsv", ".parquet")
# A logger's own folders lie between: csv/version_0/metrics.csv.
DEEPEST, MOST_FILES = 3, 2_000
MOST_BYTES = 2**28
MOST_LISTED = 5


def _fits(folders: set[str], files: set[str]) -> bool:
    return HYDRA in folders and "identity.json" not in files  # npdigits' own


def recognizes(path: Path) -> bool:
    """Say whether there is a job's folder at or below a folder."""
    return holds(path, _fits)


def read(path: Path) -> Found:
    """Read all jobs at and below a folder.

    Raises:
        ConfigError: there are none, or none has a file of metrics.
    """
    unread = Unread()
    folders = list(find_runs(path, _fits, skipped=unread.skipped)) if path.is_dir() else []
    if not folders:
        raise ConfigError(f"{path}: no {KIND}: none has {HYDRA}/{CONFIG}")
    candidates = [_candidates(folder, unread) for folder in folders]
    chosen, remarks = _choose(path, candidates)
    runs = [
        _read_job(folder, chosen if chosen in files else None, unread)
        for folder, files in zip(folders, candidates, strict=True)
    ]
    return join(KIND, runs, unread.skipped, [*remarks, *unread.remarks()])


def _candidates(folder: Path, unread: Unread) -> set[str]:
    """Return the files of a job that may hold metrics, from its folder on; links that are called so are noted."""
    found: set[str] = set()
    to_do = [(folder, 0)]
    while to_do and len(found) < MOST_FILES:
        place, depth = to_do.pop()
        try:
            entries = sorted(place.iterdir(), key=lambda entry: natural(entry.name))
        except OSError:
            continue
        for entry in entries[:MOST_FILES]:
            if entry.name.startswith("."):
                continue
            if entry.is_symlink():
                if entry.suffix.lower() in ENDINGS:
                    unread.skipped.append((str(entry), LINK))
                continue
            if entry.is_dir():
                if depth < DEEPEST and not (entry / HYDRA).exists():
                    to_do.append((entry, depth + 1))
            elif entry.suffix.lower() in ENDINGS:
                found.add(entry.relative_to(folder).as_posix())
    return found


def _choose(path: Path, candidates: Sequence[set[str]]) -> tuple[str, list[str]]:
    """Return which file holds the metrics: that of a likely name, else the one that most jobs have.

    Raises:
        ConfigError: there is none.
    """
    counts = Counter(name for files in candidates for name in files)
    if not counts:
        raise ConfigError(f"{path}: {len(candidates)} jobs, and none has a file of metrics: {', '.join(ENDINGS)}")

    def rank(name: str) -> tuple[int, int, int, str]:
        last = name.rpartition("/")[2].lower()
        return (LIKELY.index(last) if last in LIKELY else len(LIKELY), name.count("/"), -counts[name], name)

    names = sorted(counts, key=rank)
    remarks = [f"the metrics of each job are read from its {names[0]}"]
    if len(names) > 1:
        more = f" and {len(names) - 1 - MOST_LISTED} more" if len(names) - 1 > MOST_LISTED else ""
        remarks[0] += f"; not from {', '.join(names[1 : 1 + MOST_LISTED])}{more}"
    return names[0], remarks


def _read_job(folder: Path, metrics: str | None, unread: Unread) -> Run:
    settings = _read_settings(folder / HYDRA, unread)
    if metrics is None:
        return Run(str(folder), settings, {}, FAILED, "no file of metrics")
    file = folder / metrics
    if any(part.is_symlink() for part in (file, *file.parents) if part.is_relative_to(folder) and part != folder):
        return Run(str(folder), settings, {}, FAILED, f"{metrics} is a link")
    try:
        series = _read_series(file, unread)
    except (ConfigError, OSError, ValueError) as error:
        reason = why(error).removeprefix(f"{file}: ")
        unread.skipped.append((str(file), reason))
        return Run(str(folder), settings, {}, FAILED, f"{metrics} cannot be read")
    series = {name: values for name, values in series.items() if name not in settings}
    return Run(str(folder), settings, series, *((FINISHED, "") if series else (FAILED, f"{metrics} has no numbers")))


def _read_settings(folder: Path, unread: Unread) -> dict[str, Any]:
    """Return a job's configuration, or where it is not kept, what was typed for it."""
    if (folder / CONFIG).exists() or folder.is_symlink():
        return {} if folder.is_symlink() else unread.settings(folder / CONFIG)
    try:
        text = read_own(folder / OVERRIDES, MOST_BYTES_OF_SETTINGS).decode(errors="replace")
    except (OSError, ValueError) as error:
        unread.skipped.append((str(folder), f"no settings: {why(error)}"))
        return {}
    typed = (line.removeprefix("- ").strip().strip("'\"").lstrip("+").partition("=") for line in text.splitlines())
    return {name: from_text(value) for name, equals, value in typed if equals}


def _read_series(file: Path, unread: Unread) -> dict[str, Series]:
    """Return the metrics of a file.

    Raises:
        ConfigError, OSError, ValueError: it cannot be read.
    """
    if file.suffix.lower() == ".json":
        content = read_json(file, MOST_BYTES)
        if isinstance(content, dict):
            return _series_of_json(content)
    table: Table = read_table(file, MOST_BYTES)
    unread.add(file, table)
    return series_of(table, leave_out=("timestamp",))


def _series_of_json(content: dict[str, Any]) -> dict[str, Series]:
    """Return single numbers, and lists of numbers as histories of epochs counted from 0."""
    series: dict[str, Series] = {
        name: (np.full(1, np.nan), np.full(1, value)) for name, value in numbers_in(content, ".").items()
    }
    for name, values in content.items():
        if isinstance(values, list) and values and all(map(is_number, values)):
            series[name] = (np.arange(len(values), dtype=float), np.array([as_float(value) for value in values]))
    return series
