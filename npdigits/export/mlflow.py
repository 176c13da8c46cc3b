"""Runs in an MLflow store, by MLflow's own client: params, metrics by epoch, tags, plots as artifacts.

A run is known by the tag ``npdigits.run``, or by its name if it was left before it got its tags. What is there is
read first, and what is missing is added: MLflow's file store would keep a figure twice that is logged twice.
"""

import contextlib
import io
import logging
import math
import os
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from npdigits.base.errors import ConfigError
from npdigits.base.text import join_lines
from npdigits.export.exported import Exported
from npdigits.runs.summary import Status

MISSING = 'the package mlflow is not installed: pip install "npdigits[mlflow]"'
SCHEMES = ("file", "sqlite", "http", "https", "postgresql", "mysql", "mssql")
DATABASES = (".db", ".sqlite", ".sqlite3")
TAG, DONE = "npdigits.run", "npdigits.exported"
# What a request may hold of each.
MOST_METRICS, MOST_OTHERS = 1000, 100
STATUSES = {
    Status.FINISHED: "FINISHED",
    Status.DIVERGED: "FAILED",
    Status.FAILED: "FAILED",
    Status.INTERRUPTED: "KILLED",
}
# Figures that tell of this one directory: another one of the same run may have others.
OF_A_DIRECTORY = ("seconds",)
# As which a database of MLflow gives infinity back.
LARGEST = sys.float_info.max
# A figure of a run: name, step, value.
Figure = tuple[str, int, float]


def export(target: str, runs: Sequence[Exported], experiment: str) -> str:
    """Write the runs into a store; return a line about it.

    Args:
        target: a folder, or a URI.
        runs: what to write.
        experiment: its name; made where there is none.

    Raises:
        ConfigError: the package is not installed, or MLflow refuses.
    """
    uri = store_uri(target)
    # Exporting is the user's own affair, and the folder that they named is meant.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # by default a server that is away takes minutes
    if uri.startswith("file:"):
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
    try:
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
    except ImportError as error:
        raise ConfigError(f"--mlflow: {MISSING}") from error
    # MLflow 2.22 imports a name in its store that SQLAlchemy 2.1 does not have.
    refusals: tuple[type[Exception], ...] = (MlflowException, ImportError)
    with contextlib.suppress(ImportError):  # which MLflow without databases does not bring along
        from sqlalchemy.exc import SQLAlchemyError

        refusals += (SQLAlchemyError,)
    with _quiet():
        try:
            client = MlflowClient(tracking_uri=uri)
            number = _experiment(client, experiment, uri)
            there = _find(client, number)
            changed = sum(_write(client, number, run, there.get(run.key, [])) for run in runs)
        except refusals as error:
            raise ConfigError(f"--mlflow {target}: {join_lines(str(error))[:500]}") from error
    return f"{target}: experiment {experiment}: {len(runs)} runs, {changed} of them new or brought up to date"


def store_uri(target: str) -> str:
    """Return a target as a URI.

    Raises:
        ConfigError: it is none that is taken.
    """
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", target)
    is_database = Path(target).is_file() or Path(target).suffix in DATABASES
    if scheme is None and (is_database or not target):
        raise ConfigError(f"--mlflow {target!r}: allowed is a folder, or for a database sqlite:///{target or 'FILE'}")
    if scheme is None:
        return Path(target).expanduser().absolute().as_uri()
    if scheme[1].partition("+")[0] not in SCHEMES:
        raise ConfigError(f"--mlflow {target}: allowed are a folder, sqlite:///FILE, http(s)://…, or a database's URI")
    return target


def _experiment(client: Any, name: str, uri: str) -> str:
    """Return an experiment's number; make it where there is none.

    Raises:
        ConfigError: it was deleted.
    """
    found = client.get_experiment_by_name(name)
    if found is None:
        return str(client.create_experiment(name, artifact_location=_artifacts(uri)))
    if found.lifecycle_stage != "active":
        raise ConfigError(f"--experiment {name}: was deleted in this store; restore it there, or choose another name")
    return str(found.experiment_id)


def _artifacts(uri: str) -> str | None:
    """Return where the plots go: beside an SQLite file, as MLflow would make a folder where the user stands."""
    if not uri.startswith("sqlite:"):
        return None
    file = Path(uri.partition("///")[2].partition("?")[0])
    return (file.absolute().parent / f"{file.stem}_artifacts").as_uri()


def _find(client: Any, experiment: str) -> dict[str, list[Any]]:
    """Return the runs of an experiment that an export has made: key -> runs of it."""
    found: dict[str, list[Any]] = {}
    token = None
    while True:
        page = client.search_runs([experiment], max_results=1000, page_token=token)
        for run in page:
            key = run.data.tags.get(TAG) or _key_in_name(run)
            if key:
                found.setdefault(key, []).append(run)
        token = page.token
        if not token:
            return found


def _key_in_name(run: Any) -> str:
    """Return the key at the end of the name of a run without tags, which a killed export has left; "" if none is."""
    name = re.search(r"_([0-9a-f]{12}-(?:[0-9a-f]{8}|unknown))$", run.info.run_name or "")
    ours = not run.data.params and not run.data.metrics and set(run.data.tags) <= {"mlflow.runName", "mlflow.user"}
    return name[1] if name and ours else ""


def _write(client: Any, experiment: str, run: Exported, there: Sequence[Any]) -> bool:
    """Write a run, or what is missing of it; return whether anything was."""
    from mlflow.entities import RunTag
    from mlflow.utils import validation

    plots = run.plots()
    told = run.digest(plots)
    params = {_fit(name): _cut(value, validation.MAX_PARAM_VAL_LENGTH) for name, value in run.settings.items()}
    figures = list(_figures(run))
    found = next((one for one in there if _agrees(one, params, figures)), None)
    for one in there:
        if one is not found:
            client.delete_run(one.info.run_id)  # MLflow keeps it, marked as deleted
    if found is not None and found.data.tags.get(DONE) == told:
        return False
    tags = {TAG: run.key, **{f"npdigits.{name}": value for name, value in run.tags.items()}}
    tags = {name: _cut(value, validation.MAX_TAG_VAL_LENGTH) for name, value in tags.items()}
    begun, ended = _milliseconds(run.begun), _milliseconds(run.ended)
    if found is None:
        found = client.create_run(experiment, start_time=begun, tags=tags, run_name=run.name)
    number = found.info.run_id
    logged = _logged(client, number, found.data.metrics)
    missing = [(name, value) for name, value in params.items() if name not in found.data.params]
    _log(client, number, missing, [one for one in figures if one[:2] not in logged], tags, ended)
    _put_plots(client, number, plots)
    if run.status in STATUSES:
        client.set_terminated(number, STATUSES[run.status], ended)
    client.log_batch(number, tags=[RunTag(DONE, told)])
    return True


def _figures(run: Exported) -> Iterator[Figure]:
    """Yield a run's figures; those of its best epoch and its totals stand at the epoch that they are of."""
    for number, figures in run.epochs:
        yield from ((_fit(name), number, value) for name, value in figures.items())
    last = run.epochs[-1][0] if run.epochs else 0
    yield from ((_fit(name), run.best_epoch, value) for name, value in run.best.items())
    yield from ((_fit(name), last, value) for name, value in run.totals.items())


def _agrees(there: Any, params: Mapping[str, str], figures: Sequence[Figure]) -> bool:
    """Say whether a store has of a run what it has measured, or a part of it: nothing in MLflow can be replaced."""
    if any(params.get(name, value) != value for name, value in there.data.params.items()):
        return False
    ours: dict[str, set[float]] = {}
    for name, _, value in figures:
        ours.setdefault(name, set()).update((value, min(max(value, -LARGEST), LARGEST)))
    latest = {name: value for name, value in there.data.metrics.items() if name in ours and name not in OF_A_DIRECTORY}
    return all(value in ours[name] or math.isnan(value) for name, value in latest.items())


def _logged(client: Any, number: str, names: Iterable[str]) -> set[tuple[str, int]]:
    """Return of which figures a store has which steps."""
    return {(name, metric.step) for name in names for metric in client.get_metric_history(number, name)}


def _log(
    client: Any,
    number: str,
    params: Sequence[tuple[str, str]],
    figures: Sequence[Figure],
    tags: Mapping[str, str],
    time: int,
) -> None:
    """Log in as few requests as MLflow allows."""
    from mlflow.entities import Metric, Param, RunTag

    for start in range(0, len(params), MOST_OTHERS):
        client.log_batch(number, params=[Param(*one) for one in params[start : start + MOST_OTHERS]])
    for start in range(0, len(figures), MOST_METRICS):
        metrics = [Metric(name, value, time, step) for name, step, value in figures[start : start + MOST_METRICS]]
        client.log_batch(number, metrics=metrics)
    client.log_batch(number, tags=[RunTag(*one) for one in tags.items()])


def _put_plots(client: Any, number: str, plots: Sequence[tuple[str, bytes]]) -> None:
    """Put the plots among a run's artifacts, those that are not there in this size."""
    if not plots:
        return
    there = {Path(one.path).name: one.file_size for one in client.list_artifacts(number, "plots")}
    with tempfile.TemporaryDirectory() as scratch:
        for name, png in plots:
            if there.get(f"{name}.png") != len(png):
                file = Path(scratch) / f"{name}.png"
                file.write_bytes(png)
                client.log_artifact(number, str(file), "plots")


def _fit(name: str) -> str:
    """Return a name that MLflow takes: letters, digits, and ``_-./ ``."""
    return re.sub(r"[^\w./ -]", "_", name)[:250]


def _cut(value: Any, most: int) -> str:
    """Return a value as text of at most this length."""
    text = str(value)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _milliseconds(seconds: float) -> int:
    return max(0, round(1000 * seconds))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Let MLflow and its migrations tell of warnings alone, and print no address of each run of a server."""
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
