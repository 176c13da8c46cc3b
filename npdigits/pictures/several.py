"""Whether pieces of ink are several digits: side by side, above one another, in rows.

The drawing page's script does the same (``export/page_files/several.js``).

A blank column or row that goes through between the pieces parts them in two (the step of the recursive X–Y cut, Nagy &
Seth 1984). The parts are two digits, or more, if they are about as high as one another, and the blank is wide enough.
"""

import itertools
from collections.abc import Sequence

from npdigits.pictures.box import Box

# Parts side by side are two digits if the lower one has at least AS_HIGH of the higher one's height, and the smaller
# one at least AS_LARGE of the larger one's area. Where all is at least WIDE as wide as it is high, AS_HIGH_WIDE is
# enough. Where it is narrower than NARROW of its height, the blank has at least BESIDE of that: else it may be the
# break between the halves of a 0.
AS_HIGH, AS_LARGE, WIDE, AS_HIGH_WIDE, NARROW, BESIDE = 0.75, 0.2, 1.2, 0.5, 0.8, 0.08
# Blank rows part bands of pieces if they are at least ABOVE of the highest piece's height: else they may be between the
# loops of an 8, or the break of a stroke. Two bands are two digits if the lower one has at least AS_TALL of the higher
# one's height. The areas as above. Fewer blank rows are enough where all is at least TALL as high as it is wide, and
# each band at least UPRIGHT: of MNIST's validation digits that is 1 in 5,000, of pairs above one another 85 %.
AS_TALL, ABOVE, TALL, UPRIGHT = 0.6, 0.15, 2.0, 0.8
# If a bar of one band goes on as a bar of the next, they may be upright segments of a display: then the blank is at
# least BARS_ABOVE of the upper band's height. A bar is at most BAR as wide as it is high, and fills FULL of its box; it
# goes on if they share ON of the narrower one's columns, as those of a slanted display do.
BARS_ABOVE, BAR, FULL, ON = 0.7, 0.6, 0.5, 0.3
# Among more pieces, as of noise, no digits are looked for.
MOST_DIGITS = 400

# A piece of ink: where it is, and its area.
Piece = tuple[Box, int]


def are_several(pieces: Sequence[Piece]) -> bool:
    """Say whether these pieces are more than one digit."""
    if not 2 <= len(pieces) <= MOST_DIGITS:
        return False
    return _are_beside(pieces) or _are_above(pieces)


def _are_beside(pieces: Sequence[Piece]) -> bool:
    whole = Box.around([box for box, _ in pieces])
    as_high = AS_HIGH_WIDE if whole.width >= WIDE * whole.height else AS_HIGH
    spans = _spans([(box.left, box.right, (box, area)) for box, area in pieces], 1)
    for k in range(1, len(spans)):
        left, right = ([piece for span in part for piece in span] for part in (spans[:k], spans[k:]))
        one, other = (Box.around([box for box, _ in part]) for part in (left, right))
        wide = whole.width >= NARROW * whole.height or other.left - one.right >= BESIDE * whole.height
        if wide and _alike(one.height, other.height, as_high) and _alike(_area(left), _area(right), AS_LARGE):
            return True
    return False


def _are_above(pieces: Sequence[Piece]) -> bool:
    highest, whole = max(box.height for box, _ in pieces), Box.around([box for box, _ in pieces])
    return _are_digits_above(pieces, ABOVE * highest, 0.0) or (
        whole.height >= TALL * whole.width and _are_digits_above(pieces, 1, UPRIGHT)
    )


def _are_digits_above(pieces: Sequence[Piece], blank: float, upright: float) -> bool:
    """Say whether blanks of so many rows part bands that are digits, each so many times as high as it is wide."""
    bands = _spans([(box.top, box.bottom, (box, area)) for box, area in pieces], blank)
    for upper, lower in itertools.pairwise(bands):
        one, other = (Box.around([box for box, _ in band]) for band in (upper, lower))
        if other.top - one.bottom < BARS_ABOVE * one.height and _goes_on(upper, lower):
            continue
        if one.height < upright * one.width or other.height < upright * other.width:
            continue
        if _alike(one.height, other.height, AS_TALL) and _alike(_area(upper), _area(lower), AS_LARGE):
            return True
    return False


def _goes_on(upper: Sequence[Piece], lower: Sequence[Piece]) -> bool:
    """Say whether one bar of the upper pieces stands on one of the lower ones that is about as high."""
    above, below = ([box for box, area in part if _is_bar(box, area)] for part in (upper, lower))
    return any(
        min(one.right, other.right) - max(one.left, other.left) >= ON * min(one.width, other.width)
        and _alike(one.height, other.height, AS_TALL)
        for one in above
        for other in below
    )


def _is_bar(box: Box, area: int) -> bool:
    return box.width <= BAR * box.height and area >= FULL * box.height * box.width


def _spans(placed: list[tuple[int, int, Piece]], least: float) -> list[list[Piece]]:
    """Return the pieces in groups that blanks part, of at least so many pixels; each has a begin and an end."""
    groups: list[list[Piece]] = []
    last = 0
    for begin, end, piece in sorted(placed, key=lambda one: one[0]):
        if not groups or begin - last >= least:
            groups.append([])
        groups[-1].append(piece)
        last = max(last, end)
    return groups


def _alike(one: int, other: int, share: float) -> bool:
    return min(one, other) >= share * max(one, other)


def _area(pieces: Sequence[Piece]) -> int:
    return sum(area for _, area in pieces)
