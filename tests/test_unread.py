"""No stream that a run or a sweep writes to decides about it: closed, full, unread, or a terminal that goes away."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from small_sweep import keys, rows

from npdigits.base import program
from npdigits.base.terminal import Unfailing
from npdigits.runs.report import Report

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="closes streams as POSIX does, and needs /dev/full")
STREAMS = {
    "none": [">&-", "2>&-", ">&- 2>&- <&-", ">/dev/full 2>/dev/full", "2>/dev/full", "| true"],
    "here": ["2>/dev/full", "| true"],
    "elsewhere": [">&- 2>&- <&-", ">/dev/full 2>/dev/full"],
}
# The warning is of a key without effect.
WARNED = ["activation=relu", "leak=0.1"]
SWEEPS = {"none": [], "here": ["-m", "seed=0,1", "workers=0"], "elsewhere": ["-m", "seed=0,1", "workers=2"]}


def in_shell(streams, *arguments, cwd):
    """Train with a shell's redirections; return the exit code, also of what stands before a pipe."""
    code = 'npdigits() { "$0" -m npdigits.train "$@"; echo $? >code; }; npdigits "$@" ' + streams
    command = ["sh", "-c", code, sys.executable, *arguments]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    subprocess.run(command, cwd=cwd, env=environment, timeout=120, capture_output=True)
    return int((cwd / "code").read_text())


def status_of(folder):
    return json.loads((folder / "summary.json").read_text())["status"]


@pytest.mark.parametrize(("place", "streams"), [(place, streams) for place in STREAMS for streams in STREAMS[place]])
def test_what_nobody_reads_ends_nothing(idx_set, tmp_path, place, streams):
    assert in_shell(streams, *SWEEPS[place], *keys(idx_set), *WARNED, "out=run", cwd=tmp_path) == 0
    if place == "none":
        assert status_of(tmp_path / "run") == "finished"
    else:
        assert [row["status"] for row in rows(tmp_path / "run")] == ["finished"] * 2


@pytest.mark.parametrize("place", ["none", "here"])
def test_a_run_that_diverges_is_not_called_failed_for_it(idx_set, tmp_path, place):
    diverging = [*SWEEPS[place], *keys(idx_set), "optimizer=sgd", "lr=1e30", "out=run"]
    assert in_shell("2>/dev/full", *diverging, cwd=tmp_path) == 3
    if place == "none":
        assert status_of(tmp_path / "run") == "diverged"
    else:
        assert [row["status"] for row in rows(tmp_path / "run")] == ["diverged"] * 2


@pytest.mark.parametrize("hang_up", [True, False])
@pytest.mark.parametrize("place", SWEEPS)
def test_a_terminal_that_goes_away(idx_set, tmp_path, place, hang_up):
    """With SIGHUP all is saved and the table written; without (disown) all is done."""
    pty = pytest.importorskip("pty")
    ours, its = pty.openpty()
    epochs = "epochs=999999" if hang_up else "epochs=700"  # a second, in which the live line is drawn
    command = [*SWEEPS[place], *keys(idx_set), epochs, "stop_on=none", "out=run"]
    child = subprocess.Popen(
        [sys.executable, "-m", "npdigits.train", *command],
        cwd=tmp_path,
        env={**os.environ, "TERM": "xterm-256color"},
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
    )
    os.close(its)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("run/**/metrics.csv")):
        assert time.monotonic() < deadline and child.poll() is None
        os.set_blocking(ours, False)
        try:
            os.read(ours, 65536)
        except BlockingIOError:
            time.sleep(0.02)
    os.close(ours)
    if hang_up:
        time.sleep(1.0)  # in which the live line is drawn, and cannot be
        os.killpg(child.pid, signal.SIGHUP)
    assert child.wait(timeout=60) == (program.TERMINATED if hang_up else 0)
    if place == "none":
        assert status_of(tmp_path / "run") == ("interrupted" if hang_up else "finished")
    else:
        seen = {row["status"] for row in rows(tmp_path / "run")}
        assert seen <= {"interrupted", "left"} if hang_up else seen == {"finished"}


class Raising:
    """A host's stream in which nothing works."""

    encoding = "ascii"

    def __getattr__(self, name):
        raise RuntimeError(f"no {name} any more")


@pytest.mark.parametrize("kind", [lambda: None, Raising])
def test_a_hosts_stream_may_be_of_any_kind(monkeypatch, kind):
    stream = kind()
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", stream)
    report = Report(quiet=False)
    report.say("hello")
    report.warn("careful")
    report.result("there")
    assert not Unfailing(stream).isatty()
    Unfailing(stream).flush()


def test_what_an_encoding_does_not_have_is_escaped(tmp_path):
    with (tmp_path / "said").open("w", encoding="ascii") as file:
        print("784–20–10", file=Unfailing(file))
    assert (tmp_path / "said").read_text() == "784\\u201320\\u201310\n"
