"""Reading one worker's images of each training batch: with strokes added, distorted, with pixels and units left out."""

import numpy as np

from npdigits.base.arrays import Array
from npdigits.data.added_strokes import NUMBERS, AddedStrokes
from npdigits.data.augmentation import Augmentation
from npdigits.data.sets import Split
from npdigits.nn.dropout import Mask
from npdigits.nn.workspace import Workspace
from npdigits.training.blocks import Blocks
from npdigits.training.state import Recipe


class Reader:
    """Reads images, and draws what is random about them, block by block.

    Args:
        recipe: how to train.
        blocks: of the batch that are this worker's.
        workspace: whose dropout masks are drawn.
    """

    def __init__(self, recipe: Recipe, blocks: Blocks, workspace: Workspace) -> None:
        self._blocks, self._workspace, self._seed = blocks, workspace, recipe.seed
        self._augmentation = Augmentation(recipe.image_shape, recipe.augment) if recipe.augment else None
        self._strokes = AddedStrokes(recipe.image_shape, recipe.added_strokes) if recipe.added_strokes else None
        self._numbers = np.empty((blocks.most, NUMBERS))
        self._mask: Mask | None = None
        if recipe.input_dropout:
            memory = np.empty((blocks.most, workspace.sizes[0]), workspace.logits.dtype)
            self._mask = Mask(memory, recipe.input_dropout)
        self._dropout = any(recipe.dropout)

    def begin(self, epoch: int) -> None:
        """Begin an epoch: its random numbers depend on nothing that was drawn before."""
        purposes = {
            "added strokes": self._strokes is not None,
            "augmentation": self._augmentation is not None,
            "input dropout": self._mask is not None,
            "dropout": self._dropout,
        }
        self._streams = {
            purpose: self._blocks.streams(self._seed, purpose, epoch)
            for purpose, is_drawn in purposes.items()
            if is_drawn
        }

    def read(self, split: Split, rows: Array, images: Array, x: Array, start: int) -> None:
        """Read the images of some rows into x.

        Args:
            split: which has them.
            rows: of its arrays.
            images: memory for them as they are stored.
            x: receives their floats.
            start: place of the first one among the images that the workspace has.
        """
        # mode="clip" lets take write straight into `out`; the default would go through a copy to check bounds.
        split.images.take(rows, 0, images, "clip")
        if self._strokes is not None:
            for i, some in self._blocks.of(len(rows)):
                self._streams["added strokes"][i].random(out=self._numbers[some])
            # Into the images of all blocks at once: each block's are few.
            self._strokes(self._numbers[: len(rows)], split.labels[rows], images)
        if self._augmentation is None:
            np.copyto(x, images)
        if not self._streams:
            return
        for i, some in self._blocks.of(len(rows)):
            n = some.stop - some.start
            if self._augmentation is not None:
                self._augmentation(self._streams["augmentation"][i], images[some], x[some])
            if self._mask is not None:
                x[some] *= self._mask.draw(self._streams["input dropout"][i], n)
            if self._dropout:
                self._workspace.leave_out(self._streams["dropout"][i], n, start + some.start)
