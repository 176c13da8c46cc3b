"""What is read of run directories, and what happens to those that are torn, empty, foreign, or there twice."""

import json
import os
import shutil
import warnings

import numpy as np
import pytest
from made import output_of, start_python
from made_runs import ENVIRONMENT, SHA256, made_run

import npdigits
from npdigits.base.errors import ConfigError
from npdigits.config.identity import digest
from npdigits.config.value_text import as_cell
from npdigits.runs.table import read_runs

STATUS_REASONS = [
    ("diverged", {"diverged_in_epoch": 3}, "the cost stopped being finite in epoch 3"),
    ("failed", {"reason": "ValueError: no"}, "ValueError: no"),
    ("interrupted", {"epochs_run": 7}, "after epoch 7; the same command goes on"),
    ("running", {"epochs_run": 1}, "at work, or its process was killed; 1 epochs so far"),
]


def test_a_run_is_a_row(tmp_path):
    path = made_run(tmp_path / "sweep" / "a", 0.9, "hidden=50", "seed=3", "lr=0.002")
    runs = npdigits.load_runs(tmp_path)
    assert len(runs) == 1
    row = runs.iloc[0]
    assert (row.run, row.status, row.reason, row.same_as) == (str(path), "finished", "", "")
    assert (row.hidden, row.seed, row.lr, row.val_size, row.betas) == (50, 3, 0.002, "null", "[0.9,0.999]")
    assert (row.val_accuracy, row.test_accuracy, row.best_epoch) == (0.9, pytest.approx(0.89), 2)
    assert (row["data"], row.data_sha256) == ("mnist", SHA256)
    assert npdigits.load_runs(path).equals(runs) and npdigits.load_runs([str(path)]).equals(runs)


def test_metrics_have_a_row_an_epoch(tmp_path):
    for seed in (0, 1):
        made_run(tmp_path / str(seed), 0.9, f"seed={seed}", epochs=3 + seed)
    metrics = npdigits.load_metrics(tmp_path)
    assert metrics.columns[:3].tolist() == ["run", "epoch", "lr"]
    assert metrics.groupby("run").epoch.max().tolist() == [3, 4]
    assert metrics.val_cost[metrics.run == str(tmp_path / "0")].tolist() == [1, 1 / 2, 1 / 3]
    assert npdigits.load_metrics(tmp_path / "0").equals(metrics[metrics.epoch.index < 3])


def test_torn_metrics_are_warned_about_and_skipped(tmp_path):
    for seed in (0, 1):
        made_run(tmp_path / str(seed), 0.9, f"seed={seed}")
    (tmp_path / "0" / "metrics.csv").write_text("epoch,lr\n1,")
    with pytest.warns(UserWarning, match=r"0/metrics\.csv: damaged: no column"):
        metrics = npdigits.load_metrics(tmp_path)
    assert set(metrics.run) == {str(tmp_path / "1")}


def test_nothing_has_no_rows(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.warns(UserWarning, match=r"empty \(empty\)"):
        assert len(npdigits.load_runs(tmp_path)) == 0
    with pytest.warns(UserWarning, match=r"empty \(empty\)"):
        assert len(npdigits.load_metrics(tmp_path)) == 0


@pytest.mark.parametrize("name", ["nothing", "file"])
def test_a_path_that_is_no_folder_is_an_error(tmp_path, name):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=f"{name}: (no folder|there is no such folder)"):
        read_runs([tmp_path / name])


@pytest.mark.parametrize(("status", "more", "reason"), STATUS_REASONS)
def test_a_run_that_did_not_finish_says_why(tmp_path, status, more, reason):
    made_run(tmp_path / "a", status=status, **more)
    row = read_runs([tmp_path]).table.iloc[0]
    assert (row.status, row.reason) == (status, reason)
    assert np.isnan(row.val_accuracy)


DAMAGE = {
    "no summary": lambda path: (path / "summary.json").unlink(),
    "empty summary": lambda path: (path / "summary.json").write_text(""),
    "torn summary": lambda path: os.truncate(path / "summary.json", 40),
    "no identity": lambda path: (path / "identity.json").unlink(),
    "torn identity": lambda path: os.truncate(path / "identity.json", 40),
    "list": lambda path: (path / "summary.json").write_text("[1]"),
    "binary": lambda path: (path / "summary.json").write_bytes(b"\xff\x00\xfe"),
    "deep": lambda path: (path / "identity.json").write_text("[" * 100_000),
    "of another run": lambda path: rewrite(path / "identity.json", seed=99),
    "text for a figure": lambda path: rewrite(path / "summary.json", val_accuracy="=1+1"),
    "NaN": lambda path: rewrite(path / "summary.json", test_cost=float("nan")),
    "no figure": lambda path: rewrite(path / "summary.json", test_cost=None),
    "deep summary": lambda path: (path / "summary.json").write_text("[" * 100_000),
    "more than all": lambda path: rewrite(path / "summary.json", val_accuracy=1.7),
    "no validation figure": lambda path: rewrite(path / "summary.json", val_accuracy=None),
    "a pipe": lambda path: ((path / "summary.json").unlink(), os.mkfifo(path / "summary.json")),
    "a pipe to be read later": lambda path: ((path / "metrics.csv").unlink(), os.mkfifo(path / "metrics.csv")),
    "status": lambda path: rewrite(path / "summary.json", status="splendid"),
    "a folder": lambda path: ((path / "summary.json").unlink(), (path / "summary.json").mkdir()),
}


def rewrite(path, **changed):
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_what_is_damaged_is_named_and_skipped(tmp_path, damage):
    good, bad = made_run(tmp_path / "good", 0.9), made_run(tmp_path / "bad", 0.5, "seed=1")
    damage(bad)
    runs = read_runs([tmp_path])
    assert runs.table.run.tolist() == [str(good)]
    assert len(runs.warnings) == 1 and runs.warnings[0].startswith("skipped") and str(bad) in runs.warnings[0]


def test_a_summary_of_a_run_with_an_odd_seed_is_damaged(tmp_path):
    path = made_run(tmp_path / "a")
    identity = json.loads((path / "identity.json").read_text()) | {"seed": "0"}
    (path / "identity.json").write_text(json.dumps(identity))
    rewrite(path / "summary.json", identity=digest(identity))
    assert "seed='0'" in read_runs([tmp_path]).warnings[0]


def test_what_is_foreign_is_named_and_what_belongs_there_is_not(tmp_path):
    made_run(tmp_path / "a")
    (tmp_path / "photo.jpg").write_bytes(b"")
    (tmp_path / "sweep.csv").write_text("")
    (tmp_path / "README.md").write_text("")
    (tmp_path / ".DS_Store").write_text("")
    (tmp_path / "deeper" / "still").mkdir(parents=True)
    runs = read_runs([tmp_path])
    assert runs.warnings == (
        f"skipped, as not of a run: {tmp_path / 'photo.jpg'}, {tmp_path / 'deeper' / 'still'} (empty)",
    )
    assert len(runs.table) == 1


def test_a_torn_file_beside_the_summary_is_named(tmp_path):
    path = made_run(tmp_path / "a", sizes={"metrics.csv": 10**6, "predictions.npz": 5})
    runs = read_runs([tmp_path])
    assert len(runs.table) == 1
    assert len(runs.warnings) == 1 and f"{path}/metrics.csv: torn" in runs.warnings[0]  # none is missing where none is


def test_folders_given_twice_and_links_that_lead_round_count_once(tmp_path):
    made_run(tmp_path / "sweep" / "a")
    (tmp_path / "sweep" / "again").symlink_to(tmp_path)
    (tmp_path / "sweep" / "itself.png").symlink_to(tmp_path / "sweep" / "itself.png")
    assert len(read_runs([tmp_path, tmp_path / "sweep", tmp_path]).table) == 1


def test_folders_may_lie_deeper_than_python_can_call(tmp_path):
    made = "import os, sys\nos.chdir(sys.argv[1])\nfor _ in range(1500): os.mkdir('d'); os.chdir('d')"
    output_of(start_python(made, tmp_path))
    made_run(tmp_path / "run")
    try:
        assert len(read_runs([tmp_path]).table) == 1
    finally:  # pytest would call too deeply itself to take them away
        gone = "import os, sys\nos.chdir(sys.argv[1] + '/d' * 1000)\nos.chdir('d/' * 500)\n"
        output_of(start_python(gone + "for _ in range(1500): os.chdir('..'); os.rmdir('d')", tmp_path))
        assert not (tmp_path / "d").exists()


def test_the_same_run_in_two_places_counts_once_and_the_finished_one(tmp_path):
    made_run(tmp_path / "a", status="interrupted")
    b, c = made_run(tmp_path / "b"), made_run(tmp_path / "c")
    runs = read_runs([tmp_path])
    assert runs.table.same_as.tolist() == [str(b), "", str(b)]
    assert runs.warnings == ()
    rewrite(c / "summary.json", val_cost=0.125)
    assert read_runs([tmp_path]).warnings == (f"the same run in the same environment, with other results: {b}, {c}",)


def test_what_bits_depend_on_names_an_environment(tmp_path):
    other = ENVIRONMENT | {"blas": [ENVIRONMENT["blas"][0] | {"architecture": "Haswell"}]}
    same = ENVIRONMENT | {"python": "3.13", "git_commit": "abc"}
    for name, environment in (("a", ENVIRONMENT), ("b", other), ("c", same), ("d", None), ("e", {"packages": []})):
        made_run(tmp_path / name, 0.9, environment=environment)
    made_run(tmp_path / "f", 0.9, environment=ENVIRONMENT | {"earlier": [other]})
    runs = read_runs([tmp_path])
    a, b, c, d, e, f = runs.table.environment
    assert a == c and d == e == "unknown" and len({a, b, d, f}) == 4
    assert "Haswell" in runs.environments[b] and "begun in another environment" in runs.environments[f]


def test_cells_are_what_a_user_types():
    cells = [as_cell(value) for value in ([20], [300, 100], [], None, 0.5, 3, True, "relu", (0.9, 0.999))]
    assert cells == [20, "[300,100]", "[]", "null", 0.5, 3, True, "relu", "[0.9,0.999]"]


def test_a_thousand_copies_without_their_large_files_can_be_read(tmp_path):
    path = made_run(tmp_path / "whole", right=[True] * 10)
    light = tmp_path / "light" / "a"
    light.mkdir(parents=True)
    for name in ("summary.json", "identity.json"):
        shutil.copy(path / name, light)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert npdigits.load_runs(tmp_path / "light").val_accuracy.tolist() == [0.9]
