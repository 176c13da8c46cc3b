"""The page to draw digits on: one self-contained HTML file with the network in it."""

import base64
import math
import re
from pathlib import Path
from typing import Any

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import ConfigError
from npdigits.base.pages import page_of
from npdigits.config.build import BYTES
from npdigits.data.sets import Split
from npdigits.export import proof
from npdigits.export.formula import Formula
from npdigits.export.own import formula_of, images_to_try
from npdigits.nn.costs import softmax
from npdigits.nn.erfc import erfc
from npdigits.runs.trained import Trained

FILES = Path(__file__).parent / "page_files"
SCRIPTS = ("several", "panel", "pieces", "flat", "lines", "form", "network", "theme", "paper", "page")
# So many of the test digits, the first, are in the page.
TEST_DIGITS = 200
# A line of the table of activations in network.js: a name, and a formula that Python reads as well.
FORMULA = re.compile(r"^  (\w+): \(z, leak\) => (.+),$", re.MULTILINE)
MATHS = {
    **{"abs": np.abs, "erfc": erfc, "exp": np.exp, "log1p": np.log1p, "max": np.maximum, "tanh": np.tanh},
    "SQRT1_2": math.sqrt(0.5),
}
# The name by which page_files/own.js adds the user's own activation to the table.
OWN = "own"


def page(run: Trained, test: Split | None) -> str:
    """Return the page of a network; without test digits it has no button for them.

    The page's numbers and formulas were computed with here, and answer as the network does.

    Raises:
        ConfigError: the page does not know the network's activation, or knows another one by that name, or an own
            activation has no formula that it could know.
    """
    own = formula_of("html", run)
    template, style = ((FILES / name).read_text(encoding="utf-8") for name in ("page.html", "page.css"))
    scripts = {name: (FILES / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS}
    content, images = _content(run, test), images_to_try(run, own)
    if own is not None:
        content["network"]["activation"] = OWN
        text = (FILES / "own.js").read_text(encoding="utf-8")
        scripts["network"] += text.replace("{{formula}}", own.javascript())
    p = _answers(content["network"], formulas(scripts["network"]), images, own)
    proof.refuse_other_answers("html", run, images, p)
    return page_of(template, style, scripts, content)


def formulas(script: str) -> dict[str, str]:
    """Return the activations that the page knows: name -> formula of z and leak."""
    return dict(FORMULA.findall(script.partition("const ACTIVATIONS = {")[2].partition("};")[0]))


def _answers(network: dict[str, Any], known: dict[str, str], images: Array, own: Formula | None = None) -> Array:
    """Return the page's probabilities for images, bytes of shape (n, pixels): shape (n, classes).

    Raises:
        ConfigError: the page does not know the activation.
    """
    dtype = np.dtype(network["dtype"]).newbyteorder("<")
    layers = [
        [np.frombuffer(base64.b64decode(text), dtype) for text in network[name]] for name in ("weights", "biases")
    ]
    if own is None and len(layers[0]) > 1 and network["activation"] not in known:
        raise ConfigError(
            f"--html: activation={network['activation']}: the page does not know it; allowed are {', '.join(known)}"
        )
    a = images * BYTES
    with np.errstate(all="ignore"):  # as JavaScript computes
        for i, (w, b) in enumerate(zip(*layers, strict=True)):
            z = a @ w.reshape(len(b), -1).astype(float).T + b
            names = {**MATHS, "z": z, "leak": network["leak"], "__builtins__": {}}
            if own is not None and i + 1 < len(layers[0]):
                a = own.read_javascript(z)
                continue
            a = eval(known[network["activation"]], names) if i + 1 < len(layers[0]) else z
        answers: Array = (a - a.max(axis=1, keepdims=True)) / network["temperature"]
        softmax(answers)
    return answers


def _content(run: Trained, test: Split | None) -> dict[str, Any]:
    """Return the data of the page's scripts."""
    parameters, config = run.network.parameters, run.config
    tests = None
    if test is not None:
        rows = test.first(TEST_DIGITS).rows
        images = np.rint(test.images[rows]).astype(np.uint8)
        tests = {"images": _base64(images), "labels": test.labels[rows].tolist()}
    layers, accuracy = "–".join(map(str, run.sizes)), run.summary.test_accuracy
    shown = "digits" if run.summary.classes is None else "pictures"
    reads = f"It reads your {shown} as you draw."
    if accuracy is not None:
        reads = f"It reads {100 * accuracy:.2f} % of the test {shown} right, and yours as you draw."
    meaning = ""
    if run.summary.temperature is not None:
        meaning = f"The percentages hold for {shown} like those of the validation set; they say little of others."
    return {
        "about": f"A network {layers}, trained on {run.summary.data} by npdigits. {reads}",
        "meaning": meaning,
        "network": {
            "sizes": list(run.sizes),
            "activation": config.activation,
            "leak": config.leak,
            "temperature": run.temperature,
            "dtype": parameters.flat.dtype.name,
            "weights": [_little_endian(w) for w in parameters.weights],
            "biases": [_little_endian(b) for b in parameters.biases],
        },
        "tests": tests,
        "classes": run.summary.classes,
    }


def _little_endian(floats: Array) -> str:
    return _base64(floats.astype(floats.dtype.newbyteorder("<")))


def _base64(array: Array) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
