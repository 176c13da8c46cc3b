"""The memory of one forward and backward pass, so that a step allocates nothing large; and how its layers are split."""

import copy
import itertools
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from npdigits.base.arrays import Array, aligned
from npdigits.nn.cuts import Cuts, uncut
from npdigits.nn.dropout import Mask
from npdigits.nn.matmul import MAX_SMALL_RESULTS, MAX_TALL_ROWS, Operation, forward_tile, gradient_tile


class LayerSplit(Protocol):
    """Which cuts of each layer's units are computed here, and how a layer is completed where a product needs all of it.

    Given from outside; ``training.work_split`` has the one for several processes.
    """

    def own_cuts(self, count: int) -> slice:
        """Return which of a layer's cuts are computed here."""

    def mask_memory(self, layer: int, shape: tuple[int, int], dtype: str) -> Array:
        """Return the memory of a hidden layer's dropout mask, of the whole layer; ``layer`` counts from 0."""

    def complete_activations(self, layer: int, own: Array, units: slice) -> tuple[list[Operation], Array]:
        """Return what completes a of a hidden layer, and the whole of it, shape (B, n), given a of the own units."""

    def complete_deltas(self, layer: int, own: Array, units: slice) -> tuple[list[Operation], Array]:
        """Return likewise what completes δ."""


class Undivided:
    """The trivial split: every unit is computed here, so the own units are the whole layer."""

    def own_cuts(self, count: int) -> slice:
        return slice(0, count)

    def mask_memory(self, layer: int, shape: tuple[int, int], dtype: str) -> Array:
        return aligned(shape, dtype)

    def complete_activations(self, layer: int, own: Array, units: slice) -> tuple[list[Operation], Array]:
        return [], own

    def complete_deltas(self, layer: int, own: Array, units: slice) -> tuple[list[Operation], Array]:
        return [], own


UNDIVIDED = Undivided()


class Workspace:
    """The memory of one pass of up to ``batch_size`` images.

    Args:
        sizes: units a layer from input to output.
        batch_size: images at most.
        dtype: of the floats.
        split: of each layer's units.
        dropout: of each hidden layer the share of units to leave out.
        cuts: of the steps; None where nobody shares them.

    Attributes:
        split, cuts: as given.
        units: slices, of each layer 1 … L the units that are computed here.
        activations, deltas: of these units, a¹ … aᴸ⁻¹ (before dropout, as f′ needs them) and δ¹ … δᴸ⁻¹ = ∂C/∂z.
        zs: z¹ … zᴸ⁻¹ of these units, where a gradient needs them; else empty.
        masks: the dropout masks m¹ … mᴸ⁻¹, of whole layers; None where nothing is left out.
        own_masks: m of these units; None likewise.
        dropped: a·m of these units; where nothing is left out the arrays of ``activations``.
        logits: zᴸ, always of the whole layer; δᴸ takes its place.
        rows: 0 … batch_size−1.
        ones: (1, …, 1), shape (1, batch_size).
    """

    def __init__(
        self,
        sizes: tuple[int, ...],
        batch_size: int,
        dtype: str = "float32",
        split: LayerSplit = UNDIVIDED,
        dropout: Sequence[float] = (),
        cuts: Cuts | None = None,
    ) -> None:
        self.split, self.sizes = split, sizes
        self.cuts = cuts or uncut(batch_size)
        self._is_cut = cuts is not None
        layers = list(itertools.pairwise(sizes))
        self.units = [
            self.cuts.units(n_in, n_out, split.own_cuts(self.cuts.count(n_in, n_out))) for n_in, n_out in layers
        ]
        shapes = [(batch_size, units.stop - units.start) for units in self.units[:-1]]
        self.activations: list[Array] = [aligned(shape, dtype) for shape in shapes]
        self.deltas: list[Array] = [aligned(shape, dtype) for shape in shapes]
        self.zs: list[Array] = []
        shares = [*dropout, *[0.0] * (len(shapes) - len(dropout))]
        self.masks = [
            Mask(split.mask_memory(layer, (batch_size, n), dtype), p) if p else None
            for layer, (n, p) in enumerate(zip(sizes[1:-1], shares, strict=True))
        ]
        self.own_masks: list[Array | None] = [
            None if mask is None else mask.values[:, units]
            for mask, units in zip(self.masks, self.units[:-1], strict=True)
        ]
        self.dropped = [
            a if mask is None else aligned(a.shape, dtype) for a, mask in zip(self.activations, self.masks, strict=True)
        ]
        # The logits lie in memory by class, not by image: the maximum and the sum over ten classes then run along
        # the batch (the maximum of 128 rows of ten: 10 → 1.4 µs).
        self.logits: Array = aligned((sizes[-1], batch_size), dtype).T
        self.rows: Array = np.arange(batch_size)
        self.ones: Array = np.ones((1, batch_size), dtype)
        self._all_zs: list[Array] = []
        self._smaller: dict[tuple[int, bool], Workspace] = {(batch_size, False): self}

    def first(self, n: int, keep_z: bool = False) -> "Workspace":
        """Return the same memory for n images: views, made once for each n, not sliced at every step.

        Args:
            n: images.
            keep_z: whether z of the hidden layers is needed after a has taken its place. Memory for it is made when it
                is first asked for.
        """
        if (n, keep_z) not in self._smaller:
            if keep_z and not self._all_zs:
                self._all_zs = [aligned(a.shape, a.dtype) for a in self.activations]
            view = copy.copy(self)
            for name in ("activations", "deltas", "dropped"):
                setattr(view, name, [array[:n] for array in getattr(self, name)])
            view.own_masks = [None if mask is None else mask[:n] for mask in self.own_masks]
            view.zs = [z[:n] for z in self._all_zs] if keep_z else []
            view.logits, view.rows = self.logits[:n], self.rows[:n]
            view.cuts = self.cuts if self._is_cut else uncut(n)
            self._smaller[n, keep_z] = view
        return self._smaller[n, keep_z]

    def leave_out(self, rng: np.random.Generator, n: int, start: int = 0) -> None:
        """Draw the dropout masks of n images, the first of which is ``start``."""
        for mask in self.masks:
            if mask is not None:
                mask.draw(rng, n, start)

    def forward_tile(self, layer: int) -> tuple[int, int]:
        """Return (images, units) of one product of z = a wᵀ; ``layer`` counts from 0."""
        n_in, n_out = self.sizes[layer], self.sizes[layer + 1]
        if not self.cuts.by_units:
            return forward_tile(self.cuts.part_size, n_in, n_out)
        if layer == len(self.units) - 1:
            return len(self.rows), n_out  # the last layer's z is computed by everyone
        width = self.cuts.width(n_in, n_out)
        is_small = min(len(self.rows), MAX_TALL_ROWS) * width <= MAX_SMALL_RESULTS
        return MAX_TALL_ROWS if is_small else len(self.rows), width

    def gradient_tile(self, layer: int) -> tuple[int, int]:
        """Return (units, columns) of one product of δᵀ a."""
        n_in, n_out = self.sizes[layer], self.sizes[layer + 1]
        if not self.cuts.by_units:
            return gradient_tile(self.cuts.part_size, n_in, n_out)
        return self.cuts.width(n_in, n_out), n_in

    def backward_tile(self, layer: int) -> tuple[int, int]:
        """Return (images, inputs) of one product of δ w."""
        if not self.cuts.by_units:
            return self.cuts.part_size, self.sizes[layer]
        return len(self.rows), self.cuts.width(self.sizes[layer - 1], self.sizes[layer])
