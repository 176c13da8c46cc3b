"""How many processes share a run where nobody says: as many as help, and one where something stands against it."""

import multiprocessing
import os
import threading
from pathlib import Path

import pytest

from npdigits.base.errors import WorkersError
from npdigits.config.compose import compose
from npdigits.runs.report import Report
from npdigits.runs.sharing import count_processes
from npdigits.training import team
from npdigits.training.team import busy_cores, choose_processes, helpful, hindrance, obstacle
from npdigits.training.workers import Workers, can_fork

WIDE = (784, 800, 10)
linux = pytest.mark.skipif(not can_fork(), reason="processes share a run on Linux only")


@pytest.fixture
def four_cores(monkeypatch):
    """A machine on which this process may use four cores, and has no other threads, as pytest's workers have."""
    monkeypatch.setattr(team, "cores", lambda: 4)
    monkeypatch.setattr(team.os, "cpu_count", lambda: 4)
    monkeypatch.setattr(team, "busy_cores", lambda: 0)
    monkeypatch.setattr(team.threading, "active_count", lambda: 1)


class Said(Report):
    """Keeps what is said and what is warned of."""

    def __init__(self):
        super().__init__(quiet=True, silent=True)
        self.said, self.warned = [], []

    def say(self, text):
        self.said.append(text)

    def warn(self, text):
        self.warned.append(text)


def test_more_work_lets_more_processes_help():
    assert helpful((784, 1, 10), 32) == helpful((20, 10), 512) == 1
    counts = [helpful((784, units, 10), 128) for units in (20, 128, 800)]
    assert counts == sorted(counts) and counts[0] >= 2 and counts[-1] > 8
    assert helpful((784, 4, 10), 64) < helpful((784, 4, 10), 64, distorted=True)


@linux
def test_no_more_than_there_are_cores_nor_than_help(four_cores):
    assert choose_processes(WIDE, 128) == (4, "")
    assert choose_processes((784, 20, 10), 32) == (helpful((784, 20, 10), 32), "")
    assert choose_processes((4, 3), 32) == (1, "")


@linux
def test_cores_that_are_at_work_for_others_are_left_to_them(four_cores, monkeypatch):
    monkeypatch.setattr(team, "busy_cores", lambda: 1)
    assert choose_processes(WIDE, 128) == (3, "")
    monkeypatch.setattr(team, "busy_cores", lambda: 3)
    assert choose_processes(WIDE, 128) == (1, "the machine's cores are at work for others")


@pytest.mark.parametrize(
    ("text", "busy"),
    [("0.1 0.2 0.3 1/457 9\n", 0), ("8.0 7.0 6.0 4/457 9\n", 3), ("0.1\n", 0), ("a b c d\n", 0), ("", 0)],
)
def test_who_is_at_work_is_read_from_the_system(tmp_path, text, busy):
    (tmp_path / "loadavg").write_text(text)
    assert busy_cores(tmp_path / "loadavg") == busy
    assert busy_cores(tmp_path / "none") == 0


@linux
def test_a_daemonic_process_and_one_with_other_threads_work_alone(four_cores, monkeypatch):
    monkeypatch.setattr(team.threading, "active_count", lambda: 2)
    assert choose_processes(WIDE, 128) == (1, "other threads are at work in this process")
    monkeypatch.setattr(multiprocessing.current_process(), "_config", {"daemon": True})
    assert choose_processes(WIDE, 128) == (1, "this is a daemonic process")


@linux
def test_other_threads_are_seen():
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        assert hindrance() == "other threads are at work in this process"
    finally:
        done.set()
        thread.join()


@linux
def test_where_no_semaphore_can_be_made_one_process_does_it(four_cores, monkeypatch):
    def refuse(self, value=1):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(multiprocessing.context.BaseContext, "Semaphore", refuse)
    report = Said()
    assert count_processes(compose(["hidden=800", "threads=3"]), WIDE, report) == 1
    assert report.warned[0].startswith("threads=3 has no effect: no other can be started, or have a semaphore in /dev")
    with pytest.raises(WorkersError, match=r"^threads=2: processes that share a run need semaphores in /dev/shm"):
        Workers(2, lambda part: part)
    assert choose_processes(WIDE, 128) == (
        1,
        "no other can be started, or have a semaphore in /dev/shm: Permission denied",
    )


@linux
def test_where_no_process_can_be_made_one_process_does_it(four_cores, monkeypatch):
    def refuse():
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", refuse)
    assert choose_processes(WIDE, 128) == (
        1,
        "no other can be started, or have a semaphore in /dev/shm: Resource temporarily unavailable",
    )


@linux
def test_the_trial_leaves_no_process_behind():
    before = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text()
    assert obstacle() == ""
    assert Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text() == before


def test_on_other_systems_one_process_does_it_and_says_so(four_cores, monkeypatch):
    monkeypatch.setattr("npdigits.runs.sharing.can_fork", lambda: False)
    monkeypatch.setattr(team, "can_fork", lambda: False)
    report = Said()
    assert count_processes(compose(["hidden=800", "batch_size=128"]), WIDE, report) == 1
    assert report.said == ["one process makes each step: only on Linux can processes share a run's memory"]
    assert count_processes(compose(["hidden=800", "threads=3"]), WIDE, report) == 1
    assert report.warned == ["threads=3 has no effect: only on Linux can processes share a run's memory"]


@linux
def test_what_is_chosen_is_said_and_what_is_asked_for_is_done(four_cores):
    report = Said()
    assert count_processes(compose(["hidden=800", "batch_size=128"]), WIDE, report) == 4
    assert report.said == ["4 processes share each step; their number changes no bit (threads=4)"]
    assert count_processes(compose(["hidden=800", "threads=7"]), WIDE, report) == 7
    assert count_processes(compose(["hidden=1"]), (784, 1, 10), report) == 1
    assert (report.said[1:], report.warned) == (["7 processes share each step"], [])


@linux
def test_an_own_activation_is_called_by_one_process(four_cores, tmp_path, monkeypatch):
    """It may compute with all units of a layer at once, of which each process has only some."""
    (tmp_path / "mine.py").write_text(
        "import numpy as np\ndef f(z):\n    return np.tanh(z)\ndef d_f(z, a):\n    return 1 - a * a\n"
    )
    monkeypatch.chdir(tmp_path)
    report = Said()
    typed = ["hidden=800", "activation=mine.py:f"]
    assert count_processes(compose(typed), WIDE, report) == 1
    assert count_processes(compose([*typed, "threads=2"]), WIDE, report) == 1
    assert report.warned == [
        "threads=2 has no effect: activation=mine.py:f may compute with all numbers of a batch at once"
    ]
