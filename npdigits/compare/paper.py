"""Figures for papers: which kinds there are, what a file's name asks for, and what is written.

Widths are those of one and of two columns of a paper. Nothing is told apart by colour alone: what stands beside colours
(Okabe & Ito's, which also the colour-blind tell apart) are line styles, filled and hollow marks, and words.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from npdigits.base import canvas
from npdigits.base.errors import ConfigError, RunDirError
from npdigits.base.text import on_one_line
from npdigits.compare import paper_curves, paper_differences, paper_intervals
from npdigits.compare.comparison import Comparison
from npdigits.compare.curves import History
from npdigits.compare.paper_style import STYLE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Inches: a column, and a page of two columns.
COLUMN, PAGE = 3.3, 6.9
FORMS = ("pdf", "svg", "png")
KINDS = ("curves", "intervals", "differences")


class Asked(NamedTuple):
    """A figure that was asked for.

    Attributes:
        kind: one of ``KINDS``.
        form: one of ``FORMS``.
        file: where to.
    """

    kind: str
    form: str
    file: str


class Drawn(NamedTuple):
    """A figure that was drawn.

    Attributes:
        file: where to.
        content: of the file.
        caption: what it shows, a sentence or more.
    """

    file: str
    content: bytes
    caption: str


def add_figure_options(parser: argparse.ArgumentParser) -> None:
    """Add the options to a parser."""
    what = (
        "draw for a paper: FILE is called curves…, intervals… or differences…, and .pdf, .svg or .png; may be repeated"
    )
    parser.add_argument("--figure", metavar="FILE", action="append", default=[], help=what)
    wide = f"--figure as wide as a page of two columns ({PAGE} in), not as a column ({COLUMN} in)"
    parser.add_argument("--wide", action="store_true", help=wide)


def parse_figures(typed: Sequence[str], of_two_runs: bool = False) -> list[Asked]:
    """Return what the names of some files ask for.

    Raises:
        ConfigError: a name is of no kind or form, or two runs stand side by side, which are no comparison.
    """
    if typed and of_two_runs:
        raise ConfigError(f"--figure {typed[0]}: figures are of folders, not of the two runs of --diff")
    asked = []
    for file in typed:
        path = Path(file)
        kind = next((kind for kind in KINDS if path.name.startswith(kind)), None)
        form = path.suffix.removeprefix(".")
        if kind is None or form not in FORMS:
            allowed = (
                "allowed is a name that begins with curves, intervals or differences, and ends in .pdf, .svg or .png"
            )
            raise ConfigError(f"--figure {file or repr(file)}: {allowed}")
        asked.append(Asked(kind, form, file))
    return asked


def draw_figures(
    asked: Iterable[Asked], comparison: Comparison, wide: bool, history: Callable[[str], History] | None
) -> list[Drawn]:
    """Draw figures of a comparison.

    Args:
        asked: which.
        comparison: of configurations, or of marginal means.
        wide: whether they are as wide as a page, else as a column.
        history: reads the curves of a run of another program; None reads metrics.csv.

    Raises:
        ConfigError: the comparison cannot be drawn so.
        RunDirError: matplotlib cannot draw.
    """
    width, drawn = PAGE if wide else COLUMN, []
    with canvas.defaults():
        for kind, form, file in asked:
            try:
                figure, caption = draw_kind(kind, comparison, width, history)
                drawn.append(Drawn(file, canvas.write(figure, form, caption), caption))
            except ConfigError as error:
                raise ConfigError(f"--figure {file}: {error}") from error
            except Exception as error:  # matplotlib raises whatever it likes
                raise RunDirError(f"--figure {file}: cannot be drawn: {on_one_line(error)}") from error
    return drawn


def draw_kind(
    kind: str, comparison: Comparison, width: float, history: Callable[[str], History] | None
) -> tuple[Figure, str]:
    """Return a figure and its caption; within ``canvas.defaults()``."""
    import matplotlib

    settings: Any = matplotlib.rcParams
    settings.update(STYLE)
    if kind == "curves":
        return paper_curves.draw(comparison, width, history)
    if kind == "intervals":
        return paper_intervals.draw(comparison, width)
    return paper_differences.draw(comparison, width)
