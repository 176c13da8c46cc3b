# requires: mlflow==2.22.5 sqlalchemy==2.0.58
"""Write the toy's runs and odd ones by MLflow 2, as files and in SQLite."""

import sys

import mlflow_stores

mlflow_stores.write(sys.argv[1])
