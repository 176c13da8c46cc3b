"""portable=true: starting again, what is refused, and runs of two processors in one row."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from made import REPOSITORY, read_summary
from made_runs import made_run

import npdigits
from npdigits.base import arithmetic, portable
from npdigits.base.errors import ConfigError
from npdigits.compare.comparison import compare
from npdigits.compare.diff import diff_runs
from npdigits.runs.environment import (
    deciding_versions,
    describe_difference,
    environment_of_run,
    portable_arithmetic,
)
from npdigits.runs.summary import Status
from npdigits.runs.table import read_runs
from npdigits.sweeps import worker
from npdigits.sweeps.points import Outcome
from npdigits.sweeps.sweep import run_sweep

VARIABLES = (portable.CORETYPE, portable.DISABLED, portable.ENABLED)
# The simplest terms in which a NumPy of 2.4 and one of 2.0 tell what they use, on a processor with AVX-512.
NEW = (["X86_V2", "X86_V3", "X86_V4", "AVX512_ICL"], ["AVX512_SPR"])
OLD = (["SSE", "SSE2", "SSE3", *portable.LEVEL[1:], "AVX512F", "AVX512_SKX"], ["AVX512_KNL"])

# Parsing its digits takes seconds of each process whose cache is empty.
pytestmark = pytest.mark.usefixtures("warm_cache")
can = portable._find_obstacle() == ""
here = pytest.mark.skipif(not can, reason="portable=true wants Linux on x86-64 with AVX2")


class Machine:
    """What NumPy and BLAS tell of themselves."""

    features, blas, restarted = NEW, [("openblas", "SkylakeX")], None


@pytest.fixture
def machine(monkeypatch):
    """Make this process another one, which notes with what it would start again."""
    it = Machine()
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)

    def execve(path, arguments, env):
        it.restarted = path, arguments, env

    portable.find_deviation.cache_clear()
    monkeypatch.setattr(portable.sys, "platform", "linux")
    monkeypatch.setattr(portable.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(portable, "_features", lambda: it.features)
    monkeypatch.setattr(portable, "_blas", lambda: it.blas)
    monkeypatch.setattr(portable.os, "execve", execve)
    monkeypatch.setattr(portable, "_can_start_again", lambda: True)
    monkeypatch.setattr(portable, "_is_second", False)
    monkeypatch.setattr(portable, "_is_program", False)
    yield it
    portable.find_deviation.cache_clear()


def train(*typed, env=None, cwd=None, python=("-m", "npdigits.train")):
    """Run the program in a process whose environment says nothing of instructions; return it when it has ended."""
    kept = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    paths = [str(Path(npdigits.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    return subprocess.run(
        [sys.executable, *python, "data=mnist_5k", "hidden=5", "epochs=1", "plots=false", "quiet=true", *typed],
        env={**kept, "PYTHONPATH": os.pathsep.join(filter(None, paths)), **(env or {})},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
    )


def environment_in(run):
    return json.loads((run / "environment.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("features", "names"), [(NEW, "X86_V4 AVX512_ICL AVX512_SPR"), (OLD, "AVX512F AVX512_SKX AVX512_KNL")]
)
def test_a_program_starts_itself_again_with_the_names_that_its_numpy_knows(machine, features, names):
    machine.features = features
    portable.enter()
    path, arguments, env = machine.restarted
    assert (path, arguments) == (sys.executable, [sys.executable, "-X", portable.MARKER, *sys.orig_argv[1:]])
    assert env == {**os.environ, portable.CORETYPE: "Haswell", portable.DISABLED: names}


def test_what_computes_portably_is_left_as_it_is(machine):
    machine.features, machine.blas = (["X86_V2", "X86_V3"], ["X86_V4"]), [("openblas", "Haswell")]
    portable.enter()
    portable.require()
    assert machine.restarted is None


@pytest.mark.parametrize(
    ("features", "kernel", "deviation"),
    [
        (["X86_V2", "X86_V3"], "SkylakeX", "OpenBLAS uses its kernels for SkylakeX"),
        (["X86_V2", "X86_V3", "X86_V4"], "Haswell", "NumPy uses X86_V4"),
        (["X86_V2", "AVX10"], "Haswell", "NumPy uses AVX10"),
        (["X86_V2"], "Haswell", "NumPy does not use AVX2"),
    ],
)
def test_numpy_and_blas_are_both_looked_at(machine, monkeypatch, features, kernel, deviation):
    monkeypatch.setenv(portable.DISABLED, "X86_V3")  # so that its absence is the user's doing
    machine.features, machine.blas = (features, ["X86_V3"]), [("openblas", kernel)]
    assert portable.find_deviation() == deviation


def test_a_program_is_started_again_once(machine, monkeypatch):
    """An OpenBLAS that has the kernels of one processor alone does not heed OPENBLAS_CORETYPE."""
    monkeypatch.setitem(sys._xoptions, portable.MARKER, True)
    portable.begin(["portable=true"])
    with pytest.raises(
        ConfigError, match=r"^portable=true: NumPy uses X86_V4 .*, though the program was started again"
    ):
        portable.enter()
    assert machine.restarted is None


@pytest.mark.parametrize(
    ("typed", "starts"),
    [
        (["portable=true"], True),
        (["-m", "+portable=True", "seed=0,1"], True),
        (["portable=true", "portable=false"], False),
        (["portable=true", "--help"], False),
        (["hidden=20"], False),
    ],
)
def test_the_command_line_alone_may_say_it(machine, typed, starts):
    portable.begin(typed)
    assert (machine.restarted is not None) == starts


def test_what_is_no_program_says_what_to_set(machine, monkeypatch):
    monkeypatch.setattr(portable, "_can_start_again", lambda: False)
    wanted = (
        "portable=true: NumPy uses X86_V4 AVX512_ICL: needed before Python starts is "
        "OPENBLAS_CORETYPE='Haswell' NPY_DISABLE_CPU_FEATURES='X86_V4 AVX512_ICL AVX512_SPR'"
    )
    for ask in (portable.enter, portable.require):
        with pytest.raises(ConfigError) as caught:
            ask()
        assert str(caught.value) == wanted


def test_a_run_from_python_is_refused_before_anything_is_written(machine, tmp_path):
    config = npdigits.compose(["portable=true", "data=mnist_5k", f"out={tmp_path / 'run'}"])
    with pytest.raises(
        ConfigError, match=r"^portable=true: NumPy uses X86_V4 .* needed before Python starts is OPENBLAS"
    ):
        npdigits.run(config)
    with pytest.raises(ConfigError, match=r"^portable=true: NumPy uses X86_V4"):
        run_sweep([([], config)], [], [], {})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"machine": "aarch64"},
            r"this is \w+ on aarch64: allowed is Linux on an x86-64 processor with AVX2, NumPy with",
        ),
        ({"platform": "darwin"}, r"this is .*: allowed is Linux on"),
        (
            {"features": (["X86_V2"], ["X86_V3", "X86_V4"])},
            "this processor, or this NumPy, has no AVX2: allowed is Linux",
        ),
        (
            {"features": (["SSE", "SSE2", "SSE3", "AVX"], ["AVX2", "FMA3"])},
            "this processor, or this NumPy, has no AVX2",
        ),
        ({"features": ([], [])}, "this processor, or this NumPy, has no AVX2"),
        ({"blas": [("mkl", None)]}, "NumPy's BLAS is mkl: allowed is"),
        ({"blas": []}, "NumPy's BLAS is not known: allowed is"),
        ({portable.CORETYPE: "Zen"}, "OPENBLAS_CORETYPE='Zen' is set: allowed with it is Haswell, or nothing"),
        ({portable.ENABLED: "X86_V4"}, "NPY_ENABLE_CPU_FEATURES='X86_V4' is set: allowed with it is nothing"),
        (
            {portable.DISABLED: "X86_V4, X86_V3"},
            "NPY_DISABLE_CPU_FEATURES has X86_V3: allowed with it is what is beyond",
        ),
    ],
    ids=str,
)
def test_what_cannot_be_had_is_refused_in_one_line(machine, monkeypatch, change, message):
    for name, value in change.items():
        if name in VARIABLES:
            monkeypatch.setenv(name, value)
        elif name == "machine":
            monkeypatch.setattr(portable.platform, "machine", lambda value=value: value)
        elif name == "platform":
            monkeypatch.setattr(portable.sys, "platform", value)
        else:
            setattr(machine, name, value)
    portable.begin(["portable=true"])  # which leaves it to what follows
    for ask in (portable.enter, portable.require):
        with pytest.raises(ConfigError, match=rf"^portable=true: {message}") as caught:
            ask()
        assert "\n" not in str(caught.value)
    assert machine.restarted is None


def test_what_the_user_has_set_already_to_the_same_is_no_conflict(machine, monkeypatch):
    monkeypatch.setenv(portable.CORETYPE, "haswell")
    monkeypatch.setenv(portable.DISABLED, "X86_V4,AVX512_ICL")
    portable.enter()
    assert machine.restarted[2][portable.DISABLED] == "X86_V4 AVX512_ICL AVX512_SPR"


@here
def test_a_run_is_portable_however_it_is_asked_for(tmp_path):
    """By the command line, by an experiment's file (which is known only when it is composed), and by resume=."""
    typed = train("portable=true", f"out={tmp_path / 'typed'}")
    assert (typed.returncode, typed.stderr) == (0, "")
    found = environment_in(tmp_path / "typed")
    assert [one["architecture"] for one in found["blas"]] == ["Haswell"]
    assert set(found["numpy_simd"]["found"]) <= set(portable.LEVEL)
    assert json.loads((tmp_path / "typed" / "identity.json").read_text())["portable"] is True
    later = train(f"resume={tmp_path / 'typed'}", "epochs=2")
    assert (later.returncode, later.stderr) == (0, ""), later.stderr
    summary = read_summary(tmp_path / "typed")
    assert (summary["epochs_run"], "bits_may_differ" in summary) == (2, False)
    whole = train("epochs=2", "portable=${quiet}", f"out={tmp_path / 'composed'}")
    assert (whole.returncode, whole.stderr) == (0, "")
    both = [np.load(tmp_path / name / "predictions.npz")["probabilities"] for name in ("typed", "composed")]
    assert both[0].tobytes() == both[1].tobytes()


@here
def test_the_workers_of_a_sweep_are_portable(tmp_path):
    sweep = train("-m", "portable=true", "seed=0,1", "workers=2", f"out={tmp_path / 'sweep'}")
    assert sweep.returncode == 0, sweep.stderr
    runs = sorted((tmp_path / "sweep").glob("*/environment.json"))
    assert len(runs) == 2
    assert {environment_in(run.parent)["blas"][0]["architecture"] for run in runs} == {"Haswell"}
    mixed = train("-m", "portable=true,false", f"out={tmp_path / 'mixed'}")
    assert (mixed.returncode, mixed.stderr) == (2, "npdigits: portable=true,false: allowed is one for all runs\n")
    assert not (tmp_path / "mixed").exists()


@here
def test_a_program_that_cannot_start_again_refuses_before_it_writes(tmp_path):
    code = "import sys; from npdigits.train import main; sys.argv[0] = 'npdigits'; main()"
    told = train(
        "portable=true", f"out={tmp_path / 'run'}", python=("-c", code), env={portable.CORETYPE: "Sandybridge"}
    )
    assert (told.returncode, told.stdout) == (2, "") and not (tmp_path / "run").exists()
    assert told.stderr == (
        "npdigits: portable=true: OPENBLAS_CORETYPE='Sandybridge' is set: allowed with it is Haswell, or nothing\n"
    )
    told = train("portable=true", f"out={tmp_path / 'run'}", python=("-c", code), env={portable.CORETYPE: "Haswell"})
    if told.returncode:  # a processor without AVX-512 needs no more than that
        assert told.stderr.startswith("npdigits: portable=true: NumPy uses ") and told.stderr.count("\n") == 1
        assert not (tmp_path / "run").exists()


@here
def test_a_program_whose_environment_is_emptied_is_started_again_once(tmp_path):
    """By what Python executes first; without the mark on the command line it would start again for ever."""
    emptying = f"import os\nfor name in {VARIABLES}:\n    os.environ.pop(name, None)\n"
    (tmp_path / "sitecustomize.py").write_text(emptying)
    code = Path(npdigits.__file__).parents[1]
    told = train("portable=true", f"out={tmp_path / 'run'}", env={"PYTHONPATH": f"{tmp_path}{os.pathsep}{code}"})
    if told.returncode:  # a processor that OpenBLAS and NumPy know no more of than AVX2 needs no setting
        assert (told.returncode, told.stdout, told.stderr.count("\n")) == (2, "", 1)
        assert "though the program was started again with OPENBLAS_CORETYPE='Haswell'" in told.stderr
    assert (tmp_path / "run").exists() == (not told.returncode)


@here
def test_a_script_that_is_used_up_is_not_started_again(tmp_path):
    """From the standard input: a second Python would find nothing there, and end as if all were done."""
    script = f"""import sys
sys.argv = ["npdigits", "portable=true", "data=mnist_5k", "out={tmp_path}/run"]
from npdigits.console import train
train()
"""
    kept = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    told = subprocess.run([sys.executable, "-"], input=script, env=kept, capture_output=True, text=True, timeout=120)
    assert told.returncode == 2 or (tmp_path / "run" / "summary.json").exists(), told.stderr


def test_a_value_that_is_no_truth_is_refused():
    told = train("portable=Haswell")
    assert (told.returncode, told.stderr.count("\n")) == (2, 1)
    assert told.stderr.startswith("npdigits: portable=Haswell: allowed is true or false")


def test_a_worker_that_computes_otherwise_is_refused_for_portable_runs_alone(tmp_path):
    mine = worker.describe_process(tmp_path)
    other = {**mine, "portable": "NumPy uses X86_V4"}
    assert worker.find_mismatch(other, mine, tmp_path) == ""
    told = worker.find_mismatch(other, mine, tmp_path, portably=True)
    assert told == "portable=true: NumPy uses X86_V4"
    first, second = ({**mine, "portable": f"arithmetic {digits}"} for digits in ("01234567", "89abcdef"))
    told = worker.find_mismatch(first, second, tmp_path, portably=True)
    assert told == "portable arithmetic 01234567 there, arithmetic 89abcdef here"


def test_a_worker_says_what_to_start_it_with(machine, tmp_path):
    """Its NumPy may know other names than the launching process's."""
    machine.features = OLD
    wanted = "OPENBLAS_CORETYPE='Haswell' NPY_DISABLE_CPU_FEATURES='AVX512F AVX512_SKX AVX512_KNL'"
    described = worker.describe_process(tmp_path)["portable"]
    assert described == f"NumPy uses AVX512F AVX512_SKX: needed before Python starts is {wanted}"
    machine.blas = [("mkl", None)]
    portable.find_deviation.cache_clear()
    assert worker.describe_process(tmp_path)["portable"].startswith("NumPy's BLAS is mkl: allowed is Linux on")


def test_a_worker_begins_no_portable_run_that_it_would_compute_otherwise(tmp_path, monkeypatch):
    task = SimpleNamespace(state="executing")
    here = SimpleNamespace(get_current_task=lambda: "run", state=SimpleNamespace(tasks={"run": task}))
    monkeypatch.setattr(worker, "get_worker", lambda: here)
    expected = {**worker.describe_process(tmp_path), "portable": "arithmetic 01234567"}
    begun = []

    def job(point, shared, stop):
        begun.append(point)
        return Outcome(point, Status.FINISHED)

    plain, portably = (SimpleNamespace(config=SimpleNamespace(portable=value)) for value in (False, True))
    refused = worker.run_point(job, "launch", expected, False, portably).refused
    assert refused.startswith("portable") and ("there, arithmetic 01234567 here" in refused or "CORETYPE" in refused)
    assert worker.run_point(job, "launch", expected, False, plain).refused == ""
    assert begun == [plain]


PROCESSOR = {
    "python": "3.13.5",
    "processor": "AMD EPYC 7763",
    "packages": {"numpy": "2.5.5"},
    "c_library": "glibc 2.41",
}
OTHER = {"python": "3.11.2", "processor": "Intel Core i7", "packages": {"numpy": "2.4.6"}, "c_library": "glibc 2.36"}


def environments(*portable_parts):
    """Return the environments of two machines that have nothing in common but what they compute."""
    found = []
    for machine, part in zip((PROCESSOR, OTHER, OTHER), portable_parts, strict=False):
        blas = {"internal_api": "openblas", "version": f"0.3.{len(found)}", "architecture": f"kernel {len(found)}"}
        simd = {"found": [f"feature {len(found)}"]}
        found.append({**machine, "blas": [blas], "numpy_simd": simd, **({"portable": part} if part else {})})
    return found


ANY = "portable: any x86-64 processor since AVX2"
SAME = {"arithmetic": {"exp float32": "84262e80", "log1p float32": "00000000"}, "own_code": False}
CHANGED = {**SAME, "arithmetic": {**SAME["arithmetic"], "log1p float32": "11111111"}}


@pytest.mark.parametrize(
    ("parts", "rows", "difference"),
    [
        ((None, None), 2, "numpy 2.5.5, processor AMD EPYC 7763, numpy_simd "),
        ((SAME, SAME), 1, ""),
        ((SAME, CHANGED), 2, "other results of log1p float32"),
        (({**SAME, "own_code": True},) * 2, 2, "numpy 2.5.5, blas ['0.3.0'], c_library glibc 2.41, python 3.13"),
    ],
    ids=["not portable", "portable", "another C library", "own code"],
)
def test_runs_of_two_processors_are_one_row_where_they_compute_alike(tmp_path, parts, rows, difference):
    found = environments(*parts)
    typed = ["portable=true"] if parts[0] else []
    for seed, environment in enumerate(found):
        run = made_run(tmp_path / f"run{seed}", 0.95, *typed, f"seed={seed}")
        (run / "environment.json").write_text(json.dumps(environment))
    runs = read_runs([tmp_path])
    comparison = compare(runs, ("val_accuracy",))
    assert [len(row) for row in comparison.rows] == ([2] if rows == 1 else [1, 1])
    assert len(comparison.environments) == rows
    assert describe_difference(*found).startswith(difference) and bool(describe_difference(*found)) == bool(difference)
    if rows == 1:
        assert list(comparison.environments.values()) == [ANY]


OWN = f"{ANY}, own code with NumPy 2.4.6, BLAS 0.3.1, glibc 2.36, Python 3.11"
PLAIN = {"arithmetic": {"exp float32": "84262e80"}, "own_code": False}


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ((PLAIN, SAME), [ANY]),
        (
            (PLAIN, {**SAME, "own_code": True}),
            [OWN],
        ),
        (
            (SAME, CHANGED),
            [f"{ANY}; results of log1p float32 (00000000)", f"{ANY}; results of log1p float32 (11111111)"],
        ),
        (
            (PLAIN, SAME, CHANGED),  # of which the first is like either of two that differ
            [f"{ANY}; results of log1p float32 ({digits})" for digits in ("00000000", "11111111", "not used")],
        ),
        (
            ({**SAME, "own_code": True},) * 2,
            [
                OWN,
                f"{ANY}, own code with NumPy 2.5.5, BLAS 0.3.0, glibc 2.41, Python 3.13",
            ],
        ),
    ],
    ids=["a part", "a part of own code's", "other results", "a part of two", "own code"],
)
def test_portable_environments_stand_together_where_they_agree_and_say_in_what_they_differ(tmp_path, parts, told):
    """A network with softplus uses more operations than another one, and is compared with it all the same."""
    found = environments(*parts)
    for seed, environment in enumerate(found):
        run = made_run(tmp_path / f"run{seed}", 0.95, "portable=true", f"seed={seed}")
        (run / "environment.json").write_text(json.dumps(environment))
    runs = read_runs([tmp_path])
    assert sorted(runs.environments.values()) == told
    assert set(runs.table.environment) == set(runs.environments)
    assert sorted(compare(runs, ("val_accuracy",)).environments.values()) == told
    _, lines = diff_runs(runs, *(str(tmp_path / f"run{seed}") for seed in (0, 1)))
    said = [line for line in lines if line.startswith("environment ")]
    assert len(said) == 2 * (len(told) > 1) and all(line.partition(": ")[2] in told for line in said)


def test_operations_that_a_run_does_not_use_do_not_decide(tmp_path):
    plain = portable_arithmetic(npdigits.compose(["portable=true"]))
    soft = portable_arithmetic(npdigits.compose(["portable=true", "activation=softplus"]))
    assert portable_arithmetic(npdigits.compose(["activation=softplus", "dtype=float64"])) == plain
    assert portable_arithmetic(npdigits.compose(["augment=elastic"])) == plain
    assert set(soft["arithmetic"]) - set(plain["arithmetic"]) == {"log1p float32", "expm1 float32"}
    assert deciding_versions({"portable": plain, "processor": "this"}) == {"portable": plain["arithmetic"]}


def test_a_run_that_goes_on_without_its_environment_says_so():
    said = []
    for portably in (False, True):
        config = npdigits.compose([f"portable={str(portably).lower()}"])
        assert "earlier" not in environment_of_run(config, None, said.append) and not said
        found = environment_of_run(config, {}, said.append)
        assert "earlier" not in found and ("portable" in found) == portably
        assert said.pop() == (
            "environment.json is lost or damaged: this run may have been begun where other bits come out"
        )


def test_arithmetic_that_differs_is_noticed(monkeypatch):
    before = arithmetic.digests()
    arithmetic.digests.cache_clear()
    exp = np.exp
    monkeypatch.setattr(arithmetic.np, "exp", lambda x: np.nextafter(exp(x), 0, dtype=x.dtype))
    try:
        after = arithmetic.digests()
    finally:
        arithmetic.digests.cache_clear()
    assert {name for name in before if before[name] != after[name]} == {"exp float32", "exp float64"}


def test_every_operation_of_some_runs_is_one_of_arithmetics():
    from npdigits.runs.environment import OF_SOME_RUNS

    assert set(OF_SOME_RUNS) <= set(arithmetic.digests())


def test_the_console_and_the_module_are_programs_that_may_start_again():
    for name in ("console.py", "train.py"):
        text = (REPOSITORY / "npdigits" / name).read_text(encoding="utf-8")
        assert text.count('start("npdigits", "npdigits.train", trains=True)') == 1
