"""``npdigits.compare_runs``: a data frame from Python, and a notebook."""

import sys

import numpy as np
import pandas as pd
import pytest
from made import REPOSITORY
from made_runs import made_sweep

import npdigits
from npdigits.base.errors import ConfigError

sys.path.insert(0, str(REPOSITORY / "tests" / "sources"))
import toy


def frame_of(epochs=False):
    """Return the toy's runs: a row a run, or a row an epoch."""
    rows = []
    for run in toy.runs():
        for epoch, figures in run["history"] if epochs else run["history"][-1:]:
            rows.append({"run": run["name"], **run["settings"], **({"epoch": epoch} if epochs else {}), **figures})
    return pd.DataFrame(rows)


def test_rows_verdict_and_figures_are_data():
    frame = frame_of()
    before = frame.copy()
    found = npdigits.compare_runs(frame, "val_acc", seed="seed", baseline={"lr": 0.1, "width": 16})
    pd.testing.assert_frame_equal(frame, before)
    assert found.rows[["lr", "width", "n", "verdict"]].to_dict("list") == {
        "lr": [0.1, 0.1, 0.01],
        "width": [32, 16, 16],
        "n": [4, 4, 4],
        "verdict": ["too few", "baseline", "too few"],
    }
    means = frame.groupby(["lr", "width"]).val_acc.mean()
    assert found.rows.val_acc.tolist() == pytest.approx([means[0.1, 32], means[0.1, 16], means[0.01, 16]], abs=1e-15)
    assert any(line.startswith("Too few seeds to tell") for line in found.verdict)
    assert found.figures["curves"] is None
    row = found.figures["intervals"][0]
    assert row["row"] == "lr=0.1 width=32" and row["val_acc"]["values"] == frame.val_acc[8:].tolist()


def test_a_row_an_epoch_gives_curves_and_a_choice_of_values():
    frame = frame_of(epochs=True)
    last = npdigits.compare_runs(frame, "val_acc")
    assert last.rows.val_acc.tolist() == npdigits.compare_runs(frame_of(), "val_acc").rows.val_acc.tolist()
    curves = last.figures["curves"]
    assert curves["steps"] == [1, 2, 3] and curves["rows"][0]["n"] == [4, 4, 4]
    of_best = npdigits.compare_runs(frame, "val_acc", at="best:val_loss")
    by_run = frame.loc[frame.groupby("run").val_loss.idxmin()].groupby(["lr", "width"]).val_acc.mean()
    best = {(row.lr, row.width): row.val_acc for row in of_best.rows.itertuples()}
    assert best == pytest.approx({key: by_run[key] for key in best}, abs=1e-15)


def test_a_notebook_shows_the_table_and_takes_nothing_for_html():
    frame = frame_of().assign(lr=lambda table: table.lr.map({0.1: "<b>high</b>", 0.01: "low"}))
    found = npdigits.compare_runs(frame, "val_acc")
    html = found._repr_html_()
    assert "<b>" not in html and "&lt;b&gt;high&lt;/b&gt;" in html and html.count("<tr>") == 4
    assert "Compared with the best observed" in str(found)


def test_a_margin_several_metrics_and_no_pairs():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"lr": np.repeat([0.1, 0.2], 10), "acc": rng.normal(0.9, 1e-4, 20)})
    frame["loss"] = 1 - frame.acc
    found = npdigits.compare_runs(frame, ["acc", "loss"], baseline={"lr": 0.1}, margin={"acc": 0.01, "loss": 0.02})
    assert found.rows.verdict.tolist() == found.rows["verdict:loss"].tolist() == ["baseline", "same"]
    assert any("permutation" in line for line in found.verdict)


def test_npdigits_own_runs_are_taken_as_load_runs_gives_them(tmp_path):
    made_sweep(tmp_path / "width", "hidden", {20: [0.9, 0.91, 0.92], 50: [0.95, 0.96, 0.97]})
    own = npdigits.load_runs(tmp_path / "width")
    found = npdigits.compare_runs(own, "val_accuracy")
    assert found.rows.set_index("hidden").verdict.to_dict() == {50: "too few", 20: "baseline"}
    for name, value in {"seed": "seed", "keys": ["hidden"], "at": "best"}.items():
        with pytest.raises(ConfigError, match=f"{name}=.*npdigits' own"):
            npdigits.compare_runs(own, "val_accuracy", **{name: value})


def test_what_cannot_be_is_one_line():
    frame = frame_of()
    with pytest.raises(ConfigError, match=r"--metric acc: the runs have"):
        npdigits.compare_runs(frame, "acc")
    with pytest.raises(ConfigError, match="column val_acc: is there twice"):
        npdigits.compare_runs(pd.concat([frame, frame.val_acc], axis=1), "val_acc")
    with pytest.raises(ConfigError, match="nothing was measured there"):
        npdigits.compare_runs(frame.iloc[:0], "val_acc")
    with pytest.raises(ConfigError, match="--metric width: whether higher or lower is better"):
        npdigits.compare_runs(frame, "width")
