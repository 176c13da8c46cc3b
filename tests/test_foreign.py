"""Other programs' results as a table of runs: keys, seed, the value that counts, and what is said of it."""

import math

import numpy as np
import pandas as pd
import pytest

from npdigits.base.errors import ConfigError
from npdigits.compare.at import At, parse_at, take
from npdigits.compare.comparison import compare
from npdigits.compare.directions import direction_by_name
from npdigits.compare.foreign import Asked, to_runs
from npdigits.compare.keys_of import choose, setting_table
from npdigits.sources.found import Found

NAN = math.nan
# What two runs logged: (run, step, value), in the order of writing.
LOSS = [(0, 1, 0.5), (0, 2, 0.2), (0, 3, 0.3), (1, 1, 0.1), (1, 2, NAN), (1, 3, 0.4)]
ACC = [(0, 1, 0.7), (0, 2, 0.8), (0, 2, 0.81), (0, 3, 0.9), (1, 1, 0.6), (1, 3, NAN)]


def history_of(rows):
    return pd.DataFrame(rows, columns=["run", "step", "value"])


def made(settings, values=None, **more):
    """Return runs of a table: a row a run."""
    values = values or {"acc": [0.5 + index / 100 for index in range(len(settings))]}
    rows = {name: history_of([(i, NAN, value) for i, value in enumerate(column)]) for name, column in values.items()}
    names = [f"run {index}" for index in range(len(settings))]
    return Found("a table", names, settings, [*values], rows.__getitem__, **{"has_steps": False, "told": False, **more})


def logged(**more):
    histories = {"loss": history_of(LOSS), "acc": history_of(ACC)}
    settings = [{"lr": 0.1, "seed": 0}, {"lr": 0.1, "seed": 1}]
    return Found("a log", ["a", "b"], settings, [*histories], histories.__getitem__, **more)


def higher(name):
    return direction_by_name(name)


AT = {
    "last": ([0.9, NAN], [3, 3]),
    "best:loss": ([0.81, 0.6], [2, 1]),
    "best:acc": ([0.9, 0.6], [3, 1]),
    "best": ([0.9, 0.6], [3, 1]),
    "step=2": ([0.81, NAN], [2, NAN]),
    "step=7": ([NAN, NAN], [NAN, NAN]),
}


@pytest.mark.parametrize("typed", AT)
def test_one_value_of_a_history_counts(typed):
    values, steps = take(logged(), "acc", parse_at(typed), higher)
    np.testing.assert_array_equal(values, AT[typed][0])
    np.testing.assert_array_equal(steps, AT[typed][1])


def test_the_last_value_is_taken_without_the_history_where_it_is_at_hand():
    def refuse(name):
        raise AssertionError("the history was read")

    found = Found("a store", ["a"], [{}], ["acc"], refuse, last=lambda name: [0.25])
    assert take(found, "acc", At(), higher)[0].tolist() == [0.25]


def test_without_steps_what_was_written_last_counts():
    found = made([{}], {"acc": [0.5]})
    twice = pd.concat([found.history("acc"), history_of([(0, NAN, 0.75)])], ignore_index=True)
    found = Found("a table", ["a"], [{}], ["acc"], lambda name: twice)
    assert take(found, "acc", At(), higher)[0].tolist() == [0.75]


@pytest.mark.parametrize("typed", ["first", "best:", "step=", "step=x", "step=inf", "step", "", "last:acc"])
def test_what_is_no_choice_of_a_value_is_refused(typed):
    with pytest.raises(ConfigError, match=r"--at .*allowed is last, step=NUMBER, best or best:METRIC"):
        parse_at(typed)


GRID = [{"lr": lr, "width": 16, "seed": seed} for lr in (0.1, 0.01) for seed in range(4)]


def chosen(settings, told=True, metrics=("acc",), **more):
    return choose(setting_table(settings), metrics, told, **more)


def test_keys_are_what_varies_and_the_seed_pairs():
    found = chosen(GRID)
    assert found.keys == ("lr",) and found.seed == "seed" and found.left_out == ()


@pytest.mark.parametrize("name", ["seed", "Seed", "random_state", "trainer.seed", "rng/seed", "seed_everything"])
def test_a_seed_is_known_by_its_name(name):
    assert chosen([{"lr": row["lr"], name: row["seed"]} for row in GRID]).seed == name


def test_a_seed_that_does_not_vary_pairs_nothing():
    assert chosen([{**row, "seed": 42} for row in GRID]).seed is None


NO_KEYS = {
    "names a run": ({"run_id": lambda index, row: f"r{index}"}, True),
    "is the seed again": ({"data_seed": lambda index, row: row["seed"] + 100}, True),
    "is a folder for each run": ({"out": lambda index, row: f"/runs/{index}"}, True),
    "is another figure in a plain table": ({"notes": lambda index, row: 0.1 * index + 0.05}, False),
    "is a time in a plain table": ({"fit_time": lambda index, row: index % 2}, False),
    "is a loss in a plain table": ({"valLoss": lambda index, row: index % 2}, False),
}


@pytest.mark.parametrize("what", NO_KEYS)
def test_what_varies_and_is_no_key_is_left_out_and_said(what):
    [(name, of)], told = [*NO_KEYS[what][0].items()], NO_KEYS[what][1]
    found = chosen([{**row, name: of(index, row)} for index, row in enumerate(GRID)], told)
    assert found.keys == ("lr",) and [left for left, _ in found.left_out] == [name]


def test_a_setting_of_which_a_seed_is_missing_stays_a_key():
    settings = [{"lr": lr, "seed": seed} for lr in (1, 2, 3, 4) for seed in (0, 1)][:-1]
    assert chosen(settings, told=False).keys == ("lr",)


def test_what_a_program_calls_a_setting_is_a_key_though_each_run_has_another():
    settings = [{"lr": 0.1 * index, "seed": index % 3} for index in range(9)]
    assert chosen(settings).keys == ("lr",)
    assert chosen(settings, told=False).left_out == (("lr", "is another in most runs"),)


def test_named_keys_are_taken_as_they_are():
    found = chosen([{**row, "out": f"/{index}"} for index, row in enumerate(GRID)], keys=("out", "width"))
    assert found.keys == ("out", "width") and found.seed == "seed"
    with pytest.raises(ConfigError, match="--keys wdth: the runs have lr, width, seed; did you mean width"):
        chosen(GRID, keys=("wdth",))
    with pytest.raises(ConfigError, match="--seed sed: the runs have"):
        chosen(GRID, seed="sed")


def test_cells_are_alike_where_values_are():
    table = setting_table([{"a": 8.0, "b": True, "c": None}, {"a": 8, "b": False}, {"a": "x", "b": True, "c": NAN}])
    assert table.a.tolist() == ["8", "8", "x"]
    assert table.b.tolist() == ["true", "false", "true"]
    assert table.c.tolist() == ["null", "–", "–"]


def test_a_table_of_runs_has_what_a_comparison_needs():
    settings = [*GRID, {**GRID[0]}, {**GRID[1], "data": "mnist"}]
    runs = to_runs([made(settings)], Asked(keys=("lr", "data")))
    assert runs.keys == ("lr", "config.data") and runs.measured == ("acc",) and runs.foreign
    assert runs.table.same_as.tolist() == [""] * 8 + ["run 0", ""]
    assert runs.table["config.data"].tolist() == ["–"] * 9 + ["mnist"]
    assert runs.table.configuration.nunique() == 3
    said = "\n".join(runs.read_as)
    assert "Read: a table (10 runs); keys lr, data; the seed is seed." in said
    assert "The same keys and seed, counted once, though some have other figures: run 8 as run 0." in said


def test_a_twin_that_failed_takes_no_runs_place():
    settings = [GRID[0], GRID[0], GRID[4]]
    runs = to_runs([made(settings, statuses=["failed", "finished", "finished"], reasons=["boom", "", ""])], Asked())
    assert runs.table.same_as.tolist() == ["", "", ""]
    assert runs.table.reason.tolist() == ["boom", "", ""]


def test_runs_without_a_seed_are_no_pairs():
    runs = to_runs([made([{"lr": lr} for lr in (1, 1, 2, 2)])], Asked())
    assert runs.table.seed.nunique() == 4 and "nothing is paired" in runs.read_as[0]


def test_runs_of_several_sources_stand_in_one_table():
    runs = to_runs([made(GRID[:4]), made(GRID[4:])], Asked())
    assert len(runs.table) == 8 and runs.table.run.nunique() == 8 and runs.keys == ("lr",)


def test_a_metric_is_named_or_proposed():
    several = made(GRID, {"train_loss": [1.0] * 8, "val_acc": [0.5] * 8})
    with pytest.raises(ConfigError, match=r"--metric: which one\? There are val_acc, train_loss"):
        to_runs([several], Asked())
    with pytest.raises(ConfigError, match=r"--metric val_ac: the runs have .*did you mean val_acc"):
        to_runs([several], Asked(("val_ac",)))
    assert to_runs([several], Asked(("val_acc",))).measured == ("val_acc",)


DIRECTIONS = {"val_acc": True, "valLoss": False, "neg_mean_squared_error": True, "test/F1": True, "RMSE": False}


@pytest.mark.parametrize("name", DIRECTIONS)
def test_the_name_tells_whether_higher_is_better(name):
    assert direction_by_name(name) is DIRECTIONS[name]


def test_a_name_that_does_not_tell_is_asked_for():
    found = made(GRID, {"m": [0.5] * 8})
    with pytest.raises(ConfigError, match="--metric m: whether higher or lower is better is not known"):
        to_runs([found], Asked())
    assert to_runs([found], Asked(higher={"": False})).higher == {"m": False}
    assert to_runs([found], Asked(higher={"m": True, "": False})).higher == {"m": True}
    told = made(GRID, {"m": [0.5] * 8}, higher={"m": False})
    assert to_runs([told], Asked()).higher == {"m": False}


def test_a_shown_column_is_taken_at_the_step_of_the_compared_one():
    found = logged(told=True)
    runs = to_runs([found], Asked(("acc",), ("loss",), at=parse_at("best")))
    assert runs.table.loss.tolist() == [0.3, 0.1]
    assert "at the best step of acc itself, which flatters" in runs.read_as[1]
    assert "acc itself, which flatters noisy runs (1 to 3)" in runs.read_as[1] and "shown: loss" in runs.read_as[1]


def test_what_has_no_value_there_is_counted():
    runs = to_runs([logged(told=True)], Asked(("acc",)))
    assert any(line.startswith("Without acc where it was to be taken: 1 of 2 finished runs") for line in runs.read_as)
    with pytest.raises(ConfigError, match="--at: these results have a row a run"):
        to_runs([made(GRID)], Asked(at=parse_at("best")))


def test_a_history_is_read_by_run():
    runs = to_runs([logged(told=True), made(GRID[:2], {"acc": [1.0, 2.0]})], Asked(("acc",)))
    steps, values = runs.history("a")["acc"]
    assert steps.tolist() == [1, 2, 3] and values.tolist() == [0.7, 0.81, 0.9]
    assert runs.history("run 0") == {}


def test_a_stores_other_experiments_count_nowhere():
    settings = [*GRID, {"alpha": 1, "seed": 0}, {"alpha": 2, "seed": 1}, {"lr": 0.1, "width": 16, "seed": 9}]
    rows = {
        "acc": history_of([*((i, 1, 0.5) for i in range(8)), (10, 1, NAN)]),
        "f1": history_of([(8, 1, 1), (9, 1, 1)]),
    }
    found = Found("a store", [f"run {i}" for i in range(11)], settings, [*rows], rows.__getitem__)
    runs = to_runs([found], Asked(("acc",)))
    assert runs.keys == ("lr",) and runs.table.run.tolist() == [f"run {i}" for i in (*range(8), 10)]
    assert "2 runs never measured acc, and count nowhere: run 8; run 9." in runs.read_as
    # NaN is a figure: this run diverged.
    assert "Without acc where it was to be taken: 1 of 9 finished runs, in no mean of it." in runs.read_as


def test_what_a_program_calls_a_metric_too_is_no_key():
    settings = [{**row, "acc_best": 0.1 * index} for index, row in enumerate(GRID)]
    rows = history_of([(i, 1, 0.5) for i in range(8)])
    found = Found("a store", [*"abcdefgh"], settings, ["acc", "acc_best"], lambda name: rows)
    runs = to_runs([found], Asked(("acc",)))
    assert runs.keys == ("lr",) and "These vary and are no keys: acc_best (is measured, too)." in runs.read_as[-1]


def test_long_texts_that_differ_stay_two():
    cells = setting_table([{"text": "x" * 5000 + end} for end in "ab"]).text.tolist()
    assert len(set(cells)) == 2 and max(map(len, cells)) <= 60


def test_runs_of_which_no_seed_is_known_are_no_twins():
    settings = [*GRID, {"lr": 0.1, "width": 16}, {"lr": 0.1, "width": 16, "seed": None}]
    runs = to_runs([made(settings)], Asked())
    assert (runs.table.same_as == "").all() and runs.table.seed.nunique() == 6


def test_figures_of_single_precision_are_the_shortest_decimals():
    rows = history_of([(i, 1, float(np.float32(value))) for i, value in enumerate((0.93, 0.1, 1 / 3, NAN))])
    found = Found("events", [*"abcd"], GRID[:4], ["acc"], lambda name: rows, single=frozenset(["acc"]))
    assert take(found, "acc", At(), higher)[0][:3].tolist() == [0.93, 0.1, 0.33333334]
    assert to_runs([found], Asked(("acc",))).single == {"acc"}


def test_what_is_not_among_the_keys_is_named():
    runs = to_runs([made(GRID, {"acc": [0.1 * i for i in range(8)]})], Asked(keys=("width",)))
    said = "\n".join(runs.read_as)
    assert "lr (not among --keys)" in said and "counted once, though some have other figures" in said


def test_what_is_not_finite_is_named_and_is_not_the_best():
    found = made(GRID, {"acc": [0.5, 0.6, 0.7, math.inf, *[0.1] * 4]})
    runs = to_runs([found], Asked())
    assert "Not finite: acc of run 3: nothing can be said of such a row." in runs.read_as
    comparison = compare(runs)
    assert [row.values["lr"] for row in comparison.family.references.values()] == [0.01]


def test_why_a_column_is_no_metric_is_said():
    remark = "a.csv: val_acc: line 17: 'oops' is no number, so it is no metric"
    with pytest.raises(ConfigError, match=r"--metric val_acc: a\.csv: val_acc: line 17: 'oops'"):
        to_runs([made(GRID, {"loss": [0.1] * 8}, remarks=[remark])], Asked(("val_acc",)))
