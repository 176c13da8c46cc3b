"""The clock of seconds at work."""

import os
import signal
import time

import pytest
from made import start_python

from npdigits.base import clock
from npdigits.base.clock import Stopwatch

WATCHES = """
import os, time
from npdigits.base import clock
clock.GAP = 0.5
watch, end = clock.Stopwatch(), time.monotonic() + 2
print("begun", flush=True)
while time.monotonic() < end:
    time.sleep(0.02)
    seconds = watch.seconds()
print(seconds, flush=True)
"""


@pytest.fixture
def times(monkeypatch):
    """The process's two clocks, to be set by hand."""
    now = {"passed": 100.0, "computed": 10.0}
    monkeypatch.setattr(clock.time, "perf_counter", lambda: now["passed"])
    monkeypatch.setattr(clock.time, "process_time", lambda: now["computed"])
    return now


@pytest.mark.parametrize(
    ("passed", "computed", "counted"),
    [
        (0.1, 0.0, 0.1),  # a moment in which it waits for others
        (60.0, 59.0, 60.0),  # a long epoch
        (60.0, 12.0, 60.0),  # a long epoch on a machine that five share
        (3600.0, 0.5, 0.5),  # a pause in the midst of an epoch
    ],
)
def test_a_long_gap_without_work_is_a_pause(times, passed, computed, counted):
    watch = Stopwatch()
    times["passed"] += 1.0
    assert watch.seconds() == pytest.approx(1.0)
    times["passed"] += passed
    times["computed"] += computed
    assert watch.seconds() == pytest.approx(1.0 + counted)
    times["passed"] += 2.0
    assert watch.seconds() == pytest.approx(3.0 + counted)


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="Windows stops no process this way")
def test_a_process_that_is_stopped_is_not_at_work():
    child = start_python(WATCHES)
    assert child.stdout.readline() == "begun\n"
    time.sleep(0.2)
    os.kill(child.pid, signal.SIGSTOP)
    time.sleep(1.5)
    os.kill(child.pid, signal.SIGCONT)
    out, err = child.communicate(timeout=60)
    assert (child.returncode, err) == (0, "") and float(out) < 1.4
