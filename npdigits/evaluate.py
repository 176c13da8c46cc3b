"""Score trained runs, or a committee of them, on a test set: ``python -m npdigits.evaluate RUN [RUN …] [data=…]``."""

if __name__ == "__main__":
    from npdigits.base.start import start

    start("npdigits.evaluate", "npdigits.evaluate")

import argparse
import functools
import sys
from collections.abc import Sequence
from pathlib import Path

from npdigits.base import targets
from npdigits.base.arrays import Array
from npdigits.base.errors import ConfigError
from npdigits.base.program import Parser, add_trust, exit_code, warn
from npdigits.base.spreadsheet import csv_table
from npdigits.base.terminal import hand_over, show
from npdigits.runs import evaluation

PROGRAM = "npdigits.evaluate"


def main() -> None:
    """Print the table; the exit code is 2 for bad input."""
    parser = Parser(PROGRAM, description=(__doc__ or "").partition(":")[0])
    parser.add_argument("arguments", nargs="+", metavar="RUN", help="run directories; data=… for another test set")
    parser.add_argument(
        "--csv", metavar="FILE", help="write the confusion matrix; - for standard output, in place of the table"
    )
    add_trust(parser)
    sys.exit(exit_code(PROGRAM, lambda: act(parser.parse_args())))


def act(chosen: argparse.Namespace) -> int:
    """Do what was asked for; return the exit code.

    Raises:
        UserError: something that was typed cannot be.
    """
    targets.check({} if chosen.csv is None else {"csv": chosen.csv})
    overrides = [argument for argument in chosen.arguments if argument.startswith(("data=", "data."))]
    paths = [argument for argument in chosen.arguments if argument not in overrides]
    for path in paths:
        if not path or ("=" in path and not Path(path).exists()):
            raise ConfigError(f"{path or repr(path)}: allowed are run directories, and data=… with its keys")
    lines, counts, names = evaluate([Path(path) for path in paths], overrides, chosen.trust)
    if chosen.csv:
        rows = evaluation.confusion_rows(counts, names)
        text = csv_table(rows[0], rows[1:])
        if chosen.csv == "-":
            hand_over(text)
            return 0
        targets.put(Path(chosen.csv), text.encode())
    show("\n".join([*lines, *evaluation.confusion_lines(counts, names)]))
    return 0


def evaluate(
    paths: Sequence[Path], overrides: Sequence[str] = (), trust: bool = False
) -> tuple[list[str], Array, tuple[str, ...]]:
    """Score runs as ``runs.evaluation.evaluate`` does, with its warnings on standard error."""
    return evaluation.evaluate(paths, overrides, functools.partial(warn, PROGRAM), trust)
