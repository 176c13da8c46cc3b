"""What the stored numbers of a set mean."""

import numpy as np

from npdigits.base.arrays import Array
from npdigits.forms.found import Found, Meaning, Part, Wanted


def determine(found: Found, test: Found | None, wanted: Wanted) -> tuple[Meaning, list[str], list[str]]:
    """Return what the numbers mean, what is said of that, and warnings."""
    images = found.parts["train"].images
    side = round(images[0].size ** 0.5)
    return Meaning((side, side)), [], []


def images_by(meaning: Meaning, part: Part, found: Found) -> Array:
    """Return images as bytes."""
    return part.images.reshape(-1, *meaning.shape).astype(np.uint8)


def labels_by(meaning: Meaning, part: Part) -> Array:
    """Return class numbers."""
    assert part.labels is not None
    return part.labels.astype(np.uint8)
