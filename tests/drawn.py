"""Digits drawn by hand-set strokes, for tests: pictures of any size, and the strokes themselves."""

import numpy as np
from PIL import Image, ImageDraw

# Points of a field 10 wide and 14 high, one list a stroke.
STROKES = {
    0: [[(5, 0), (2, 2), (1, 6), (2, 11), (5, 14), (8, 12), (9, 7), (8, 2), (5, 0)]],
    1: [[(5, 0), (5, 14)]],
    2: [[(1, 3), (3, 0), (7, 0), (9, 3), (7, 7), (3, 11), (1, 14), (9, 14)]],
    3: [[(1, 1), (5, 0), (8, 2), (7, 5), (4, 6.5), (8, 8), (9, 11), (6, 14), (1, 13)]],
    4: [[(3, 0), (1, 8), (9, 8)], [(7, 2), (6.5, 14)]],
    5: [[(9, 0), (2, 0), (1.5, 6), (6, 6), (9, 9), (7, 13), (1, 13.5)]],
    6: [[(7, 0), (3, 4), (1, 9), (3, 13.5), (7, 13.5), (8.5, 10), (6, 7.5), (2, 9)]],
    7: [[(1, 0), (9, 0), (6, 6), (4, 14)]],
    8: [[(8, 2), (5, 0), (2, 2), (4, 6), (8, 10), (6, 14), (2, 12), (3, 8.5), (7, 5), (8, 2)]],
    9: [[(8, 4), (5, 6.5), (1.5, 4.5), (3, 0.5), (7, 0.5), (8, 3), (7.5, 8), (6, 14)]],
}


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
