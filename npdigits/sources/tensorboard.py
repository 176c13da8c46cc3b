"""Runs in folders of TensorBoard's event files.

A folder is a run, named by its path. What belongs to one run in several folders is joined: the sub-folder that
``SummaryWriter.add_hparams`` makes (settings and final figures, while the curves are in the folder above), those of
``add_scalars`` (one a curve), and ``train``, ``validation`` … of Keras.

Read without TensorBoard: it would bring gRPC, protobuf and werkzeug, twelve packages, for a framing of 16 bytes and
some twenty documented field numbers; its EventAccumulator takes the longer the more there is besides scalars.
"""

import itertools
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd

from npdigits.base.errors import ConfigError
from npdigits.sources.event_files import parse_event, read_records
from npdigits.sources.event_scalars import FAILURE, RUNS, Folder, Series, read_folder
from npdigits.sources.found import FAILED, FINISHED, HISTORY, RUNNING, Found
from npdigits.sources.names import settings_from_names
from npdigits.sources.tree import find_files

KIND = "TensorBoard's event files"
SPLITS = frozenset(["train", "training", "validation", "val", "valid", "test", "eval", "evaluation"])
REPLACED = (
    "Where a run was begun again in the same folder, its later values replace the earlier ones from their first step "
    "on: {:,} values, in {:,} runs"
)

_Folders = dict[PurePosixPath, Folder]


def recognizes(path: Path) -> bool:
    """Return whether this is an event file, or there is one in the folder."""
    try:
        return any(_begins_as_events(file) for file in itertools.islice(find_files(path, _is_event_file), 10))
    except OSError:
        return False


def read(path: Path) -> Found:
    """Read the runs of a folder and of the folders in it, or those of one event file.

    Raises:
        ConfigError: there is no scalar in it.
    """
    folders, outside = _read_folders(path)
    remarks: list[str] = []
    skipped = [(str(place), "a link that leads out of the source, which is not followed") for place in outside]
    for relative, folder in folders.items():
        skipped += [(str(_named(path, relative) if file == Path() else file), why) for file, why in folder.problems]
    runs = _joined(folders, remarks)
    for relative in [relative for relative, run in runs.items() if not run.series]:
        skipped.append((str(_named(path, relative)), "it has no scalars"))
        del runs[relative]
    if not runs:
        why = f": {'; '.join(f'{place}: {why}' for place, why in skipped[:3])}" if skipped else ""
        raise ConfigError(f"{path}: no scalars in {KIND}{why}")
    return _found(path, runs, remarks, skipped)


def _found(path: Path, runs: _Folders, remarks: list[str], skipped: list[tuple[str, str]]) -> Found:
    """Return what was read as one ``Found``."""
    metrics = list(dict.fromkeys(tag for run in runs.values() for tag in run.series))
    single = frozenset(
        tag for tag in metrics if any(tag in run.series and run.series[tag].single for run in runs.values())
    )
    statuses = [_status(run) for run in runs.values()]
    replaced = [run.replaced for run in runs.values() if run.replaced]
    if replaced:
        remarks.append(REPLACED.format(sum(replaced), len(replaced)))
    ordered = list(runs.values())
    return Found(
        kind=KIND,
        names=[str(_named(path, relative)) for relative in runs],
        settings=_settings(path, runs, remarks),
        metrics=metrics,
        history=lambda metric: _table([run.series.get(metric) for run in ordered]),
        last=lambda metric: [_last(run.series.get(metric)) for run in ordered],
        statuses=[status for status, _ in statuses],
        reasons=[reason for _, reason in statuses],
        single=single,
        skipped=skipped,
        remarks=remarks,
    )


def _is_event_file(name: str) -> bool:
    """Return whether a file is called as TensorBoard asks for."""
    return "tfevents" in name and not name.endswith(".profile-empty")


def _begins_as_events(path: Path) -> bool:
    """Return whether a file's first record is an event that says so: "brain.Event:2"."""
    try:
        first = next(read_records(path, [], chunk=4096), None)
        version = None if first is None else parse_event(first).version
    except (OSError, ValueError):
        return False
    return version is not None and version.startswith(b"brain.Event:")


def _read_folders(path: Path) -> tuple[_Folders, list[Path]]:
    """Return the folders that have event files, by their paths in the source, and the links that lead out of it.

    Raises:
        ConfigError: there are too many files.
    """
    outside: list[Path] = []
    files: dict[Path, list[Path]] = {}
    for file in find_files(path, _is_event_file, outside):
        files.setdefault(file.parent, []).append(file)
    root = path if path.is_dir() else path.parent
    return {PurePosixPath(folder.relative_to(root)): read_folder(those) for folder, those in files.items()}, outside


def _joined(folders: _Folders, remarks: list[str]) -> _Folders:
    """Return the runs: the folders, with those joined that belong to one run."""
    runs = dict(folders)
    splits = [relative for relative in folders if relative.name in SPLITS]
    for relative in splits:
        above = runs.setdefault(relative.parent, Folder(began=runs[relative].began))
        _join(above, runs.pop(relative), {tag: f"{relative.name}/{tag}" for tag in folders[relative].series})
    curves = {relative: names for relative in runs if (names := _names_of_add_scalars(relative, runs))}
    for relative, names in curves.items():
        _join(runs[relative.parent], runs.pop(relative), names)
    finals: dict[PurePosixPath, list[PurePosixPath]] = {}
    for relative, run in runs.items():
        if run.settings is not None and relative.parent in runs and relative.parent != relative:
            finals.setdefault(relative.parent, []).append(relative)
    kept = 0
    for parent, children in finals.items():
        _join_finals(runs, parent, children)
        kept += parent in runs and children[0] in runs
    if kept:
        remarks.append(
            "Where add_hparams was called with several settings beside one set of curves, each call is a run of its own"
        )
    if len(runs) < len(folders):
        remarks.append(
            f"{len(folders):,} folders are {len(runs):,} runs: those that loggers make for one run are joined"
        )
    return {relative: runs[relative] for relative in sorted(runs)}


def _names_of_add_scalars(relative: PurePosixPath, runs: _Folders) -> dict[str, str]:
    """Return new names of the tags in a folder that ``add_scalars`` made for one of its curves; else none.

    The folder is called as the tag ("loss"), "_" and the curve ("train"); the tag in it is "loss".
    """
    run = runs[relative]
    if run.settings is not None or relative.parent == relative or relative.parent not in runs or not run.series:
        return {}
    names = {}
    for tag in run.series:
        before = tag.replace("/", "_") + "_"
        if not relative.name.startswith(before):
            return {}
        names[tag] = f"{tag}/{relative.name[len(before) :]}"
    return names


def _join_finals(runs: _Folders, above: PurePosixPath, below: list[PurePosixPath]) -> None:
    """Join the folders of ``add_hparams`` to the one above them, if they are of one run.

    That is so where there is one, or all have the same settings and curves are above. Else each of them is a run, and
    the folder above is one only if it has curves.
    """
    parent = runs[above]
    settings = runs[below[0]].settings
    same = all(runs[relative].settings == settings for relative in below)
    if parent.settings is None and (len(below) == 1 or (same and parent.series)):
        for relative in sorted(below, key=lambda each: runs[each].began):
            child = runs.pop(relative)
            taken = {tag: f"hparams/{tag}" if tag in parent.series else tag for tag in child.series}
            _join(parent, child, taken)
    elif not parent.series:
        del runs[above]


def _join(above: Folder, below: Folder, names: Mapping[str, str]) -> None:
    """Add a folder to another one, its tags under new names."""
    for tag, series in below.series.items():
        present = above.series.setdefault(names[tag], Series())
        present.steps += series.steps
        present.values += series.values
        present.single &= series.single
    above.settings = below.settings if above.settings is None else above.settings | (below.settings or {})
    above.status = below.status or above.status
    above.replaced += below.replaced
    above.cut = above.cut or below.cut


def _named(path: Path, relative: PurePosixPath) -> Path:
    """Return the path of a run as the user finds it."""
    return path / relative if path.is_dir() else path


def _settings(path: Path, runs: _Folders, remarks: list[str]) -> list[dict[str, Any]]:
    """Return each run's settings: those of the hparams plugin; without it, those that its folder's name tells."""
    whole = [str(relative) for relative in runs]
    told = settings_from_names([name if name != "." else path.resolve().name for name in whole])
    settings = [dict(run.settings or {}) for run in runs.values()]
    if not any(run.settings is not None for run in runs.values()):
        if any(told):
            remarks.append("There are no hparams; settings are read from the names of the folders")
        return told
    lacking = [index for index, each in enumerate(settings) if "seed" not in each and "seed" in told[index]]
    for index in lacking:
        settings[index]["seed"] = told[index]["seed"]
    if lacking:
        remarks.append(f"The hparams of {len(lacking):,} runs have no seed; it is read from the names of the folders")
    return settings


def _status(run: Folder) -> tuple[str, str]:
    """Return how a run ended, and why it did not finish."""
    if run.status == FAILURE:
        return FAILED, "its hparams say that it failed"
    if run.status == RUNS:
        return RUNNING, "its hparams say that it is running"
    if run.cut:
        return RUNNING, "its last record is cut off: it was killed, or is being written"
    return FINISHED, ""


def _table(parts: list[Series | None]) -> pd.DataFrame:
    """Return the history of one metric."""
    present = [(index, part) for index, part in enumerate(parts) if part is not None]
    columns = (
        np.repeat([index for index, _ in present], [len(part.steps) for _, part in present]).astype(np.int64),
        np.concatenate([np.array(part.steps, np.float64) for _, part in present] or [np.empty(0)]),
        np.concatenate([np.array(part.values, np.float64) for _, part in present] or [np.empty(0)]),
    )
    return pd.DataFrame(dict(zip(HISTORY, columns, strict=True)))


def _last(series: Series | None) -> float:
    """Return the last value of a metric, NaN where a run lacks it."""
    return series.values[-1] if series is not None and len(series.values) else float("nan")
