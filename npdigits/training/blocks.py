"""Blocks of images: what is random in a batch is drawn block by block, each from a stream of its own.

So what is drawn does not depend on which process draws it, nor on how many there are.
"""

from collections.abc import Iterator

import numpy as np

from npdigits.base.random import stream
from npdigits.nn.cuts import Cuts, block_size
from npdigits.training.workers import Part


class Blocks:
    """The blocks of images of a batch that one worker reads.

    Args:
        cuts: of the steps. By images, a worker reads the images of its parts.
        part: this worker's.

    Attributes:
        own: which blocks these are.
        size: images of a block; the last one of a batch may have fewer.
    """

    def __init__(self, cuts: Cuts, part: Part) -> None:
        self.size = block_size(cuts.batch_size)
        count = -(-cuts.batch_size // self.size)
        if cuts.by_units:
            self.own = part.slice(count)
        else:
            parts, blocks = part.slice(cuts.parts), -(-cuts.part_size // self.size)
            self.own = slice(min(parts.start * blocks, count), min(parts.stop * blocks, count))
        self.most = (self.own.stop - self.own.start) * self.size

    def images(self, n: int) -> slice:
        """Return which images of a batch of n these blocks hold. The blocks are the same for every n."""
        return slice(min(self.own.start * self.size, n), min(self.own.stop * self.size, n))

    def streams(self, seed: int, purpose: str, epoch: int) -> list[np.random.Generator]:
        """Return the random generators of these blocks for an epoch, in which they draw from batch to batch."""
        blocks = range(self.own.start, self.own.stop)
        return [stream(seed, f"{purpose} of block {block}", epoch) for block in blocks]

    def of(self, n: int) -> Iterator[tuple[int, slice]]:
        """Yield of each block that n images of this worker reach: its place among the own, and its images."""
        for i, start in enumerate(range(0, n, self.size)):
            yield i, slice(start, min(start + self.size, n))
