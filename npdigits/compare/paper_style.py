"""How figures for papers look: sizes of letters and lines, labels within a given width, axes in inches."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from npdigits.base import canvas
from npdigits.compare.comparison import Comparison
from npdigits.compare.figures import metric_in_words, unit_of
from npdigits.compare.rows import ComparisonRow
from npdigits.compare.statistics import Interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Points, of letters; a line of small ones is LINE inches high.
SIZE, SMALL, LINE = 8, 7, 0.13
# At most this many lines hold a label.
MOST_LINES = 3
STYLE: dict[str, Any] = {
    **{"font.size": SIZE, "axes.labelsize": SIZE, "axes.titlesize": SIZE, "legend.fontsize": SMALL},
    **{"xtick.labelsize": SMALL, "ytick.labelsize": SMALL, "lines.linewidth": 1.2, "axes.linewidth": 0.6},
    **{"xtick.major.width": 0.6, "ytick.major.width": 0.6, "xtick.major.size": 2.5, "ytick.major.size": 2.5},
    "axes.formatter.useoffset": False,  # which would add up to figures that nobody reads off
}
# Colours and line styles of the rows, so that two rows differ in both.
LINES: tuple[dict[str, Any], ...] = (
    {"color": "#000000", "linestyle": "-"},
    {"color": "#D55E00", "linestyle": "--"},
    {"color": "#0072B2", "linestyle": "-."},
    {"color": "#009E73", "linestyle": ":"},
    {"color": "#CC79A7", "linestyle": (0, (7, 2))},
    {"color": "#E69F00", "linestyle": (0, (4, 1, 1, 1, 1, 1))},
    {"color": "#56B4E9", "linestyle": (0, (2, 1))},
    {"color": "#777777", "linestyle": (0, (1, 3))},
)
# Outcome -> colour of its marks.
COLOURS = {"better": "#0072B2", "worse": "#D55E00"}


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of this size, in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=300)


def add_axes(figure: Figure, left: float, bottom: float, width: float, height: float) -> Any:
    """Add axes to a figure, placed in inches."""
    across, up = figure.get_size_inches()
    axes = figure.add_axes((left / across, bottom / up, width / across, height / up))
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def axis_title(metric: str, in_lines: bool = False, foreign: bool = False) -> str:
    """Return a metric in words with its unit, "validation accuracy (%)", the unit in a line of its own if wanted."""
    unit = unit_of(metric, foreign).name
    return canvas.plain(metric_in_words(metric, foreign)) + (f"{chr(10) if in_lines else ' '}({unit})" if unit else "")


@dataclass(frozen=True)
class Rows:
    """Where the rows of a figure stand, one below the other.

    Attributes:
        at: row -> the middle of its line, in inches from the upper edge of the axes.
        labels: of these rows, in this order.
        left: inches that the labels take on the left.
        height: of the axes, in inches.
    """

    at: dict[ComparisonRow, float]
    labels: list[str]
    left: float
    height: float

    def prepare(self, axes: Any, nbins: int) -> None:
        """Make axes show the rows from above, a faint line for each, with about ``nbins`` figures below."""
        axes.set_ylim(self.height, 0)
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        axes.locator_params(axis="x", nbins=nbins)
        for place in self.at.values():
            axes.axhline(place, color="0.9", linewidth=0.4, zorder=0)


def place_rows(comparison: Comparison, rows: Sequence[ComparisonRow], width: float, gap: float = 0.0) -> Rows:
    """Return where rows stand in a figure of this width, with a gap between those of two sections."""
    labels = [row_label(comparison, row, 0.33 * width) for row in rows]
    at, y = dict[ComparisonRow, float](), 0.03
    for row, label, before in zip(rows, labels, [None, *rows], strict=False):
        lines = max(label.count("\n") + 1, 1.25) * LINE
        y += gap if before is not None and before.section != row.section else 0.0
        at[row] = y + lines / 2
        y += lines
    return Rows(at, labels, widest(labels) + 0.12, y + 0.03)


def draw_interval(axes: Any, interval: Interval, scale: float, place: float, colour: str, filled: bool) -> None:
    """Draw a mean as a mark, filled or hollow, on the line of its interval."""
    if interval.half is not None:
        ends = [interval.low * scale, interval.high * scale]
        axes.plot(ends, [place, place], "|-", color=colour, linewidth=1, markersize=4.5, markeredgewidth=0.8, zorder=2)
    face = colour if filled else "#FFFFFF"
    axes.plot([interval.mean * scale], [place], "o", color=colour, markerfacecolor=face, markersize=3.2, zorder=3)


def row_label(comparison: Comparison, row: ComparisonRow, inches: float, size: float = SMALL) -> str:
    """Return a row's label in lines that are no longer than that; what MOST_LINES do not hold becomes dots."""
    return wrap(comparison.label(row, marks=True), inches, size)


def wrap(text: str, inches: float, size: float = SMALL) -> str:
    """Return a text in at most MOST_LINES lines that are no longer than that, broken at spaces, or anywhere."""
    lines, words = [""], canvas.legible(text).split(" ")
    for word in words:
        for part in _parts(word, inches, size):
            longer = f"{lines[-1]} {part}" if lines[-1] else part
            if width_of(longer, size) <= inches:
                lines[-1] = longer
            else:
                lines.append(part)
    if len(lines) > MOST_LINES:
        lines = lines[:MOST_LINES]
        while lines[-1] and width_of(lines[-1] + "…", size) > inches:
            lines[-1] = lines[-1][:-1]
        lines[-1] += "…"
    return "\n".join(lines).replace("$", r"\$")


def _parts(word: str, inches: float, size: float) -> list[str]:
    """Return a word in parts that are no longer than that."""
    parts = [""]
    for letter in word:
        if parts[-1] and width_of(parts[-1] + letter, size) > inches:
            parts.append("")
            if len(parts) > MOST_LINES + 1:
                break
        parts[-1] += letter
    return parts


@functools.cache
def _font() -> Any:
    from matplotlib import font_manager

    return font_manager.FontProperties(family=canvas.FONT)


@functools.lru_cache(maxsize=4096)
def width_of(text: str, size: float = SMALL) -> float:
    """Return how wide a text is, in inches, in letters of so many points."""
    from matplotlib.textpath import text_to_path

    width, _, _ = text_to_path.get_text_width_height_descent(text, _font().copy(), ismath=False)
    return float(width * size / _font().get_size_in_points() / 72)


def widest(texts: Sequence[str], size: float = SMALL) -> float:
    """Return how wide the widest line of some texts is, in inches."""
    return max((width_of(line, size) for text in texts for line in text.split("\n")), default=0.0)
