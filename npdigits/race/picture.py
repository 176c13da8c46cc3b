"""The picture of a race: who ran how long. A line a setting, as long as the epochs that it took in all its seeds.

The best setting stands at the head, and the first one dropped at the foot. Of many settings, those that were dropped
early have lines that are thin and without names.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from npdigits.base import canvas
from npdigits.base.errors import RunDirError
from npdigits.base.files import Folder
from npdigits.base.text import counted, on_one_line, shortened
from npdigits.race.layout import PICTURE
from npdigits.race.lengths import ENDS, Length, lengths_of
from npdigits.race.told import Told, tell

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# How a setting ended -> the colour of its line (Okabe and Ito's), and the mark at its end, which tells without colours.
MARKS = "#222222"
LOOKS = {
    "confirmed": ("#0072B2", "o"),
    "in": ("#56B4E9", ">"),
    "dropped": ("#999999", "|"),
    "lost": ("#D55E00", "x"),
}
# Inches. Up to NAMED settings, each has a line with a name.
WIDTH, LINE, THIN, LEFT, RIGHT, HEAD, FOOT = 9.5, 0.15, 0.05, 3.6, 0.3, 0.62, 0.85
NAMED = 100
# Beyond, those with a name are at most so many, the best. The others take no more than MOST_THIN inches in all.
MOST_NAMED, MOST_THIN = 60, 30.0
# Letters of a setting's name, and points of its size.
LETTERS, SIZE = 60, 6.5


@dataclass(frozen=True)
class Line:
    """A setting in the picture.

    Attributes:
        length: how long it ran.
        at: the middle of its line, in inches from the upper edge of the axes.
        thick: of its line, in inches.
        named: whether its name stands beside it.
    """

    length: Length
    at: float
    thick: float
    named: bool


def draw(folder: Path, form: str = "png") -> None:
    """Draw who ran how long into the folder of a race: race.png, or of another form of ``canvas.FORMS``.

    Raises:
        RunDirError: the race cannot be read, or the picture not be drawn or written.
    """
    draw_told(tell(folder), form)


def draw_told(told: Told, form: str = "png") -> None:
    """Draw the picture of a race that was told, as ``draw``."""
    name = str(Path(PICTURE).with_suffix(f".{form}"))
    try:
        with canvas.defaults():
            content = canvas.write(picture(told), form, "who ran how long in a race")
    except Exception as error:  # matplotlib raises whatever it likes
        raise RunDirError(f"{told.folder / name}: cannot be drawn: {on_one_line(error)}") from error
    try:
        Folder(told.folder).write_whole(name, content)
    except OSError as error:
        raise RunDirError(f"{told.folder / name}: cannot be written: {error.strerror or error}") from error


def picture(told: Told) -> Figure:
    """Return the picture."""
    from matplotlib.figure import Figure

    arms = {arm: place_lines(lengths_of(told, arm)) for arm in told.courses}
    heights = [max((lines[-1].at + LINE if lines else 0.0), 3 * LINE) for lines in arms.values()]
    gap = 0.3
    height = HEAD + FOOT + sum(heights) + gap * (len(arms) - 1)
    figure = Figure(figsize=(WIDTH, height), dpi=100)
    inside = (WIDTH - LEFT - RIGHT) / WIDTH
    longest = max((sum(line.length.epochs) for lines in arms.values() for line in lines), default=0)
    top = height - HEAD
    for (arm, lines), tall in zip(arms.items(), heights, strict=True):
        axes = figure.add_axes((LEFT / WIDTH, (top - tall) / height, inside, tall / height))
        _draw_lines(axes, lines, tall, longest)
        if arm:
            axes.set_title(canvas.plain(shortened(arm, LETTERS)), fontsize=9, loc="left", pad=3)
        axes.tick_params(labelbottom=arm == list(arms)[-1])
        top -= tall + gap
    axes.set_xlabel(f"training epochs of all seeds (a full run has {told.race.epochs})", fontsize=8)
    figure.text(0.12 / WIDTH, 1 - 0.16 / height, _title(told), fontsize=10, va="top")
    _legend(figure, height)
    return figure


def place_lines(lengths: Sequence[Length]) -> list[Line]:
    """Return the lines of an arm's settings, one below the other."""
    lines, y = [], 0.5 * LINE
    few = len(lengths) <= NAMED
    thin = min(THIN, MOST_THIN / max(1, len(lengths)))
    for place, length in enumerate(lengths):
        named = few or (place < MOST_NAMED and length.rung != 1)
        thick = LINE if named else thin
        lines.append(Line(length, y + thick / 2, thick, named))
        y += thick
    return lines


def _draw_lines(axes: Any, lines: Sequence[Line], tall: float, longest: int) -> None:
    """Draw the lines of an arm: a bar a seed, and a mark where it ends."""
    axes.set_ylim(tall, 0)
    axes.set_xlim(0, max(longest, 1) * 1.02)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="both", length=0, labelsize=7, pad=2)
    axes.grid(axis="x", color="0.88", linewidth=0.6)
    axes.set_axisbelow(True)
    named = [line for line in lines if line.named]
    axes.set_yticks([line.at for line in named], [_name(line.length) for line in named], fontsize=SIZE)
    for end, (colour, mark) in LOOKS.items():
        here = [line for line in lines if line.length.end == end]
        for parity, shade in enumerate((1.0, 0.6)):  # a seed is told from the next
            pieces = [piece for line in here for piece in _pieces(line)[parity::2]]
            if pieces:
                places, epochs, heights, begun = zip(*pieces, strict=True)
                axes.barh(places, epochs, heights, begun, color=colour, alpha=shade, linewidth=0)
        for size, some in ((18, [line for line in here if line.named]), (4, [line for line in here if not line.named])):
            ends = [sum(line.length.epochs) for line in some]
            axes.scatter(ends, [line.at for line in some], size, MARKS, mark, linewidths=1, zorder=3, clip_on=False)


def _pieces(line: Line) -> list[tuple[float, int, float, int]]:
    """Return of each seed's piece its place, its epochs, its height, and the epochs before it."""
    ends = list(itertools.accumulate(line.length.epochs, initial=0))
    pieces = zip(ends, line.length.epochs, strict=False)
    return [(line.at, epochs, 0.66 * line.thick, begun) for begun, epochs in pieces]


def _name(length: Length) -> str:
    text = f"{' '.join(length.overrides)}  {length.setting}"
    return canvas.plain(shortened(text, LETTERS))


def _title(told: Told) -> str:
    race = told.race
    settings = counted(len(race.settings), "setting", "settings")
    arms = f" in {len(told.courses)} arms" if len(told.courses) > 1 else ""
    k = len(race.confirmations)
    confirmed = f", {counted(k, 'confirmation', 'confirmations')}" if k else ""
    return canvas.plain(f"Who ran how long: {settings}{arms}, {told.used:,} epochs{confirmed}")


def _legend(figure: Any, height: float) -> None:
    """Say what the marks mean, in a line at the foot."""
    from matplotlib.lines import Line2D

    handles = []
    for end, (colour, mark) in LOOKS.items():
        line = Line2D([], [], color=colour, marker=mark, linewidth=5, markersize=5, label=ENDS[end])
        line.set_markeredgecolor(MARKS)
        line.set_markerfacecolor(MARKS)
        handles.append(line)
    place = (0.3 * LEFT / WIDTH, 0.08 / height)
    figure.legend(handles=handles, loc="lower left", bbox_to_anchor=place, ncols=4, fontsize=7, frameon=False)
