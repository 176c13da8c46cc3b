"""What is said of one run in many places is the same everywhere: files, tables, pages, logs, exit codes."""

import csv
import io
import json
import re
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import yaml
from made import read_summary
from typed import typed

from npdigits import evaluate
from npdigits.base.npz import read_npz
from npdigits.base.spreadsheet import csv_cell
from npdigits.compare import command
from npdigits.config.compose import compose
from npdigits.config.identity import digest
from npdigits.config.value_text import as_cell
from npdigits.export.onnx_file import onnx_file
from npdigits.export.page import page
from npdigits.runs.metrics import SCORES, read_metrics
from npdigits.runs.report import final_table
from npdigits.runs.summary import Summary
from npdigits.runs.table import load_runs
from npdigits.runs.trained import load_trained
from npdigits.sweeps.table import FIGURES

DIVERGED = 3
# Two keys that are lists or null, one without effect in half of the runs, one that makes half of them diverge.
GRID = (
    *("hidden=6,[5,4]", "max_norm=null,1", "schedule=constant,cosine", "lr=0.05,1e30", "optimizer=sgd", "lr_decay=0.5"),
    *("epochs=3", "plots=false", "out=sweep", "workers=0"),
)
FINISHED, DIVERGE = 8, 8


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """A sweep of runs that finish and runs that diverge; return its folder and how its process ended."""
    from made import digits, write_set

    folder = tmp_path_factory.mktemp("agree")
    images = write_set(folder / "digits", digits(600, (28, 28)), digits(100, (28, 28), seed=1))
    ended = typed(
        *("-m", "data=idx", f"data.dir={images}", "epochs=3", "plots=false", "out=sweep", "workers=0", *GRID),
        cwd=folder,
    )
    return folder / "sweep", ended


@pytest.fixture(scope="module")
def runs(sweep):
    return load_runs(sweep[0]).set_index("run", drop=False)


def finished(runs):
    return [Path(path) for path in runs.run[runs.status == "finished"]]


def table_of(sweep):
    """The rows of sweep.csv, by run directory."""
    with (sweep[0] / "sweep.csv").open(newline="") as file:
        return {str(sweep[0] / row["run"]): row for row in csv.DictReader(file)}


def printed(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["npdigits-compare", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        command.main()
    assert end.value.code == 0
    return capsys.readouterr().out


def test_counts_statuses_and_the_exit_code_are_of_the_same_runs(sweep, runs):
    ended = sweep[1]
    assert ended.returncode == DIVERGED
    assert f"{FINISHED} finished, {DIVERGE} diverged; table: " in ended.stdout
    assert dict(runs.status.value_counts()) == {"finished": FINISHED, "diverged": DIVERGE}
    assert {path: row["status"] for path, row in table_of(sweep).items()} == dict(runs.status)
    assert ended.stderr.count("WARNING: diverged: ") == DIVERGE
    for path, summary in ((path, read_summary(Path(path))) for path in runs.run):
        assert summary["status"] == runs.status[path]
    assert ended.stdout.rstrip().splitlines()[-1] == str(sweep[0])


def test_sweep_csv_spells_every_value_as_the_other_tables_do(sweep, runs, monkeypatch, capsys):
    every = csv.DictReader(io.StringIO(printed(monkeypatch, capsys, sweep[0], "--all", "--csv", "-")))
    of_compare = {row["run"]: row for row in every}
    assert set(of_compare) == {str(path) for path in finished(runs)}
    for path, row in table_of(sweep).items():
        ours, kept = runs.loc[path], yaml.safe_load((Path(path) / "config.yaml").read_text())
        for key in (key for key in row if key in kept):
            spelled = {row[key], str(csv_cell(ours[key])), str(csv_cell(as_cell(kept[key])))}
            spelled |= {of_compare[path][key]} if key in of_compare.get(path, {}) else set()
            assert len(spelled) == 1, (key, spelled)
        assert row["reason"] == ours["reason"]
        if path not in of_compare:
            continue
        for figure in FIGURES:
            assert float(row[figure]) == ours[figure] == read_summary(Path(path))[figure]
            assert of_compare[path].get(figure, row[figure]) == row[figure]


def test_the_files_of_a_run_say_the_same(runs):
    for path in map(Path, runs.run):
        summary, this = read_summary(path), json.loads((path / "identity.json").read_text())
        assert digest(this) == summary["identity"] == runs.identity[str(path)]
        assert path.name.endswith(summary["identity"][:8])
        kept = yaml.safe_load((path / "config.yaml").read_text())
        assert {key: kept[key] for key in this if key in kept} == {key: this[key] for key in this if key in kept}
        alone = compose(yaml.safe_load((path / "overrides.yaml").read_text())).as_dict()
        assert all(alone[key] == kept[key] for key in ("hidden", "max_norm", "lr", "seed", "schedule"))
        last = read_npz(path / "checkpoints" / "last.npz")
        assert last["metrics"].tobytes() == (path / "metrics.csv").read_bytes()
        assert len(read_metrics(path)["epoch"]) == summary["epochs_run"]
    assert (runs.lr_decay == 0.82).all()  # which constant and cosine do not read: one row, not two


def test_a_finished_runs_figures_are_the_same_in_every_place(runs):
    for path in finished(runs):
        summary, metrics, there = read_summary(path), read_metrics(path), read_npz(path / "predictions.npz")
        best = metrics["epoch"].index(summary["best_epoch"])
        assert best == max(i for i, flag in enumerate(metrics["is_best"]) if flag)
        for name in SCORES:
            assert summary[name] == metrics[name][best] == runs.loc[str(path), name]
        right = there["probabilities"].argmax(axis=1) == there["labels"]
        assert right.mean() == pytest.approx(summary["test_accuracy"], abs=1e-9)
        cost = -np.log(there["probabilities"][np.arange(len(right)), there["labels"]]).mean()
        assert cost == pytest.approx(summary["test_cost"], rel=1e-4)
        lines, counts, _ = evaluate.evaluate([path])
        assert f"{summary['test_accuracy']:.2%}" in lines[-1] and f"{(~right).sum()} of 100 read wrong" in lines[-1]
        assert counts.trace() == right.sum() and counts.sum() == len(right)
        log = re.sub(r"^[\d-]+ [\d:]+ ", "", (path / "train.log").read_text(), flags=re.MULTILINE)
        assert final_table(Summary.parse(summary)) in log


def test_what_is_exported_tells_of_the_run_that_it_is(runs):
    path = finished(runs)[0]
    run, summary = load_trained(path), read_summary(path)
    told = {one.key: one.value for one in onnx.load_from_string(onnx_file(run)).metadata_props}
    assert told["identity"] == summary["identity"]
    assert json.loads(told["metrics"])["test_accuracy"] == summary["test_accuracy"]
    kept = yaml.safe_load((path / "config.yaml").read_text())
    assert all(kept[key] == value for key, value in json.loads(told["config"]).items())
    assert f"reads {100 * summary['test_accuracy']:.2f} % of the test digits" in page(run, None)


def test_the_sweeps_own_table_is_the_comparisons_and_the_pages(sweep, runs, monkeypatch, capsys, tmp_path):
    table = printed(monkeypatch, capsys, sweep[0])
    head, *lines = table.partition("\n\n")[0].splitlines()
    assert all(line in sweep[1].stdout.splitlines() for line in (head, *lines))
    printed(monkeypatch, capsys, sweep[0], "--html", tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    content = json.loads(re.search(r'<script[^>]*type="application/json"[^>]*>(.*?)</script>', text, re.DOTALL)[1])
    assert [column["title"] for column in content["columns"]] == re.split(r" {2,}", head.strip())
    assert [" ".join(" ".join(row["cells"]).split()) for row in content["rows"]] == [
        " ".join(line.split()) for line in lines
    ]
    said = json.loads(printed(monkeypatch, capsys, sweep[0], "--json", "-"))
    for record, line in zip(said["rows"], lines, strict=True):
        path = next(p for p in runs.run if runs.val_accuracy[p] == record["val_accuracy"])
        assert f"{100 * runs.val_accuracy[path]:.2f}" in line and record["verdict"] in line
    assert len(said["left_out"]) == DIVERGE
    assert {one["reason"] for one in said["left_out"]} == {row["reason"] for row in table_of(sweep).values()} - {""}


def test_a_run_by_itself_ends_with_the_code_that_its_status_has(sweep, runs):
    for status, code in (("finished", 0), ("diverged", DIVERGED)):
        path = Path(runs.run[runs.status == status].iloc[0])
        kept = yaml.safe_load((path / "overrides.yaml").read_text())
        ended = typed(*kept, f"out={path}", cwd=sweep[0].parent)
        assert (ended.returncode, ended.stdout.splitlines()[0]) == (code, f"this run is {status} already")
        assert ended.stdout.splitlines()[-1] == str(path)
