"""Digits on paper, as a camera sees them: drawn by strokes, for who has no photographs of handwriting yet."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from npdigits.base.arrays import Array
from npdigits.lessons.strokes import STROKES

HIGH, WIDE = 280, 220
# How far each point of a stroke is off, in its field of 10 by 14.
UNSTEADY = 0.35


def picture_of(digit: int, rng: np.random.Generator) -> Array:
    """Return a digit as one would write it: grey bytes 0 (black) … 255 (white), shape (280, 220), dark on light.

    Size, place, slant, pen, paper and the hand's unsteadiness are drawn.
    """
    paper, ink = int(rng.integers(215, 246)), int(rng.integers(20, 70))
    unit, stretch, slant = rng.uniform(8, 12), rng.uniform(0.8, 1.15), rng.uniform(-0.15, 0.25)
    pen = rng.uniform(0.8, 1.5) * unit
    strokes = [np.array(stroke) + rng.normal(0, UNSTEADY, (len(stroke), 2)) for stroke in STROKES[digit]]
    shaped = [unit * np.stack([stretch * s[:, 0] - slant * (s[:, 1] - 7), s[:, 1]], axis=1) for s in strokes]
    points = np.concatenate(shaped)
    low, high = pen - points.min(axis=0), np.array([WIDE, HIGH]) - pen - points.max(axis=0)
    place = rng.uniform(np.minimum(low, high), np.maximum(low, high))
    image = Image.new("L", (WIDE, HIGH), paper)
    pencil = ImageDraw.Draw(image)
    for stroke in shaped:
        line = [(float(x), float(y)) for x, y in stroke + place]
        pencil.line(line, fill=ink, width=round(pen), joint="curve")
        for x, y in line:
            pencil.ellipse((x - pen / 2, y - pen / 2, x + pen / 2, y + pen / 2), fill=ink)
    grey = np.asarray(image) + rng.normal(0, 2, (HIGH, WIDE))  # a camera's noise
    return grey.clip(0, 255).round().astype(np.uint8)


def write_digits(folder: str | Path, each: int = 5, seed: int = 0) -> Path:
    """Write pictures of digits, in a folder for each digit (folder/0 … folder/9), and return the folder.

    Args:
        folder: where; made if it is not there.
        each: how many of each digit.
        seed: of the hand: another one writes other pictures.
    """
    folder = Path(folder)
    for digit in range(10):
        (folder / str(digit)).mkdir(parents=True, exist_ok=True)
        for i in range(each):
            picture = picture_of(digit, np.random.default_rng([seed, digit, i]))
            Image.fromarray(picture).save(folder / str(digit) / f"{digit}-{i}.png")
    return folder
