"""An own activation's formula: read off a function, and the same in NumPy, ONNX Runtime, and a real browser."""

import base64
import math
import re
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
import scipy.special
from made import digits, write_set
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from npdigits.base.errors import DataUnavailable
from npdigits.config.compose import compose
from npdigits.data.sets import Split
from npdigits.export import command, composed, expression, formula, onnx_file, own, page, proof
from npdigits.export.expression import OPERATIONS, UntraceableError
from npdigits.export.formula import own_formula
from npdigits.nn.activations import ACTIVATIONS, Activation
from npdigits.runs import trained
from npdigits.train import run

TINY = [1e-45, 1e-40, 1e-38, 1e-30, 1e-7, 1e-4]
HALF = np.concatenate([[0.0], TINY, np.linspace(0.05, 20, 400), [50, 80, 88, 89, 100, 700, 710, 800, 1e4]])
Z = np.concatenate([-HALF, HALF]).reshape(-1, 8)


# --- activations as somebody writes them


def swish(z, *, beta: float = 1.5):
    return z / (1 + np.exp(-beta * z))


def mish(z):
    return z * np.tanh(np.logaddexp(0, z))


def mish_by_log1p(z):
    return z * np.tanh(np.log1p(np.exp(np.minimum(z, 30))) + (z - z.clip(max=30)))


def elu(z, *, alpha: float = 0.7):
    return np.where(z > 0, z, alpha * (np.exp(z) - 1))


def elu_by_parts(z):
    a = z.copy()
    a[z < 0] = np.expm1(z[z < 0])
    return a


def selu(z):
    return 1.0507009873554805 * np.where(z > 0, z, 1.6732632423543772 * np.expm1(np.minimum(z, 0)))


def hard_swish(z):
    return z * np.clip(z + 3, 0, 6) / 6


def softsign(z):
    return z / (1 + abs(z))


def gelu_by_tanh(z):
    return 0.5 * z * (1 + np.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3)))


def softplus_in_place(z):
    a = np.exp(-np.abs(z))
    same = a
    a += 1
    np.log(a, out=a)
    same += np.maximum(z, 0)
    return a


def relu_into_z(z):
    z = z.copy()
    np.maximum(z, 0, out=z)
    return z.astype(z.dtype)


def masked(z):
    return z * (z > 0) + (z < -1) * 0.5


def band(z):
    return z * ((z >= -1) & (z <= 1)) + 2.0 * ~((z > -2) | (z != z)) + ((z > 1) + (z > 2)) * ((z > 1) * (z < 5))


def pieces(z):
    return np.piecewise(z, [z < -1, z >= 1], [-1, lambda z: np.sqrt(z), lambda z: z**3])


def selected(z):
    return np.select([z < -1, z < 1], [-1.0, z], default=np.sqrt(abs(z)))


def filled(z):
    a = np.full_like(z, 0.25)
    np.tanh(z, out=a, where=z > 0)
    np.copyto(a, z, where=z < -2)
    a[a < -5] *= 0.5
    return a[...]


def snake(z, *, a: float = 0.5):
    return z + np.sin(a * z) ** 2 / a + np.cos(z) * 0


def bounded(z):
    return np.arctan(z) + 0.1 * np.arcsinh(z)


def hyperbolic(z):
    near = np.clip(z, a_min=-3, a_max=3)
    return np.sinh(near) + np.cosh(near) * 0.1


def odds_and_ends(z):
    many = (
        np.square(z) + np.reciprocal(z * z + 1) + np.cbrt(z) + np.fabs(z) + np.positive(z) + np.exp2(np.minimum(z, 4))
    )
    logs = np.log2(abs(z) + 1) + np.log10(abs(z) + 1) + np.heaviside(z, 0.5) + np.sign(z) + np.power(abs(z), 0.3)
    flags = np.isfinite(z) + np.isnan(z) + np.isinf(z) * 2 + np.logical_xor(z > 0, z < 1) + np.logical_not(z)
    return many / 1e4 + logs + flags + np.float64(0.5) * z - np.float32(0.25) + z.dtype.type(2) + np.zeros_like(z)


def stairs(z):
    near = np.clip(z, -4, 4)
    return np.floor(near) + np.ceil(near + 0.5)


def loop(z):
    for i in range(60):
        z = 0.9 * z + 0.1 * np.tanh(z + i)
    return z


def deep(z):
    for _ in range(120):  # nested deeper than Python's parser reads
        z = np.maximum((1 + 2**-10) * z - -(2**-10), -1e4)
    return z


FUNCTIONS = [
    *(swish, mish, mish_by_log1p, elu, elu_by_parts, selu, hard_swish, softsign, gelu_by_tanh, softplus_in_place),
    *(relu_into_z, masked, band, pieces, selected, filled, snake, bounded, hyperbolic, odds_and_ends, stairs, loop),
    deep,
]
EVERY = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda one: one.__name__)
TYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])
# (relative, absolute): of float32 an activation's own cancellation, of float64 some roundings.
CLOSE = {"float32": (4e-6, 2e-6), "float64": (1e-12, 1e-13)}


def truth(function, z):
    """Return what the function itself makes of z, in float64."""
    with np.errstate(all="ignore"):
        return np.asarray(function(z.astype(float)), float)


def model_of(found, dtype):
    """Return an ONNX model that is this formula and nothing else."""
    nodes, constants = found.onnx_nodes("z1", "a1", np.dtype(dtype))
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    ends = [helper.make_tensor_value_info(name, kind, ["n", 8]) for name in ("z1", "a1")]
    arrays = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "formula", ends[:1], ends[1:], arrays)
    opsets = [helper.make_opsetid("", onnx_file.OPSET)]
    model = helper.make_model(graph, ir_version=onnx_file.IR_VERSION, opset_imports=opsets)
    onnx.checker.check_model(model, full_check=True)
    return model


def in_onnx_runtime(found, z):
    session = onnxruntime.InferenceSession(
        model_of(found, z.dtype).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(["a1"], {"z1": z})[0]


@TYPES
@EVERY
def test_numpy_and_onnx_compute_what_the_function_computes(function, dtype):
    z = Z.astype(dtype)
    expected, found = truth(function, z), own_formula(function, dtype=dtype)
    relative, absolute = CLOSE[dtype]
    with np.errstate(all="ignore"):
        by_onnx = ReferenceEvaluator(model_of(found, dtype)).run(["a1"], {"z1": z})[0]
    for a in (found(z), by_onnx, in_onnx_runtime(found, z)):
        assert a.dtype == z.dtype and a.shape == z.shape
        np.testing.assert_allclose(a, expected, relative, absolute)
    assert np.ptp(expected) > 0.1


@EVERY
def test_the_browser_computes_what_the_function_computes(browser, function):
    found = own_formula(function)
    scripts = [(page.FILES / name).read_text(encoding="utf-8") for name in ("network.js", "own.js")]
    tab = browser.new_page()
    tab.add_script_tag(content=scripts[0] + scripts[1].replace("{{formula}}", found.javascript()))
    z = [repr(one) for one in Z.ravel().tolist()]  # as text, since JSON of numbers has no −0
    theirs = np.array(tab.evaluate("z => z.map(Number).map(ACTIVATIONS.own)", z))
    tab.close()
    np.testing.assert_allclose(theirs, truth(function, Z).ravel(), *CLOSE["float64"])
    np.testing.assert_allclose(found.read_javascript(Z).ravel(), theirs, *CLOSE["float64"])


@TYPES
@pytest.mark.parametrize("name", composed.COMPOSED)
def test_what_onnx_lacks_is_composed_without_loss(name, dtype):
    """Relative to the value itself, also where it is tiny: log1p(1e-30) is 1e-30."""
    function = getattr(np, name)
    half = {"log1p": 1e4, "sinh": 80, "cosh": 80, "expm1": 80, "tan": 1.5}.get(name, 1e18)
    z = np.concatenate([-np.geomspace(1e-30, half, 4000), np.geomspace(1e-30, half, 4000)]).astype(dtype)
    z = z[z > -0.999] if name == "log1p" else z
    z = z[: len(z) // 8 * 8].reshape(-1, 8)
    with np.errstate(all="ignore"):
        theirs, expected = in_onnx_runtime(own_formula(function), z), function(z.astype(float))
    allowed = 16 * np.finfo(dtype).eps
    np.testing.assert_allclose(theirs, expected, allowed, 0)
    operators = {node.op_type for node in model_of(own_formula(function), dtype).graph.node}
    assert not operators & {"Sinh", "Cosh", "Tan", "Atan", "Asinh"}  # ONNX Runtime has none of them for float64


def test_every_operation_is_used_by_the_functions_above():
    used = {node.operation for one in FUNCTIONS for node in expression.steps(own_formula(one).root)}
    assert used | {"tan"} >= set(OPERATIONS)


def test_numbers_are_the_formulas_constants():
    assert own_formula(swish).javascript() == "return (z / (1.0 + exp((-1.5 * z))));"
    assert own_formula(swish, (("beta", 2.0),)).javascript() == "return (z / (1.0 + exp((-2.0 * z))));"
    assert own_formula(swish, {"beta": 2}).javascript() == own_formula(swish, (("beta", 2.0),)).javascript()


def test_what_is_computed_once_is_written_once():
    assert own_formula(lambda z: np.exp(z) * np.exp(z)).javascript() == "const t1 = exp(z); return (t1 * t1);"
    text = own_formula(loop).javascript()
    assert len(text) < 6000 and max(map(len, text.split(";"))) < 400


@EVERY
def test_the_pages_text_is_made_of_our_own_words_only(function):
    number = r"\d+(?:\.\d+)?(?:e[-+]?\d+)?"
    words = {*re.findall(r"[a-z]\w*", " ".join(one.text for one in OPERATIONS.values()))}
    name = rf"(?:{'|'.join(words)}|z|t\d+|const|return|Infinity|NaN)\b"
    assert re.fullmatch(rf"(?:{number}|{name}|[-+*/<>=(),; ])+", own_formula(function).javascript())


def test_a_function_may_ask_for_the_type_of_z():
    def shifted(z):
        return z + np.finfo(z.dtype).eps

    assert own_formula(shifted, dtype="float32").javascript() == f"return (z + {2.0**-23!r});"
    assert own_formula(shifted, dtype="float64").javascript() == f"return (z + {2.0**-52!r});"


# --- what is refused


def branch(z):
    return z if z > 0 else 0.1 * z


def written(z):
    z[0] = 1
    return z


def stretched(z):
    a = z.copy()
    a[z > 0] = np.exp(z)
    return a


def other_part(z):
    a = z.copy()
    a[z > 0] = z[z < 0]
    return a


def into_another(z):
    return np.exp(z, out=np.empty(z.shape))


def endless(z):
    for _ in range(3000):
        z = np.tanh(z) + 1
    return z


class InPlace:
    def apply(self, z):
        np.maximum(z, 0, out=z)

    def backward(self, delta, a):
        delta *= a > 0


REFUSED = {
    "if": (branch, "an if, and, or, or max of z's values (instead: np.where, &, |, np.maximum)"),
    "max": (lambda z: max(z, 0), "an if, and, or, or max of z's values"),
    "loop": (lambda z: np.array([[max(one, 0) for one in row] for row in z]), "a loop over z's elements"),
    "math.exp": (lambda z: z * math.exp(z), "a function of single numbers, as math.exp (instead: np.exp)"),
    "SciPy's ufunc": (lambda z: z * scipy.special.expit(z), "the function expit, which is not NumPy's,"),
    "SciPy": (lambda z: scipy.special.softmax(z), "np.asarray(z), or a function that makes an array of z,"),
    "asarray": (lambda z: np.asarray(z) * 2, "np.asarray(z), or a function that makes an array of z,"),
    "vectorize": (lambda z: np.vectorize(abs)(z), "np.asarray(z), or a function that makes an array of z,"),
    "method": (lambda z: z - z.mean(axis=1), "z.mean"),
    "mean": (lambda z: z - np.mean(z), "np.mean"),
    "reduce": (lambda z: z - np.maximum.reduce(z), "np.maximum.reduce"),
    "matmul": (lambda z: z @ z, "np.matmul"),
    "floor_divide": (lambda z: z // 2, "np.floor_divide"),
    "interp": (lambda z: np.interp(z, [0, 1], [0, 1]), "np.interp"),
    "round": (lambda z: np.round(z), "np.round"),
    "where alone": (lambda z: z[np.where(z > 0)], "np.where without values"),
    "an element": (lambda z: z[0] * z, "z[…] of single elements, rows or columns"),
    "to an element": (written, "z[…] of single elements, rows or columns"),
    "part and all": (stretched, "z[…] = values of another part of z"),
    "part and part": (other_part, "z[…] = values of another part of z"),
    "mixed": (lambda z: z[z > 0] + z, "z[…] together with all of z"),
    "mixed parts": (lambda z: z[z > 0] + z[z > 1], "z[…] together with another part of z"),
    "a part": (lambda z: z[z > 0], "a function that returns no array like z"),
    "array": (lambda z: z * np.arange(3), "an array of shape (3,) beside z"),
    "text": (lambda z: z * "a", "'a' beside z"),
    "complex": (lambda z: z * 1j, "1j beside z"),
    "int": (lambda z: z.astype(int) * 1.0, "z.astype(int64)"),
    "half": (lambda z: z.astype(np.float16), "z.astype(float16)"),
    "into another": (into_another, "np.exp with where= or out=, but without an array like z as out="),
    "where=": (lambda z: np.exp(z, where=z > 0), "np.exp with where= or out=, but without an array like z as out="),
    "subok=": (lambda z: np.exp(z, subok=False), "np.exp with subok="),
    "piecewise": (lambda z: np.piecewise(z, [z > 0], [1, 2, 3]), "np.piecewise with another number of functions"),
    "number & number": (lambda z: z & 1, "np.bitwise_and"),
    "nothing": (lambda z: None, "a function that returns no array like z"),
    "two": (lambda z: (z, z), "a function that returns no array like z"),
    "constant": (lambda z: np.zeros_like(z), "a function that does not depend on z"),
    "width": (
        lambda z: z / z.shape[1],
        "a function that is no formula of each z alone (of z = -12 it makes -3, not -12)",
    ),
    "random": (lambda z: z * np.random.default_rng().random(), "a function that is no formula of each z alone"),
    "type": (lambda z: z * 2 if isinstance(z, np.ndarray) else z, "a function that is no formula of each z alone"),
    "other shape": (lambda z: np.zeros(z.shape)[:1, :1] + z if z.size == 1 else z[:1], "a function that returns shape"),
    "raises": (lambda z: missing * z, "a function that raises NameError: name 'missing' is not defined"),  # noqa: F821
    "raises later": (lambda z: z if z.size == 1 else 1 / 0, "a function that raises ZeroDivisionError"),
    "endless": (endless, "a function of 6,002 operations (allowed are 2,000)"),
    "class": (InPlace, "a class (instead: a function of z, which returns a)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_formula_is_refused(name):
    function, message = REFUSED[name]
    with pytest.raises(UntraceableError, match=re.escape(message)):
        own_formula(function)


# --- runs


def trained_with(function, out, monkeypatch, *keys, source=None, numbers=()):
    """Train with a function as the activation, its gradient is of no matter here; let the export know of it."""

    def apply(z):
        with np.errstate(all="ignore"):
            z[...] = function(z.copy(), **dict(numbers)) if not isinstance(function, type) else np.maximum(z, 0)

    monkeypatch.setitem(ACTIVATIONS, "bent", lambda leak: Activation(apply, lambda delta, a: None))
    monkeypatch.setattr(own, "own_activation", lambda run: (function, numbers))
    run(compose(["epochs=1", "plots=false", "quiet=true", "activation=bent", *keys]), out, source=source)
    return out


def exported(monkeypatch, *arguments):
    """Call the command in this process, and return its exit code."""
    monkeypatch.setattr(sys, "argv", ["export", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        command.main()
    return stopped.value.code


@pytest.fixture
def square_set(tmp_path):
    """A set of 28 × 28 pixels, as the page reads."""
    return write_set(tmp_path / "set", digits(600, (28, 28), seed=1), digits(100, (28, 28), seed=2))


FORWARD = """([images, n]) => {
  const bytes = Uint8Array.from(atob(images), (c) => c.charCodeAt(0));
  return Array.from({ length: n }, (_, i) =>
    Array.from(npdigits.network.forward(bytes.subarray(784 * i, 784 * i + 784)).probabilities));
}"""
NETWORKS = {
    "swish": (swish, ["hidden=[20]"], (("beta", 0.8),)),
    "two layers": (band, ["hidden=[16,12]", "dtype=float64", "epochs=8"], ()),
    "by parts": (elu_by_parts, ["hidden=[16,12]"], ()),
    "composed": (bounded, ["hidden=[20]", "dtype=float64"], ()),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_both_files_of_a_run_read_1000_digits_as_its_network_does(
    mnist_5k, warm_cache, tmp_path, monkeypatch, opened_page, name
):
    function, keys, numbers = NETWORKS[name]
    out = trained_with(
        function, tmp_path / "run", monkeypatch, "data=mnist_5k", *keys, source=mnist_5k, numbers=numbers
    )
    files = [tmp_path / "a.html", tmp_path / "a.onnx"]
    assert exported(monkeypatch, out, "--html", files[0], "--onnx", files[1]) == 0
    images = np.concatenate([mnist_5k.test.images[mnist_5k.test.rows], mnist_5k.train.images[:500]])
    ours = trained.load_trained(out).probabilities(Split(images, np.zeros(1000, np.intp), np.arange(1000)))
    session = onnxruntime.InferenceSession(files[1], providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(session.run(["probabilities"], {"images": images})[0], ours, rtol=0, atol=1e-5)
    theirs = opened_page(files[0]).evaluate(FORWARD, [base64.b64encode(images.tobytes()).decode(), 1000])
    np.testing.assert_allclose(theirs, ours, rtol=0, atol=1e-5)
    assert np.ptp(ours) > 0.5


@pytest.mark.parametrize("option", ["--html", "--onnx"])
@pytest.mark.parametrize("name", ["SciPy's ufunc", "class", "width"])
def test_a_refused_activation_is_one_line_and_no_file(square_set, tmp_path, monkeypatch, capsys, option, name):
    function, message = REFUSED[name]
    out = trained_with(function, tmp_path / "run", monkeypatch, "data=idx", f"data.dir={square_set}")
    capsys.readouterr()
    assert exported(monkeypatch, out, option, tmp_path / "a") == 2
    said, language = capsys.readouterr().err, {"--html": "JavaScript", "--onnx": "ONNX operators"}[option]
    assert f"{option}: {out}: activation=bent: {message}" in said and len(said.splitlines()) == 1
    assert said.endswith(f" cannot be written as {language}; nothing is written\n")
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("option", ["--html", "--onnx"])
def test_a_wrong_translation_is_not_written(square_set, tmp_path, monkeypatch, capsys, option):
    out = trained_with(swish, tmp_path / "run", monkeypatch, "data=idx", f"data.dir={square_set}")
    wrong = OPERATIONS["exp"].__class__("n", "n", np.exp, "cosh({0})", "Abs")
    monkeypatch.setitem(OPERATIONS, "exp", wrong)
    capsys.readouterr()
    assert exported(monkeypatch, out, option, tmp_path / "a") == 2
    assert "nothing is written, as the file's probabilities would be off by" in capsys.readouterr().err
    assert not (tmp_path / "a").exists()


def test_an_export_is_tried_on_1000_digits_of_the_runs_own_data(square_set, tmp_path, monkeypatch):
    out = trained_with(swish, tmp_path / "run", monkeypatch, "data=idx", f"data.dir={square_set}")
    found = trained.load_trained(out)
    trial, shown = proof.trial_images(found), own.images_to_try(found, own_formula(swish))
    halves = [digits(n, (28, 28), seed=seed)[0].reshape(n, -1) for n, seed in ((100, 2), (600, 1))]
    assert np.array_equal(shown, np.concatenate([trial, *halves]))  # there are no more than 700
    assert np.array_equal(own.images_to_try(found, None), trial)
    monkeypatch.setattr(own, "DIGITS", 120)
    assert np.array_equal(own.images_to_try(found, own_formula(swish))[len(trial) :], np.concatenate(halves)[:120])


def test_without_the_data_it_is_tried_on_1000_images_of_noise(square_set, tmp_path, monkeypatch):
    out = trained_with(swish, tmp_path / "run", monkeypatch, "data=idx", f"data.dir={square_set}")
    found = trained.load_trained(out)

    def unavailable(*_):
        raise DataUnavailable("data=idx is not at hand")

    monkeypatch.setattr(own, "load_test_set", unavailable)
    noise = own.images_to_try(found, own_formula(swish))[len(proof.trial_images(found)) :]
    assert noise.shape == (1000, 784) and noise.dtype == np.uint8 and {*np.unique(noise).tolist()} == {*range(256)}


def test_without_hidden_layer_no_formula_is_asked_for(square_set, tmp_path, monkeypatch):
    out = trained_with(InPlace, tmp_path / "run", monkeypatch, "data=idx", f"data.dir={square_set}", "hidden=[]")
    assert exported(monkeypatch, out, "--html", tmp_path / "a", "--onnx", tmp_path / "b") == 0
    assert (tmp_path / "a").exists() and (tmp_path / "b").exists()


def test_the_grid_that_a_formula_is_compared_on_is_wider_than_one_unit():
    """A function that asks for z's shape sees another one than when it was traced."""
    assert formula.GRID.shape[1] > 1 and {0.0, 1e4, -1e4} <= {*formula.GRID.ravel()}
    assert np.signbit(formula.GRID[formula.GRID == 0]).any() and (np.abs(formula.GRID) == 1e-310).any()
