"""Runs as TensorBoard's event files: a folder a run, with figures, settings (HPARAMS), tags and plots.

A run's file is written whole, under a name with a digest of what it tells of. So one that is there already is left
alone, and of a run that has gone on a new file takes the old one's place, which a TensorBoard that is looking sees.
"""

import re
import struct
from collections.abc import Sequence
from pathlib import Path

from npdigits.base.errors import ConfigError
from npdigits.base.files import Folder
from npdigits.base.lock import BusyError, take
from npdigits.export.exported import Exported
from npdigits.runs import tensorboard_records as records

# Files of ours: when the run's figures were written, and a digest of what the file tells of. TensorBoard reads the
# files of a folder in the order of their names, and forgets the later steps of a file when the next one goes back.
OURS = re.compile(r"events\.out\.tfevents\.\d{10}\.[0-9a-f]{16}\.npdigits")
DIGITS = 16
# Held while an export writes.
LOCK = ".npdigits-export.lock"
PNG = b"\x89PNG\r\n\x1a\n"


def export(target: str, runs: Sequence[Exported]) -> str:
    """Write the runs into a folder; return a line about it.

    Raises:
        ConfigError: the package is not installed.
        OSError: the folder cannot be written.
    """
    try:
        records.messages()
    except ImportError as error:
        raise ConfigError(f"--tensorboard: {records.MISSING}") from error
    top = Path(target)
    top.mkdir(parents=True, exist_ok=True)
    try:
        lock = take(top / LOCK)
    except BusyError as error:
        raise ConfigError(f"--tensorboard {target}: another export is writing there {error}".rstrip()) from error
    try:
        written = _write_all(top, runs)
    finally:
        lock.release()
    return f"{target}: {len(runs)} runs, {written} of them new or brought up to date; tensorboard --logdir {target}"


def _write_all(top: Path, runs: Sequence[Exported]) -> int:
    """Write the runs, each into its folder, which is found by the run's key; return how many were not there."""
    there = {path.name.rpartition("_")[2]: path for path in sorted(top.iterdir()) if path.is_dir()}
    return sum(_write(run, there.get(run.key, top / run.name)) for run in runs)


def _write(run: Exported, folder: Path) -> bool:
    """Write a run's file into its folder; return whether it was not there."""
    folder.mkdir(exist_ok=True)
    plots = run.plots()
    digest = run.digest(plots)[:DIGITS]
    name = f"events.out.tfevents.{max(0, int(run.ended)):010d}.{digest}.npdigits"
    files = [path for path in folder.iterdir() if OURS.fullmatch(path.name)]
    found = next((path for path in files if path.name.split(".")[-2] == digest), None)
    whole = Folder(folder)
    if found is None:
        whole.write_whole(name, _content(run, plots), durable=False)
    for path in files:
        if path != found and path.name != name:
            path.unlink()
    strays = [path.name[1:].removesuffix(".tmp").rpartition(".")[0] for path in folder.glob(".events.*.npdigits.*.tmp")]
    whole.remove_strays([stray for stray in strays if OURS.fullmatch(stray)])
    return found is None


def _content(run: Exported, plots: Sequence[tuple[str, bytes]]) -> bytes:
    """Return a run's file. All of its events have the time at which metrics.csv was last written."""
    wall, last = run.ended, max((number for number, _ in run.epochs), default=0)
    made = [
        records.head(wall),
        records.settings(run.settings, run.begun, wall),
        records.text("npdigits", records.markdown_table(run.tags.items()), wall),
        *(records.figures(number, figures, wall) for number, figures in run.epochs),
    ]
    if run.best:
        made.append(records.figures(run.best_epoch, run.best, wall))
    if run.totals:
        made.append(records.figures(last, run.totals, wall))
    for name, png in plots:
        if (size := _size(png)) is not None:
            made.append(records.image(f"plots/{name}", png, size, last, wall))
    made.append(records.end(run.status.ended, run.failed, wall))
    return b"".join(made)


def _size(png: bytes) -> tuple[int, int] | None:
    """Return width and height of a PNG; None where it is none."""
    if not png.startswith(PNG) or len(png) < 24:
        return None
    width, height = struct.unpack(">II", png[16:24])
    return width, height
