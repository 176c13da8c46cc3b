"""How much ink is where in a picture: of paper of one grey value here, of a photograph's in ``photograph.py``.

The drawing page's script does the first part in the same way (``export/page_files/form.js``).
"""

import numpy as np

from npdigits.base.arrays import Array
from npdigits.pictures.photograph import photographed


def inked(grey: Array) -> Array:
    """Return how much ink is where, bytes of the picture's shape: the smaller part of it, darker or lighter than paper.

    A grey value that more than half of the pixels have is the paper's. Else the light is uneven (``photographed``).
    """
    counts = np.bincount(grey.ravel(), minlength=256)
    level = int(counts.argmax())
    if 2 * counts[level] <= grey.size:
        return photographed(grey)
    darker = level - grey.astype(int)
    side: Array = np.maximum(darker if darker.sum() >= 0 else -darker, 0).astype(np.uint8)
    return side
