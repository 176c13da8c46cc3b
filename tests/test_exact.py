"""check --exact: the recorded bytes of the published rows' portable runs."""

import importlib
import json
import sys

import numpy as np
import pytest
from made import REPOSITORY
from made_runs import ENVIRONMENT, made_run

from npdigits.base.errors import ConfigError
from npdigits.base.npz import npz

ARITHMETIC = {"exp float32": "84262e80", "tanh float32": "7c1c491a"}


@pytest.fixture
def published(monkeypatch):
    monkeypatch.syspath_prepend(str(REPOSITORY / "experiments"))
    return importlib.import_module("published")


@pytest.fixture
def file(tmp_path):
    return tmp_path / "exact.json"


@pytest.fixture
def exact(published, file, monkeypatch):
    module = importlib.import_module("exact")
    monkeypatch.setattr(module, "RECORD", file)
    return module


@pytest.fixture
def rows(published):
    return [row for row in importlib.import_module("literature").ROWS if row.name in ("softmax", "default")]


class Sweep:
    """Stands for a sweep's runs, which take minutes: writes run directories that differ as it is told."""

    def __init__(self, arithmetic=ARITHMETIC, weight=0.5, accuracy=0.93, seconds=2.0, portable=True):
        self.arithmetic, self.weight, self.accuracy = arithmetic, weight, accuracy
        self.seconds, self.portable, self.typed, self.code = seconds, portable, [], 0

    def __call__(self, typed):
        self.typed.append(list(typed))
        values = dict(one.split("=", 1) for one in typed)
        assert typed[2:] == ["plots=false", "quiet=true", typed[4], "portable=true"]
        environment = {**ENVIRONMENT, "c_library": "glibc 2.36"}
        if self.portable:
            environment["portable"] = {"arithmetic": self.arithmetic, "own_code": False}
        for seed in range(int(values["seed"].removeprefix("range(").removesuffix(")"))):
            settings = (f"experiment={values['experiment']}", "portable=true", f"seed={seed}")
            path = f"{values['out']}/{seed}"
            run = made_run(
                path,
                self.accuracy,
                *settings,
                validated=False,
                environment=environment,
                right=np.arange(100) < 92,
                seconds=self.seconds,
            )
            (run / "checkpoints").mkdir()
            arrays = {"W1": np.full(3, self.weight + seed), "identity": np.frombuffer(path.encode(), np.uint8)}
            (run / "checkpoints" / "best.npz").write_bytes(npz(arrays))
        return self.code


def test_runs_that_leave_the_same_bytes_are_the_same(exact, rows, file, tmp_path, capsys):
    """On another machine, in other folders, in other times."""
    assert exact.record(rows, 2, tmp_path / "ours", Sweep())
    kept = json.loads(file.read_text())
    assert set(kept["rows"]) == {"softmax", "default"} and list(kept["rows"]["default"]) == ["0", "1"]
    assert len({digest for seed in kept["rows"]["default"].values() for digest in seed.values()}) == 4  # two alike
    again = Sweep(seconds=7.5)
    assert exact.check(rows, tmp_path / "theirs", again)
    assert [typed[4] for typed in again.typed] == ["seed=range(2)"] * 2
    assert capsys.readouterr().out.splitlines()[2:] == [
        "softmax: the same bytes as ours, 2 runs",
        "default: the same bytes as ours, 2 runs",
    ]


@pytest.mark.parametrize(
    ("change", "differs", "operations"),
    [
        ({"weight": np.nextafter(0.5, 1)}, "parameters of seed 0", "none of those that are compared"),
        ({"accuracy": 0.94}, "metrics of seed 0", "none of those that are compared"),
        (
            {"weight": 0.25, "arithmetic": {**ARITHMETIC, "tanh float32": "00000000", "new": "1"}},
            "parameters of seed 0",
            "tanh float32",
        ),
    ],
)
def test_other_bytes_are_told_with_what_differs(exact, rows, tmp_path, capsys, change, differs, operations):
    exact.record(rows[:1], 1, tmp_path / "ours", Sweep())
    capsys.readouterr()
    assert not exact.check(rows[:1], tmp_path / "theirs", Sweep(**change))
    assert capsys.readouterr().out.splitlines() == [
        f"softmax: NOT the same bytes as ours: {differs}",
        f"  operations with other results here: {operations}",
        "  the same here and there: numpy, blas, processor, c_library",
    ]


def test_versions_are_named_where_they_differ(exact):
    here = {**ENVIRONMENT, "c_library": "glibc 2.41", "portable": {"arithmetic": ARITHMETIC}}
    there = exact.described({**here, "c_library": "glibc 2.36"})
    assert exact.reasons({"arithmetic": ARITHMETIC, "made_with": there}, here) == [
        "  operations with other results here: none of those that are compared",
        "  c_library: glibc 2.41 here, glibc 2.36 there",
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[: len(text) // 2], "Expecting|Unterminated|delimiter"),
        (lambda text: "[]", "allowed is a table"),
        (lambda text: "", "Expecting value"),
        (lambda text: text.replace('"numerics"', '"numeric"'), "no numerics"),
        (lambda text: text.replace('"0": ', '"first": '), "rows.softmax.first='first': allowed is a seed"),
        (lambda text: text.replace('"metrics"', '"metric"'), "rows.softmax.0=None|no rows.softmax.0.metrics"),
    ],
    ids=["torn", "a list", "empty", "a key", "a seed", "a digest"],
)
def test_a_damaged_record_is_one_line_and_is_recorded_anew(
    published, exact, rows, file, tmp_path, monkeypatch, capsys, change, message
):
    exact.record(rows[:1], 1, tmp_path / "ours", Sweep())
    file.write_text(change(file.read_text()))
    with pytest.raises(ConfigError, match=message) as caught:
        exact.check(rows[:1], tmp_path / "theirs", Sweep())
    assert str(caught.value).startswith(f"{file}: damaged: ")
    monkeypatch.setattr(sys, "argv", ["published.py", "check", "--exact"])
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        published.main()
    told = capsys.readouterr()
    assert (end.value.code, told.out, told.err) == (2, "", f"published.py: {caught.value}\n")
    assert exact.record(rows[1:], 1, tmp_path / "anew", Sweep())
    assert "begun anew, without the rows that it had" in capsys.readouterr().err
    assert set(exact.recorded()) == {"default"}


def test_what_cannot_be_compared_is_no_success(exact, rows, file, tmp_path, capsys):
    with pytest.raises(ConfigError, match="nothing is recorded yet"):
        exact.check(rows, tmp_path, Sweep())
    exact.record(rows[:1], 1, tmp_path / "ours", Sweep())
    failing = Sweep()
    failing.code = 2
    assert not exact.check(rows, tmp_path / "theirs", failing)
    assert capsys.readouterr().out.splitlines()[1:] == [
        "softmax: its runs failed (exit code 2)",
        "default: nothing is recorded to compare it with",
    ]
    assert not exact.record(rows[1:], 1, tmp_path / "failed", failing)
    assert set(exact.recorded()) == {"softmax"}
    with pytest.raises(ConfigError, match="is no portable run"):
        exact.record(rows[1:], 1, tmp_path / "other", Sweep(portable=False))
    file.write_text(file.read_text().replace('"numerics": ', '"numerics": "4", "before": '))
    with pytest.raises(ConfigError, match="recorded by other code of npdigits \\(4 there, "):
        exact.check(rows, tmp_path / "later", Sweep())


def test_a_record_of_other_code_is_not_added_to(exact, rows, file, tmp_path):
    exact.record(rows[:1], 1, tmp_path / "ours", Sweep())
    exact.record(rows[1:], 1, tmp_path / "more", Sweep())
    assert set(exact.recorded()) == {"softmax", "default"}
    file.write_text(file.read_text().replace('"numerics": ', '"numerics": "4", "before": '))
    exact.record(rows[:1], 1, tmp_path / "anew", Sweep())
    assert set(exact.recorded()) == {"softmax"}


def test_an_exact_check_takes_no_number_of_seeds(published, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["published.py", "check", "--exact", "--seeds", "2"])
    with pytest.raises(SystemExit) as caught:
        published.main()
    assert (caught.value.code, capsys.readouterr().err) == (
        2,
        "published.py: --seeds 2: not allowed with --exact, which repeats the seeds that are recorded\n",
    )


def test_the_recorded_rows_are_checked_where_none_are_named(published, exact, monkeypatch, capsys, tmp_path):
    sweep = Sweep()
    monkeypatch.setattr(published, "sweep", sweep)
    for typed, said in (("record --rows default", "default: recorded"), ("check --exact", "default: the same bytes")):
        monkeypatch.setattr(sys, "argv", ["published.py", *typed.split()])
        with pytest.raises(SystemExit) as caught:
            published.main()
        assert caught.value.code == 0 and capsys.readouterr().out.startswith(said)
    assert [typed[0] for typed in sweep.typed] == ["experiment=published/default"] * 2
