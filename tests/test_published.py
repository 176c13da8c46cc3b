"""The table of published results: its recipes, its figures, and the check that repeats them."""

import contextlib
import importlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made import REPOSITORY
from made_runs import composed, made_run
from scipy import stats

from npdigits.base.errors import RunDirError
from npdigits.base.interruption import Terminated

RECIPES = sorted((REPOSITORY / "conf" / "experiment" / "published").glob("*.yaml"))


@pytest.fixture
def published(monkeypatch):
    monkeypatch.syspath_prepend(str(REPOSITORY / "experiments"))
    return importlib.import_module("published")


@pytest.fixture
def literature(published):
    return importlib.import_module("literature")


def recipe_run(folder, recipe, seed, accuracy, *more, **files):
    """Write a run of a recipe as if it had been made."""
    typed = (f"experiment=published/{recipe}", *more, f"seed={seed}")
    # made_run's test accuracy is 0.01 below the one it is given.
    return made_run(folder / recipe / f"{seed}{''.join(more)}", accuracy + 0.01, *typed, validated=False, **files)


def test_the_pages_have_the_table_that_the_kept_figures_make(published):
    table = published.table(pd.read_csv(published.RESULTS))
    for page in published.PAGES:
        text = page.read_text(encoding="utf-8")
        assert text.count(published.BEGIN) == text.count(published.END) == 1
        assert f"{published.BEGIN}{table}{published.END}" in text


def test_every_row_has_a_recipe_and_every_recipe_a_row(literature):
    assert {path.stem for path in RECIPES} == {row.recipe for row in literature.ROWS}
    assert len({row.name for row in literature.ROWS}) == len(literature.ROWS)
    assert {row.source for row in literature.ROWS} - {None} == set(literature.BASIS)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_trains_on_all_of_mnist_and_names_its_command(recipe):
    config = composed(f"experiment=published/{recipe.stem}")
    assert (config.val_size, config.data.name, config.data.fallback) == (0, "mnist", None)
    assert config.name == recipe.stem
    head = recipe.read_text(encoding="utf-8").split("\nname: ")[0]
    assert f"\n# npdigits experiment=published/{recipe.stem}\n" in head


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_says_what_the_table_says(recipe, published, literature):
    results = pd.read_csv(published.RESULTS)
    text = recipe.read_text(encoding="utf-8")
    (row,) = [row for row in literature.ROWS if row.name == recipe.stem]
    assert text.count(f"\n{published.head(row, results)}") == 1
    seeds = int(re.search(r"seed: range\((\d+)\)", text)[1])
    run = list(results[results.row == recipe.stem].seed)
    assert run == list(range(len(run))) and len(run) <= seeds  # none is left out; the table says how many there are


def test_figures_are_errors_of_the_test_set_by_seed(published, literature, tmp_path):
    for seed, accuracy in enumerate([0.9661, 0.9658, 0.9664]):
        recipe_run(tmp_path, "default", seed, accuracy)
    results = published.collect(tmp_path)
    assert list(results.error) == [3.39, 3.42, 3.36] and list(results.seed) == [0, 1, 2]
    row = next(row for row in literature.ROWS if row.name == "default")
    mean, low, high = 3.39, *stats.t.interval(0.95, 2, 3.39, stats.sem(results.error))
    assert published.measured(row, results) == f"{mean:.2f} ± {(high - low) / 2:.2f} (3 of 5)"
    line = next(line for line in published.table(results).splitlines() if "the default" in line)
    assert "| 3.39 ± 0.07 (3 of 5) | ≤ 3.6 | yes, so far |" in line
    worse = results.assign(error=results.error + 1)
    assert published.verdict(row, worse) == "**no**"
    assert published.measured(row, results.iloc[:0]) == "not run"


def test_rows_of_which_fewer_runs_are_there_keep_their_figures(published, literature, tmp_path):
    for seed in range(3):
        recipe_run(tmp_path, "default", seed, 0.96)
    kept = pd.read_csv(published.RESULTS)
    kept = kept[kept.row != "ciresan_5_layers"]  # as if it had not been run: it has no figures to keep
    results, old = published.with_kept(published.collect(tmp_path), kept)
    assert results.equals(kept) or (list(results.row) == list(kept.row) and list(results.error) == list(kept.error))
    assert "default" in old and "softmax" in old and "ciresan_5_layers" not in old
    for seed in range(3, 5):
        recipe_run(tmp_path, "default", seed, 0.96)
    results, old = published.with_kept(published.collect(tmp_path), kept)
    assert set(results[results.row == "default"].error) == {4.0} and "default" not in old
    assert list(results[results.row != "default"].error) == list(kept[kept.row != "default"].error)


def test_a_summary_that_its_metrics_contradict_is_refused(published, tmp_path):
    run = recipe_run(tmp_path, "default", 0, 0.96)
    summary = json.loads((run / "summary.json").read_text())
    (run / "summary.json").write_text(json.dumps(summary | {"test_accuracy": 0.999}))
    with pytest.raises(RunDirError, match=r"summary\.json and metrics\.csv differ"):
        published.collect(tmp_path)


def test_as_many_runs_as_are_kept_have_to_be_where_the_row_is_meant_to_be(
    published, literature, tmp_path, monkeypatch, capsys
):
    """Three seeds far apart let 3.7 be expected; meant are 3.6 at the most."""
    (row,) = [row for row in literature.ROWS if row.name == "default"]
    kept = pd.DataFrame({"row": ["default"] * 3, "error": [3.0, 3.4, 3.2]})

    def runs(typed):
        for seed in range(3):
            recipe_run(tmp_path, "default", seed, 0.963)
        return 0

    monkeypatch.setattr(published, "sweep", runs)
    assert not published.check([row], kept, 3, tmp_path)
    assert "3.700 % of 3 runs, NOT where the row is meant to be" in capsys.readouterr().out


def test_a_check_refuses_runs_that_are_there_already(published, tmp_path, monkeypatch, capsys):
    recipe_run(tmp_path, "softmax", 0, 0.92)
    monkeypatch.setattr(sys, "argv", ["published.py", "check", "--rows", "softmax", "--folder", str(tmp_path)])
    with pytest.raises(SystemExit) as caught:
        published.main()
    assert caught.value.code == 2 and "runs of softmax are there" in capsys.readouterr().err


# A check that makes its runs by another program.
CHECKS = """
import runpy, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell in the background ignores it
folder, sys.executable = sys.argv[1:]
sys.path.insert(0, folder)
sys.argv = ["published.py", "check", "--rows", "softmax"]
runpy.run_path(folder + "/published.py", run_name="__main__")
"""


@pytest.mark.skipif(os.name == "nt", reason="a program of POSIX")
@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGTERM, 143, "terminated"), (signal.SIGINT, 130, "interrupted")]
)
def test_a_check_that_is_ended_leaves_nothing(tmp_path, number, code, word):
    """Neither a folder nor, where the first process alone is told, its runs."""
    scratch, sweep = tmp_path / "scratch", tmp_path / "sweep"
    scratch.mkdir()
    sweep.write_text(
        f"#!/bin/sh\necho $$ > {tmp_path}/pid.new && mv {tmp_path}/pid.new {tmp_path}/pid\nexec sleep 600\n"
    )
    sweep.chmod(0o755)
    typed = [sys.executable, "-c", CHECKS, str(REPOSITORY / "experiments"), str(sweep)]
    with subprocess.Popen(
        typed, env={**os.environ, "TMPDIR": str(scratch)}, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as child:
        try:
            until = time.monotonic() + 60
            while not (tmp_path / "pid").exists():
                assert time.monotonic() < until
                time.sleep(0.02)
            assert list(scratch.iterdir())
            child.send_signal(number)
            said = child.communicate(timeout=60)[1]
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
    assert (child.returncode, said) == (code, f"softmax: 5 runs …\npublished.py: {word}\n")
    assert list(scratch.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.skipif(os.name == "nt", reason="a program of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_between_a_childs_start_and_its_noting_ends_the_child(published, monkeypatch, number):
    started = []

    class Started(subprocess.Popen):
        def __init__(self, *_, **__):
            super().__init__([sys.executable, "-c", "import time; time.sleep(600)"])
            started.append(self)
            signal.raise_signal(number)

    def terminate(*_):
        raise Terminated

    monkeypatch.setattr(published.subprocess, "Popen", Started)
    before = signal.signal(signal.SIGTERM, terminate)
    try:
        with pytest.raises((KeyboardInterrupt, Terminated)):
            published.sweep(["experiment=published/softmax"])
        assert started[0].poll() is not None
    finally:
        signal.signal(signal.SIGTERM, before)
        started[0].kill()
        started[0].wait()


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (["table", "--rows", "softmax"], ": unrecognized arguments: --rows softmax; --help tells more"),
        (["table", "--folder", "nowhere"], ": --folder nowhere: is no folder"),
        (["check", "--folder", ""], " check: argument --folder: '': allowed is the name of a file or folder; --help"),
        (["check", "--folder", __file__], f": {__file__}: File exists"),
        (["check", "--rows", "foo"], ": --rows=foo: allowed are softmax"),
        (
            ["check", "--seeds", "0"],
            " check: argument --seeds: 0: allowed are whole numbers from 1 to 1000; --help tells more",
        ),
        ([], ": the following arguments are required: what; --help tells more"),
    ],
)
def test_what_cannot_be_meant_is_refused(published, monkeypatch, capsys, typed, message):
    monkeypatch.setattr(sys, "argv", ["published.py", *typed])
    with pytest.raises(SystemExit) as caught:
        published.main()
    said = capsys.readouterr()
    assert (caught.value.code, said.out) == (2, "")
    assert said.err.startswith(f"published.py{message}") and said.err.count("\n") == 1


def test_a_row_with_two_bounds_is_held_between_them(published, literature):
    row = next(row for row in literature.ROWS if row.name == "nielsen_30")
    verdicts = [
        published.verdict(row, pd.DataFrame({"row": ["nielsen_30"], "error": [error]})) for error in (4.2, 4.3, 4.9, 5)
    ]
    assert verdicts == ["**no**, better", "yes", "yes", "**no**"]


@pytest.mark.parametrize("more", [["lr=0.02"], ["val_size=100"], ["epochs=3"]])
def test_a_run_that_the_recipe_does_not_make_is_refused(published, literature, tmp_path, more):
    recipe_run(tmp_path, "default", 0, 0.9661)
    recipe_run(tmp_path, "default", 1, 0.97, *more)
    with pytest.raises(RunDirError, match="is not what experiment=published/default makes"):
        published.collect(tmp_path)


def test_runs_that_did_not_finish_do_not_count(published, tmp_path):
    recipe_run(tmp_path, "default", 0, 0.9661)
    recipe_run(tmp_path, "default", 1, 0.9661, status="running")
    assert list(published.collect(tmp_path).seed) == [0]


def test_seeds_that_the_recipe_does_not_have_do_not_count(published, literature, tmp_path, capsys):
    for seed in (0, 4, 5, 10):
        recipe_run(tmp_path, "default", seed, 0.9661)
    assert list(published.collect(tmp_path).seed) == [0, 4]
    assert "not the recipe's seeds, left out: 5, 10" in capsys.readouterr().err
    row = next(row for row in literature.ROWS if row.name == "default")
    assert list(published.runs_of(row, tmp_path, 6).seed) == [0, 4, 5]  # of a check that asks for six


def test_a_check_of_no_rows_is_refused(published, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["published.py", "check", "--rows", ""])
    with pytest.raises(SystemExit) as caught:
        published.main()
    assert caught.value.code == 2 and "--rows=: allowed are softmax, default" in capsys.readouterr().err


def test_the_interval_of_every_quick_row_can_be_left(published, literature):
    kept = pd.read_csv(published.RESULTS)
    for row in literature.ROWS:
        if row.quick:
            errors = kept[kept.row == row.name].error
            assert published.expected(errors, len(errors))[1] < 1.5 * errors.mean(), row.name


def test_a_committee_averages_probabilities(published, literature, tmp_path):
    row = next(row for row in literature.ROWS if row.name == "committee")
    rng = np.random.default_rng(0)
    wrong = rng.random((8, 10_000)) < 0.1
    for seed in range(6):
        recipe_run(tmp_path, row.recipe, seed, 0.9, right=~wrong[seed])
    assert "committee" not in set(published.collect(tmp_path).row)  # one is missing yet
    for seed in (6, 7):
        recipe_run(tmp_path, row.recipe, seed, 0.9, right=~wrong[seed])
    results = published.collect(tmp_path)
    (own,) = results[results.row == "committee"].itertuples()
    # One-hot probabilities: four of the first seven decide.
    assert own.error == pytest.approx((wrong[:7].sum(axis=0) >= 4).mean() * 100)
    assert (own.members, own.seconds, own.epochs) == (7, 14.0, 14)
    assert list(results[results.row == row.recipe].seed) == list(range(7))  # the recipe has no seed 7
    low, high = stats.binomtest(round(100 * own.error), 10_000).proportion_ci(method="wilson")
    assert published.measured(row, results) == f"{own.error:.2f} ({100 * low:.2f} to {100 * high:.2f}, one)"


def test_a_repeated_mean_stays_in_its_interval_as_often_as_promised(published):
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(4_000):
        low, high = published.expected(rng.normal(2, 0.1, 5), 3)
        inside += low <= rng.normal(2, 0.1, 3).mean() <= high
    assert inside / 4_000 == pytest.approx(0.99, abs=0.006)


def test_a_repetition_that_leaves_its_interval_fails(published, literature, tmp_path, monkeypatch, capsys):
    rows = [row for row in literature.ROWS if row.name in ("default", "softmax")]
    kept = pd.DataFrame({"row": ["default"] * 3 + ["softmax"] * 3, "error": [3.4, 3.5, 3.45, 7.6, 7.7, 7.65]})
    accuracies = {"default": 0.9656, "softmax": 0.9235}

    def runs(typed):
        recipe = typed[0].removeprefix("experiment=published/")
        folder = Path(typed[1].removeprefix("out=")).parent
        assert typed[2:] == ["plots=false", "quiet=true", "seed=range(2)"]
        for seed in range(2 if accuracies[recipe] else 0):
            recipe_run(folder, recipe, seed, accuracies[recipe])
        return 0

    monkeypatch.setattr(published, "sweep", runs)
    assert published.check(rows, kept, 2, tmp_path / "first")
    assert capsys.readouterr().out.count(", as expected: ") == 2
    accuracies["softmax"] = 0.95
    assert not published.check(rows, kept, 2, tmp_path / "second")
    said = capsys.readouterr().out
    assert "softmax: 5.000 % of 2 runs, NOT as expected" in said and "default: 3.440 % of 2 runs, as expected" in said
    accuracies["softmax"] = None  # its runs fail
    assert not published.check(rows[:1], kept, 2, tmp_path / "third")
    assert not published.check(rows[1:], kept.iloc[:1], 2, tmp_path / "fourth")  # one figure has no spread
    assert capsys.readouterr().out.splitlines() == [
        "softmax: its runs failed (exit code 0)",
        "default: nothing is kept to compare it with",
    ]
