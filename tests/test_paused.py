"""A run that is paused before its last epoch goes on to the same bytes, and counts nowhere until then."""

import json
import shutil
from types import SimpleNamespace

import pytest
from made import made_data, read_summary
from made_runs import composed, made_run
from small_sweep import rows
from trackers import put_mlflow
from typed import tree

import npdigits
from npdigits.base.errors import ConfigError, NewerError, RunDirError
from npdigits.base.interruption import never
from npdigits.compare.comparison import compare
from npdigits.compare.page import comparison_page
from npdigits.compare.verdict import left_out, verdict
from npdigits.config.compose import compose
from npdigits.export import mlflow
from npdigits.export.exported import read_exported
from npdigits.nn.schedules import SCHEDULES
from npdigits.runs import plots, summary, tensorboard_records, track, trained
from npdigits.runs.about_data import OF_ANY, OF_BYTES
from npdigits.runs.drawing import Drawing
from npdigits.runs.events import Listener
from npdigits.runs.report import Report
from npdigits.runs.run import run
from npdigits.runs.summary import BUT_FOR_PAUSE, SCHEMA, Status
from npdigits.runs.table import read_runs
from npdigits.sweeps import sweep
from npdigits.sweeps.blame import Blame
from npdigits.sweeps.plan import plan_sweep
from npdigits.sweeps.points import Outcome
from npdigits.training.stopping import STOPPING_RULES

PLAIN = ("hidden=5", "plots=false", "quiet=true")
BITS = ("metrics.csv", "predictions.npz", *(f"checkpoints/{name}.npz" for name in ("best", "last", "previous")))
OWN = """
def until_end(epoch, *, lr, epochs):
    return lr * (1 - epoch / epochs)
"""


class Killed(BaseException):
    """What nothing in a run handles: its directory is left as a kill leaves it."""


class Counter(Listener):
    """Keeps which epochs are trained."""

    def __init__(self):
        self.trained = []

    def epoch_ended(self, run, epoch):
        self.trained.append(epoch.epoch)


@pytest.fixture(scope="module")
def digits():
    return made_data(300, 60)


@pytest.fixture
def go(tmp_path, digits):
    """Return a function that does the run of this name up to an epoch, and returns what summary.json says of it."""

    def train(name, *typed, until=None, source=None, own=None, **more):
        config = composed(*PLAIN, *typed) if own is None else compose([*PLAIN, *typed, own])
        return run(config, tmp_path / name, typed, source=source or digits, until=until, **more)

    return train


def after(batches):
    """A control that ends a run as a kill does, after so many batches and scorings."""
    asked = iter(range(10**6))

    def stop():
        if next(asked) >= batches:
            raise Killed
        return False

    return stop


def result(path):
    told = {name: value for name, value in read_summary(path).items() if name != "seconds"}
    return {name: (path / name).read_bytes() for name in BITS} | {"summary": told}


# Rules that act after the sixth of seven epochs.
STOPS = {
    "val_cost": ("patience=2", "min_delta=0.4"),
    "variance": ("patience=1", "window=3", "min_delta=0.006"),
    "gap": ("patience=6", "min_delta=0", "lr=0.05", "hidden=20"),
}
SETTINGS = {
    **{f"schedule={name}": (f"schedule={name}", "lr_decay=0.7", "decay_every=2") for name in SCHEDULES},
    "warm-up": ("schedule=cosine", "warmup=4", "optimizer=sgd", "momentum=0.9", "lr=0.1"),
    **{f"stop_on={name}": (f"stop_on={name}", *STOPS.get(name, ())) for name in STOPPING_RULES},
    "dropout and distortions": ("dropout=0.3", "input_dropout=0.1", "max_norm=1", "augment=affine", "rotation=9"),
    "several processes": ("threads=2", "hidden=[6,5]", "optimizer=rmsprop", "schedule=cosine"),
    "no validation": ("val_size=0", "schedule=step", "decay_every=1", "l2=1e-3"),
}
OWN_SCHEDULE = "schedule=mine.py:until_end"


@pytest.mark.parametrize("settings", [*SETTINGS, "own schedule"])
def test_a_run_that_was_paused_ends_as_if_it_had_not_been(go, tmp_path, monkeypatch, settings):
    (tmp_path / "mine.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    typed, own = ["epochs=7", *SETTINGS.get(settings, ())], None if settings in SETTINGS else OWN_SCHEDULE
    whole, counter = go("whole", *typed, own=own), Counter()
    for until in (2, 5):
        told = go("paused", *typed, until=until, own=own, listeners=[counter])
        assert (told["status"], told["epochs_run"]) == ("paused", until)
    assert counter.trained == [1, 2, 3, 4, 5]
    with pytest.raises(Killed):
        go("paused", *typed, stop=after(5), own=own)
    assert read_summary(tmp_path / "paused")["status"] == "running"
    go("paused", *typed, own=own)
    assert result(tmp_path / "paused") == result(tmp_path / "whole")
    rule = settings.removeprefix("stop_on=")
    assert (whole["stopped_by"], whole["epochs_run"]) == ((rule, 6) if rule in STOPS else ("epochs", 7))


def test_resume_goes_on_with_a_paused_run_also_to_a_later_pause(go, tmp_path, digits):
    go("whole", "epochs=5", "schedule=cosine")
    go("paused", "epochs=5", "schedule=cosine", until=1)
    same = [f"resume={tmp_path / 'paused'}"]
    told = run(compose(same), None, same, source=digits, until=3)
    assert (told["status"], told["epochs_run"]) == ("paused", 3)
    run(compose(same), None, same, source=digits)
    assert result(tmp_path / "paused") == result(tmp_path / "whole")


def test_a_paused_run_can_be_made_longer_as_one_that_was_interrupted(go, tmp_path, digits):
    go("whole", "epochs=6")
    go("paused", "epochs=4", until=2)
    longer = [f"resume={tmp_path / 'paused'}", "epochs=6"]
    assert run(compose(longer), None, longer, source=digits)["epochs_run"] == 6
    assert result(tmp_path / "paused") == result(tmp_path / "whole")


@pytest.mark.parametrize("until", [4, 5, 10**30])
def test_a_run_that_is_to_pause_at_its_end_or_later_is_a_whole_run(go, tmp_path, until):
    go("whole", "epochs=4")
    assert go("paused", "epochs=4", until=until)["status"] == "finished"
    assert result(tmp_path / "paused") == result(tmp_path / "whole")


def test_a_run_that_ends_before_it_is_to_pause_has_ended(go, tmp_path):
    early = ("epochs=9", "stop_on=val_cost", "patience=1", "min_delta=9")
    for until in (2, 3, 1):  # the rule acts after the second epoch, also where the run was to pause there
        told = go("early", *early, until=until)
        assert (told["status"], told["stopped_by"], told["epochs_run"]) == ("finished", "val_cost", 2)
    away = ("epochs=9", "lr=1e30", "optimizer=sgd")
    told = go("away", *away, until=3)
    assert (told["status"], told["epochs_run"]) == ("diverged", told["diverged_in_epoch"] - 1)
    before = tree(tmp_path)
    assert go("away", *away, until=1) == told
    assert tree(tmp_path) == before


def test_a_run_that_is_paused_as_far_on_is_left_as_it_is(go, tmp_path):
    told = go("paused", "epochs=6", until=3)
    before, counter = tree(tmp_path), Counter()
    for until in (3, 2, 1):
        assert go("paused", "epochs=6", until=until, listeners=[counter]) == told
    assert tree(tmp_path) == before and counter.trained == []


@pytest.mark.parametrize("how", ["killed", "interrupted", "failed"])
def test_a_run_that_was_cut_off_further_on_is_paused_there_and_not_trained(go, tmp_path, monkeypatch, how):
    monkeypatch.setattr("npdigits.runs.writer.CADENCE", 0)
    go("whole", "epochs=6")
    batches = 3 * (8 + 3) + 4  # within the fourth epoch
    if how == "killed":
        with pytest.raises(Killed):
            go("cut", "epochs=6", stop=after(batches))
    else:
        asked = iter(range(10**6))
        go("cut", "epochs=6", stop=lambda: next(asked) >= batches)
        text = (tmp_path / "cut/summary.json").read_text()
        (tmp_path / "cut/summary.json").write_text(text.replace('"interrupted"', f'"{how}"'))
    come = len((tmp_path / "cut/metrics.csv").read_text().splitlines()) - 1
    assert 2 < come < 6
    counter = Counter()
    told = go("cut", "epochs=6", until=2, listeners=[counter])
    assert (told["status"], told["epochs_run"], counter.trained) == ("paused", come, [])
    go("cut", "epochs=6", until=5, listeners=[counter])
    assert counter.trained == list(range(come + 1, 6))
    go("cut", "epochs=6")
    assert result(tmp_path / "cut") == result(tmp_path / "whole")


def test_rows_that_no_checkpoint_has_are_no_epochs(go, tmp_path):
    """A kill leaves rows of metrics.csv whose epochs are to be done again."""
    go("whole", "epochs=6")
    go("cut", "epochs=6", until=2)
    shutil.copytree(tmp_path / "cut/checkpoints", tmp_path / "kept")
    go("cut", "epochs=6", until=5)
    shutil.rmtree(tmp_path / "cut/checkpoints")
    (tmp_path / "kept").rename(tmp_path / "cut/checkpoints")
    told = read_summary(tmp_path / "cut") | {"status": "running"}
    (tmp_path / "cut/summary.json").write_text(json.dumps(told))
    counter = Counter()
    assert go("cut", "epochs=6", until=4, listeners=[counter])["epochs_run"] == 4 and counter.trained == [3, 4]
    assert len((tmp_path / "cut/metrics.csv").read_text().splitlines()) == 1 + 4
    go("cut", "epochs=6")
    assert result(tmp_path / "cut") == result(tmp_path / "whole")


@pytest.mark.parametrize("name", ["metrics.csv", "checkpoints/best.npz", "checkpoints/last.npz", "config.yaml"])
def test_a_paused_run_that_has_lost_a_file_is_mended(go, tmp_path, capsys, name):
    go("whole", "epochs=6")
    go("paused", "epochs=6", until=3)
    content = (tmp_path / "paused" / name).read_bytes()
    if name == "config.yaml":
        (tmp_path / "paused" / name).unlink()
    else:
        (tmp_path / "paused" / name).write_bytes(content[:-20])
    assert go("paused", "epochs=6", until=3)["epochs_run"] == 3
    assert (tmp_path / "paused" / name).read_bytes() == content
    go("paused", "epochs=6")
    assert result(tmp_path / "paused") == result(tmp_path / "whole")


@pytest.mark.parametrize("until", [0, -1, True, 1.0, "2", 2.5])
def test_what_is_no_epoch_is_refused_before_anything_is_written(go, tmp_path, until):
    with pytest.raises(ConfigError, match=r"^until=.*: allowed is an epoch, a whole number from 1$"):
        go("run", until=until)
    assert list(tmp_path.iterdir()) == []


def test_a_pause_writes_a_checkpoint_and_no_results(go, tmp_path, monkeypatch):
    monkeypatch.setattr(Drawing, "start", lambda self: pytest.fail("a process that draws was begun"))
    told = go("paused", "epochs=4", "plots=true", until=2)
    files = {path.name for path in (tmp_path / "paused").rglob("*") if path.is_file()}
    assert not {"predictions.npz", "cost.png"} & files and {"last.npz", "best.npz", "metrics.csv"} <= files
    assert not {"readout", "test_accuracy", "val_accuracy", "best_epoch", "stopped_by"} & set(told)
    assert told["sizes"] == {
        name: (tmp_path / "paused" / name).stat().st_size
        for name in ("metrics.csv", "checkpoints/best.npz", "checkpoints/last.npz")
    }
    assert "stopped_by" in go("paused", "epochs=4")


def test_the_terminal_says_that_it_is_paused_and_how_to_go_on(go, tmp_path, capsys):
    go("paused", "epochs=5", "quiet=false", until=2)
    assert f"paused after epoch 2 of 5: resume={tmp_path / 'paused'} goes on from there\n" in capsys.readouterr().out
    go("paused", "epochs=5", "quiet=false", until=1)
    assert "this run is paused already, after epoch 2\n" in capsys.readouterr().out


def test_the_time_left_is_that_to_the_pause(monkeypatch):
    shown = []
    monkeypatch.setattr("npdigits.runs.report.on_terminal", lambda: True)
    report = Report(quiet=False)
    report._live = SimpleNamespace(update=lambda task, **more: shown.append(more["description"]), stop=lambda: None)
    report._task, report._clock = 0, SimpleNamespace(seconds=lambda: 30.0)
    figures = dict.fromkeys(("train_cost", "train_accuracy", "val_cost", "val_accuracy", "lr"), 0.5)
    epoch = SimpleNamespace(epoch=3, is_best=False, **figures)
    report.epoch_ended(SimpleNamespace(config=SimpleNamespace(epochs=20), until=5), epoch)
    assert shown[0].endswith("  60 s left")


# --- what reads a paused run


def test_versions_before_refuse_a_paused_run_as_newer_and_no_other(go, tmp_path, monkeypatch):
    go("paused", "epochs=4", until=2)
    written = read_summary(tmp_path / "paused")
    assert (written["schema"], written[BUT_FOR_PAUSE]) == (SCHEMA, OF_BYTES)
    monkeypatch.setattr(summary, "SCHEMA", SCHEMA - 1)
    with pytest.raises(NewerError, match=f"is of schema {SCHEMA}, this version of npdigits reads up to {SCHEMA - 1}"):
        summary.read_summary(tmp_path / "paused")
    monkeypatch.undo()
    go("paused", "epochs=4")
    written = read_summary(tmp_path / "paused")
    assert written["schema"] == OF_BYTES and BUT_FOR_PAUSE not in written


@pytest.mark.parametrize(("dtype", "schema"), [("uint8", OF_BYTES), ("float64", OF_ANY)])
def test_a_paused_run_still_says_what_its_images_were(go, tmp_path, dtype, schema):
    go("paused", "epochs=3", until=1, source=made_data(300, 60, dtype=dtype))
    read = summary.read_summary(tmp_path / "paused")
    assert (read.schema, read.status) == (schema, Status.PAUSED)
    assert summary.Summary.parse(read.as_dict()) == read
    network = trained.load_trained(tmp_path / "paused")
    assert network.of_bytes == (dtype == "uint8")
    assert network.unfinished == f"{tmp_path / 'paused'}: status paused: its best epoch so far is used"


def test_a_paused_summary_without_its_other_schema_is_damaged(go, tmp_path):
    go("paused", "epochs=3", until=1)
    written = read_summary(tmp_path / "paused")
    del written[BUT_FOR_PAUSE]
    (tmp_path / "paused/summary.json").write_text(json.dumps(written))
    with pytest.raises(RunDirError, match=f"damaged: summary.json has no {BUT_FOR_PAUSE}$"):
        summary.read_summary(tmp_path / "paused")


def test_a_paused_run_is_drawn_as_far_as_it_came(go, tmp_path):
    go("paused", "epochs=3", until=1)
    drawn = {path.stem for path in plots.draw(tmp_path / "paused")}
    assert drawn == {"cost", "accuracy", "gap", "learning_rate", "weights"}


def test_a_table_of_runs_says_how_far_it_has_come(go, tmp_path):
    go("paused", "epochs=12", until=4)
    (row,) = npdigits.load_runs(tmp_path).itertuples()
    assert (row.status, row.epochs_run) == ("paused", 4)
    assert row.reason == "after epoch 4 of 12; its race or the same command goes on"
    assert len(npdigits.load_metrics(tmp_path)) == 4


def test_paused_runs_are_in_no_mean_and_said_in_one_line(tmp_path):
    for seed in range(3):
        made_run(tmp_path / f"whole-{seed}", 0.9 + seed / 100, f"seed={seed}")
    more = {"schema": SCHEMA, BUT_FOR_PAUSE: OF_BYTES, "status": "paused"}
    for seed in range(3, 43):
        made_run(tmp_path / f"paused-{seed}", 0.1, f"seed={seed}", **more)
    comparison = compare(read_runs([tmp_path]), default=compose().as_dict())
    (row,) = comparison.rows
    assert (len(row), row.lost, row.interval("val_accuracy").mean) == (3, 40, pytest.approx(0.91))
    said = "a race goes on with those that it still needs, and so does the command of each"
    assert left_out(comparison) == [f"40 runs paused, and in no mean: {said}."]
    assert "Did not finish: this configuration 40 of 43." in " ".join(verdict(comparison))
    assert len(comparison.left_out) == 40
    page = comparison_page(comparison)
    assert "40 runs" in page and "paused-4" not in page


def test_trackers_are_told_that_a_paused_run_has_not_ended(go, tmp_path, monkeypatch):
    store = put_mlflow(monkeypatch)
    go("paused", "epochs=4", "track=tensorboard", until=2)
    warned = []
    (one,) = read_exported([tmp_path / "paused"], warned.append)
    assert warned == [f"{one.path} has not finished (paused): exported as far as it came"]
    mlflow.export(str(tmp_path / "mlruns"), [one], "e")
    assert [made[4] for made in store.content().values()] == ["RUNNING"]
    file = tmp_path / "paused" / track.FOLDER / track.FILE
    assert _statuses(file) == ["STATUS_RUNNING"]
    go("paused", "epochs=4", "track=tensorboard")
    assert _statuses(file) == ["STATUS_SUCCESS"]
    steps = [
        event.step
        for _, event in tensorboard_records.read_records(file.read_bytes())
        if any(value.tag == "val_cost" for value in event.summary.value)
    ]
    assert steps == [1, 2, 3, 4]
    mlflow.export(str(tmp_path / "mlruns"), read_exported([tmp_path / "paused"], warned.append), "e")
    assert [made[4] for made in store.content().values()] == ["FINISHED"]


def _statuses(file):
    """How a run has ended, by every word of its event file."""
    known = tensorboard_records.messages()
    told = [
        known.plugin.HParamsPluginData.FromString(value.metadata.plugin_data.content).session_end_info.status
        for _, event in tensorboard_records.read_records(file.read_bytes())
        for value in event.summary.value
        if value.tag == tensorboard_records.SESSION_END
    ]
    return [known.api.Status.Name(status) for status in told]


# --- sweeps


@pytest.fixture
def planned(tmp_path, idx_set):
    """A sweep's folder, its points, and a function that does one of them up to an epoch."""
    typed = ["data=idx", f"data.dir={idx_set}", "epochs=4", *PLAIN, f"out={tmp_path / 'sweep'}"]
    points = [([*typed, f"seed={seed}"], compose([*typed, f"seed={seed}"])) for seed in range(2)]
    plan = plan_sweep(points, ["seed"], typed, Report(quiet=True))
    ((folder, runs),) = plan.folders.items()

    def do(point, until, stop=never):
        return sweep.do(folder, plan.sources, sweep.dataclasses.replace(point, until=until), False, stop)

    return folder, list(runs.values()), do, lambda: sweep.run_sweep(points, ["seed"], typed, {"workers": 0})


def test_a_point_is_done_up_to_an_epoch_and_its_sweep_goes_on(planned, capsys):
    folder, (first, _), do, whole = planned
    for until, come in ((2, 2), (1, 2), (3, 3)):
        outcome = do(first, until)
        assert (outcome.status, outcome.summary.epochs_run) == (Status.PAUSED, come)
        assert outcome.reason == f"after epoch {come} of 4; its race or the same command goes on"
        assert not outcome.status.ended and outcome.status.as_far_as_asked
    found = sweep._find_ended(sweep.dataclasses.replace(first, until=3), folder)
    assert found.status == Status.PAUSED and sweep._find_ended(first, folder) is None
    # The process of a run is gone; what lies on disk says that it had paused where it was to.
    lost = Outcome(sweep.dataclasses.replace(first, until=3), Status.FAILED, "its process was killed")
    assert sweep._look_again(lost, folder).status == Status.PAUSED
    assert sweep._look_at_unfinished(first, folder, None).status == Status.PAUSED
    assert whole() == 0
    paused = {name: (folder / first.name / name).read_bytes() for name in BITS}
    shutil.rmtree(folder)
    assert whole() == 0
    assert paused == {name: (folder / first.name / name).read_bytes() for name in BITS}


def test_the_table_and_the_end_of_a_sweep_name_what_is_paused(planned, capsys):
    folder, (first, second), do, _ = planned
    outcomes = [do(first, 2), do(second, None)]
    sweep._write_table(outcomes, folder, ["seed"])
    line = next(line for line in rows(folder) if line["run"] == first.name)
    assert (line["status"], line["val_accuracy"], line["best_epoch"], line["epochs_run"]) == ("paused", "", "", "2")
    assert line["reason"] == "after epoch 2 of 4; its race or the same command goes on"
    (other,) = sweep.lines_of_others(folder, {second.name})
    assert (other.status, other.reason) == (Status.PAUSED, "after epoch 2 of 4; its race or the same command goes on")
    sweep.conclude(outcomes, folder, Report(quiet=False))
    assert "1 finished, 1 paused; the same command goes on; table: " in capsys.readouterr().out
    assert sweep._exit_code(outcomes) == sweep.INCOMPLETE


def test_a_run_that_was_paused_before_its_worker_was_lost_is_not_to_blame(planned):
    folder, (first, _), do, _ = planned
    blame = Blame(folder)
    for until in (1, 1, 1):
        attempt = blame.begin(first, "tcp://10.0.0.1:1")
        shutil.rmtree(folder / first.name, ignore_errors=True)
        do(first, until)
        assert not blame.lost(attempt)
