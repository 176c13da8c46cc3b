"""How several workers share a step, by units or by images (``nn/cuts.py``).

By units, each worker computes some cuts of every layer's units, for all images of the batch. It needs the other
workers' images and activations: batch × (n₀ + … + nᴸ) numbers are exchanged.

By images, each worker computes the whole gradient of some parts of the batch, and the gradients are added up: as many
numbers are exchanged as there are parameters. Small networks and large batches gain by it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from npdigits.base.arrays import Array, shared
from npdigits.nn.cuts import Cuts, choose_cuts, tree
from npdigits.nn.matmul import Operation
from npdigits.nn.network import Parameters
from npdigits.nn.optimizer import CACHE_LINE
from npdigits.nn.workspace import UNDIVIDED, LayerSplit
from npdigits.training.workers import Part


class SharedLayers:
    """A batch's images and hidden layers in memory that all workers see.

    Attributes:
        x: the images as floats, shape (batch, n₀).
        activations, deltas: a¹ … aᴸ⁻¹ and δ¹ … δᴸ⁻¹, arrays of shape (batch, nₗ).
        masks: the dropout masks of these layers, of the same shapes; empty where a layer has none.
    """

    def __init__(
        self, sizes: tuple[int, ...], batch_size: int, dtype: str = "float32", dropout: Sequence[float] = ()
    ) -> None:
        self.x = shared((batch_size, sizes[0]), dtype)
        self.activations: list[Array] = [shared((batch_size, n), dtype) for n in sizes[1:-1]]
        self.deltas: list[Array] = [shared((batch_size, n), dtype) for n in sizes[1:-1]]
        shares = [*dropout, *[0.0] * len(sizes)]
        self.masks: list[Array] = [
            shared((batch_size if p else 0, n), dtype) for n, p in zip(sizes[1:-1], shares, strict=False)
        ]


class UnitSplit:
    """One worker's view of layers that are split by units (``nn.workspace.LayerSplit``).

    To complete a layer the worker copies its own units into the shared memory and waits until all have done so.
    """

    def __init__(self, part: Part, layers: SharedLayers) -> None:
        self.part, self.layers = part, layers

    def own_cuts(self, count: int) -> slice:
        return self.part.slice(count)

    def mask_memory(self, layer: int, shape: tuple[int, int], dtype: str) -> Array:
        return self.layers.masks[layer]

    def complete_activations(self, layer: int, own: Array, units: slice) -> tuple[list[Operation], Array]:
        return self._complete(self.layers.activations[layer], own, units)

    def complete_deltas(self, layer: int, own: Array, units: slice) -> tuple[list[Operation], Array]:
        return self._complete(self.layers.deltas[layer], own, units)

    def _complete(self, whole: Array, own: Array, units: slice) -> tuple[list[Operation], Array]:
        n = len(own)
        return [partial(np.copyto, whole[:n, units], own), self.part.wait], whole[:n]


@dataclass(frozen=True)
class SharedMemory:
    """How steps are cut, and where the workers see each other's work, besides the state that is trained.

    Attributes:
        cuts: of the steps.
        layers: by units, the batch and its layers; None where there is one worker, or where it is by images.
        gradients: by images, the gradient of each part of a batch; None where there is one part.
    """

    cuts: Cuts
    layers: SharedLayers | None = None
    gradients: Parameters | None = None

    def split(self, part: Part) -> LayerSplit:
        """Return how a worker's layers are split."""
        return UNDIVIDED if self.layers is None else UnitSplit(part, self.layers)


def share(parameters: Parameters, batch_size: int, workers: int, dropout: Sequence[float] = ()) -> SharedMemory:
    """Return how steps are cut, which depends on nothing but sizes, and the memory for so many workers.

    Args:
        parameters: of the network.
        batch_size: images of a step.
        workers: how many there are.
        dropout: of each hidden layer the share of units to leave out.
    """
    dtype, cuts = parameters.flat.dtype.name, choose_cuts(parameters.sizes, batch_size)
    if cuts.by_units:
        layers = SharedLayers(parameters.sizes, batch_size, dtype, dropout) if workers > 1 else None
        return SharedMemory(cuts, layers)
    several = Parameters(parameters.sizes, dtype, copies=cuts.parts) if cuts.parts > 1 else None
    return SharedMemory(cuts, gradients=several)


class GradientSum:
    """One worker's part of adding up the gradients of a batch's parts, in a fixed tree (``nn.cuts.tree``).

    Args:
        gradients: of the parts, shape (parts, n), which are overwritten.
        total: receives their sum, shape (n,).
        part: this worker's.
        elements: which of the n elements it adds up of sums that no worker can make alone.

    Attributes:
        alone: the sums of parts that all are this worker's, which nobody need be waited for.
        together: the sums that are left, once every worker has come so far.
    """

    def __init__(self, gradients: Array, total: Array, part: Part, elements: slice) -> None:
        self.alone: list[Operation] = []
        self.together: list[Operation] = []
        parts = len(gradients)
        owned = [range(parts)[Part(rank, part.workers).slice(parts)] for rank in range(part.workers)]
        for into, other, end in tree(parts):
            sum_in = total if end - into == parts else gradients[into]
            owners = [rank for rank, own in enumerate(owned) if into in own and end - 1 in own]
            if not owners:
                arrays = (gradients[into], gradients[other], sum_in)
                self.together.append(partial(np.add, *(array[elements] for array in arrays)))
            elif owners == [part.rank]:
                self.alone.append(partial(np.add, gradients[into], gradients[other], sum_in))


def own_elements(part: Part, n: int, divisible: bool = True) -> slice:
    """Return which of n elements of the flat buffers a worker updates; the first one all, if it cannot be divided."""
    if not divisible:
        return slice(0, n if part.rank == 0 else 0)
    return part.slice(n, CACHE_LINE)
