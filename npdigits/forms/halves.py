"""The two halves of a set, training and test images, and what a user can do about both or about one of them."""

from dataclasses import dataclass

import numpy as np

from npdigits.base.arrays import Array
from npdigits.data.sets import Data, Split

TRAINING, TEST = "training", "test"


@dataclass(frozen=True)
class Half:
    """The training images or the test images.

    Attributes:
        name: ``TRAINING`` or ``TEST``.
        images: on the scale 0 (paper) … 255 (ink), shape (n, height, width).
        labels: shape (n,).
        is_inverted: whether paper looks to be 255, and ink 0.
    """

    name: str
    images: Array
    labels: Array
    is_inverted: bool = False

    @property
    def sample_upright(self) -> Array:
        """The images as floats, paper low whatever they look like."""
        some = self.images.astype(np.float32)
        return 255 - some if self.is_inverted else some


def rows_of(values: Array, split: Split) -> Array:
    """Return what a split has of an array, without a copy where that is all of it."""
    return values if len(split) == len(values) else values[split.rows]


def ends_of(data: Data) -> tuple[float, float]:
    """Return the values of paper and of ink, as they are stored."""
    paper, ink = data.reading["range"] if data.reading is not None else (0, 255)
    return paper, ink


def mend_both(data: Data, keys: str, change: str) -> str:
    """Return what is to be done about both halves.

    Args:
        data: the set.
        keys: what mends files that are read by data=file.
        change: of images or labels, which a function of the user's is to return.
    """
    if data.reading is not None:
        return keys
    if data.name == "own":
        return f"your function is to return {change}"
    return f"read them with data=file data.path=FOLDER {keys}".rstrip()


def mend_one(data: Data, half: str, key: str, change: str) -> str:
    """Return what is to be done about one half alone.

    Args:
        data: the set.
        half: its name.
        key: which concerns both halves, and so does not mend this.
        change: of images or labels.
    """
    what = "labels" if "labels" in change else "images"
    if data.name == "own":
        array = f"{what.replace('images', 'x').replace('labels', 'y')}_{'train' if half == TRAINING else half}"
        return f"your function is to return {change.replace(what, array)}"
    why = f"the two sets differ, and {key} concerns both" if data.reading is not None else "the two sets differ"
    return f"{why}: save the {half} {what} anew, as {change}"
