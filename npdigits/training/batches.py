"""The memory of one batch: images as they are stored, as floats, and their labels."""

import numpy as np

from npdigits.base.arrays import Array, aligned
from npdigits.nn.workspace import Workspace


class Batches:
    """The memory of one batch, and the network's workspace for it.

    Args:
        workspace: of the network.
        images: how many are read here, at most.
        x: where their floats are put, shape (images, pixels), and perhaps those of others; None for memory of its own.
        image_dtype: of the images that are read.

    Attributes:
        workspace, x: as given.
        y: memory for the labels of x.
        images: memory for images as they are stored, shape (images, pixels).
    """

    def __init__(self, workspace: Workspace, images: int, x: Array | None = None, image_dtype: str = "uint8") -> None:
        pixels = workspace.sizes[0]
        self.workspace = workspace
        self.x: Array = aligned((images, pixels), workspace.logits.dtype) if x is None else x
        self.y: Array = np.zeros(len(self.x), np.intp)
        self.images: Array = aligned((images, pixels), image_dtype)
