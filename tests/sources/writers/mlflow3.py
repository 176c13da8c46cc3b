# requires: mlflow==3.17.2
"""Write the toy's runs and odd ones by MLflow 3, as files and in SQLite, and runs with models and data sets."""

import sys

FOLDER = sys.argv[1]

import mlflow  # noqa: E402
import mlflow_stores  # noqa: E402


def write_models(client):
    """Write a run whose metrics belong to a logged model and to a data set, and one by autologging."""
    import numpy as np
    import pandas as pd
    from sklearn.linear_model import SGDClassifier

    mlflow.set_experiment(experiment_id=mlflow.create_experiment("models", f"{mlflow_stores.ELSEWHERE}/models"))
    data = mlflow.data.from_pandas(pd.DataFrame({"x": [1.0, 2.0]}), name="rows", source="made")
    with mlflow.start_run(run_name="model"):
        for step in (1, 2):
            model = mlflow.initialize_logged_model(name=f"after {step}".replace(" ", "-"))
            mlflow.log_metric("acc", step / 4, step=step, model_id=model.model_id, dataset=data)
            mlflow.log_metric("acc", step / 8, step=step)
        mlflow.log_input(data, context="training")
    mlflow.sklearn.autolog(log_models=False, log_datasets=False)
    with mlflow.start_run(run_name="autologged"):
        rows = np.arange(40.0).reshape(20, 2)
        SGDClassifier(alpha=0.01, random_state=3).fit(rows, rows[:, 0] > 19)
    mlflow.sklearn.autolog(disable=True)


def write_unreadable(client):
    """Write a metric of a data set whose name has a space: MLflow's file store cannot read it back."""
    import pandas as pd

    mlflow.set_experiment(experiment_id=mlflow.create_experiment("spaces", f"{mlflow_stores.ELSEWHERE}/spaces"))
    data = mlflow.data.from_pandas(pd.DataFrame({"x": [1.0, 2.0]}), name="my two rows", source="made")
    with mlflow.start_run(run_name="spaces"):
        model = mlflow.initialize_logged_model(name="of-spaces")
        for step in (1, 2):
            mlflow.log_metric("acc", step / 4, step=step, model_id=model.model_id, dataset=data)


mlflow_stores.write(FOLDER, write_models, write_unreadable)
