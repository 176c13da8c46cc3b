"""Folders of races made by hand, for tests of what reads them."""

import dataclasses

from made_runs import SHA256, made_run

from npdigits.base.files import Folder
from npdigits.race.definition import Confirmation, Race, Setting, write_race
from npdigits.race.ledger import without_seeds
from npdigits.runs.json_table import load_identity

SEARCHED, FRESH = (7, 8, 9), tuple(range(100, 110))


def made_race(folder, searched, confirmations=(), arms=("",), fixed=(), **changes):
    """Write the folder of a race and return it.

    Args:
        folder: where.
        searched: for each setting, in the order of their numbers, (arm, what is typed, accuracies in the race).
        confirmations: of each (numbers of its finalists, what is typed of its reference or None, its seeds, and
            for each row, the reference's last, the accuracies; None in the place of one is a run that is not there,
            a word a run of this status).
        arms: their names.
        fixed: what all settings have.
        changes: more of race.json.
    """
    settings = []
    for number, (arm, typed, accuracies) in enumerate(searched):
        for place, accuracy in enumerate(accuracies):
            run = _made(folder / "race" / f"{number}-{place}", accuracy, (*fixed, *typed, f"seed={SEARCHED[place]}"))
        settings.append(Setting(number, arm, typed, without_seeds(load_identity(run))))
    fixed_ones = []
    for k, (finalists, reference, seeds, of_rows) in enumerate(confirmations, start=1):
        rows = [settings[number].overrides for number in finalists] + ([] if reference is None else [reference])
        for place, (typed, accuracies) in enumerate(zip(rows, of_rows, strict=True)):
            for seed, accuracy in zip(seeds, accuracies, strict=True):
                if accuracy is not None:
                    path = folder / f"confirmation-{k}" / f"{place}-{seed}"
                    _made(path, accuracy, (*fixed, *typed, f"seed={seed}"))
        fixed_ones.append(Confirmation(k, finalists, reference, seeds, len(settings), 160, 40, 3, 80))
    race = Race(
        *(fixed, {}, {arm: {"lr": "interval(0.001,0.1)"} for arm in arms}, (), "sobol", 0, 2, 160, 3, 10),
        wanted=len(settings),
        data=SHA256,
        seeds=SEARCHED,
        rules={},
        settings=tuple(settings),
        confirmations=tuple(fixed_ones),
        code=6,
    )
    folder.mkdir(exist_ok=True)
    write_race(Folder(folder), dataclasses.replace(race, **changes))
    return folder


def _made(path, accuracy, typed):
    status = accuracy if isinstance(accuracy, str) else "finished"
    return made_run(path, 0.9 if isinstance(accuracy, str) else accuracy, *typed, status=status)
