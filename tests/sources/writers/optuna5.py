# requires: optuna==5.0.0
"""Write the toy's runs by Optuna, as studies in SQLite and in a journal, and beside them what Optuna reads back."""

import json
import os
import sys
import warnings
from pathlib import Path

import optuna
import toy
from optuna.storages.journal import JournalFileBackend

warnings.simplefilter("ignore")
SAMPLER = optuna.samplers.RandomSampler(seed=0)
optuna.logging.set_verbosity(optuna.logging.ERROR)


def write_toy(storage):
    """Write the toy's runs: the settings by suggest_…, the seed as the trial's attribute, val_acc as reports."""
    study = optuna.create_study(storage=storage, study_name="toy", direction="maximize")
    study.set_metric_names(["val_acc"])
    for run in toy.runs():
        settings = run["settings"]
        study.enqueue_trial({name: value for name, value in settings.items() if name != "seed"})
        trial = study.ask()
        trial.suggest_float("lr", 1e-4, 1.0, log=True)
        trial.suggest_int("width", 8, 64, log=True)
        trial.suggest_categorical("optimizer", ["adam", "sgd"])
        trial.suggest_int("batch_size", 32, 128, step=32)
        trial.set_user_attr("seed", settings["seed"])
        for epoch, figures in run["history"]:
            trial.report(figures["val_acc"], epoch)
        trial.set_user_attr("val_loss", figures["val_loss"])
        study.tell(trial, figures["val_acc"])


def write_odd(storage):
    """Write a study of two directions, with trials that ended in each way and values that are not finite."""
    study = optuna.create_study(storage=storage, study_name="odd", directions=["minimize", "maximize"], sampler=SAMPLER)
    inf, nan = float("inf"), float("nan")
    for values in ([0.5, inf], [-inf, 0.25]):
        trial = study.ask()
        trial.suggest_categorical("kind", [None, True, 3, 0.5, "text"])
        trial.suggest_float("step", 0.0, 1.0, step=0.25)
        study.tell(trial, values)
    trial = study.ask()
    trial.set_user_attr("note", {"deep": [1, 2]})
    study.tell(trial, state=optuna.trial.TrialState.FAIL)
    study.tell(study.ask(), [nan, 1.0], skip_if_finished=True)  # NaN fails a trial
    study.ask()  # left running
    study.enqueue_trial({"step": 0.5})  # left waiting


def write_pruned(storage):
    """Write a study with a pruned trial, reports that are not finite, and one step reported twice."""
    study = optuna.create_study(storage=storage, study_name="pruned")
    trial = study.ask()
    for step, value in [(0, 1.5), (10, float("nan")), (5, float("inf")), (7, float("-inf")), (0, 9.0)]:
        trial.report(value, step)
    study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    trial = study.ask()
    trial.report(0.25, 0)
    study.tell(trial, 0.125)


def write_deleted(storage):
    """Write a study and delete it; another one takes its name."""
    for value in (0.5, 0.75):
        study = optuna.create_study(storage=storage, study_name="again")
        study.tell(study.ask(), value)
        if value == 0.5:
            optuna.delete_study(storage=storage, study_name="again")


def read_back(storage):
    """Return what Optuna itself gives back: study -> trials."""
    found = {}
    for summary in optuna.get_all_study_summaries(storage):
        study = optuna.load_study(storage=storage, study_name=summary.study_name)
        found[summary.study_name] = [
            {
                "number": trial.number,
                "state": trial.state.name,
                "params": trial.params,
                "values": trial.values and list(map(repr, trial.values)),
                "intermediate": {step: repr(value) for step, value in sorted(trial.intermediate_values.items())},
                "user_attrs": trial.user_attrs,
            }
            for trial in study.trials
        ]
    return found


os.chdir(sys.argv[1])
for kind in ("sqlite", "journal"):
    if kind == "sqlite":
        storage = optuna.storages.RDBStorage("sqlite:///optuna.db")
    else:
        storage = optuna.storages.JournalStorage(JournalFileBackend("journal.log"))
    for write in (write_toy, write_odd, write_pruned, write_deleted):
        write(storage)
    Path(f"expected_{kind}.json").write_text(json.dumps(read_back(storage), indent=1, sort_keys=True) + "\n")
