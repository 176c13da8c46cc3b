"""Who listens to a run is told what happens to it, in order, and can cost it nothing."""

import signal
import threading
import time

import pytest
from made import read_summary, start_python

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


@pytest.mark.parametrize("waits", [True, False])
def test_a_signal_while_the_control_is_asked_ends_its_wait(waits):
    after = []

    def control():
        signal.raise_signal(signal.SIGTERM)
        after.append("the wait went on")
        threading.Event().wait(60 if waits else 0)
        return False

    with Watch(control) as watch:
        assert watch()
        assert watch()  # and asks no more
    assert after == []
    with pytest.raises(Terminated):
        watch.raise_signal()


def test_ctrl_c_ends_a_pause_and_the_run_is_saved(idx_set, tmp_path):
    code = f"""
import os, signal, sys, threading, time
from npdigits import compose, run
config = compose(["data=idx", "data.dir={idx_set}", "epochs=9", "hidden=6", "plots=false", "stop_on=none"])
asked = iter(range(10**6))
def control():
    if next(asked) == 40:
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        threading.Event().wait(100)
    return False
try:
    run(config, sys.argv[1], stop=control)
except KeyboardInterrupt:
    print("interrupted")
"""
    process = start_python(code, tmp_path / "run")
    assert process.communicate(timeout=60)[0].endswith("\ninterrupted\n")
    assert read_summary(tmp_path / "run")["status"] == "interrupted"


def test_the_seconds_of_a_pause_are_not_counted(do):
    asked = iter(range(10**6))

    def control():
        if next(asked) in (10, 40):
            time.sleep(1.5)
        return False

    begun = time.perf_counter()
    summary = do("run", stop=control)
    assert time.perf_counter() - begun > 3 and summary["seconds"] < time.perf_counter() - begun - 2.9


def test_a_listener_sees_the_plots_when_a_run_has_ended(do):
    seen = []

    class Plots(Listener):
        def ended(self, run):
            seen.extend(path.name for path in (run.path / "plots").iterdir())

    do("run", Plots(), typed=("plots=true",))
    assert "cost.png" in seen


def test_a_listener_that_ends_the_program_or_speaks_in_escapes_costs_nothing(do, capsys):
    class Ending(Listener):
        def begun(self, run):
            raise SystemExit(5)

    class Red(Listener):
        def begun(self, run):
            raise LookupError("\x1b[31mred")

    assert do("run", Ending(), Red())["status"] == "finished"
    said = capsys.readouterr().err
    assert "Ending failed and is told nothing more: SystemExit: 5\n" in said
    assert "\\x1b[31mred" in said and "\x1b" not in said


def test_listeners_that_are_no_list_are_refused_before_anything_is_written(do, tmp_path, idx_set):
    with pytest.raises(TypeError):
        run(compose(["data=idx", f"data.dir={idx_set}"]), tmp_path / "run", listeners=Notes())
    assert not (tmp_path / "run").exists()
