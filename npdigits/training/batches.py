"""Mini-batches: images are read, made into floats and put where the network's workspace sees them."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from npdigits.base.arrays import Array, aligned
from npdigits.data.sets import Split
from npdigits.nn.workspace import Workspace
from npdigits.training.work_split import SharedLayers, UnitSplit
from npdigits.training.workers import ALONE, Part

# (images, x): writes images as they are stored, shape (n, pixels), into x as floats.
ToFloats = Callable[[Array, Array], None]


def copy_as_floats(images: Array, x: Array) -> None:
    """Write the images into x as they are."""
    np.copyto(x, images)


class Batches:
    """The memory of one batch: images as they are stored, as floats, and the network's workspace.

    Args:
        sizes: of the network's layers.
        batch_size: images at most.
        dtype: of the floats.
        part: this worker's part of each batch.
        layers: where all workers see the batch and its layers, if these are split by units; None if a worker sees
            its own images only.
        dropout: of each hidden layer the share of units to leave out.
        image_dtype: of the images that are read.
    """

    def __init__(
        self,
        sizes: tuple[int, ...],
        batch_size: int,
        dtype: str,
        part: Part = ALONE,
        layers: SharedLayers | None = None,
        dropout: Sequence[float] = (),
        image_dtype: str = "uint8",
    ) -> None:
        self.batch_size, self.part, self.by_units = batch_size, part, layers is not None
        own_images = -(-batch_size // part.workers)
        self.images = aligned((own_images, sizes[0]), image_dtype)
        if layers is None:
            self.x = aligned((own_images, sizes[0]), dtype)
            self.workspace = Workspace(sizes, own_images, dtype, dropout=dropout)
        else:
            self.x = layers.x
            self.workspace = Workspace(sizes, batch_size, dtype, UnitSplit(part, layers), dropout)

    def read(
        self, split: Split, rows: Array, to_floats: ToFloats = copy_as_floats
    ) -> Iterator[tuple[Array, Array, int]]:
        """Yield (x, y, n) of these rows of the split, batch by batch; the next batch overwrites x.

        n is the size of the batch. x and y are of all its images if layers are split by units, else of this worker's
        own images.

        Args:
            split: the digits.
            rows: which rows of the split's arrays, in this order.
            to_floats: makes the floats of a worker's own images.
        """
        for start in range(0, len(rows), self.batch_size):
            batch = rows[start : start + self.batch_size]
            n = len(batch)
            own = self.part.slice(n)  # this worker's images of the batch
            x = self.x[own] if self.by_units else self.x[: own.stop - own.start]
            images = self.images[: len(x)]
            # mode="clip" lets take write straight into `out`; the default would go through a copy to check bounds.
            split.images.take(batch[own], 0, images, "clip")
            to_floats(images, x)
            self.part.wait()
            if self.by_units:
                yield self.x[:n], split.labels[batch], n
            else:
                yield x, split.labels[batch[own]], n
