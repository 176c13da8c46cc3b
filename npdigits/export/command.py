"""Take a trained network elsewhere: ``python -m npdigits.export RUN --html digits.html --onnx digits.onnx``."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from npdigits.base import targets
from npdigits.base.errors import ConfigError, UserError
from npdigits.base.program import Parser, exit_code, path
from npdigits.data.sets import Split
from npdigits.evaluate import test_set
from npdigits.export.onnx_file import onnx_file
from npdigits.export.page import page
from npdigits.predict import check
from npdigits.runs import trained
from npdigits.runs.trained import Trained

PROGRAM = "npdigits.export"


def test_digits(run: Trained) -> Split | None:
    """Return the run's test digits; None, with a warning, where its data is not at hand."""
    try:
        return test_set([run], ()).test
    except UserError as error:
        print(f"{PROGRAM}: WARNING: the page has no test digits: {error}", file=sys.stderr)
        return None


def _html(run: Trained) -> bytes:
    check(run)
    return page(run, test_digits(run)).encode()


# option -> what makes the file
FORMATS: dict[str, Callable[[Trained], bytes]] = {"html": _html, "onnx": onnx_file}


def main() -> None:
    """Write the files; the exit code is 2 for bad input."""
    parser = Parser(f"python -m {PROGRAM}", description=(__doc__ or "").partition(":")[0])
    parser.add_argument("run", type=path, metavar="RUN", help="a run directory, or SWEEP/best")
    parser.add_argument("--html", metavar="FILE", help="a page to draw digits on, which needs no network")
    parser.add_argument("--onnx", metavar="FILE", help="the network for ONNX Runtime and others")
    sys.exit(exit_code(PROGRAM, lambda: _export(parser.parse_args())))


def _export(chosen: argparse.Namespace) -> int:
    asked = {name: target for name in FORMATS if (target := getattr(chosen, name)) is not None}
    if not asked:
        raise ConfigError("nothing to write: allowed are --html FILE and --onnx FILE")
    if "-" in asked.values():
        raise ConfigError("-: allowed is the name of a file")
    targets.check(asked)
    run = trained.load(chosen.run)
    if run.unfinished:
        print(f"{PROGRAM}: WARNING: {run.unfinished}", file=sys.stderr)
    made = {target: FORMATS[name](run) for name, target in asked.items()}  # nothing is written if one fails
    for target, content in made.items():
        targets.put(Path(target), content)
        print(f"{target}: {len(content) / 1e6:.2f} MB")
    return 0
