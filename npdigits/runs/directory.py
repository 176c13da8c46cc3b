"""The run directory: everything that a run leaves, written so that what is there can be trusted.

One file is the truth: ``checkpoints/last.npz`` (see ``checkpoint``). When a run goes on, metrics.csv, best.npz and
summary.json are made again from it, so that no crash between two files can matter.
"""

import contextlib
import datetime
import json
import math
import re
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml

from npdigits.base.arrays import Array
from npdigits.base.errors import RunDirError
from npdigits.base.files import Appended, is_stray_of
from npdigits.base.npz import npz
from npdigits.config.identity import Canonical, canonical, described, differences, digest
from npdigits.config.schema import Config
from npdigits.runs import checkpoint, metrics
from npdigits.runs.checkpoint import Checkpoint, Damaged
from npdigits.runs.hold import LOCK, Hold
from npdigits.training.state import Epoch, State

# A checkpoint is written at an epoch's end once this many times the last one's cost has passed: 2 % of the time.
CADENCE = 50
# What shows how the training images were distorted, where they were.
DISTORTED = "distorted.npz"
LOG = "train.log"
LAST, PREVIOUS, BEST = (f"checkpoints/{name}" for name in (checkpoint.LAST, checkpoint.PREVIOUS, checkpoint.BEST))
# What a run that has ended and has a best epoch cannot be without.
RESULTS = ("metrics.csv", "predictions.npz", "checkpoints/best.npz", "checkpoints/last.npz")
# The statuses of a run that will not go on.
ENDED = ("finished", "diverged")
# What a summary's status can be.
STATUSES = (*ENDED, "failed", "interrupted", "running")
# What plots/ holds once it is complete; named here so that looking needs no matplotlib.
PLOTS = ("cost", "accuracy", "gap", "learning_rate", "confusion", "mistakes", "weights")
# The one more that there is where the training images were distorted.
AUGMENTATION = "augmentation"
# The files that are written whole, so that a process that is killed can leave a part under another name.
WRITTEN_WHOLE = (
    *("identity.json", "summary.json", "config.yaml", "overrides.yaml", "environment.json", "metrics.csv"),
    *("predictions.npz", DISTORTED, LOG, LAST, PREVIOUS, BEST),
    *(f"plots/{name}.png" for name in (*PLOTS, AUGMENTATION)),
)
# The folders in it.
FOLDERS = ("checkpoints", "plots")
# How the files begin to which lines are added.
LOG_LINE = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d |Traceback ")
METRICS_LINE = re.compile(re.escape(metrics.header().encode()))


class RunDir:
    """One run's directory, held by this process alone from ``claim`` to ``close``.

    Attributes:
        path: the directory.
        hold: on the directory, by which all that is written there is written; None if the run has ended and the
            directory is only read.
        summary: what summary.json held when the directory was claimed; None where nothing was there.
        kept: the last checkpoint of the run that is there, or None.
    """

    def __init__(
        self, path: Path, hold: Hold | None, summary: dict[str, Any] | None, kept: Checkpoint | None = None
    ) -> None:
        self.path, self.hold, self.summary, self.kept = path, hold, summary, kept
        self._metrics: Appended | None = None
        self._best_epoch = 0
        self._checkpoint_cost = 0.0
        self._checkpoint_time = time.perf_counter()

    @property
    def held(self) -> bool:
        """Whether the directory is locked, as it is not if the run has ended and is only read."""
        return self.hold is not None

    @property
    def _held(self) -> Hold:
        assert self.hold is not None, "only read"
        return self.hold

    @classmethod
    def claim(
        cls,
        path: Path | None,
        outputs: Path,
        identity: dict[str, Any],
        may_grow: bool = False,
        warn: Callable[[str], None] = print,
        form: Canonical = canonical,
    ) -> "RunDir":
        """Take a directory for the run of this identity.

        Args:
            path: the directory, new, empty or of the same run; None makes ``outputs/<date>/<time>``, which is new.
            outputs: where runs land by default.
            identity: of the run.
            may_grow: the run there may also be the same one of fewer epochs.
            warn: is told when a damaged checkpoint is passed over.
            form: brings the identity of the run that is there into its canonical form, as that of this one is.

        Raises:
            RunDirError: it cannot be made or written, another process holds it, or something else is there.
        """
        if path is not None and (ended := ended_already(path, identity, form)):
            return cls(path, None, ended)  # only read, so that it may be read-only
        try:
            if path is None:
                path = _new_directory(outputs)
            else:
                path.mkdir(parents=True, exist_ok=True)
            locked_before = (path / LOCK).exists()
            hold = Hold.take(path)
        except OSError as error:
            raise RunDirError(f"out={error.filename or path}: cannot be written: {error.strerror}") from error
        try:
            return cls(path, hold, *_same_run(hold, identity, may_grow, warn, form))
        except BaseException:
            hold.release(remove=not locked_before)  # what is not ours is left as it was
            raise

    def __enter__(self) -> "RunDir":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the directory."""
        if self._metrics:
            self._metrics.close()
            self._metrics = None
        if self.hold:
            self.hold.release()

    def start(
        self,
        config: Config,
        overrides: list[str],
        environment: dict[str, Any],
        identity: dict[str, Any],
        summary: dict[str, Any],
        state: State,
    ) -> None:
        """Write what is known before the next epoch, anew or from ``state``, and open metrics.csv."""
        if state.history and self.kept and differences(self.kept.identity, identity):
            self._write_last(state, identity, summary["data"])  # a run that grew: its truth comes first
        self.write("identity.json", _json(identity))
        self.write_summary(summary)
        self._held.make("checkpoints")
        self.write("config.yaml", yaml.safe_dump(config.as_dict(), sort_keys=False, allow_unicode=True))
        if not (self.path / "overrides.yaml").exists():
            self.write("overrides.yaml", yaml.safe_dump(overrides, allow_unicode=True))
        self.write("environment.json", _json(environment))
        self._write_best(state, summary["identity"])
        self.write("metrics.csv", metrics.table(state.history))
        self._metrics = Appended(self._held, "metrics.csv", METRICS_LINE)

    def record(self, record: Epoch) -> None:
        """Append an epoch's row to metrics.csv and hand it to the system."""
        assert self._metrics is not None, "start() comes first"
        self._metrics.write(metrics.row(record))

    def open_log(self) -> Appended:
        """Open train.log to add to it."""
        return Appended(self._held, LOG, LOG_LINE)

    def checkpoint(
        self,
        state: State,
        identity: dict[str, Any],
        summary: dict[str, Any],
        now: bool = False,
        final: bool = False,
    ) -> None:
        """Write last.npz, keeping its predecessor, best.npz and summary.json, unless the last ones are too recent.

        Args:
            state: where the run stands.
            identity, summary: the run's.
            now: write them in any case.
            final: likewise, and make the predecessor a copy of last.npz.
        """
        begun = time.perf_counter()
        if not (now or final) and begun - self._checkpoint_time < CADENCE * self._checkpoint_cost:
            return
        self._write_last(state, identity, summary["data"], final)
        self._write_best(state, summary["identity"])
        self.write_summary(summary)
        self._checkpoint_time = time.perf_counter()
        self._checkpoint_cost = self._checkpoint_time - begun

    def _write_last(self, state: State, identity: dict[str, Any], data: str, final: bool = False) -> None:
        content = checkpoint.pack(state, identity, data)
        if (self.path / LAST).exists():
            self._held.keep_as(LAST, PREVIOUS)
        self.write(LAST, content)
        if final:
            self.write(PREVIOUS, content)

    def _write_best(self, state: State, identity: str) -> None:
        if state.best_epoch is not None and state.best_epoch.epoch != self._best_epoch:
            self.write(BEST, checkpoint.pack_best(state, identity))
            self._best_epoch = state.best_epoch.epoch

    def write_predictions(self, arrays: dict[str, Array]) -> None:
        """Write predictions.npz."""
        self.write("predictions.npz", npz(arrays))

    def write_distorted(self, arrays: dict[str, Array]) -> None:
        """Write distorted.npz."""
        self.write(DISTORTED, npz(arrays))

    def write_summary(self, summary: dict[str, Any]) -> None:
        """Write summary.json."""
        self.write("summary.json", _json(summary))

    def write(self, name: str, content: bytes | str) -> None:
        """Write a file of the directory whole.

        Raises:
            MovedError: the directory is not where it was.
        """
        self._held.write_whole(name, content)

    def check(self) -> None:
        """See that the directory is where it was.

        Raises:
            MovedError: it is not.
        """
        self._held.check()

    def follow(self) -> bool:
        """Write from now on into the directory wherever it is; say whether this system can do that."""
        return self._held.follow()

    def environment(self) -> dict[str, Any] | None:
        """Return what environment.json holds, None where it cannot be read."""
        return _read_table(self.path / "environment.json")


def read_summary(path: Path) -> dict[str, Any]:
    """Read a run directory's summary.json.

    Raises:
        RunDirError: there is none, or it cannot be read.
    """
    try:
        summary = json.loads((path / "summary.json").read_text(encoding="utf-8"))
    except OSError as error:
        raise RunDirError(f"{path}: not a run directory: summary.json: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise RunDirError(f"{path}/summary.json: damaged: {error}") from error
    if not isinstance(summary, dict):
        raise RunDirError(f"{path}/summary.json: damaged: not a table of names and values")
    return summary


def reason(summary: dict[str, Any]) -> str:
    """Return why a run has not finished, in one line; "" where it has, or where nobody knows."""
    status = summary.get("status")
    if status == "diverged":
        return f"the cost stopped being finite in epoch {summary.get('diverged_in_epoch')}"
    if status == "running":
        return f"at work, or its process was killed; {summary.get('epochs_run')} epochs so far"
    if status == "interrupted":
        return f"after epoch {summary.get('epochs_run')}; the same command goes on"
    return str(summary.get("reason") or "")


def read_identity(path: Path) -> dict[str, Any] | None:
    """Return what identity.json holds, None where it cannot be read."""
    return _read_table(path / "identity.json")


def _read_table(path: Path) -> dict[str, Any] | None:
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return table if isinstance(table, dict) else None


def _same_run(
    hold: Hold, identity: dict[str, Any], may_grow: bool, warn: Callable[[str], None], form: Canonical
) -> tuple[dict[str, Any] | None, Checkpoint | None]:
    """Return the summary and the last checkpoint of the run that is there, if it is this one; tidy up after it.

    (None, None) where the directory is empty, or holds only what a run leaves that was killed before it began.
    """
    path, nothing_yet = hold.path, {LOCK, "checkpoints", "identity.json"}
    items = [item for item in path.iterdir() if not is_stray_of(item, WRITTEN_WHOLE)]
    try:
        kept = checkpoint.read_last(path / "checkpoints", warn)
        there = kept.identity if kept else read_identity(path)
    except Damaged as error:
        there, kept = read_identity(path), None
        if there is None:
            raise
        warn(f"{error}; starting from the beginning")
    if there is None and {item.name for item in items} <= {LOCK}:
        hold.remove_strays(WRITTEN_WHOLE)
        return None, None
    if there is None:
        raise RunDirError(f"out={path}: holds something that is not a run of npdigits; choose another or empty it")
    there = form(there)  # of an earlier release, which may have written one experiment in several ways
    differing = differences(there, identity)
    if differing and not (may_grow and differing == ["epochs"] and there["epochs"] < identity["epochs"]):
        raise RunDirError(
            f"out={path}: holds another run ({described(there, identity)}); choose another directory or empty it"
        )
    if linked := [name for name in FOLDERS if (path / name).is_symlink()]:
        raise RunDirError(
            f"out={path}: {linked[0]} is a link, by which another's files would be written; copy them here"
        )
    hold.remove_strays(WRITTEN_WHOLE)
    if {item.name for item in items} <= nothing_yet and kept is None:
        return None, None
    return _read_table(path / "summary.json") or {"status": "running"}, kept


def ended_already(path: Path, identity: dict[str, Any], form: Canonical = canonical) -> dict[str, Any] | None:
    """Return the summary of this very run if it stands there and has ended.

    Args:
        path: of the run directory.
        identity: in its canonical form.
        form: brings that of the run that is there into it.
    """
    summary = _read_table(path / "summary.json")
    if summary is None or summary.get("status") not in ENDED:
        return None
    if summary.get("identity") != digest(identity):
        there = read_identity(path) or {}
        if summary.get("identity") != digest(there) or differences(form(there), identity):
            return None
    return summary if sizes(path) == summary.get("sizes") else None


def given_up(path: Path, status: str, reason: str = "") -> dict[str, Any] | None:
    """Write into its summary how a run ended whose process is gone; return the summary, None where there is none.

    A run that another process holds is left alone.
    """
    summary = _read_table(path / "summary.json")
    if summary is None or summary.get("status") != "running":
        return summary
    with contextlib.suppress(OSError, RunDirError), Hold.take(path) as hold:
        summary = {**summary, "status": status} | ({"reason": reason} if reason else {})
        hold.write_whole("summary.json", _json(summary))
    return summary


def add_to_log(path: Path, text: str) -> None:
    """Add to a run's train.log, if there is a directory that nobody else writes, and room."""
    with contextlib.suppress(OSError, RunDirError), Hold.take(path) as hold:
        log = Appended(hold, LOG, LOG_LINE)
        try:
            log.write(text)
        finally:
            log.close()


def sizes(path: Path) -> dict[str, int]:
    """Return how many bytes each result has that is there, by which one that is lost or torn is noticed."""
    return {name: (path / name).stat().st_size for name in RESULTS if (path / name).is_file()}


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


def _json(value: dict[str, Any]) -> str:
    """Return JSON; a figure that is not finite, which JSON has no word for, is null."""
    value = {key: None if isinstance(v, float) and not math.isfinite(v) else v for key, v in value.items()}
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
