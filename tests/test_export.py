"""What leaves the house: the ONNX file equals the network, and bad input writes nothing."""

import base64
import builtins
import dataclasses
import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from made import digits, made_data, read_summary, write_set
from onnx.reference import ReferenceEvaluator
from typed import typed

from npdigits.base.choice import assemble
from npdigits.base.errors import ConfigError
from npdigits.config.compose import compose
from npdigits.export import command as module
from npdigits.export import onnx_file, page, proof
from npdigits.export.onnx_activations import OPERATORS, Nodes
from npdigits.forms.found import Meaning
from npdigits.nn.activations import ACTIVATIONS, Activation
from npdigits.nn.erfc import CENTRE, POWERS
from npdigits.runs import trained
from npdigits.train import run

NETWORKS = {
    "default": [],
    "deep": ["hidden=[30,20]", "activation=relu"],
    "tanh": ["activation=tanh", "output=tanh", "cost=mse"],
    "sigmoid": ["hidden=[12,11,10]", "activation=sigmoid"],
    "identity": ["activation=identity"],
    "gelu": ["activation=gelu", "lr=0.003"],
    "gelu, float64": ["activation=gelu", "dtype=float64", "hidden=[20,15]"],
    "silu": ["activation=silu", "hidden=[20,15]"],
    "silu, float64": ["activation=silu", "dtype=float64"],
    "softplus": ["activation=softplus"],
    "softplus, float64": ["activation=softplus", "dtype=float64", "hidden=[20,15]"],
    "no hidden layer": ["hidden=[]"],
    "float64": ["dtype=float64", "leak=0.2"],
}


@pytest.fixture(scope="module", params=NETWORKS)
def a_run(request, tmp_path_factory, mnist_5k):
    folder = tmp_path_factory.mktemp("run") / "run"
    config = compose(["data=mnist_5k", "epochs=3", "plots=false", "quiet=true", *NETWORKS[request.param]])
    run(config, folder, source=mnist_5k)
    return folder


def command(*arguments):
    return typed(*arguments, cwd=Path.cwd(), module="npdigits.export")


def test_onnx_runtime_gives_the_same_probabilities_on_the_whole_test_set(a_run, mnist_5k):
    found = trained.load_trained(a_run)
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


def test_the_files_digits_are_those_that_every_runtime_reads(a_run, mnist_5k):
    """ArgMax without the kept axis gives other numbers in OpenCV 4.14."""
    model = onnx.load_from_string(onnx_file.onnx_file(trained.load_trained(a_run)))
    argmax, reshape = model.graph.node[-2:]
    assert (argmax.op_type, reshape.op_type) == ("ArgMax", "Reshape")
    assert {one.name: one.i for one in argmax.attribute} == {"axis": 1, "keepdims": 1}
    flat = next(one for one in model.graph.initializer if one.name == reshape.input[1])
    assert onnx.numpy_helper.to_array(flat).tolist() == [-1] and list(argmax.output) == [reshape.input[0]]
    said = {
        one.name: [axis.dim_param or axis.dim_value for axis in one.type.tensor_type.shape.dim]
        for one in model.graph.output
    }
    assert said == {"probabilities": ["n", 10], "digit": ["n"]}
    images = mnist_5k.test.images[mnist_5k.test.rows[:100]]
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    p, read = session.run(["probabilities", "digit"], {"images": images})
    its_p, its_read = ReferenceEvaluator(model).run(["probabilities", "digit"], {"images": images})
    np.testing.assert_allclose(its_p, p, atol=1e-5)
    assert np.array_equal(its_read, read) and read.dtype == its_read.dtype == np.int64


def test_a_double_leak_stays_double(a_run, mnist_5k):
    """An attribute of ONNX is a float32: 0.2 would become 0.20000000298."""
    found = trained.load_trained(a_run)
    if found.config.activation != "leaky_relu":
        return
    if found.config.dtype != "float64":
        assert {node.op_type for node in onnx.load_from_string(onnx_file.onnx_file(found)).graph.node}.isdisjoint(
            {"Max"}
        )
        return
    session = onnxruntime.InferenceSession(onnx_file.onnx_file(found), providers=["CPUExecutionProvider"])
    images = mnist_5k.test.images[mnist_5k.test.rows]
    np.testing.assert_allclose(session.run(None, {"images": images})[0], found.probabilities(mnist_5k.test), 0, 1e-12)


def test_the_file_says_where_it_comes_from(a_run):
    model = onnx.load_from_string(onnx_file.onnx_file(trained.load_trained(a_run)))
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

    def without(name, *rest, **named):
        if name == "onnx":
            raise ImportError(name)
        return original(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError, match=r'--onnx: the package onnx is not installed: pip install "npdigits\[onnx\]"'):
        onnx_file.onnx_file(trained.load_trained(a_run))


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A run on images that are not 28 × 28."""
    folder = tmp_path_factory.mktemp("small")
    config = compose(["data=idx", f"data.dir={write_set(folder / 'set')}", "epochs=1", "plots=false", "quiet=true"])
    run(config, folder / "run")
    return folder / "run"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["RUN"], "nothing to write: allowed are --html FILE, --onnx FILE, --csv FILE"),
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
    session = onnxruntime.InferenceSession(
        onnx_file.onnx_file(trained.load_trained(small)), providers=["CPUExecutionProvider"]
    )
    assert session.run(["digit"], {"images": np.zeros((3, 56), np.uint8)})[0].shape == (3,)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_the_file_says_what_goes_in_and_comes_out(tmp_path, dtype):
    """Decimals go in as floats, as a run of them was trained on them."""
    names = tuple(f"an ä of class {i}" for i in range(10))
    reading = Meaning((8, 6), (16.0, 0.0), True, tuple(range(1, 11)), names).as_dict()
    source = made_data(shape=(8, 6), dtype=dtype)
    source = dataclasses.replace(source, reading=reading, classes=names)
    run(compose(["epochs=1", "plots=false", "quiet=true"]), tmp_path / "run", source=source)
    found = trained.load_trained(tmp_path / "run")
    content = onnx_file.onnx_file(found)
    said = {one.key: one.value for one in onnx.load_from_string(content).metadata_props}
    assert json.loads(said["classes"]) == list(names) and json.loads(said["reading"]) == reading
    assert json.loads(said["input"]) == {"shape": [8, 6], "paper": 0, "ink": 255}
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    p = session.run(["probabilities"], {"images": source.test.images})[0]
    np.testing.assert_allclose(p, found.probabilities(source.test), atol=1e-5)


def test_a_page_shows_test_digits_of_decimals_as_bytes(tmp_path):
    source = made_data(shape=(28, 28), dtype="float32")
    run(compose(["epochs=1", "plots=false", "quiet=true"]), tmp_path / "run", source=source)
    found = trained.load_trained(tmp_path / "run")
    (images,) = re.findall(r'"images": ?"([^"]+)"', page.page(found, source.test))
    shown = np.frombuffer(base64.b64decode(images), np.uint8).reshape(100, 784)
    assert np.abs(shown - source.test.images).max() <= 0.5


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
    from npdigits.base.errors import DataUnavailable

    def unavailable(*_):
        raise DataUnavailable("data=mnist is not at hand")

    monkeypatch.setattr(module, "load_test_set", unavailable)
    assert module.load_test_digits(trained.load_trained(small)) is None
    assert "WARNING: the page has no test digits: data=mnist is not at hand" in capsys.readouterr().err


def softsign(leak):
    """z / (1 + |z|): an activation that somebody adds; its gradient is of no matter here."""

    def apply(z):
        z /= 1 + np.abs(z)

    return Activation(apply, lambda delta, a: None)


def clipped(leak):
    """A relu of another kind: min(max(z, 0), 1)."""

    def apply(z):
        np.clip(z, 0, 1, out=z)

    return Activation(apply, lambda delta, a: None)


@pytest.fixture
def square_set(tmp_path):
    """A set of 28 × 28 pixels, as the page reads."""
    return write_set(tmp_path / "set", digits(600, (28, 28), seed=1), digits(100, (28, 28), seed=2))


def trained_on(folder, out, *keys):
    run(compose(["data=idx", f"data.dir={folder}", "epochs=1", "plots=false", "quiet=true", *keys]), out)
    return out


@pytest.mark.parametrize(
    ("name", "added", "message"),
    [
        (
            "softsign",
            softsign,
            "activation=softsign: the {} allowed are leaky_relu, relu, tanh, sigmoid, identity, gelu,",
        ),
        ("relu", clipped, "not compute what activation=relu is here"),
    ],
)
@pytest.mark.parametrize("options", [["--html"], ["--onnx"], ["--onnx", "--html"]], ids=str)
def test_an_activation_that_a_file_does_not_know_is_one_line_and_no_file(
    square_set, tmp_path, monkeypatch, capsys, name, added, message, options
):
    monkeypatch.setitem(ACTIVATIONS, name, added)
    trained_on(square_set, tmp_path / "run", f"activation={name}")
    (tmp_path / "out").mkdir()
    capsys.readouterr()
    files = [word for option in options for word in (option, tmp_path / "out" / option.strip("-"))]
    assert exported(monkeypatch, tmp_path / "run", *files) == 2
    said = capsys.readouterr().err
    why = {"--html": "page does not know it;", "--onnx": "file has no operator for it;"}
    assert len(said.splitlines()) == 1 and any(message.format(why[option]) in said for option in options), said
    assert not list((tmp_path / "out").iterdir())


def test_without_hidden_layer_no_activation_is_asked_for(square_set, tmp_path, monkeypatch):
    monkeypatch.setitem(ACTIVATIONS, "softsign", softsign)
    trained_on(square_set, tmp_path / "run", "activation=softsign", "hidden=[]")
    assert exported(monkeypatch, tmp_path / "run", "--html", tmp_path / "a", "--onnx", tmp_path / "b") == 0
    assert (tmp_path / "a").exists() and (tmp_path / "b").exists()


@pytest.mark.parametrize("option", ["--html", "--onnx"])
@pytest.mark.parametrize("damage", ["weights", "scale", "nan"])
def test_a_file_that_would_answer_otherwise_is_not_written(square_set, tmp_path, monkeypatch, capsys, option, damage):
    out = trained_on(square_set, tmp_path / "run")
    if damage == "weights":  # as from a fault in what is written of them
        monkeypatch.setattr(page, "_little_endian", lambda floats: page._base64((floats * 1.01).astype(floats.dtype)))
        from_array = onnx.numpy_helper.from_array
        monkeypatch.setattr(
            onnx.numpy_helper, "from_array", lambda value, name: from_array((value * 1.01).astype(value.dtype), name)
        )
    elif damage == "scale":
        monkeypatch.setattr(page, "BYTES", 1 / 256)
        monkeypatch.setattr(onnx_file, "BYTES", 1 / 256)
    else:
        load = trained.load_trained

        def overflowing(path, *_):
            found = load(path)
            found.network.parameters.flat[...] = 3e38
            return found

        monkeypatch.setattr(trained, "load_trained", overflowing)
    assert exported(monkeypatch, out, option, tmp_path / "a") == 2
    said = capsys.readouterr().err
    assert len([line for line in said.splitlines() if "WARNING" not in line]) == 1 and "nothing is written" in said
    assert ("makes no numbers" if damage == "nan" else "would be off by") in said
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("classes", [1, 2, 47])
def test_any_number_of_classes(tmp_path, monkeypatch, classes):
    halves = [digits(n, (28, 28), classes, seed) for n, seed in ((600, 1), (100, 2))]
    out = trained_on(write_set(tmp_path / "set", *halves), tmp_path / "run")
    assert exported(monkeypatch, out, "--html", tmp_path / "a", "--onnx", tmp_path / "b") == 0
    shown = halves[1][0].reshape(100, -1)
    p, read = onnxruntime.InferenceSession(tmp_path / "b").run(["probabilities", "digit"], {"images": shown})
    assert p.shape == (100, classes) and np.array_equal(read, p.argmax(axis=1)) and read.shape == (100,)


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_a_network_whose_numbers_are_large_is_not_refused_for_its_rounding(square_set, tmp_path, activation):
    for dtype in ("float32", "float64"):
        keys = [f"activation={activation}", f"dtype={dtype}", "leak=0.3", "hidden=[30,20]"]
        found = trained.load_trained(trained_on(square_set, tmp_path / dtype, *keys))
        found.network.parameters.flat[...] *= 300
        assert page.page(found, None) and onnx_file.onnx_file(found)


def test_images_to_try_drive_units_to_both_ends(small):
    found = trained.load_trained(small)
    shown = proof.trial_images(found)
    w = found.network.parameters.weights[0].astype(float)
    z = shown / 255 @ w.T
    np.testing.assert_allclose(z.max(axis=0), np.maximum(w, 0).sum(axis=1))
    np.testing.assert_allclose(z.min(axis=0), np.minimum(w, 0).sum(axis=1))
    assert shown.dtype == np.uint8 and {0, 255} <= {*map(int, shown.mean(axis=1))}


def test_the_page_has_the_numbers_of_erfc():
    script = (page.FILES / "network.js").read_text(encoding="utf-8")
    table = script.partition("ERFC_POWERS = [")[2].partition("]")[0]
    assert tuple(float(number) for number in table.split(",") if number.strip()) == POWERS
    assert f"{-2 * CENTRE} / (x + {CENTRE}) + 1" in script


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_operators_compute_the_activation_in_every_runtime(activation, dtype):
    """In ONNX Runtime and in the format's own evaluator, at the ends too."""
    z = np.concatenate([np.linspace(-12, 12, 401), [-1e4, -800, -90, 90, 800, 1e4]]).astype(dtype)
    nodes = Nodes(np.dtype(dtype))
    OPERATORS[activation](nodes, "z", "a", 0.3)
    kind = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    shown = [onnx.helper.make_tensor_value_info(name, kind, ["n"]) for name in ("z", "a")]
    constants = [onnx.numpy_helper.from_array(value, name) for name, value in nodes.constants.items()]
    assert all(name.isidentifier() for node in nodes.list for name in (*node.input, *node.output))
    graph = onnx.helper.make_graph(nodes.list, "one", shown[:1], shown[1:], constants)
    opset = [onnx.helper.make_opsetid("", onnx_file.OPSET)]
    model = onnx.helper.make_model(graph, ir_version=onnx_file.IR_VERSION, opset_imports=opset)
    onnx.checker.check_model(model, full_check=True)
    ours = z.copy()
    assemble(ACTIVATIONS[activation], {"leak": 0.3}).apply(ours)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    with np.errstate(all="ignore"):
        answers = [session.run(None, {"z": z})[0], ReferenceEvaluator(model).run(None, {"z": z})[0]]
    for theirs in answers:
        assert theirs.dtype == dtype
        tolerance = {"float32": 2e-6, "float64": 4e-15}[dtype]
        np.testing.assert_allclose(theirs, ours, rtol=tolerance, atol=4 * tolerance)


def test_the_page_knows_every_activation_that_there_is():
    known = page.formulas((page.FILES / "network.js").read_text(encoding="utf-8"))
    assert list(known) == list(ACTIVATIONS) == list(OPERATORS)
