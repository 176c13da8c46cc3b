"""One run from Python: what it leaves, that it is done once, and that it gives the same bits every time."""

import dataclasses
import json
import math
import sys

import numpy as np
import pytest
import yaml
from made import digits, read_summary, write_idx, write_set
from typed import tree

from npdigits.base.errors import ConfigError, RunDirError
from npdigits.base.npz import read_npz
from npdigits.base.random import stream
from npdigits.config.compose import compose
from npdigits.config.schema import parse_config
from npdigits.data.sets import Split
from npdigits.runs import outputs, results
from npdigits.runs.metrics import read_metrics
from npdigits.runs.report import final_table
from npdigits.runs.results import wilson_interval
from npdigits.runs.summary import Status, Summary
from npdigits.train import run

PLAIN = ("data=idx", "epochs=3", "hidden=6", "plots=false", "quiet=true")
LONG = ("epochs=99", "schedule=constant")
FIGURES = ("train_cost", "train_accuracy", "val_cost", "val_accuracy", "test_cost", "test_accuracy")
SEEDS = ("seed=0", "seed=0", "seed=1")
BITS = (
    *("metrics.csv", "checkpoints/best.npz", "checkpoints/last.npz", "checkpoints/previous.npz", "predictions.npz"),
    "doubt.npz",
)


@pytest.fixture
def trained(tmp_path, idx_set):
    """Return a function that trains on the small set in a directory of this name and returns its path."""

    def train(name, *overrides):
        run(compose([*PLAIN, f"data.dir={idx_set}", *overrides]), tmp_path / name, overrides)
        return tmp_path / name

    return train


@pytest.fixture
def hard(idx_set):
    """Give a third of the small set random labels: the best epoch comes early. Return its test half."""
    rng = np.random.default_rng(0)
    halves = [digits(600, seed=5), digits(100, seed=4)]
    for _, labels in halves:
        labels[::3] = rng.integers(0, 10, len(labels[::3]))
    write_set(idx_set, *halves)
    return halves[1]


def bits(path):
    return {name: (path / name).read_bytes() for name in BITS}


def test_a_run_directory_holds_what_it_should(trained, idx_set):
    path = trained("run", "lr=0.02", "out=ignored/here")
    others = ("identity.json", "config.yaml", "overrides.yaml", "environment.json", "summary.json", "train.log")
    assert {name for name in tree(path) if name != ".lock"} == {*BITS, *others}
    config = parse_config(yaml.safe_load((path / "config.yaml").read_text(encoding="utf-8")))
    assert config == compose([*PLAIN, f"data.dir={idx_set}", "lr=0.02", "out=ignored/here"])
    assert yaml.safe_load((path / "overrides.yaml").read_text()) == ["lr=0.02", "out=ignored/here"]


def test_the_summary_says_what_was_done_and_repeats_the_best_epoch(trained, hard):
    path = trained("run", *LONG)
    summary, metrics = read_summary(path), read_metrics(path)
    epochs = len(metrics["epoch"])
    assert metrics["epoch"] == list(range(1, epochs + 1))
    ended = (summary["status"], summary["stopped_by"], summary["epochs_run"])
    assert ended == ("finished", "val_cost", epochs)
    assert (summary["data"], len(summary["data_sha256"])) == ("idx", 64)
    assert summary["data_sizes"] == {"train": 500, "val": 100, "test": 100}
    assert (summary["image_shape"], summary["parameters"]) == ([8, 7], 56 * 6 + 6 + 6 * 10 + 10)
    assert 0 < summary["seconds"] < 60
    best = int(np.argmin(metrics["val_cost"]))
    assert summary["best_epoch"] == best + 1 < epochs
    assert {name: summary[name] for name in FIGURES} == {name: metrics[name][best] for name in FIGURES}
    lowest = np.minimum.accumulate(metrics["val_cost"])
    assert metrics["is_best"] == [1.0, *(lowest[1:] < lowest[:-1]).astype(float)]
    assert metrics["gap"] == [v - t for v, t in zip(metrics["val_cost"], metrics["train_cost"], strict=True)]
    variances = [np.var(metrics["val_cost"][i : i + 5]) for i in range(epochs - 4)]
    assert np.allclose(metrics["val_cost_variance"], [math.nan] * 4 + variances, equal_nan=True)


def test_the_predictions_are_the_best_checkpoints_and_give_the_summarys_figures(trained, hard):
    path = trained("run", *LONG)
    summary, (images, labels) = read_summary(path), hard
    best, last, _, kept = (read_npz(path / name) for name in BITS[1:-1])
    assert not np.array_equal(best["W1"], last["W1"])
    assert np.array_equal(kept["labels"], labels)
    z = images.reshape(100, -1) / 255 @ best["W1"].T + best["b1"]
    logits = np.where(z > 0, z, 0.01 * z) @ best["W2"].T + best["b2"]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert np.allclose(kept["probabilities"], p, atol=1e-5)
    p = kept["probabilities"]
    assert summary["test_cost"] == pytest.approx(-np.log(p[np.arange(100), labels]).mean(), rel=1e-5)
    assert summary["test_accuracy"] == (p.argmax(axis=1) == labels).mean()
    wrong = [i for i in np.argsort(-p.max(axis=1), kind="stable") if p[i].argmax() != labels[i]][:24]
    assert kept["mistakes"].tolist() == wrong and len(wrong) == 24
    assert np.array_equal(kept["mistake_images"], images[wrong].reshape(24, -1))
    chosen = stream(0, "readout").choice(100, 75, replace=False)
    correct = int((p[chosen].argmax(axis=1) == labels[chosen]).sum())
    interval = list(wilson_interval(correct, 75))
    expected = {"digits": 75, "correct": correct, "accuracy": correct / 75, "interval": interval}
    assert summary["readout"] == expected


def test_without_validation_data_every_epoch_runs_and_the_last_is_the_best(trained, capsys):
    path = trained("run", "val_size=0", "epochs=9", "patience=1", "quiet=false")
    summary, metrics = read_summary(path), read_metrics(path)
    assert summary["data_sizes"] == {"train": 600, "val": 0, "test": 100}
    assert (summary["best_epoch"], summary["epochs_run"], summary["stopped_by"]) == (9, 9, "epochs")
    assert summary["val_cost"] is None and summary["val_accuracy"] is None
    for column in ("val_cost", "val_accuracy", "gap", "val_cost_variance"):
        assert np.isnan(metrics[column]).all()
    said = capsys.readouterr().out
    assert "epoch 9/9 " in said and "  val " not in said and "\n  validation" not in said


def test_wilsons_interval_is_the_published_one():
    """Newcombe 1998, table I: 81 of 263, 15 of 148 and 0 of 20; and where all is right."""
    assert np.allclose(wilson_interval(81, 263), (0.2553, 0.3662), atol=5e-5)
    assert np.allclose(wilson_interval(15, 148), (0.0624, 0.1605), atol=5e-5)
    assert np.allclose(wilson_interval(0, 20), (0.0, 0.1611), atol=5e-5)
    assert wilson_interval(75, 75) == pytest.approx((1 - wilson_interval(0, 75)[1], 1.0), abs=1e-15)


def test_the_environment_says_what_bits_depend_on(trained):
    environment = json.loads((trained("run") / "environment.json").read_text())
    assert environment["packages"]["numpy"] == np.__version__
    assert {"python", "platform", "processor", "numpy_simd", "git_commit", "git_dirty"} <= set(environment)
    assert all(pool["num_threads"] == 1 for pool in environment["blas"])


def test_the_same_run_twice_gives_the_same_bytes_and_another_seed_others(trained):
    first, second, other = (bits(trained(name, seed)) for name, seed in zip("abc", SEEDS, strict=True))
    assert first == second
    assert all(other[name] != first[name] for name in BITS)


def test_a_run_directory_may_be_text_and_a_library_that_ends_the_program_decides_nothing(
    tmp_path, idx_set, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("npdigits.runs.plots.draw", lambda *_: sys.exit(5))
    typed = ["data=idx", f"data.dir={idx_set}", "hidden=4", "epochs=1"]
    assert run(compose(typed), "run", typed)["status"] == "finished"
    assert (tmp_path / "run" / "summary.json").exists()
    assert "WARNING: not all plots are drawn: SystemExit: 5" in capsys.readouterr().err


def test_a_run_that_is_there_is_not_done_again(trained, idx_set, capsys):
    path = trained("run")
    before, summary = tree(path), read_summary(path)
    same = compose([*PLAIN, f"data.dir={idx_set}", "out=elsewhere", "hidden=[6]"])
    assert run(same, path) == run(same, path) == summary
    assert tree(path) == before
    assert capsys.readouterr().out == f"{path}\n" * 3
    assert run(dataclasses.replace(same, plots=True), path) == summary  # missing plots are drawn
    assert len(list((path / "plots").iterdir())) == 7
    assert {name: value for name, value in tree(path).items() if "plots" not in name} == before


@pytest.mark.parametrize("change", ["seed=1", "epochs=4", "lr=0.011", "dtype=float64", "val_size=50"])
def test_another_run_that_is_there_is_refused(trained, change):
    before = tree(trained("run"))
    with pytest.raises(RunDirError, match=r"^out=.*run: holds another run"):
        trained("run", change)
    assert tree(trained("run")) == before


def test_the_same_command_on_other_data_is_another_run(trained, idx_set):
    trained("run")
    write_set(idx_set, train=601)
    with pytest.raises(RunDirError, match="holds another run"):
        trained("run")


def test_foreign_files_are_refused(trained, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").touch()
    before = tree(tmp_path)
    with pytest.raises(RunDirError, match="not a run of npdigits"):
        trained("mine")
    assert tree(tmp_path) == before


def test_nothing_is_written_for_a_configuration_that_does_not_fit_the_data(trained, tmp_path):
    before = tree(tmp_path)
    for mistake in ("batch_size=501", "val_size=600", "hidden=9000000000"):
        with pytest.raises(ConfigError, match=f"^{mistake}"):
            trained("run", mistake)
    assert tree(tmp_path) == before


def test_by_default_each_run_gets_a_directory_of_its_own(tmp_path, idx_set, monkeypatch, capsys):
    monkeypatch.setattr(outputs, "outputs", lambda: tmp_path / "outputs")
    for _ in range(2):
        run(compose([*PLAIN, f"data.dir={idx_set}"]))
    runs = sorted((tmp_path / "outputs").glob("*/*"))
    assert len(runs) == 2
    assert capsys.readouterr().out == "".join(f"{path}\n" for path in runs)


@pytest.mark.parametrize("how", ["lr=1e30", "init_scale=1e300", "optimizer=sgd lr=3 schedule=constant l2=1 epochs=25"])
def test_a_run_that_diverges_says_so_and_keeps_what_was_written(trained, how, capsys):
    path = trained("run", *how.split())
    summary, metrics = read_summary(path), read_metrics(path)
    epoch = summary["diverged_in_epoch"]
    assert summary["status"] == summary["stopped_by"] == "diverged"
    assert summary["epochs_run"] == epoch - 1 and (epoch > 1) == ("optimizer=sgd" in how)
    assert metrics["epoch"] == list(range(1, epoch))
    assert ("best_epoch" in summary) == (epoch > 1) == (path / "predictions.npz").is_file()
    warning = f"stopped being finite in epoch {epoch}: try a smaller lr"
    said = capsys.readouterr().err
    assert warning in said and warning in (path / "train.log").read_text(encoding="utf-8")
    assert ("or init_scale (it is 1e+300)" in said) == ("init_scale" in how)


@pytest.mark.parametrize("rule", ["val_cost", "gap", "variance"])
def test_test_labels_choose_nothing(trained, idx_set, hard, rule):
    """Other test labels leave every choice, and all that is said about the other two sets, as they were."""
    overrides = (*LONG, "hidden=40", "weight_decay=0", "patience=4", f"stop_on={rule}", "min_delta=1e-3")
    paths = [trained("one", *overrides)]
    write_idx(idx_set / "t10k-labels-idx1-ubyte", np.random.default_rng(1).permutation(hard[1]))
    paths.append(trained("other", *overrides))
    one, other = map(read_summary, paths)
    assert one["data_sha256"] != other["data_sha256"] and one["test_cost"] != other["test_cost"]
    assert one["stopped_by"] == rule and one["best_epoch"] < one["epochs_run"] < 99
    chosen = ("best_epoch", "epochs_run", "stopped_by", *FIGURES[:4])
    assert [one[key] for key in chosen] == [other[key] for key in chosen]
    tables = [read_metrics(path) for path in paths]
    for column in (name for name in tables[0] if not name.startswith("test_")):
        assert np.array_equal(tables[0][column], tables[1][column], equal_nan=True)
    one, other = (read_npz(path / "checkpoints" / "last.npz") for path in paths)
    assert set(one) == {"W1", "b1", "W2", "b2", "optimizer_M", "optimizer_V", "best", "metrics", "header", "sha256"}
    assert all(np.array_equal(one[name], other[name]) for name in set(one) - {"metrics", "header", "sha256"})


def test_a_run_that_reads_nothing_or_not_all_says_so(tmp_path, idx_set, capsys):
    def ended(name, *overrides):
        typed = ["data=idx", f"data.dir={idx_set}", "hidden=6", "epochs=2", "plots=false", *overrides]
        for _ in range(2):  # also where it is finished already
            summary = run(compose(typed), tmp_path / name, typed)
        return summary, capsys.readouterr().out.splitlines()

    summary, said = ended("zeros", "initializer=zeros", "lr=1e-9")
    assert summary["at_chance"] and len(summary["never_read"]) == 9
    assert sum(line.strip().startswith("at chance:") for line in said) == 2
    summary, said = ended("good", "lr=0.05", "epochs=8")
    assert not summary["at_chance"] and summary["never_read"] == []
    assert not any("at chance" in line or "never read" in line for line in said)


def test_a_class_that_is_never_read_is_named():
    labels = np.repeat(np.arange(3), 50)
    split = Split(np.zeros((150, 1), np.uint8), labels, np.arange(150))
    assert results.find_blindness(np.eye(4)[labels], split) == {"at_chance": False, "never_read": []}
    assert results.find_blindness(np.eye(4)[np.where(labels == 1, 3, labels)], split)["never_read"] == [1]
    readout = {"digits": 1, "correct": 1, "accuracy": 1, "interval": (0, 1)}
    table = final_table(Summary(Status.FINISHED, best_epoch=1, readout=readout))
    assert "never read" not in table and "at chance" not in table  # of a run of before


def test_plots_that_are_missing_are_drawn_by_the_same_command(tmp_path, idx_set):
    config = compose(["data=idx", f"data.dir={idx_set}", "epochs=1", "batch_size=8"])
    run(config, tmp_path / "run")
    (tmp_path / "run" / "plots" / "gap.png").unlink()
    run(config, tmp_path / "run")
    assert (tmp_path / "run" / "plots" / "gap.png").exists()
