"""The run directory: everything that a run leaves, written so that what is there can be trusted."""

import csv
import dataclasses
import datetime
import io
import json
import math
import time
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import yaml
from filelock import FileLock, Timeout

from npdigits.config import Config
from npdigits.errors import RunDirError
from npdigits.files import npz, write_whole
from npdigits.memory import Array
from npdigits.network import Parameters
from npdigits.state import Epoch, State

COLUMNS = [column.name for column in dataclasses.fields(Epoch)]
# A checkpoint is written at an epoch's end once this many times the last one's cost has passed: 2 % of the time.
CADENCE = 50
# The statuses of a run that will not go on.
ENDED = ("finished", "diverged")
# What plots/ holds once it is complete; named here so that looking needs no matplotlib.
PLOTS = ("cost", "accuracy", "gap", "learning_rate", "confusion", "mistakes", "weights")


class RunDir:
    """One run's directory, held by this process alone from ``claim`` to ``close``.

    Attributes:
        path: the directory.
        summary: what summary.json held when the directory was claimed; None where nothing was there.
    """

    def __init__(self, path: Path, lock: FileLock | None, summary: dict[str, Any] | None) -> None:
        self.path = path
        self.summary = summary
        self._lock = lock
        self._metrics: TextIO | None = None
        self._checkpoint_cost = 0.0
        self._checkpoint_time = time.perf_counter()

    @classmethod
    def claim(cls, path: Path | None, outputs: Path, identity: str) -> "RunDir":
        """Take a directory for the run of this identity.

        Args:
            path: the directory, new, empty or of the same run; None makes ``outputs/<date>/<time>``, which is new.
            outputs: where runs land by default.
            identity: of the run.

        Raises:
            RunDirError: it cannot be made or written, another process holds it, or something else is there.
        """
        if path is not None and (ended := _ended_already(path, identity)):
            return cls(path, None, ended)  # only read, so that it may be read-only
        try:
            if path is None:
                path = _new_directory(outputs)
            else:
                path.mkdir(parents=True, exist_ok=True)
            locked_before = (path / ".lock").exists()
            lock = FileLock(path / ".lock")
            lock.acquire(timeout=0)
        except Timeout:
            raise RunDirError(f"out={path}: another process is writing this run") from None
        except OSError as error:
            raise RunDirError(f"out={error.filename or path}: cannot be written: {error.strerror}") from error
        try:
            return cls(path, lock, _summary_of_same_run(path, identity))
        except BaseException:
            lock.release()
            if not locked_before:  # what is not ours is left as it was
                (path / ".lock").unlink(missing_ok=True)
            raise

    def __enter__(self) -> "RunDir":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the directory. The lock's file stays: who had it open could else hold it beside the next owner."""
        if self._metrics:
            self._metrics.close()
        if self._lock:
            self._lock.release()

    def start(self, config: Config, overrides: list[str], environment: dict[str, Any], summary: dict[str, Any]) -> None:
        """Write what is known before the first epoch, and open metrics.csv."""
        (self.path / "checkpoints").mkdir(exist_ok=True)
        self.write_summary(summary)
        self.write("config.yaml", yaml.safe_dump(config.as_dict(), sort_keys=False, allow_unicode=True))
        self.write("overrides.yaml", yaml.safe_dump(overrides, allow_unicode=True))
        self.write("environment.json", _json(environment))
        self._metrics = (self.path / "metrics.csv").open("w", encoding="utf-8", newline="")
        self._append(COLUMNS)

    def record(self, record: Epoch) -> None:
        """Append an epoch's row to metrics.csv and hand it to the system."""
        self._append([_cell(getattr(record, column)) for column in COLUMNS])

    def checkpoint(self, state: State, final: bool = False) -> None:
        """Write checkpoints/last.npz and best.npz, unless the last ones are too recent to pay for it."""
        begun = time.perf_counter()
        if not final and begun - self._checkpoint_time < CADENCE * self._checkpoint_cost:
            return
        network, optimizer = state.network, state.optimizer
        last = {**network.parameters.named(), **{f"optimizer_{name}": array for name, array in optimizer.state.items()}}
        self.write("checkpoints/last.npz", npz(last))
        if state.best is not None:
            best = Parameters(network.parameters.sizes, network.parameters.flat.dtype.name)
            best.flat[:] = state.best
            self.write("checkpoints/best.npz", npz(best.named()))
        self._checkpoint_time = time.perf_counter()
        self._checkpoint_cost = self._checkpoint_time - begun

    def write_predictions(self, arrays: dict[str, Array]) -> None:
        """Write predictions.npz."""
        self.write("predictions.npz", npz(arrays))

    def write_summary(self, summary: dict[str, Any]) -> None:
        """Write summary.json."""
        self.write("summary.json", _json(summary))

    def write(self, name: str, content: bytes | str) -> None:
        """Write a file of the directory whole."""
        write_whole(self.path / name, content)

    def _append(self, cells: list[str]) -> None:
        assert self._metrics is not None, "start() comes first"
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(cells)
        self._metrics.write(line.getvalue())
        self._metrics.flush()


def read_summary(path: Path) -> dict[str, Any]:
    """Read a run directory's summary.json.

    Raises:
        RunDirError: there is none, or it cannot be read.
    """
    try:
        summary = json.loads((path / "summary.json").read_text(encoding="utf-8"))
    except OSError as error:
        raise RunDirError(f"{path}: not a run directory: summary.json: {error.strerror}") from error
    except ValueError as error:
        raise RunDirError(f"{path}/summary.json: damaged: {error}") from error
    if not isinstance(summary, dict):
        raise RunDirError(f"{path}/summary.json: damaged: not a table of names and values")
    return summary


def read_metrics(path: Path) -> dict[str, list[float]]:
    """Read a run directory's metrics.csv: column name -> values, NaN where a cell is empty.

    Raises:
        RunDirError: there is none, or it cannot be read.
    """
    try:
        with (path / "metrics.csv").open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            if missing := set(COLUMNS).difference(reader.fieldnames or ()):
                raise ValueError(f"no column {min(missing)}")
            rows = list(reader)
        return {column: [_number(row[column]) for row in rows] for column in COLUMNS}
    except OSError as error:
        raise RunDirError(f"{path}: not a run directory: metrics.csv: {error.strerror}") from error
    except (ValueError, TypeError, csv.Error) as error:
        raise RunDirError(f"{path}/metrics.csv: damaged: {error}") from error


def _summary_of_same_run(path: Path, identity: str) -> dict[str, Any] | None:
    """Return the summary of the run that is there, None where the directory is empty; anything else is an error."""
    if not any(item.name != ".lock" for item in path.iterdir()):
        return None
    try:
        summary = read_summary(path)
    except RunDirError as error:
        raise RunDirError(
            f"out={path}: holds something that is not a run of npdigits; choose another or empty it"
        ) from error
    if summary.get("identity") != identity:
        raise RunDirError(f"out={path}: holds another run (other settings, data or code); choose another or empty it")
    return summary


def _ended_already(path: Path, identity: str) -> dict[str, Any] | None:
    """Return the summary of this very run if it stands there and has ended."""
    try:
        summary = read_summary(path)
    except RunDirError:
        return None
    ended = summary.get("identity") == identity and summary.get("status") in ENDED
    return summary if ended else None


def _new_directory(outputs: Path) -> Path:
    """Make outputs/<date>/<time to the microsecond>, which no other process can have made."""
    now = datetime.datetime.now()
    while True:
        path = outputs / now.strftime("%Y-%m-%d") / now.strftime("%H-%M-%S-%f")
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            path.mkdir()
        except FileExistsError:
            now += datetime.timedelta(microseconds=1)  # a clock may stand still
        else:
            return path


def _cell(value: Any) -> str:
    """Return a CSV cell: the shortest digits that read back as the same number, empty for None."""
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, bool) else repr(value)


def _number(cell: str) -> float:
    return float("nan") if cell == "" else float(cell)


def _json(value: Any) -> str:
    """Return JSON; a figure that is not finite, which JSON has no word for, is null."""
    if isinstance(value, dict):
        value = {key: None if isinstance(v, float) and not math.isfinite(v) else v for key, v in value.items()}
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
