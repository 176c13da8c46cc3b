"""What a race says of itself while a rung is at work: runs, settings, epochs and the time that these will take."""

import dataclasses
import re

from npdigits.config.compose import compose
from npdigits.runs.report import Report
from npdigits.runs.summary import Status, Summary
from npdigits.sweeps import race_progress
from npdigits.sweeps.points import Outcome, Point
from npdigits.sweeps.race_progress import RaceProgress, Stage

POINT = Point((), compose(), {}, "")
STAGE = Stage("rung 3", 1000, 234, 1234, 20, "97.31% (97.00% to 97.60%) with lr=0.003")


def ended(name, status, epochs):
    point = dataclasses.replace(POINT, name=name)
    return Outcome(point, status, summary=Summary(status, epochs_run=epochs))


def begun(stage=STAGE, before=None):
    progress = RaceProgress(["lr"], Report(quiet=False))
    progress.begin_stage(stage, before or {})
    progress.begin(40)
    return progress


def test_the_line_counts_runs_and_the_epochs_that_they_took_here():
    progress = begun(before={"a": 4})
    assert progress.line() == (
        "rung 3: 0/40 runs; 20 settings; 234 of 1,234 epochs used; best so far 97.31% (97.00% to 97.60%) with lr=0.003"
    )
    progress.at_work(2)
    for run in (ended("a", Status.PAUSED, 10), ended("b", Status.FINISHED, 3), ended("c", Status.DIVERGED, 1)):
        progress.ended(run)
    progress.ended(Outcome(dataclasses.replace(POINT, name="d"), Status.FAILED, "killed"))
    line = progress.line()
    assert line.startswith("rung 3: 3/40 runs; 2 at work; 1 failed; 20 settings; 244 of 1,234 epochs used; at most ")


def test_the_time_left_goes_by_epochs_and_not_by_runs(monkeypatch):
    progress = begun()
    monkeypatch.setattr(progress._clock, "seconds", lambda: 50.0)
    progress.ended(ended("a", Status.PAUSED, 5))  # ten seconds an epoch
    assert "; at most 166 min left; " in progress.line()  # of 995
    progress.ended(ended("b", Status.FINISHED, 995))
    assert "; at most 0 s left; " in progress.line()


def test_a_confirmation_is_no_part_of_what_the_race_has_used():
    progress = begun(Stage("confirmation 1", 400))
    progress.ended(ended("a", Status.FINISHED, 20))
    assert re.fullmatch(r"confirmation 1: 1/40 runs; at most \d+ s left", progress.line())


def test_without_a_live_line_it_is_said_now_and_then(capsys, monkeypatch):
    progress = begun()
    for seconds in (race_progress.EVERY - 1, race_progress.EVERY + 1, race_progress.EVERY + 2):
        monkeypatch.setattr(progress._clock, "seconds", lambda seconds=seconds: seconds)
        progress.ended(ended(str(seconds), Status.PAUSED, 1))
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("rung 3: 2/40 runs; 20 settings; 236 of 1,234 epochs used; ")
