"""How several workers share a step: by units or by images.

By units, each worker computes its own units of every layer, for all images of the batch. It needs the other workers'
images and activations: batch × (n₀ + … + nᴸ) numbers are exchanged.

By images, each worker computes the whole gradient, of its own images alone, and the gradients are added up: as many
numbers are exchanged as there are parameters. Small networks and large batches gain by it.
"""

from dataclasses import dataclass

from npdigits.base.arrays import Array, shared
from npdigits.nn.network import Parameters
from npdigits.nn.optimizer import CACHE_LINE
from npdigits.training.workers import Part


class SharedLayers:
    """A batch's images and hidden layers in memory that all workers see.

    Attributes:
        x: the images as floats, shape (batch, n₀).
        activations, deltas: a¹ … aᴸ⁻¹ and δ¹ … δᴸ⁻¹, arrays of shape (batch, nₗ).
    """

    def __init__(self, sizes: tuple[int, ...], batch_size: int, dtype: str = "float32") -> None:
        self.x = shared((batch_size, sizes[0]), dtype)
        self.activations: list[Array] = [shared((batch_size, n), dtype) for n in sizes[1:-1]]
        self.deltas: list[Array] = [shared((batch_size, n), dtype) for n in sizes[1:-1]]


class UnitSplit:
    """One worker's view of layers that are split by units (``nn.workspace.LayerSplit``).

    To complete a layer the worker copies its own units into the shared memory and waits until all have done so.
    """

    def __init__(self, part: Part, layers: SharedLayers) -> None:
        self.part = part
        self._activations = [self._with_own_units(whole) for whole in layers.activations]
        self._deltas = [self._with_own_units(whole) for whole in layers.deltas]

    def own_units(self, n: int) -> slice:
        return self.part.slice(n)

    def complete_activations(self, layer: int, own: Array) -> Array:
        return self._complete(*self._activations[layer], own)

    def complete_deltas(self, layer: int, own: Array) -> Array:
        return self._complete(*self._deltas[layer], own)

    def _with_own_units(self, whole: Array) -> tuple[Array, Array]:
        return whole, whole[:, self.own_units(whole.shape[1])]

    def _complete(self, whole: Array, own_units: Array, own: Array) -> Array:
        n = len(own)
        own_units[:n] = own
        self.part.wait()
        return whole[:n]


@dataclass(frozen=True)
class SharedMemory:
    """Where the workers see each other's work, besides the state that is trained.

    Attributes:
        layers: by units, the batch and its layers; else None.
        gradients: by images, the gradients of all workers but the first, in the order of their ranks; else empty.
    """

    layers: SharedLayers | None = None
    gradients: tuple[Parameters, ...] = ()


NOTHING_SHARED = SharedMemory()


def choose_split(parameters: Parameters, batch_size: int, workers: int) -> SharedMemory:
    """Return the memory for the split that exchanges fewer numbers.

    The choice depends on nothing but the arguments, as the bits of a result depend on it.

    Measured with two workers, the shortest of nine passes over 60,000 digits in ms, by units → by images; * is chosen:

        units / batch     32              128             512
        20               177 → 168*       77 → 63*        61 → 37*
        128              386* → 467      201 → 197*      156 → 141*
        800             2054* → 2580     990* → 1100     769 → 780*
        300-100          994* → 1284     497* → 526      379 → 373*
    """
    if workers == 1:
        return NOTHING_SHARED
    dtype = parameters.flat.dtype.name
    if parameters.flat.size <= batch_size * sum(parameters.sizes):
        return SharedMemory(gradients=tuple(Parameters(parameters.sizes, dtype) for _ in range(1, workers)))
    return SharedMemory(layers=SharedLayers(parameters.sizes, batch_size, dtype))


def own_elements(part: Part, n: int, divisible: bool = True) -> slice:
    """Return which of n elements of the flat buffers a worker updates; the first one all, if it cannot be divided."""
    if not divisible:
        return slice(0, n if part.rank == 0 else 0)
    return part.slice(n, CACHE_LINE)
