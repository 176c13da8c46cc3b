"""Logs of training with a file a run, as Keras' CSVLogger writes them: training.log.

Such a log holds no settings. They are taken from the names of its folders and of the file where these name them
(lr-0.1_seed-3, lr=0.1,seed=3); else the file's name is the one setting, ``run``.

A fit that appends to a log (``append=True``) counts its epochs from 0 again, and writes the metrics that it has under
the names that stand there. That is seen where their number differs.
"""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from npdigits.base.errors import ConfigError
from npdigits.sources.columns import Column, Table
from npdigits.sources.epochs import SEED, find_names
from npdigits.sources.found import Found
from npdigits.sources.names import settings_from_names
from npdigits.sources.run_files import (
    FOLDERS_TO_RECOGNIZE,
    MOST_BYTES,
    MOST_FOLDERS,
    Run,
    join,
    name_links,
    series_of,
    walk,
)
from npdigits.sources.run_files import natural as by_number
from npdigits.sources.text_table import head_of, read_text_table

KIND = "training logs with a file a run (Keras' CSVLogger)"
EPOCH = "epoch"
ENDINGS = (".log", ".csv", ".tsv")
# What stands beside the logs of other programs.
OTHERS_FILES, OTHERS_FOLDERS = {"hparams.yaml", "identity.json", "run.json"}, {".hydra"}
# Files whose first line is read to find out what a folder is.
MOST_TRIED = 50


def recognizes(path: Path) -> bool:
    """Say whether a file, or one at or below a folder, is a log: its first column is the epoch, and none names runs."""
    if not path.is_dir():
        beside = {name for name in (*OTHERS_FILES, *OTHERS_FOLDERS) if (path.parent / name).exists()}
        return not beside and _is_log(path)
    return any(map(_is_log, itertools.islice(_find_files(path, FOLDERS_TO_RECOGNIZE), MOST_TRIED)))


def _is_log(path: Path) -> bool:
    head = [name.strip() for name in head_of(path)]
    return len(head) > 1 and head[0] == EPOCH and not find_names(head) and not any(map(SEED.fullmatch, head))


def _find_files(path: Path, most: int, links: list[Path] | None = None) -> Iterator[Path]:
    """Yield the files at and below a folder that may be logs."""
    for folder, folders, files in walk(path, most, links):
        if OTHERS_FILES & files or OTHERS_FOLDERS & folders:
            continue
        for name in sorted(files, key=by_number):
            if name.lower().endswith(ENDINGS):
                yield folder / name


def _find_logs(path: Path, skipped: list[tuple[str, str]]) -> list[Path]:
    """Return the logs at and below a folder; what is called so and is none, or is a link, goes to ``skipped``."""
    links: list[Path] = []
    files = {file: _is_log(file) for file in _find_files(path, MOST_FOLDERS, links)}
    skipped += name_links(links, path, lambda link: link.name.lower().endswith(ENDINGS))
    names = {file.name for file, is_log in files.items() if is_log}
    torn = [file for file, is_log in files.items() if not is_log and file.name in names]
    skipped += [(str(file), "its first line has no column epoch") for file in torn]
    return [file for file, is_log in files.items() if is_log]


def read(path: Path) -> Found:
    """Read one log, or all at and below a folder.

    Raises:
        ConfigError: there is none.
    """
    runs: list[Run] = []
    skipped: list[tuple[str, str]] = []
    remarks: list[str] = []
    for file in _find_logs(path, skipped) if path.is_dir() else [path]:
        try:
            table = read_text_table(file, MOST_BYTES)
        except ConfigError as error:
            skipped.append((str(file), str(error).removeprefix(f"{file}: ")))
            continue
        if EPOCH not in table.columns or table.columns[EPOCH].numbers is None:
            skipped.append((str(file), "no column epoch of numbers"))
            continue
        if table.wider:  # what a run ended with is not known
            skipped.append(
                (str(file), "a later fit appended rows of other metrics, which Keras writes under the old names")
            )
            continue
        skipped += table.skipped
        remarks += table.remarks
        kept = without_superseded(table, EPOCH)
        if kept.n < table.n:
            remarks.append(
                f"{file}: was appended to: {table.n - kept.n} rows of epochs that were done again do not count"
            )
        runs.append(Run(str(file), {}, series_of(kept, EPOCH)))
    if not runs and not skipped:
        raise ConfigError(f"{path}: no {KIND}")
    remarks.insert(0, name_settings(runs, [_name_below(path, Path(run.name)) for run in runs]))
    return join(KIND, runs, skipped, remarks)


def _name_below(path: Path, file: Path) -> str:
    """Return the names of a log and of its folders below a path, and of the folder that was given."""
    parts = file.with_suffix("").parts
    first = len(path.parts) - (2 if path == file else 1)
    return "/".join(parts[max(0, first) :])


def name_settings(runs: list[Run], names: Sequence[str]) -> str:
    """Give runs the settings that their names tell, or else the names as one; return what a user should know of it.

    Args:
        runs: without settings.
        names: of them, in which settings may stand.
    """
    found = settings_from_names(names)
    for run, settings in zip(runs, found, strict=True):
        run.settings = settings
    if any(found):
        keys = dict.fromkeys(key for settings in found for key in settings)
        return f"the files hold no settings; taken from their names: {', '.join(keys)}"
    for run in runs:
        run.settings = {"run": run.name}
    return "the files hold no settings, and their names tell none (lr-0.1_seed-3): each is a configuration of its own"


def without_superseded(table: Table, step: str) -> Table:
    """Return a table without the rows whose epochs were done again: where the step goes back, those from there on."""
    column = table.columns.get(step)
    if column is None or column.numbers is None or not table.n:
        return table
    # From behind: a row counts if no later one has its step or a smaller one.
    later = np.minimum.accumulate(column.numbers[::-1])[::-1]
    kept = np.r_[column.numbers[:-1] < later[1:], True]
    if kept.all() or np.isnan(column.numbers).any():
        return table
    columns = {
        name: Column(one.codes[kept], one.values, None if one.numbers is None else one.numbers[kept], one.blank[kept])
        for name, one in table.columns.items()
    }
    return Table(columns, int(kept.sum()), table.skipped, table.remarks)
