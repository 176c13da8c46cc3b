"""How wide a pixel is beside its height: a fax has about twice as many to the inch along rows as along columns."""

import math
from typing import Any

from PIL import Image

# EXIF's and TIFF's tag of the orientation; by these values rows become columns.
TURNED, TRANSPOSED = 274, (5, 6, 7, 8)
# Resolutions that differ by less do not matter; those that differ by more are no resolutions. A fax has 204 by 98, 196
# or 391 to the inch.
ALIKE, NONSENSE = 1.1, 2.5


def stretch(image: Image.Image) -> tuple[float, float]:
    """Return how many times wider and higher a picture must be that its pixels are squares, (1, 1) for most.

    TIFF, PNG, JPEG and BMP tell how many pixels there are to the inch, or in what proportion, along rows and columns.
    Call it before the picture is loaded, which may turn it; what it returns is of the picture upright. Where the
    pixels of a PNG are no squares it is loaded, which raises what loading it does.
    """
    across, down = _resolutions(image)
    if not (across > 0 and down > 0 and math.isfinite(across) and math.isfinite(down)):
        return 1.0, 1.0
    if not ALIKE < max(across / down, down / across) <= NONSENSE:
        return 1.0, 1.0
    finest = max(across, down)
    wide, high = finest / across, finest / down
    if image.format == "PNG":  # whose EXIF may be at its end; an error of the picture itself is none of the EXIF's
        image.load()
    try:
        turned = image.getexif().get(TURNED, 1) in TRANSPOSED
    except Exception:  # whatever the part of the file holds that is no picture
        turned = False
    return (high, wide) if turned else (wide, high)


def _resolutions(image: Image.Image) -> tuple[float, float]:
    """Return the numbers of pixels per length along rows and columns; 0 where nothing is known."""
    info: dict[Any, Any] = image.info
    for key in ("dpi", "resolution", "aspect", "jfif_density"):
        try:
            across, down = info[key]
            return float(across), float(down)
        except (KeyError, TypeError, ValueError, ZeroDivisionError):
            continue
    return 0.0, 0.0
