"""A film of the first layer's weights by epoch, as an animated WebP, of a run that kept them (``history=all``)."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from npdigits.base import canvas
from npdigits.base.arrays import Array
from npdigits.base.errors import RunDirError
from npdigits.base.text import on_one_line, shortened
from npdigits.runs.run_files import RunFiles
from npdigits.runs.weight_history import epochs_kept, read_weights
from npdigits.runs.weight_plots import MOST_UNITS, Tiles, limit_of

if TYPE_CHECKING:  # imported where something is drawn
    from PIL import Image

# Bytes of a film: what a page or a mail takes; and frames, evenly chosen where there are more epochs.
MOST_BYTES, MOST_FRAMES = 2_000_000, 120
# Pixels: how wide the units are drawn together, about; how many there may be of all units before they are enlarged;
# how wide a frame is at least, so that its text has room; margins; lines of text; the colour legend.
WIDTH, MOST_PIXELS, LEAST_WIDTH, MARGIN, LINE, LEGEND = 640, 1_000_000, 460, 10, 24, (200, 12)
# Of the letters: points, and how many of the title there is room for in a line of LEAST_WIDTH.
LETTERS, SIZE = 62, 13
# WebP's quality, the first one that keeps the film small enough; below the last one units are blurred. A whole frame
# comes at least every 30: parts that hardly change are left out of those between, and errors add up. 101 frames of 100
# units at 1.8 MB are off by 9 of 255 shades (all whole: 10 at 2.1 MB; none: 14).
QUALITIES, WHOLE_FRAMES = (85, 70, 60, 50, 40, 30), {"kmin": 15, "kmax": 30}
# Frames by which the size of many is estimated.
PROBE = 25
# Milliseconds: of the whole film, of a frame at least and at most, and of the last one.
LENGTH, SHORTEST, LONGEST, LAST = 10_000, 70, 500, 2500


@dataclass(frozen=True)
class Film:
    """An animated WebP.

    Attributes:
        content: of the file.
        epochs: of its frames; 0 are the initial weights.
        size: width and height, pixels.
    """

    content: bytes
    epochs: tuple[int, ...]
    size: tuple[int, int]

    def __str__(self) -> str:
        first, last = self.epochs[0], self.epochs[-1]
        shown = f"epoch {last}" if first == last else f"epochs {first} to {last}"
        frames = f"{len(self.epochs)} frame{'s' if len(self.epochs) > 1 else ''}"
        return f"{shown}, {frames} of {self.size[0]} × {self.size[1]} pixels, {len(self.content) / 1e6:.2f} MB"


def film(path: Path) -> Film:
    """Make a film of a run directory's history, as far as it has come.

    Each frame has the weights of the first layer after an epoch, with the same colours for the same weights in all of
    them, the epoch, and its accuracy and cost on the validation set (without one, on the training set).

    Raises:
        RunDirError: the directory cannot be read, the run kept no history, or no film can be made.
    """
    run = RunFiles(path)
    kept = [epoch for epoch in epochs_kept(path) if epoch <= len(run.metrics["epoch"])]
    if not kept:
        raise RunDirError(f"{path}: it kept no weights of its epochs: train with history=all (and another out=)")
    chosen = _evenly(kept, MOST_FRAMES)
    height, width = run.summary.height_and_width
    n = max(1, min(MOST_UNITS, MOST_PIXELS // (height * width)))
    weights, units = [], 0
    for arrays in read_weights(path, chosen):
        if arrays["W1"].shape[1] != height * width:
            raise RunDirError(f"{path}: damaged: its weights are not of images of {height} × {width} pixels")
        units = len(arrays["W1"])
        weights.append(arrays["W1"][:n].reshape(-1, height, width).copy())
    some = f", {n} of {units} units" if n < units else ""
    title = f"First layer's weights{some} — {run.title}"
    try:
        with canvas.defaults():
            return _fitted(title, [_told(run, epoch) for epoch in chosen], weights, chosen)
    except Exception as error:  # whatever Pillow raises where it was built without WebP
        raise RunDirError(f"{path}: no film can be made: {on_one_line(error)}") from error


def _fitted(title: str, told: Sequence[str], weights: Sequence[Array], epochs: Sequence[int]) -> Film:
    """Return the film of the best quality that is small enough; in the end with smaller units or fewer frames."""
    pen = _Pen(limit_of(weights))
    tiles = Tiles(weights[0].shape)
    scale = max(1, round(WIDTH / tiles.size[1]))
    while True:
        frames = [pen.frame(title, text, tiles.sheet(units), scale) for text, units in zip(told, weights, strict=True)]
        for quality in QUALITIES:
            if len(frames) > 2 * PROBE and _estimate(frames, quality) > 1.2 * MOST_BYTES:
                continue  # to encode all of them would take a second for each ten
            content = _encode(frames, quality)
            if len(content) <= MOST_BYTES or (len(frames) == 1 and scale == 1 and quality == QUALITIES[-1]):
                return Film(content, tuple(epochs), frames[0].size)
        if scale > 1:
            scale -= 1
        else:
            keep = _evenly(range(len(epochs)), math.ceil(len(epochs) / 2))
            told, weights = [told[i] for i in keep], [weights[i] for i in keep]
            epochs = [epochs[i] for i in keep]


def _told(run: RunFiles, epoch: int) -> str:
    """Return the line above an epoch's weights."""
    if epoch == 0:
        return "initial weights"
    split, name = ("val", "validation") if not np.isnan(run.metrics["val_cost"][epoch - 1]) else ("train", "training")
    accuracy, cost = (float(run.metrics[f"{split}_{figure}"][epoch - 1]) for figure in ("accuracy", "cost"))
    best = "   best" if epoch == run.best_epoch else ""
    return f"epoch {epoch}   {name} accuracy {accuracy:.1%}   cost {cost:.4g}{best}"


class _Pen:
    """Draws frames, all with the same colours and letters.

    Args:
        limit: the weight that has the last colour on either side.
    """

    def __init__(self, limit: float) -> None:
        import matplotlib
        from matplotlib import font_manager
        from PIL import ImageFont

        self._limit = limit
        self._colours = (matplotlib.colormaps["RdBu_r"](np.arange(256))[:, :3] * 255).round().astype(np.uint8)
        self._font: Any = ImageFont.truetype(font_manager.findfont(canvas.FONT), SIZE)

    def frame(self, title: str, told: str, sheet: Array, scale: int) -> Image.Image:
        """Return a frame: two lines of text, the units' weights, enlarged, and which colour is which weight."""
        from PIL import Image, ImageDraw

        units = self._coloured(sheet).repeat(scale, axis=0).repeat(scale, axis=1)
        height, width = units.shape[:2]
        across = max(width + 2 * MARGIN, LEAST_WIDTH)
        frame = Image.new("RGB", (across, height + 3 * LINE + 2 * MARGIN), "white")
        draw = ImageDraw.Draw(frame)
        letters = LETTERS * across // LEAST_WIDTH
        draw.text((MARGIN, MARGIN), shortened(canvas.legible(title), letters), "#555555", self._font)
        draw.text((MARGIN, MARGIN + LINE), told, "black", self._font)
        frame.paste(Image.fromarray(units), ((across - width) // 2, MARGIN + 2 * LINE))
        self._draw_legend(frame, draw, MARGIN + 2 * LINE + height + LINE // 2)
        return frame

    def _coloured(self, sheet: Array) -> Array:
        """Return weights as colours, shape (height, width, 3); where there is no weight, white."""
        share = np.clip(np.nan_to_num(sheet) / self._limit / 2 + 0.5, 0, 1)
        colours: Array = self._colours[(share * 255).round().astype(np.uint8)]
        return np.where(np.isnan(sheet)[..., None], np.uint8(255), colours)

    def _draw_legend(self, frame: Image.Image, draw: Any, top: int) -> None:
        from PIL import Image

        width, height = LEGEND
        bar = np.broadcast_to(self._colours[np.linspace(0, 255, width).astype(int)], (height, width, 3))
        low, high = f"weight  ≤ −{self._limit:.2g}", f"≥ {self._limit:.2g}"
        left = MARGIN + round(draw.textlength(low, self._font)) + 8
        draw.text((MARGIN, top - 2), low, "#555555", self._font)
        frame.paste(Image.fromarray(np.ascontiguousarray(bar)), (left, top))
        draw.text((left + width + 8, top - 2), high, "#555555", self._font)


def _encode(frames: Sequence[Image.Image], quality: int) -> bytes:
    """Return frames as an animated WebP that begins again at its end."""
    each = min(LONGEST, max(SHORTEST, LENGTH // len(frames)))
    content = io.BytesIO()
    options: dict[str, Any] = {"duration": [*[each] * (len(frames) - 1), LAST], "loop": 0, **WHOLE_FRAMES}
    frames[0].save(content, "WEBP", save_all=True, append_images=frames[1:], quality=quality, method=4, **options)
    return content.getvalue()


def _estimate(frames: Sequence[Image.Image], quality: int) -> float:
    """Return about how many bytes many frames take, by some in their middle."""
    first = (len(frames) - PROBE) // 2
    return len(frames) / PROBE * len(_encode(frames[first : first + PROBE], quality))


def _evenly(items: Sequence[int], most: int) -> list[int]:
    """Return at most so many of some items, evenly chosen, the first and the last among them."""
    places = np.linspace(0, len(items) - 1, min(most, len(items))).round().astype(int)
    return [items[place] for place in places]
