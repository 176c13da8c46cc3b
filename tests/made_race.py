"""Folders of races made by hand, for tests of what reads them."""

import dataclasses
import json

from made_runs import SHA256, made_run

from npdigits.base.files import Folder
from npdigits.race.definition import Confirmation, Race, Setting, write_race
from npdigits.race.ledger import without_seeds
from npdigits.runs.json_table import load_identity
from npdigits.runs.layout import result_sizes

SEARCHED = (7, 8, 9)
# So many epochs has a full run; two are what ``made_run`` writes.
EPOCHS = 2


def made_race(folder, searched, confirmations=(), arms=("",), fixed=(), **changes):
    """Write the folder of a race and return it.

    Args:
        folder: where.
        searched: for each setting, in the order of their numbers, (arm, what is typed, accuracies in the race).
        confirmations: of each (the numbers of its finalists, what is typed of its reference or None, its seeds, and of
            each row, the reference's last, the accuracies). In the place of one stands None for a run that is not
            there, or a word for one of this status.
        arms: their names.
        fixed: what all settings have.
        changes: more of race.json.
    """
    settings = []
    for number, (arm, typed, accuracies) in enumerate(searched):
        for seed, accuracy in zip(SEARCHED, accuracies, strict=False):
            run = made_part(folder / "race" / f"{number}-{seed}", accuracy, (*fixed, *typed, f"seed={seed}"))
        settings.append(Setting(number, arm, tuple(typed), without_seeds(load_identity(run))))
    known = {one.overrides: one.identity for one in settings}
    done = []
    for k, (finalists, reference, seeds, accuracies) in enumerate(confirmations, start=1):
        rows = [settings[number].overrides for number in finalists] + ([] if reference is None else [reference])
        rows = list(dict.fromkeys(rows))  # what is there twice is run once
        for place, (typed, of_row) in enumerate(zip(rows, accuracies, strict=True)):
            for seed, accuracy in zip(seeds, of_row, strict=True):
                if accuracy is not None:
                    path = folder / f"confirmation-{k}" / f"{place}-{seed}"
                    made_part(path, accuracy, (*fixed, *typed, f"seed={seed}"))
                    known[typed] = without_seeds(load_identity(path))
        against = settings[finalists[0]].identity if reference is None else known[reference]
        done.append(Confirmation(k, finalists, reference, seeds, len(settings), 160, 40, 3, 80, against))
    race = Race(
        *(fixed, {}, {arm: {"lr": "interval(0.001,0.1)"} for arm in arms}, (), "sobol", 0, EPOCHS, 160, 3, 10),
        wanted=len(settings),
        data=SHA256,
        seeds=SEARCHED,
        rules={},
        settings=tuple(settings),
        confirmations=tuple(done),
        code=6,
    )
    write_race(Folder(folder), dataclasses.replace(race, **changes))
    return folder


def made_part(path, accuracy, typed):
    """Write a run of a race: with this accuracy, or, of a word, with this status."""
    path = _made(path, accuracy, typed)
    summary = json.loads((path / "summary.json").read_text())
    (path / "summary.json").write_text(json.dumps(summary | {"sizes": result_sizes(path)}))
    return path


def _made(path, accuracy, typed):
    if isinstance(accuracy, str):
        more = {"diverged": {"diverged_in_epoch": 2, "epochs": 1}, "paused": {"schema_but_for_pause": 2, "schema": 4}}
        return made_run(path, 0.9, *typed, status=accuracy, data_sizes=SIZES, **more.get(accuracy, {}))
    return made_run(path, accuracy, *typed, data_sizes=SIZES)


SIZES = {"train": 50000, "val": 10000, "test": 10000}
