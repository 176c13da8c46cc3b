"""Giving runs to a cluster that does not answer: a signal is heeded all the same, and no run is called done."""

import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from npdigits.base.interruption import Stopped
from npdigits.sweeps import dispatch, in_thread
from npdigits.sweeps.dispatch import Dispatch

POINT = SimpleNamespace(name="seed=0")


class Future:
    """A run that has ended; what is asked of it is answered by ``answer``."""

    status = "finished"

    def __init__(self, answer):
        self.result = answer

    def add_done_callback(self, call):
        if self.result is not None:
            call(self)


class Client:
    """A cluster with one worker."""

    def __init__(self, future, run):
        self.future, self.run = future, run

    def submit(self, *_, **__):
        return self.future


@pytest.fixture
def stuck(monkeypatch):
    """A call that returns when the test is over."""
    over = threading.Event()
    monkeypatch.setattr(dispatch, "TO_SAVE", 0.3)
    monkeypatch.setattr(in_thread, "TO_GIVE_UP", 0.3)
    yield lambda *_, **__: over.wait(60)
    over.set()


def begin(client):
    return Dispatch(client, lambda point: point, "launch", 1, Path(), "its process was killed", lambda running: None)


def test_a_result_that_does_not_come_holds_up_no_signal(stuck):
    client, stop = Client(Future(stuck), lambda *_, **__: None), threading.Event()
    threading.Timer(0.5, stop.set).start()
    began = time.monotonic()
    with pytest.raises(Stopped):
        list(begin(client).run([POINT], stop.is_set))
    assert time.monotonic() - began < 30


def test_workers_that_cannot_be_told_hold_up_no_signal(stuck):
    client = Client(Future(None), stuck)
    began = time.monotonic()
    asked = iter([False, True])
    assert list(begin(client).run([POINT], lambda: next(asked, True))) == []
    assert time.monotonic() - began < 30
