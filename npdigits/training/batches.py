"""Mini-batches: images are read, made into floats and put where the network's workspace sees them."""

from collections.abc import Callable

import numpy as np

from npdigits.base.arrays import Array, aligned
from npdigits.data.sets import Split
from npdigits.nn.workspace import Workspace

# (images, x): writes images as they are stored, shape (n, pixels), into x as floats.
ToFloats = Callable[[Array, Array], None]


def copy_as_floats(images: Array, x: Array) -> None:
    """Write the images into x as they are."""
    np.copyto(x, images)


class Batches:
    """The memory of one batch: images as they are stored, as floats, their labels, and the network's workspace.

    Args:
        workspace: of the network.
        images: how many are read here, at most.
        x: where their floats are put, shape (images, pixels), and perhaps those of others; None for memory of its own.
        image_dtype: of the images that are read.

    Attributes:
        workspace, x: as given.
        y: memory for the labels of x.
    """

    def __init__(self, workspace: Workspace, images: int, x: Array | None = None, image_dtype: str = "uint8") -> None:
        self.workspace = workspace
        self.x: Array = aligned((images, workspace.sizes[0]), workspace.logits.dtype) if x is None else x
        self.y: Array = np.zeros(len(self.x), np.intp)
        self._images = aligned((images, workspace.sizes[0]), image_dtype)

    def read(self, split: Split, rows: Array, start: int = 0, to_floats: ToFloats = copy_as_floats) -> None:
        """Read the images of these rows of a split, and put their floats into x from ``start`` on."""
        images = self._images[: len(rows)]
        # mode="clip" lets take write straight into `out`; the default would go through a copy to check bounds.
        split.images.take(rows, 0, images, "clip")
        to_floats(images, self.x[start : start + len(rows)])
