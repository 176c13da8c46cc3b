"""track=tensorboard: every epoch once in TensorBoard's file, whatever happens, and no bit of the run another."""

import sys

import numpy as np
import pytest
from made import read_summary
from small_sweep import keys

from npdigits.base.errors import ConfigError
from npdigits.config.compose import compose
from npdigits.config.identity import NOT_PART
from npdigits.runs import tensorboard_records, track
from npdigits.runs.metrics import read_metrics
from npdigits.runs.run import run
from npdigits.sweeps.sweep import run_sweep

BITS = ("metrics.csv", "predictions.npz", "checkpoints/best.npz", "checkpoints/last.npz", "identity.json")
FILE = f"{track.FOLDER}/{track.FILE}"


@pytest.fixture
def do(tmp_path, idx_set):
    def do(name, *typed, **options):
        return run(compose(keys(idx_set, "quiet=true", "track=tensorboard", *typed)), tmp_path / name, **options)

    return do


def events(path):
    """The scalars of a run's file: (name, step) -> value; none is there twice."""
    scalars = [
        (value.tag, event.step, value.simple_value)
        for _, event in tensorboard_records.read_records((path / FILE).read_bytes())
        for value in event.summary.value
        if value.HasField("simple_value")
    ]
    assert len({one[:2] for one in scalars}) == len(scalars)
    return {(name, step): value for name, step, value in scalars}


def expected(path):
    columns = read_metrics(path)
    epochs = columns.pop("epoch")
    cells = {(name, int(n)): v for name, values in columns.items() for n, v in zip(epochs, values, strict=True)}
    return {key: float(np.float32(value)) for key, value in cells.items() if value == value}


def test_the_file_has_every_figure_and_the_run_the_bits_that_it_has_without(do, tmp_path):
    do("run")
    do("without", "track=null")
    for name in BITS:
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "without" / name).read_bytes()
    assert not (tmp_path / "without" / track.FOLDER).exists()
    found, summary = events(tmp_path / "run"), read_summary(tmp_path / "run")
    assert found.items() >= expected(tmp_path / "run").items()
    best = found["best/val_accuracy", summary["best_epoch"]]
    assert best == float(np.float32(summary["val_accuracy"]))
    assert "track" in NOT_PART


def test_a_run_that_goes_on_has_each_epoch_once(do, tmp_path):
    asked = iter(range(10**6))
    do("run", stop=lambda: next(asked) == 40)
    file, done = tmp_path / "run" / FILE, read_summary(tmp_path / "run")["epochs_run"]
    assert done == 2
    begun = next(tensorboard_records.read_records(file.read_bytes()))[1].wall_time
    # As a kill leaves it: it tells of an epoch that no checkpoint has, and its end is torn.
    more = tensorboard_records.figures(done + 1, {"val_cost": 7.0}, 0.0)
    file.write_bytes(file.read_bytes() + more + more[:-3])
    do("run")
    assert events(tmp_path / "run").items() >= expected(tmp_path / "run").items()
    assert next(tensorboard_records.read_records(file.read_bytes()))[1].wall_time == begun
    before = file.read_bytes()
    do("run")  # has ended
    assert file.read_bytes() == before


def test_a_file_that_is_lost_or_of_others_is_made_anew(do, tmp_path):
    asked = iter(range(10**6))
    do("run", "track=null", stop=lambda: next(asked) == 40)
    (tmp_path / "run" / track.FOLDER).mkdir()
    (tmp_path / "run" / FILE).write_bytes(b"theirs")
    do("run")
    assert events(tmp_path / "run").items() >= expected(tmp_path / "run").items()


def test_a_failure_while_it_trains_is_one_warning(do, tmp_path, monkeypatch, capsys):
    (tmp_path / "run").mkdir()
    (tmp_path / "elsewhere").mkdir()
    summary = do("first")
    original = track.TensorBoard.epoch_ended

    def full(self, *told):
        original(self, *told)
        raise OSError("No space left on device")

    monkeypatch.setattr(track.TensorBoard, "epoch_ended", full)
    capsys.readouterr()
    assert do("second")["val_cost"] == summary["val_cost"]
    assert capsys.readouterr().err.count("TensorBoard failed and is told nothing more: OSError: No space left") == 1


def test_nothing_is_written_through_a_link(do, tmp_path, capsys):
    asked = iter(range(10**6))
    do("run", "track=null", stop=lambda: next(asked) == 40)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run" / track.FOLDER).symlink_to(tmp_path / "elsewhere")
    assert do("run")["status"] == "finished" and list((tmp_path / "elsewhere").iterdir()) == []
    assert "a link, which nothing is written through" in capsys.readouterr().err


def test_a_bad_value_and_a_missing_package_are_refused_before_anything_is_written(do, tmp_path, idx_set, monkeypatch):
    with pytest.raises(ConfigError, match="track=wandb: allowed is null or one of tensorboard"):
        do("run", "track=wandb")
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    monkeypatch.setattr(track.importlib.util, "find_spec", lambda name: None)
    line = r'track=tensorboard: the package tensorboard is not installed: pip install "npdigits\[tensorboard\]"'
    with pytest.raises(ConfigError, match=line):
        do("run")
    typed = keys(idx_set, f"out={tmp_path / 'sweep'}", "track=tensorboard", "workers=0")
    with pytest.raises(ConfigError, match=line):
        run_sweep([(typed, compose(typed))], [], typed, {})
    assert not (tmp_path / "run").exists() and not (tmp_path / "sweep").exists()


def test_a_run_that_went_on_being_tracked_elsewhere_goes_on_without_the_package(do, tmp_path, monkeypatch, capsys):
    asked = iter(range(10**6))
    do("run", stop=lambda: next(asked) == 40)
    tensorboard_records.messages.cache_clear()
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    monkeypatch.setitem(sys.modules, "tensorboard.compat.proto", None)
    assert run(compose([f"resume={tmp_path / 'run'}", "quiet=true"]))["status"] == "finished"
    assert capsys.readouterr().err.count("TensorBoard failed and is told nothing more: ") == 1
    tensorboard_records.messages.cache_clear()
