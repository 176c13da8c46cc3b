"""``track=tensorboard``: the run's settings and figures as TensorBoard's event file, while it trains.

It listens to the run's events. That it fails is one warning, and costs the run nothing.
"""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from npdigits.base.bounded import read_bytes
from npdigits.base.errors import ConfigError
from npdigits.base.files import Folder
from npdigits.config.schema import Config
from npdigits.runs import tensorboard_records
from npdigits.runs.events import Listener
from npdigits.runs.summary import Status
from npdigits.runs.tracked import best_figures, figures_of, settings_of

if TYPE_CHECKING:
    from npdigits.runs.record import RunRecord
    from npdigits.training.state import Epoch

FOLDER = "tensorboard"
# One file a run, always of this name: TensorBoard wants "tfevents" in it.
FILE = "events.out.tfevents.npdigits"
# The figures of 100,000 epochs take 40 MB.
MOST_BYTES = 1 << 30


def require_tracker(configs: Iterable[Config]) -> None:
    """Refuse configurations that ask for a tracker whose package is not installed.

    Raises:
        ConfigError: says what to install.
    """
    wanted = {config.track for config in configs} - {None}
    found = importlib.util.find_spec("tensorboard") if wanted else None
    if wanted and (found is None or found.origin is None):  # a folder of that name is no package
        raise ConfigError(f"track=tensorboard: {tensorboard_records.MISSING}")


def trackers(config: Config) -> list[Listener]:
    """Return the listeners that a configuration asks for."""
    return [TensorBoard()] if config.track else []


class TensorBoard(Listener):
    """Writes RUN/tensorboard/, a record an epoch."""

    def __init__(self) -> None:
        self._file: int | None = None

    def begun(self, run: RunRecord) -> None:
        """Write the file anew, up to where the run stands: a killed run's may tell of epochs that are done again."""
        now, folder = time.time(), run.path / FOLDER
        folder.mkdir(exist_ok=True)
        if folder.is_symlink():
            raise OSError(f"{folder}: a link, which nothing is written through")
        started, records = _kept(folder / FILE, len(run.state.history)) or (
            now,
            [tensorboard_records.figures(epoch.epoch, figures_of(epoch), now) for epoch in run.state.history],
        )
        about = tensorboard_records.settings(settings_of(run.identity, run.summary.data), started, now)
        content = b"".join([tensorboard_records.head(started), about, *records])
        whole = Folder(folder)
        whole.write_whole(FILE, content, durable=False)
        whole.remove_strays([FILE])  # the run's lock is held
        self._file = os.open(folder / FILE, os.O_WRONLY | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0))

    def epoch_ended(self, run: RunRecord, epoch: Epoch) -> None:
        self._write(tensorboard_records.figures(epoch.epoch, figures_of(epoch), time.time()))

    def ended(self, run: RunRecord) -> None:
        summary, now = run.summary, time.time()
        if best := best_figures(summary):
            self._write(tensorboard_records.figures(summary.best_epoch or 0, best, now))
        failed = summary.status in (Status.DIVERGED, Status.FAILED)
        self._write(tensorboard_records.end(summary.status.ended, failed, now))
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _write(self, content: bytes) -> None:
        """Append a record, which the system has when this returns."""
        while content and self._file is not None:
            content = content[os.write(self._file, content) :]


def _kept(file: Path, n: int) -> tuple[float, list[bytes]] | None:
    """Return when a file was begun, and its records of n epochs; None where it does not tell of each of these once."""
    try:
        records = list(tensorboard_records.read_records(read_bytes(file, MOST_BYTES)))
    except Exception:  # no file, or none of ours: it is written anew
        return None
    kept: list[bytes] = []
    for record, event in records:
        if event.step == len(kept) + 1 <= n and any(value.HasField("simple_value") for value in event.summary.value):
            kept.append(record)
    return (records[0][1].wall_time, kept) if n and len(kept) == n else None
