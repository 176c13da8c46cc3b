"""Whose fault it is that a run has not ended, by its outcome and by what its directory says."""

import functools

import pytest
from small_sweep import keys

from npdigits.config.compose import compose
from npdigits.race.fault import NOBODY, OWN, PLACE, blame_of
from npdigits.runs.directory import give_up
from npdigits.runs.report import Report
from npdigits.runs.summary import Status, read_summary
from npdigits.sweeps.dispatch import PROCESS_KILLED, WORKER_LOST
from npdigits.sweeps.plan import plan_sweep
from npdigits.sweeps.sweep import do

# Right when it is tried; fails in the first epoch's end, when the whole training set is read.
CODE = """
import errno
import numpy as np

def figure(p, y):
    if len(y) > 64:
        {fails}
    return 0.5
"""


def job_and_point(idx_set, folder, *more):
    typed = keys(idx_set, *more, f"out={folder}")
    plan = plan_sweep([(typed, compose(typed))], [], [], Report(quiet=True))
    ((found, points),) = plan.folders.items()
    folder.mkdir()
    return functools.partial(do, found, plan.sources), *points.values()


@pytest.mark.parametrize(
    ("fails", "whose"),
    [
        ("raise ValueError('on purpose')", OWN),
        ("return 'a word'", OWN),
        ("raise SystemExit(3)", OWN),
        ("open('/no/such/file')", OWN),
        ("raise MemoryError", PLACE),
        ("raise np._core._exceptions._ArrayMemoryError((9,), np.dtype(float))", PLACE),
        ("raise OSError(errno.ENOSPC, 'No space left on device')", PLACE),
        ("import no_such_package_here", PLACE),
    ],
)
def test_own_code_that_fails_loses_unless_the_machine_lacks_something(idx_set, tmp_path, fails, whose):
    (tmp_path / "mine.py").write_text(CODE.format(fails=fails))
    job, point = job_and_point(idx_set, tmp_path / "sweep", f"metrics=[{tmp_path}/mine.py:figure]")
    ended = job(point, False)
    summary = read_summary(tmp_path / "sweep" / point.name)
    assert (ended.status, summary.status) == (Status.FAILED, Status.FAILED)
    assert blame_of(ended.status, ended.reason) == blame_of(summary.status, summary.reason) == whose


def test_what_fails_outside_own_code_is_the_places(idx_set, tmp_path, monkeypatch):
    job, point = job_and_point(idx_set, tmp_path / "sweep")

    def fail(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as torn:
        torn.setattr("npdigits.runs.writer.RunWriter.append", fail)
        ended = job(point, False)
    assert (ended.status, blame_of(ended.status, ended.reason)) == (Status.FAILED, PLACE)
    assert blame_of(Status.FAILED, read_summary(tmp_path / "sweep" / point.name).reason) == PLACE
    assert job(point, False).status == Status.FINISHED


@pytest.mark.parametrize("reason", [PROCESS_KILLED, WORKER_LOST, "data=mnist: not found", "MemoryError", ""])
def test_a_lost_process_and_a_place_that_lacks_something_are_to_blame(tmp_path, reason):
    (tmp_path / "summary.json").write_text('{"status": "running", "identity": "", "epochs_run": 3}')
    summary = give_up(tmp_path, Status.FAILED, reason)
    assert blame_of(summary.status, summary.reason) == PLACE


def test_a_setting_that_diverges_loses_and_who_waits_or_has_finished_has_no_fault():
    assert blame_of(Status.DIVERGED, "") == OWN
    assert blame_of(Status.HELD, "another process is writing it") == PLACE
    rest = set(Status) - {Status.DIVERGED, Status.HELD, Status.FAILED}
    assert Status.PAUSED in rest and {blame_of(status, "") for status in rest} == {NOBODY}
