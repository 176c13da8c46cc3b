"""How much ink is where in a picture: of paper of one grey value here, of a photograph's in ``photograph.py``.

The drawing page's script does the first part in the same way (``export/page_files/form.js``).
"""

import numpy as np

from npdigits.base.arrays import Array
from npdigits.pictures.photograph import photographed
from npdigits.pictures.polarity import kind_of_ink

# Beside ink there is something else on a paper of one grey value, as a white stripe, if both the darkest and the
# lightest of the picture's values are at least so far from the paper's.
TWO_SIDED = 40


def inked(grey: Array) -> Array:
    """Return how much ink is where, bytes of the picture's shape: the darker or the lighter part of it.

    A grey value that more than half of the pixels have is the paper's. Else the light is uneven (``photographed``). On
    such a paper ink is the smaller part; where there is much of both, the part that has strokes (``polarity.py``).
    """
    counts = np.bincount(grey.ravel(), minlength=256)
    level = int(counts.argmax())
    if 2 * counts[level] <= grey.size:
        return photographed(grey)
    darker = level - grey.astype(int)
    if min(darker.max(), -darker.min()) < TWO_SIDED:
        side: Array = np.maximum(darker if darker.sum() >= 0 else -darker, 0).astype(np.uint8)
        return side
    on_light, _ = kind_of_ink(grey)
    return np.maximum(darker if on_light else -darker, 0).astype(np.uint8)
