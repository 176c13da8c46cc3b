"""Claiming a run directory: for a new run, to continue one, or to find that the same run has ended there.

One file is the truth: ``checkpoints/last.npz`` (see ``checkpoint``). When a run goes on, metrics.csv, best.npz and
summary.json are made again from it, so that no crash between two files can matter.
"""

import contextlib
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from npdigits.base.errors import RunDirError
from npdigits.base.files import Appended, is_stray_of
from npdigits.config.identity import Canonical, canonical, describe_differences, differences, digest
from npdigits.runs import checkpoint
from npdigits.runs.checkpoint import Checkpoint, Damaged
from npdigits.runs.hold import LOCK, Hold
from npdigits.runs.json_table import read_identity
from npdigits.runs.layout import FOLDERS, LOG, LOG_LINE, WRITTEN_WHOLE, is_whole
from npdigits.runs.outputs import make_directory
from npdigits.runs.summary import Status, Summary, read_summary_if_there
from npdigits.runs.writer import RunWriter


@dataclass(frozen=True)
class EndedRun:
    """A run that has ended, or is paused where it is to be; its directory is only read, and may be read-only."""

    path: Path
    summary: Summary


def claim(
    path: Path | None,
    outputs: Path,
    identity: dict[str, Any],
    may_grow: bool = False,
    warn: Callable[[str], None] = print,
    form: Canonical = canonical,
    until: int | None = None,
) -> EndedRun | RunWriter:
    """Claim a directory for the run with this identity.

    Args:
        path: a directory that is new, empty or holds the same run; None makes a new ``outputs/<date>/<time>``.
        outputs: where runs land by default.
        identity: of the run, in its canonical form.
        may_grow: also accept the same run with fewer epochs.
        warn: is told when a damaged checkpoint is skipped.
        form: brings the identity found in the directory into its canonical form.
        until: the epoch after which the run is to pause; one that is paused there, or later, is not to be written.

    Returns:
        The run that has ended or is paused there, or a writer for this run.

    Raises:
        NewerError: a newer version of npdigits wrote what it holds.
        RunDirError: the directory cannot be made or written, another process holds it, or it holds something else.
    """
    if path is not None and (ended := ended_already(path, identity, form, until)):
        return EndedRun(path, ended)
    try:
        if path is None:
            path = make_directory(outputs)
        else:
            path.mkdir(parents=True, exist_ok=True)
        locked_before = (path / LOCK).exists()
        hold = Hold.take(path)
    except OSError as error:
        raise RunDirError(f"out={error.filename or path}: cannot be written: {error.strerror}") from error
    try:
        return RunWriter(hold, *_find_run(hold, identity, may_grow, warn, form))
    except BaseException:
        hold.release(remove=not locked_before)  # a directory of something else stays as it was
        raise


def _find_run(
    hold: Hold, identity: dict[str, Any], may_grow: bool, warn: Callable[[str], None], form: Canonical
) -> tuple[Summary | None, Checkpoint | None]:
    """Return the summary and the last checkpoint of this run, if the directory holds it, and remove its stray files.

    Returns (None, None) for an empty directory, and for one left by a run that was killed before it began.
    """
    path, before_it_began = hold.path, {LOCK, "checkpoints", "identity.json", "code", "code.json"}
    names = {item.name for item in path.iterdir() if not is_stray_of(item, WRITTEN_WHOLE)}
    found, kept = _read_identity_and_checkpoint(path, warn)
    if found is None and names <= {LOCK}:
        hold.remove_strays(WRITTEN_WHOLE)
        return None, None
    if found is None:
        raise RunDirError(f"out={path}: holds something that is not a run of npdigits; choose another or empty it")
    found = form(found)  # an earlier release may have written one experiment in several ways
    differing = differences(found, identity)
    if differing and not (may_grow and differing == ["epochs"] and found["epochs"] < identity["epochs"]):
        which = describe_differences(found, identity)
        if may_grow and "numerics" in differing:
            raise RunDirError(f"resume={path}: cannot go on here: {which}")
        raise RunDirError(f"out={path}: holds another run ({which}); choose another directory or empty it")
    if linked := [name for name in FOLDERS if (path / name).is_symlink()]:
        raise RunDirError(
            f"out={path}: {linked[0]} is a link, by which another's files would be written; copy them here"
        )
    hold.remove_strays(WRITTEN_WHOLE)
    if names <= before_it_began and kept is None:
        return None, None
    return read_summary_if_there(path) or Summary(Status.RUNNING), kept


def _read_identity_and_checkpoint(
    path: Path, warn: Callable[[str], None]
) -> tuple[dict[str, Any] | None, Checkpoint | None]:
    """Return the identity and the last checkpoint of the run in a directory, each None where there is none.

    Raises:
        RunDirError: all checkpoints are damaged, and identity.json cannot be read either.
    """
    try:
        kept = checkpoint.read_last(path / "checkpoints", warn)
    except Damaged as error:
        identity = read_identity(path)
        if identity is None:
            raise
        warn(f"{error}; starting from the beginning")
        return identity, None
    return (kept.identity if kept else read_identity(path)), kept


def ended_already(
    path: Path, identity: dict[str, Any], form: Canonical = canonical, until: int | None = None
) -> Summary | None:
    """Return the summary of a run if its directory holds it and it has ended, or is paused as far on as it is to be.

    Where its identity or its configuration was lost, or another file has another size, the run has not ended: it is
    done again, from its last checkpoint on, which writes all of them.

    Args:
        path: of the run directory.
        identity: of the run, in its canonical form.
        form: brings the identity found in the directory into its canonical form.
        until: how many epochs it is to have at least; None: all.
    """
    summary = read_summary_if_there(path)
    if summary is None or not (summary.status.ended or _is_paused(summary, until)):
        return None
    found = read_identity(path)
    if found is None or not (path / "config.yaml").is_file():
        return None
    if summary.identity != digest(identity) and (
        summary.identity != digest(found) or differences(form(found), identity)
    ):
        return None
    return summary if is_whole(path, summary.sizes, summary.more_sizes) else None


def _is_paused(summary: Summary, until: int | None) -> bool:
    """Say whether a run is paused, and has had so many epochs."""
    return summary.status == Status.PAUSED and until is not None and (summary.epochs_run or 0) >= until


def give_up(path: Path, status: Status, reason: str = "") -> Summary | None:
    """Mark a run whose process is gone as ended in this way; return its summary, None where there is none.

    A run that another process holds is not changed.
    """
    summary = read_summary_if_there(path)
    if summary is None or summary.status != Status.RUNNING:
        return summary
    with contextlib.suppress(OSError, RunDirError), Hold.take(path) as hold:
        summary = dataclasses.replace(summary, status=status, reason=reason or summary.reason)
        hold.write_whole("summary.json", summary.json())
    return summary


def add_to_log(path: Path, text: str) -> None:
    """Append to a run's train.log, unless another process holds the directory or the disk is full."""
    with contextlib.suppress(OSError, RunDirError), Hold.take(path) as hold:
        log = Appended(hold, LOG, LOG_LINE)
        try:
            log.write(text)
        finally:
            log.close()
