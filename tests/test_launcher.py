"""A place for runs that stays open: the same processes do one rung of runs after the other."""

import dataclasses
import os

import psutil
import pytest

from npdigits.base.errors import PlaceError
from npdigits.base.interruption import never
from npdigits.config.compose import compose
from npdigits.runs.report import Report
from npdigits.runs.summary import Status
from npdigits.sweeps import cluster, launcher
from npdigits.sweeps.points import Outcome, Point
from npdigits.sweeps.progress import Progress
from npdigits.sweeps.where import Place

ONE = Point((), compose(), {}, "")


def rung(number, n=3):
    return [dataclasses.replace(ONE, name=f"{number}-{i}") for i in range(n)]


def tell_process(point, shared, stop):
    """A run that is done at once, and says where."""
    return Outcome(point, Status.FINISHED, str(os.getpid()))


def opened(place, folder, job=tell_process, stop=never):
    return launcher.opened(place, folder, job, 3, stop, Progress(9, [], Report(quiet=True)))


def test_the_same_processes_do_all_that_is_asked_of_them(tmp_path):
    seen = []
    with opened(Place(workers=2), tmp_path) as do:
        assert list(do([])) == []
        for number in range(3):
            ended = list(do(rung(number)))
            assert sorted(run.point.name for run in ended) == [f"{number}-{i}" for i in range(3)]
            seen.append({int(run.reason) for run in ended})
    assert len(set.union(*seen)) <= 2 and os.getpid() not in set.union(*seen)
    assert not any(map(psutil.pid_exists, set.union(*seen)))


def test_this_process_does_them_one_after_the_other_and_goes_on_after_what_it_lacks(tmp_path):
    def job(point, shared, stop):
        if point.name == "0-1":
            raise PlaceError("no data")
        return tell_process(point, shared, stop)

    with opened(Place(workers=0), tmp_path, job) as do:
        ended = [*do(rung(0)), *do(rung(1))]
    assert [run.status for run in ended] == [Status.FINISHED, Status.FAILED, *[Status.FINISHED] * 4]
    assert ended[1].reason == "no data" and {run.reason for run in ended[2:]} == {str(os.getpid())}


@pytest.mark.parametrize("workers", [0, 2])
def test_who_has_stopped_begins_nothing_and_starts_no_process(tmp_path, monkeypatch, workers):
    monkeypatch.setattr(cluster.local_cluster, "open_cluster", None)
    with opened(Place(workers=workers), tmp_path, stop=lambda: True) as do:
        assert list(do(rung(0))) == []


def test_nothing_to_do_needs_no_cluster(tmp_path):
    with opened(Place(address="tcp://127.0.0.1:1"), tmp_path) as do:
        assert list(do([])) == []
