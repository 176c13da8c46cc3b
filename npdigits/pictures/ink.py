"""How much ink is where in a picture: on paper of one grey value (``flat.py``), in a photograph (``photograph.py``)."""

from collections.abc import Iterator

from npdigits.base.arrays import Array
from npdigits.pictures.even import has_two_papers, is_cut_out, without_noise
from npdigits.pictures.flat import MOST_INK, flat_inks
from npdigits.pictures.photograph import photographed
from npdigits.pictures.threshold import counts_of


def inks(grey: Array, counts: Array | None = None) -> Iterator[tuple[Array, float]]:
    """Yield how much ink is where, bytes of the picture's shape, and how much of it ink may be; the likeliest first.

    Args:
        grey: bytes 0 (black) … 255 (white), shape (height, width).
        counts: how many of them have each value, where that is known.
    """
    counts = counts_of(grey) if counts is None else counts
    if has_two_papers(grey, counts):
        yield photographed(grey), MOST_INK
    flat = False
    for found in flat_inks(grey, counts):
        flat |= found.sure
        yield found.ink, found.most
    if flat:
        return
    even = without_noise(grey)
    drawn = [] if even is None else [(one.ink, one.most) for one in flat_inks(even)]
    # Around a digit that was cut out there is hardly any paper to see the light on.
    first = bool(drawn) and is_cut_out(drawn[0][0])
    if first:
        yield from drawn
    yield photographed(grey), MOST_INK
    if not first:
        yield from drawn
