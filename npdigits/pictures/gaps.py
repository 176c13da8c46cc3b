"""Digits in many pieces: dots of a matrix, segments, broken strokes. How far ink must be spread to make one of them.

Only where there would be no digit otherwise: many pieces, none of which stands out. The drawing page's script does the
same (``export/page_files/pieces.js``).
"""

import numpy as np
from scipy import ndimage

from npdigits.pictures.box import Box
from npdigits.pictures.components import EIGHT, Components, stroke_width
from npdigits.pictures.several import are_several
from npdigits.pictures.thicker import thickened

# Pieces are joined if each is at most CLOSE of the height of all from the next, and at most so many stroke widths. Of
# dots these are the halves of a diameter.
CLOSE, STROKES = 0.15, 3.0
# At most so many pieces; a matrix has 35 dots.
MOST_JOINED = 60
# Dots and dashes are of that stroke width, or more, in lengths; else the pieces may be digits.
COMPACT = 0.3


def gap_of(pieces: Components) -> int:
    """Return by how many pixels the ink of scattered pieces must be thickened to make one of them; 0 if it must not."""
    kept = pieces.scattered
    if not 0 < len(kept) <= MOST_JOINED:
        return 0
    compact = sum(stroke_width(pieces.mask(k)) > COMPACT * pieces.boxes[k].longest for k in kept)
    if 2 * compact < len(kept) and are_several([(pieces.boxes[k], pieces.areas[k]) for k in kept]):
        return 0
    box = Box.around([pieces.boxes[k] for k in kept])
    mask = np.isin(pieces.labels[box.top : box.bottom, box.left : box.right], kept)
    most = min(CLOSE * box.longest, STROKES * stroke_width(mask))
    for by in range(1, int(most) + 1):
        if ndimage.label(thickened(mask, by), EIGHT)[1] == 1:
            return by
    return 0
