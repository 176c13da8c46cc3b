"""Draw the plots of run directories again, or make a film: ``python -m npdigits.plots RUN [RUN …] [--film FILE]``."""

if __name__ == "__main__":
    from npdigits.base.start import start

    start("npdigits.plots", "npdigits.plots")

import sys
from collections.abc import Sequence
from pathlib import Path

from npdigits.base import targets
from npdigits.base.canvas import FORMS
from npdigits.base.errors import ConfigError
from npdigits.base.program import Parser, exit_code, nonempty_path
from npdigits.base.terminal import hand_over, show
from npdigits.runs.film import film
from npdigits.runs.plots import draw
from npdigits.runs.trained import run_of

PROGRAM = "npdigits.plots"


def main() -> None:
    """Draw the plots of the run directories named on the command line; the exit code is 2 for bad input."""
    parser = Parser(PROGRAM, description="Draw the plots of run directories again.")
    parser.add_argument("runs", nargs="+", type=nonempty_path, metavar="RUN", help="a run directory, or SWEEP/best")
    how = "png (the default), or for papers pdf or svg, which stand in plots/ beside the others"
    parser.add_argument("--format", choices=FORMS, default="png", metavar="FORM", help=how)
    what = "instead make a film of a run's first layer, of the weights that history=all has kept: an animated WebP"
    parser.add_argument("--film", metavar="FILE.webp", help=what)

    def draw_them() -> int:
        chosen = parser.parse_args()
        if chosen.film is not None:
            return make_film(chosen.runs, chosen.film)
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


def make_film(runs: Sequence[Path], target: str) -> int:
    """Make a film of a run's weights by epoch, and say how large it is; return the exit code.

    Raises:
        ConfigError: there are several runs, or the file cannot be written there.
        RunDirError: the run cannot be read, or it kept no weights.
    """
    if len(runs) > 1:
        raise ConfigError(f"--film {target}: allowed with one RUN, not with {len(runs)}")
    if not target.lower().endswith(".webp"):
        raise ConfigError(f"--film {target}: allowed is a file whose name ends with .webp")
    targets.check({"film": target})
    made = film(run_of(runs[0]))
    targets.put(Path(target), made.content)
    show(f"{target}: {made}")
    return 0
