"""The plot of layers.csv: norms and steps of each layer over the epochs, and which of its units are idle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from npdigits.base import canvas, ticks
from npdigits.base.arrays import Array

if TYPE_CHECKING:  # matplotlib is imported where something is drawn
    from matplotlib.figure import Figure

# Of each panel the column, or columns with the name of each, and what stands at its axis.
NORMS = {
    "weight_norm": "weights ‖W‖",
    "gradient_norm": "gradient ‖∂C/∂W‖",
    "update_ratio": "step ‖ΔW‖ / ‖W‖",
}
IDLE: dict[str, Any] = {"dead": "-", "saturated": "--", "identical": ":"}
# Okabe & Ito's colours, which also the colour-blind tell apart; of more layers a scale from the first to the last.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
# Inches: of the figure, left of a panel, below the panels, between them, above them, and down to the legend.
SIZE, LEFT, BELOW, GAP, TOP, LEGEND = (6.4, 5.6), 0.75, 0.55, 0.8, 0.95, 0.42
# So many layers have a name of their own in the legend.
MOST_NAMED = 8


def layers(title: str, table: Mapping[str, Array]) -> Figure:
    """Draw what layers.csv holds: a line a layer; the last one is the output's."""
    figure, frame = canvas.titled(f"Inside — {title}", size=SIZE, of_images=True)
    frame.set_axis_off()
    numbers = np.unique(table["layer"]).astype(int)
    colours = _colours(len(numbers))
    for place, (column, label) in enumerate(NORMS.items()):
        axes = _panel(figure, place, label)
        for number, colour in zip(numbers, colours, strict=True):
            rows = table["layer"] == number
            _line(axes, table["epoch"][rows], table[column][rows], color=colour)
        if (table[column] > 0).any():
            ticks.logarithmic(axes)
        elif np.isnan(table[column]).all():
            axes.set_yticks([])
            axes.text(0.5, 0.5, "none", transform=axes.transAxes, ha="center", fontsize=8)
    axes = _panel(figure, len(NORMS), "idle units (%)")
    for number, colour in zip(numbers, colours, strict=True):
        rows = table["layer"] == number
        for column, style in IDLE.items():
            _line(axes, table["epoch"][rows], 100 * table[column][rows], color=colour, linestyle=style)
    axes.set_ylim(-4, 104)
    _legends(figure, axes, numbers, colours)
    return figure


def _panel(figure: Figure, place: int, label: str) -> Any:
    """Return the axes of one of four panels, counted row by row."""
    row, column = divmod(place, 2)
    width = (SIZE[0] - 2 * LEFT - 0.15) / 2
    height = (SIZE[1] - TOP - BELOW - GAP) / 2
    left, bottom = LEFT + column * (width + LEFT), BELOW + (1 - row) * (height + GAP)
    axes = figure.add_axes((left / SIZE[0], bottom / SIZE[1], width / SIZE[0], height / SIZE[1]))
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(label, fontsize=9)
    axes.set_xlabel("epoch", fontsize=9)
    axes.tick_params(labelsize=8)
    ticks.whole_steps(axes)
    return axes


def _line(axes: Any, epochs: Array, values: Array, **style: Any) -> None:
    """Draw a line, with dots where there are few epochs."""
    if not np.isnan(values).all():
        axes.plot(epochs, values, marker="." if len(epochs) < 2 else None, **style)


def _colours(n: int) -> list[Any]:
    """Return a colour for each of n layers."""
    if n <= len(COLOURS):
        return list(COLOURS[:n])
    import matplotlib

    return [matplotlib.colormaps["viridis"](i / (n - 1) * 0.9) for i in range(n)]


def _legends(figure: Figure, axes: Any, numbers: Array, colours: list[Any]) -> None:
    """Say which colour is which layer, above the panels, and which line is what, in the last one."""
    from matplotlib.lines import Line2D

    chosen = range(len(numbers)) if len(numbers) <= MOST_NAMED else (0, len(numbers) // 2, len(numbers) - 1)
    lines = [Line2D([], [], color=colours[i]) for i in chosen]
    last = numbers[-1]
    names = [f"layer {numbers[i]}{' (output)' if numbers[i] == last else ''}" for i in chosen]
    place = (0.5, 1 - LEGEND / SIZE[1])
    figure.legend(lines, names, loc="upper center", bbox_to_anchor=place, ncols=4, frameon=False, fontsize=8)
    styles = [Line2D([], [], color="0.3", linestyle=style) for style in IDLE.values()]
    axes.legend(styles, list(IDLE), loc="best", frameon=False, fontsize=8)
