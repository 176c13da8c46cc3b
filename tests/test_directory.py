"""A run directory belongs to one run and one process, and what is written there reads back exactly."""

import datetime
import json
import math
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from made import start_python

from npdigits.base.errors import RunDirError
from npdigits.base.npz import read_npz
from npdigits.config import build
from npdigits.config.compose import compose
from npdigits.config.identity import digest
from npdigits.runs import outputs, writer
from npdigits.runs.checkpoint import read_checkpoint
from npdigits.runs.directory import EndedRun, claim
from npdigits.runs.hold import Hold
from npdigits.runs.metrics import read_metrics
from npdigits.runs.record import RunRecord
from npdigits.runs.summary import Status, Summary, read_summary
from npdigits.training.state import Epoch

# The columns of the issue, by name and in their order.
COLUMNS = (
    "epoch,lr,train_cost,train_accuracy,val_cost,val_accuracy,test_cost,test_accuracy,gap,val_cost_variance,is_best"
)
RECORD = Epoch(1, 0.1, 1 / 3, 0.5, 2 / 3, 0.25, math.pi, 1e-17, 1 / 3, None, True)
WITHOUT_VAL = Epoch(2, 1e-5, 5e-324, 1.0, None, None, 1e300, 0.1 + 0.2, None, None, False)
OVERRIDES = ["lr=0.1", "hidden=[3, 4]"]
ME, OTHER = {"seed": 0, "epochs": 3}, {"seed": 1, "epochs": 3}
SUMMARY = Summary(Status.RUNNING, identity=digest(ME), data="mnist")


def small_state(*overrides):
    return build.initial_state(compose(overrides), (4, 3, 2))


def record_of(path, state=None):
    return RunRecord(path, compose(), ME, state or small_state(), SUMMARY, compose().epochs)


def started(path, state=None):
    """Claim a directory and write what comes before the first epoch."""
    claimed = claim(path, path.parent, ME)
    claimed.start(record_of(path, state), OVERRIDES, {"python": "3"})
    return claimed


def content(path):
    return {item.relative_to(path): item.read_bytes() for item in path.rglob("*") if item.is_file()}


def test_new_nested_and_empty_directories_can_be_claimed(tmp_path):
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "a" / "b" / "c", tmp_path / "empty"):
        with claim(path, tmp_path, ME) as claimed:
            assert claimed.path == path and path.is_dir()
            assert claimed.found is None


def test_the_same_run_finds_its_summary_there_and_another_is_refused(tmp_path):
    started(tmp_path / "run").close()
    before = content(tmp_path)
    with claim(tmp_path / "run", tmp_path, ME) as claimed:
        assert claimed.found == SUMMARY
    with pytest.raises(RunDirError, match=r"^out=.*run: holds another run"):
        claim(tmp_path / "run", tmp_path, OTHER)
    assert content(tmp_path) == before


@pytest.mark.parametrize("name", ["notes.txt", "summary.json", "metrics.csv", ".hidden"])
def test_a_directory_with_anything_else_is_refused_and_left_as_it_was(tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(RunDirError, match=r"^out=.*: holds something that is not a run of npdigits"):
        claim(tmp_path, tmp_path, ME)
    assert {item.name: item.read_text() for item in tmp_path.iterdir()} == {name: "mine"}


@pytest.mark.parametrize("out", ["file", "file/below/it"])
def test_a_path_that_cannot_be_a_directory_is_refused(tmp_path, out):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(RunDirError, match=r"^out=.*file.*: cannot be written: "):
        claim(tmp_path / out, tmp_path, ME)
    assert [(item.name, item.read_text()) for item in tmp_path.iterdir()] == [("file", "mine")]


def test_default_directories_say_when_and_are_never_shared(tmp_path):
    before = datetime.datetime.now()
    paths = [claim(None, tmp_path / "outputs", ME).path for _ in range(20)]
    assert len(set(paths)) == 20
    for path in paths:
        assert path.parents[1] == tmp_path / "outputs"
        when = datetime.datetime.strptime(f"{path.parent.name} {path.name}", "%Y-%m-%d %H-%M-%S-%f")
        assert before <= when <= datetime.datetime.now()


def test_claims_at_once_get_a_directory_each_even_if_the_clock_stands_still(tmp_path, monkeypatch):
    now = datetime.datetime(2026, 12, 31, 23, 59, 59, 999_999)
    stopped = SimpleNamespace(now=lambda: now)
    monkeypatch.setattr(outputs, "datetime", SimpleNamespace(datetime=stopped, timedelta=datetime.timedelta))
    barrier = threading.Barrier(8)

    def claim_new(_):
        barrier.wait()
        return claim(None, tmp_path, ME)

    with ThreadPoolExecutor(8) as pool:
        claimed = list(pool.map(claim_new, range(8)))
    assert len({each.path for each in claimed}) == 8
    assert tmp_path / "2026-12-31" / "23-59-59-999999" in {each.path for each in claimed}
    for each in claimed:
        each.close()


def test_a_directory_held_by_another_process_is_refused_until_that_one_ends(tmp_path):
    holder = start_python(
        "import sys, time; from pathlib import Path; from npdigits.runs.directory import claim\n"
        "held = claim(Path(sys.argv[1]), Path(), {'seed': 0, 'epochs': 3})\n"
        "print('held', flush=True); time.sleep(100)",
        tmp_path / "run",
    )
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(RunDirError, match=r"^out=.*run: another process is writing this run$"):
            claim(tmp_path / "run", tmp_path, ME)
    finally:
        holder.kill()  # without a chance to tidy up
        holder.communicate()
    claim(tmp_path / "run", tmp_path, ME).close()
    with claim(tmp_path / "run", tmp_path, ME), pytest.raises(RunDirError, match="another process"):
        claim(tmp_path / "run", tmp_path, ME)


def test_who_waits_at_the_lock_never_shares_it_with_a_later_one(tmp_path):
    """A lock's file that is taken away on release would split them: one holds the old file, one the new."""
    first = claim(tmp_path, tmp_path, ME)
    early = (tmp_path / ".lock").open()
    number = (tmp_path / ".lock").stat().st_ino
    first.close()
    with claim(tmp_path, tmp_path, ME):
        assert (tmp_path / ".lock").stat().st_ino == number
    early.close()


def test_the_configuration_overrides_and_environment_are_kept_from_the_start(tmp_path):
    started(tmp_path).close()
    for name, kept in {"config.yaml": compose().as_dict(), "overrides.yaml": OVERRIDES}.items():
        assert yaml.safe_load((tmp_path / name).read_text(encoding="utf-8")) == kept
    assert (tmp_path / "environment.json").read_text() == '{\n  "python": "3"\n}\n'
    assert read_summary(tmp_path) == SUMMARY


def test_each_row_is_on_disk_once_recorded_and_reads_back_exactly(tmp_path):
    with started(tmp_path) as claimed:
        for rows, record in enumerate([RECORD, WITHOUT_VAL], start=1):
            claimed.append(record)
            table = read_metrics(tmp_path)
            assert ",".join(table) == COLUMNS
            for column, values in table.items():
                written = getattr(record, column)
                assert len(values) == rows
                assert math.isnan(values[-1]) if written is None else values[-1] == written
    lines = (tmp_path / "metrics.csv").read_bytes().decode().split("\n")
    assert lines[0] == COLUMNS
    assert lines[2:] == ["2,1e-05,5e-324,1.0,,,1e+300,0.30000000000000004,,,0", ""]


DAMAGES = {
    "empty": lambda text: "",
    "no header": lambda text: text.partition("\n")[2],
    "another header": lambda text: text.replace("lr", "rl"),
    "no number": lambda text: text.replace("0.5", "x"),
    "torn": lambda text: text[:-9],
    "no text": lambda text: text.replace("0.1", "\udc80"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_table_is_an_error_that_names_it(tmp_path, damage):
    with started(tmp_path) as claimed:
        claimed.append(RECORD)
    text = DAMAGES[damage]((tmp_path / "metrics.csv").read_text())
    (tmp_path / "metrics.csv").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(RunDirError, match=r"metrics\.csv: damaged"):
        read_metrics(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '"running"', "\udcff"])
def test_a_damaged_summary_is_an_error_that_names_it(tmp_path, text):
    (tmp_path / "summary.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(RunDirError, match=r"summary\.json: damaged"):
        read_summary(tmp_path)


@pytest.mark.parametrize("read", [read_summary, read_metrics])
def test_a_directory_that_is_no_run_is_named(tmp_path, read):
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(RunDirError, match=rf"^{path}: not a run directory: .*No such file"):
            read(path)


def test_checkpoints_are_written_once_they_are_worth_their_cost(tmp_path, monkeypatch):
    clock = iter([0.0, 1.0, 3.0, 102.0, 103.0, 104.0, 104.0, 105.0]).__next__
    monkeypatch.setattr(writer, "time", SimpleNamespace(perf_counter=clock))
    written = []
    with started(tmp_path) as claimed:  # at 0
        monkeypatch.setattr(Hold, "write_whole", lambda self, name, content: written.append(Path(name).name))
        for _ in range(3):  # at 1, for 2; at 102, too soon; at 103, for 1
            claimed.checkpoint_if_due(record_of(tmp_path))
            written.append("|")
        claimed.checkpoint(record_of(tmp_path), final=True)  # at 104
        written.append("|")
    assert writer.CADENCE == 50
    once = ["last.npz", "summary.json", "|"]
    assert written == [*once, "|", *once, "last.npz", "previous.npz", "summary.json", "|"]


def test_the_last_checkpoint_keeps_its_predecessor_until_the_end(tmp_path):
    state = small_state("optimizer=sgd", "momentum=0.9")
    folder = tmp_path / "checkpoints"
    with started(tmp_path, state) as claimed:
        for steps in (1, 2, 3):
            state.optimizer.steps = steps
            claimed.checkpoint(record_of(tmp_path, state))
        assert [read_checkpoint(folder / name).steps for name in ("last.npz", "previous.npz")] == [3, 2]
        claimed.checkpoint(record_of(tmp_path, state), final=True)
    assert (folder / "last.npz").read_bytes() == (folder / "previous.npz").read_bytes()
    assert not (folder / "last.npz").samefile(folder / "previous.npz")
    last = read_npz(folder / "last.npz")
    assert {name: array.shape for name, array in last.items() if array.dtype != np.uint8} == {
        **{"W1": (3, 4), "b1": (3,), "W2": (2, 3), "b2": (2,)},
        "optimizer_v": (23,),
    }
    assert (last["W1"] == state.network.parameters.weights[0]).all()


def test_a_finished_run_is_read_from_a_directory_that_cannot_be_written(tmp_path):
    path = tmp_path / "run"
    path.mkdir()
    (path / "summary.json").write_text(json.dumps({"identity": digest(ME), "status": "finished", "sizes": {}}))
    (path / "identity.json").write_text(json.dumps(ME))
    (path / "config.yaml").touch()
    (path / ".lock").mkdir()  # nobody can lock this, whoever they are
    ended = claim(path, tmp_path, ME)
    assert isinstance(ended, EndedRun) and ended.summary.status == Status.FINISHED
    with pytest.raises(RunDirError):
        claim(path, tmp_path, OTHER)
