"""Runs in Trackio's folder: settings, figures by epoch, tags, plots as images of the run.

Rows are written by the call by which Trackio's own importers write them, each with a ``log_id`` that is always the
same for the same epoch of the same run: a row that is there is ignored. No server is started, and none is asked.
"""

import datetime
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from npdigits.base.errors import ConfigError
from npdigits.base.files import Folder
from npdigits.base.text import join_lines
from npdigits.export.exported import Exported

MISSING = 'the package trackio is not installed: pip install "npdigits[trackio]"'
# A row of a run: the end of its log_id, the step, the figures.
Row = tuple[str, int, dict[str, Any]]


def export(target: str, runs: Sequence[Exported], project: str) -> str:
    """Write the runs into a project of a folder; return a line about it.

    Raises:
        ConfigError: the package is not installed, or Trackio refuses.
    """
    folder = Path(target).expanduser().absolute()
    os.environ["TRACKIO_DIR"] = str(folder)  # which is read when it is imported
    try:
        from trackio.sqlite_storage import SQLiteStorage
        from trackio.utils import TRACKIO_DIR
    except ImportError as error:
        raise ConfigError(f"--trackio: {MISSING}") from error
    if folder != TRACKIO_DIR:
        raise ConfigError(f"--trackio {target}: this process writes to {TRACKIO_DIR} already")
    try:
        SQLiteStorage.validate_project_name(project)
    except ValueError as error:
        raise ConfigError(f"--experiment {project}: {join_lines(str(error))}") from error
    folder.mkdir(parents=True, exist_ok=True)
    try:
        changed = sum(_write(SQLiteStorage, project, run) for run in runs)
    except sqlite3.Error as error:
        raise ConfigError(f"--trackio {target}: {join_lines(str(error))}") from error
    return f"{target}: project {project}: {len(runs)} runs, {changed} of them new or brought up to date"


def _write(storage: Any, project: str, run: Exported) -> bool:
    """Write a run, or what is missing of it; return whether anything was."""
    number, plots = f"npdigits-{run.key}", run.plots()
    told = run.digest(plots)
    config = storage.get_run_config(project, run.name, run_id=number) or {}
    if config.get("npdigits.exported") == told:
        return False
    rows = _rows(run)
    if config and not _agrees(storage.get_logs(project, run.name, run_id=number), rows):
        storage.delete_run(project, run.name, run_id=number)
    if images := _put_plots(project, run, plots):
        rows.append(("plots", rows[-1][1], images))
    time = datetime.datetime.fromtimestamp(run.ended, datetime.UTC).isoformat()
    about = {**run.settings, **{f"npdigits.{name}": value for name, value in run.tags.items()}, "_Created": time}
    storage.bulk_log(
        project,
        run.name,
        [figures for _, _, figures in rows],
        steps=[step for _, step, _ in rows],
        timestamps=[time] * len(rows),
        config={**about, "npdigits.exported": told},
        log_ids=[f"{number}-{end}" for end, _, _ in rows],
        run_id=number,
    )
    return True


def _rows(run: Exported) -> list[Row]:
    """Return a run's rows; one at least, without which Trackio would have no such run."""
    rows: list[Row] = [(str(number), number, dict(figures)) for number, figures in run.epochs]
    last = run.epochs[-1][0] if run.epochs else 0
    if run.best:
        rows.append(("best", run.best_epoch, dict(run.best)))
    if run.totals:
        rows.append(("totals", last, dict(run.totals)))
    return rows or [("begun", 0, {"epochs_run": 0.0})]


def _agrees(logged: Sequence[dict[str, Any]], rows: Sequence[Row]) -> bool:
    """Say whether what is there of a run's epochs is what it has measured."""
    if any("train_cost" not in row and set(row) - {"step", "timestamp"} == {"epochs_run"} for row in logged):
        return False  # it had no epoch, and was told of by a row that it has no more
    there = {row["step"]: row for row in logged if "train_cost" in row}
    ours = {step: figures for end, step, figures in rows if end.isdecimal()}
    return all(step in ours and row["train_cost"] == ours[step].get("train_cost") for step, row in there.items())


def _put_plots(project: str, run: Exported, plots: Sequence[tuple[str, bytes]]) -> dict[str, Any]:
    """Write the plots into the project's media; return the row by which the dashboard shows them."""
    from trackio import Image
    from trackio.media.utils import get_project_media_path
    from trackio.utils import MEDIA_DIR

    shown = {}
    folder = Path(get_project_media_path(project=project, run=run.name, step=0))
    for name, png in plots:
        Folder(folder).write_whole(f"{name}.png", png, durable=False)
        place = str((folder / f"{name}.png").relative_to(MEDIA_DIR))
        shown[f"plots/{name}"] = {"_type": Image.TYPE, "file_path": place, "caption": name}
    return shown
