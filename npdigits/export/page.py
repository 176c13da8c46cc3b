"""The page to draw digits on: one self-contained HTML file with the network in it.

Everything is in the file, and its content-security policy forbids it to fetch anything.
"""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from npdigits.data import Split
from npdigits.memory import Array
from npdigits.trained import Trained

FILES = Path(__file__).parent / "page_files"
SCRIPTS = ("form", "network", "page")
# Of the test set the first so many are in the page.
TEST_DIGITS = 200


def page(run: Trained, test: Split | None) -> str:
    """Return the page of a network; without test digits it has no button for them."""
    scripts = {name: (FILES / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS}
    style = (FILES / "page.css").read_text(encoding="utf-8")
    hashes = " ".join(map(_hash, scripts.values()))
    content = json.dumps(_content(run, test), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    parts = {
        "policy": f"default-src 'none'; script-src {hashes}; style-src {_hash(style)}; base-uri 'none'",
        "style": style,
        # Inside a script element nothing but "<" can be read as notation.
        "content": content.replace("<", "\\u003c"),
        **scripts,
    }
    before, *pieces = (FILES / "page.html").read_text(encoding="utf-8").split("{{")
    for piece in pieces:
        name, _, after = piece.partition("}}")
        before += parts[name] + after
    return before


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _content(run: Trained, test: Split | None) -> dict[str, Any]:
    """Return what the page's scripts show."""
    parameters, config = run.network.parameters, run.config
    tests = None
    if test is not None:
        rows = test.first(TEST_DIGITS).rows
        tests = {"images": _base64(test.images[rows]), "labels": test.labels[rows].tolist()}
    layers, accuracy = "–".join(map(str, run.sizes)), f"{100 * run.summary['test_accuracy']:.2f} %"
    return {
        "about": f"A network {layers}, trained on {run.summary['data']} by npdigits. It reads {accuracy} of the test "
        "digits right, and yours as you draw.",
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
