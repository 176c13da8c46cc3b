"""race.csv: a row a setting, made of what lies in the race's folder; nothing in it depends on time or order."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from npdigits.base.spreadsheet import csv_table
from npdigits.config.override import Override
from npdigits.race.definition import Confirmation, Setting
from npdigits.race.layout import confirmation_folder
from npdigits.race.ledger import Run, is_complete, lost_of, read_runs
from npdigits.race.told import Told
from npdigits.runs.summary import Status

WON, TIED, FINALIST, ALIVE, DROPPED = "won", "tied", "finalist", "alive", "dropped"
DIVERGED, FAILED = "diverged", "failed"


@dataclass(frozen=True)
class Confirmed:
    """What a confirmation has found of one finalist.

    Attributes:
        accuracies: validation accuracy of the best epoch, of each seed whose run has finished.
        whole: whether all seeds have.
    """

    accuracies: tuple[float, ...]
    whole: bool

    @property
    def mean(self) -> float:
        """Their mean; NaN where there is none."""
        return math.fsum(self.accuracies) / len(self.accuracies) if self.accuracies else math.nan


def confirmed(told: Told) -> dict[int, Confirmed]:
    """Return what the last confirmation has found of its finalists; nothing where there is none."""
    if not told.race.confirmations:
        return {}
    last = told.race.confirmations[-1]
    runs = read_runs(told.folder / confirmation_folder(last.number))
    return {number: _confirmed(told.race.settings[number], last, runs) for number in last.finalists}


def _confirmed(setting: Setting, confirmation: Confirmation, runs: dict[tuple[str, int], Run]) -> Confirmed:
    found = [runs.get((setting.identity, seed)) for seed in confirmation.seeds]
    finished = [run for run in found if run and run.summary.status == Status.FINISHED and run.history]
    accuracies = tuple(run.accuracy(len(run.history)) for run in finished)
    return Confirmed(accuracies, len(accuracies) == len(confirmation.seeds))


def winners(found: Mapping[int, Confirmed]) -> tuple[int, ...]:
    """Return the finalist whose mean over the fresh seeds is the highest, or several; none before one has all seeds."""
    means = {number: one.mean for number, one in found.items() if one.whole}
    return tuple(number for number, mean in means.items() if mean == max(means.values()))


def best_confirmed(told: Told) -> tuple[int, ...]:
    """Return the finalist that the last confirmation has shown to have the highest mean, or several.

    There is none before all its runs have ended, nor where one was lost of what the finalists are compared with.
    """
    if not told.race.confirmations:
        return ()
    last = told.race.confirmations[-1]
    runs = read_runs(told.folder / confirmation_folder(last.number))
    if not is_complete(last, told.race, runs) or last.against in lost_of(last, runs):
        return ()
    return winners(confirmed(told))


def baseline_lost(told: Told) -> str:
    """Return why nothing can be tested in the last confirmation: "the reference diverged"; "" where something can."""
    if not told.race.confirmations:
        return ""
    last = told.race.confirmations[-1]
    why = lost_of(last, read_runs(told.folder / confirmation_folder(last.number))).get(last.against, "")
    name = "the reference" if last.reference is not None else f"setting {last.finalists[0]}, the baseline,"
    return f"{name} {why}" if why else ""


def winner(told: Told) -> int | None:
    """Return the winner, of several the one with the lowest number; None where there is none."""
    return min(best_confirmed(told), default=None)


def format_race(told: Told) -> str:
    """Return race.csv."""
    race = told.race
    keys = list(dict.fromkeys(key for arm in race.arms for key in race.space[arm]))
    arms = ["arm"] if any(race.arms) else []
    figures = ("epochs", "seeds", "val_accuracy", "confirmed_val_accuracy", "confirmed_seeds", "confirmation")
    head = ["setting", *arms, *keys, "status", "dropped_after_rung", "why", *figures]
    found = confirmed(told)
    best = best_confirmed(told)
    return csv_table(head, [_row(told, setting, keys, bool(arms), found, best) for setting in race.settings])


def _row(
    told: Told,
    setting: Setting,
    keys: Sequence[str],
    arms: bool,
    found: Mapping[int, Confirmed],
    best: Sequence[int],
) -> list[object]:
    """Return the cells of a setting."""
    course = told.courses[setting.arm]
    drop = next((drop for drop in course.dropped if drop.setting == setting.number), None)
    values = {override.key: override.value for override in map(Override.of, setting.overrides)}
    figures = course.figures.get(setting.number, ())
    mean = math.fsum(figures) / len(figures) if figures else math.nan
    runs = [run for place in range(len(told.race.seeds)) if (run := told.ledger.run(setting.number, place))]
    own = found.get(setting.number)
    return [
        *(setting.number, *([setting.arm] if arms else []), *(values.get(key) for key in keys)),
        *(status_of(told, setting, best), drop.rung if drop else None, drop.why if drop else None),
        *(sum(len(run.history) for run in runs), len(figures), _cell(mean)),
        *((_cell(own.mean), len(own.accuracies), told.race.confirmations[-1].number) if own else (None, None, None)),
    ]


def _cell(value: float) -> float | None:
    return None if math.isnan(value) else value


def status_of(told: Told, setting: Setting, best: Sequence[int]) -> str:
    """Return what has become of a setting, in a word; ``best`` have the highest confirmed mean, mostly one."""
    if setting.number in best:
        return WON if len({told.race.settings[number].identity for number in best}) == 1 else TIED
    if told.race.confirmations and setting.number in told.race.confirmations[-1].finalists:
        return FINALIST
    course = told.courses[setting.arm]
    drop = next((drop for drop in course.dropped if drop.setting == setting.number), None)
    if drop is None:
        return ALIVE
    return next((lost for lost in (DIVERGED, FAILED) if drop.why.startswith(lost)), DROPPED)
