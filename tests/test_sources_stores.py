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
from npdigits.sources.values import flatten, from_text

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


# --- Optuna


@pytest.fixture(scope="module", params=["sqlite", "journal"])
def optuna_storage(request):
    """A storage, and what Optuna itself read of it: study -> trials."""
    folder = FILES / "optuna5"
    expected = json.loads((folder / f"expected_{request.param}.json").read_text())
    return read(folder / {"sqlite": "optuna.db", "journal": "journal.log"}[request.param]), expected


def test_the_toys_values_and_reports_in_optuna_are_exact(optuna_storage):
    found, _ = optuna_storage
    for run in toy.runs():
        position = chosen(found, {**run["settings"], "study": "toy"})
        reports = [(epoch, figures["val_acc"]) for epoch, figures in run["history"]]
        assert rows_of(found, position, "intermediate") == reports
        assert [value for _, value in rows_of(found, position, "val_acc")] == [reports[-1][1]]
        assert [value for _, value in rows_of(found, position, "val_loss")] == [run["history"][-1][1]["val_loss"]]
    assert found.higher == {"val_acc": True, "value_0": False, "value_1": True, "value": False}
    assert found.skipped == [] and any("5 studies" in line or "4 studies" in line for line in found.remarks)


def rows_of(found, position, metric):
    """Return (step, value) of each row of a run's history."""
    history = found.history(metric)
    mine = history[history.run == position]
    return list(zip(mine.step, mine.value, strict=True))


STATES = {
    "COMPLETE": (FINISHED, ""),
    "PRUNED": (FAILED, "pruned"),
    "FAIL": (FAILED, "failed"),
    "RUNNING": (RUNNING, ""),
    "WAITING": (RUNNING, "waiting: not begun"),
}


def test_all_trials_are_what_optuna_itself_reads(optuna_storage):
    found, expected = optuna_storage
    alive = [name for name, status in zip(found.names, found.statuses, strict=True) if status != DELETED]
    assert len(alive) == sum(map(len, expected.values()))
    for study, trials in expected.items():
        names = {"toy": ["val_acc"], "odd": ["value_0", "value_1"]}.get(study, ["value"])
        for trial in trials:
            (position,) = (
                i for i, name in enumerate(found.names) if name.endswith(f": {study}, trial {trial['number']}")
            )
            assert (found.statuses[position], found.reasons[position]) == STATES[trial["state"]]
            own = {"study": study, **trial["params"], **flatten(trial["user_attrs"])}
            assert found.settings[position] == own
            for name, text in zip(names, trial["values"] or [None] * len(names), strict=True):
                values = [value for _, value in rows_of(found, position, name)]
                assert values == ([] if text is None else [float(text)])
            reports = {int(step): float(text) for step, text in trial["intermediate"].items()}
            assert_equal(
                sorted(rows_of(found, position, "intermediate")), sorted((float(k), v) for k, v in reports.items())
            )


def test_a_deleted_study_is_named_where_its_trials_are_still_there():
    found = read(FILES / "optuna5" / "journal.log")
    deleted = [i for i, status in enumerate(found.statuses) if status == DELETED]
    assert [found.names[i].partition(": ")[2] for i in deleted] == ["again (deleted, study 3), trial 0"]
    database = read(FILES / "optuna5" / "optuna.db")
    assert DELETED not in database.statuses


def test_a_journal_that_is_cut_off_or_damaged_costs_its_bad_lines_alone(tmp_path):
    whole = (FILES / "optuna5" / "journal.log").read_bytes()
    lines = whole.splitlines(keepends=True)
    journal = tmp_path / "cut.log"
    journal.write_bytes(whole[:-20])
    found = read(journal)
    assert [place for place, _ in found.skipped] == [f"{journal}: line {len(lines)}"]
    assert "no end" in found.skipped[0][1] and RUNNING in found.statuses
    broken = b'{"op_code":4,"study_id":0,"datetime_start":null,"state":77}\n'  # counts as a trial, as it is one
    bad = [
        b"{]\n",
        b"[1]\n",
        b'{"op_code":99}\n',
        b'{"op_code":5,"trial_id":0}\n',
        b'{"op_code":7,"trial_id":"x"}\n',
        broken,
    ]
    bad += [b"[" * 100_000 + b"\n", b'{"op_code":6,"trial_id":1' + b"0" * 5000 + b"}\n", b"\xff\n"]
    journal.write_bytes(b"".join([*lines[:3], *bad[:-4], *lines[3:], *bad[-4:]]))
    found = read(journal)
    assert len(found.skipped) == len(bad)
    assert_is_toy_trial = chosen(found, {**toy.runs()[0]["settings"], "study": "toy"})
    assert rows_of(found, assert_is_toy_trial, "intermediate")[0][1] == toy.runs()[0]["history"][0][1]["val_acc"]


# --- Trackio


@pytest.fixture(scope="module")
def trackio_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trackio")
    with zipfile.ZipFile(FILES / "trackio0" / "trackio.zip") as packed:
        packed.extractall(folder)
    return folder / "trackio"


def test_the_toys_histories_in_trackio_are_exact(trackio_folder):
    for path in (trackio_folder, trackio_folder / "toy.db"):
        found = read(path)
        more = {"project": "toy"} if path == trackio_folder else None
        assert_is_toy(found, ["train_loss", "val_loss", "val_acc"], more)
        assert found.skipped == []
    assert sorted(path.name for path in trackio_folder.iterdir()) == ["odd.db", "toy.db"]  # in WAL mode


def test_what_trackio_makes_of_values_that_are_not_finite_and_of_resumed_runs(trackio_folder):
    found = read(trackio_folder / "odd.db")
    assert_equal(history_of(found, ": values", "x"), [(0.0, math.nan), (1.0, 1.0), (2.0, 0.1 + 0.2)])
    values = {name: history_of(found, ": values", name) for name in ("up", "down", "deep.z")}
    assert values == {"up": [(0, math.inf)], "down": [(0, -math.inf)], "deep.z": [(0, 1)]}
    assert set(found.metrics) == {"x", "up", "down", "deep.z"}  # texts and booleans are none
    assert history_of(found, ": again", "x") == [(1, 1.0), (2, 2.0), (2, 2.5), (3, 3.0)]
    names = [name.partition(": ")[2] for name in found.names]
    assert [name.partition(" (")[0] for name in names] == ["values", "again", "bare", "namesake", "namesake"]
    assert found.settings[2] == {} and any("no configuration" in line and "bare" in line for line in found.remarks)
    config = {"fast": True, "lr": 1e-05, "net.drop": None, "net.widths": "[300,100]", "text": "007"}
    assert found.settings[0] == found.settings[3] == config
