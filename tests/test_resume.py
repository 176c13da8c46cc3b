"""A run that was cut off goes on, and its result is the one it would have had, byte for byte."""

import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest
import yaml
from made import read_summary, start_python, write_set
from typed import tree, typed

from npdigits.base.errors import ConfigError, RunDirError
from npdigits.base.interruption import Terminated, Watch
from npdigits.base.npz import read_npz
from npdigits.config.compose import compose
from npdigits.runs import environment
from npdigits.runs.metrics import read_metrics
from npdigits.runs.writer import RunWriter
from npdigits.train import run

PLAIN = ("data=idx", "epochs=6", "hidden=6", "plots=false", "quiet=true")
# What must be the same bytes, besides the summary but for its times.
CHECKPOINTS = [f"checkpoints/{name}.npz" for name in ("best", "last", "previous")]
BITS = ("metrics.csv", "predictions.npz", "doubt.npz", *CHECKPOINTS)
BATCHES = 16 + 3  # of an epoch of 500 digits by 32, and of the scoring of 500, 100 and 100 by 256


@functools.cache  # it takes longer than such a run
def composed(*typed):
    return compose(typed)


@pytest.fixture
def go(tmp_path, idx_set):
    """Return a function that trains on the small set in a directory of this name, and is told when to stop."""

    def train_in(name, *overrides, after=None, **more):
        asked = iter(range(10**9))
        stop = (lambda: next(asked) >= after) if after is not None else (lambda: False)
        typed = [*PLAIN, f"data.dir={idx_set}", *overrides]
        run(composed(*typed), tmp_path / name, typed, stop, **more)
        return tmp_path / name

    return train_in


@pytest.fixture(autouse=True)
def every_epoch(monkeypatch):
    """Write a checkpoint at each epoch's end, however dear."""
    monkeypatch.setattr("npdigits.runs.writer.CADENCE", 0)


def resume(path, *overrides):
    run(compose([f"resume={path}", *overrides]), None, [f"resume={path}", *overrides])
    return path


def result(path):
    summary = read_summary(path)
    del summary["seconds"]
    # Without validation digits nothing is doubted by them.
    names = BITS if summary["data_sizes"]["val"] else [name for name in BITS if name != "doubt.npz"]
    return {name: (path / name).read_bytes() for name in names} | {"summary": summary}


SETTINGS = {
    "adam": (),
    "sgd with momentum": ("optimizer=sgd", "momentum=0.9", "lr=0.1", "l2=1e-3"),
    "rmsprop, cosine, two layers": ("optimizer=rmsprop", "lr=0.003", "schedule=cosine", "hidden=[5,4]"),
    "no validation": ("val_size=0", "schedule=step", "warmup=2"),
    "stops early": ("epochs=60", "stop_on=val_cost", "patience=1", "min_delta=0.5", "dtype=float64"),
    "dropout and distortions": (
        *("dropout=0.3", "input_dropout=0.1", "max_norm=1", "augment=elastic", "alpha=3", "sigma=2", "cost=mse"),
    ),
    "strokes": ("added_strokes=0.7", "augment=affine"),
    "variance": ("epochs=40", "stop_on=variance", "min_delta=1"),
}


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("how", ["resume=", "out="])
def test_a_run_that_is_stopped_anywhere_ends_as_if_it_had_not_been(go, settings, how):
    whole = result(go("whole", *SETTINGS[settings]))
    for name, after in (("first batch", 0), ("within an epoch", 30), ("scoring", 2 * (16 + 4) - 1), ("twice", 45)):
        path = go(name, *SETTINGS[settings], after=after)
        if read_summary(path)["status"] != "finished":
            assert read_summary(path)["status"] == "interrupted"
            if name == "twice":
                go(name, *SETTINGS[settings], after=25)
            resume(path) if how == "resume=" else go(name, *SETTINGS[settings])
        assert result(path) == whole, name


def test_the_best_epoch_may_lie_before_the_cut(go):
    settings = ("optimizer=sgd", "momentum=0.9", "lr=1", "schedule=constant", "stop_on=none")
    whole = result(go("whole", *settings))
    path = go("run", *settings, after=5 * 20 - 3)
    assert whole["summary"]["best_epoch"] < read_summary(path)["epochs_run"] == 4
    assert result(resume(path)) == whole


def test_a_stopped_run_loses_its_current_epoch_and_no_more(go):
    path = go("run", after=3 * BATCHES - 2)
    assert read_summary(path)["epochs_run"] == len(read_metrics(path)["epoch"]) == 2


@pytest.mark.parametrize("epochs", [7, 20])
@pytest.mark.parametrize("settings", ["adam", "no validation"])
def test_epochs_may_grow_and_the_run_is_then_the_longer_one(go, epochs, settings):
    longer = result(go("longer", *SETTINGS[settings], f"epochs={epochs}"))
    path = go("run", *SETTINGS[settings])
    resume(path, f"epochs={epochs}")
    assert result(path) == longer
    assert yaml.safe_load((path / "config.yaml").read_text())["epochs"] == epochs
    resume(path)
    assert result(path) == longer


def test_a_run_that_stopped_early_stays_stopped_when_epochs_grow(go, capsys):
    longer = result(go("longer", *SETTINGS["stops early"], "epochs=70"))
    path = resume(go("run", *SETTINGS["stops early"]), "epochs=70")
    assert result(path) == longer
    n = longer["summary"]["epochs_run"]
    assert n < 60
    said = f"npdigits: WARNING: epochs=70 adds no epoch: the run was stopped in epoch {n} by val_cost\n"
    assert capsys.readouterr().err == said
    (path / "predictions.npz").write_bytes(b"torn")
    resume(path, "epochs=80")
    assert capsys.readouterr().err.endswith("run: a file was lost or torn: made again from the last checkpoint\n")


def test_a_run_that_diverged_says_so_when_epochs_grow(go, capsys):
    path = go("run", "optimizer=sgd", "lr=3", "schedule=constant", "l2=1")
    epoch = read_summary(path)["diverged_in_epoch"]
    capsys.readouterr()
    resume(path, "epochs=70")
    assert capsys.readouterr().err == f"npdigits: WARNING: epochs=70 adds no epoch: the run diverged in epoch {epoch}\n"
    assert read_summary(path)["status"] == "diverged"


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("lr=0.02", "lr=0.02: not allowed with resume: the run has lr=0.01"),
        ("hidden=[7,3]", r"hidden=\[7, 3\]: not allowed with resume: the run has hidden=\[6\]"),
        ("seed=1", "seed=1: not allowed with resume: the run has seed=0"),
        ("dtype=float64", "dtype=float64: not allowed"),
        ("epochs=3", "epochs=3: not allowed with resume: the run has epochs=6; it may only grow"),
        ("data=mnist", "data=mnist: not allowed with resume: the run has data=idx"),
        ("out=elsewhere", "out=elsewhere: not allowed with resume"),
    ],
)
def test_what_would_make_it_another_run_is_refused_by_name(go, override, says):
    path = go("run", after=40)
    before = tree(path)
    with pytest.raises(ConfigError, match=f"^{says}"):
        resume(path, override)
    assert tree(path) == before


@pytest.mark.parametrize("threads", [2, 4])
def test_another_number_of_processes_goes_on_with_the_same_run(go, threads):
    whole, path = result(go("whole", "threads=1")), go("run", "threads=1", after=40)
    before = (path / "identity.json").read_bytes()
    resume(path, f"threads={threads}")
    assert result(path) == whole and (path / "identity.json").read_bytes() == before
    assert yaml.safe_load((path / "config.yaml").read_text())["threads"] == threads
    files = {name: value for name, value in tree(path).items() if name != "train.log"}
    resume(path, "threads=3")  # it is finished
    assert {name: value for name, value in tree(path).items() if name != "train.log"} == files


def test_a_key_that_the_run_does_not_read_makes_it_no_other(go, capsys):
    path = go("run", after=40)
    resume(path, "momentum=0.5")
    assert "WARNING: momentum=0.5 has no effect: it is read with optimizer=sgd only" in capsys.readouterr().err
    assert read_summary(path)["status"] == "finished"
    # What the run reads is another run's, also where a run by the defaults does not read it.
    path = go("sgd", "optimizer=sgd", "lr=0.1", after=40)
    with pytest.raises(ConfigError, match=r"^momentum=0.5: not allowed with resume: the run has momentum=0.0"):
        resume(path, "momentum=0.5")


def test_a_schedule_that_depends_on_the_epochs_cannot_grow(go):
    path = go("run", *SETTINGS["rmsprop, cosine, two layers"])
    with pytest.raises(ConfigError, match=r"^epochs=7: not allowed with resume: schedule=cosine depends on epochs=6$"):
        resume(path, "epochs=7")


@pytest.mark.parametrize("override", ["seed=0", "epochs=6", "hidden=6", "plots=false", "quiet=false", "lr=1e-2"])
def test_what_changes_no_result_may_be_typed(go, override):
    whole = result(go("whole"))
    assert result(resume(go("run", after=40), override)) == whole


def test_by_the_same_command_epochs_cannot_grow(go):
    path = go("run", after=40)
    with pytest.raises(RunDirError, match=r"holds another run \(epochs=6 there, 9 here\)"):
        go("run", "epochs=9")
    assert read_summary(path)["status"] == "interrupted"


@pytest.mark.parametrize("how", ["resume=", "out="])
def test_other_data_is_refused(go, idx_set, how):
    path = go("run", after=40)
    before = tree(path)
    write_set(idx_set, train=600, test=101)
    with pytest.raises(RunDirError, match=r"holds another run .*other data"):
        resume(path) if how == "resume=" else go("run")
    assert tree(path) == before


@pytest.mark.parametrize("content", [None, "notes.txt"])
def test_a_folder_that_is_no_run_cannot_go_on(tmp_path, content):
    if content:
        (tmp_path / content).touch()
    with pytest.raises(RunDirError, match=r"^resume=.*: not a run directory: it has neither"):
        resume(tmp_path)
    with pytest.raises(RunDirError, match=r"^resume=.*none: not a run directory"):
        resume(tmp_path / "none")
    assert not (tmp_path / "none").exists()


MADE_AGAIN = (
    "summary.json",
    "metrics.csv",
    "checkpoints/best.npz",
    "identity.json",
    "environment.json",
    "overrides.yaml",
)


@pytest.mark.parametrize("name", MADE_AGAIN)
@pytest.mark.parametrize("damage", ["missing", "torn", "rubbish"])
def test_every_file_but_the_truth_can_be_lost(go, name, damage):
    whole = result(go("whole"))
    path = go("run", after=70)
    file = path / name
    content = file.read_bytes()
    file.unlink()
    if damage != "missing":
        file.write_bytes(content[: len(content) // 2] if damage == "torn" else b"\x00\xff rubbish\n")
    go("run")
    assert result(path) == whole


def test_rows_beyond_the_last_checkpoint_and_a_torn_one_are_repaired(go):
    whole = result(go("whole"))
    path = go("run", after=70)
    with (path / "metrics.csv").open("a") as file:
        file.write("4,0.005,0.3,0.9,0.3,0.9,0.3,0.9,0,0,1\n5,0.00")
    assert result(go("run")) == whole


@pytest.mark.parametrize("both", [False, True])
def test_a_damaged_last_checkpoint_costs_an_epoch_and_two_cost_time(go, both, capsys):
    whole = result(go("whole"))
    path = go("run", after=5 * (16 + 4) + 1)
    shutil.copy(path / "checkpoints" / "last.npz", path / "checkpoints" / "kept")
    for name in ("last", "previous") if both else ("last",):
        file = path / "checkpoints" / f"{name}.npz"
        content = bytearray(file.read_bytes())
        content[500] ^= 1
        file.write_bytes(content)
    (path / "checkpoints" / "kept").unlink()
    go("run")
    assert result(path) == whole
    said = capsys.readouterr().err
    assert said.count("WARNING") == 1 and "last.npz: damaged" in said
    assert ("starting from the beginning" if both else "going on from its predecessor") in said


def test_strays_of_a_killed_writer_are_tidied_up(go):
    path = go("run", after=40)
    (path / "plots").mkdir()
    numbered = (".train.log.0123abcd.tmp", "checkpoints/.last.npz.0123abcd.tmp", "plots/.cost.png.0123abcd.tmp")
    for name in (".summary.json.tmp", ".overrides.yaml.tmp", "checkpoints/.last.npz.tmp", *numbered):
        (path / name).write_text("half")
    go("run")
    assert not list(path.rglob(".*.tmp"))


LEFT = (
    (),
    ("identity.json",),
    ("identity.json", "checkpoints"),
    (".summary.json.tmp",),
    (".summary.json.0123abcd.tmp",),
)


@pytest.mark.parametrize("left", LEFT)
def test_a_run_killed_before_it_began_begins(go, tmp_path, left):
    whole = result(go("whole"))
    path = tmp_path / "run"
    path.mkdir()
    (path / ".lock").touch()
    for name in left:
        if name == "checkpoints":
            (path / name).mkdir()
        else:
            (path / name).write_bytes((tmp_path / "whole" / "identity.json").read_bytes())
    assert result(go("run")) == whole
    assert not list(path.rglob(".*.tmp"))


def test_a_run_directory_may_be_moved_and_copied(go, tmp_path):
    whole = result(go("whole"))
    path = go("run", after=40)
    shutil.copytree(path, tmp_path / "copy")
    path.rename(tmp_path / "moved to another place")
    for name in ("copy", "moved to another place"):
        assert result(resume(tmp_path / name)) == whole


def test_another_numpy_is_said_and_recorded_and_does_not_hinder(go, capsys):
    whole = result(go("whole"))
    path = go("run", after=40)
    there = json.loads((path / "environment.json").read_text())
    there["packages"]["numpy"] = "1.0"
    (path / "environment.json").write_text(json.dumps(there))
    resume(path)
    assert "begun with numpy 1.0: its bits may differ" in capsys.readouterr().err
    found = result(path)
    assert found["summary"].pop("bits_may_differ") is True
    assert found == whole
    assert json.loads((path / "environment.json").read_text())["earlier"] == [there]


def test_the_run_that_used_the_fallback_goes_on_with_what_it_used(tmp_path, warm_cache, no_torchvision):
    typed = ["hidden=4", "epochs=4", "plots=false", "quiet=true", "data.mirror=http://127.0.0.1:9/"]
    asked = iter(range(10**9))
    run(compose(typed), tmp_path / "run", typed, lambda: next(asked) > 300)
    assert read_summary(tmp_path / "run")["data"] == "mnist_5k"
    write_set(tmp_path / "data" / "MNIST" / "raw")  # now there is one, though another
    resume(tmp_path / "run", f"data.root={tmp_path / 'data'}")
    assert read_summary(tmp_path / "run")["data"] == "mnist_5k"


def test_a_finished_run_resumed_is_left_as_it_is(go):
    path = go("run")
    before = {name: value for name, value in tree(path).items() if name != "train.log"}
    resume(path)
    assert {name: value for name, value in tree(path).items() if name != "train.log"} == before


def test_a_worker_threads_run_stops_when_it_is_told(go):
    """In a thread no signal handler can be set: the caller's own wish is polled."""
    whole, ended = result(go("whole")), []
    thread = threading.Thread(target=lambda: ended.append(go("run", after=40)))
    thread.start()
    thread.join()
    assert read_summary(ended[0])["status"] == "interrupted"
    assert result(resume(ended[0])) == whole


def test_a_watch_notes_signals_and_puts_the_handlers_back():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    for number, error in ((signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)):
        with Watch() as watch:
            assert not watch()
            os.kill(os.getpid(), number)
            assert watch()
        with pytest.raises(error):
            watch.raise_signal()
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    Watch().raise_signal()
    assert Watch(lambda: True)()


@pytest.mark.alone
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither signal for another process")
@pytest.mark.parametrize("threads", [1, 2] if sys.platform == "linux" else [1])
@pytest.mark.parametrize(
    ("number", "code", "word"),
    [
        (signal.SIGTERM, 143, "terminated"),
        (signal.SIGINT, 130, "interrupted"),
        (getattr(signal, "SIGHUP", None), 143, "terminated"),
    ],
)
def test_a_signal_ends_a_process_within_two_seconds_and_loses_one_epoch(tmp_path, idx_set, number, code, word, threads):
    typed_keys = ["data=idx", f"data.dir={idx_set}", "epochs=400", "stop_on=none", "hidden=300", f"threads={threads}"]
    typed_keys += ["plots=false", "schedule=constant", "lr=1e-4"]
    listen = "from signal import *; signal(SIGINT, default_int_handler); signal(SIGHUP, SIG_DFL)"  # perhaps ignored
    child = start_python(f"{listen}; from npdigits.train import main; main()", *typed_keys, f"out={tmp_path / 'run'}")
    table = tmp_path / "run" / "metrics.csv"
    deadline = time.monotonic() + 60
    while not table.exists() or len(table.read_text().splitlines()) < 4:
        assert time.monotonic() < deadline and child.poll() is None
        time.sleep(0.01)
    begun = time.monotonic()
    child.send_signal(number)
    said = child.communicate(timeout=60)[1]
    assert time.monotonic() - begun < 2
    assert (child.returncode, said) == (code, f"npdigits: {word}\n")
    summary = read_summary(tmp_path / "run")
    assert (summary["status"], summary["epochs_run"]) == ("interrupted", len(read_metrics(tmp_path / "run")["epoch"]))
    assert summary["epochs_run"] < 400
    longer = typed("resume=run", "epochs=401", cwd=tmp_path)
    assert longer.returncode == 0, longer.stderr


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows closes no terminal by a signal")
def test_a_run_under_nohup_outlives_its_terminal(tmp_path, idx_set):
    typed_keys = ["data=idx", f"data.dir={idx_set}", "epochs=40", "stop_on=none", "hidden=100", "plots=false"]
    ignore = "from signal import *; signal(SIGHUP, SIG_IGN)"
    child = start_python(f"{ignore}; from npdigits.train import main; main()", *typed_keys, f"out={tmp_path / 'run'}")
    deadline = time.monotonic() + 60
    while not (tmp_path / "run" / "metrics.csv").exists():
        assert time.monotonic() < deadline and child.poll() is None
        time.sleep(0.01)
    child.send_signal(signal.SIGHUP)
    child.communicate(timeout=60)
    assert child.returncode == 0
    assert read_summary(tmp_path / "run")["status"] == "finished"


def test_two_resumes_of_one_run_at_once_one_wins_and_the_other_says_why(tmp_path, idx_set):
    typed_keys = ["data=idx", f"data.dir={idx_set}", "epochs=300", "stop_on=none", "hidden=300", "plots=false"]
    code = "import sys; sys.argv[1:1] = []; from npdigits.train import main; main()"
    first = start_python(code, *typed_keys, f"out={tmp_path / 'run'}")
    while not (tmp_path / "run" / "checkpoints" / "last.npz").exists():
        assert first.poll() is None
        time.sleep(0.01)
    first.kill()
    first.communicate()
    both = [start_python(code, f"resume={tmp_path / 'run'}") for _ in range(2)]
    said = [child.communicate(timeout=120) for child in both]
    codes = sorted(child.returncode for child in both)
    assert codes == [0, 2], said
    loser = next(err for child, (_, err) in zip(both, said, strict=True) if child.returncode == 2)
    assert loser == f"npdigits: out={tmp_path / 'run'}: another process is writing this run\n"
    assert read_summary(tmp_path / "run")["status"] == "finished"


def test_a_run_marked_running_whose_owner_is_gone_is_free(go):
    path = go("run", after=40)
    summary = read_summary(path)
    (path / "summary.json").write_text(json.dumps({**summary, "status": "running"}))
    whole = result(go("whole"))
    assert result(go("run")) == whole


LOSABLE = ("metrics.csv", "predictions.npz", "doubt.npz", "checkpoints/best.npz", "checkpoints/last.npz")


@pytest.mark.parametrize("name", LOSABLE)
@pytest.mark.parametrize("torn", [False, True])
@pytest.mark.parametrize("how", ["resume=", "out="])
def test_a_finished_run_that_lost_a_file_is_made_whole(go, name, torn, how, capsys):
    path = go("run")
    whole = result(path)
    content = (path / name).read_bytes()
    (path / name).unlink()
    if torn:
        (path / name).write_bytes(content[:50])
    resume(path) if how == "resume=" else go("run")
    assert result(path) == whole
    assert "a file was lost or torn" in capsys.readouterr().err


@pytest.mark.parametrize("torn", [False, True])
@pytest.mark.parametrize("how", ["resume=", "out="])
def test_a_finished_run_whose_identity_was_lost_is_made_whole(go, torn, how):
    path = go("run")
    whole, content = result(path), (path / "identity.json").read_bytes()
    (path / "identity.json").unlink()
    if torn:
        (path / "identity.json").write_bytes(b"[" * 5000)
    resume(path) if how == "resume=" else go("run")
    assert result(path) == whole
    assert (path / "identity.json").read_bytes() == content


@pytest.mark.parametrize("both", [False, True])
def test_a_checkpoint_that_cannot_be_read_is_not_a_damaged_one(go, monkeypatch, both):
    """It may be a good one: nothing is overwritten."""
    path = go("run", after=70)
    before = tree(path)
    original = read_npz

    def unreadable(file, *fits):
        if file.name == "last.npz" or both:
            raise PermissionError(13, "Permission denied", str(file))
        return original(file, *fits)

    monkeypatch.setattr("npdigits.runs.checkpoint.read_npz", unreadable)
    for attempt in (lambda: resume(path), lambda: go("run")):
        with pytest.raises(RunDirError, match=r"last\.npz: cannot be read: Permission denied$"):
            attempt()
    assert tree(path) == before


def test_a_checkpoint_of_a_later_version_is_left_alone(go, monkeypatch):
    monkeypatch.setattr("npdigits.runs.checkpoint.FORMAT", 2)
    path = go("run", after=70)
    monkeypatch.setattr("npdigits.runs.checkpoint.FORMAT", 1)
    before = tree(path)
    for attempt in (lambda: resume(path), lambda: go("run")):
        with pytest.raises(RunDirError, match=r"is of schema 2, this version of npdigits reads up to 1: update"):
            attempt()
    assert tree(path) == before


def test_from_python_what_was_composed_counts_as_typed(go, tmp_path):
    path = go("run", after=40)
    with pytest.raises(ConfigError, match=r"^lr=0.5: not allowed with resume"):
        run(compose([f"resume={path}", "lr=0.5"]))
    longer = result(go("longer", "epochs=9"))
    run(compose([f"resume={path}", "epochs=9"]))
    assert result(path) == longer
    run(compose([*PLAIN, f"data.dir={tmp_path / 'idx_set'}", f"out={tmp_path / 'by its key'}", "epochs=1"]))
    assert read_summary(tmp_path / "by its key")["status"] == "finished"


@pytest.mark.parametrize("content", [None, "", "lr: 0.5", "[", "\x00"])
def test_a_lost_config_is_made_again_from_the_identity(go, idx_set, content, capsys):
    whole = result(go("whole"))
    path = go("run", after=40)
    (path / "config.yaml").unlink()
    if content is not None:
        (path / "config.yaml").write_text(content)
    resume(path, "plots=false", f"data.dir={idx_set}", "data=idx")
    assert result(path) == whole
    assert "config.yaml: cannot be used" in capsys.readouterr().err


def test_a_run_goes_on_from_another_directory(go, idx_set, tmp_path, monkeypatch):
    whole = result(go("whole"))
    monkeypatch.chdir(tmp_path)
    path = go("run", f"data.dir={idx_set.relative_to(tmp_path)}", after=40)
    monkeypatch.chdir(idx_set)
    assert result(resume(path)) == whole


def test_the_first_epoch_of_a_fallback_run_may_be_cut_off(tmp_path, warm_cache, no_torchvision):
    typed_keys = ["hidden=4", "epochs=2", "plots=false", "quiet=true", "data.mirror=http://127.0.0.1:9/"]
    run(compose(typed_keys), tmp_path / "run", typed_keys, lambda: True)
    for name in ("last.npz", "previous.npz"):
        (tmp_path / "run" / "checkpoints" / name).unlink(missing_ok=True)
    resume(tmp_path / "run")
    assert read_summary(tmp_path / "run")["status"] == "finished"


@pytest.mark.parametrize(
    "text", ["[]", "{", '{"packages": []}', '{"packages": 5, "blas": 1}', '{"earlier": 5}', "[" * 200_000]
)
def test_an_odd_environment_is_no_hindrance(go, text):
    whole = result(go("whole"))
    path = go("run", after=40)
    (path / "environment.json").write_text(text)
    found = result(resume(path))
    found["summary"].pop("bits_may_differ", None)
    assert found == whole


def test_a_failed_run_says_why_and_goes_on(go, tmp_path, monkeypatch):
    whole = result(go("whole"))
    original, calls = RunWriter.append, []

    def record(self, epoch):
        calls.append(epoch)
        if len(calls) == 3:
            raise MemoryError("on purpose")
        original(self, epoch)

    monkeypatch.setattr(RunWriter, "append", record)
    with pytest.raises(MemoryError):
        go("run")
    summary = read_summary(tmp_path / "run")
    assert (summary["status"], summary["reason"]) == ("failed", "MemoryError: on purpose")
    assert result(go("run")) == whole


@pytest.mark.parametrize("of_scipy", ["/p/scipy.libs/libblas.so", "/p/scipy/.dylibs/libblas.dylib"])
@pytest.mark.parametrize(
    "of_numpy", ["/p/numpy.libs/libblas.so", "/p/numpy/.dylibs/libblas.dylib", "/usr/lib/libblas.so"]
)
def test_a_blas_that_another_package_brings_along_decides_no_bits(monkeypatch, of_numpy, of_scipy):
    """A race has SciPy draw its settings, and goes on in a process that has not loaded it."""
    pools = [{"user_api": "blas", "version": "1", "filepath": of_numpy}]
    found = []
    for more in ([], [{"user_api": "blas", "version": "2", "filepath": of_scipy}]):
        monkeypatch.setattr(environment, "threadpool_info", lambda more=more: pools + more)
        found.append(environment.environment())
    assert found[0] == found[1] and [blas["version"] for blas in found[0]["blas"]] == ["1"]


def test_the_kill_harness(idx_set):
    """SIGKILL at random instants, up to five a run; ``python tests/kill.py --runs 200`` makes more of them."""
    from pathlib import Path

    here = Path(__file__).parent
    ended = subprocess.run(
        [sys.executable, str(here / "kill.py"), "--runs", "12"], capture_output=True, text=True, timeout=300, cwd=here
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "12 runs" in ended.stdout
