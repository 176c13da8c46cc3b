"""Runs and sweeps with the user's own code: what they leave, when they go on, and that no code runs untrusted."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml
from small_sweep import keys, rows
from typed import typed

import npdigits
from npdigits.base.errors import ConfigError, OwnCodeError, RunDirError
from npdigits.config.compose import compose
from npdigits.runs import trained
from npdigits.runs.kept_code import read_kept
from npdigits.runs.metrics import read_metrics
from npdigits.runs.run import run

FINISHED, BAD_INPUT = 0, 2
MINE = """
import numpy as np

def swish(z, *, beta: float = 1.0):
    return z / (1 + np.exp(-beta * z))

def d_swish(z, a, *, beta: float = 1.0):
    return beta * a + (1 - beta * a) / (1 + np.exp(-beta * z))

def Lion(theta, g, m, *, lr, beta1: float = 0.9, beta2: float = 0.99):
    return theta - lr * np.sign(beta1 * m + (1 - beta1) * g), beta2 * m + (1 - beta2) * g

def top(p, y, *, k: int = 2):
    return (np.argsort(p, axis=1)[:, -k:] == y[:, None]).any(axis=1).mean()

def ramp(epoch, *, lr, start: float = 0.5):
    return lr * min(1.0, start + epoch / 10)

def until_end(epoch, *, lr, epochs):
    return lr * (1 - epoch / epochs)

def third(val_costs, gaps, *, n: int = 3):
    return len(val_costs) >= n

def small(rng, fan_in, fan_out, *, gain: float = 0.5):
    return gain * rng.normal(size=(fan_out, fan_in)) / np.sqrt(fan_in)

def nll(z, y):
    p = np.exp(z - z.max(axis=1, keepdims=True))
    return -np.log((p / p.sum(axis=1, keepdims=True))[np.arange(len(y)), y])

def d_nll(z, y):
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(y)), y] -= 1
    return p

def digits(*, noise: int = 0):
    rng = np.random.default_rng(0)
    y = np.arange(400) % 4
    x = np.zeros((400, 6, 6), np.uint8)
    x[np.arange(400), y, y] = 255 - rng.integers(0, 1 + noise, 400)
    x[:, 5, 5] = np.arange(400) // 5  # the test set has other images than the training set
    return x[:300], y[:300], x[300:], y[300:]

class Fast:
    def __init__(self, *, slope: float = 0.1):
        self.slope = slope

    def apply(self, z):
        np.maximum(z, self.slope * z, out=z)

    def backward(self, delta, a):
        delta *= np.where(a > 0, 1, self.slope).astype(a.dtype)
"""
ALL = [
    *("activation=mine.py:swish", "optimizer=mine.py:Lion", "lr=0.002", "metrics=[mine.py:top]"),
    *("schedule=mine.py:ramp", "stop_on=mine.py:third", "third.n=4", "initializer=mine.py:small", "cost=mine.py:nll"),
]


@pytest.fixture(autouse=True)
def mine(tmp_path, monkeypatch):
    """The user's file, where the user stands."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(MINE, encoding="utf-8")
    return tmp_path / "mine.py"


def edit(mine, before="1 + np.exp(-beta * z)", after="1 + np.exp(-beta * z) * 1.5"):
    assert before in MINE
    mine.write_text(MINE.replace(before, after), encoding="utf-8")


def small_run(idx_set, *overrides, epochs=3):
    return compose([*keys(idx_set), f"epochs={epochs}", "quiet=true", *overrides])


def npz_bytes(path):
    return {file.name: file.read_bytes() for file in path.rglob("*.npz")}


def test_every_kind_of_component_at_once(idx_set, tmp_path):
    summary = run(small_run(idx_set, *ALL, epochs=9), "run")
    assert (summary["status"], summary["stopped_by"].partition("@")[0], summary["epochs_run"]) == (
        "finished",
        "third",
        4,
    )
    metrics = read_metrics(tmp_path / "run")
    assert metrics["lr"] == pytest.approx([0.001, 0.0012, 0.0014, 0.0016])
    best = summary["best_epoch"] - 1
    own = {name: metrics[name][best] for name in ("train_top", "val_top", "test_top")}
    assert summary["own_metrics"] == own and all(0.2 < value <= 1 for value in own.values())
    table = npdigits.load_runs("run").iloc[0]
    assert table["val_top"] == own["val_top"] and table["top.k"] == 2 and table["swish.beta"] == 1.0
    assert (table["activation"], len(table["activation"])) == ("swish@" + table["optimizer"][5:], 14)


def test_an_own_figure_is_what_the_predictions_say(idx_set, tmp_path):
    summary = run(small_run(idx_set, "metrics=[mine.py:top]", "top.k=3"), "run")
    with np.load("run/predictions.npz") as arrays:
        p, labels = arrays["probabilities"], arrays["labels"]
    hits = [label in np.argsort(row)[-3:] for row, label in zip(p, labels, strict=True)]
    assert summary["own_metrics"]["test_top"] == pytest.approx(np.mean(hits))


def test_own_functions_leave_the_bytes_of_the_built_in_ones_they_equal(idx_set, mine):
    with mine.open("a", encoding="utf-8") as file:
        file.write("\ndef th(z):\n    return np.tanh(z)\n\ndef d_th(z, a):\n    return 1 - a * a\n")
    run(small_run(idx_set, "activation=tanh"), "ours")
    run(small_run(idx_set, "activation=mine.py:th"), "own")
    with np.load("ours/checkpoints/best.npz") as ours, np.load("own/checkpoints/best.npz") as own:
        assert all((ours[name] == own[name]).all() for name in ("W1", "b1", "W2", "b2"))


@pytest.mark.skipif(sys.platform != "linux", reason="only on Linux do processes share a run")
@pytest.mark.parametrize("whole", [(), ("activation=mine.py:swish",), ("cost=mine.py:nll",)])
def test_two_processes_share_a_run_of_own_components_and_change_no_bit(idx_set, tmp_path, capsys, whole):
    """But for those that may compute with all numbers of a batch at once: one process does such a run."""
    own = [*(one for one in ALL if not one.startswith(("activation", "cost"))), *whole, "hidden=40"]
    alone = run(small_run(idx_set, *own, "threads=1"), "alone")
    assert capsys.readouterr().err == ""
    shared = run(small_run(idx_set, *own, "threads=2"), "shared")
    why = "may compute with all numbers of a batch at once"
    said = [f"npdigits: WARNING: threads=2 has no effect: {one} {why}\n" for one in whole]
    assert capsys.readouterr().err == "".join(said)
    assert {**shared, "seconds": 0} == {**alone, "seconds": 0} and shared["status"] == "finished"
    assert npz_bytes(tmp_path / "shared") == npz_bytes(tmp_path / "alone")


def test_a_class_that_works_in_place_is_an_activation(idx_set):
    run(small_run(idx_set, "activation=leaky_relu", "leak=0.1"), "ours")
    run(small_run(idx_set, "activation=mine.py:Fast"), "own")
    assert npdigits.load_metrics("ours").drop(columns="run").equals(npdigits.load_metrics("own").drop(columns="run"))


def test_a_run_that_was_cut_off_goes_on_with_the_same_code_alone(idx_set, tmp_path, mine):
    config = small_run(idx_set, *ALL[:4], epochs=6)
    whole = run(config, "whole")
    seen = []
    cut = run(config, "cut", stop=lambda: len(seen) >= 2, listeners=[_Counting(seen)])
    assert (cut["status"], cut["epochs_run"]) == ("interrupted", 2)
    edit(mine)
    with pytest.raises(RunDirError, match=r"activation=swish@.{8} there, swish@.{8} here: the code of swish has"):
        run(small_run(idx_set, *ALL[:4], epochs=6), "cut")
    assert json.loads(Path("cut/summary.json").read_text())["epochs_run"] == 2
    mine.write_text(MINE, encoding="utf-8")
    assert run(small_run(idx_set, *ALL[:4], epochs=6), "cut")["val_cost"] == whole["val_cost"]
    assert npz_bytes(tmp_path / "cut") == npz_bytes(tmp_path / "whole")


class _Counting:
    def __init__(self, seen):
        self.seen = seen

    def begun(self, record):
        pass

    def epoch_ended(self, record, epoch):
        self.seen.append(epoch)

    def ended(self, record):
        pass


def test_resume_executes_the_kept_code_only_when_trusted(idx_set, tmp_path, mine):
    run(small_run(idx_set, *ALL[:4], "schedule=mine.py:ramp"), "run")
    whole = run(small_run(idx_set, *ALL[:4], "schedule=mine.py:ramp", epochs=5), "whole")
    mine.write_text("open('executed', 'w').close()\n" + MINE, encoding="utf-8")
    refused = typed("resume=run", "epochs=5", cwd=tmp_path)
    assert refused.returncode == BAD_INPUT and refused.stderr.count("\n") == 1
    code = read_kept(tmp_path / "run")
    assert next(iter(code.values())).sha256 in refused.stderr and "--trust" in refused.stderr
    done = typed("resume=run", "epochs=5", "--trust", cwd=tmp_path)
    assert done.returncode == FINISHED and done.stderr.startswith("npdigits: WARNING: trusted: ")
    assert not (tmp_path / "executed").exists()
    assert json.loads(Path("run/summary.json").read_text())["val_cost"] == whole["val_cost"]


def test_a_schedule_that_reads_the_epochs_cannot_be_made_longer(idx_set):
    run(small_run(idx_set, "schedule=mine.py:until_end"), "run")
    with pytest.raises(ConfigError, match=r"schedule=until_end@.{8} depends on epochs=3"):
        run(compose(["resume=run", "epochs=5", "trust=true"]), overrides=["resume=run", "epochs=5", "trust=true"])


def test_nothing_of_a_run_directory_is_executed_untrusted(idx_set, tmp_path, mine):
    mine.write_text(MINE + "\nopen('executed', 'a').close()\n", encoding="utf-8")
    run(small_run(idx_set, *ALL), "run")
    (tmp_path / "executed").unlink()
    mine.unlink()
    script = [
        "import npdigits, sys",
        "from npdigits.runs import trained",
        "from npdigits.base.errors import UntrustedError",
        "from pathlib import Path",
        "npdigits.load_runs('run'); npdigits.load_metrics('run')",
        "for load in (npdigits.Classifier.load, lambda run: trained.load_trained(Path(run))):",
        "    try:",
        "        load('run')",
        "        sys.exit('executed')",
        "    except UntrustedError:",
        "        pass",
    ]
    subprocess.run([sys.executable, "-c", "\n".join(script)], check=True, cwd=tmp_path)
    for program in (["evaluate", "run"], ["export", "run", "--html", "page.html"], ["train", "resume=run", "epochs=9"]):
        ended = typed(*program[1:], cwd=tmp_path, module=f"npdigits.{program[0]}")
        assert ended.returncode == BAD_INPUT and "--trust" in ended.stderr, ended
    for program in (["compare", "run"], ["compare", "--diff", "run", "run2"], ["plots", "run"]):
        shutil.copytree("run", "run2", dirs_exist_ok=True)
        typed(*program[1:], cwd=tmp_path, module=f"npdigits.{program[0]}")
    assert not (tmp_path / "executed").exists() and not (tmp_path / "page.html").exists()
    trained.load_trained(tmp_path / "run", trust=True)
    assert (tmp_path / "executed").exists()


def test_an_own_optimizer_alone_needs_no_trust_to_be_used(idx_set, tmp_path):
    run(small_run(idx_set, "optimizer=mine.py:Lion", "metrics=[mine.py:top]"), "run")
    images = np.zeros((40, 56), np.uint8)
    images[::2, 3] = 90
    reader = npdigits.Classifier.load("run")
    assert reader.predict(images).shape == (40,)
    with pytest.raises(ValueError, match=r"optimizer=Lion@.*: allowed is FILE\.py:NAME"):  # nor does a new fit trust it
        reader.fit(images, np.arange(40) % 2)
    trusted = npdigits.Classifier.load("run", trust=True).set_params(epochs=1, val_size=0)
    assert trusted.fit(images, np.arange(40) % 2).n_iter_ == 1


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("code/{}/mine.py", MINE.replace("1 +", "2 +"), "is not the code that the run was made with"),
        ("code/{}/mine.py", None, "cannot be read"),
        ("code.json", "[]", "damaged"),
        ("code.json", None, "does not keep this code"),
        ("config.yaml", "activation: mine.py:swish", "does not keep this code"),
    ],
)
def test_kept_code_that_was_altered_is_refused(idx_set, tmp_path, file, content, said):
    run(small_run(idx_set, "activation=mine.py:swish"), "run")
    (digits,) = (path.name for path in (tmp_path / "run" / "code").iterdir())
    path = tmp_path / "run" / file.format(digits)
    if content is None:
        path.unlink()
    elif file == "config.yaml":
        values = yaml.safe_load(path.read_text(encoding="utf-8")) | yaml.safe_load(content)
        path.write_text(yaml.safe_dump(values), encoding="utf-8")
    else:
        path.write_text(content, encoding="utf-8")
    with pytest.raises((RunDirError, OwnCodeError), match=said):
        trained.load_trained(tmp_path / "run", trust=True)


def test_kept_code_leads_nowhere_else(idx_set, tmp_path):
    run(small_run(idx_set, "activation=mine.py:swish"), "run")
    index = json.loads(Path("run/code.json").read_text())
    for entry in index.values():
        entry["files"] = ["../../../mine.py"]
        entry["main"] = "../../../mine.py"
    Path("run/code.json").write_text(json.dumps(index))
    with pytest.raises(RunDirError, match="damaged"):
        trained.load_trained(tmp_path / "run", trust=True)


def test_a_kept_file_can_be_chosen_and_is_the_same_run(idx_set, tmp_path, mine):
    config = small_run(idx_set, "activation=mine.py:swish")
    run(config, "run")
    mine.unlink()
    (kept,) = (tmp_path / "run" / "code").glob("*/mine.py")
    again = small_run(idx_set, f"activation={kept.relative_to(tmp_path)}:swish")
    assert again == config
    assert run(again, "run")["status"] == "finished"


WRONG = {
    "derivative": ("(1 - beta * a) / (1 +", "(1 - beta * a) * 1.05 / (1 +", "its derivative is wrong: layer 1"),
    "shape": (
        "return z / (1 + np.exp(-beta * z))",
        "return z[:, :1]",
        r"returned float64 .* allowed are floats of shape",
    ),
    "raises": ("return z / (1 +", "return z.nothing / (1 +", r"mine\.py, line 5: .*AttributeError"),
    "in place": ("return z / (1 +", "z *= 2\n    return z / (1 +", "changes an array that it was given"),
    "NaN": ("return z / (1 +", "return np.log(z) / (1 +", "returned nan"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_code_is_one_line_before_anything_is_written(idx_set, tmp_path, mine, case):
    before, after, said = WRONG[case]
    edit(mine, before, after)
    with pytest.raises((OwnCodeError, ConfigError), match=said) as caught:
        run(small_run(idx_set, "activation=mine.py:swish"), "run")
    assert "\n" not in str(caught.value) and not (tmp_path / "run").exists()


CHANGING = {
    "activation": ("return z / (1 +", "return np.random.rand() * z / (1 +", "activation=mine.py:swish", "gradients"),
    "figure": (".any(axis=1).mean()", ".any(axis=1).mean() * np.random.rand()", "metrics=[mine.py:top]", "figures"),
    "rate": ("return lr * min(", "return np.random.rand() * lr * min(", "schedule=mine.py:ramp", "rates"),
    "weights": (
        "return gain * rng.normal(",
        "return gain * np.random.normal(",
        "initializer=mine.py:small",
        "initial weights",
    ),
    "step": ("return theta - lr *", "return theta - np.random.rand() * lr *", "optimizer=mine.py:Lion", "steps"),
}


@pytest.mark.parametrize("case", CHANGING)
def test_code_that_gives_other_values_each_time_is_refused(idx_set, tmp_path, mine, case):
    before, after, chosen, what = CHANGING[case]
    edit(mine, before, after)
    with pytest.raises(OwnCodeError, match=f"gives other {what} when it is called again"):
        run(small_run(idx_set, chosen, "check_gradient=false"), "run")
    assert not (tmp_path / "run").exists()


def test_a_process_that_own_code_ends_has_not_succeeded(tmp_path, mine, warm_cache):
    edit(mine, "return z / (1 +", "raise SystemExit(0)\n    return z / (1 +")
    ended = typed("activation=mine.py:swish", "data=mnist_5k", "out=run", cwd=tmp_path)
    assert ended.returncode == BAD_INPUT and "mine.py, line 5: swish: SystemExit: 0" in ended.stderr


def test_the_check_of_the_derivative_can_be_left_out_and_that_is_recorded(idx_set, mine):
    edit(mine, *WRONG["derivative"][:2])
    assert run(small_run(idx_set, "activation=mine.py:swish", "check_gradient=false"), "run")["status"] == "finished"
    assert yaml.safe_load(Path("run/config.yaml").read_text(encoding="utf-8"))["check_gradient"] is False


def test_a_sweep_trains_each_run_once_and_changed_code_is_other_runs(idx_set, tmp_path, mine):
    grid = ["activation=relu,mine.py:swish", "swish.beta=1,2", "seed=0,1", "metrics=[mine.py:top]", "workers=0"]
    ended = typed("-m", *keys(idx_set), *grid, "out=sweep", cwd=tmp_path)
    assert (ended.returncode, ended.stderr) == (FINISHED, "")
    assert "8 points are 6 different runs" in ended.stdout and "val_top" in ended.stdout
    assert "6 of them ended before" in typed("-m", *keys(idx_set), *grid, "out=sweep", cwd=tmp_path).stdout
    edit(mine)
    again = typed("-m", *keys(idx_set), *grid, "out=sweep", cwd=tmp_path)
    assert "ended before" not in again.stdout and "the code of swish, top has changed" in again.stdout + again.stderr
    table = npdigits.load_runs("sweep")
    assert len(table) == 12 and table.activation.nunique() == 3
    assert {row["activation"].partition("@")[0] for row in rows(tmp_path / "sweep")} == {"relu", "swish"}
    swish = table[(table.activation != "relu") & (table["swish.beta"] == 1.0) & (table.seed == 0)]
    old, new = swish.run
    said = typed("--diff", old, new, cwd=tmp_path, module="npdigits.compare").stdout
    lines = {line[1:].strip() for line in said.splitlines() if line[:1] in "+-"}
    assert {"return z / (1 + np.exp(-beta * z))", "return z / (1 + np.exp(-beta * z) * 1.5)"} <= lines


def test_a_cluster_of_processes_gets_the_code_with_the_runs(tmp_path, mine):
    # The workers' directories are others; and the file is gone as soon as the sweep has begun.
    process = subprocess.Popen(
        [
            *(
                sys.executable,
                "-m",
                "npdigits.train",
                "-m",
                "plots=false",
                "hidden=6",
                "activation=mine.py:swish",
                "seed=0,1,2",
            ),
            *("data=own", "data.source=mine.py:digits", "digits.noise=9", "out=sweep", "workers=2", "epochs=30"),
        ],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("sweep/*/metrics.csv")):
        assert time.monotonic() < deadline and process.poll() is None, process.communicate()
        time.sleep(0.02)
    mine.unlink()
    _, said = process.communicate(timeout=120)
    assert (process.returncode, said) == (FINISHED, "")
    assert [row["status"] for row in rows(tmp_path / "sweep")] == ["finished"] * 3


def test_an_own_data_set_has_the_digest_of_its_digits(tmp_path, mine):
    chosen = ["data=own", "data.source=mine.py:digits", "hidden=4", "epochs=2", "plots=false", "quiet=true"]
    first = run(compose(chosen), "first")
    assert (first["data"], first["image_shape"]) == ("own", [6, 6])
    assert run(compose([*chosen, "digits.noise=3"]), "second")["data_sha256"] != first["data_sha256"]
    with pytest.raises(RunDirError, match=r"digits\.noise=0 there, 3 here"):
        run(compose([*chosen, "digits.noise=3"]), "first")


BAD_SETS = {
    "return x[:300], y[:300], x[300:], y[300:]": [
        ("return x", r"returned uint8\(400, 6, 6\), 0 … 255; wanted are x_train"),
        ("return x[:300] / 255, y[:300], x[300:], y[300:]", "x_train is float64"),
        ("return x[:300].reshape(300, 36), y[:300], x[300:], y[300:]", r"x_train is uint8\(300, 36\)"),
        ("return x[:300], y[:200], x[300:], y[300:]", r"y_train is int64\(200,\)"),
        ("return x[:300], y[:300] - 1, x[300:], y[300:]", "y_train is int64.*-1 … 2"),
        ("return x[:300], y[:300], x[300:, :5], y[300:]", "of another size"),
        ("return x.nothing", r"line \d+: AttributeError"),
    ]
}


@pytest.mark.parametrize(("after", "said"), next(iter(BAD_SETS.values())))
def test_a_data_set_that_cannot_be_used_is_one_line(tmp_path, mine, after, said):
    edit(mine, next(iter(BAD_SETS)), after)
    with pytest.raises(OwnCodeError, match=said) as caught:
        run(compose(["data=own", "data.source=mine.py:digits", "quiet=true"]), "run")
    assert "\n" not in str(caught.value) and not (tmp_path / "run").exists()


def test_the_classifier_takes_functions_and_their_numbers(mine, monkeypatch):
    monkeypatch.syspath_prepend(str(mine.parent))
    mine.rename(mine.with_name("mine_for_classifier.py"))
    import mine_for_classifier as user

    rng = np.random.default_rng(0)
    X = rng.random((200, 8))
    y = (X.sum(axis=1) > 4).astype(int)
    from sklearn.model_selection import GridSearchCV

    one = npdigits.Classifier(hidden=6, activation=user.swish, epochs=3, own={"swish.beta": 2.0}).fit(X, y)
    two = npdigits.Classifier(hidden=6, activation="mine_for_classifier.py:swish", epochs=3, own={"swish.beta": 2}).fit(
        X, y
    )
    assert (one.predict_proba(X) == two.predict_proba(X)).all()
    grid = {"own": [None, {"swish.beta": 3.0}], "optimizer": ["adam", user.Lion]}
    search = GridSearchCV(npdigits.Classifier(hidden=6, activation=user.swish, epochs=2), grid, cv=2, n_jobs=2)
    assert len(search.fit(X, y).cv_results_["params"]) == 4
    for wrong, said in (({"own": {"swish.bta": 1}}, "no such number"), ({"activation": lambda z: z}, "FILE.py:NAME")):
        with pytest.raises(ValueError, match=said):
            npdigits.Classifier(**{"activation": user.swish} | wrong).fit(X, y)


EXPERIMENT = """# @package _global_
hydra:
  mode: MULTIRUN
  sweeper:
    params:
      activation: relu,mine.py:swish
      swish.beta: 1,2
"""


def test_an_experiment_can_name_own_code_and_its_numbers(idx_set, tmp_path):
    (tmp_path / "mine" / "experiment").mkdir(parents=True)
    (tmp_path / "mine" / "experiment" / "bend.yaml").write_text(EXPERIMENT, encoding="utf-8")
    chosen = [f"hydra.searchpath=[{tmp_path}/mine]", "experiment=bend", *keys(idx_set), "out=sweep", "workers=0"]
    ended = typed(*chosen, cwd=tmp_path)
    assert (ended.returncode, ended.stderr) == (FINISHED, "")
    assert {row["status"] for row in rows(tmp_path / "sweep")} == {"finished"} and len(rows(tmp_path / "sweep")) == 3


def test_an_installed_package_offers_a_component_by_name(idx_set, tmp_path, monkeypatch):
    offered = tmp_path / "offered"
    (offered / "ours-1.0.dist-info").mkdir(parents=True)
    (offered / "ours-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: ours\nVersion: 1.0\n")
    (offered / "ours-1.0.dist-info" / "entry_points.txt").write_text("[npdigits.activation]\nbent = ours_bent:bent\n")
    (offered / "ours_bent.py").write_text(
        "def bent(z, *, w: float = 2.0):\n    return w * z\n\ndef d_bent(z, *, w: float = 2.0):\n    return 0 * z + w\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(offered), *filter(None, [os.environ.get("PYTHONPATH")])]))
    ended = typed(*keys(idx_set), "activation=bent", "out=run", cwd=tmp_path)
    assert ended.returncode == FINISHED, ended.stderr
    assert npdigits.load_runs("run").activation.str.startswith("bent@").all()
    ended = typed("-m", *keys(idx_set), "activation=bent,relu", "bent.w=1,2", "out=sweep", "workers=0", cwd=tmp_path)
    assert ended.returncode == FINISHED and len(rows(tmp_path / "sweep")) == 3, ended.stderr
    assert "bent.w" in rows(tmp_path / "sweep")[0]
    assert "bent.w: 2.0" in typed("--help", "activation=bent", cwd=tmp_path).stdout
    assert "did you mean relu" in typed(*keys(idx_set), "activation=rellu", "out=other", cwd=tmp_path).stderr


def test_help_lists_the_numbers_of_a_component(tmp_path):
    said = typed("--help", "activation=mine.py:swish", cwd=tmp_path).stdout
    assert "swish.beta: 1.0" in said and "SHA-256" in said


def test_a_kill_in_the_middle_leaves_a_run_that_goes_on(idx_set, tmp_path):
    command = [sys.executable, "-m", "npdigits.train", *keys(idx_set), *ALL[:4], "epochs=60", "stop_on=none", "out=run"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (tmp_path / "run" / "checkpoints" / "last.npz").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert subprocess.run(command, cwd=tmp_path, check=False, capture_output=True).returncode == FINISHED
    run(small_run(idx_set, *ALL[:4], "stop_on=none", epochs=60), "whole")
    assert npz_bytes(tmp_path / "run") == npz_bytes(tmp_path / "whole")
