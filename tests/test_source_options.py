"""The command line on results of other programs: what is read as what, and what is refused."""

import json
import sys

import pytest
from made import REPOSITORY
from made_runs import made_sweep

from npdigits.compare import command

FILES = REPOSITORY / "tests" / "sources" / "files"
# The one sweep that all of these programs logged, and how each calls the metric.
TOY = {
    FILES / "tables" / "pandas-epochs.csv": "val_acc",
    FILES / "tables" / "polars-runs.csv": "val_acc",
    FILES / "hydra_folders" / "toy": "val_acc",
    FILES / "lightning_csv" / "toy": "val_acc",
    FILES / "keras_csv" / "toy": "val_acc",
    FILES / "dvclive" / "toy": "val/acc",
    FILES / "sacred" / "toy": "val.acc",
    FILES / "wandb" / "toys": "val_acc",
    FILES / "optuna5" / "optuna.db": "val_acc",
    FILES / "optuna5" / "journal.log": "val_acc",
    FILES / "tensorboard" / "torch": "val_acc",
}


@pytest.fixture
def typed(monkeypatch, capsys):
    """Type a command line; return the exit code and what was printed."""

    def type_it(*arguments):
        monkeypatch.setattr(sys, "argv", ["npdigits-compare", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            command.main()
        said = capsys.readouterr()
        return end.value.code, said.out, said.err

    return type_it


def test_one_sweep_is_one_table_whatever_program_logged_it(typed):
    seen = {}
    for path, metric in TOY.items():
        code, out, err = typed(path, "--metric", metric, "--higher", "--baseline", "lr=0.1 width=16", "--json", "-")
        assert (code, err) == (0, ""), path
        rows = json.loads(out)["rows"]
        assert [(row["lr"], row["width"], row["n"]) for row in rows] == [(0.1, 32, 4), (0.1, 16, 4), (0.01, 16, 4)]
        assert [row["verdict"] for row in rows] == ["too few", "baseline", "too few"]
        seen[path] = [row[metric] for row in rows] + [row["p"] for row in rows if row["p"] is not None]
    first, *others = seen.items()
    for path, figures in others:
        near = 1e-7 if "tensorboard" in path.parts else 0
        assert figures == pytest.approx(first[1], rel=near, abs=0), path


def test_several_sources_join_and_their_twins_count_once(typed):
    pair = [FILES / "tables" / "pandas-epochs.csv", FILES / "wandb" / "toys"]
    code, out, _ = typed(*pair, "--metric", "val_acc", "--json", "-")
    assert code == 0 and [row["n"] for row in json.loads(out)["rows"]] == [4, 4, 4]
    assert any(line.startswith("The same keys and seed, counted once: ") for line in json.loads(out)["says"])


CSV = str(FILES / "tables" / "pandas-epochs.csv")
REFUSED = {
    ("own", CSV): "results of other programs are compared by themselves",
    ("own", "--at", "last"): "--at: is for results of other programs",
    ("own", "--seed", "seed"): "--seed: is for results of other programs",
    (CSV,): "--metric: which one? There are val_loss, val_acc",
    (CSV, "--metric", "val_acc", "--baseline", "lr=0.5"): "--baseline lr=0.5: no finished run has that",
    (CSV, "--metric", "val_acc", "--baseline", "wdth=1"): "--baseline wdth=1: the rows are of lr, width; did you mean",
    (CSV, "--metric", "val_acc", "--across-environments"): "--across-environments: of other programs' runs",
    (CSV, "--metric", "val_acc", "--all", "--margin", "1"): "--margin: not allowed with --all",
    (CSV, "--metric", "val_acc", "--higher", "--lower"): "--lower: --higher says the contrary",
    (CSV, "--metric", "val_acc", "--filter", "nothing > 1"): "columns are lr, width, seed, val_acc",
    (CSV, "--metric", "val_acc", "--at", "first"): "--at first: allowed is last",
    (CSV, "--as", "mlflow", "--metric", "val_acc"): "npdigits-compare: ",
}


@pytest.mark.parametrize("arguments", REFUSED)
def test_what_cannot_be_is_one_line(typed, tmp_path, monkeypatch, arguments):
    made_sweep(tmp_path / "own", "hidden", {20: [0.9, 0.91], 50: [0.95, 0.96]})
    monkeypatch.chdir(tmp_path)
    code, out, err = typed(*arguments)
    assert (code, out, err.count("\n")) == (2, "", 1) and REFUSED[arguments] in err


def test_a_direction_may_be_said_of_one_metric(typed):
    code, out, _ = typed(CSV, "--metric", "val_acc", "--lower=val_acc", "--json", "-")
    assert code == 0 and json.loads(out)["tests"][0]["higher_is_better"] is False
