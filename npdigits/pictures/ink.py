"""How much ink is where in a picture: on paper of one grey value (``flat.py``), in a photograph (``photograph.py``)."""

from collections.abc import Iterator

from npdigits.base.arrays import Array
from npdigits.pictures.even import without_noise
from npdigits.pictures.flat import MOST_INK, flat_inks
from npdigits.pictures.photograph import photographed


def inks(grey: Array) -> Iterator[tuple[Array, float]]:
    """Yield how much ink is where, bytes of the picture's shape, and how much of it ink may be; the likeliest first."""
    flat = False
    for found in flat_inks(grey):
        flat |= found.sure
        yield found.ink, found.most
    if flat:
        return
    even = without_noise(grey)
    if even is not None:
        for found in flat_inks(even):
            yield found.ink, found.most
    yield photographed(grey), MOST_INK
