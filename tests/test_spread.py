"""``npdigits-compare --spread``: the table of variance shares, of own runs and of others'."""

import itertools
import json
import math
import sys

import numpy as np
import pandas as pd
import pytest
from made_runs import made_run

from npdigits.base.errors import ConfigError
from npdigits.compare import command
from npdigits.compare.foreign import Asked, to_runs
from npdigits.compare.shares import crossed, deviation, variance_ratio
from npdigits.compare.spread import find_spread, parse_sources
from npdigits.sources.found import Found

KEYS = ("split_seed", "initialization_seed", "order_seed")


@pytest.fixture
def said(monkeypatch, capsys):
    """Return a function that runs npdigits-compare and returns (exit code, output, errors)."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["npdigits-compare", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            command.main()
        return (end.value.code, *capsys.readouterr())

    return call


def test_single_sources_and_a_crossing_stand_in_one_table(tmp_path, said):
    rng = np.random.default_rng(3)
    figures = {}

    def add(name, a, b, c, *more):
        figures[a, b, c] = accuracy = 0.9 + 0.01 * rng.normal()
        typed = [f"{key}={value}" for key, value in zip(KEYS, (a, b, c), strict=True) if value != 0]
        if a == b == c:
            typed = [f"seed={a}"]
        made_run(tmp_path / name, accuracy, *typed, *more)

    for k in range(6):
        add(f"seed{k}", k, k, k)
    for i, k in itertools.product(range(3), range(1, 6)):
        add(f"{i}-{k}", *(k if j == i else 0 for j in range(3)))
    for cell in itertools.product(range(3), repeat=3):
        if cell not in figures:
            add("cell" + "".join(map(str, cell)), *cell)
    code, out, _ = said(tmp_path, "--spread", "--metric", "val_accuracy", "--json", "-")
    found = json.loads(out)
    assert code == 0 and found["sources"] == list(KEYS)
    rows = {(row["design"], row["source"]): row for row in found["rows"]}
    every = [figures[k, k, k] for k in range(6)]
    for i, key in enumerate(KEYS):
        own = [figures[tuple(k if j == i else 0 for j in range(3))] for k in range(6)]
        row = rows["one at a time", key]
        assert row["n"] == 6
        assert np.isclose(row["val_accuracy_std"], np.std(own, ddof=1))
        assert np.isclose(row["val_accuracy_std_high"], deviation(own).high)
        assert np.isclose(row["val_accuracy_share_low"], variance_ratio(own, every).low)
    assert np.isclose(rows["one at a time", "all"]["val_accuracy_std"], np.std(every, ddof=1))
    cube = np.array([figures[cell] for cell in itertools.product(range(3), repeat=3)]).reshape(3, 3, 3, 1)
    reference = crossed(cube)
    for i, source in enumerate((*KEYS, "in combination")):
        row = rows["crossed", source]
        assert np.isclose(row["val_accuracy_share"], reference.shares[i].value)
        assert np.isclose(row["val_accuracy_std"], reference.deviations[i].value)
    assert "27 of 39 runs are a full crossing, 12 stand outside of it" in found["says"]
    code, out, _ = said(tmp_path, "--spread", "--metric", "val_accuracy")
    title, first = out.splitlines()[:2]
    assert title.split() == ["design", "source", "n", "val_accuracy", "std", "points", "share", "%"]
    assert first.split()[:6] == ["one", "at", "a", "time", "split_seed", "6"]
    assert said(tmp_path, "--spread", "--markdown", "-")[0] == said(tmp_path, "--spread", "--csv", "-")[0] == 0
    # Without the option they are keys as others are.
    assert "split_seed" in said(tmp_path)[1].splitlines()[0]


def test_configurations_stand_apart_and_what_cannot_be_told_is_said(tmp_path, said):
    for hidden, k in itertools.product((10, 50), range(4)):
        made_run(tmp_path / f"{hidden}-{k}", 0.9 + hidden / 1e4 + k * k / 1e3, f"hidden={hidden}", f"split_seed={k}")
    made_run(tmp_path / "order", 0.9, "hidden=10", "order_seed=1")
    made_run(tmp_path / "lost", 0.1, "hidden=10", "split_seed=9", status="failed")
    code, out, _ = said(tmp_path, "--spread", "--metric", "val_accuracy")
    lines = out.splitlines()
    assert code == 0 and lines[0].split()[:4] == ["hidden", "design", "source", "n"]
    assert [line.split()[:6] for line in lines[1:3]] == [
        [hidden, "one", "at", "a", "time", "split_seed"] for hidden in ("10", "50")
    ]
    assert all(line.split()[6:8] == ["4", "0.404"] and line.endswith("–") for line in lines[1:3])  # std of 0, 1, 4, 9
    assert "hidden=10: no 3 runs differ in all of split_seed, initialization_seed, order_seed" in out
    assert "hidden=10: initialization_seed, order_seed: cannot be told, as fewer than 3 runs differ in it alone" in out


def test_other_programs_columns_are_named():
    rng = np.random.default_rng(5)
    cells = list(itertools.product((10, 20), range(4), range(3)))
    settings = [{"width": width, "fold": a, "init": b} for width, a, b in cells]
    acc = pd.DataFrame({"run": range(len(cells)), "step": math.nan, "value": rng.normal(size=len(cells))})
    found = Found("a table", [f"run {i}" for i in range(len(cells))], settings, ["acc"], lambda _: acc, has_steps=False)
    runs = to_runs([found], Asked(metrics=("acc",)))
    view, lines = find_spread(runs, ["acc"], parse_sources("fold,init", runs))
    assert view.columns[:4] == ["width", "design", "source", "n"] and lines[0].startswith("Crossed: ")
    for width, figures in zip((10, 20), acc.value.to_numpy().reshape(2, 4, 3, 1), strict=True):
        rows = view.frame[view.frame.width == width].set_index("source")
        reference = crossed(figures)
        assert np.isclose(rows.acc_share["fold"], reference.shares[0].value)
        assert np.isclose(rows.acc_std["in combination"], reference.deviations[2].value)
        assert rows.n.tolist() == [4, 3, 12, 12]
    with pytest.raises(ConfigError, match=r"^--spread split_seed: no key of these runs"):
        parse_sources("", runs)


def test_what_makes_no_sense_is_refused_in_a_line(tmp_path, said):
    runs = tmp_path / "runs"
    for seed in range(3):
        made_run(runs / str(seed), 0.9, f"seed={seed}")
    for arguments, line in [
        ((runs, "--spread=splitseed,seed"), "--spread splitseed: no key of these runs; did you mean split_seed?"),
        (
            (runs, "--spread=split_seed"),
            "--spread split_seed: allowed are two or more keys, of which",
        ),
        (("--spread", runs), "which runs? name one or more folders, before --spread"),
        ((runs, "--spread", "--baseline", "best"), "--baseline: not allowed with --spread"),
        ((runs, "--spread", "--html", tmp_path / "page.html"), "--html: not allowed with --spread"),
        ((runs, "--spread", "--metric", "val_acuracy"), "--metric val_acuracy: allowed is one of"),
    ]:
        code, out, err = said(*arguments)
        assert (code, out) == (2, "") and err.startswith(f"npdigits-compare: {line}"), err
    code, out, err = said(runs, "--spread")
    assert (code, out) == (1, "") and "nothing to tell: no 3 finished runs differ in one of split_seed" in err
