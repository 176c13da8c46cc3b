"""npdigits-compare as it is typed: outputs, exit codes, and one line where something is wrong."""

import csv
import json
import os
import subprocess
import sys
from importlib import metadata

import pytest
from made import REPOSITORY
from made_runs import made_run, made_sweep

from npdigits.base import program
from npdigits.compare import command

TAKING_TEXT = ["baseline", "metric", "by", "filter", "sort", "csv", "markdown", "latex", "json", "html"]
ACCURACIES = {20: [0.90, 0.91, 0.92], 50: [0.93, 0.94, 0.95]}


@pytest.fixture
def width(tmp_path):
    return made_sweep(tmp_path / "width", "hidden", ACCURACIES)


def test_the_table_and_the_verdict_are_printed(width, typed):
    code, out, err = typed(width)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].split()[:3] == ["hidden", "n", "val_accuracy"] and lines[1].split()[0] == "50"
    assert "Too few seeds to tell: hidden=50 by +3.00 ± 0.00 points (p = 0.25). Of 3 pairs" in out
    assert "Data: mnist (aaaaaaaa)." in out


def test_every_notation_is_written_and_the_table_printed_besides(width, typed, tmp_path):
    files = {notation: tmp_path / f"table.{notation}" for notation in command.NOTATIONS}
    options = [part for notation, path in files.items() for part in (f"--{notation}", path)]
    code, out, err = typed(width, *options)
    assert code == 0 and err == "" and out.startswith("hidden")
    rows = list(csv.DictReader(files["csv"].open()))
    assert [row["hidden"] for row in rows] == ["50", "20"] and float(rows[0]["val_accuracy"]) == pytest.approx(0.94)
    content = json.loads(files["json"].read_text())
    assert content["rows"][0]["p"] == 0.25 and content["seeds_needed"] == 6 and content["data"] == ["mnist (aaaaaaaa)"]
    assert files["markdown"].read_text().startswith("| hidden | n |")
    assert "\\toprule" in files["latex"].read_text()
    assert files["html"].read_text().startswith("<!doctype html>")


def test_a_dash_prints_only_that(width, typed):
    code, out, _ = typed(width, "--json", "-")
    assert code == 0 and len(json.loads(out)["rows"]) == 2


def test_views(width, typed):
    assert typed(width, "--all")[1].count("hidden-50-") == 3
    for arguments in (["--by", "hidden"], ["--sort=-hidden"], ["--metric", "val_cost,seconds"]):
        code, out, err = typed(width, *arguments)
        assert code == 0 and out and not err
    assert typed(width, "--metric", "val_cost")[1].split()[:4] == ["hidden", "n", "val_cost", "nats"]
    for seed in range(2):
        made_run(width / f"lr{seed}", 0.5, "lr=0.1", f"seed={seed}")
    code, out, _ = typed(width, "--pivot", "hidden", "lr")
    assert code == 0 and out.splitlines()[0].split() == ["hidden", "\\", "lr", "0.01", "0.1"]


def test_a_filter_is_a_pandas_query(width, typed):
    code, out, err = typed(width, "--filter", "hidden == 50 and seed < 2")
    assert code == 0 and "over 2 seeds" in out and err == ""
    assert "biased" in typed(width, "--filter", "val_accuracy > 0.91")[2]
    assert typed(width, "--filter", "hidden > 1000")[0] == command.NOTHING


def test_a_filter_compares_numbers_also_beside_several_layers_and_null(width, typed, tmp_path):
    made_run(width / "deep", 0.5, "hidden=[10,10]")
    made_run(width / "bare", 0.5, "hidden=[]")
    code, out, err = typed(width, "--filter", "hidden <= 20")
    instead = "hidden holds [10,10] beside numbers; layers, units and parameters are numbers for every network"
    assert code == 2 and not out and instead in err
    for query, n in (("units <= 20", 5), ("layers == 2", 1), ("layers == 0", 1), ("hidden == '[10,10]'", 1)):
        code, out, _ = typed(width, "--all", "--csv", "-", "--filter", query)
        assert (code, len(out.splitlines()) - 1) == (0, n), query
    norms = tmp_path / "norms"
    for norm in ("null", "1", "3"):
        made_run(norms / norm, 0.5, f"max_norm={norm}")
    for query, n in (
        ("max_norm > 1", 1),
        ("max_norm >= 1", 2),
        ("max_norm == 'null'", 1),
        ("not max_norm > 1", 2),
        ("max_norm != max_norm", 1),
    ):
        code, out, _ = typed(norms, "--all", "--csv", "-", "--filter", query)
        assert (code, len(out.splitlines()) - 1) == (0, n), query
    plain = made_sweep(tmp_path / "plain", "lr", {0.1: [0.5, 0.6, 0.7]})
    for query, n in (
        ("max_norm > 1", 0),
        ("max_norm != max_norm", 3),
        ("max_norm == 'null'", 3),
        ("val_size < 600", 0),
    ):
        code, out, _ = typed(plain, "--all", "--csv", "-", "--filter", query)
        assert code == (0 if n else command.NOTHING) and len(out.splitlines()) == (n + 1 if n else 0), query
    code, _, err = typed(norms, "--filter", "max_norm > 1 or max_norm == 'null'")
    assert code == 2 and "beside a comparison of numbers, null is written max_norm != max_norm" in err
    code, out, _ = typed(norms, "--all", "--csv", "-", "--filter", "max_norm > 1 or max_norm != max_norm")
    assert (code, len(out.splitlines()) - 1) == (0, 2)


def test_other_regularizers_that_are_on_stand_under_every_table(tmp_path, typed):
    for value in ("0", "0.001"):
        made_run(tmp_path / "l2" / value, 0.9, f"l2={value}")
    said = "Of the regularizers, also on in all of them: weight_decay=0.06, stop_on=val_cost (off: weight_decay=0 "
    for view in ([], ["--all"], ["--by", "l2"], ["--json", "-"], ["--latex", "-"]):
        assert said in typed(tmp_path / "l2", *view)[1], view
    typed(tmp_path / "l2", "--html", tmp_path / "page.html")
    assert said in (tmp_path / "page.html").read_text()
    for value in ("0", "0.001"):
        made_run(tmp_path / "alone" / value, 0.9, f"l2={value}", "weight_decay=0", "stop_on=none")
    assert "Of the regularizers" not in typed(tmp_path / "alone")[1]


def test_a_filter_lets_the_copy_count_where_it_hides_the_first(width, typed, tmp_path):
    made_run(tmp_path / "z-again" / "a", 0.90, "hidden=20", "seed=0")
    code, out, _ = typed(tmp_path, "--filter", "run.str.contains('z-again')")
    assert code == 0 and "One row" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "nowhere: there is no such folder"),
        ([], "which runs? name one or more folders"),
        (["--filter", "hiden > 3"], "--filter 'hiden > 3': name 'hiden' is not defined; columns are hidden,"),
        (["--filter", "hidden >"], "--filter 'hidden >': "),
        (["--filter", "@__import__('os').system('true')"], "--filter "),
        (["--filter", "lr"], "--filter 'lr': "),
        *(([f"--{option}", ""], f"--{option} '': allowed is ") for option in TAKING_TEXT),
        (["--metric", "accuracy"], "--metric accuracy: allowed is one of train_cost"),
        (["--by", "hiden"], "--by hiden: allowed is one of hidden"),
        (["--sort", "test_cost"], "test columns are reported"),
        (["--sort", "hiden"], "--sort hiden: allowed is one of "),
        (["--filter", "seed"], "--filter 'seed': is no condition"),
        (["--filter", "hidden + 1"], "is no condition"),
        (["--baseline", "hidden=30"], "--baseline hidden=30: no finished run has that"),
        (["--baseline", "hiden=30"], "--baseline hiden=30: unknown key; did you mean hidden?"),
        (["--baseline", "hidden=-1"], "--baseline hidden=-1: allowed is"),
        (["--baseline", "seed=0"], "a row holds all seeds"),
        (["--by", "lr", "--baseline", "hidden=20"], "--baseline hidden=20: the rows are not of this key: lr"),
        (["--baseline", "plots=false"], "--baseline plots=False: the rows are not of this key: hidden"),
        (["--baseline", "20"], "allowed is best, or key=value"),
        (["--pivot", "hidden", "hiden"], "--pivot hiden: allowed is one of hidden"),
        (["--pivot", "hidden", "hidden"], "--pivot hidden hidden: allowed are two keys"),
        (["--pivot", "hidden", "lr", "--sort", "lr"], "--pivot takes no --sort: nothing is tested or sorted"),
        (["--by", "hidden", "--all"], "not allowed with"),
        (["--baseline", "hidden=20 hidden=50"], "hidden is there twice"),
        (["--baseline", "hidden=[20,"], "--baseline hidden=[20,: allowed is"),
        (["--baseline", "hidden=20,hiden=3"], "--baseline hiden=3: unknown key; did you mean hidden?"),
        (["--baseline", "hidden='20"], "--baseline hidden='20: a quote is not closed"),
        (["--csv", "a.csv", "--json", "a.csv"], "--json a.csv: --csv is written there too"),
        (["--csv", "new/"], "--csv new/: a folder"),
        (["--nonsense"], "unrecognized arguments: --nonsense"),
        (["--csv", "no/such/folder/x.csv"], "--csv no/such/folder/x.csv: there is no such folder"),
        (["--csv", "."], "--csv .: a folder"),
        (["--diff", "nowhere", "nowhere"], "nowhere: there is no such folder"),
    ],
)
def test_what_cannot_be_ends_in_one_line(width, typed, monkeypatch, arguments, message):
    monkeypatch.chdir(width.parent)
    known = arguments and arguments[0].startswith("--") and "--diff" not in arguments
    code, out, err = typed(*(["width"] if known else []), *arguments)
    assert code == program.BAD_INPUT and out == ""
    assert err.startswith("npdigits-compare: ") and message in err and err.count("\n") == 1


@pytest.mark.parametrize(
    "typed_value",
    [
        "hidden=20",
        "hidden='20' lr=1e-2",
        "data=mnist hidden=[20]",
        "lr=0.01 hidden=20",
        "hidden=20,lr=0.01",
        "lr=0.01, hidden=[20]",
    ],
)
def test_a_baseline_is_typed_as_on_the_command_line(width, typed, typed_value):
    code, out, err = typed(width, "--baseline", typed_value)
    assert (code, err) == (0, "") and "Compared with hidden=20 (" in out


def test_no_file_of_a_run_is_overwritten(width, typed):
    run = width / "hidden-20-0"
    before = (run / "metrics.csv").read_bytes()
    link = width / "link.csv"
    link.symlink_to(run / "metrics.csv")
    for target in (run / "metrics.csv", run / "new.csv", run / "plots" / "new.csv", width / "sweep.csv", link):
        code, _, err = typed(width, "--csv", target)
        assert code == program.BAD_INPUT and "could be lost" in err
    assert (run / "metrics.csv").read_bytes() == before and not (width / "sweep.csv").exists()


def test_a_pipe_and_a_link_stay_what_they_are(width, typed, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    assert typed(width, "--csv", pipe)[0] == 0
    assert os.read(reader, 100).startswith(b"hidden") and pipe.is_fifo()
    os.close(reader)
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to("real.csv")
    assert typed(width, "--csv", tmp_path / "link.csv")[0] == 0
    assert (tmp_path / "link.csv").is_symlink() and (tmp_path / "real.csv").read_text().startswith("hidden")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no names that are not UTF-8")
@pytest.mark.parametrize("notation", command.NOTATIONS)
def test_a_name_that_is_not_utf8_is_written_as_it_can_be(typed, tmp_path, notation):
    made_run(os.fsdecode(os.fsencode(tmp_path) + b"/run-\xff"))
    target = tmp_path.parent / f"{tmp_path.name}.{notation}"
    rows = [] if notation == "html" else ["--all"]
    code, _, err = typed(tmp_path, *rows, f"--{notation}", target)
    assert (code, err) == (0, "") and target.stat().st_size > 100


def test_ctrl_c_and_a_closed_output_are_no_tracebacks(width, monkeypatch, capsys):
    def interrupted(chosen):
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, "argv", ["npdigits-compare", str(width)])
    monkeypatch.setattr(command, "act", interrupted)
    with pytest.raises(SystemExit) as end:
        command.main()
    assert end.value.code == 130 and capsys.readouterr().err == "npdigits-compare: interrupted\n"
    line = f"'{sys.executable}' -m npdigits.compare width >&-"
    ended = subprocess.run(line, shell=True, cwd=width.parent, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_row_a_run_may_be_sorted_by_what_only_runs_have(width, typed):
    code, out, _ = typed(width, "--all", "--sort=-seed")
    assert code == 0 and [line.split()[1] for line in out.splitlines()[1:7]] == ["2", "2", "1", "1", "0", "0"]


def test_nothing_to_compare_is_not_success(typed, tmp_path):
    code, out, err = typed(tmp_path)
    assert (code, out) == (command.NOTHING, "") and "nothing to compare" in err
    made_run(tmp_path / "a", status="failed", reason="MemoryError")
    code, out, err = typed(tmp_path)
    assert (code, out) == (command.NOTHING, "") and "MemoryError" in err


def test_torn_and_foreign_files_are_warned_about_and_the_rest_is_compared(width, typed):
    (width / "hidden-20-0" / "summary.json").write_text("{")
    (width / "notes.txt").write_text("\x1b[2J")
    code, out, err = typed(width)
    assert code == 0 and "hidden" in out
    assert "1 run unreadable, and in no mean:" in out
    assert err.count("WARNING") == 2 and "hidden-20-0/summary.json: damaged" in err and "notes.txt" in err


def test_two_runs_side_by_side(tmp_path, typed):
    a = made_run(tmp_path / "a", 0.90, "hidden=20", right=[True] * 12 + [False] * 8)
    b = made_run(tmp_path / "b", 0.91, "hidden=50", "lr=0.1", "seed=1", right=[True] * 20)
    code, out, err = typed("--diff", a, f"{b}/")
    assert (code, err) == (0, "")
    lines = [line.split() for line in out.splitlines()]
    assert ["hidden", "20", "50"] in lines and ["lr", "0.01", "0.1"] in lines and ["seed", "0", "1"] in lines
    assert ["val_accuracy", "90.00", "91.00"] in lines
    assert (
        "the first alone reads 0 right, the second alone 8; McNemar's exact p = 0.0078: the two networks differ" in out
    )
    (a / "predictions.npz").unlink()
    assert "Test predictions cannot be compared" in typed("--diff", a, b)[1]
    code, _, err = typed("--diff", a, a)
    assert code == program.BAD_INPUT and "the same run twice" in err


def test_two_runs_must_be_runs(width, typed, tmp_path):
    code, _, err = typed("--diff", width, width / "hidden-20-0")
    assert code == program.BAD_INPUT and err == f"npdigits-compare: --diff {width}: it is no run directory\n"


@pytest.mark.parametrize("start", [["-m", "npdigits.compare"], [str(REPOSITORY / "experiments" / "compare.py")]])
def test_it_can_be_started_in_other_ways(width, start, tmp_path):
    ended = subprocess.run(
        [sys.executable, *start, "width"], cwd=width.parent, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "") and ended.stdout.startswith("hidden")


def test_whoever_stops_reading_is_not_complained_about(width, tmp_path):
    command_line = f"'{sys.executable}' -m npdigits.compare width --all | head -c 1"
    ended = subprocess.run(command_line, shell=True, cwd=width.parent, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "h", "")


def test_help_names_every_option(typed):
    code, out, _ = typed("--help")
    assert code == 0
    for option in ("--baseline", "--by", "--pivot", "--filter", "--metric", "--sort", "--all", "--diff", "--html"):
        assert option in out


def test_its_version_is_that_of_npdigits(typed):
    code, out, err = typed("--version")
    assert (code, err) == (0, "") and out == f"npdigits-compare {metadata.version('npdigits')}\n"
