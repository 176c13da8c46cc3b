"""Take a trained network elsewhere: ``python -m npdigits.export RUN --html digits.html --onnx digits.onnx``."""

import argparse
import functools
import sys
from collections.abc import Callable
from pathlib import Path

from npdigits.base import targets
from npdigits.base.errors import ConfigError, RunDirError, UserError
from npdigits.base.program import Parser, add_trust, exit_code, nonempty_path, warn
from npdigits.base.terminal import show
from npdigits.data.sets import Split
from npdigits.export.onnx_file import onnx_file
from npdigits.export.page import page
from npdigits.pictures.mnist_form import SIDE
from npdigits.runs import trained
from npdigits.runs.evaluation import load_test_set
from npdigits.runs.trained import Trained

PROGRAM = "npdigits.export"


def load_test_digits(run: Trained) -> Split | None:
    """Return the run's test digits; None, with a warning, where its data is not at hand."""
    try:
        return load_test_set([run], (), functools.partial(warn, PROGRAM)).test
    except UserError as error:
        warn(PROGRAM, f"the page has no test digits: {error}")
        return None


def _html(run: Trained) -> bytes:
    """Return the page of a run that reads images of 28 × 28.

    Raises:
        RunDirError, ConfigError: there is none of this run.
    """
    if (shape := run.summary.image_shape) != [SIDE, SIDE]:
        raise RunDirError(
            f"{run.path}: was trained on images of {shape}; what is drawn on the page becomes {SIDE} × {SIDE}: "
            "--onnx takes any size"
        )
    return page(run, load_test_digits(run)).encode()


# option -> the function that makes the file
FORMATS: dict[str, Callable[[Trained], bytes]] = {"html": _html, "onnx": onnx_file}


def main() -> None:
    """Write the files; the exit code is 2 for bad input."""
    parser = Parser(PROGRAM, description=(__doc__ or "").partition(":")[0])
    parser.add_argument("run", type=nonempty_path, metavar="RUN", help="a run directory, or SWEEP/best")
    parser.add_argument("--html", metavar="FILE", help="a page to draw digits on, which needs no network")
    parser.add_argument("--onnx", metavar="FILE", help="the network for ONNX Runtime and others")
    add_trust(parser)
    sys.exit(exit_code(PROGRAM, lambda: act(parser.parse_args())))


def act(chosen: argparse.Namespace) -> int:
    """Do what was asked for; return the exit code.

    Raises:
        UserError: something that was typed cannot be.
    """
    asked = {name: target for name in FORMATS if (target := getattr(chosen, name)) is not None}
    if not asked:
        raise ConfigError("nothing to write: allowed are --html FILE and --onnx FILE")
    if "-" in asked.values():
        raise ConfigError("-: allowed is the name of a file")
    targets.check(asked)
    run = trained.load_trained(chosen.run, chosen.trust, functools.partial(warn, PROGRAM))
    if run.unfinished:
        warn(PROGRAM, run.unfinished)
    made = {target: FORMATS[name](run) for name, target in asked.items()}  # nothing is written if one fails
    for target, content in made.items():
        targets.put(Path(target), content)
        show(f"{target}: {len(content) / 1e6:.2f} MB")
    return 0
