"""Plots drawn by a process beside the run: the same bytes; without it they are drawn all the same; none is left."""

import json
import multiprocessing
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
from made import output_of, start_python

from npdigits import compose, run
from npdigits.runs import drawing
from npdigits.training import team

resource = pytest.importorskip("resource")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux alone")

# One run after another, with what each found; `ready` takes the place of waiting for the import.
COMMON = """
import json, os, signal, sys, time
from pathlib import Path
from npdigits import compose, run
from npdigits.runs import drawing, events, plots, report

folder, data = sys.argv[1:]
drawing.cores = lambda: 2
made, said = [], []
begin = drawing.Drawing.start

def start(self):
    begin(self)
    made.append(self._pid)

def ready(connection, parent):
    connection.recv()
    return True

class Said(report.Report):
    def warn(self, text):
        said.append(text)

class Within(events.Listener):
    def __init__(self, act):
        self.act = act

    def epoch_ended(self, record, epoch):
        self.act()

drawing.Drawing.start = start
drawing._is_ready_when_told, wait = ready, drawing._is_ready_when_told

def trained(name, act=lambda: None, **options):
    config = compose(["data=idx", f"data.dir={data}", "hidden=4", "epochs=1", "quiet=true"])
    run(config, f"{folder}/{name}", report=Said(quiet=True, silent=True), listeners=[Within(act)], **options)
    return {file.name: file.read_bytes().hex() for file in Path(folder, name, "plots").iterdir()}

def childless():
    try:
        return os.waitpid(-1, os.WNOHANG) and False
    except ChildProcessError:
        return True
"""


def told(code, folder, data):
    return json.loads(output_of(start_python(COMMON + code, folder, data)))


def test_the_process_draws_the_same_bytes_and_is_gone_at_the_end(tmp_path, idx_set):
    found = told(
        """
drawn = trained("run")
imported = "matplotlib" in sys.modules
plots.draw(Path(folder, "run"))
again = {file.name: file.read_bytes().hex() for file in Path(folder, "run", "plots").iterdir()}
print(json.dumps([made[0] > 0, imported, len(drawn), drawn == again, childless(), said]))
""",
        tmp_path,
        idx_set,
    )
    assert found == [True, False, 7, True, True, []]


def test_without_the_process_the_plots_are_drawn_all_the_same(tmp_path, idx_set):
    found = told(
        """
expected = trained("run")
counts = [trained("killed", lambda: os.kill(made[-1], signal.SIGKILL)) == expected]

def fails(run, names, *form):
    yield "cost", b"not all"
    raise MemoryError

render, parent = plots.render, os.getpid()
plots.render = lambda run, names, *form: (render if os.getpid() == parent else fails)(run, names, *form)
counts.append(trained("failed") == expected)
plots.render = render
drawing._is_ready_when_told = wait
counts.append(trained("not ready") == expected)

def fork():
    raise BlockingIOError

os.fork = fork
counts.append(trained("not forked") == expected)
print(json.dumps([counts, [pid > 0 for pid in made[1:]], childless(), said]))
""",
        tmp_path,
        idx_set,
    )
    assert found == [[True] * 4, [True, True, True, False], True, []]


def test_what_goes_wrong_is_said_as_where_it_is_drawn_here(tmp_path, idx_set):
    found = told(
        """
def weights(run):
    raise ValueError("on purpose")

plots.DRAWN_BY["weights"] = weights
by_two = sorted(trained("one"))
drawing._pays = lambda: False
print(json.dumps([by_two, sorted(trained("two")), said, made[0] > 0, made[1]]))
""",
        tmp_path,
        idx_set,
    )
    assert (
        found[0]
        == found[1]
        == sorted(f"{name}.png" for name in ("cost", "accuracy", "gap", "learning_rate", "confusion", "mistakes"))
    )
    assert found[2] == ["not all plots are drawn: weights: cannot be drawn: ValueError: on purpose"] * 2
    assert found[3:] == [True, 0]


@pytest.mark.parametrize("after", [0, 60])
def test_the_process_holds_nothing_and_ends_with_the_run_that_is_killed(after, tmp_path, idx_set):
    """It waits before the import, or with it."""
    code = f"""
drawing._is_ready_when_told, drawing.START_AFTER, drawing.CHECK_EVERY = wait, {after}, 0.1

def act():
    own = Path(f"/proc/{{made[0]}}")
    for _ in range(1000):
        if (own / "fd" / "1").readlink() == Path(os.devnull) and ({after} or len(list((own / "task").iterdir())) == 2):
            break
        time.sleep(0.005)
    held = [str(file.readlink()) for file in (own / "fd").iterdir() if file.is_symlink()]
    print(made[0], held.count(os.devnull), [file for file in held if file.startswith(("pipe", folder))], flush=True)
    time.sleep(60)

trained("run", act)
"""
    parent = start_python(COMMON + code, tmp_path, idx_set)
    pid, _, files = parent.stdout.readline().strip().partition(" ")
    assert files == "3 []"
    for number in (signal.SIGINT, signal.SIGTERM):  # which go to all processes of a terminal, or of a job
        os.kill(int(pid), number)
    time.sleep(0.1)
    assert is_alive(pid)
    parent.kill()
    assert parent.communicate(timeout=60) == ("", "")
    deadline = time.monotonic() + 5
    while is_alive(pid):
        assert time.monotonic() < deadline, "it is still there after 5 s"
        time.sleep(0.02)
    assert not list(tmp_path.rglob(".*.tmp"))


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_it_is_started_only_where_it_can_be_and_has_a_core(monkeypatch):
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    monkeypatch.setattr(drawing, "cores", lambda: 2)
    assert drawing._pays()
    for place, name, value in [
        (drawing, "cores", 1),
        (team, "can_fork", False),
        (threading, "active_count", 2),
        (multiprocessing.process, "current_process", type("Daemonic", (), {"daemon": True})),
    ]:
        with monkeypatch.context() as changed:
            changed.setattr(place, name, lambda value=value: value)
            assert not drawing._pays(), name


@pytest.mark.parametrize(("allowed", "started"), [(2, False), (63, False), (64, True), (resource.RLIM_INFINITY, True)])
def test_it_takes_none_of_the_few_processes_that_a_user_may_have(monkeypatch, allowed, started):
    """BLAS starts its threads anew after a fork, and interrupts the program where it cannot."""
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    monkeypatch.setattr(drawing, "cores", lambda: 2)
    monkeypatch.setattr(resource, "getrlimit", lambda which: (allowed, resource.RLIM_INFINITY))
    assert drawing._pays() == started


@pytest.mark.parametrize(("plots", "shared"), [("plots=false", False), ("plots=true", True)])
def test_it_is_not_started_without_plots_nor_beside_other_runs(plots, shared, tmp_path, idx_set, monkeypatch):
    monkeypatch.setattr(drawing.Drawing, "start", lambda self: pytest.fail("started"))
    config = compose(["data=idx", f"data.dir={idx_set}", "hidden=4", "epochs=1", "quiet=true", plots])
    run(config, tmp_path / "run", shared=shared)
