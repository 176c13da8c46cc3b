"""Scoring runs and committees: the same figures as the run's own, and no digits that it was trained on."""

import dataclasses
import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made import read_summary, write_set
from typed import typed as typed_in

from npdigits import evaluate
from npdigits.base.errors import DataError, UserError
from npdigits.base.npz import read_npz
from npdigits.config.compose import compose
from npdigits.data import sets
from npdigits.runs import evaluation, trained
from npdigits.runs.results import confusion_matrix
from npdigits.train import run

KEYS = ["data=idx", "epochs=2", "hidden=8", "val_size=100", "plots=false", "quiet=true"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    digits = write_set(folder / "digits")
    for seed in (0, 1, 2):
        more = ["output=sigmoid", "cost=mse"] if seed == 2 else []
        config = compose([*KEYS, *more, f"data.dir={digits}", f"seed={seed}"])
        run(config, folder / str(seed))
    return [folder / str(seed) for seed in (0, 1, 2)]


def test_a_run_scores_as_it_said(runs):
    for path in runs:
        summary = read_summary(path)
        lines, counts, _ = evaluate.evaluate([path])
        assert f"{summary['test_accuracy']:.2%}" in lines[1] and f"cost {summary['test_cost']:.4f}" in lines[1]
        assert counts.trace() == round(summary["test_accuracy"] * 100) and counts.sum() == 100


def test_a_committee_is_the_mean_of_probabilities(runs):
    lines, counts, _ = evaluate.evaluate(runs)
    kept = [read_npz(path / "predictions.npz") for path in runs]
    guesses = np.mean([one["probabilities"] for one in kept], axis=0).argmax(axis=1)
    right = int((guesses == kept[0]["labels"]).sum())
    assert lines[-1].startswith("committee of 3: ") and f"{100 - right} of 100 read wrong" in lines[-1]
    assert counts.trace() == right


def test_confusion_by_pencil():
    counts = confusion_matrix(np.array([0, 1, 1, 2]), np.array([0, 1, 2, 2]), 3)
    assert counts.tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 1]]
    assert evaluation.confusion_rows(counts) == [
        ["digit", "0", "1", "2", "of", "wrong", "%"],
        ["0", "1", "0", "0", "1", "0", "0.00"],
        ["1", "0", "1", "0", "1", "0", "0.00"],
        ["2", "0", "1", "1", "2", "1", "50.00"],
    ]


def test_training_images_are_no_test(runs, warm_cache):
    one = trained.load_trained(runs[0])
    seen = trained.Trained(one.path, one.network, one.config, dataclasses.replace(one.summary, data="mnist"))
    with pytest.raises(DataError, match="training images of MNIST"):
        evaluation.load_test_set([seen], ["data=mnist_5k"], print)
    with pytest.raises(DataError, match=r"has 784 pixels and 10 classes, .* takes 56 and 10"):
        evaluation.load_test_set([one], ["data=mnist_5k"], print)


def test_other_digits_than_the_run_knows_are_refused_unless_they_are_asked_for(runs, tmp_path):
    one = trained.load_trained(runs[0])
    other = trained.Trained(one.path, one.network, one.config, dataclasses.replace(one.summary, data_sha256="0" * 64))
    with pytest.raises(DataError, match="was trained on other digits"):
        evaluation.load_test_set([other], [], print)
    write_set(tmp_path / "more", test=50)
    own = ["data=idx", f"data.dir={tmp_path / 'more'}"]
    assert len(evaluation.load_test_set([other], own, print).test) == 50


@pytest.mark.parametrize("damage", ["missing", "torn", "other shape", "no config", "unknown key"])
def test_a_damaged_run_is_named(runs, tmp_path, damage):
    path = tmp_path / "run"
    shutil.copytree(runs[0], path)
    best = path / "checkpoints" / "best.npz"
    if damage == "missing":
        best.unlink()
    elif damage == "torn":
        best.write_bytes(best.read_bytes()[:500])
    elif damage == "other shape":
        shutil.copy(path / "predictions.npz", best)
    elif damage == "no config":
        (path / "config.yaml").unlink()
    else:
        (path / "config.yaml").write_text((path / "config.yaml").read_text() + "hiden: 3\n")
    with pytest.raises(UserError, match=r"run|hiden"):
        trained.load_trained(path)


def test_a_configuration_that_was_edited_is_not_used(runs, tmp_path):
    path = tmp_path / "run"
    shutil.copytree(runs[0], path)
    config = (path / "config.yaml").read_text()
    (path / "config.yaml").write_text(config.replace("quiet: true", "quiet: false"))
    assert trained.load_trained(path).sizes == trained.load_trained(runs[0]).sizes
    (path / "config.yaml").write_text(config.replace("activation: leaky_relu", "activation: tanh"))
    with pytest.raises(UserError, match="not what the run was made by: activation=leaky_relu there, tanh here"):
        trained.load_trained(path)
    (path / "config.yaml").write_text(config)
    (path / "identity.json").write_text("{")
    with pytest.raises(UserError, match=r"run/identity\.json: damaged: "):
        trained.load_trained(path)


def typed(*arguments):
    return typed_in(*arguments, cwd=Path.cwd(), module="npdigits.evaluate")


def test_as_it_is_typed(runs, tmp_path):
    ended = typed(*runs, "--csv", tmp_path / "confusion.csv")
    assert (ended.returncode, ended.stderr) == (0, "") and "committee of 3" in ended.stdout
    assert (tmp_path / "confusion.csv").read_text().startswith("digit,0,1,2")
    alone = typed(*runs, "--csv", "-")
    assert (alone.returncode, alone.stderr) == (0, "") and not Path("-").exists()
    assert alone.stdout == (tmp_path / "confusion.csv").read_text()
    allowed = "allowed are run directories, and data=… with its keys"
    for arguments, message in (
        ([tmp_path], "not a run directory"),
        (["data=mnist"], "name a run directory"),
        ([runs[0], "dta=mnist"], f"dta=mnist: {allowed}"),
        ([runs[0], ""], f"'': {allowed}"),
        ([runs[0], "--csv", ""], "--csv '': allowed is the name of a file"),
        ([runs[0], "--ranking", "-"], "--ranking -: allowed is the name of a file"),
    ):
        ended = typed(*arguments)
        assert ended.returncode == 2 and message in ended.stderr and ended.stderr.count("\n") == 1
    before = (runs[0] / "metrics.csv").read_bytes()
    ended = typed(runs[0], "--csv", runs[0] / "metrics.csv")
    assert ended.returncode == 2 and "could be lost" in ended.stderr
    assert (runs[0] / "metrics.csv").read_bytes() == before
    assert json.loads((runs[0] / "summary.json").read_text())["status"] == "finished"


def test_a_ranking_has_a_row_a_run_with_its_name_the_best_first(runs, tmp_path, monkeypatch):
    target = tmp_path / "ranking.csv"
    monkeypatch.setattr("sys.argv", ["npdigits-evaluate", *map(str, runs), "--ranking", str(target)])
    with pytest.raises(SystemExit) as ended:
        evaluate.main()
    assert ended.value.code == 0
    ranked = pd.read_csv(target)
    assert sorted(map(str, ranked.name)) == sorted(run.name for run in runs)
    assert ranked.right.is_monotonic_decreasing and ranked.right.nunique() > 1
    for row in ranked.itertuples():
        summary = read_summary(Path(row.run))
        assert row.accuracy == pytest.approx(summary["test_accuracy"], abs=1e-4)
        assert row.cost == pytest.approx(summary["test_cost"], abs=1e-4)
        assert (row.parameters, row.digits) == (summary["parameters"], summary["data_sizes"]["test"])
        assert row.low < row.accuracy < row.high and row.right == round(row.accuracy * row.digits)


def test_copies_are_named_and_in_a_ranking_have_rows_but_one_voice(runs, tmp_path, monkeypatch, capsys):
    """Two that type the same command have the same run; that costs nobody the competition."""
    copy, target = shutil.copytree(runs[0], tmp_path / "copy"), tmp_path / "ranking.csv"
    both = f"{runs[0]} and {copy} are the same run"
    with pytest.raises(UserError, match=re.escape(both)):
        evaluate.evaluate([*runs, copy])
    alone, _, _ = evaluate.evaluate(runs)
    arguments = [*map(str, runs), str(copy), "--ranking", str(target), "--sheet", str(tmp_path / "sheet.png")]
    monkeypatch.setattr("sys.argv", ["npdigits-evaluate", *arguments])
    with pytest.raises(SystemExit) as ended:
        evaluate.main()
    said = capsys.readouterr()
    assert ended.value.code == 0 and both in said.err
    ranked = pd.read_csv(target, index_col="name", dtype={"name": str})
    assert len(ranked) == 4 and ranked.right["copy"] == ranked.right[runs[0].name]
    assert alone[-1].startswith("committee of 3: ") and alone[-1] in said.out


def test_training_images_are_no_test_set_under_another_name(runs, tmp_path):
    own = trained.load_trained(runs[0]).config.data.dir
    source = sets.load("idx", folder=Path(own))
    images, labels = (
        source.train.images[:80].reshape(-1, *source.image_shape),
        source.train.labels[:80].astype(np.uint8),
    )
    other = write_set(tmp_path / "other", train=(images, labels), test=(images, labels))
    with pytest.raises(
        DataError, match=f"80 of its 80 test digits are training images of idx, which {runs[0]} has seen"
    ):
        evaluate.evaluate(runs[:1], ["data=idx", f"data.dir={other}"])
    unseen = write_set(tmp_path / "unseen", test=70)
    lines, *_ = evaluate.evaluate(runs[:1], ["data=idx", f"data.dir={unseen}"])
    assert "70 test digits" in lines[0]


def test_a_run_has_one_voice(runs):
    with pytest.raises(UserError, match="a run is named twice"):
        evaluate.evaluate([runs[0], runs[1], runs[0]])


def test_a_copy_has_no_voice_of_its_own(runs, tmp_path):
    shutil.copytree(runs[0], tmp_path / "copy")
    with pytest.raises(UserError, match="are the same run"):
        evaluate.evaluate([runs[0], tmp_path / "copy"])


def test_a_run_that_has_not_finished_is_scored_with_a_warning(runs, tmp_path, capsys):
    shutil.copytree(runs[0], tmp_path / "run")
    summary = tmp_path / "run" / "summary.json"
    summary.write_text(json.dumps(json.loads(summary.read_text()) | {"status": "running"}))
    evaluate.evaluate([tmp_path / "run"])
    assert "WARNING" in (said := capsys.readouterr().err) and "status running" in said


def test_ctrl_c_ends_in_a_line(runs, monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(evaluate, "score_all", interrupted)
    monkeypatch.setattr(sys, "argv", ["evaluate", str(runs[0])])
    with pytest.raises(SystemExit) as caught:
        evaluate.main()
    assert caught.value.code == 130 and capsys.readouterr().err == "npdigits.evaluate: interrupted\n"


def test_a_set_that_there_is_not_is_named_with_its_file(runs, tmp_path):
    path = tmp_path / "run"
    shutil.copytree(runs[0], path)
    (path / "summary.json").write_text(json.dumps(read_summary(path) | {"data": "1+2"}))
    with pytest.raises(UserError) as error:
        evaluate.evaluate([path])
    assert str(error.value).startswith(f"{path}/summary.json: data=1+2: allowed are mnist")
