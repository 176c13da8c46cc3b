"""What leaves the house: the ONNX file equals the network, and bad input writes nothing."""

import builtins
import json
import shutil
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
from made import write_set

from npdigits import cli, trained
from npdigits.errors import ConfigError
from npdigits.export import command as module
from npdigits.export import onnx_file
from npdigits.rundir import read_summary
from npdigits.train import run

NETWORKS = {
    "default": [],
    "deep": ["hidden=[30,20]", "activation=relu"],
    "tanh": ["activation=tanh", "output=tanh", "cost=mse"],
    "sigmoid": ["hidden=[12,11,10]", "activation=sigmoid"],
    "no hidden layer": ["hidden=[]"],
    "float64": ["dtype=float64", "leak=0.2"],
}


@pytest.fixture(scope="module", params=NETWORKS)
def a_run(request, tmp_path_factory, mnist_5k):
    folder = tmp_path_factory.mktemp("run") / "run"
    config = cli.compose(["data=mnist_5k", "epochs=3", "plots=false", "quiet=true", *NETWORKS[request.param]])
    run(config, folder, source=mnist_5k)
    return folder


def command(*arguments):
    typed = [sys.executable, "-m", "npdigits.export", *map(str, arguments)]
    return subprocess.run(typed, capture_output=True, text=True, timeout=120)


def test_onnx_runtime_gives_the_same_probabilities_on_the_whole_test_set(a_run, mnist_5k):
    found = trained.load(a_run)
    session = onnxruntime.InferenceSession(onnx_file.onnx_file(found), providers=["CPUExecutionProvider"])
    test = mnist_5k.test
    images = test.images[test.rows]
    expected = found.probabilities(test)
    p, digits = session.run(["probabilities", "digit"], {"images": images})
    assert p.dtype == expected.dtype
    np.testing.assert_allclose(p, expected, rtol=0, atol=1e-5)
    assert np.array_equal(digits, expected.argmax(axis=1))
    p, digits = session.run(None, {"images": images[:1]})  # any number of them
    assert p.shape == (1, 10) and digits.shape == (1,)


def test_the_file_says_where_it_comes_from(a_run):
    model = onnx.load_from_string(onnx_file.onnx_file(trained.load(a_run)))
    said = {one.key: one.value for one in model.metadata_props}
    summary = read_summary(a_run)
    assert said["data"] == "mnist_5k" and said["data_sha256"] == summary["data_sha256"]
    assert json.loads(said["metrics"])["test_accuracy"] == summary["test_accuracy"]
    config = json.loads(said["config"])
    assert config["epochs"] == 3 and "out" not in config and str(a_run) not in json.dumps(said)
    assert said["identity"] == summary["identity"] and model.producer_name == "npdigits"


def test_both_files_at_once(a_run, tmp_path, warm_cache):
    done = command(a_run, "--html", tmp_path / "a.html", "--onnx", tmp_path / "a.onnx")
    assert done.returncode == 0 and done.stderr == ""
    assert [line.partition(":")[0] for line in done.stdout.splitlines()] == [
        str(tmp_path / "a.html"),
        str(tmp_path / "a.onnx"),
    ]
    assert (tmp_path / "a.html").read_text().startswith("<!doctype html>")


def test_without_the_package_a_line_says_which(a_run, monkeypatch):
    original = builtins.__import__

    def without(name, *rest):
        if name == "onnx":
            raise ImportError(name)
        return original(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError, match=r'--onnx: the package onnx is not installed: pip install "npdigits\[onnx\]"'):
        onnx_file.onnx_file(trained.load(a_run))


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A run on images that are not 28 × 28."""
    folder = tmp_path_factory.mktemp("small")
    config = cli.compose(["data=idx", f"data.dir={write_set(folder / 'set')}", "epochs=1", "plots=false", "quiet=true"])
    run(config, folder / "run")
    return folder / "run"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["RUN"], "nothing to write: allowed are --html FILE and --onnx FILE"),
        (["RUN", "--html", "-"], "-: allowed is the name of a file"),
        (["RUN", "--html", "nowhere/a.html"], "there is no such folder"),
        (["RUN", "--onnx", "RUN/checkpoints/best.npz"], "a file of a run"),
        (["nowhere", "--html", "a.html"], "nowhere"),
        (["RUN", "--html", "OUT/a.html", "--onnx", "OUT/a.onnx"], "was trained on images of [8, 7]"),
        (["RUN", "--html", "OUT/a", "--onnx", "OUT/a"], "is written there too"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(small, tmp_path, arguments, message):
    typed = [one.replace("RUN", str(small)).replace("OUT", str(tmp_path)) for one in arguments]
    done = command(*typed)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1 and message in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_onnx_takes_images_of_any_size(small):
    session = onnxruntime.InferenceSession(onnx_file.onnx_file(trained.load(small)), providers=["CPUExecutionProvider"])
    assert session.run(["digit"], {"images": np.zeros((3, 56), np.uint8)})[0].shape == (3,)


def exported(monkeypatch, *arguments):
    """Call the command in this process, and return its exit code."""
    monkeypatch.setattr(sys, "argv", ["export", *map(str, arguments)])
    try:
        module.main()
    except SystemExit as stopped:
        return stopped.code
    return 0


def test_a_run_that_has_not_finished_is_exported_with_a_warning(small, tmp_path, monkeypatch, capsys):
    shutil.copytree(small, tmp_path / "run")
    summary = tmp_path / "run" / "summary.json"
    summary.write_text(json.dumps(json.loads(summary.read_text()) | {"status": "running"}))
    assert exported(monkeypatch, tmp_path / "run", "--onnx", tmp_path / "a.onnx") == 0
    assert "WARNING" in (said := capsys.readouterr().err) and "status running" in said
    properties = {one.key: one.value for one in onnx.load(tmp_path / "a.onnx").metadata_props}
    assert json.loads(properties["metrics"])["status"] == "running"


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt, 130), (BrokenPipeError, 141)])
def test_an_interruption_is_one_line_and_the_files_are_whole(small, tmp_path, monkeypatch, capsys, error, code):
    """The second file is never begun: its size would be said, or Ctrl-C comes, after the first."""
    original = module.targets.put

    def put(path, content):
        original(path, content)
        raise error

    monkeypatch.setattr(module.targets, "put", put)
    assert exported(monkeypatch, small, "--onnx", tmp_path / "a.onnx") == code
    assert len(capsys.readouterr().err.splitlines()) == (code == 130)
    onnx.load(tmp_path / "a.onnx")


def test_test_digits_that_are_not_at_hand_are_left_out_with_a_warning(small, tmp_path, monkeypatch, capsys):
    from npdigits.errors import DataUnavailable

    def unavailable(*_):
        raise DataUnavailable("data=mnist is not at hand")

    monkeypatch.setattr(module, "test_set", unavailable)
    assert module.test_digits(trained.load(small)) is None
    assert "WARNING: the page has no test digits: data=mnist is not at hand" in capsys.readouterr().err
