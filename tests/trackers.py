"""Stand-ins for mlflow and trackio, whose installation is too heavy for the tests: they keep in memory what is logged.

They behave as the real ones did where it matters: MLflow's file store keeps a figure twice that is logged twice, params
cannot be changed, a deleted run is kept and not found; Trackio ignores a row whose log_id is there.
"""

import sys
import types
from pathlib import Path
from types import SimpleNamespace

MOST_PARAM, MOST_TAG = 6000, 8000


class MlflowError(Exception):
    pass


class Page(list):
    token = None


def entity(*names):
    return lambda *values: SimpleNamespace(**dict(zip(names, values, strict=False)))


class Store:
    """A store, and its client. ``calls_left`` calls that write are answered; the next one is a kill."""

    def __init__(self):
        self.experiments, self.runs, self.calls_left, self.uris, self.requests = {}, {}, None, [], 0
        self.stage = "active"

    def client(self, tracking_uri):
        self.uris.append(tracking_uri)
        return self

    def _write(self):
        self.requests += 1
        if self.calls_left is not None:
            self.calls_left -= 1
            if self.calls_left < 0:
                raise KeyboardInterrupt

    def get_experiment_by_name(self, name):
        if name in self.experiments:
            return SimpleNamespace(experiment_id=self.experiments[name], lifecycle_stage=self.stage)
        return None

    def create_experiment(self, name, artifact_location=None):
        self._write()
        self.location = artifact_location
        self.experiments[name] = str(len(self.experiments) + 1)
        return self.experiments[name]

    def search_runs(self, experiments, max_results, page_token):
        found = [run for run in self.runs.values() if run.experiment in experiments and not run.deleted]
        start = int(page_token or 0)
        page = Page(self._seen(run) for run in found[start : start + 2])
        page.token = str(start + 2) if start + 2 < len(found) else None
        return page

    def _seen(self, run):
        latest = {}
        for name, step, value in run.metrics:
            if name not in latest or step >= latest[name][0]:
                latest[name] = (step, value)
        metrics = {name: value for name, (_, value) in latest.items()}
        info = SimpleNamespace(run_id=run.number, run_name=run.name)
        return SimpleNamespace(info=info, data=SimpleNamespace(tags=run.tags, params=run.params, metrics=metrics))

    def create_run(self, experiment, start_time, tags, run_name):
        run = SimpleNamespace(experiment=experiment, number=f"r{len(self.runs)}", name=run_name, deleted=False)
        run.tags, run.params, run.metrics, run.artifacts = {"mlflow.runName": run_name}, {}, [], {}
        run.status, run.begun, run.ended = "RUNNING", start_time, None
        self.runs[run.number] = run
        self._write()  # MLflow's file store makes the run before its tags
        run.tags |= tags
        return self._seen(run)

    def delete_run(self, number):
        self._write()
        self.runs[number].deleted = True

    def log_batch(self, number, metrics=(), params=(), tags=()):
        self._write()
        run = self.runs[number]
        assert len(metrics) <= 1000 and len(params) <= 100 and len(tags) <= 100
        for one in params:
            assert run.params.setdefault(one.key, one.value) == one.value and len(one.value) <= MOST_PARAM
        for one in tags:
            assert len(one.value) <= MOST_TAG
            run.tags[one.key] = one.value
        run.metrics += [(one.key, one.step, one.value) for one in metrics]

    def get_metric_history(self, number, name):
        return [SimpleNamespace(step=step, value=value) for n, step, value in self.runs[number].metrics if n == name]

    def list_artifacts(self, number, path):
        return [SimpleNamespace(path=f"{path}/{n}", file_size=len(c)) for n, c in self.runs[number].artifacts.items()]

    def log_artifact(self, number, file, path):
        self._write()
        self.runs[number].artifacts[Path(file).name] = Path(file).read_bytes()

    def set_terminated(self, number, status, end_time):
        self._write()
        self.runs[number].status, self.runs[number].ended = status, end_time
        print("View run")  # as it does for a server

    def content(self):
        """What is in the store, in an order of its own; of what was deleted nothing."""
        there = [run for run in self.runs.values() if not run.deleted]
        return {
            run.name: (run.tags, run.params, sorted(map(repr, run.metrics)), run.artifacts, run.status) for run in there
        }


def module(name, **content):
    made = types.ModuleType(name)
    vars(made).update(content)
    return name, made


def put_mlflow(monkeypatch):
    """Put a stand-in for mlflow into place, and return its store."""
    store = Store()
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    validation = module("mlflow.utils.validation", MAX_PARAM_VAL_LENGTH=MOST_PARAM, MAX_TAG_VAL_LENGTH=MOST_TAG)
    for name, made in (
        module("mlflow", MlflowClient=store.client),
        module("mlflow.exceptions", MlflowException=MlflowError),
        module(
            "mlflow.entities",
            Metric=entity("key", "value", "timestamp", "step"),
            Param=entity("key", "value"),
            RunTag=entity("key", "value"),
        ),
        module("mlflow.utils", validation=validation[1]),
        validation,
    ):
        monkeypatch.setitem(sys.modules, name, made)
    return store


class Rows:
    """Trackio's storage."""

    def __init__(self):
        self.rows, self.configs, self.written = {}, {}, 0

    def validate_project_name(self, project):
        if project.endswith("_system"):
            raise ValueError(f"{project} is reserved")

    def get_run_config(self, project, run, run_id):
        return self.configs.get((project, run_id))

    def get_logs(self, project, run, run_id):
        return [{**row, "step": step} for key, (step, row) in self.rows.items() if key[:2] == (project, run_id)]

    def delete_run(self, project, run, run_id):
        self.rows = {key: row for key, row in self.rows.items() if key[:2] != (project, run_id)}

    def bulk_log(self, project, run, metrics, steps, timestamps, config, log_ids, run_id):
        assert metrics and len(metrics) == len(steps) == len(timestamps) == len(log_ids) == len(set(log_ids))
        for row, step, name in zip(metrics, steps, log_ids, strict=True):
            self.rows.setdefault((project, run_id, name), (step, row))
        self.configs[project, run_id] = config
        self.written += 1


def put_trackio(monkeypatch, folder):
    """Put a stand-in for trackio into place that writes to this folder, and return its storage."""
    rows = Rows()
    monkeypatch.setenv("TRACKIO_DIR", str(folder))

    def media(project, run, step):
        path = folder / "media" / project / run / str(step)
        path.mkdir(parents=True, exist_ok=True)
        return path

    for name, made in (
        module("trackio", Image=SimpleNamespace(TYPE="trackio.image")),
        module("trackio.sqlite_storage", SQLiteStorage=rows),
        module("trackio.utils", TRACKIO_DIR=folder, MEDIA_DIR=folder / "media"),
        module("trackio.media"),
        module("trackio.media.utils", get_project_media_path=media),
    ):
        monkeypatch.setitem(sys.modules, name, made)
    return rows
