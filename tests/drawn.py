"""Digits drawn by strokes, for tests: pictures of any size, and the strokes themselves."""

import importlib.util

import numpy as np
from made import REPOSITORY
from PIL import Image, ImageDraw

_SPEC = importlib.util.spec_from_file_location("strokes", REPOSITORY / "experiments" / "strokes.py")
_MODULE = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_MODULE)
STROKES = _MODULE.STROKES


def drawn(digit, size=(200, 280), place=(50, 50), unit=10.0, pen=14, ink=0, paper=255):
    """Return a picture of a digit, bytes of shape (height, width)."""
    image = Image.new("L", size, paper)
    pencil = ImageDraw.Draw(image)
    for stroke in STROKES[digit]:
        points = [(place[0] + unit * x, place[1] + unit * y) for x, y in stroke]
        pencil.line(points, fill=ink, width=pen, joint="curve")
        for x, y in points:  # round ends
            pencil.ellipse((x - pen / 2, y - pen / 2, x + pen / 2, y + pen / 2), fill=ink)
    return np.asarray(image)
