#!/usr/bin/env bash
# MLflow 3.17.2: a metric that was logged with a data set loses its step in the file store, or the run can be read no more.
#
# What one would guess: mlflow.log_metric(name, value, step=…, model_id=…, dataset=…) can be read back with its step,
# whatever the data set is called.
# Seen: the file holds "time value step name digest". The reader takes the step from lines of exactly three fields, so it is
# 0 of these, and which value is the last one is decided by the clock alone. A space in the data set's name makes six fields:
# then search_runs of the whole experiment fails. The SQLite store gives all steps back, and takes any name.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check mlflow==3.17.2

cd "$folder"
HOME=$folder MLFLOW_ALLOW_FILE_STORE=true "$folder/venv/bin/python" - << 'PYTHON' 2> /dev/null
import mlflow
import pandas as pd


def steps_of(uri, name):
    """Return the steps that are read back of a metric that was logged at the steps 1 and 2; None if they cannot be read."""
    mlflow.set_tracking_uri(uri)
    client = mlflow.MlflowClient()
    experiment = client.create_experiment(name)
    mlflow.set_experiment(experiment_id=experiment)
    data = mlflow.data.from_pandas(pd.DataFrame({"x": [1.0]}), name=name, source="made")
    with mlflow.start_run() as run:
        model = mlflow.initialize_logged_model(name="model")
        for step in (1, 2):
            mlflow.log_metric("acc", step / 4, step=step, model_id=model.model_id, dataset=data)
    try:
        client.search_runs([experiment])
        return sorted(one.step for one in client.get_metric_history(run.info.run_id, "acc"))
    except mlflow.exceptions.MlflowException as error:
        print(f"  {str(error).partition('. Experiment')[0]}")
        return None


for uri, name, expected in (
    ("sqlite:///mlflow.db", "rows", [1, 2]),
    ("sqlite:///mlflow.db", "my rows", [1, 2]),
    ("mlruns", "rows", [0, 0]),
    ("mlruns", "my rows", None),
):
    seen = steps_of(uri, name)
    print(f"{uri}, a data set called {name!r}: steps {seen}")
    assert seen == expected
PYTHON
