"""What an export to an experiment tracker tells of a run, and which runs it tells of."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from npdigits.base.bounded import read_bytes
from npdigits.base.errors import ConfigError, RunDirError
from npdigits.base.paths import resolved
from npdigits.config.identity import canonical, digest
from npdigits.runs.contents import MOST_BYTES as MOST_BYTES_OF
from npdigits.runs.environments import name_environment
from npdigits.runs.find import find_runs
from npdigits.runs.json_table import load_identity, read_environment
from npdigits.runs.layout import AUGMENTATION, PLOTS
from npdigits.runs.metrics import MOST_BYTES, parse_metrics
from npdigits.runs.race_part import race_part
from npdigits.runs.summary import Status, Summary, read_summary
from npdigits.runs.tracked import best_figures, figures_of, settings_of
from npdigits.runs.trained import run_of

# Digits of an identity by which a run is known: with those of its environment 80 bits.
DIGITS = 12
# Raised when an export tells of the same run otherwise: it is then told anew.
FORM = 1
# The tag that tells a race's runs: of its search, or of which confirmation.
RACE_PART = "race_part"
# A plot has some 50 kB; what is larger is none of ours.
MOST_BYTES_OF_A_PLOT = 20 << 20


@dataclass(frozen=True)
class Exported:
    """A run as an export tells of it: a function of its directory alone, so that telling it twice is telling it once.

    Attributes:
        path: the run directory.
        key: what it is known by: digits of its identity and of its environment.
        status: how it has ended, or that it has not.
        settings: the data set and the keys that decide the result, the seed among them: numbers, booleans and text.
        epochs: of each epoch its number and its figures.
        best: the best epoch's figures, as ``best/val_accuracy``; of a run that has ended.
        best_epoch: its number; 0 where there is none.
        totals: ``epochs_run`` and ``seconds``; of a run that has ended.
        tags: what else there is to know, as text.
        ended: when metrics.csv was last written, in seconds since 1970.
        seconds: how long the run was at work.
    """

    path: Path
    key: str
    status: Status
    settings: Mapping[str, Any]
    epochs: tuple[tuple[int, Mapping[str, float]], ...]
    best: Mapping[str, float]
    best_epoch: int
    totals: Mapping[str, float]
    tags: Mapping[str, str]
    ended: float
    seconds: float

    @property
    def name(self) -> str:
        """A name for people, which ends with the key."""
        return f"{self.path.name}_{self.key}"

    @property
    def begun(self) -> float:
        """When the run began, in seconds since 1970, had it been at work without a break."""
        return self.ended - self.seconds

    @property
    def failed(self) -> bool:
        """Whether it has no result."""
        return self.status in (Status.DIVERGED, Status.FAILED)

    def plots(self) -> list[tuple[str, bytes]]:
        """Return the names and contents of its plots; one that cannot be read is left out."""
        found = []
        for name in (*PLOTS, AUGMENTATION):
            try:
                found.append((name, read_bytes(self.path / "plots" / f"{name}.png", MOST_BYTES_OF_A_PLOT)))
            except (OSError, ValueError):
                continue
        return found

    def digest(self, plots: Sequence[tuple[str, bytes]]) -> str:
        """Return a digest of all that is told of the run, whenever and wherever its directory was copied, in hex."""
        images = [(name, hashlib.sha256(png).hexdigest()) for name, png in plots]
        told = (FORM, self.settings, self.epochs, self.best, self.totals, self.tags, images)
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def read_exported(paths: Iterable[Path], warn: Callable[[str], None]) -> list[Exported]:
    """Read the runs at and below these paths, each once; what cannot be read is skipped, with a warning.

    ``SWEEP/best`` is the best run of a sweep or a race.

    Raises:
        ConfigError: a path is not there, or no run can be read.
        RunDirError: a sweep has no best run.
    """
    found: dict[str, Exported] = {}
    meant = [path if path.exists() else run_of(path) for path in paths]
    for directory in find_runs(meant, warn):
        try:
            run = read_run(directory)
        except (RunDirError, ValueError) as error:
            warn(f"skipped: {error}")
            continue
        if (other := found.get(run.key)) is None:
            found[run.key] = run
            continue
        first, second = (run, other) if _is_further(run, other) else (other, run)
        warn(f"{second.path}: the same run as {first.path}, in the same environment: exported once")
        found[run.key] = first
    if not found:
        raise ConfigError(f"{', '.join(map(str, paths))}: no run that can be read")
    if unfinished := [run for run in found.values() if run.status != Status.FINISHED]:
        several = f"; {len(unfinished)} runs have not" if len(unfinished) > 1 else ""
        warn(f"{unfinished[0].path} has not finished ({unfinished[0].status}){several}: exported as far as it came")
    return list(found.values())


def read_run(directory: Path) -> Exported:
    """Read a run directory.

    Raises:
        RunDirError, ValueError: it is not a run, or one of its files is damaged.
    """
    summary, identity = read_summary(directory), load_identity(directory)
    if summary.identity != digest(identity):
        raise RunDirError(f"{directory}: identity.json and summary.json are not of the same run")
    own = canonical(identity)
    environment, _ = name_environment(_content(directory / "environment.json"))
    epochs, ended = _read_epochs(directory)
    totals = {"epochs_run": summary.epochs_run, "seconds": summary.seconds} if summary.status.ended else {}
    return Exported(
        path=resolved(directory),
        key=f"{digest(own)[:DIGITS]}-{environment}",
        status=summary.status,
        settings=settings_of(own, summary.data),
        epochs=epochs,
        best=best_figures(summary) if summary.status.ended else {},
        best_epoch=summary.best_epoch or 0,
        totals={name: float(value) for name, value in totals.items() if value is not None},
        tags=_tags(directory, summary, own, environment),
        ended=ended,
        seconds=summary.seconds or 0.0,
    )


def _is_further(run: Exported, other: Exported) -> bool:
    """Say whether of a run that is there twice this one counts: the one that has ended, or that has come further."""
    return (run.status.ended, len(run.epochs)) > (other.status.ended, len(other.epochs))


def _tags(directory: Path, summary: Summary, identity: Mapping[str, Any], environment: str) -> dict[str, str]:
    packages = (read_environment(directory) or {}).get("packages") or {}
    tags = {
        "status": str(summary.status),
        "reason": summary.explanation(identity.get("numerics"), identity.get("epochs")),
        "identity": digest(dict(identity)),
        "environment": environment,
        "numerics": str(identity.get("numerics")),
        "npdigits": str(packages.get("npdigits") or ""),
        "data": summary.data,
        "data_sha256": str(identity.get("data_sha256") or ""),
        RACE_PART: race_part(directory.parent),
    }
    return {name: value for name, value in tags.items() if value}


def _content(file: Path) -> bytes | None:
    try:
        return read_bytes(file, MOST_BYTES_OF[file.name])
    except (OSError, ValueError):
        return None


def _read_epochs(directory: Path) -> tuple[tuple[tuple[int, Mapping[str, float]], ...], float]:
    """Return the epochs of metrics.csv, and when it was written.

    Raises:
        RunDirError: it cannot be read.
    """
    file = directory / "metrics.csv"
    try:
        text, ended = read_bytes(file, MOST_BYTES).decode(), file.stat().st_mtime
        return tuple((epoch.epoch, figures_of(epoch)) for epoch in parse_metrics(text)), ended
    except OSError as error:
        raise RunDirError(f"{file}: {error.strerror}") from error
    except ValueError as error:
        raise RunDirError(f"{file}: damaged: {error}") from error
