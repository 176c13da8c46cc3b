"""Runs exported to trackers and as a table: all that they measured, once, and nothing of anybody else's lost."""

import builtins
import csv
import io
import json
import math
import shutil

import numpy as np
import pytest
from made import write_set
from trackers import put_mlflow, put_trackio

from npdigits.base.errors import ConfigError
from npdigits.config.compose import compose
from npdigits.export import mlflow, tensorboard, trackio
from npdigits.export.command import main
from npdigits.export.exported import read_exported, read_run
from npdigits.export.tidy import tidy_csv
from npdigits.runs.metrics import read_metrics
from npdigits.runs.run import run
from npdigits.runs.table import load_runs

EPOCHS = 4
PNG = b"\x89PNG\r\n\x1a\n" + bytes(8) + (7).to_bytes(4, "big") + (5).to_bytes(4, "big") + bytes(9)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A sweep: two finished runs, one that diverged in its first epoch, one that was interrupted after two epochs."""
    folder = tmp_path_factory.mktemp("made")
    keys = [
        "data=idx",
        f"data.dir={write_set(folder / 'set')}",
        f"epochs={EPOCHS}",
        "hidden=3",
        "plots=false",
        "quiet=true",
    ]
    for seed in (0, 1):
        run(compose([*keys, f"seed={seed}"]), folder / "sweep" / f"seed-{seed}")
    run(compose([*keys, "lr=1e30", "optimizer=sgd"]), folder / "sweep" / "diverged")
    asked = iter(range(10**6))
    run(compose([*keys, "seed=2"]), folder / "sweep" / "interrupted", stop=lambda: next(asked) == 40)
    plots = folder / "sweep" / "seed-0" / "plots"
    plots.mkdir()
    (plots / "cost.png").write_bytes(PNG)
    return folder


@pytest.fixture
def sweep(made, tmp_path):
    return shutil.copytree(made / "sweep", tmp_path / "sweep")


@pytest.fixture
def runs(sweep):
    return {one.path.name: one for one in read_exported([sweep], lambda line: None)}


def measured(path):
    """The figures of a run as metrics.csv has them: (name, epoch) -> value."""
    columns = read_metrics(path)
    epochs = columns.pop("epoch")
    cells = {
        (name, epoch): value for name, values in columns.items() for epoch, value in zip(epochs, values, strict=True)
    }
    return {key: value for key, value in cells.items() if not math.isnan(value)}


def test_a_run_is_told_of_as_its_files_have_it(sweep, runs):
    table = load_runs(sweep).set_index(load_runs(sweep).run.map(lambda path: path.rpartition("/")[2]))
    assert set(runs) == {"seed-0", "seed-1", "diverged", "interrupted"}
    for name, one in runs.items():
        told = {(figure, epoch): value for epoch, figures in one.epochs for figure, value in figures.items()}
        assert told == measured(one.path)
        assert one.tags["identity"] == table.identity[name] and one.status == table.status[name]
        assert all(one.settings[key] == table[key][name] for key in ("hidden", "lr", "seed", "optimizer", "data"))
        assert set(one.settings) < set(table.columns)
    assert runs["seed-0"].best["best/val_accuracy"] == table.val_accuracy["seed-0"]
    assert runs["interrupted"].best == {} == runs["interrupted"].totals and len(runs["interrupted"].epochs) == 2
    assert len({one.key for one in runs.values()}) == 4


def test_what_is_not_finished_cannot_be_read_or_is_there_twice_is_said(sweep, tmp_path):
    shutil.copytree(sweep / "seed-0", sweep / "again")
    (sweep / "seed-1" / "metrics.csv").write_text("epoch,lr\n1,")
    said = []
    found = read_exported([sweep], said.append)
    assert len(found) == 3
    assert sum("the same run as" in line and "exported once" in line for line in said) == 1
    assert sum(line.startswith("skipped: ") and "metrics.csv: damaged" in line for line in said) == 1
    assert sum("; 2 runs have not" in line for line in said) == 1
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="no run that can be read"):
        read_exported([tmp_path / "empty"], said.append)


def test_the_table_has_every_figure_beside_its_run_keys_and_epoch(runs):
    text = tidy_csv(list(runs.values()))
    rows = list(csv.DictReader(io.StringIO(text)))
    columns = text.partition("\n")[0].split(",")
    assert len(set(columns)) == len(columns) and columns[:3] == ["run", "data", "hidden"]
    for one in runs.values():
        found = [row for row in rows if row["run"] == one.name]
        assert [int(row["epoch"]) for row in found] == [epoch for epoch, _ in one.epochs]
        read = {
            ("lr" if name == "learning_rate" else name, float(row["epoch"])): float(row[name])
            for row in found
            for name in columns[columns.index("epoch") + 1 :]
            if row[name]
        }
        assert read == measured(one.path)
        assert {(row["seed"], row["max_norm"]) for row in found} <= {(str(one.settings["seed"]), "null")}


def command(monkeypatch, capsys, *typed):
    monkeypatch.setattr("sys.argv", ["npdigits-export", *map(str, typed)])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code, capsys.readouterr()


def test_the_command_prints_the_table_and_nothing_else(sweep, monkeypatch, capsys):
    code, said = command(monkeypatch, capsys, sweep / "seed-0", sweep / "seed-1", "--csv", "-")
    rows = list(csv.DictReader(io.StringIO(said.out)))
    assert code == 0 and len(rows) == 2 * EPOCHS and {row["seed"] for row in rows} == {"0", "1"}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["{sweep}"], "nothing to write: allowed are --html FILE, --onnx FILE, --csv FILE, --tensorboard DIR"),
        (["{run}", "{run}", "--onnx", "a.onnx"], "--onnx: allowed is one run with it, 2 are given"),
        (["{sweep}", "--csv", "{run}/table.csv"], "a file of a run or a sweep could be lost"),
        (["{sweep}", "--tensorboard", "{sweep}/board"], "which is read; choose another place"),
        (["{run}/..", "--trackio", "{run}/tracked"], "a file of a run could be lost"),
        (["{sweep}", "--tensorboard", "{run}/metrics.csv"], "allowed is a folder"),
        (["{sweep}", "--mlflow", "databricks://x"], "--mlflow databricks://x: allowed are a folder, sqlite:///FILE"),
        (["{sweep}", "--mlflow", "my.db"], "--mlflow 'my.db': allowed is a folder, or for a database sqlite:///my.db"),
        (["{sweep}", "--mlflow", "{sweep}/mlruns"], "which is read; choose another place"),
        (["{sweep}", "--csv", "-", "--experiment", "a"], "--experiment 'a': allowed is a name, with --mlflow"),
        (["{sweep}/none", "--csv", "-"], "there is no such folder"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(sweep, monkeypatch, capsys, typed, said):
    before = sorted(sweep.rglob("*"))
    typed = [one.format(sweep=sweep, run=sweep / "seed-0") for one in typed]
    code, printed = command(monkeypatch, capsys, *typed)
    assert code == 2 and said in printed.err and printed.err.count("\n") == 1 and printed.out == ""
    assert sorted(sweep.rglob("*")) == before


@pytest.mark.parametrize("name", ["tensorboard", "mlflow", "trackio"])
def test_a_package_that_is_missing_is_named_with_its_extra(sweep, tmp_path, monkeypatch, capsys, name):
    original = builtins.__import__

    def without(module, *rest, **named):
        if module.partition(".")[0] == name:
            raise ImportError(module)
        return original(module, *rest, **named)

    tensorboard.records.messages.cache_clear()
    monkeypatch.setattr(builtins, "__import__", without)
    for variable in (
        "TRACKIO_DIR",
        "MLFLOW_DISABLE_TELEMETRY",
        "MLFLOW_ALLOW_FILE_STORE",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES",
    ):
        monkeypatch.setenv(variable, "")
    code, said = command(monkeypatch, capsys, sweep / "seed-0", f"--{name}", tmp_path / "target")
    assert code == 2 and said.err.endswith(
        f'--{name}: the package {name} is not installed: pip install "npdigits[{name}]"\n'
    )
    assert not (tmp_path / "target").exists()


# --- TensorBoard


def figures_in(folder):
    """What TensorBoard's own reader finds in a folder: (name, step) -> value; and the names of images and texts."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    found.Reload()
    scalars = [(name, event.step, event.value) for name in found.Tags()["scalars"] for event in found.Scalars(name)]
    assert len(scalars) == len({(name, step) for name, step, _ in scalars})
    return {(name, step): value for name, step, value in scalars}, found


def test_tensorboard_reads_the_figures_in_single_precision(runs, tmp_path):
    target = tmp_path / "board"
    assert ": 4 runs, 4 of them new" in tensorboard.export(str(target), list(runs.values()))
    for one in runs.values():
        read, found = figures_in(target / one.name)
        expected = {(name, int(epoch)): float(np.float32(value)) for (name, epoch), value in measured(one.path).items()}
        expected |= {(name, one.best_epoch): float(np.float32(value)) for name, value in one.best.items()}
        expected |= {(name, len(one.epochs)): float(np.float32(value)) for name, value in one.totals.items()}
        assert read == expected
        from tensorboard.plugins.hparams.metadata import parse_session_start_info_plugin_data

        content = found.summary_metadata["_hparams_/session_start_info"].plugin_data.content
        settings = parse_session_start_info_plugin_data(content).hparams
        kinds = {name: getattr(value, value.WhichOneof("kind")) for name, value in settings.items()}
        assert kinds == dict(one.settings)
        text = found.Tensors("npdigits")[0].tensor_proto.string_val[0].decode()
        assert f"| status | {one.status} |" in text
    _, found = figures_in(target / runs["seed-0"].name)
    shown = found.Images("plots/cost")[0]
    assert (shown.width, shown.height, shown.encoded_image_string) == (7, 5, PNG)


def tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_tensorboard_again_adds_nothing_and_brings_up_to_date_what_has_gone_on(made, sweep, runs, tmp_path):
    target = tmp_path / "board"
    tensorboard.export(str(target), list(runs.values()))
    (target / runs["interrupted"].name / "events.out.tfevents.1.theirs").write_bytes(b"theirs")
    (target / "theirs").mkdir()
    before = tree(target)
    moved = sweep.rename(tmp_path / "elsewhere")
    again = read_exported([moved], lambda line: None)
    assert ", 0 of them new" in tensorboard.export(str(target), again) and tree(target) == before
    run(compose([f"resume={moved / 'interrupted'}"]))
    again = read_exported([moved], lambda line: None)
    assert ", 1 of them new" in tensorboard.export(str(target), again)
    after = tree(target)
    assert len(after) == len(before) and after.items() >= {
        (name, content) for name, content in before.items() if "interrupted" not in name or "theirs" in name
    }
    (target / runs["interrupted"].name / "events.out.tfevents.1.theirs").unlink()
    read, _ = figures_in(target / runs["interrupted"].name)
    assert [step for name, step in sorted(read) if name == "val_cost"] == list(range(1, EPOCHS + 1))


def test_a_kill_while_tensorboard_is_written_leaves_what_once_leaves(runs, tmp_path, monkeypatch):
    tensorboard.export(str(tmp_path / "once"), list(runs.values()))
    from npdigits.base import files

    for calls in range(len(runs)):
        left, target = iter(range(calls)), tmp_path / f"killed-{calls}"

        def replace(*args, left=left, original=files.os.replace, **named):
            if next(left, None) is None:
                raise KeyboardInterrupt
            return original(*args, **named)

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(files.os, "replace", replace)
            tensorboard.export(str(target), list(runs.values()))
        tensorboard.export(str(target), list(runs.values()))
        assert tree(target) == tree(tmp_path / "once")


# --- MLflow


def stored(store, name):
    return next(one for one in store.runs.values() if not one.deleted and one.name.startswith(f"{name}_"))


def test_mlflow_gets_params_metrics_tags_plots_and_statuses(runs, tmp_path, monkeypatch, capsys):
    store = put_mlflow(monkeypatch)
    mlflow.export(f"sqlite:///{tmp_path}/a.db", list(runs.values()), "mine")
    assert capsys.readouterr().out == ""
    assert store.experiments == {"mine": "1"} and store.location == (tmp_path / "a_artifacts").as_uri()
    for name, one in runs.items():
        found = stored(store, name)
        assert found.params == {key: str(value) for key, value in one.settings.items()}
        logged = {(figure, float(step)): value for figure, step, value in found.metrics}
        assert len(logged) == len(found.metrics) and logged.items() >= measured(one.path).items()
        assert found.tags["npdigits.identity"] == one.tags["identity"] and found.tags["npdigits.run"] == one.key
        best = {figure: value for figure, _, value in found.metrics if figure.startswith("best/")}
        assert best == dict(one.best)
    statuses = {name: stored(store, name).status for name in runs}
    assert statuses == {"seed-0": "FINISHED", "seed-1": "FINISHED", "diverged": "FAILED", "interrupted": "KILLED"}
    assert stored(store, "seed-0").artifacts == {"cost.png": PNG} and stored(store, "seed-1").artifacts == {}


def test_mlflow_again_adds_nothing_and_brings_up_to_date_what_has_gone_on(sweep, runs, tmp_path, monkeypatch):
    store = put_mlflow(monkeypatch)
    export = lambda: mlflow.export(str(tmp_path / "store"), read_exported([sweep], lambda line: None), "npdigits")  # noqa: E731
    export()
    before, requests = json.dumps(store.content(), default=str), store.requests
    assert ", 0 of them new" in export()
    assert json.dumps(store.content(), default=str) == before and store.requests == requests
    number = stored(store, "interrupted").number
    run(compose([f"resume={sweep / 'interrupted'}"]))
    assert ", 1 of them new" in export()
    found = stored(store, "interrupted")
    assert found.number == number and found.status == "FINISHED" and found.tags["npdigits.status"] == "finished"
    assert sorted(step for name, step, _ in found.metrics if name == "val_cost") == list(range(1, EPOCHS + 1))


def test_a_kill_at_any_request_to_mlflow_leaves_what_once_leaves(runs, tmp_path, monkeypatch):
    once = put_mlflow(monkeypatch)
    mlflow.export(str(tmp_path), list(runs.values()), "npdigits")
    for calls in range(1, once.requests):
        store = put_mlflow(monkeypatch)
        store.calls_left = calls
        with pytest.raises(KeyboardInterrupt):
            mlflow.export(str(tmp_path), list(runs.values()), "npdigits")
        store.calls_left = None
        mlflow.export(str(tmp_path), list(runs.values()), "npdigits")
        assert store.content() == once.content(), calls


def test_a_run_in_mlflow_that_says_something_else_is_told_anew_and_others_stay(runs, tmp_path, monkeypatch):
    store = put_mlflow(monkeypatch)
    mlflow.export(str(tmp_path), list(runs.values()), "npdigits")
    theirs = store.create_run("1", 0, {"owner": "somebody"}, f"mine_{runs['seed-0'].key}").info.run_id
    wrong = stored(store, "seed-0")
    wrong.metrics = [(name, step, 0.123 if name == "val_cost" else value) for name, step, value in wrong.metrics]
    assert ", 1 of them new" in mlflow.export(str(tmp_path), list(runs.values()), "npdigits")
    assert wrong.deleted and not store.runs[theirs].deleted and store.runs[theirs].metrics == []
    assert (("val_cost", 1, runs["seed-0"].epochs[0][1]["val_cost"])) in stored(store, "seed-0").metrics


def test_what_mlflow_does_not_take_is_made_to_fit(runs, tmp_path, monkeypatch):
    import dataclasses

    store = put_mlflow(monkeypatch)
    one = runs["seed-0"]
    odd = {"test_cost": math.inf, "gap": math.nan, "val_top²(2)": 0.5, **{f"val_{n}": 0.1 for n in range(600)}}
    one = dataclasses.replace(
        one, settings={**one.settings, "hidden": "9," * 5000}, epochs=((1, odd), (2, odd)), best={}, totals={}
    )
    mlflow.export(str(tmp_path), [one], "npdigits")
    found = stored(store, "seed-0")
    assert len(found.params["hidden"]) == 6000 and found.params["hidden"].endswith("…")
    assert ("val_top²_2_", 1, 0.5) in found.metrics and ("test_cost", 2, math.inf) in found.metrics
    assert len(found.metrics) == 2 * len(odd)
    assert ", 0 of them new" in mlflow.export(str(tmp_path), [one], "npdigits")


def test_an_experiment_that_was_deleted_and_an_error_of_mlflow_are_one_line(runs, tmp_path, monkeypatch):
    store = put_mlflow(monkeypatch)
    mlflow.export(str(tmp_path), list(runs.values()), "npdigits")
    store.stage = "deleted"
    with pytest.raises(ConfigError, match="--experiment npdigits: was deleted in this store"):
        mlflow.export(str(tmp_path), list(runs.values()), "npdigits")

    def refuse(name):
        import sys

        raise sys.modules["mlflow.exceptions"].MlflowException("no\nschema")

    store.get_experiment_by_name = refuse
    with pytest.raises(ConfigError, match="no schema"):
        mlflow.export(str(tmp_path), list(runs.values()), "npdigits")


# --- Trackio


def test_trackio_gets_rows_settings_and_plots_once(sweep, runs, tmp_path, monkeypatch):
    rows = put_trackio(monkeypatch, tmp_path / "tracked")
    export = lambda: trackio.export(str(tmp_path / "tracked"), read_exported([sweep], lambda line: None), "mine")  # noqa: E731
    export()
    for one in runs.values():
        number = f"npdigits-{one.key}"
        told = {
            (name, float(step)): value
            for (_, run_id, end), (step, row) in rows.rows.items()
            for name, value in row.items()
            if run_id == number and end.rpartition("-")[2].isdecimal()
        }
        assert told == measured(one.path)
        config = rows.configs["mine", number]
        assert config.items() >= one.settings.items() and config["npdigits.status"] == one.status
    shown = next(row for (*_, end), (_, row) in rows.rows.items() if end.endswith("-plots"))["plots/cost"]
    assert (
        shown["_type"] == "trackio.image" and (tmp_path / "tracked" / "media" / shown["file_path"]).read_bytes() == PNG
    )
    before, written = dict(rows.rows), rows.written
    assert ", 0 of them new" in export() and (rows.rows, rows.written) == (before, written)
    run(compose([f"resume={sweep / 'interrupted'}"]))
    assert ", 1 of them new" in export()
    assert before.items() <= rows.rows.items()
    steps = [
        step for (_, number, _), (step, row) in rows.rows.items() if "gap" in row and runs["interrupted"].key in number
    ]
    assert steps == list(range(1, EPOCHS + 1))


def test_a_project_that_trackio_refuses_is_one_line(runs, tmp_path, monkeypatch):
    put_trackio(monkeypatch, tmp_path)
    with pytest.raises(ConfigError, match="--experiment a_system: a_system is reserved"):
        trackio.export(str(tmp_path), list(runs.values()), "a_system")
    with pytest.raises(ConfigError, match="this process writes to"):
        trackio.export(str(tmp_path / "other"), list(runs.values()), "a")


def test_a_run_whose_environment_is_unknown_has_a_key_too(sweep):
    (sweep / "seed-0" / "environment.json").unlink()
    assert read_run(sweep / "seed-0").key.endswith("-unknown")
