"""Draw the plots of run directories again: ``python -m npdigits.plots RUN [RUN …]``."""

if __name__ == "__main__":
    from npdigits.base.start import start

    start("npdigits.plots", "npdigits.plots")

import sys
from collections.abc import Sequence
from pathlib import Path

from npdigits.base.canvas import FORMS
from npdigits.base.program import Parser, exit_code, nonempty_path
from npdigits.base.terminal import hand_over
from npdigits.runs.plots import draw
from npdigits.runs.trained import run_of

PROGRAM = "npdigits.plots"


def main() -> None:
    """Draw the plots of the run directories named on the command line; the exit code is 2 for bad input."""
    parser = Parser(PROGRAM, description="Draw the plots of run directories again.")
    parser.add_argument("runs", nargs="+", type=nonempty_path, metavar="RUN", help="a run directory, or SWEEP/best")
    how = "png (the default), or for papers pdf or svg, which stand in plots/ beside the others"
    parser.add_argument("--format", choices=FORMS, default="png", metavar="FORM", help=how)

    def draw_them() -> int:
        chosen = parser.parse_args()
        return act(chosen.runs, chosen.format)

    sys.exit(exit_code(PROGRAM, draw_them))


def act(runs: Sequence[Path], form: str = "png") -> int:
    """Draw the plots of some runs in one of ``FORMS``, and print the files; return the exit code.

    Raises:
        RunDirError: one cannot be read, written or drawn.
        ConfigError: it is the best of a sweep that is not there.
    """
    for run in runs:
        for plot in draw(run_of(run), form=form):
            hand_over(f"{plot}\n")
    return 0
