"""Whether pieces of ink are several digits: side by side, above one another, in rows.

The drawing page's script does the same (``export/page_files/several.js``).

A blank column or row that goes through between the pieces parts them in two (the step of the recursive X–Y cut, Nagy &
Seth 1984). The parts are two digits, or more, if they are about as high as one another, and the blank is wide enough.
"""

from collections.abc import Iterator, Sequence

from npdigits.pictures.box import Box

# Parts side by side are two digits if the lower one has at least AS_HIGH of the higher one's height, and the smaller
# one at least AS_LARGE of the larger one's area. Where all is narrower than NARROW of its height, the blank has at
# least BESIDE of that: else it may be the break between the halves of a 0.
AS_HIGH, AS_LARGE, NARROW, BESIDE = 0.75, 0.2, 0.8, 0.08
# Parts above one another are two digits if the lower one has at least AS_TALL of the higher one's height, and the blank
# at least ABOVE of the lower one's: else they may be the loops of an 8, or a broken stroke. The areas as above.
AS_TALL, ABOVE = 0.33, 0.2
# Among more pieces, as of noise, no digits are looked for.
MOST_DIGITS = 400

# A piece of ink: where it is, and its area.
Piece = tuple[Box, int]


def are_several(pieces: Sequence[Piece]) -> bool:
    """Say whether these pieces are more than one digit."""
    if not 2 <= len(pieces) <= MOST_DIGITS:
        return False
    whole = Box.around([box for box, _ in pieces])
    for left, right in _parted([(box.left, box.right, piece) for piece in pieces for box in [piece[0]]]):
        one, other = (Box.around([box for box, _ in part]) for part in (left, right))
        wide = whole.width >= NARROW * whole.height or other.left - one.right >= BESIDE * whole.height
        if wide and _alike(one.height, other.height, AS_HIGH) and _alike(_area(left), _area(right), AS_LARGE):
            return True
    for upper, lower in _parted([(box.top, box.bottom, piece) for piece in pieces for box in [piece[0]]]):
        one, other = (Box.around([box for box, _ in part]) for part in (upper, lower))
        wide = other.top - one.bottom >= ABOVE * min(one.height, other.height)
        if wide and _alike(one.height, other.height, AS_TALL) and _alike(_area(upper), _area(lower), AS_LARGE):
            return True
    return False


def _parted(spans: list[tuple[int, int, Piece]]) -> Iterator[tuple[list[Piece], list[Piece]]]:
    """Yield the pieces before and after each blank between spans, which are from a begin to before an end."""
    spans = sorted(spans, key=lambda span: span[0])
    end = spans[0][1]
    for k, (begin, its_end, _) in enumerate(spans):
        if begin > end:
            yield [piece for *_, piece in spans[:k]], [piece for *_, piece in spans[k:]]
        end = max(end, its_end)


def _alike(one: int, other: int, share: float) -> bool:
    return min(one, other) >= share * max(one, other)


def _area(pieces: Sequence[Piece]) -> int:
    return sum(area for _, area in pieces)
