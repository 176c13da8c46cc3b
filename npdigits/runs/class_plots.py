"""The plots of a run that show classes: the confusion matrix and the worst mistakes, with the classes' names."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from npdigits.base import canvas
from npdigits.base.arrays import Array
from npdigits.base.text import shortened, terminal_width
from npdigits.runs.results import confusion_matrix

if TYPE_CHECKING:  # matplotlib is imported where something is drawn
    from matplotlib.figure import Figure

# Up to so many classes leave room for figures; more get a larger picture, and beyond the next number not every class
# has its name at the axes.
MOST_WITH_FIGURES, MOST_WITH_NAMES = 15, 80
# Characters of a name at an axis, and in a caption; up to so many stand in one line with the rest of it.
LONGEST_LABEL, LONGEST_CAPTION, SHORT = 16, 11, 2
# Inches of a class in the confusion matrix, of a character there, and of all other things at its sides.
CELL, CHARACTER, SIDES = 0.15, 0.068, 0.45
# Mistakes in a row, and inches of a row: of short names, and of names that take a line of their own.
COLUMNS, ROW = 6, 1.35
COLUMNS_OF_NAMED, ROW_OF_NAMED = 4, 1.75


def confusion(title: str, predictions: Mapping[str, Array], names: Sequence[str]) -> Figure:
    """Draw how often each test digit is read as each digit; the shade is the share of a digit that is read wrong so."""
    n = len(names)
    guesses = predictions["probabilities"].argmax(axis=1)
    counts = confusion_matrix(guesses, predictions["labels"], n)
    errors = counts - np.diag(np.diag(counts))
    title = f"Test set, {errors.sum()} of {counts.sum()} read wrong — {title}"
    if n <= MOST_WITH_FIGURES and _are_numbers(names):
        figure, axes = canvas.titled(title, size=(6.4, 5.6), of_images=True)
        axes.set_xticks(range(n))
        axes.set_yticks(range(n))
    else:
        figure, axes = _named_axes(title, names)
    share = errors / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(share, cmap="Oranges", vmin=0)
    dark = share.max(initial=0.0) / 2
    if n <= MOST_WITH_FIGURES:
        for row, column in np.ndindex(n, n):
            if counts[row, column]:
                color = "0.55" if row == column else "white" if share[row, column] > dark else "black"
                axes.text(column, row, str(counts[row, column]), ha="center", va="center", fontsize=8, color=color)
    axes.set_xlabel("read as")
    axes.set_ylabel("is")
    return figure


def mistakes(title: str, predictions: Mapping[str, Array], names: Sequence[str], shape: tuple[int, int]) -> Figure:
    """Draw the test digits that were read wrong with the greatest confidence."""
    images = predictions["mistake_images"]
    side = max(shape)  # other shapes are drawn in a square of paper, which leaves room for the caption
    short = max(map(terminal_width, names)) <= SHORT
    columns, height_of_row = (COLUMNS, ROW) if short else (COLUMNS_OF_NAMED, ROW_OF_NAMED)
    rows = max(1, math.ceil(len(images) / columns))
    title = f"Most confidently wrong on the test set — {title}"
    figure, axes = canvas.titled(title, size=(7.5, height_of_row * rows + 0.95), of_images=True)
    axes.set_axis_off()
    if not len(images):
        axes.text(0.5, 0.5, "no mistakes", ha="center")
        return figure
    space = max(2, side // 3 if short else side // 2)  # below each digit, for its caption
    sheet = np.zeros((rows * (side + space), columns * (side + 2)))
    drawn = drawable(names, LONGEST_CAPTION)
    for i, image in enumerate(images):
        top, left = i // columns * (side + space), i % columns * (side + 2)
        _put(sheet[top : top + side, left : left + side], image.reshape(shape))
        p = predictions["probabilities"][predictions["mistakes"][i]]
        label = drawn[predictions["labels"][predictions["mistakes"][i]]]
        caption = f"{label}{', ' if short else chr(10)}read {drawn[p.argmax()]}: {p.max():.1%}"
        axes.text(left + side / 2, top + side + space / 2, caption, ha="center", va="center", fontsize=7)
    axes.imshow(sheet, cmap="gray_r", interpolation="nearest")
    return figure


def drawable(names: Sequence[str], longest: int) -> list[str]:
    """Return names as they are drawn: shortened, no formulas, and letters that the font lacks as escapes."""
    return [canvas.plain(shortened(name, longest, canvas.legible)) for name in names]


def _named_axes(title: str, names: Sequence[str]) -> tuple[Figure, canvas.Axes]:
    """Return axes with the classes' names at both sides, as large as those need."""
    n, drawn = len(names), drawable(names, LONGEST_LABEL)
    beside = SIDES + CHARACTER * max(map(terminal_width, drawn))
    side = max(4.1, CELL * min(n, MOST_WITH_NAMES))
    size = (beside + side + 0.3, beside + side + 0.4)
    figure, axes = canvas.titled(title, size, right=0.3, left=beside, bottom=beside, of_images=True)
    shown = range(0, n, math.ceil(n / MOST_WITH_NAMES))
    axes.set_xticks(shown, [drawn[i] for i in shown], fontsize=7, rotation=90 if max(map(len, drawn)) > SHORT else 0)
    axes.set_yticks(shown, [drawn[i] for i in shown], fontsize=7)
    return figure, axes


def _are_numbers(names: Sequence[str]) -> bool:
    return list(names) == [str(i) for i in range(len(names))]


def _put(square: Array, image: Array) -> None:
    """Write an image into the middle of a square."""
    top, left = (len(square) - len(image)) // 2, (len(square) - image.shape[1]) // 2
    square[top : top + len(image), left : left + image.shape[1]] = image
