"""Plain tables and programs that write files of their own: what is read is what was written."""

import json
import math
import os
import random
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parent / "sources"))

import toy

from npdigits.base.errors import ConfigError
from npdigits.sources import plain_yaml, run_files, table
from npdigits.sources.columns import BLANK, column_of_texts, column_of_values
from npdigits.sources.found import FAILED, FINISHED, RUNNING
from npdigits.sources.reading import READERS, read_source
from npdigits.sources.text_table import read_text_table

FILES = Path(__file__).parent / "sources" / "files"
METRICS = ("train_loss", "val_loss", "val_acc")


def read(path, kind=None):
    """Return what a source holds; no second program wrote to it."""
    notes = []
    found = read_source(Path(path), kind, notes.append)
    assert notes == []
    n = len(found.names)
    assert len(found.settings) == n and len(found.statuses) in (0, n) and len(found.reasons) in (0, n)
    for metric in found.metrics:
        found.history(metric)
    return found


def history(found, metric, run):
    """Return the (step, value) pairs of a run, in their order."""
    rows = found.history(metric)
    return [(step, value) for index, step, value in rows.itertuples(index=False) if index == run]


def assert_same(got, expected, off=0.0):
    """Assert that two histories have the same steps, and values that differ by no more than ``off``."""
    assert [step for step, _ in got] == [step for step, _ in expected]
    for (_, value), (_, other) in zip(got, expected, strict=True):
        assert abs(value - other) <= off or (math.isnan(value) and math.isnan(other))


def assert_toy(found, step=float, name=lambda metric: metric, off=0.0):
    """Assert that a source holds the toy's runs and nothing else; its runs may stand in any order."""
    position = {(one["lr"], one["width"], one["seed"]): i for i, one in enumerate(found.settings)}
    assert len(position) == len(found.names) == len(toy.runs())
    for run in toy.runs():
        own = run["settings"]
        index = position[own["lr"], own["width"], own["seed"]]
        assert found.settings[index].items() >= {name: own[name] for name in ("lr", "width", "seed")}.items()
        for metric in METRICS:
            expected = [(step(epoch), figures[metric]) for epoch, figures in run["history"]]
            assert_same(history(found, name(metric), index), expected, off)
    assert not found.skipped and set(found.statuses) <= {FINISHED}


# ---- tables ----

EPOCHS = sorted(
    path.name for path in (FILES / "tables").iterdir() if not path.stem.endswith(("-odd", "-runs")) and path.is_file()
)


@pytest.mark.parametrize("name", EPOCHS)
def test_a_table_with_a_row_an_epoch_gives_back_every_history(name):
    found = read(FILES / "tables" / name)
    # pandas writes at most 15 decimals into JSON, and not always the nearest.
    assert_toy(found, off=2e-15 if name.startswith("pandas") and ".json" in name else 0.0)
    assert found.settings[0].items() >= toy.CONSTANT.items()
    assert found.has_steps and not found.told and not found.single
    assert [metric for metric in found.metrics if metric in METRICS] == list(found.metrics)[:3]
    by_name = "unnamed" not in name and "by-epoch" not in name
    assert ("run run-11" in found.names[-1]) == by_name
    # A column that is the same in every row of a run is a setting, and may be a metric.
    assert {"lr", "width", "seed", "batch_size"} <= set(found.metrics) and "run" not in found.settings[0]
    assert "epoch" not in found.metrics and "column 1" not in found.metrics
    assert len(EPOCHS) == 12


@pytest.mark.parametrize("name", ["pandas-runs.csv", "polars-runs.csv"])
def test_a_table_with_a_row_a_run_has_no_steps(name):
    found = read(FILES / "tables" / name)
    assert not found.has_steps and not found.told
    for index, run in enumerate(toy.runs()):
        assert found.settings[index] == {"name": run["name"], **run["settings"], **run["history"][-1][1]}
        assert found.last("val_acc")[index] == run["history"][-1][1]["val_acc"]
    ((step, value),) = history(found, "val_acc", 3)
    assert math.isnan(step) and value == toy.runs()[3]["history"][-1][1]["val_acc"]


@pytest.mark.parametrize("name", [f"{by}-odd.{form}" for by in ("pandas", "polars") for form in ("csv", "parquet")])
def test_what_two_writers_put_differently_is_read_alike(name):
    check_odd(read(FILES / "tables" / name), exact=True)


@pytest.mark.parametrize("name", ["pandas-odd.jsonl", "polars-odd.ndjson"])
def test_json_has_no_nan_and_the_step_where_others_have_a_value_tells_of_it(name):
    check_odd(read(FILES / "tables" / name), exact=name.startswith("polars"))


def check_odd(found, exact):
    for index, run in enumerate(toy.runs()[:4]):
        expected = {
            "warmup": 8,  # with a hole in its column pandas writes 8.0
            "nesterov": index % 2 == 0,
            "code": f"00{index}",
            "key": 9007199254740993 + index,
            "note": 'said "no",\nthen yes',
        }
        if index == 1:
            del expected["warmup"]
        settings = {name: value for name, value in found.settings[index].items() if value is not None}
        assert settings == expected
        assert {name: type(value) for name, value in settings.items()} == {n: type(v) for n, v in expected.items()}
        losses = [(float(epoch), figures["val_loss"]) for epoch, figures in run["history"]]
        if index == 2:  # it diverged; pandas writes nothing there, polars NaN
            losses[-1] = (3.0, math.nan)
        assert_same(history(found, "loss", index), losses, 0 if exact else 2e-15)
        # What is measured in the last epoch alone is blank in the others, and no NaN.
        final = [(3.0, run["history"][-1][1]["val_acc"])]
        assert_same(history(found, "test_acc", index), final, 0 if exact else 2e-15)


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("texts", "cells"),
    [
        (["1", "2", ""], [1, 2, BLANK]),
        (["8.0", "", "16.0"], [8, BLANK, 16]),
        (["0.5", "nan", "inf"], [0.5, math.nan, math.inf]),
        (["0.5", "NA", "null"], [0.5, BLANK, BLANK]),
        (["007", "010", "1"], ["007", "010", 1]),
        (["9007199254740993", "1", "2"], [9007199254740993, 1, 2]),
        (["12345678901234567890", "1", "2"], ["12345678901234567890", 1, 2]),
        (["True", "False", ""], [True, False, BLANK]),
        (["adam", "1", "nan"], ["adam", 1, "nan"]),
        (["nan", "", "adam"], ["nan", BLANK, "adam"]),
        (["1_000", "0x10", "1e999"], ["1_000", "0x10", "1e999"]),
    ],
)
def test_a_text_becomes_what_it_stands_for_and_no_other_value(texts, cells):
    column = column_of_texts(texts)
    for got, expected in zip(column.cells(), cells, strict=True):
        assert type(got) is type(expected)
        assert got is expected or got == expected or (math.isnan(got) and math.isnan(expected))
    numeric = all(cell is BLANK or isinstance(cell, int | float) for cell in cells) and not isinstance(cells[0], bool)
    assert (column.numbers is not None) == numeric


def test_a_long_column_is_read_as_a_short_one():
    texts = [repr(value) for value in np.random.default_rng(0).normal(size=3_000).tolist()]
    assert column_of_texts(texts).numbers.tolist() == [float(text) for text in texts]
    for odd in ("007", "adam", "", "1_0.5", "nan", "1e999", "12"):
        slow, fast = column_of_texts([odd, *texts[:5]]), column_of_texts([odd, *texts])
        assert repr(slow.cells()[0]) == repr(fast.cells()[0]) and (slow.numbers is None) == (fast.numbers is None)


def test_true_is_not_one_and_lists_are_text():
    column = column_of_values([True, 1, 1.0, [1, 2], None, math.nan, math.nan])
    assert repr(column.cells()) == "[True, 1, 1, '[1,2]', None, nan, nan]"
    assert column.numbers is None


def test_torn_and_strange_lines_are_named_and_the_others_read(tmp_path):
    text = 'lr,seed,acc\n0.1,0,0.5\n\n0.1,1\n0.1,2,0.7,9\n"0.1"x,3,0.8\n0.1,4,0.9\n0.1,5,"0.'
    found = read(write(tmp_path / "a.csv", text))
    assert [one["seed"] for one in found.settings] == [0, 4]
    assert [place.rpartition("line ")[2] for place, _ in found.skipped] == ["4", "5", "6", "8"]
    assert "2 cells where the first line has 3" in found.skipped[0][1]
    assert "may be torn" in found.remarks[0]


def test_zeros_in_a_text_cost_their_line_alone(tmp_path):
    found = read(write(tmp_path / "a.csv", "seed,acc\n0,0.5\n1,0.\0\0\n2,0.75\n"))
    assert found.skipped == [(f"{tmp_path / 'a.csv'}: line 3", "bytes that are zero")]
    assert found.last("acc") == [0.5, 0.75]
    with pytest.raises(ConfigError, match=r"a\.csv: its first line holds bytes that are zero"):
        read(write(tmp_path / "a.csv", "se\0ed,acc\n0,0.5\n"))


def test_a_name_that_a_line_of_json_has_twice_costs_the_line(tmp_path):
    lines = ['{"seed": 0, "acc": 0.5}', '{"seed": 1, "acc": 0.6, "acc": 0.7}', '{"seed": 2, "acc": 0.75}']
    for order in ((0, 1, 2), (1, 0, 2)):
        found = read(write(tmp_path / "a.jsonl", "\n".join(lines[i] for i in order) + "\n"))
        assert found.skipped == [
            (f"{tmp_path / 'a.jsonl'}: line {order.index(1) + 1}", "the name 'acc' is there twice")
        ]
        assert found.last("acc") == [0.5, 0.75]
    with pytest.raises(ConfigError, match="line 1: the name 'acc' is there twice"):
        read(write(tmp_path / "b.jsonl", lines[1] + "\n" + lines[1] + "\n"))
    with pytest.raises(ConfigError, match="the name 'acc' is there twice"):
        read(write(tmp_path / "a.json", '[{"seed": 1,\n"acc": 0.6, "acc": 0.7}]'), "table")


def test_many_bad_lines_are_counted(tmp_path):
    found = read(write(tmp_path / "a.csv", "lr,acc\n0.1,0.5\n" + "1\n" * 50))
    assert len(found.skipped) == 21 and "30 more lines" in found.skipped[-1][1]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiters_encodings_and_ends_of_lines(tmp_path, delimiter, encoding, end):
    rows = [["größe", "seed", "note", "acc"], ["0.1", "0", '"a, b; c"', "0.5"], ["0.2", "1", "x", "0.25"]]
    text = end.join(delimiter.join(row) for row in rows) + end
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    found = read(tmp_path / "a.csv")
    assert found.settings[0] == {"größe": 0.1, "seed": 0, "note": "a, b; c", "acc": 0.5}
    assert any("Windows-1252" in remark for remark in found.remarks) == (encoding == "cp1252")


def test_decimal_commas_only_where_the_comma_does_not_part_cells(tmp_path):
    found = read(write(tmp_path / "a.csv", "lr;seed;list;acc\n0,1;0;1,2,3;0,5\n1e-3;1;1,2;1\n"))
    assert found.settings[1] == {"lr": "1e-3", "seed": 1, "list": "1,2", "acc": 1} or found.settings[1]["lr"] == 0.001
    assert found.settings[0]["lr"] == 0.1 and found.settings[0]["acc"] == 0.5 and found.settings[0]["list"] == "1,2,3"
    assert any("decimal" in remark for remark in found.remarks)


@pytest.mark.parametrize(
    ("cells", "numbers", "said"),
    [
        (["870", "1,234", "12,345"], None, "'1,234' may be thousands or a decimal comma"),
        (["870", "0", "1,234,567"], None, "'1,234,567' has commas between thousands"),
        (["1,234", "", "-870"], None, "'1,234' may be thousands"),
        (["870", "0,931", "1,234"], [870, 0.931, 1.234], ""),
        (["870", "1,23", "1,234"], [870, 1.23, 1.234], ""),
        (["1,234", "2,345", "3,456"], [1.234, 2.345, 3.456], ""),
        (["1870", "1,234", "2"], [1870, 1.234, 2], ""),
        (["870", "1", "2"], [870, 1, 2], ""),
    ],
)
@pytest.mark.parametrize("delimiter", ["\t", ";"])
def test_commas_between_thousands_become_no_decimals(tmp_path, cells, numbers, said, delimiter):
    lines = [delimiter.join(("lr", "loss")), *(delimiter.join(("0,5", cell)) for cell in cells)]
    path = write(tmp_path / "a.tsv", "\n".join(lines) + "\n")
    column = read_text_table(path).columns["loss"]
    assert (None if column.numbers is None else column.numbers.tolist()) == numbers
    found = read(path)
    assert found.settings[0]["lr"] == 0.5 and ("loss" in found.metrics) == (numbers is not None)
    assert [remark for remark in found.remarks if "loss" in remark and said in remark] or not said
    assert any("line" in remark for remark in found.remarks) == bool(said)


ODD = ["oops", "-", "89.8%", "84,875.0", "1.2.3"]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("form", ["csv", "torn", "jsonl"])
def test_a_cell_that_takes_a_metric_away_is_named(tmp_path, odd, form):
    cells = [f"0.{i}" for i in range(11, 41)]
    cells[15] = odd
    if form == "jsonl":
        lines = [json.dumps({"seed": i, "acc": odd if i == 15 else float(cell)}) for i, cell in enumerate(cells)]
        place = "record 16"
    else:
        lines = ["seed,note,acc", *(f'{i},"two\nlines","{cell}"' for i, cell in enumerate(cells))]
        lines.insert(3, "1,2" if form == "torn" else "")
        place = "line 33"
    found = read(write(tmp_path / f"a.{form[:5]}", "\n".join(lines) + "\n"), "table")
    name = f"a.{form[:5]}"
    assert found.remarks == [f"{name}: acc: {place}: {odd!r} is no number, so it is no metric"]
    assert "acc" not in found.metrics


@pytest.mark.parametrize(
    "cells",
    [["0.1", "scale", "auto", "0.2", "0.3"], ["007", "123", "456", "789"], ["a", "1", "2"], ["1", "NA", "2", "3"]],
)
def test_settings_of_several_kinds_are_no_spoilt_metrics(tmp_path, cells):
    lines = ["gamma,acc", *(f"{cell},0.5" for cell in cells)]
    assert read(write(tmp_path / "a.csv", "\n".join(lines) + "\n")).remarks == []


@pytest.mark.parametrize(
    ("cell", "form"), [("{}7.5%", "csv"), ("{}4,400.0", "csv"), ("1{},160", "tsv"), ("1{},160", "csv")]
)
def test_numbers_that_are_dressed_up_are_named(tmp_path, cell, form):
    delimiter = {"csv": ",", "tsv": "\t"}[form]
    cells = [cell.format(i) for i in range(1, 5)]
    # 14,160 beside a column with decimal points is no decimal.
    lines = [delimiter.join(("time", "acc")), *(delimiter.join((f'"{one}"', "0.5")) for one in cells)]
    found = read(write(tmp_path / f"a.{form}", "\n".join(lines) + "\n"))
    (remark,) = found.remarks
    assert f"time: line 2: {cells[0]!r} " in remark and "time" not in found.metrics


def test_several_odd_cells_are_counted(tmp_path):
    lines = ["acc,seed", *(f"{'bad' if seed % 12 == 3 else 0.5},{seed}" for seed in range(36))]
    (remark,) = read(write(tmp_path / "a.csv", "\n".join(lines) + "\n")).remarks
    assert "line 5: 'bad' is no number (and 2 more)" in remark


def test_names_that_come_again_and_comments_at_the_top(tmp_path):
    found = read(
        write(tmp_path / "a.csv", "# made by hand\n# of two, fits\nseed,lr,acc\n0,1,0.5\nseed,lr,acc\n1,1,0.7\n")
    )
    assert found.last("acc") == [0.5, 0.7] and found.remarks == []
    assert found.skipped == [(f"{tmp_path / 'a.csv'}: line 5", "the names of the columns again")]
    found = read(write(tmp_path / "b.csv", "# a comment\n#,seed,acc\na,0,0.5\n"))
    assert found.settings == [{"#": "a", "seed": 0, "acc": 0.5}]


def test_a_cell_that_takes_a_metric_away_is_named_in_folders_too(tmp_path):
    for run in range(2):
        folder = tmp_path / f"version_{run}"
        folder.mkdir()
        write(folder / "hparams.yaml", f"seed: {run}\n")
        lines = ["step,loss,acc", *(f"{step},0.5,{'oops' if step == run == 1 else 0.25}" for step in range(5))]
        write(folder / "metrics.csv", "\n".join(lines) + "\n")
    found = read(tmp_path)
    assert found.remarks[0] == "version_1/metrics.csv: acc: line 3: 'oops' is no number, so it is no metric"


def test_columns_of_one_name_and_spaces_around_names(tmp_path):
    found = read(write(tmp_path / "a.csv", "lr, acc ,acc\n0.1, 0.5 ,0.75\n"))
    assert found.settings == [{"lr": 0.1, "acc": 0.5, "acc (column 3)": 0.75}]
    assert "there twice" in found.remarks[0]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty table"),
        ("\n\n", "empty table"),
        ("lr,acc\n", "without rows"),
        ("0.1,0.2\n0.3,0.4\n", "holds numbers"),
        ("[1, 2]", "no records"),
        ('{"a": 1\n', "no records"),
        ("PAR1 no parquet", "parquet"),
    ],
)
def test_what_is_no_table_is_said_in_one_line(tmp_path, text, why):
    with pytest.raises(ConfigError, match=why) as caught:
        read_source(write(tmp_path / "a.csv", text), "table", print)
    assert "\n" not in str(caught.value) and str(tmp_path) in str(caught.value)


def test_a_parquet_file_without_pyarrow_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigError, match=r"npdigits\[parquet\]"):
        table.read(FILES / "tables" / "pandas-epochs.parquet")


def test_more_cells_than_are_allowed_are_refused(tmp_path, monkeypatch):
    for module in ("columns", "text_table", "table"):
        monkeypatch.setattr(f"npdigits.sources.{module}.MOST_CELLS", 20)
    rows = "".join(json.dumps({f"a{i}": 1}) + "\n" for i in range(6))
    for name, text in (("a.csv", "a,b,c\n" + "1,2,3\n" * 7), ("a.jsonl", rows)):
        with pytest.raises(ConfigError, match="20 cells"):
            table.read(write(tmp_path / name, text))
    with pytest.raises(ConfigError, match="20 cells"):
        table.read(FILES / "tables" / "pandas-epochs.parquet")


# ---- which rows are of one run ----


def rows(*columns):
    """Return CSV of columns: (name, values)."""
    lines = [",".join(name for name, _ in columns)]
    lines += [",".join(map(str, row)) for row in zip(*(values for _, values in columns), strict=True)]
    return "\n".join(lines) + "\n"


ACC = [0.1, 0.2, 0.3, 0.4, 0.55, 0.65, 0.75, 0.85]


@pytest.mark.parametrize(
    ("columns", "sizes"),
    [
        # a best epoch is no counter
        ([("run", "abcdefgh"), ("epoch", [3, 9, 4, 4, 2, 7, 1, 5])], None),
        ([("lr", [1, 2] * 4), ("seed", [0, 0, 1, 1, 2, 2, 3, 3]), ("epoch", [3, 9, 4, 4, 2, 7, 1, 5])], None),
        ([("lr", [1, 2] * 4), ("epochs", [1, 2, 3, 4] * 2)], None),
        ([("method", list("aabbccdd")), ("epoch", [3, 9, 4, 4, 2, 7, 1, 5])], None),
        ([("run", list("aabbccdd")), ("epoch", [0, 1] * 4)], [2, 2, 2, 2]),
        ([("run", list("aaabbbbb")), ("epoch", [0, 1, 2, 0, 1, 2, 3, 4])], [3, 5]),
        # a name of what is compared, and a seed
        ([("name", list("aaaabbbb")), ("seed", [0, 0, 1, 1] * 2), ("epoch", [0, 1] * 4)], [2, 2, 2, 2]),
        # trials that are counted anew for each setting
        ([("lr", [1] * 4 + [2] * 4), ("trial", [0, 0, 1, 1] * 2), ("step", [0, 1] * 4)], [2, 2, 2, 2]),
        ([("seed", [0, 0, 1, 1, 2, 2, 3, 3]), ("epoch", [0, 1] * 4)], [2, 2, 2, 2]),
        ([("seed", [0, 1, 2, 3] * 2), ("epoch", [0] * 4 + [1] * 4)], [2, 2, 2, 2]),
        # by epoch, and two runs stopped early
        ([("seed", [0, 1, 2, 3, 1, 3, 1, 3]), ("epoch", [0] * 4 + [1] * 2 + [2] * 2)], [1, 3, 1, 3]),
        ([("epoch", range(8))], [8]),
        # logged twice at a step: it stands there twice
        ([("run", list("aaaabbbb")), ("step", [0, 0, 1, 1] * 2)], [4, 4]),
    ],
)
def test_rows_are_put_to_runs(tmp_path, columns, sizes):
    found = read(write(tmp_path / "a.csv", rows(*columns, ("acc", ACC))), "table")
    if sizes is None:
        assert not found.has_steps and len(found.names) == 8
    else:
        assert found.has_steps and [len(history(found, "acc", run)) for run in range(len(found.names))] == sizes


def test_a_folder_of_tables_is_one_source(tmp_path):
    folder = tmp_path / "tables"
    folder.mkdir()
    write(folder / "a.csv", "lr,seed,acc\n0.1,0,0.5\n0.1,1,0.75\n")
    write(folder / "b.jsonl", '{"lr": 0.2, "seed": 0, "acc": 0.25, "loss": 1.5}\n{"lr": 0.2, "seed": 1, "acc": 1}\n')
    write(folder / "c.csv", "name,word\nx,y\n")
    write(folder / "d.json", "{torn")
    write(folder / "notes.txt", "no, table\n")
    (folder / "e.csv").symlink_to(tmp_path / "outside.csv")
    write(tmp_path / "outside.csv", "lr,acc\n0.1,0.5\n")
    found = read(folder)
    assert found.names == ["a.csv: row 1", "a.csv: row 2", "b.jsonl: row 1", "b.jsonl: row 2"]
    assert [one["lr"] for one in found.settings] == [0.1, 0.1, 0.2, 0.2] and not found.told and not found.has_steps
    assert [tuple(row) for row in found.history("acc")[["run", "value"]].to_numpy()] == [
        (0, 0.5),
        (1, 0.75),
        (2, 0.25),
        (3, 1),
    ]
    assert found.history("loss").run.tolist() == [2, 3]
    assert [Path(place).name for place, _ in found.skipped] == ["c.csv", "d.json", "e.csv"]


@pytest.mark.parametrize(
    ("name", "text"),
    [("package.json", '{"version": 1}'), ("words.csv", "name,word\nx,y\n"), ("list.json", "[1, 2]"), ("a.csv", "")],
)
def test_a_folder_without_a_table_of_numbers_is_not_taken_for_one(tmp_path, name, text):
    write(tmp_path / name, text)
    (tmp_path / "deeper").mkdir()
    write(tmp_path / "deeper" / "a.csv", "lr,acc\n0.1,0.5\n")
    assert not table.recognizes(tmp_path) and table.recognizes(tmp_path / "deeper")
    with pytest.raises(ConfigError, match="no results that are known"):
        read_source(tmp_path, None, print)


COUNTING = ("generation", "iterations", "n_iter", "timesteps", "batch", "t", "trial")


@pytest.mark.parametrize("name", [*COUNTING, "iteration", "global_step"])
def test_more_names_count_where_they_rise_within_runs(tmp_path, name):
    run, seed, count = np.repeat(range(4), 5), np.repeat((0, 1, 0, 1), 5), np.tile(range(5), 4)
    lr, acc = np.repeat((0.1, 0.2), 10), np.arange(20) / 64
    named = rows(("run", run), ("lr", lr), ("seed", seed), (name, count * 100), ("acc", acc))
    found = read(write(tmp_path / "a.csv", named))
    assert found.has_steps and len(found.names) == 4
    assert history(found, "acc", 1) == [(100.0 * step, (5 + step) / 64) for step in range(5)]
    unnamed = rows(("lr", lr), ("seed", seed), (name, count), ("acc", acc))
    assert len(read(write(tmp_path / "b.csv", unnamed)).names) == (20 if name == "trial" else 4)


@pytest.mark.parametrize("name", COUNTING)
@pytest.mark.parametrize("by", ["none", "experiment", "run"])
def test_a_setting_that_is_called_as_what_counts_stays_one(tmp_path, name, by):
    more = {"none": [], "experiment": [("experiment", np.repeat(("a", "b"), 6))], "run": [("run", np.arange(12))]}
    text = rows(*more[by], ("seed", np.tile((0, 0, 0, 1, 1, 1), 2)), (name, [16, 32, 64] * 4), ("acc", np.arange(12)))
    found = read(write(tmp_path / "a.csv", text))
    assert not found.has_steps and len(found.names) == 12 and found.settings[1][name] == 32


def test_of_two_columns_that_count_the_one_counts_that_never_stands_still(tmp_path):
    columns = [("run", np.repeat((0, 1), 6)), ("epoch", [0, 0, 0, 1, 1, 1] * 2), ("iteration", list(range(6)) * 2)]
    found = read(write(tmp_path / "a.csv", rows(*columns, ("acc", np.arange(12) / 16))))
    assert history(found, "acc", 0) == [(float(step), step / 16) for step in range(6)]
    found = read(
        write(tmp_path / "b.csv", rows(columns[0], columns[2], ("epoch", list(range(6)) * 2), ("acc", np.arange(12))))
    )
    assert any("a row an epoch, by epoch" in remark for remark in found.remarks)


def test_rows_without_a_step_are_counted(tmp_path):
    found = read(
        write(tmp_path / "a.csv", rows(("run", "aaabbb"), ("epoch", [0, 1, "", 0, 1, 2]), ("acc", np.arange(6))))
    )
    assert "a.csv: 1 row has no epoch" in found.remarks


def test_a_name_that_several_runs_share_is_a_setting(tmp_path):
    columns = [("name", list("aaaabbbb")), ("seed", [0, 0, 1, 1] * 2), ("epoch", [0, 1] * 4), ("acc", ACC)]
    found = read(write(tmp_path / "a.csv", rows(*columns)))
    assert found.settings == [{"name": n, "seed": s} for n in "ab" for s in (0, 1)]


def test_how_runs_ended_is_read_from_a_column_that_says_it(tmp_path):
    ends = ["finished", "FAILED", "running", "killed"]
    found = read(write(tmp_path / "a.csv", rows(("seed", range(4)), ("status", ends), ("acc", ACC[:4]))))
    assert list(found.statuses) == [FINISHED, FAILED, RUNNING, FAILED] and found.reasons[3] == "killed"
    other = rows(("seed", range(4)), ("status", ["single", *ends[1:]]), ("acc", ACC[:4]))
    found = read(write(tmp_path / "b.csv", other))
    assert not found.statuses and found.settings[0]["status"] == "single"


def test_single_precision_is_seen(tmp_path):
    acc = [float(np.float32(value)) for value in ACC]
    found = read(write(tmp_path / "a.csv", rows(("seed", range(8)), ("acc", acc), ("loss", ACC))))
    assert found.single == {"acc"}


# ---- scikit-learn ----


def test_each_candidate_and_split_of_cv_results_is_a_run():
    found = read(FILES / "cv_results" / "svc.csv")
    assert found.told and not found.has_steps and found.seed == "split" and found.higher["test_score"]
    assert len(found.names) == 25 and list(found.metrics) == ["test_score", "train_score"]
    assert found.settings[1] == {"svc__C": 0.1, "svc__kernel": "linear", "split": 1}
    assert found.settings[10] == {"svc__kernel": "rbf", "svc__gamma": "scale", "split": 0}
    assert found.last("test_score")[:5] == [0.9666666666666667] * 3 + [0.9333333333333333, 1.0]
    # gamma=-1 cannot be fitted: its scores are NaN
    assert list(found.statuses) == [FINISHED] * 20 + [FAILED] * 5 and "fit failed" in found.reasons[-1]
    assert any("Nadeau & Bengio" in remark for remark in found.remarks)


def test_two_metrics_repeated_splits_and_a_parameter_that_is_none():
    found = read(FILES / "cv_results" / "tree.csv")
    assert list(found.metrics) == ["test_accuracy", "test_nll"] and len(found.names) == 36
    assert found.settings[11] == {"max_depth": None, "split": 11} and found.settings[12] == {"max_depth": 1, "split": 0}


# ---- W&B's exported CSV: by hand, after its documentation; its pages do not run offline ----


def test_the_table_of_runs_that_wandb_exports(tmp_path):
    text = (
        '"Name","State","Notes","User","Tags","Created","Runtime","Sweep","lr","seed","_step","acc"\n'
        '"brave-owl-1","finished","-","me","","2024-01-01T00:00:00.000Z","10","","0.1","0","5","0.5"\n'
        '"calm-fox-2","crashed","-","me","","2024-01-01T00:00:00.000Z","7","","0.1","1","3",""\n'
    )
    found = read(write(tmp_path / "export.csv", text))
    assert list(found.statuses) == [FINISHED, FAILED] and list(found.reasons) == ["", "crashed"]
    assert found.names[0] == "export.csv: name brave-owl-1" and not found.has_steps
    settings = [{k: v for k, v in one.items() if k not in ("name", "_step")} for one in found.settings]
    assert settings == [{"lr": 0.1, "seed": 0, "acc": 0.5}, {"lr": 0.1, "seed": 1}]
    assert math.isnan(found.last("acc")[1])


def test_a_chart_that_wandb_exports(tmp_path):
    head = '"Step","lr-0.1_seed-0 - val - acc","lr-0.1_seed-0 - val - acc__MIN","lr-0.1_seed-0 - val - acc__MAX",'
    head = head.replace("val - acc", "acc") + '"b - x - acc","b - x - acc__MIN","b - x - acc__MAX"\n'
    text = head + '"0","0.5","0.5","0.5","0.1","0.1","0.1"\n"10","0.75","0.75","0.75","","",""\n'
    found = read(write(tmp_path / "chart.csv", text))
    assert found.metrics == ["acc"] and found.names[1] == "chart.csv: b - x"
    assert history(found, "acc", 0) == [(0.0, 0.5), (10.0, 0.75)] and history(found, "acc", 1) == [(0.0, 0.1)]
    assert found.settings[0] == {"lr": 0.1, "seed": 0}


# ---- a folder a run ----


@pytest.mark.parametrize(
    ("place", "step", "name"),
    [
        ("lightning_csv/toy", lambda epoch: 10.0 * epoch - 1, str),
        ("keras_csv/toy", lambda epoch: epoch - 1.0, str),
        ("dvclive/toy", float, lambda metric: metric.replace("_", "/", 1)),
        ("sacred/toy", float, lambda metric: metric.replace("_", ".", 1)),
        ("hydra_folders/toy", float, str),
    ],
)
def test_folders_of_runs_give_back_the_toy(place, step, name):
    found = read(FILES / place)
    if place.startswith("keras_csv"):  # it keeps no settings; lr, width and seed stand in the names
        assert found.settings[0].keys() == {"lr", "width", "seed"}
    assert_toy(found, step, name)
    assert found.has_steps and found.told and not found.single
    # version_10 stands behind version_2
    assert found.names == sorted(found.names, key=run_files.natural)


def test_a_single_run_of_each_is_a_source():
    places = [
        "lightning_csv/toy/lightning_logs/version_3",
        "dvclive/toy/run-3",
        "sacred/toy/4",
        "hydra_folders/toy/0/3",
    ]
    places += ["lightning_csv/toy/lightning_logs/version_3/metrics.csv"]
    log = "keras_csv/toy/lr-0.1_width-16_seed-3"
    for place in (*places, log, f"{log}/training.log"):
        found = read(FILES / place)
        assert len(found.names) == 1 and found.settings[0]["seed"] == 3
        metric = next(name for name in found.metrics if name.startswith("val") and name.endswith("acc"))
        assert history(found, metric, 0)[-1][1] == toy.runs()[3]["history"][-1][1]["val_acc"]


def test_a_trainer_of_lightning_writes_several_rows_an_epoch_in_single_precision():
    found = read(FILES / "lightning_csv" / "trainer")
    # activation is an object of PyTorch's in hparams.yaml, which is not made
    assert found.settings == [{"lr": 0.1, "sizes": "[3,4]"}]
    assert any("left out: activation" in remark for remark in found.remarks)
    value = float(np.float32(0.7))
    assert history(found, "val_acc", 0) == [(3.0, value), (7.0, value)]
    assert [step for step, _ in history(found, "share_step", 0)] == [1.0, 3.0, 5.0, 7.0]
    assert [step for step, _ in history(found, "share_epoch", 0)] == [3.0, 7.0]
    assert found.single == set(found.metrics) and "epoch" not in found.metrics


def test_a_log_of_keras_that_was_appended_to_counts_as_the_later_fit_left_it():
    found = read(FILES / "keras_csv" / "appended")
    crashed, lists = (next(i for i, name in enumerate(found.names) if part in name) for part in ("crashed", "lists"))
    assert history(found, "accuracy", crashed) == [(0.0, 0.5), (1.0, 0.6), (2.0, 0.5), (3.0, 0.625)]
    ((place, why),) = found.skipped
    assert place.endswith("more.log") and "under the old names" in why
    assert math.isnan(history(found, "loss", lists)[0][1]) and "val_loss" not in found.metrics
    assert found.settings[crashed] == {"run": found.names[crashed]}


def test_a_log_of_keras_own_fit():
    found = read(FILES / "keras_csv" / "fit.log")
    assert [step for step, _ in history(found, "loss", 0)] == [0.0, 1.0, 2.0] and found.single == {"loss", "val_loss"}


def test_dvclive_resumed_timed_and_without_a_plot():
    found = read(FILES / "dvclive" / "odd")
    assert found.settings == [{"code": "007", "rate": 1e-5, "sizes": "[3,4]"}]
    steps, values = zip(*history(found, "loss", 0), strict=True)
    assert steps == (0.0, 1.0, 2.0, 3.0) or steps == (0.0, 1.0, 2.0, 2.0)
    assert values[0] == 0.5 and math.isnan(values[1]) and values[3] == 0.25
    ((step, value),) = history(found, "test/acc", 0)
    assert math.isnan(step) and value == 0.75 and set(found.metrics) == {"loss", "test/acc"}


def test_sacred_failed_killed_and_pickled():
    found = read(FILES / "sacred" / "odd")
    assert list(found.statuses) == [FINISHED, FAILED, RUNNING]
    assert found.reasons[1] == "ValueError: the loss is not finite" and "last sign of life" in found.reasons[2]
    assert found.settings[0]["code"] == "007" and found.settings[0]["sizes"] == "[3,4]"
    assert any("left out: table" in remark for remark in found.remarks)
    (first, second) = history(found, "loss", 0)
    assert first == (0.0, float(np.float32(0.1))) and second[0] == 1.0 and math.isnan(second[1])
    assert history(found, "result", 0)[0][1] == 0.75


def test_hydra_jobs_without_metrics_failed_and_nothing_is_resolved():
    found = read(FILES / "hydra_folders" / "failed")
    assert list(found.statuses) == [FINISHED, FAILED] and found.reasons[1] == "no file of metrics"
    assert found.settings[0]["home"] == "${oc.env:HOME}" and found.settings[0]["rate"] == "${lr}"
    assert found.settings[0]["code"] == "007" and found.settings[0]["optimizer.name"] == "sgd"
    found = read(FILES / "hydra_folders" / "finals")
    assert not found.has_steps and history(found, "test.acc", 2)[0][1] == 0.625
    assert found.remarks[0].endswith("results.json; not from environment.json")


def test_hydra_jobs_without_any_metrics_are_one_line(tmp_path):
    shutil.copytree(FILES / "hydra_folders" / "failed" / "1", tmp_path / "0")
    with pytest.raises(ConfigError, match="none has a file of metrics"):
        read(tmp_path)


def test_a_job_whose_configuration_was_not_kept_is_read_by_what_was_typed(tmp_path):
    job = shutil.copytree(FILES / "hydra_folders" / "finals" / "1", tmp_path / "1")
    (job / ".hydra" / "config.yaml").unlink()
    assert read(tmp_path).settings == [{"lr": 0.2, "seed": 0}]


# ---- YAML ----


@pytest.mark.parametrize(
    ("text", "settings", "unread"),
    [
        (
            "a: 1\nb: {c: 1e-3, d: '1', e: null, f: [1, 2]}",
            {"a": 1, "b.c": 0.001, "b.d": "1", "b.e": None, "b.f": "[1,2]"},
            [],
        ),
        ("a: !!python/object:os.system {x: 1}\nb: 2", {"b": 2}, ["a"]),
        ("a: !!python/object/apply:os.system ['true']\nb: !!python/tuple [1, 2]", {"b": "[1,2]"}, ["a"]),
        ("a: &x [1, 2]\nb: *x\nc: {d: [*x]}", {"a": "[1,2]"}, ["b", "c.d"]),
        ("a: ${oc.env:HOME}\nb: 007\nc: yes", {"a": "${oc.env:HOME}", "b": "007", "c": "yes"}, []),
        ("", {}, []),
    ],
)
@pytest.mark.parametrize("fast", [True, False])
def test_yaml_is_read_as_it_stands(monkeypatch, text, settings, unread, fast):
    if not fast:
        monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    assert plain_yaml.read_settings(text.encode()) == (settings, unread)


@pytest.mark.parametrize("text", ["[1, 2]", "a: 1\na: 2", "a: [", "{" * 60 + "}" * 60, "? [1]\n: 2", "a: \x07"])
def test_yaml_that_is_no_table_of_settings_is_refused(text):
    with pytest.raises(ValueError, match=r"\w"):
        plain_yaml.read_settings(text.encode())


# ---- torn, hostile and strange files ----

SOURCES = {
    "lightning": "lightning_csv/toy/lightning_logs",
    "sacred": "sacred/odd",
    "hydra": "hydra_folders/finals",
    "dvclive": "dvclive/odd",
    "keras": "keras_csv/appended",
    "cv_results": "cv_results",
    "table": "tables",
}


def damage(generator, content):
    """Return a file's content cut off, with bytes changed, or with pieces put in."""
    kind = generator.randrange(4)
    at = generator.randrange(len(content) + 1)
    if kind == 0:
        return content[:at]
    if kind == 1:
        return content[:at] + bytes([generator.randrange(256)]) + content[at + 1 :]
    pieces = [
        b'"',
        b"\n",
        b"\0",
        b"[",
        b"{",
        b",,",
        b"1e999",
        b"nan",
        b"\xff\xfe",
        b"&a ",
        b"*a",
        b"!!x ",
        b"-9",
        b"[" * 99,
    ]
    return content[:at] + generator.choice(pieces) + content[at + (kind == 3) * 20 :]


@pytest.mark.parametrize("kind", SOURCES)
def test_damaged_files_are_named_or_read_and_never_a_fault(tmp_path, kind):
    generator = random.Random(kind)
    source = shutil.copytree(FILES / SOURCES[kind], tmp_path / "source")
    files = [path for path in sorted(source.rglob("*")) if path.is_file() and path.name != "cout.txt"]
    files = [path for path in files if path.stat().st_size < 20_000 and "odd.parquet" not in path.name]
    for _ in range(30):
        file = generator.choice(files)
        content = file.read_bytes()
        file.write_bytes(damage(generator, content))
        for place in (source, file) if source.is_dir() and kind not in ("cv_results", "table") else (file,):
            try:
                found = read_source(place, kind, lambda line: None)
            except ConfigError as error:
                assert "\n" not in str(error)
                continue
            for metric in found.metrics:
                assert found.history(metric).run.isin(range(len(found.names))).all()
            assert len(found.settings) == len(found.names)
        file.write_bytes(content)


def test_one_bad_run_does_not_cost_the_others(tmp_path):
    for kind, place, file in (
        ("lightning", "lightning_csv/toy/lightning_logs", "version_3/metrics.csv"),
        ("sacred", "sacred/toy", "4/run.json"),
        ("dvclive", "dvclive/toy", "run-3/plots/metrics/val/acc.tsv"),
        ("hydra", "hydra_folders/toy", "0/3/metrics.csv"),
        ("keras", "keras_csv/toy", "lr-0.1_width-16_seed-3/training.log"),
    ):
        source = shutil.copytree(FILES / place, tmp_path / kind)
        (source / file).write_bytes(b"")
        found = read_source(source, kind, print)
        assert len(found.names) >= 11 and len(found.skipped) == 1 and file.split("/")[0] in found.skipped[0][0]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_links_and_pipes_are_not_followed(tmp_path):
    outside = write(tmp_path / "outside.csv", "epoch,step,acc\n0,1,0.5\n")
    run = tmp_path / "runs" / "version_0"
    run.mkdir(parents=True)
    write(run / "hparams.yaml", "lr: 0.1\n")
    os.mkfifo(run / "metrics.csv")
    found = read_source(tmp_path / "runs", "lightning", print)
    assert not found.names and "not a file" in found.skipped[0][1]
    (run / "metrics.csv").unlink()
    (run / "metrics.csv").symlink_to(outside)
    with pytest.raises(ConfigError, match="no run of"):
        read_source(tmp_path / "runs", "lightning", print)
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "runs").symlink_to(FILES / "sacred" / "toy")
    with pytest.raises(ConfigError, match="no run of"):
        read_source(tmp_path / "linked", "sacred", print)


@pytest.mark.parametrize("kind", ["lightning", "sacred", "hydra", "dvclive", "keras", "mlflow", "tensorboard", "wandb"])
def test_each_link_that_is_not_followed_is_named_once(tmp_path, kind):
    outside, source = tmp_path / "outside", tmp_path / "source"
    own = {"tensorboard": "tensorboard/torch/run-0", "wandb": "wandb/toys", "keras": "keras_csv/toy"}
    own |= {"hydra": "hydra_folders/toy", "dvclive": "dvclive/toy", "sacred": "sacred/toy"}
    own |= {"lightning": "lightning_csv/toy"}
    if kind == "mlflow":
        source.mkdir()
        write(source / "meta.yaml", "experiment_id: '1'\nname: one\nlifecycle_stage: active\n")
        (source / "a" / "metrics").mkdir(parents=True)
        write(source / "a" / "meta.yaml", "run_id: a\nstatus: 3\nstart_time: 1\n")
        write(source / "a" / "metrics" / "acc", "1 0.5 1\n")
    else:
        shutil.copytree(FILES / own[kind], source, symlinks=True)
    before = read(source, kind)
    shutil.copytree(source, outside)
    # A folder, and the files of a run's folder: what is needed of it is a link.
    (source / "folder").symlink_to(outside, target_is_directory=True)
    names = ["folder"]
    if kind == "mlflow":
        (source / "folder").unlink()
        (source / "folder").symlink_to(outside / "a", target_is_directory=True)
    for file in sorted(source.rglob("*")):
        need = {"lightning": "metrics.csv", "sacred": "run.json", "mlflow": "meta.yaml"}.get(kind)
        if not file.is_file() or (need and file.name != need) or kind in ("hydra", "dvclive"):
            continue
        if file.suffix in (".tsv", ".json", ".csv", ".log", ".wandb", ".yaml") or "tfevents" in file.name:
            if file.parent == source and kind == "mlflow":
                continue
            target = outside / file.relative_to(source)
            linked = source / "linked"
            shutil.copytree(file.parent, linked, symlinks=True) if need else linked.mkdir()
            (linked / file.name).unlink(missing_ok=True)
            (linked / file.name).symlink_to(target)
            names.append(f"linked/{file.name}")
            break
    assert len(names) == 2 or kind in ("hydra", "dvclive")
    found = read(source, kind)
    assert len(found.names) == len(before.names)
    places = [place for place, why in found.skipped if "a link" in why]
    assert sorted(places) == sorted(str(source / name) for name in names)
    if kind != "mlflow":  # a folder within the source is read where it lies
        (source / "latest-run").symlink_to(
            next(one for one in source.iterdir() if one.is_dir() and not one.is_symlink())
        )
        assert len(read(source, kind).skipped) == len(found.skipped)


def test_every_reader_declines_what_others_wrote_and_raises_nothing(tmp_path):
    write(tmp_path / "notes.txt", "nothing of a table\n")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR,a,b\n")
    (tmp_path / "empty").mkdir()
    for place in ("notes.txt", "picture.png", "empty", "."):
        with pytest.raises(ConfigError, match="no results that are known"):
            read_source(tmp_path / place, None, print)
    assert {*SOURCES, "wandb-csv"} <= set(READERS)


def test_a_table_is_read_by_line_where_it_is_torn_as_where_it_is_not(tmp_path):
    whole = read_text_table(FILES / "tables" / "pandas-odd.csv")
    torn = (FILES / "tables" / "pandas-odd.csv").read_text() + "run-9,1\n"
    again = read_text_table(write(tmp_path / "torn.csv", torn))
    assert {n: repr(c.cells()) for n, c in again.columns.items()} == {
        n: repr(c.cells()) for n, c in whole.columns.items()
    }
    assert len(again.skipped) == 1 and not whole.skipped
