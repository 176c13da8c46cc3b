"""Where a step is cut, so that the same work done by any number of processes leaves the same bits.

A product's bits depend on its shape, as BLAS sums in another order at the edges of its blocks. A sum's bits depend on
its order. So every product and every sum over images is cut at places that follow from the layer's shape and the batch
size alone, and a process takes whole pieces. Two ways of cutting:

- by images: a batch is a few parts. The gradient of each is computed by itself, and these are added up in a fixed tree.
- by units: each layer's units are cut, and a piece is computed for all images of the batch.

What is computed number by number (activations, masks, updates) has the same bits wherever it is cut.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

# OpenBLAS has kernels for small products, of up to this many multiplications, which need not pack their operands.
MAX_SMALL_PRODUCT = 100**3
# A batch is at most so many blocks of images, which have at least so many. Random numbers are drawn by blocks.
MAX_BLOCKS, LEAST_BLOCK = 8, 16
# Images of a block, and units of a wide cut, are multiples of it.
ROUND = 8
# A batch is small up to this size.
SMALL_BATCH = 64
# Parts of a batch, in each of which the gradient is one sum: few, as to add up gradients takes time. With this batch
# size at most there are two.
FEW, BATCH_OF_FEW, MANY = 2, 128, 4
# Units of a cut: with a small batch, and with a large one. Products of such cuts are small ones.
UNITS_SMALL_BATCH, UNITS_LARGE_BATCH = 16, 8
# Cuts of a layer that is narrow. Their units are a multiple of it, too.
NARROW_CUTS = 4
# Where products are large ones, BLAS packs the images anew for each cut: so there are two, or cuts of so many units.
LEAST_CUTS, LARGE_CUT = 2, 400
# By images costs less, where the parameters are fewer than this share of the numbers that a batch's layers hold.
SHARE_BY_IMAGES = 0.62


def round_up(n: int, step: int) -> int:
    """Return the least multiple of ``step`` that is not below n."""
    return -(-n // step) * step


def block_size(batch_size: int) -> int:
    """Return how many images a block has."""
    return max(LEAST_BLOCK, round_up(-(-batch_size // MAX_BLOCKS), ROUND))


@dataclass(frozen=True)
class Cuts:
    """How the steps of a network are cut.

    Attributes:
        batch_size: images of a step.
        part_size: images whose gradient is one sum. By units, and where nothing is shared, it is the batch size.
        by_units: whether layers are cut by units.
    """

    batch_size: int
    part_size: int
    by_units: bool = False

    @property
    def parts(self) -> int:
        """Parts of a batch."""
        return -(-self.batch_size // self.part_size)

    def count(self, n_in: int, n_out: int) -> int:
        """Return how many cuts the units of a layer have."""
        return max(1, n_out // self.width(n_in, n_out))

    def width(self, n_in: int, n_out: int) -> int:
        """Return how many units of a layer are one cut. The units that are left over belong to the last cut."""
        if not self.by_units:
            return n_out
        units = UNITS_SMALL_BATCH if self.batch_size <= SMALL_BATCH else UNITS_LARGE_BATCH
        narrow = round_up(-(-n_out // NARROW_CUTS), NARROW_CUTS)
        if self.batch_size * min(units, narrow) * n_in > MAX_SMALL_PRODUCT:
            return min(round_up(-(-n_out // max(LEAST_CUTS, n_out // LARGE_CUT)), ROUND), n_out)
        return min(units, narrow, n_out)

    def units(self, n_in: int, n_out: int, cuts: slice) -> slice:
        """Return the units of a layer that these of its cuts hold."""
        width, last = self.width(n_in, n_out), self.count(n_in, n_out)
        start, stop = (n_out if edge == last else edge * width for edge in (cuts.start, cuts.stop))
        return slice(start, stop)


def uncut(batch_size: int) -> Cuts:
    """Return how steps are cut that one process does alone."""
    return Cuts(batch_size, batch_size)


def cut_by_images(batch_size: int) -> Cuts:
    """Return how steps are cut by images: into parts that are whole blocks."""
    parts = FEW if batch_size <= BATCH_OF_FEW else MANY
    return Cuts(batch_size, round_up(-(-batch_size // parts), block_size(batch_size)))


def choose_cuts(sizes: tuple[int, ...], batch_size: int) -> Cuts:
    """Return how the steps of a network are cut: in the way in which processes exchange fewer numbers.

    By units these are the layers of a batch, by images the parameters. The choice depends on nothing but the sizes.
    """
    parameters = sum((fan_in + 1) * fan_out for fan_in, fan_out in itertools.pairwise(sizes))
    if parameters > SHARE_BY_IMAGES * batch_size * sum(sizes):
        return Cuts(batch_size, batch_size, by_units=True)
    return cut_by_images(batch_size)


def tree(parts: int) -> Iterator[tuple[int, int, int]]:
    """Yield how parts are added up: (into, from, end), where ``into`` then holds the sum of the parts into … end−1.

    Neighbours first, then neighbouring pairs: with five parts (0 1) (2 3), (01 23), (0123 4).
    """
    step = 1
    while step < parts:
        for into in range(0, parts - step, 2 * step):
            yield into, into + step, min(into + 2 * step, parts)
        step *= 2
