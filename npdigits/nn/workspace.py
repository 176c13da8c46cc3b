"""The memory of one forward and backward pass, so that a step allocates nothing large; and how its layers are split."""

import copy
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from npdigits.base.arrays import Array, aligned
from npdigits.nn.dropout import Mask


class LayerSplit(Protocol):
    """Which units of each layer are computed here, and how a layer is completed where a product needs all of it.

    Given from outside; ``training.work_split`` has the one for several processes.
    """

    def own_units(self, n: int) -> slice:
        """Return which of a layer's n units are computed here."""

    def complete_activations(self, layer: int, own: Array) -> Array:
        """Return a of the whole hidden layer, shape (B, n), from a of the own units; ``layer`` counts from 0."""

    def complete_deltas(self, layer: int, own: Array) -> Array:
        """Return δ of the whole hidden layer, shape (B, n), from δ of the own units; ``layer`` counts from 0."""


class Undivided:
    """The trivial split: every unit is computed here, so the own units are the whole layer."""

    def own_units(self, n: int) -> slice:
        return slice(0, n)

    def complete_activations(self, layer: int, own: Array) -> Array:
        return own

    def complete_deltas(self, layer: int, own: Array) -> Array:
        return own


UNDIVIDED = Undivided()


class Workspace:
    """The memory of one pass of up to ``batch_size`` images.

    Args:
        sizes: units a layer from input to output.
        batch_size: images at most.
        dtype: of the floats.
        split: of each layer's units.
        dropout: of each hidden layer the share of units to leave out.

    Attributes:
        split: as given.
        units: slices, of each layer 1 … L the units that are computed here.
        activations, deltas: of these units, a¹ … aᴸ⁻¹ (before dropout, as f′ needs them) and δ¹ … δᴸ⁻¹ = ∂C/∂z.
        zs: z¹ … zᴸ⁻¹ of these units, where a gradient needs them; else empty.
        masks: the dropout masks m¹ … mᴸ⁻¹ of these units; None where nothing is left out.
        dropped: a·m of these units; where nothing is left out the arrays of ``activations``.
        logits: zᴸ, always of the whole layer; δᴸ takes its place.
        ones, rows: (1, …, 1) and 0 … batch_size−1.
    """

    def __init__(
        self,
        sizes: tuple[int, ...],
        batch_size: int,
        dtype: str = "float32",
        split: LayerSplit = UNDIVIDED,
        dropout: Sequence[float] = (),
    ) -> None:
        self.split = split
        self.units = [split.own_units(n) for n in sizes[1:]]
        shapes = [(batch_size, units.stop - units.start) for units in self.units[:-1]]
        self.activations: list[Array] = [aligned(shape, dtype) for shape in shapes]
        self.deltas: list[Array] = [aligned(shape, dtype) for shape in shapes]
        self.zs: list[Array] = []
        self.masks = [Mask(shape, p, dtype) if p else None for shape, p in zip(shapes, dropout, strict=False)]
        self.masks += [None] * (len(shapes) - len(self.masks))
        self.dropped = [
            a if mask is None else aligned(a.shape, dtype) for a, mask in zip(self.activations, self.masks, strict=True)
        ]
        # The logits lie in memory by class, not by image: the maximum and the sum over ten classes then run along
        # the batch (the maximum of 128 rows of ten: 10 → 1.4 µs).
        self.logits: Array = aligned((sizes[-1], batch_size), dtype).T
        self.ones: Array = np.ones(batch_size, dtype)
        self.rows: Array = np.arange(batch_size)
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
            view.zs = [z[:n] for z in self._all_zs] if keep_z else []
            view.logits, view.ones, view.rows = self.logits[:n], self.ones[:n], self.rows[:n]
            self._smaller[n, keep_z] = view
        return self._smaller[n, keep_z]

    def leave_out(self, rng: np.random.Generator, n: int) -> None:
        """Draw the dropout masks of the next n images."""
        for mask in self.masks:
            if mask is not None:
                mask.draw(rng, n)

    def apply_dropout(self, layer: int) -> Array:
        """Return a·m of a hidden layer's own units; a itself where nothing is left out. ``layer`` counts from 0."""
        mask = self.masks[layer]
        return self.activations[layer] if mask is None else mask.apply(self.activations[layer], self.dropped[layer])
