"""How the members of a team share a step: by units or by images.

By units, each computes its own units of every layer, for all images of the batch. It needs of the others what their
units make of each image: batch × (n₀ + … + nᴸ) numbers change hands.

By images, each computes the whole gradient, of its own images alone, and the gradients are added up: as many numbers
change hands as there are parameters. Small networks and large batches gain by it.
"""

from dataclasses import dataclass

from npdigits.nn.network import Layers, Parameters


@dataclass(frozen=True)
class Sharing:
    """What the members see of each other's work.

    Attributes:
        layers: by units, the memory in which they put their layers together; else None.
        gradients: by images, the gradients of all members but the first, in the order of their ranks; else empty.
    """

    layers: Layers | None = None
    gradients: tuple[Parameters, ...] = ()


ALL_ALONE = Sharing()


def sharing(parameters: Parameters, batch: int, members: int) -> Sharing:
    """Return the way in which fewer numbers change hands. It depends on nothing but the arguments, as bits do on it.

    Measured with two members, the shortest of nine passes over 60,000 digits in ms, by units → by images; * is chosen:

        units / batch     32              128             512
        20               177 → 168*       77 → 63*        61 → 37*
        128              386* → 467      201 → 197*      156 → 141*
        800             2054* → 2580     990* → 1100     769 → 780*
        300-100          994* → 1284     497* → 526      379 → 373*
    """
    if members == 1:
        return ALL_ALONE
    dtype = parameters.flat.dtype.name
    if parameters.flat.size <= batch * sum(parameters.sizes):
        return Sharing(gradients=tuple(Parameters(parameters.sizes, dtype) for _ in range(1, members)))
    return Sharing(layers=Layers(parameters.sizes, batch, dtype))
