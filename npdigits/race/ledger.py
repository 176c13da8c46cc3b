"""How far every run of a race has come, read from its run directories alone."""

import functools
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from npdigits.base.bounded import read_bytes
from npdigits.config.identity import digest
from npdigits.config.seeds import DRAWN_BY
from npdigits.race.course import Ran
from npdigits.race.definition import MOST_CONFIRMATIONS, Confirmation, Race, as_reason
from npdigits.race.fault import OWN, OWN_CODE, blame_of
from npdigits.race.layout import RUNS, confirmation_folder
from npdigits.runs.json_table import read_identity
from npdigits.runs.layout import is_whole
from npdigits.runs.metrics import MOST_BYTES, parse_metrics
from npdigits.runs.summary import Status, Summary, read_summary_if_there
from npdigits.training.state import Epoch


def without_seeds(identity: Mapping[str, Any]) -> str:
    """Return the digest of a run's identity without its seeds, which all runs of a setting have."""
    return digest({key: value for key, value in identity.items() if key != "seed" and key not in DRAWN_BY})


@dataclass(frozen=True)
class Run:
    """A run directory.

    Attributes:
        path: of it.
        identity: the digest of the run's identity without its seeds.
        seed: of the run.
        summary: of the run.
        history: its epochs, as far as metrics.csv has whole rows of them.
    """

    path: Path
    identity: str
    seed: int
    summary: Summary
    history: tuple[Epoch, ...]

    @property
    def lost(self) -> str:
        """Why the run loses: "" where it does not."""
        if self.summary.status == Status.DIVERGED:
            return "diverged"
        own = blame_of(self.summary.status, self.summary.reason) == OWN
        return f"failed: {as_reason(self.summary.reason.removeprefix(OWN_CODE))}" if own else ""

    def accuracy(self, k: int) -> float:
        """Return the validation accuracy of the best epoch among the first k; NaN where the run was lost in these.

        A run that was lost later was none of the lost before: what was decided then stays as it was.
        """
        if not self.history or (self.lost and k > len(self.history)):
            return math.nan
        best = best_of(self.history[:k])
        return math.nan if best.val_accuracy is None else best.val_accuracy

    def ran(self) -> Ran:
        """Return how far the run has come.

        The last epoch of a run that is neither paused nor ended is left out: its process may have been killed just
        before it paused there, and what it then writes is still to be written. So it is where a file was torn since.
        """
        epochs = len(self.history)
        if self.lost and self.summary.status == Status.FAILED:
            return Ran(epochs, True, self.lost, self.accuracy)
        ended = self.summary.status.ended
        whole = is_whole(self.path, self.summary.sizes, self.summary.more_sizes)
        if not (ended or self.summary.status == Status.PAUSED) or not whole:
            return Ran(max(0, epochs - 1), False, "", self.accuracy, written=epochs)
        return Ran(epochs, ended, self.lost, self.accuracy)


def best_of(history: Sequence[Epoch]) -> Epoch:
    """Return the epoch of the lowest validation cost, of several the first."""
    return min(history, key=lambda epoch: math.inf if epoch.val_cost is None else epoch.val_cost)


class Ledger:
    """The runs that lie in a race's folder.

    Args:
        folder: of the race.
        race: its definition.
    """

    def __init__(self, folder: Path, race: Race) -> None:
        self.race = race
        self.runs = read_runs(folder / RUNS)

    def run(self, setting: int, place: int) -> Run | None:
        """Return the run of a setting with the race's seed at this place; None: there is none."""
        if place >= len(self.race.seeds):
            return None
        return self.runs.get((self.race.settings[setting].identity, self.race.seeds[place]))

    def ran(self, setting: int, place: int) -> Ran | None:
        """Return how far the run of a setting with the race's seed at this place has come; None: there is none."""
        if setting >= len(self.race.settings):  # still to be proposed
            return None
        run = self.run(setting, place)
        state = run.ran() if run else None
        if (why := self.race.settings[setting].lost) and not (state and state.ended):
            # What it did before stays as it was: a race must not judge its first rungs anew as a later one fails.
            state = replace(state or Ran(0, True, "", lambda k: math.nan), ended=True, lost=f"failed: {why}")
        return state

    def had(self, arm: str) -> int:
        """Return the epochs that all runs of an arm's settings have cost, whether a rung asks for them or not."""
        of_arm = {setting.identity for setting in self.race.settings_of(arm)}
        return sum(len(run.history) for (identity, _), run in self.runs.items() if identity in of_arm)


def lost_of(confirmation: Confirmation, runs: Mapping[tuple[str, int], Run]) -> dict[str, str]:
    """Return of each row of a confirmation that is lost, by its identity, why: "diverged", "failed: …"."""
    found = {
        run.identity: run.lost
        for seed in reversed(confirmation.seeds)
        for (_, of_run), run in runs.items()
        if of_run == seed and run.lost
    }
    return {**found, **confirmation.lost}


def epochs_of(confirmation: Confirmation, race: Race, runs: Mapping[tuple[str, int], Run]) -> int:
    """Return the training epochs that a confirmation's runs have had."""
    rows = {*(race.settings[number].identity for number in confirmation.finalists), confirmation.against}
    return sum(len(run.history) for (row, seed), run in runs.items() if row in rows and seed in confirmation.seeds)


def confirmed_epochs(folder: Path, race: Race, before: int = MOST_CONFIRMATIONS + 1) -> int:
    """Return the training epochs that the confirmations of a race have taken, of those before the k-th."""
    return sum(
        epochs_of(one, race, read_runs(folder / confirmation_folder(one.number)))
        for one in race.confirmations
        if one.number < before
    )


def is_complete(confirmation: Confirmation, race: Race, runs: Mapping[tuple[str, int], Run]) -> bool:
    """Say whether every run of a confirmation has ended, or cannot begin."""
    rows = {*(race.settings[number].identity for number in confirmation.finalists), confirmation.against}
    return all(
        (run is not None and (run.summary.status.ended or bool(run.lost))) or (run is None and row in confirmation.lost)
        for row in rows
        for seed in confirmation.seeds
        for run in [runs.get((row, seed))]
    )


def read_runs(folder: Path) -> dict[tuple[str, int], Run]:
    """Return the runs of a folder by their setting's identity and their seed; what is torn or no run is left out.

    Raises:
        NewerError: a newer version of npdigits wrote one of them.
    """
    found: dict[tuple[str, int], Run] = {}
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
    except OSError:  # nothing was begun
        return found
    for name in names:
        run = _read(folder / name)
        if run and (same := found.get((run.identity, run.seed))) is not None:
            run = max(same, run, key=lambda one: (one.ran().ended, one.ran().epochs))  # a copy, or by another name
        if run:
            found[run.identity, run.seed] = run
    return found


def _read(path: Path) -> Run | None:
    """Return what a run directory holds; None where that is no run, or one that is torn."""
    summary = read_summary_if_there(path)
    identity = read_identity(path) if summary else None
    if summary is None or identity is None or summary.identity != digest(identity):
        return None
    return Run(path, without_seeds(identity), identity["seed"], summary, _read_history(path))


def _read_history(path: Path) -> tuple[Epoch, ...]:
    """Return the epochs that metrics.csv has whole rows of: the last row of a killed process may be torn."""
    try:
        content = read_bytes(path / "metrics.csv", MOST_BYTES)
    except (OSError, ValueError):
        return ()
    return _parse_history(content)


@functools.lru_cache(maxsize=10_000)  # it is read again after each rung
def _parse_history(content: bytes) -> tuple[Epoch, ...]:
    try:
        return tuple(parse_metrics(content[: content.rfind(b"\n") + 1].decode()))
    except ValueError:
        return ()
