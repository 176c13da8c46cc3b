"""The runs that a race's claim is made of: its last complete confirmation's, and what its finalists had before."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from npdigits.compare.claim import ARM, REFERENCE, SETTING
from npdigits.compare.statistics import Numbers
from npdigits.config.dependence import unread
from npdigits.race.definition import Confirmation, Race
from npdigits.race.layout import confirmation_folder
from npdigits.race.ledger import Ledger, Run, confirmed_epochs, epochs_of, lost_of
from npdigits.race.ledger import read_runs as read_runs_of
from npdigits.runs.json_table import read_identity
from npdigits.runs.summary import Status
from npdigits.runs.table import MISSING, Runs, mark_duplicates, read_runs


@dataclass(frozen=True)
class Confirmed:
    """A confirmation, and its runs.

    Attributes:
        race: its definition.
        confirmation: which one.
        runs: of it, with the columns SETTING and, of several arms, ARM. Their ``configuration`` is the setting.
        numbers: of each row, by its name in SETTING, the numbers of its settings, the race's best first; those of two
            arms that are the same are one row, and a reference that did not race has none.
        baseline: the name of the row that the others are compared with.
        ended: how many of its runs have ended.
        finished: the names of the rows that have a finished run.
        lost: name of a finalist of which a run was lost -> in words, by what.
        baseline_lost: why a run of the row that the others are compared with is lost: "diverged", "failed: …"; else "".
        epochs: training epochs that its runs have had.
        earlier: those of the confirmations before it.
        digits: of each data set, by its name, how many training and validation digits it has together.
        strays: paths of runs that lie in its folder and are not of it.
        later: the number of a later confirmation, which is at work; 0 where there is none.
    """

    race: Race
    confirmation: Confirmation
    runs: Runs
    numbers: Mapping[str, tuple[int, ...]]
    baseline: str
    ended: int
    finished: frozenset[str]
    lost: Mapping[str, str]
    baseline_lost: str
    epochs: int
    earlier: int
    digits: Mapping[str, int]
    strays: tuple[str, ...]
    later: int = 0

    @property
    def asked(self) -> int:
        """How many runs it has."""
        return len(self.numbers) * len(self.confirmation.seeds)

    @property
    def is_complete(self) -> bool:
        """Whether all of its runs have ended."""
        return self.ended == self.asked

    @property
    def finalists(self) -> tuple[str, ...]:
        """The names of the rows of its finalists."""
        return tuple(name for name, numbers in self.numbers.items() if numbers)

    @property
    def tested(self) -> tuple[str, ...]:
        """The names of the rows that are compared with another one."""
        return tuple(name for name in self.finalists if name != self.baseline)


def read_confirmed(folder: Path, race: Race) -> Confirmed | None:
    """Return the last confirmation that is complete, else the one at work; None where none was begun.

    Args:
        folder: of the race.
        race: its definition.
    """
    at_work: Confirmed | None = None
    for confirmation in reversed(race.confirmations):
        found = _read_one(folder, race, confirmation)
        if found.is_complete:
            return dataclasses.replace(found, later=at_work.confirmation.number if at_work else 0)
        at_work = at_work or found
    return at_work


def _read_one(folder: Path, race: Race, confirmation: Confirmation) -> Confirmed:
    """Return a confirmation with those of its runs that are there."""
    place = folder / confirmation_folder(confirmation.number)
    found = read_runs_of(place)
    numbers: dict[str, tuple[int, ...]] = {}
    for number in confirmation.finalists:
        identity = race.settings[number].identity
        numbers[identity] = (*numbers.get(identity, ()), number)
    names = {identity: ", ".join(map(str, same)) for identity, same in numbers.items()}
    baseline = confirmation.against
    if confirmation.reference is not None:
        names[baseline] = f"{names[baseline]} ({REFERENCE})" if baseline in names else REFERENCE
    of_it = {key: run for key, run in found.items() if key[0] in names and key[1] in confirmation.seeds}
    by_identity = {identity: [run for key, run in of_it.items() if key[0] == identity] for identity in names}
    by_name = {name: numbers.get(identity, ()) for identity, name in names.items()}
    runs = read_runs([place] if place.is_dir() else [])
    name_of = {str(run.path): names[identity] for (identity, _), run in of_it.items()}
    return Confirmed(
        race,
        confirmation,
        _label(runs, race, name_of, by_name),
        by_name,
        names[baseline],
        # By their summaries: that a file was torn or removed since takes no figure away.
        ended=sum(run.summary.status.ended or bool(run.lost) for run in of_it.values())
        + sum((row, seed) not in of_it for row in names if row in confirmation.lost for seed in confirmation.seeds),
        finished=frozenset(name_of[str(run.path)] for run in of_it.values() if run.summary.status == Status.FINISHED),
        lost={
            names[identity]: why
            for identity, same in by_identity.items()
            if identity in numbers and (why := _say_lost(same) or confirmation.lost.get(identity))
        },
        baseline_lost=lost_of(confirmation, of_it).get(baseline, ""),
        epochs=epochs_of(confirmation, race, found),
        earlier=confirmed_epochs(folder, race, confirmation.number),
        digits={run.summary.data: n for run in of_it.values() if (n := _count_digits(run))},
        strays=tuple(run for run in runs.table.run if run not in name_of),
    )


def _say_lost(runs: Sequence[Run]) -> str:
    """Return how many runs of a finalist were lost, and why; "" where none was."""
    lost = [run.lost for run in runs if run.lost]
    return f"{len(lost)} of its runs {'was' if len(lost) == 1 else 'were'} lost ({lost[0]})" if lost else ""


def _count_digits(run: Run) -> int:
    """Return how many training and validation digits a run's data set has together; 0 where it does not say."""
    sizes = run.summary.data_sizes or {}
    return sum(sizes.get(half, 0) for half in ("train", "val"))


def _label(runs: Runs, race: Race, name_of: Mapping[str, str], numbers: Mapping[str, tuple[int, ...]]) -> Runs:
    """Return the runs that have a name, with the columns SETTING and ARM."""
    table = runs.table[runs.table.run.isin(list(name_of))].reset_index(drop=True)
    table = table.assign(**{SETTING: table.run.map(name_of)})
    for name, path in {name: path for path, name in name_of.items()}.items():
        idle = unread(read_identity(Path(path)) or {})
        for key in {key for space in race.space.values() for key in space} & idle.keys() & set(table.columns):
            column = table[key].astype(object)
            table = table.assign(**{key: column.mask(table[SETTING] == name, MISSING)})
    if race.arms == ("",):
        keys = (SETTING, *runs.keys)
    else:
        keys = (ARM, SETTING, *runs.keys)
        arms = {name: dict.fromkeys(race.settings[n].arm for n in same) for name, same in numbers.items()}
        table = table.assign(**{ARM: table[SETTING].map({name: ", ".join(of) for name, of in arms.items()})})
    # A split_seed that is fixed is null in the run whose seed it happens to be; it is one setting all the same.
    table = table.assign(configuration=table[SETTING])
    return dataclasses.replace(runs, table=mark_duplicates(table), keys=keys)


def read_earlier(ledger: Ledger, confirmed: Confirmed) -> dict[str, Numbers]:
    """Return of each finalist's row the validation accuracies of its full runs in the race, in the order of its seeds.

    Args:
        ledger: of the race's runs.
        confirmed: its confirmation.
    """
    return {
        name: np.array([run.summary.val_accuracy for run in _full(ledger, numbers[0])], dtype=float)
        for name, numbers in confirmed.numbers.items()
        if numbers
    }


def _full(ledger: Ledger, number: int) -> list[Run]:
    """Return the runs of a setting that have ended well."""
    runs = [ledger.run(number, place) for place in range(len(ledger.race.seeds))]
    return [run for run in runs if run and run.summary.status == Status.FINISHED]
