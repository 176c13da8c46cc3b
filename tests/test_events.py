"""Who listens to a run is told what happens to it, in order, and can cost it nothing."""

import signal
import time

import pytest
from made import read_summary

from npdigits.base.errors import ConfigError
from npdigits.base.interruption import Terminated, Watch
from npdigits.config.compose import compose
from npdigits.runs.events import Listener
from npdigits.runs.run import run
from npdigits.runs.summary import Status
from npdigits.runs.writer import RunWriter

BITS = ("metrics.csv", "predictions.npz", "checkpoints/best.npz", "checkpoints/last.npz")


class Notes(Listener):
    """Writes down what it is told, and what is on the disk at that moment."""

    def __init__(self):
        self.notes = []

    def begun(self, run):
        self.notes.append(("begun", read_summary(run.path)["status"], len(run.state.history)))

    def epoch_ended(self, run, epoch):
        rows = (run.path / "metrics.csv").read_text().count("\n") - 1
        self.notes.append(("epoch", epoch.epoch, rows))

    def ended(self, run):
        self.notes.append(("ended", run.summary.status, read_summary(run.path)["status"]))


class Failing(Notes):
    """Raises at one event."""

    def __init__(self, event):
        super().__init__()
        setattr(self, event, self.fail)

    def fail(self, *_):
        raise LookupError("on\npurpose")


@pytest.fixture
def do(tmp_path, idx_set):
    def do(name, *listeners, typed=(), **options):
        keys = ["data=idx", f"data.dir={idx_set}", "epochs=3", "hidden=6", "plots=false", "quiet=true", *typed]
        return run(compose(keys), tmp_path / name, keys, listeners=listeners, **options)

    return do


def test_a_listener_is_told_of_the_run_its_epochs_and_its_end(do):
    notes = Notes()
    do("run", notes)
    epochs = [("epoch", number, number) for number in (1, 2, 3)]
    assert notes.notes == [("begun", "running", 0), *epochs, ("ended", Status.FINISHED, "finished")]


@pytest.mark.parametrize("event", ["begun", "epoch_ended", "ended"])
def test_a_listener_that_fails_is_one_warning_and_costs_the_run_nothing(do, tmp_path, capsys, event):
    do("undisturbed")
    failing, notes = Failing(event), Notes()
    capsys.readouterr()
    assert do("run", failing, notes)["status"] == "finished"
    warning = "npdigits: WARNING: Failing failed and is told nothing more: LookupError: on purpose\n"
    assert capsys.readouterr().err == warning
    assert len(notes.notes) == 5  # the next one is told everything
    assert len(failing.notes) == {"begun": 0, "epoch_ended": 1, "ended": 4}[event]
    for name in BITS:
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "undisturbed" / name).read_bytes()


def test_the_end_is_told_of_however_a_run_ends(do, monkeypatch):
    interrupted = Notes()
    asked = iter(range(10**6))
    do("run", interrupted, stop=lambda: next(asked) == 40)
    assert interrupted.notes[-1] == ("ended", Status.INTERRUPTED, "interrupted")
    diverged = Notes()
    do("diverged", diverged, typed=("lr=1e6", "optimizer=sgd"))
    assert diverged.notes[-1] == ("ended", Status.DIVERGED, "diverged")

    def full(self, epoch):
        raise MemoryError("on purpose")

    monkeypatch.setattr(RunWriter, "append", full)
    failed = Notes()
    with pytest.raises(MemoryError):
        do("failed", failed)
    assert failed.notes[-1] == ("ended", Status.FAILED, "failed")


def test_nobody_is_told_of_a_run_that_cannot_begin_or_has_ended(do):
    notes = Notes()
    with pytest.raises(ConfigError):
        do("refused", notes, typed=("batch_size=100000",))
    do("run")
    do("run", notes)
    assert notes.notes == []


@pytest.mark.parametrize("threads", [1, 2])
def test_a_control_that_waits_pauses_the_run_and_changes_no_bit(do, tmp_path, threads):
    do("undisturbed", typed=(f"threads={threads}",))
    asked = iter(range(10**6))

    def control():
        if next(asked) == 10:
            time.sleep(0.5)
        return False

    do("run", stop=control, typed=(f"threads={threads}",))
    for name in BITS:
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "undisturbed" / name).read_bytes()


def test_a_signal_that_comes_while_the_control_waits_is_seen_at_once():
    def control():
        signal.raise_signal(signal.SIGTERM)
        return False

    with Watch(control) as watch:
        assert watch()
    with pytest.raises(Terminated):
        watch.raise_signal()
