"""The page to draw digits on: one self-contained HTML file with the network in it."""

import base64
from pathlib import Path
from typing import Any

import numpy as np

from npdigits.data import Split
from npdigits.memory import Array
from npdigits.pages import page_of
from npdigits.trained import Trained

FILES = Path(__file__).parent / "page_files"
SCRIPTS = ("pieces", "form", "network", "page")
# Of the test set the first so many are in the page.
TEST_DIGITS = 200


def page(run: Trained, test: Split | None) -> str:
    """Return the page of a network; without test digits it has no button for them."""
    template, style = ((FILES / name).read_text(encoding="utf-8") for name in ("page.html", "page.css"))
    scripts = {name: (FILES / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS}
    return page_of(template, style, scripts, _content(run, test))


def _content(run: Trained, test: Split | None) -> dict[str, Any]:
    """Return what the page's scripts show."""
    parameters, config = run.network.parameters, run.config
    tests = None
    if test is not None:
        rows = test.first(TEST_DIGITS).rows
        tests = {"images": _base64(test.images[rows]), "labels": test.labels[rows].tolist()}
    layers, accuracy = "–".join(map(str, run.sizes)), run.summary.get("test_accuracy")
    reads = "It reads your digits as you draw."
    if accuracy is not None:
        reads = f"It reads {100 * accuracy:.2f} % of the test digits right, and yours as you draw."
    return {
        "about": f"A network {layers}, trained on {run.summary['data']} by npdigits. {reads}",
        "network": {
            "sizes": list(run.sizes),
            "activation": config.activation,
            "leak": config.leak,
            "weights": [_base64(w.astype("<f4")) for w in parameters.weights],
            "biases": [_base64(b.astype("<f4")) for b in parameters.biases],
        },
        "tests": tests,
    }


def _base64(array: Array) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
