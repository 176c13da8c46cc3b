"""The plot of the first layer's weights: each unit as a picture, and which colour is which weight."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from npdigits.base import canvas
from npdigits.base.arrays import Array

if TYPE_CHECKING:  # matplotlib is imported where something is drawn
    from matplotlib.figure import Figure

# So many units are drawn.
MOST_UNITS = 100
# Pixels that all units together are wide, about, and at the most: 100 of 28 × 28 get two pixels a weight.
WIDTH, MOST_WIDTH = 490, 1000
# Inches that a plot may be high, where images are as narrow as a line; margins; of the colour legend its height at
# most, its width and its distance.
MOST_HEIGHT, SIDE, BELOW, ABOVE = 30, 0.75, 0.2, 0.4
LEGEND = (2.5, 0.12, 0.1)
DPI = 100
# A few extreme weights would leave all else pale: this share of them has colours of its own.
SHARE = 0.995
# Up to so many rows have their units' numbers beside them.
MOST_ROWS = 40


class Tiles:
    """Where units stand as pictures beside and below each other, a pixel apart.

    Args:
        shape: how many units, and the height and width of an image.

    Attributes:
        rows, columns: of units.
        size: height and width of the sheet, pixels.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._n, self._height, self._width = shape
        self.columns = math.ceil(math.sqrt(self._n * 1.3))
        self.rows = math.ceil(self._n / self.columns)
        self.size = (self.rows * (self._height + 1) - 1, self.columns * (self._width + 1) - 1)

    def sheet(self, units: Array) -> Array:
        """Return units (n, height, width) as one sheet, NaN between them."""
        sheet = np.full(self.size, np.nan)
        for i, unit in enumerate(units):
            top, left = i // self.columns * (self._height + 1), i % self.columns * (self._width + 1)
            sheet[top : top + self._height, left : left + self._width] = unit
        return sheet

    def middle(self, row: int) -> float:
        """Return the middle of a row, in pixels from the upper edge of the sheet's first pixel."""
        return row * (self._height + 1) + (self._height - 1) / 2

    def numbers(self, row: int) -> str:
        """Return which units stand in a row, counted from 1."""
        first, last = row * self.columns + 1, min(self._n, (row + 1) * self.columns)
        return f"{first}–{last}" if last > first else f"{first}"


def limit_of(weights: Sequence[Array]) -> float:
    """Return the weight that has the last colour on either side, of all of these arrays."""
    return float(np.quantile(np.abs(np.concatenate([some.ravel() for some in weights])), SHARE)) or 1.0


def weights(title: str, w: Array, shape: tuple[int, int]) -> Figure:
    """Draw the weights of each unit as a picture: blue pixels speak against it, red ones for it.

    Args:
        title: of the run.
        w: weights of the first layer, shape (units, pixels).
        shape: height and width of an image.
    """
    units = w[:MOST_UNITS].reshape(-1, *shape)
    tiles = Tiles(units.shape)
    some = f", {len(units)} of {len(w)} units" if len(units) < len(w) else ""
    # Whole pixels for each weight, or some would be wider than others.
    scale = max(1, min(round(WIDTH / tiles.size[1]) or 1, MOST_WIDTH // tiles.size[1]))
    if scale == 1 and 2 * tiles.size[1] <= MOST_WIDTH:
        scale = 2
    inside = tiles.size[1] * scale / DPI, min(tiles.size[0] * scale / DPI, MOST_HEIGHT)
    size = max(6.4, inside[0] + 2 * SIDE), inside[1] + BELOW + ABOVE
    side = (size[0] - inside[0]) / 2
    title = f"First layer's weights{some} — {title}"
    figure, axes = canvas.titled(title, size, right=side, left=side, bottom=BELOW, of_images=True)
    limit = limit_of([units])
    shown = axes.imshow(tiles.sheet(units), cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
    axes.spines[:].set_visible(False)
    axes.set_xticks([])
    rows = range(0, tiles.rows, math.ceil(tiles.rows / MOST_ROWS))
    axes.set_yticks([tiles.middle(row) for row in rows], [tiles.numbers(row) for row in rows], fontsize=7)
    axes.tick_params(length=0, pad=3)
    _add_legend(figure, shown, limit, 1 - (side - LEGEND[2]) / size[0])
    return figure


def _add_legend(figure: Figure, shown: object, limit: float, left: float) -> None:
    """Say beside the units which colour is which weight."""
    across, up = figure.get_size_inches()
    bottom, top = BELOW / up, 1 - ABOVE / up
    height = min(LEGEND[0] / up, top - bottom)
    axes = figure.add_axes((left, (top + bottom - height) / 2, LEGEND[1] / across, height))
    bar = figure.colorbar(shown, cax=axes, extend="both", extendfrac=0.04)  # type: ignore[arg-type]
    bar.set_ticks([-limit, -limit / 2, 0, limit / 2, limit], labels=[_figure(limit * k / 2) for k in range(-2, 3)])
    bar.outline.set_linewidth(0.4)
    axes.set_title("weight", fontsize=7, pad=5, loc="left")
    axes.tick_params(labelsize=7, width=0.4, length=2)


def _figure(weight: float) -> str:
    return f"{weight:.2g}".replace("-", "−")
