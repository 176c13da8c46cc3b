"""Too little memory in the middle of a run: the reason that is recorded is the first error, wherever it comes."""

import io
import sys

import numpy as np
import pytest
from made import read_summary

from npdigits.base import npz, program
from npdigits.base.errors import ConfigError, first_cause
from npdigits.config.compose import compose
from npdigits.runs import checkpoint, run
from npdigits.runs.writer import RunWriter
from npdigits.sweeps.points import Point
from npdigits.sweeps.sweep import do
from npdigits.training import loop

NOTHING_LEFT = "MemoryError: on purpose"


class Full(io.BytesIO):
    """A buffer that finds no room: it then closes itself, as Python's does."""

    def write(self, content):
        if len(content) > 1000:
            self.close()
            raise MemoryError("on purpose")
        return super().write(content)


def raises(*_, **__):
    raise MemoryError("on purpose")


PLACES = {
    "a checkpoint is packed": (npz.io, "BytesIO", Full),
    "a checkpoint is made": (checkpoint, "pack", raises),
    "a row is written": (RunWriter, "append", raises),
    "a step": (loop, "_train_epoch", raises),
    "the test set is read": (run, "probabilities", raises),
    "the summary is written": (RunWriter, "write_summary", raises),
}


@pytest.fixture
def keys(idx_set):
    return ["data=idx", f"data.dir={idx_set}", "hidden=20", "epochs=2", "plots=false", "quiet=true"]


@pytest.mark.parametrize("place", PLACES)
def test_the_reason_is_the_first_error(tmp_path, monkeypatch, keys, place):
    with monkeypatch.context() as patch:
        patch.setattr(*PLACES[place])
        with pytest.raises(MemoryError, match="on purpose"):
            run.run(compose(keys), tmp_path / "run")
    if place != "the summary is written":
        assert read_summary(tmp_path / "run")["reason"] == NOTHING_LEFT
    assert run.run(compose(keys), tmp_path / "run")["status"] == "finished"  # and it goes on


def test_nor_does_a_summary_that_cannot_be_written_take_its_place(tmp_path, monkeypatch, keys):
    write, written = RunWriter.write_summary, []

    def once(self, summary):
        written.append(summary)
        if len(written) > 1:
            raise ValueError("I/O operation on closed file")
        write(self, summary)

    monkeypatch.setattr(RunWriter, "write_summary", once)
    monkeypatch.setattr(RunWriter, "append", raises)
    with pytest.raises(MemoryError, match="on purpose"):
        run.run(compose(keys), tmp_path / "run")
    assert len(written) == 2 and written[1].reason == NOTHING_LEFT


def test_a_sweep_gives_the_first_error_too(tmp_path, monkeypatch, keys):
    def fails(*_, **__):
        try:
            raises()
        finally:
            io.BytesIO().close()
            raise ValueError("I/O operation on closed file")

    module = sys.modules[do.__module__]
    monkeypatch.setattr(module, "load_source", fails)
    config = compose(keys)
    outcome = do(tmp_path, {config.data: None}, Point((), config, {}, "run"), shared=False)
    assert outcome.reason == NOTHING_LEFT


def test_a_program_says_that_memory_was_short(capsys):
    def act():
        try:
            raises()
        except MemoryError:
            raise ValueError("I/O operation on closed file")  # noqa: B904 – as a library does

    assert program.exit_code("p", act) == program.BAD_INPUT
    assert capsys.readouterr().err == "p: out of memory: on purpose\n"


def test_what_says_its_own_is_left_alone():
    said = ConfigError("out of memory: a smaller hidden needs less")
    said.__context__ = MemoryError()
    plain = ValueError("a")
    plain.__context__ = KeyError("b")
    circle = ValueError("a")
    circle.__context__ = KeyError("b")
    circle.__context__.__context__ = circle
    assert all(first_cause(error) is error for error in (said, plain, circle, MemoryError()))
    plain.__context__.__context__ = short = MemoryError()
    assert first_cause(plain) is short


def test_too_little_memory_for_a_file_is_no_damage(tmp_path, monkeypatch):
    (tmp_path / "a.npz").write_bytes(npz.npz({"a": np.zeros(3)}))
    monkeypatch.setattr(npz, "_array", raises)
    with pytest.raises(MemoryError):
        npz.read_npz(tmp_path / "a.npz")
