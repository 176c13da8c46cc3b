"""Digits in many pieces: dots of a matrix, segments, broken strokes. How far ink must be spread to make one of them.

Only where there would be no digit otherwise: many pieces, none of which stands out. The drawing page's script does the
same (``export/page_files/pieces.js``).
"""

import numpy as np

from npdigits.pictures.box import Box
from npdigits.pictures.components import Components, stroke_width
from npdigits.pictures.labels import label
from npdigits.pictures.several import are_several
from npdigits.pictures.thicker import thickened

# Pieces are joined if each is at most CLOSE of the height of all from the next, and at most so many stroke widths. Of
# dots these are the halves of a diameter.
CLOSE, STROKES, HALF = 0.25, 3.0, 0.5
# They are one piece if the largest has such a share of their area.
WHOLE = 0.95
# At most so many pieces: a display has 35 dots, a printer many more.
MOST_JOINED = 400
# Dots and dashes are of that stroke width, or more, in lengths; else the pieces may be digits.
COMPACT = 0.3


def gap_of(pieces: Components) -> int:
    """Return by how many pixels the ink of scattered pieces is to be thickened; 0 if they are not of one digit.

    Dots are thickened until they are one piece, segments and dashes by HALF of their strokes' width at most.
    """
    kept = pieces.scattered
    if not 0 < len(kept) <= MOST_JOINED:
        return 0
    dots = 2 * sum(stroke_width(pieces.mask(k)) > COMPACT * pieces.boxes[k].longest for k in kept) >= len(kept)
    if not dots and are_several([(pieces.boxes[k], pieces.areas[k]) for k in kept]):
        return 0
    box = Box.around([pieces.boxes[k] for k in kept])
    mask = np.isin(pieces.labels[box.top : box.bottom, box.left : box.right], kept)
    stroke = stroke_width(mask)
    for by in range(1, int(min(CLOSE * box.longest, STROKES * stroke)) + 1):
        areas = np.bincount(label(thickened(mask, by))[0].ravel())[1:]
        if areas.max() >= WHOLE * areas.sum():
            return by if dots else min(by, max(1, int(HALF * stroke)))
    return 0
