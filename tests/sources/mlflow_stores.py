"""What writers/mlflow2.py and mlflow3.py write: the toy's runs, odd ones, and what MLflow's own client reads back."""

import json
import math
import os
import shutil
import sqlite3
import sys
import warnings
from pathlib import Path

import toy

# What MLflow notes as the program; a name without a folder, so that no path of this machine is kept.
sys.argv[0] = "train.py"
os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
warnings.simplefilter("ignore")

import mlflow  # noqa: E402
from mlflow.entities import Metric, ViewType  # noqa: E402

ELSEWHERE = "/srv/somewhere"


def write_toy():
    """Write the toy's runs, as a script with the fluent functions does."""
    mlflow.set_experiment(experiment_id=mlflow.create_experiment("toy", f"{ELSEWHERE}/toy"))
    for run in toy.runs():
        with mlflow.start_run(run_name=run["name"]):
            mlflow.log_params(run["settings"])
            for epoch, figures in run["history"]:
                mlflow.log_metrics(figures, step=epoch)


def write_odd(client):
    """Write runs that ended in other ways, values that are not finite, names with slashes, texts of all kinds."""
    experiment = mlflow.create_experiment("odd", f"{ELSEWHERE}/odd")
    mlflow.set_experiment(experiment_id=experiment)
    with mlflow.start_run(run_name="restarted") as run:
        for step in (1, 2, 3):
            mlflow.log_metric("acc", step / 10, step=step)
    with mlflow.start_run(run_id=run.info.run_id):
        for step in (2, 3, 4):
            mlflow.log_metric("acc", step / 10 + 0.05, step=step)
    with mlflow.start_run(run_name="twice") as run:
        for value, time, step in (
            *((0.5, 2000, 7), (0.3, 2000, 7), (0.5, 2000, 7)),  # one millisecond: 0.5 counts, its copy may be lost
            *((0.9, 1000, 7), (0.8, 9000, 1)),  # an earlier clock, an earlier step
        ):
            client.log_metric(run.info.run_id, "acc", value, timestamp=time, step=step)
        for name, first, second in (("nan_first", math.nan, 0.5), ("nan_last", 0.5, math.nan), ("low", math.nan, -1.0)):
            client.log_metric(run.info.run_id, name, first, timestamp=1000, step=1)
            client.log_metric(run.info.run_id, name, second, timestamp=1000, step=1)
        client.log_batch(run.info.run_id, [Metric("batch", value, 1000, 0) for value in (0.2, 0.9, 0.4)])
    with mlflow.start_run(run_name="not finite"):
        for step, value in enumerate((math.inf, -math.inf, math.nan, 1e308, 5e-324, -0.0, 0.1 + 0.2)):
            mlflow.log_metric("acc", value, step=step)
        mlflow.log_metric("without step", math.nan)
        mlflow.log_metric("without step", -3)
        mlflow.log_metric("before", 1.0, step=-5)
    for status in ("KILLED", "FAILED", "RUNNING"):
        run = client.create_run(experiment, run_name=status.lower())
        client.log_metric(run.info.run_id, "acc", 0.5)
        if status != "RUNNING":
            client.set_terminated(run.info.run_id, status)
    with mlflow.start_run(run_name="deleted") as run:
        mlflow.log_metric("acc", 0.99)
    client.delete_run(run.info.run_id)
    with mlflow.start_run(run_name="parent"):
        mlflow.log_param("of", "both")
        for child in ("child-1", "child-2"):
            with mlflow.start_run(run_name=child, nested=True):
                mlflow.log_metric("acc", 0.25)
    with mlflow.start_run(run_name="names"):
        mlflow.log_params({"model/width": 16, "a b.c-d": "x", "deep": {"a": [1, 2]}, "list": [1, 2]})
        mlflow.log_params({"none": None, "true": True, "small": 1e-05, "zeros": "007", "empty": "", "lines": "a\nb\n"})
        mlflow.log_param("long", "x" * 6000)
        mlflow.log_metrics({"val/acc": 0.5, "val/deep/loss": 0.25, "val loss": 1})
        mlflow.set_tags({"seed": 3, "group/part": "first\nsecond", "mlflow.note.content": "a note"})


def write_deleted_experiment(client):
    """Write an experiment and delete it."""
    experiment = mlflow.create_experiment("gone", f"{ELSEWHERE}/gone")
    run = client.create_run(experiment, run_name="lost")
    client.log_metric(run.info.run_id, "acc", 0.125)
    client.set_terminated(run.info.run_id)
    client.delete_experiment(experiment)


def read_back(client):
    """Return what MLflow's own client gives back: a list of runs, with ``search_runs``' metrics and the histories."""
    experiments = client.search_experiments(view_type=ViewType.ALL)
    found = []
    for experiment in experiments:
        for run in client.search_runs([experiment.experiment_id], run_view_type=ViewType.ALL, max_results=1000):
            names = sorted(run.data.metrics)
            histories = {name: client.get_metric_history(run.info.run_id, name) for name in names}
            found.append(
                {
                    "id": run.info.run_id,
                    "name": run.info.run_name,
                    "experiment": experiment.name,
                    "experiment_stage": experiment.lifecycle_stage,
                    "stage": run.info.lifecycle_stage,
                    "status": run.info.status,
                    "params": run.data.params,
                    "last": {name: repr(run.data.metrics[name]) for name in names},
                    "history": {
                        name: [[one.timestamp, one.step, repr(one.value)] for one in history]
                        for name, history in histories.items()
                    },
                    "tags": {name: text for name, text in run.data.tags.items() if not name.startswith("mlflow.")},
                }
            )
    return sorted(found, key=lambda run: run["id"])


def write(folder, more=lambda client: None, at_last=lambda client: None):
    """Write a store of each kind into a folder, packed, as most of it is small files and empty pages.

    Args:
        folder: where ``stores.zip`` comes.
        more: client -> writes what only this version of MLflow has.
        at_last: client -> writes what is not read back.
    """
    stores = Path("stores").absolute()
    stores.mkdir()
    for kind, address in (("files", (stores / "mlruns").as_uri()), ("sqlite", f"sqlite:///{stores}/mlflow.db")):
        mlflow.set_tracking_uri(address)
        client = mlflow.MlflowClient()
        write_toy()
        write_odd(client)
        more(client)
        write_deleted_experiment(client)
        (stores / f"expected_{kind}.json").write_text(json.dumps(read_back(client), indent=1) + "\n")
        at_last(client)
    replace_paths(stores)
    shutil.make_archive(Path(folder, "stores"), "zip", stores)


def replace_paths(stores):
    """Put another folder in the place of this one in all that MLflow has written."""
    here = str(Path.cwd())
    for file in stores.rglob("*.yaml"):
        file.write_text(file.read_text().replace(here, ELSEWHERE))
    with sqlite3.connect(stores / "mlflow.db") as connection:
        connection.execute(
            "UPDATE experiments SET artifact_location = replace(artifact_location, ?, ?)", (here, ELSEWHERE)
        )
    connection.close()
    for file in stores.rglob("*"):
        assert not file.is_file() or here.encode() not in file.read_bytes(), file
