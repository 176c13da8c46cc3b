"""Writing a run's files while it trains, in an order that no crash can make inconsistent."""

import re
import time
from types import TracebackType
from typing import Any

import yaml

from npdigits.base.arrays import Array
from npdigits.base.errors import MovedError
from npdigits.base.files import Appended
from npdigits.base.npz import npz
from npdigits.config.identity import differences
from npdigits.config.own_names import name_of
from npdigits.runs import checkpoint, kept_code, metrics
from npdigits.runs.checkpoint import Checkpoint
from npdigits.runs.hold import Hold
from npdigits.runs.json_table import as_json, read_environment
from npdigits.runs.layout import BEST, DISTORTED, DOUBT, LAST, LOG, LOG_LINE, PREVIOUS, more_sizes, result_sizes
from npdigits.runs.record import RunRecord
from npdigits.runs.summary import Summary
from npdigits.training.own_metrics import columns
from npdigits.training.state import Epoch, State

# A checkpoint is written at an epoch's end once this many times the last one's cost has passed: 2 % of the time.
CADENCE = 50
# How metrics.csv begins, to which lines are added.
METRICS_LINE = re.compile(re.escape(metrics.header().strip().encode()))


class Cadence:
    """Decides when the next checkpoint is due: the longer the last one took, the later."""

    def __init__(self) -> None:
        self._cost = 0.0
        self._written = time.perf_counter()

    def due(self, now: float) -> bool:
        """Return whether a checkpoint is due at this reading of ``time.perf_counter``."""
        return now - self._written >= CADENCE * self._cost

    def wrote(self, begun: float) -> None:
        """Note that a checkpoint was written whose writing began at this reading."""
        self._written = time.perf_counter()
        self._cost = self._written - begun


class RunWriter:
    """Writes one run's files into its directory, which this process alone holds until ``close``.

    Attributes:
        path: the directory.
        hold: the lock on the directory, through which every file is written.
        found: the summary that the directory held when it was claimed; None for a new run.
        kept: the last checkpoint of the run that goes on, or None.
    """

    def __init__(self, hold: Hold, found: Summary | None = None, kept: Checkpoint | None = None) -> None:
        self.path, self.hold, self.found, self.kept = hold.path, hold, found, kept
        self._metrics: Appended | None = None
        self._best_epoch = 0
        self._last_epoch = 0
        self._cadence = Cadence()

    def __enter__(self) -> "RunWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close metrics.csv and release the directory."""
        if self._metrics:
            self._metrics.close()
            self._metrics = None
        self.hold.release()

    def start(self, run: RunRecord, overrides: list[str], environment: dict[str, Any]) -> None:
        """Write every file that is known before the next epoch, and open metrics.csv.

        Of a run that goes on most are there: one that is the same is left, as to have each of them on the disk takes
        more time than an epoch of a small run.
        """
        if run.state.history and self.kept and differences(self.kept.identity, run.identity):
            self._write_last(run)  # a run that is to be longer: its checkpoint is written first
        self._write_if_other("identity.json", as_json(run.identity))
        self.write_summary(run.summary)
        self.hold.make("checkpoints")
        kept_code.keep(self.hold, run.config.own)
        self._write_if_other("config.yaml", yaml.safe_dump(run.config.as_dict(), sort_keys=False, allow_unicode=True))
        if not (self.path / "overrides.yaml").exists():
            self.write("overrides.yaml", yaml.safe_dump(overrides, allow_unicode=True))
        self._write_if_other("environment.json", as_json(environment))
        self._write_best(run.state, run.summary.identity)
        self._write_if_other(
            "metrics.csv",
            metrics.format_metrics(run.state.history, columns([name_of(metric) for metric in run.config.metrics])),
        )
        self._metrics = Appended(self.hold, "metrics.csv", METRICS_LINE)

    def append(self, epoch: Epoch) -> None:
        """Append an epoch's row to metrics.csv; the system has it when this returns."""
        assert self._metrics is not None, "start() comes first"
        self._metrics.write(metrics.format_row(epoch))

    def open_log(self) -> Appended:
        """Open train.log to add to it."""
        return Appended(self.hold, LOG, LOG_LINE)

    def checkpoint_if_due(self, run: RunRecord) -> None:
        """Write a checkpoint if enough time has passed since the last one (``CADENCE``)."""
        begun = time.perf_counter()
        if self._cadence.due(begun):
            self._write_checkpoint(run, begun)

    def checkpoint(self, run: RunRecord, final: bool = False) -> None:
        """Write last.npz, keeping its predecessor, best.npz and summary.json.

        Args:
            run: where it stands.
            final: make the predecessor a copy of last.npz.
        """
        self._write_checkpoint(run, time.perf_counter(), final)

    def pause(self, run: RunRecord) -> None:
        """Write a checkpoint, unless this epoch's is there, and summary.json, with the sizes of all files."""
        begun = time.perf_counter()
        if self._last_epoch != len(run.state.history):
            self._write_last(run)
        self._write_best(run.state, run.summary.identity)
        run.update(sizes=result_sizes(self.path), more_sizes=more_sizes(self.path))
        self.write_summary(run.summary)
        self._cadence.wrote(begun)

    def _write_checkpoint(self, run: RunRecord, begun: float, final: bool = False) -> None:
        self._write_last(run, final)
        self._write_best(run.state, run.summary.identity)
        self.write_summary(run.summary)
        self._cadence.wrote(begun)

    def _write_last(self, run: RunRecord, final: bool = False) -> None:
        content = checkpoint.pack(run.state, run.identity, run.summary.data)
        if (self.path / LAST).exists():
            self.hold.keep_as(LAST, PREVIOUS)
        self.write(LAST, content)
        self._last_epoch = len(run.state.history)
        if final:
            self.write(PREVIOUS, content)

    def _write_best(self, state: State, identity: str) -> None:
        if state.best_epoch is not None and state.best_epoch.epoch != self._best_epoch:
            self._write_if_other(BEST, checkpoint.pack_best(state, identity))
            self._best_epoch = state.best_epoch.epoch

    def write_predictions(self, arrays: dict[str, Array]) -> None:
        """Write predictions.npz."""
        self.write("predictions.npz", npz(arrays))

    def write_doubt(self, arrays: dict[str, Array]) -> None:
        """Write doubt.npz."""
        self.write(DOUBT, npz(arrays))

    def write_distorted(self, arrays: dict[str, Array]) -> None:
        """Write distorted.npz."""
        self.write(DISTORTED, npz(arrays))

    def write_summary(self, summary: Summary) -> None:
        """Write summary.json."""
        self.write("summary.json", summary.json())

    def write(self, name: str, content: bytes | str) -> None:
        """Write a file of the directory whole.

        Raises:
            MovedError: the directory is not where it was.
        """
        self.hold.write_whole(name, content)

    def _write_if_other(self, name: str, content: bytes | str) -> None:
        self.hold.write_if_other(name, content)

    def check(self) -> None:
        """Check that the directory has not been moved or replaced.

        Raises:
            MovedError: it is not.
        """
        self.hold.check()

    def can_still_write(self, error: Exception) -> bool:
        """Return whether the directory can be written after this error; one that was moved is followed if possible."""
        return not isinstance(error, MovedError) or self.hold.follow()

    def environment(self) -> dict[str, Any]:
        """Return what environment.json holds, nothing where it cannot be read."""
        return read_environment(self.path) or {}
