"""What a run says: plain lines, or one live line on a terminal; everything in its log."""

import contextlib
import os
import re
import struct
import subprocess
import sys
from types import SimpleNamespace

import pytest

from npdigits.base.files import Appended, Folder
from npdigits.runs.layout import LOG_LINE
from npdigits.runs.report import Report, epoch_line, final_table
from npdigits.runs.summary import Summary, read_summary
from npdigits.training.state import Epoch

FIRST = Epoch(1, 0.01, 0.51234, 0.875, 0.6, 0.5, 0.7, 0.25, 0.08766, None, True)
WITHOUT_VAL = Epoch(10, 1e-5, 12.3456, 1.0, None, None, 0.7, 0.25, None, None, True)
LINE = "epoch 1/9  lr 1.00e-02  train 0.5123  87.50%  val 0.6000  50.00%  best"
NINE = SimpleNamespace(config=SimpleNamespace(epochs=9), until=9)  # as much of a run as an epoch's line needs
SUMMARY = {
    "status": "finished",
    "best_epoch": 7,
    **{"train_cost": 0.1, "train_accuracy": 0.98766, "val_cost": 0.2, "val_accuracy": 0.9},
    **{"test_cost": 123456.0, "test_accuracy": 0.85},
    "readout": {"digits": 75, "correct": 65, "accuracy": 65 / 75, "interval": [0.7717, 0.9259]},
}
TABLE = """\
best epoch 7        cost  accuracy
  training        0.1000    98.77%
  validation      0.2000    90.00%
  test           1.2e+05    85.00%
  65 of 75 random test digits read right: 86.7% (95 % interval 77.2% to 92.6%)"""


def test_an_epoch_is_one_line():
    assert epoch_line(FIRST, 9) == LINE
    assert epoch_line(WITHOUT_VAL, 100) == "epoch  10/100  lr 1.00e-05  train 12.3456 100.00%  best"


def test_the_table_has_a_row_a_data_set():
    assert final_table(Summary.parse(SUMMARY)) == TABLE
    without = SUMMARY | {"val_cost": None, "val_accuracy": None}
    assert final_table(Summary.parse(without)) == TABLE.replace("  validation      0.2000    90.00%\n", "")


def test_lines_are_plain_where_there_is_no_terminal(capsys):
    report = Report(quiet=False)
    report.say("hello")
    report.epoch_ended(NINE, FIRST)
    report.warn("careful")
    report.result("there")
    assert capsys.readouterr() == (f"hello\n{LINE}\nthere\n", "npdigits: WARNING: careful\n")


def test_quiet_leaves_warnings_and_the_result(capsys):
    report = Report(quiet=True)
    report.say("hello")
    report.epoch_ended(NINE, FIRST)
    report.warn("careful")
    report.result("there")
    assert capsys.readouterr() == ("there\n", "npdigits: WARNING: careful\n")


@pytest.mark.parametrize("quiet", [True, False])
def test_the_log_keeps_everything_with_its_time_also_what_came_before_it(tmp_path, quiet):
    report = Report(quiet)
    report.say("early")
    report.open_log(Appended(Folder(tmp_path), "train.log", LOG_LINE))
    report.epoch_ended(NINE, FIRST)
    report.warn("careful")
    report.result("there")
    lines = (tmp_path / "train.log").read_text(encoding="utf-8").splitlines()  # on disk without being closed
    report.close()
    assert [line[20:] for line in lines] == ["early", LINE, "WARNING careful", "there"]
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ", line) for line in lines)


def test_a_log_that_cannot_be_written_ends_nothing(tmp_path, capsys):
    report = Report(quiet=False)
    report.open_log(Appended(Folder(tmp_path), "train.log", LOG_LINE))

    def write(text):
        raise OSError(28, "No space left on device")

    report._log.close()
    report._log = type("Full", (), {"write": staticmethod(write), "close": lambda self: None})()
    report.say("hello")
    report.close()
    assert capsys.readouterr().out == "hello\n"


def in_terminal(*arguments, cwd, columns):
    """Train in a pseudo-terminal; return the exit code and what it and standard error got."""
    pty = pytest.importorskip("pty", reason="this system has no pseudo-terminals")
    import fcntl
    import termios

    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    env = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")}
    command = [sys.executable, "-m", "npdigits.train", *arguments]
    env["TERM"] = "xterm-256color"
    child = subprocess.Popen(command, cwd=cwd, env=env, stdin=its, stdout=its, stderr=subprocess.PIPE)
    os.close(its)
    got = b""
    with contextlib.suppress(OSError):  # Linux's way to say that the other end is closed
        while chunk := os.read(ours, 65536):
            got += chunk
    os.close(ours)
    warned = child.communicate(timeout=60)[1]
    return child.returncode, got.decode(), warned.decode()


def shown(got):
    """Split what a terminal got into (the live line's states, what stays on the screen below it)."""
    live, _, rest = got.rpartition("\x1b[2K")
    states = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", state).strip() for state in re.split(r"\r\x1b\[2K", live)]
    return [state for state in states if "epoch" in state], rest.replace("\r\n", "\n")


@pytest.mark.parametrize("columns", [80, 160])
def test_a_terminal_shows_a_live_line_with_the_time_left_and_ends_with_the_table(tmp_path, idx_set, columns):
    command = ("data=idx", "data.dir=idx_set", "epochs=12", "stop_on=none", "plots=false", "out=run")
    code, got, warned = in_terminal(*command, cwd=tmp_path, columns=columns)
    assert (code, warned) == (0, "")
    states, rest = shown(got)
    figures = r"lr \d\.\d\de-\d\d  train \d\.\d{4} +\d+\.\d\d%  val \d\.\d{4} +\d+\.\d\d%  \d+ s left"
    for epoch in range(1, 13):
        assert any(re.search(rf"epoch {epoch:2}/12  {figures}$", state) for state in states)
    assert all(len(state) <= columns for state in states)
    summary = read_summary(tmp_path / "run")
    assert rest == f"{final_table(summary)}\n{tmp_path / 'run'}\n"
    log = (tmp_path / "run" / "train.log").read_text(encoding="utf-8")
    assert log.count("epoch ") == 13 and "\x1b" not in log


def test_a_warning_takes_the_live_line_down_and_goes_to_standard_error(tmp_path, idx_set):
    diverging = ("optimizer=sgd", "lr=3", "schedule=constant", "l2=1", "plots=false", "out=run")
    code, got, warned = in_terminal("data=idx", "data.dir=idx_set", *diverging, cwd=tmp_path, columns=120)
    assert code == 3
    assert warned.startswith("npdigits: WARNING: the cost stopped being finite") and "WARNING" not in got
    assert shown(got)[1].startswith("best epoch 1 ")
