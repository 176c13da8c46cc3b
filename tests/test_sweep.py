"""Sweeps: their names and folders, what is done twice and what is not, and who pays for a failure."""

import csv
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml
from grid import composed
from hypothesis import given
from hypothesis import strategies as st
from made import write_set
from small_sweep import JOBS, keys, results, rows
from typed import tree, typed

from npdigits import train
from npdigits.base import program
from npdigits.base.errors import ConfigError
from npdigits.config.compose import compose
from npdigits.config.conf_files import CONF
from npdigits.config.help import help_text
from npdigits.config.identity import NOT_PART, identity, numerics
from npdigits.runs import outputs, prepare
from npdigits.runs.report import Report
from npdigits.runs.summary import Status, Summary
from npdigits.runs.table import load_runs
from npdigits.sweeps import cluster as cluster_of_dask
from npdigits.sweeps import dispatch, launcher, names, plan, points, sweep, table, worker
from npdigits.sweeps.names import folder_name, run_name, safe_name
from npdigits.sweeps.progress import Progress
from npdigits.sweeps.sweep import run_sweep

FINISHED, BAD_INPUT, INCOMPLETE, DIVERGED = 0, 2, 1, 3


@given(st.text(max_size=400))
def test_no_name_leads_out_of_its_folder_or_is_too_long(text):
    name = safe_name(text)
    assert re.fullmatch(r"[A-Za-z0-9._+-]{1,80}", name)
    assert name not in (".", "..") and not name.endswith(".") and not name.startswith("-")
    assert (Path("/a") / name).resolve().parent == Path("/a")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a/b/../../../esc", "a-b-..-..-..-esc-"),
        ("..", "_-"),
        ("", "_-"),
        ("nul", "_nul-"),
        ("COM1.txt", "_COM1.txt-"),
        ("größe 3", "gr-e-3-"),
    ],
)
def test_odd_texts_become_plain_names_that_keep_apart(text, name):
    assert re.fullmatch(re.escape(name) + "[0-9a-f]{8}", safe_name(text))


@pytest.mark.parametrize("text", ["depth", "hidden_seed_lr-0.1", "a.b+c", "x" * 80])
def test_plain_texts_are_names_as_they_are(text):
    assert safe_name(text) == text


def test_no_two_texts_have_one_name():
    texts = [
        "Größe",
        "Gräße",
        "ä",
        "ö",
        "..",
        ".",
        "_",
        "a/b",
        "a:b*?",
        "a-b",
        "x" * 300,
        "x" * 300 + "y",
        "nul",
        "_nul",
    ]
    assert len({safe_name(text) for text in texts}) == len(texts)
    assert len(safe_name("x" * 300)) == 80


def test_a_sweeps_name_is_of_its_keys_and_never_of_the_values_that_vary():
    assert folder_name(None, ["seed", "hidden"], ["lr=0.1"]) == "hidden_seed_lr-0.1"
    assert (
        folder_name(None, ["hidden", "seed"], ["lr=0.1", "plots=false", "out=x", "workers=2"]) == "hidden_seed_lr-0.1"
    )
    assert folder_name(None, ["seed", "threads"], ["threads=2", "lr=0.1"]) == "seed_lr-0.1"
    assert folder_name(None, ["data"], ["threads=2"]) == "data"
    assert folder_name("width", ["hidden"], []) == "width"
    assert folder_name(None, [], []) == "sweep"


def test_a_runs_name_says_what_differs_from_the_defaults():
    default = compose()
    typed_keys = ["hidden=[30,10]", "lr=0.5", "data=mnist_5k", "plots=false", "workers=0"]
    name = run_name(here := compose(typed_keys), default, identity(here, "0" * 64))
    assert re.fullmatch(r"hidden-30-10_lr-0.5_data-mnist_5k_[0-9a-f]{8}", name)
    assert run_name(default, default, identity(default, "0" * 64)).startswith("default_")
    long = [*typed_keys, "seed=7", "hidden=[]", "initializer=normal", "optimizer=sgd", "momentum=0.25", "l2=1e-4"]
    name = run_name(here := compose([*long, "min_delta=0.125"]), default, identity(here, "0" * 64))
    assert len(name) <= 80
    assert re.fullmatch(r"hidden-none_initializer-normal_optimizer-sgd_momentum-0.25_seed-7_[0-9a-f]{8}", name)
    name = run_name(here := compose([f"hidden={[9] * 90}"]), default, identity(here, "0" * 64))
    assert len(name) <= 80 and name.startswith("hidden-9-9-9-9")
    assert run_name(here, default, identity(here, "1" * 64)) != name


@pytest.fixture
def swept(capsys):
    """Return a function that does a sweep in this process, without starting a program, and returns what is printed."""

    def sweep_it(*words):
        assert run_sweep(*composed([*words, "workers=0", "quiet=false"])) == FINISHED
        return capsys.readouterr().out

    return sweep_it


def test_a_grid_lands_in_one_folder_and_grows_there(idx_set, tmp_path):
    # typed in another directory than the one it is continued from
    first = typed("-m", *keys(idx_set), "seed=0,1", "lr=0.01", "out=grid", cwd=tmp_path)
    folder = tmp_path / "grid"
    assert (first.returncode, first.stderr) == (FINISHED, "")
    assert "2 finished; table: " in first.stdout and first.stdout.splitlines()[-1] == str(folder)
    assert [row["status"] for row in rows(folder)] == ["finished"] * 2
    assert [row["seed"] for row in rows(folder)] == ["0", "1"]
    before = tree(folder)
    (tmp_path / "elsewhere").mkdir()
    more = ["seed=0,1,2", "lr=0.01", "out=../grid", "workers=0"]
    again = typed("-m", *keys(idx_set), *more, cwd=tmp_path / "elsewhere")
    assert again.returncode == FINISHED and "3 runs in" in again.stdout and "2 of them ended before" in again.stdout
    assert "3 finished (2 before)" in again.stdout
    after = tree(folder)
    assert {name: after[name] for name in before if name != "sweep.csv"} == {
        name: content for name, content in before.items() if name != "sweep.csv"
    }
    assert len(results(folder)) == 3


def test_this_process_and_several_leave_the_same_bytes(idx_set, tmp_path):
    # Lists as values; runs that are done alone, that two processes share, and that share two processes.
    grid = ["-m", *keys(idx_set), "hidden=6,[8,5],[]", "seed=0,1"]
    for name, workers, threads in (("alone", 0, 1), ("several", 2, 1), ("shared", 0, 2), ("default", "null", "null")):
        ended = typed(*grid, f"out={name}", f"workers={workers}", f"threads={threads}", cwd=tmp_path)
        assert ended.returncode == FINISHED, ended.stderr
    alone = results(tmp_path / "alone")
    assert len(alone) == 6
    assert alone == results(tmp_path / "several") == results(tmp_path / "shared") == results(tmp_path / "default")
    assert {row["seconds_shared"] for row in rows(tmp_path / "alone")} == {"false"}
    assert {row["seconds_shared"] for row in rows(tmp_path / "several")} == {"true"}


def test_a_point_that_is_not_allowed_is_found_before_the_first_run(idx_set, tmp_path):
    for grid, said in (
        (["hidden=6,7,-3"], "npdigits: hidden=-3: allowed is"),
        (["hidden=6", "batch_size=10,100000"], "npdigits: batch_size=100000: allowed is at most"),
        (["seed=0,1", "out=a,b"], "npdigits: out=a,b: allowed is one for all runs"),
        (["seed=0,1", "resume=x"], "npdigits: resume=x: not allowed in a sweep"),
        (["seed=0,1", "hiden=3"], "npdigits: hiden=3: unknown key; did you mean hidden?"),
        (["hiden=3,4"], "npdigits: hiden=3,4: unknown key; did you mean hidden?"),
        (["seed=0,1", "workers=-1"], "npdigits: workers=-1: allowed is"),
        (["seed=0,1", "hydra.launcher.workers=two"], "npdigits: hydra.launcher.workers=two: allowed is null or an"),
        (["seed=0,1", "hydra.launcher.address=here"], "npdigits: hydra.launcher.address=here: allowed is null or tcp:"),
        (["seed=interval(0,3)"], "npdigits: seed=interval(0,3): allowed in a sweep are lists, choices, ranges and"),
    ):
        out = [] if any(key.startswith("out=") for key in grid) else ["out=sweep"]
        ended = typed("-m", *keys(idx_set), *grid, *out, cwd=tmp_path)
        assert ended.returncode == BAD_INPUT, (grid, ended)
        assert ended.stderr.startswith(said) and ended.stderr.count("\n") == 1, ended.stderr
        assert [path.name for path in tmp_path.iterdir()] == ["idx_set"]


def test_an_address_where_nobody_answers_is_said(idx_set, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster_of_dask, "TO_CONNECT", 0.3)
    nowhere = "tcp://127.0.0.1:1"
    grid = composed([*keys(idx_set), "seed=0,1", f"out={tmp_path}/sweep", f"hydra.launcher.address={nowhere}"])
    with pytest.raises(ConfigError, match=rf"^hydra.launcher.address={nowhere}: no scheduler answers"):
        run_sweep(*grid)
    assert not (tmp_path / "sweep").exists()


def test_what_is_the_same_run_twice_is_done_once(idx_set, tmp_path):
    ended = typed("-m", *keys(idx_set), "lr=0.01,0.010", "out=sweep", "workers=0", cwd=tmp_path)
    assert ended.returncode == FINISHED and len(results(tmp_path / "sweep")) == 1


@pytest.mark.parametrize(
    ("grid", "n", "said"),
    [
        (["l2=0,-0.0", "seed=0,1"], 2, "4 points are 2 different runs: some are the same"),
        (["val_size=null,100"], 1, "2 points are 1 different runs: some are the same"),
        (["threads=1,2"], 1, "2 points are 1 different runs: threads changes no result"),
        (
            ["momentum=0,0.9", "optimizer=adam"],
            1,
            "momentum has no effect in some (it is read with optimizer=sgd only)",
        ),
        (["momentum=0,0.9", "optimizer=adam,sgd"], 3, "4 points are 3 different runs: momentum has no effect in some"),
    ],
)
def test_one_experiment_in_two_spellings_is_one_run(grid, n, said, idx_set, tmp_path, swept):
    out = swept(*keys(idx_set), *grid, f"out={tmp_path}/sweep")
    assert len(results(tmp_path / "sweep")) == len(rows(tmp_path / "sweep")) == n
    assert said in out
    table = load_runs(tmp_path / "sweep")
    assert table.identity.nunique() == len(table) == n


def test_a_sweep_of_before_the_canonical_form_goes_on(idx_set, tmp_path, monkeypatch, capsys):
    """Its runs have other names, and identities that hold what is not read; the same command finds them finished."""
    typed_keys = keys(idx_set, "epochs=1", "momentum=0.5", "stop_on=none,val_cost", "val_size=100", "workers=0")

    def sweep_again():
        grid = composed([*typed_keys, f"out={tmp_path / 'sweep'}", "quiet=false"])
        assert run_sweep(*grid) == FINISHED
        return capsys.readouterr().out

    with monkeypatch.context() as before:
        for module in (plan, prepare):
            before.setattr(module, "in_canonical_form", lambda config, *_: config)
            before.setattr(module, "identity", raw_identity)
        before.setattr(names, "implied", lambda values: {})
        sweep_again()
    there = results(tmp_path / "sweep")
    assert any("momentum-0.5" in name and "min_delta-0.0" in name for name in there)
    assert "2 of them ended before" in sweep_again()
    assert results(tmp_path / "sweep") == there
    # A run by a name of today beside them is the same configuration, and stands in the same row.
    alone = [one for one in typed_keys if not one.startswith(("stop_on", "workers", "momentum", "val_size"))]
    train.run(compose([*alone, "seed=1"]), tmp_path / "sweep" / "alone")
    table = load_runs(tmp_path / "sweep")
    assert table.configuration[table.stop_on == "val_cost"].nunique() == 1 and len(table) == 3
    # And each by itself goes on by its own command, without a word of another run.
    first = next(name for name in there if "stop_on-none" in name)
    capsys.readouterr()
    again = [one for one in typed_keys if not one.startswith(("stop_on", "workers"))]
    summary = train.run(compose([*again, "stop_on=none", "epochs=1"]), tmp_path / "sweep" / first)
    assert summary["status"] == "finished" and "already" in capsys.readouterr().out


def raw_identity(config, data_sha256, *_):
    """As it was before: every key as it was typed."""
    keys_ = {key: value for key, value in config.as_dict().items() if key not in NOT_PART}
    return {**keys_, "data_sha256": data_sha256, "numerics": numerics()}


def test_what_is_typed_of_the_sweep_is_no_override_of_its_runs(idx_set, tmp_path):
    grid = ["-m", *keys(idx_set), "seed=0,1", "out=sweep", "name=x", "workers=0"]
    assert typed(*grid, cwd=tmp_path).returncode == FINISHED
    for path in (tmp_path / "sweep").glob("*/overrides.yaml"):
        kept = yaml.safe_load(path.read_text())
        assert not any(one.startswith(("out=", "name=", "workers=")) for one in kept)
        # Typed alone they are this very run.
        alone = typed(*kept, f"out={path.parent}", cwd=tmp_path)
        assert "this run is finished already" in alone.stdout, alone.stderr


def test_a_sweep_over_a_regularizer_names_the_others_that_are_on(idx_set, tmp_path, swept):
    grid = keys(idx_set)
    on = "also on in all of them: weight_decay=0.06, stop_on=val_cost (off: weight_decay=0 stop_on=none)"
    end = swept(*grid, "l2=0,1e-3", f"out={tmp_path}/sweep")
    begin = end.splitlines()[0]
    assert begin == f"of the regularizers, {on}" and f"Of the regularizers, {on}." in end
    alone = swept(*grid, "l2=0,1e-3", "weight_decay=0", "stop_on=none", f"out={tmp_path}/other")
    none = swept(*grid, "seed=0,1", f"out={tmp_path}/third")
    assert "2 finished" in alone and "2 finished" in none and "egularizers" not in alone + none


def test_a_value_that_follows_from_another_is_in_no_name_and_no_column(idx_set, tmp_path, swept):
    out = swept(*keys(idx_set), "stop_on=none,gap,val_cost", f"out={tmp_path}/sweep")
    names = sorted(path.parent.name for path in (tmp_path / "sweep").glob("*/summary.json"))
    assert not any("min_delta" in name for name in names) and sum("stop_on-none" in name for name in names) == 1
    assert "min_delta" not in out + (tmp_path / "sweep" / "sweep.csv").read_text()
    swept(*keys(idx_set), "val_size=0", "seed=0,1", f"out={tmp_path}/second")
    names = [path.parent.name for path in (tmp_path / "second").glob("*/summary.json")]
    assert names and all("val_size-0" in name and "stop_on" not in name for name in names)
    # One that was chosen is in both.
    swept(*keys(idx_set), "min_delta=0.5", "stop_on=gap,none", f"out={tmp_path}/third")
    assert any("min_delta-0.5" in path.name for path in (tmp_path / "third").iterdir())


def test_a_run_that_finished_before_its_process_was_killed_is_finished_and_drawn(idx_set, tmp_path):
    grid = ["-m", *keys(idx_set, "plots=true"), "seed=0,1", "out=sweep", "workers=0"]
    assert typed(*grid, cwd=tmp_path).returncode == FINISHED
    path = next((tmp_path / "sweep").glob("*/summary.json")).parent
    (path / "plots" / "weights.png").unlink()  # as far as the drawing had come
    point = points.Point((), compose(), json.loads((path / "identity.json").read_text()), path.name)
    killed = points.Outcome(point, Status.FAILED, dispatch.PROCESS_KILLED)
    seen = sweep._look_again(killed, tmp_path / "sweep")
    assert (seen.status, seen.reason, seen.before) == ("finished", "", False)
    ended = typed(*grid, cwd=tmp_path)
    assert ended.returncode == FINISHED and "1 of them ended before" in ended.stdout
    assert (path / "plots" / "weights.png").exists()


def test_runs_that_learned_nothing_are_named_at_the_end(idx_set, tmp_path, swept):
    out = swept(*keys(idx_set), "initializer=zeros,xavier_he", "lr=1e-9,0.01", f"out={tmp_path}/sweep")
    line = next(line for line in out.splitlines() if "at chance" in line)
    assert line.startswith("3 of 4 runs read no better than at chance: ") and line.count("initializer-zeros") == 2


def test_one_that_diverges_costs_only_itself_and_is_listed(idx_set, tmp_path):
    grid = ["-m", *keys(idx_set), "optimizer=sgd", "lr=0.01,1e30", "out=sweep"]
    ended = typed(*grid, cwd=tmp_path)
    assert ended.returncode == DIVERGED
    assert [row["status"] for row in rows(tmp_path / "sweep")] == ["finished", "diverged"]
    why = "the cost stopped being finite in epoch 1"
    for _ in range(2):  # also of what diverged before
        assert re.search(rf"WARNING: diverged: .*lr-1e\+30.*: {why}; .*train\.log", ended.stderr)
        assert "1 finished" in ended.stdout and "1 diverged" in ended.stdout
        assert [row["reason"] for row in rows(tmp_path / "sweep")] == ["", why]
        ended = typed(*grid, cwd=tmp_path)


def test_a_smaller_grid_leaves_the_others_in_the_table(idx_set, tmp_path):
    for seeds in ("0,1,2", "1"):
        ended = typed("-m", *keys(idx_set), f"seed={seeds}", "lr=0.01", "out=sweep", "workers=0", cwd=tmp_path)
        assert ended.returncode == FINISHED, ended.stderr
    assert [(row["seed"], row["status"]) for row in rows(tmp_path / "sweep")] == [
        *(("1", "finished"), ("0", "finished"), ("2", "finished"))
    ]


def test_a_key_that_no_run_reads_is_warned_about_once(idx_set, tmp_path):
    grid = [*keys(idx_set), "activation=tanh,relu", "leak=0.1", "out=sweep", "workers=0"]
    ended = typed("-m", *grid, cwd=tmp_path)
    assert ended.stderr == "npdigits: WARNING: leak=0.1 has no effect: it is read with activation=leaky_relu only\n"
    assert "activation  n  val_accuracy %" in ended.stdout and "McNemar" in ended.stdout


FAULTS = """
import os, signal, sys
if os.environ.get("NPDIGITS_FAULTS") == "yes":
    from npdigits.base import random
    original = random.stream
    def stream(seed, purpose, *numbers):
        if purpose == "shuffle" and numbers[0] == 2:
            if seed in (3, 11, 17):
                raise RuntimeError(f"on purpose, seed {seed}")
            if seed == 20:
                with open(os.environ["NPDIGITS_KILLS"], "a") as kills:
                    kills.write("x")
                os.kill(os.getpid(), signal.SIGKILL)
        return original(seed, purpose, *numbers)
    random.stream = stream
"""
# The jobs of which three raise and one kills its process, as long as the faults are there.
BROKEN = {3: "failed", 11: "failed", 17: "failed", 20: "failed"}


@pytest.fixture
def faulty(tmp_path, monkeypatch):
    """Let every Python process that is started from here on have the faults; they are mended by FAULTS=no."""
    (tmp_path / "faults").mkdir()
    (tmp_path / "faults" / "sitecustomize.py").write_text(FAULTS)
    path = [str(tmp_path / "faults"), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, path)))
    monkeypatch.setenv("NPDIGITS_FAULTS", "yes")
    monkeypatch.setenv("NPDIGITS_KILLS", str(tmp_path / "kills"))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The 24 jobs, done one after the other without a fault; and the data set."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NPDIGITS_CACHE", str(folder / "cache"))
        idx_set = write_set(folder / "idx_set")
        ended = typed("-m", *keys(idx_set), *JOBS, "out=sweep", "workers=0", cwd=folder)
    assert ended.returncode == FINISHED, ended.stderr
    return idx_set, results(folder / "sweep")


def finished(folder):
    """The finished runs with all their files, which must not change any more."""
    runs = [path.parent for path in folder.glob("*/summary.json")]
    return {
        run.name: tree(run) for run in runs if json.loads((run / "summary.json").read_text())["status"] == "finished"
    }


def processes_of(folder):
    """The living processes that were started with this folder in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            zombie = (process / "stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
            if not zombie and str(folder).encode() in (process / "environ").read_bytes():
                found.append(int(process.name))
        except OSError:  # gone meanwhile
            continue
    return found


@pytest.mark.alone
@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_a_sweep_with_faults_that_is_cut_off_five_times_is_the_undisturbed_one(undisturbed, tmp_path, faulty):
    idx_set, expected = undisturbed
    folder = tmp_path / "sweep"
    command = [sys.executable, "-m", "npdigits.train", "-m", *keys(idx_set), *JOBS, f"out={folder}"]
    environment = {**os.environ, "NPDIGITS_MARK": str(tmp_path)}
    rng = random.Random(5)
    untouched = {}
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL, signal.SIGKILL, signal.SIGINT):
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        time.sleep(rng.uniform(0.5, 4))
        # A terminal's Ctrl-C goes to all processes of the group, a job system's SIGTERM likewise.
        (os.kill if number == signal.SIGKILL else os.killpg)(process.pid, number)
        patience = 30 if number == signal.SIGKILL else 5
        _, err = process.communicate(timeout=patience)
        deadline = time.monotonic() + patience
        while processes_of(tmp_path):
            assert time.monotonic() < deadline, f"{processes_of(tmp_path)} outlive signal {number}"
            time.sleep(0.05)
        assert "Traceback" not in err, err
        now = finished(folder)
        assert {name: now[name] for name in untouched} == untouched, "a finished run was touched"
        untouched = now
    for _ in range(2):  # what fails is tried again, and fails again
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
        assert ended.returncode == INCOMPLETE, ended
        assert "20 finished" in ended.stdout and "4 failed" in ended.stdout
        assert {int(row["seed"]): row["status"] for row in rows(folder) if row["status"] != "finished"} == BROKEN
        listed = re.findall(r"WARNING: failed: \S*_(seed-\d+)_\S*: (.*); (\S+train\.log)", ended.stderr)
        assert [name for name, _, _ in listed] == ["seed-3", "seed-11", "seed-17", "seed-20"]
        assert listed[0][1] == "RuntimeError: on purpose, seed 3"
        assert "its process was killed" in listed[3][1]
        assert "Traceback (most recent call last)" in Path(listed[0][2]).read_text()
        statuses = {json.loads(path.read_text())["status"] for path in folder.glob("*/summary.json")}
        assert statuses == {"finished", "failed"}
        now = finished(folder)
        assert {name: now[name] for name in untouched} == untouched
        untouched = now
    ended = subprocess.run(
        command, env={**environment, "NPDIGITS_FAULTS": "no"}, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == FINISHED, ended
    assert "24 finished (20 before)" in ended.stdout
    assert results(folder) == expected
    now = finished(folder)
    assert {name: now[name] for name in untouched} == untouched


def test_a_process_that_is_killed_costs_no_run_that_waits(undisturbed, tmp_path, faulty):
    idx_set, _ = undisturbed
    ended = typed("-m", *keys(idx_set), "seed=20,0,1,2", "out=sweep", "workers=1", cwd=tmp_path)
    assert ended.returncode == INCOMPLETE
    assert [row["status"] for row in rows(tmp_path / "sweep")] == ["failed", *["finished"] * 3]
    assert (tmp_path / "kills").read_text() == "xx"  # the second time it was to blame


def test_a_fault_names_the_log_of_the_run_that_has_its_traceback(idx_set, tmp_path, faulty):
    ended = typed(*keys(idx_set), "seed=3", "out=run", cwd=tmp_path)
    log = tmp_path / "run" / "train.log"
    said = f"npdigits: this is a fault of npdigits: RuntimeError: on purpose, seed 3; the traceback is in {log}\n"
    assert (ended.returncode, ended.stderr) == (program.FAULT, said)
    assert log.read_text().count("Traceback (most recent call last)") == 1
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["status"] == "failed"


def test_a_run_that_was_taken_for_lost_and_finished_all_the_same_counts_as_finished(
    idx_set, tmp_path, monkeypatch, capsys
):
    def launch(runs, job, place, folder, stop, progress):
        """Take the first run for lost; its worker, which was cut off, goes on and finishes it."""
        yield points.Outcome(runs[0], Status.FAILED, "its worker was lost")
        for run in runs:
            outcome = job(run, False, stop)
            if run is not runs[0]:
                yield outcome

    monkeypatch.setattr(launcher, "launch", launch)
    made, *others = composed([*keys(idx_set, "workers=0"), "seed=0,1", f"out={tmp_path}/sweep"])
    assert run_sweep(made, *others) == FINISHED
    out, err = capsys.readouterr()
    assert "2 finished; table" in out and err == ""
    assert [row["status"] for row in rows(tmp_path / "sweep")] == ["finished"] * 2


def test_a_fault_of_the_launching_process_does_not_cost_the_table(idx_set, tmp_path, monkeypatch):
    points, *others = composed([*keys(idx_set, "workers=0"), "seed=0,1", f"out={tmp_path}/sweep"])
    launch = launcher.launch

    def faulty_launch(*arguments):
        yield next(launch(*arguments))
        raise TypeError("on purpose")

    monkeypatch.setattr(launcher, "launch", faulty_launch)
    with pytest.raises(TypeError, match="on purpose"):
        run_sweep(points, *others)
    assert [row["status"] for row in rows(tmp_path / "sweep")] == ["finished", "left"]


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
@pytest.mark.parametrize(
    ("number", "code", "after"),
    [
        (signal.SIGINT, program.INTERRUPTED, 0.0),
        (signal.SIGTERM, program.TERMINATED, 0.0),
        (signal.SIGTERM, program.TERMINATED, 0.3),
        (signal.SIGINT, program.INTERRUPTED, 0.6),
    ],
)
def test_a_signal_while_the_workers_start_ends_in_one_line(undisturbed, tmp_path, number, code, after):
    idx_set, _ = undisturbed
    listen = "from signal import *; signal(SIGINT, default_int_handler)"
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"{listen}; from npdigits.train import main; main()",
            "-m",
            *keys(idx_set),
            *JOBS,
            "out=s",
        ],
        cwd=tmp_path,
        env={**os.environ, "NPDIGITS_MARK": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 30
    while len(processes_of(tmp_path)) < 2:
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.01)
    time.sleep(after)
    os.killpg(process.pid, number)
    _, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (
        code,
        f"npdigits: {'interrupted' if code == program.INTERRUPTED else 'terminated'}\n",
    )
    assert {row["status"] for row in rows(tmp_path / "s")} <= {"left", "interrupted", "finished"}


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_a_second_launch_skips_what_the_first_one_holds(undisturbed, tmp_path):
    idx_set, _ = undisturbed
    folder = tmp_path / "sweep"
    grid = ["-m", *keys(idx_set), "seed=0,1", "epochs=100000", "stop_on=none", f"out={folder}"]
    first = subprocess.Popen(
        [sys.executable, "-m", "npdigits.train", *grid], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 30
        while len(list(folder.glob("*/metrics.csv"))) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        second = typed(*grid, cwd=tmp_path)
        assert second.returncode == INCOMPLETE
        assert "2 held" in second.stdout
        assert len(re.findall(r"WARNING: held: .*another process is writing it", second.stderr)) == 2
        assert first.poll() is None
    finally:
        first.send_signal(signal.SIGTERM)
        code = first.wait(timeout=10)
    assert code == program.TERMINATED
    statuses = [json.loads(path.read_text())["status"] for path in folder.glob("*/summary.json")]
    assert statuses == ["interrupted"] * 2


def test_a_worker_that_sees_another_folder_or_has_no_npdigits_is_refused(tmp_path):
    here = worker.describe_process(tmp_path)
    assert worker.find_mismatch(dict(here), here, tmp_path) == ""
    assert (
        worker.find_mismatch(worker.describe_process(tmp_path / "elsewhere"), here, tmp_path)
        == f"it does not see {tmp_path}"
    )
    other = {**here, "numpy": "1.0", "npdigits": "9.9"}
    assert worker.find_mismatch(other, here, tmp_path) == (
        f"npdigits 9.9 there, {here['npdigits']} here; numpy 1.0 there, {np.__version__} here"
    )
    missing = ModuleNotFoundError("No module named 'npdigits'")
    assert worker.find_mismatch(missing, here, tmp_path).startswith(
        "npdigits cannot be used there: ModuleNotFoundError: No"
    )


def test_other_code_anywhere_in_the_package_is_noticed(tmp_path):
    package = Path(worker.__file__).parents[1]
    shutil.copytree(package, tmp_path / "npdigits")
    assert worker.hash_code(tmp_path / "npdigits").startswith(worker.describe_process(tmp_path)["code"])
    seen = {worker.hash_code(tmp_path / "npdigits")}
    files = ("train.py", "nn/network.py", "training/passes.py", "sweeps/worker.py")
    for name in files:
        with (tmp_path / "npdigits" / name).open("a") as file:
            file.write("# other code\n")
        seen.add(worker.hash_code(tmp_path / "npdigits"))
    assert len(seen) == 1 + len(files)


def test_the_launchers_data_is_what_a_run_takes_or_none(idx_set, tmp_path, no_torchvision):
    from npdigits.sweeps.plan import Source, load_source

    with pytest.raises(Exception, match="data=idx: other digits than those that the sweep was begun with"):
        load_source(Source("idx", "0" * 64, tmp_path, idx_set))
    with pytest.raises(Exception, match="data=mnist is not at hand"):
        load_source(Source("mnist", "0" * 64, tmp_path / "nothing", None))


EXPERIMENTS = sorted(path.stem for path in (CONF / "experiment").glob("*.yaml"))


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_shipped_experiment_says_what_it_is_and_composes(name):
    first, second, *_ = (CONF / "experiment" / f"{name}.yaml").read_text().splitlines()
    assert first == "# @package _global_" and second.startswith("# ")
    assert compose([f"experiment={name}", "race=null"]).name == name
    assert re.search(rf"^experiment={name} +{re.escape(second[2:])}$", help_text(), re.MULTILINE)


def test_the_shipped_experiments():
    grids = ["batch_size", "initializers", "l2", "lr_decay", "patience", "seed_script", "spread", "width"]
    assert sorted([*grids, "european", "race_adam", "race_dropout_l2", "race_sgd"]) == EXPERIMENTS


@pytest.mark.parametrize("option", [[], ["-m"]])
def test_an_experiment_is_a_sweep_with_and_without_m_and_what_is_typed_wins(option, idx_set, tmp_path):
    grid = ["experiment=l2", "l2=0,0.1", "seed=0,1", *keys(idx_set), "out=sweep", "workers=0"]
    ended = typed(*option, *grid, cwd=tmp_path)
    assert ended.returncode == FINISHED, ended.stderr
    assert sorted((row["l2"], row["seed"]) for row in rows(tmp_path / "sweep")) == [
        *(("0.0", "0"), ("0.0", "1"), ("0.1", "0"), ("0.1", "1"))
    ]
    for path in (tmp_path / "sweep").glob("*/config.yaml"):  # the fixed part of the experiment holds as well
        assert "weight_decay: 0.0" in path.read_text()


def test_experiments_by_a_glob_each_have_their_folder(idx_set, tmp_path, monkeypatch):
    monkeypatch.setattr(outputs, "outputs", lambda: tmp_path / "outputs")
    typed_keys = ["experiment=glob([l*,p*])", "seed=0", "l2=0", "lr_decay=1", "patience=2", *keys(idx_set, "workers=0")]
    points, *others = composed(typed_keys)
    assert [configuration.name for _, configuration in points] == ["l2", "lr_decay", "patience"]
    assert run_sweep(points, *others) == FINISHED
    assert sorted(path.name for path in (tmp_path / "outputs").iterdir()) == ["l2", "lr_decay", "patience"]
    assert [len(results(folder)) for folder in (tmp_path / "outputs").iterdir()] == [1, 1, 1]


def test_points_composed_the_fast_way_are_those_of_hydra():
    """What varies in plain values is set by us; each must be what Hydra alone makes of the same words."""
    words = [
        ["hidden=20", "hidden=[300,100]", "hidden=[]", "lr=1e-3", "lr=.5", "l2=0", "betas=[0.5,0.9]", "min_delta=null"],
        ["out='a b'", "plots=true", "activation=relu", "name=x", "seed=7", "quiet=True", "val_size=null"],
    ]
    for word in (word for line in words for word in line):
        key = word.partition("=")[0]
        other = {"hidden": "hidden=3", "out": "out=c", "activation": "activation=tanh", "name": "name=y"}.get(key)
        other = other or {"betas": "betas=[0.1,0.2]", "plots": "plots=false", "quiet": "quiet=false"}.get(
            key, f"{key}=1"
        )
        (_, _), (_, configuration) = composed([f"{key}={other.partition('=')[2]},{word.partition('=')[2]}"])[0]
        assert configuration == compose([word])


def test_the_table_tells_of_every_run():
    default = compose()
    done = Summary(Status.FINISHED, val_accuracy=0.5, seconds=1.5, data="mnist_5k")  # after a fallback
    lines = [
        table.TableLine(default.as_dict(), Status.FINISHED, "a", "", done),
        table.TableLine(default.as_dict(), Status.FAILED, "b", 'it said "no", twice', None),
    ]
    rows_made = [table.table_row(line, ["hidden", "data", "missing"]) for line in lines]
    first, second = csv.DictReader(table.rows_as_csv(rows_made).splitlines())
    assert (first["hidden"], first["data"], first["missing"]) == ("20", "mnist_5k", "")
    assert (first["val_accuracy"], first["val_cost"], first["seconds_shared"]) == ("0.5", "", "false")
    assert (second["status"], second["reason"], second["seconds_shared"]) == ("failed", 'it said "no", twice', "")


def test_how_runs_ended_is_counted():
    point = points.Point((), compose(), {}, "a")
    statuses = ((Status.FINISHED, True), (Status.FAILED, False), (Status.FINISHED, False))
    ended = [points.Outcome(point, status, before=before) for status, before in statuses]
    assert points.count_by_status(ended) == "2 finished (1 before), 1 failed"


def test_the_live_line_counts_each_run_once():
    six = [points.Point((f"lr={i}", "seed=1"), compose(), {}, str(i)) for i in range(6)]
    progress = Progress(6, ["lr"], Report(quiet=True))
    assert progress.line() == "0 finished, 0 running, 0 failed, 6 left"
    progress.at_work(2)
    statuses = (Status.FINISHED, Status.DIVERGED, Status.FAILED)
    for point, status, accuracy in zip(six, statuses, (0.9, 0.1, None), strict=False):
        progress.ended(points.Outcome(point, status, "", Summary(status, val_accuracy=accuracy)))
    line = progress.line()
    assert line.startswith("1 finished, 2 running, 1 failed, 1 diverged, 1 left  0 s left")
    assert line.endswith("best val 90.00% lr=0")
