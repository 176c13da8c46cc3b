"""Which runtimes read the exported ONNX file, and how? ``python experiments/onnx_runtimes.py [RUNTIME …]``.

By hand, outside CI: each runtime of ``RUNTIMES`` is installed, in its pinned version, into an environment of its own in
a temporary folder (OpenCV 4 and 5 share the name of their module), and reads small networks of every kind there, by
``onnx_probe.py`` or ``.mjs``. Prints a table, and what each refused. Needs pip, for two of them npm and Node.js, and
for tinygrad clang.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from npdigits.base.errors import ConfigError
from npdigits.base.program import Parser, exit_code
from npdigits.config.compose import compose
from npdigits.data import sets
from npdigits.export.onnx_file import onnx_file
from npdigits.runs import trained
from npdigits.runs.run import run
from npdigits.training.scoring import probabilities

PROGRAM = "onnx_runtimes.py"
HERE = Path(__file__).parent
NETWORKS = {
    "leaky_relu": [],
    "two layers": ["hidden=[30,20]", "activation=relu"],
    "no hidden layer": ["hidden=[]"],
    "sigmoid": ["activation=sigmoid"],
    "tanh": ["activation=tanh"],
    "float64": ["dtype=float64"],
}
DIGITS = 100
# Floats that are taken as they are give probabilities that are off by less, also in bfloat16.
CUT = 0.015


@dataclass(frozen=True)
class Runtime:
    """A runtime: the packages that bring it, in a version each, and the probe's name for it."""

    packages: tuple[str, ...]
    probe: str
    npm: bool = False


RUNTIMES = {
    "ONNX Runtime": Runtime(("onnxruntime==1.32.0",), "onnxruntime"),
    "onnx's reference": Runtime(("onnx==1.23.2",), "reference"),
    "ONNX Runtime node": Runtime(("onnxruntime-node@1.30.0",), "onnxruntime-node", npm=True),
    "ONNX Runtime web": Runtime(("onnxruntime-web@1.30.0",), "onnxruntime-web", npm=True),
    "OpenCV 4": Runtime(("opencv-python-headless==4.14.0.94",), "opencv"),
    "OpenCV 5": Runtime(("opencv-python-headless==5.0.0.93",), "opencv"),
    "OpenVINO": Runtime(("openvino==2026.4.1",), "openvino"),
    "OpenVINO, f32": Runtime(("openvino==2026.4.1",), "openvino_f32"),
    "tract": Runtime(("tract==0.23.9", "numpy"), "tract"),
    "tinygrad": Runtime(("tinygrad==0.14.0", "numpy"), "tinygrad"),
    "onnx2torch": Runtime(("onnx2torch==1.5.15", "torch==2.13.0"), "onnx2torch"),
}


def main() -> None:
    """Print the table; the exit code is 1 where bytes are not read, or as another digit, 2 for an unknown name."""
    parser = Parser(PROGRAM, description=(__doc__ or "").partition("?")[0])
    parser.add_argument("runtimes", nargs="*", metavar="RUNTIME", help=f"{', '.join(RUNTIMES)}; all if none is named")
    sys.exit(exit_code(PROGRAM, lambda: _tried(parser.parse_args().runtimes or list(RUNTIMES))))


def _tried(names: list[str]) -> int:
    if unknown := [name for name in names if name not in RUNTIMES]:
        raise ConfigError(f"{unknown[0]}: allowed are {', '.join(RUNTIMES)}")
    with tempfile.TemporaryDirectory(prefix="npdigits-runtimes-") as folder:
        files = Path(folder) / "files"
        files.mkdir()
        make(files)
        print("| runtime | version | bytes | floats | other batch sizes | float64 network | off by | wrong digits |")
        print("|---|---|---|---|---|---|---|---|")
        refused, wrong = [], False
        for name in names:
            answers = probed(RUNTIMES[name], Path(folder) / "environment", files)
            print(row(name, RUNTIMES[name], answers), flush=True)
            refused += [f"{name}: {line}" for line in errors(answers)]
            wrong |= any(one["bytes"].get("wrong", 1) for network, one in answers.items() if network != "float64")
        print("", *refused, sep="\n")
    return int(wrong)


def make(files: Path) -> None:
    """Write a network of each kind, with digits of its test set, as bytes and as floats that are not whole."""
    source = sets.load("mnist_5k")
    images = source.test.images[source.test.rows[:: len(source.test) // DIGITS][:DIGITS]]
    split = sets.Split(images, np.zeros(DIGITS, np.intp), np.arange(DIGITS))
    for name, keys in NETWORKS.items():
        config = compose(["data=mnist_5k", "epochs=3", "plots=false", "quiet=true", *keys])
        out = files / f"run of {name}"
        with contextlib.redirect_stdout(sys.stderr):
            run(config, out, source=source)
        found = trained.load_trained(out)
        floats = np.minimum(images + 0.9, 255).astype(np.float32)  # all of which a runtime that cuts them makes bytes
        kept: dict[str, Any] = {
            "images": images,
            "p": found.probabilities(split),
            "floats": floats,
            "p_floats": probabilities(found.network, sets.Split(floats, split.labels, split.rows)),
        }
        np.savez(files / f"{name}.npz", **kept)
        (files / f"{name}.json").write_text(json.dumps({key: array.tolist() for key, array in kept.items()}))
        (files / f"{name}.onnx").write_bytes(onnx_file(found))


def probed(runtime: Runtime, folder: Path, files: Path) -> dict[str, Any]:
    """Install a runtime into a fresh folder, and return what its probe says of each network.

    Raises:
        ConfigError: it cannot be installed, or its probe does not start.
    """
    with tempfile.TemporaryDirectory(prefix=folder.name, dir=folder.parent) as fresh:
        if runtime.npm:
            _done(["npm", "install", "--silent", "--ignore-scripts", "--prefix", fresh, *runtime.packages], fresh)
            said = _done(["node", str(HERE / "onnx_probe.mjs"), runtime.probe, str(files)], fresh)
        else:
            venv.create(fresh, with_pip=True)
            python = str(Path(fresh) / ("Scripts" if os.name == "nt" else "bin") / "python")
            _done([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *runtime.packages], fresh)
            said = _done([python, str(HERE / "onnx_probe.py"), runtime.probe, str(files)], fresh)
    answers: dict[str, Any] = json.loads(said.splitlines()[-1])
    return answers


def _done(command: list[str], folder: str) -> str:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    except FileNotFoundError as error:
        raise ConfigError(f"{command[0]}: is not installed") from error
    except subprocess.CalledProcessError as error:
        raise ConfigError(f"{' '.join(command)}: {(error.stderr or error.stdout)[-500:]}") from error
    return done.stdout


def row(name: str, runtime: Runtime, answers: dict[str, Any]) -> str:
    """Return a line of the table."""
    single = [answers[network] for network in answers if network != "float64"]
    double = answers["float64"]["bytes"]
    good = [one["bytes"] for one in single if "error" not in one["bytes"]]
    cells = [
        name,
        runtime.packages[0].rpartition("=" if not runtime.npm else "@")[2],
        "yes" if len(good) == len(single) else f"{len(good)} of {len(single)}",
        _floats([one["floats"] for one in single]),
        "yes" if good and all(one["batches"] for one in good) else "no",
        "refused" if "error" in double else f"as {double['type']}, off by {double['off']:.0e}",
        f"{max((one['off'] for one in good), default=np.nan):.0e}",
        f"{sum(one['wrong'] for one in good)}",
    ]
    return f"| {' | '.join(cells)} |"


def _floats(answers: list[dict[str, Any]]) -> str:
    if all("error" in one for one in answers):
        return "refused"
    if any("error" in one for one in answers):
        return "some"
    # Without 0.9 in each of 784 pixels the probabilities are off by 0.02 to 0.05.
    return "yes" if max(one["off"] for one in answers) < CUT else "cut to whole numbers"


def errors(answers: dict[str, Any]) -> Iterator[str]:
    """Yield what was refused, a line each."""
    for network, cases in answers.items():
        yield from (f"{network}, {case}: {one['error']}" for case, one in cases.items() if "error" in one)


if __name__ == "__main__":
    main()
