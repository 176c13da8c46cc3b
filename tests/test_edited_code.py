"""The package's own code is edited between two runs: what was made by it is another run, and a line says so.

Each test works on a copy of the package, by processes that import it.
"""

import csv
import json
import re
import shutil

import pytest
import yaml
from made import REPOSITORY, output_of, start_python, write_set
from made_runs import made_run
from typed import tree, typed

from npdigits.compare.diff import diff_runs
from npdigits.compare.options import parse_baseline
from npdigits.config.compose import compose
from npdigits.config.identity import describe_differences, identity
from npdigits.config.numerics import NUMERICS
from npdigits.runs.table import read_runs
from npdigits.sweeps.names import run_name

BAD_INPUT = 2
RELU, EDITED = "np.maximum(z, 0, out=z)", "np.maximum(z, 0.001, out=z)"
# Begins a run and stops it in its second epoch.
CUT = """
import sys
from npdigits import compose, run
asked = iter(range(10**6))
print(run(compose(sys.argv[2:]), sys.argv[1], stop=lambda: next(asked) > 30)["status"])
"""


class Copy:
    """A copy of the package in whose record stands the digest that its code has."""

    def __init__(self, folder, same_bits):
        self.folder = folder
        for name in ("npdigits", "conf"):
            shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        same_bits.record_digests(folder, same_bits.digests_of(folder))

    def run(self, *arguments, cwd, module="npdigits.train"):
        return typed(*arguments, cwd=cwd, module=module, PYTHONPATH=str(self.folder))

    def edit(self, old=RELU, new=EDITED, file="nn/activations.py"):
        path = self.folder / "npdigits" / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def put_back(self):
        self.edit(EDITED, RELU)


@pytest.fixture
def copy(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(REPOSITORY / "experiments"))
    import same_bits

    return Copy(tmp_path / "copy", same_bits)


@pytest.fixture
def keys(tmp_path):
    folder = write_set(tmp_path / "digits", 200, 50)
    return ("data=idx", f"data.dir={folder}", "hidden=6", "batch_size=20", "epochs=2", "plots=false")


def test_the_same_sweep_makes_new_runs_with_rows_of_their_own(copy, keys, tmp_path):
    command = ("-m", *keys, "activation=relu,tanh", "seed=0,1", "workers=0", "out=sweep")
    first = copy.run(*command, cwd=tmp_path)
    assert (first.returncode, first.stderr) == (0, "") and "4 finished;" in first.stdout
    before = tree(tmp_path / "sweep")
    copy.edit()
    second = copy.run(*command, cwd=tmp_path)
    (mark,) = re.findall(rf"{NUMERICS}\+([0-9a-f]{{8}}) here", second.stderr)
    folder = tmp_path / "sweep"
    here = f"{NUMERICS}+{mark}"
    why = f"4 runs in {folder} were made by other code of npdigits ({NUMERICS} there, {here} here): done anew beside"
    assert second.stderr == f"npdigits: WARNING: {why}\n"
    assert second.returncode == 0 and "4 finished;" in second.stdout and "4 before" not in second.stdout
    assert (
        f"numerics {NUMERICS}+{mark}: made by code of npdigits that was edited ({mark} is its digest)." in second.stdout
    )

    after = tree(folder)
    assert {name: after[name] for name in before if name != "sweep.csv"} == {
        name: content for name, content in before.items() if name != "sweep.csv"
    }
    new = {path for path in folder.iterdir() if path.is_dir()} - {folder / name.partition("/")[0] for name in before}
    assert len(new) == 4 and all(f"_code-{mark}_" in path.name for path in new)
    assert {json.loads((path / "identity.json").read_text())["numerics"] for path in new} == {here}
    with (folder / "sweep.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["numerics"] for line in lines] == [here] * 4 + [str(NUMERICS)] * 4

    compared = copy.run("sweep", cwd=tmp_path, module="npdigits.compare").stdout.splitlines()
    assert compared[0].split()[:3] == ["numerics", "activation", "n"]
    assert sorted(line.split()[:3] for line in compared[1:5]) == sorted(
        [numerics, name, "2"] for numerics in (str(NUMERICS), here) for name in ("relu", "tanh")
    )
    third = copy.run(*command, cwd=tmp_path)
    assert third.stderr == "" and "4 finished (4 before)" in third.stdout
    copy.put_back()
    assert "4 finished (4 before)" in copy.run(*command, cwd=tmp_path).stdout


def test_a_comment_changes_nothing(copy, keys, tmp_path):
    command = (*keys, "activation=relu", "out=run")
    assert copy.run(*command, cwd=tmp_path).returncode == 0
    copy.edit(f"{RELU}\n", f"{RELU}  # max(z, 0)\n")
    again = copy.run(*command, cwd=tmp_path)
    assert again.returncode == 0 and again.stderr == "" and "finished already" in again.stdout


def test_a_run_that_was_cut_off_does_not_go_on_by_other_code(copy, keys, tmp_path):
    (tmp_path / "cut.py").write_text(CUT)
    cut = copy.run("run", *keys, "activation=relu", "epochs=9", "stop_on=none", cwd=tmp_path, module="cut")
    assert cut.stdout.splitlines()[-1] == "interrupted", cut.stderr
    before, run = tree(tmp_path / "run"), tmp_path / "run"
    copy.edit()
    here = identity_of(copy)
    same = copy.run(*keys, "activation=relu", "epochs=9", "stop_on=none", "out=run", cwd=tmp_path)
    why = f"made by other code of npdigits: {NUMERICS} there, {here} here"
    assert same.returncode == BAD_INPUT
    assert same.stderr == f"npdigits: out={run}: holds another run ({why}); choose another directory or empty it\n"
    resumed = copy.run("resume=run", cwd=tmp_path)
    assert resumed.returncode == BAD_INPUT
    assert resumed.stderr == (
        f"npdigits: resume={run}: begun by other code of npdigits ({NUMERICS} there, {here} here): the package as it "
        "was before it was edited resumes it\n"
    )
    assert tree(tmp_path / "run") == before
    # It is still one to look at.
    assert copy.run("run", cwd=tmp_path, module="npdigits.evaluate").returncode == 0
    copy.put_back()
    resumed = copy.run("resume=run", cwd=tmp_path)
    assert resumed.returncode == 0 and "going on after epoch" in resumed.stdout


def identity_of(copy):
    """Return the numerics that a copy of the package has."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\nfrom npdigits.config.identity import numerics; print(numerics())"
    )
    return output_of(start_python(code, copy.folder))


def test_a_run_of_edited_code_is_resumed_by_that_code_alone(copy, keys, tmp_path):
    copy.edit()
    there = identity_of(copy)
    mark = there.removeprefix(f"{NUMERICS}+")
    assert copy.run(*keys, "activation=relu", "out=run", cwd=tmp_path).returncode == 0
    grown = copy.run("resume=run", "epochs=3", cwd=tmp_path)
    assert grown.returncode == 0, grown.stderr
    copy.put_back()
    refused = copy.run("resume=run", "epochs=4", cwd=tmp_path)
    assert refused.returncode == BAD_INPUT
    which = f"the code that was edited ({mark} is its digest) resumes it"
    assert refused.stderr.endswith(f"begun by other code of npdigits ({there} there, {NUMERICS} here): {which}\n")


def test_compiled_code_without_its_source_trains_and_says_so(copy, keys, tmp_path):
    copy.run("-q", "-b", str(copy.folder / "npdigits"), cwd=tmp_path, module="compileall")
    for path in (copy.folder / "npdigits").rglob("*.py"):
        path.unlink()
    ended = copy.run(*keys, "out=run", cwd=tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads((tmp_path / "run" / "identity.json").read_text())["numerics"] == f"{NUMERICS}+unread"
    assert yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())["hidden"] == [6]
    again = copy.run(*keys, "out=run", cwd=tmp_path)
    assert again.returncode == 0 and "finished already" in again.stdout


def test_a_directory_is_named_after_code_that_was_edited():
    config = compose(["activation=relu", "seed=3", "augment=elastic", "output=sigmoid", "cost=mse", "momentum=0.5"])
    plain = identity(config, "a" * 64) | {"numerics": 5}
    edited = plain | {"numerics": "5+3fa2c1d8"}
    names = [run_name(config, compose(), one) for one in (plain, edited)]
    assert re.fullmatch(r"activation-relu_.*_seed-3_[0-9a-f]{8}", names[0])
    assert re.fullmatch(r"activation-relu_.*_seed-3_code-3fa2c1d8_[0-9a-f]{8}", names[1])
    assert max(map(len, names)) <= 80 and names[0][-8:] != names[1][-8:]


@pytest.mark.parametrize(
    ("there", "here", "said"),
    [
        (5, "5+3fa2c1d8", "made by other code of npdigits: 5 there, 5+3fa2c1d8 here"),
        ("5+3fa2c1d8", "5+00c0ffee", "made by other code of npdigits: 5+3fa2c1d8 there, 5+00c0ffee here"),
        (
            4,
            "5+3fa2c1d8",
            "made by a version of npdigits that computes other bits; commit 628e8ce of npdigits goes on with it",
        ),
        (4, 5, "made by a version of npdigits that computes other bits; commit 628e8ce of npdigits goes on with it"),
        (5, 6, "made by a version of npdigits that computes other bits; commit d0bc446 of npdigits goes on with it"),
        (None, 5, "made by a version of npdigits that computes other bits"),
    ],
)
def test_in_what_the_code_differs_is_said(there, here, said):
    assert describe_differences({"numerics": there}, {"numerics": here}) == said


def test_a_difference_of_two_runs_names_the_code(tmp_path):
    pair = [str(made_run(tmp_path / name, numerics=of)) for name, of in (("a", 5), ("b", "5+3fa2c1d8"))]
    view, lines = diff_runs(read_runs(pair), *pair)
    assert view.cells[0] == ["numerics", "5", "5+3fa2c1d8"]
    assert lines[0] == "numerics 5+3fa2c1d8: made by code of npdigits that was edited (3fa2c1d8 is its digest)."
    assert "The settings are the same." not in lines


@pytest.mark.parametrize(("typed_value", "value"), [("5", 5), ("5+3fa2c1d8", "5+3fa2c1d8")])
def test_a_baseline_names_the_code(typed_value, value):
    assert parse_baseline(f"numerics={typed_value} hidden=20") == {"numerics": value, "hidden": 20}
