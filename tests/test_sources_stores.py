"""Stores of trackers: MLflow's files and SQLite, Optuna's SQLite and journal, as the real programs wrote them."""

import json
import math
import sys
import zipfile
from pathlib import Path

import pytest
from made import REPOSITORY

from npdigits.sources.found import DELETED, FAILED, FINISHED, RUNNING, STATUSES
from npdigits.sources.reading import read_source
from npdigits.sources.values import from_text

SOURCES = REPOSITORY / "tests" / "sources"
FILES = SOURCES / "files"
sys.path.append(str(SOURCES))
import toy  # noqa: E402

ELSEWHERE = "/srv/somewhere"


def read(path):
    """Return what is found at a path, which must be recognized by its content and give nothing else a note."""
    notes = []
    found = read_source(Path(path), None, notes.append)
    assert notes == []
    check_form(found)
    return found


def check_form(found):
    """Check that what was found is of the form that all sources share."""
    n = len(found.names)
    assert len(found.settings) == len(found.statuses) == len(found.reasons) == n
    assert set(found.statuses) <= set(STATUSES) and len(set(found.names)) == n
    for metric in found.metrics:
        history = found.history(metric)
        assert list(history.columns) == ["run", "step", "value"]
        assert history.value.dtype == history.step.dtype == float and history.run.dtype == int
        assert history.run.is_monotonic_increasing and history.run.between(0, n - 1).all()


def history_of(found, name, metric):
    """Return (step, value) of each row of a run's history; the run is one whose name holds this."""
    (position,) = (i for i, one in enumerate(found.names) if name in one)
    history = found.history(metric)
    mine = history[history.run == position]
    return list(zip(mine.step, mine.value, strict=True))


def chosen(found, settings):
    """Return the position of the run that has these settings."""
    fits = [i for i, own in enumerate(found.settings) if own.items() >= settings.items()]
    assert len(fits) == 1, (settings, fits)
    return fits[0]


def assert_is_toy(found, metrics, more=None):
    """Check that each of the toy's runs is there with its settings, and that each history is the toy's exactly."""
    histories = {metric: found.history(metric) for metric in metrics}
    for run in toy.runs():
        position = chosen(found, {**run["settings"], **(more or {})})
        assert found.statuses[position] == FINISHED
        for metric, history in histories.items():
            mine = history[history.run == position]
            expected = [(float(epoch), figures[metric]) for epoch, figures in run["history"]]
            assert list(zip(mine.step, mine.value, strict=True)) == expected


# --- MLflow


@pytest.fixture(scope="module", params=["mlflow2", "mlflow3"])
def mlflow_stores(request, tmp_path_factory):
    """The stores of a version of MLflow, unpacked."""
    folder = tmp_path_factory.mktemp(request.param)
    with zipfile.ZipFile(FILES / request.param / "stores.zip") as packed:
        packed.extractall(folder)
    return folder


@pytest.fixture(scope="module", params=["files", "sqlite"])
def mlflow_store(request, mlflow_stores):
    """A store, and what MLflow's own client read of it."""
    path = mlflow_stores / ("mlruns" if request.param == "files" else "mlflow.db")
    return read(path), json.loads((mlflow_stores / f"expected_{request.param}.json").read_text()), request.param


def position_of(found, run):
    """Return the position of a run of MLflow."""
    (position,) = (i for i, name in enumerate(found.names) if run["id"][:12] in name)
    return position


def test_the_toys_histories_in_mlflow_are_exact(mlflow_store):
    found, _, _ = mlflow_store
    assert_is_toy(found, ["train_loss", "val_loss", "val_acc"], {"experiment": "toy"})
    assert found.skipped == []


def as_number(text):
    """Return what MLflow's client said of a value; its SQLite store holds the largest number for an infinity."""
    value = float(text)
    return math.copysign(math.inf, value) if abs(value) == sys.float_info.max else value


def test_all_runs_of_mlflow_are_what_its_own_client_reads(mlflow_store):
    found, expected, _ = mlflow_store
    unread = [name for name in found.names if name.endswith("(spaces)")]  # by MLflow's client, see below
    assert len(found.names) == len(expected) + len(unread)
    for run in expected:
        position = position_of(found, run)
        assert found.names[position].endswith(f"({run['name']})")
        is_deleted = "deleted" in (run["stage"], run["experiment_stage"])
        status = {"FINISHED": FINISHED, "RUNNING": RUNNING}.get(run["status"], FAILED)
        assert found.statuses[position] == (DELETED if is_deleted else status)
        texts = {**run["params"], **{f"tags.{name}": text for name, text in run["tags"].items()}}
        own = {"experiment": run["experiment"], **{name: from_text(text) for name, text in texts.items()}}
        assert found.settings[position] == own


def test_values_of_mlflow_are_what_its_own_client_reads(mlflow_store):
    found, expected, kind = mlflow_store
    n_rows = 0
    histories, lasts = ({metric: of(metric) for metric in found.metrics} for of in (found.history, found.last))
    for run in expected:
        if run["name"] == "model" and kind == "files":
            continue  # whose steps MLflow's client loses, see below
        position = position_of(found, run)
        for metric, rows in run["history"].items():
            mine = histories[metric][histories[metric].run == position]
            by_clock = sorted((time, step, as_number(value)) for time, step, value in rows)
            assert_equal(
                sorted(zip(mine.step, mine.value, strict=True), key=repr),
                sorted(((float(step), value) for _, step, value in by_clock), key=repr),
            )
            assert_equal(lasts[metric][position], as_number(run["last"][metric]))
            n_rows += len(rows)
        lacking = [metric for metric in found.metrics if metric not in run["last"]]
        assert all(math.isnan(lasts[metric][position]) for metric in lacking)
    assert n_rows > 140


def test_what_counts_as_mlflows_last_value(mlflow_store):
    found, _, kind = mlflow_store
    (position,) = (i for i, name in enumerate(found.names) if name.endswith("(twice)"))
    last = {metric: found.last(metric)[position] for metric in ("acc", "batch", "nan_first", "nan_last", "low")}
    # The largest step, then the latest time, then the largest value. NaN is 0 in SQLite, and among files' lines neither
    # larger nor smaller, so that the first one stays.
    nan_first = math.nan if kind == "files" else 0.5
    assert_equal(last, {"acc": 0.5, "batch": 0.9, "nan_first": nan_first, "nan_last": 0.5, "low": math.nan})
    copies = 2 if kind == "files" else 1  # a value that was logged twice alike
    history = history_of(found, "(twice)", "acc")
    assert history == [(7, 0.9), (7, 0.3), *[(7, 0.5)] * copies, (1, 0.8)]


def test_a_restarted_run_keeps_both_attempts_and_the_later_one_counts(mlflow_store):
    found, _, _ = mlflow_store
    history = history_of(found, "(restarted)", "acc")
    assert history == [*((step, step / 10) for step in (1, 2, 3)), *((step, step / 10 + 0.05) for step in (2, 3, 4))]
    assert found.last("acc")[[name.endswith("(restarted)") for name in found.names].index(True)] == 4 / 10 + 0.05


def test_metrics_of_a_data_set_keep_their_steps(mlflow_stores):
    if mlflow_stores.name.startswith("mlflow2"):
        return  # which has none
    for store in ("mlruns", "mlflow.db"):
        found = read(mlflow_stores / store)
        assert history_of(found, "(model)", "acc") == [(1, 0.25), (1, 0.125), (2, 0.5), (2, 0.25)]
        assert history_of(found, "(spaces)", "acc") == [(1, 0.25), (2, 0.5)]


def assert_equal(found, expected):
    """Check that two values, or tables or lists of such, are equal, where NaN equals NaN."""
    assert repr(found) == repr(expected) or found == expected or json.dumps(found) == json.dumps(expected)
