"""Columns whose names are numbered, pixel17, f12, 3x28, pixel_0_3: whether they lie in the order of their numbers.

``df[sorted(df.columns)]`` puts pixel10 before pixel2; read by position, each image would be shuffled.
"""

import re
from collections.abc import Callable, Sequence

from npdigits.base.errors import DataError
from npdigits.base.text import printable

# A pixel's name ends in its number, or in its row and column: pixel17, 1x2, pixel_0_3, V5, f12, (3, 4).
NAME = re.compile(r"(.*?)[(\[]?(\d{1,9})(?:\D{1,3}(\d{1,9}))?[)\]]?")
# What pandas appends to a name that is there already.
AGAIN = re.compile(r"\.\d+$")
PUT_IN_ORDER = "columns put in the order of their numbers"
# Fewer names are no pattern.
FEW = 4

Numbers = tuple[int, ...]


def numbers_in(names: Sequence[str]) -> list[Numbers] | None:
    """Return the numbers in names that have one stem; None where they are otherwise."""
    matches = [match for name in names if (match := NAME.fullmatch(name))]
    kinds = {(match[1], match[3] is None) for match in matches}
    if not names or len(matches) < len(names) or len(kinds) > 1:
        return None
    return [tuple(int(text) for text in match.groups()[1:] if text is not None) for match in matches]


def number_order(
    names: Sequence[str], place: str, fits: Callable[[int], bool], others: Sequence[str] = ()
) -> list[int] | None:
    """Return the order of the numbers in some columns' names; None where they have it, or are no numbers.

    Names of two numbers may say the column first: that is an order, too, and stays as it is.

    Args:
        names: of the columns of pixels.
        place: the file, for messages.
        fits: whether so many pixels are an image.
        others: names of columns that are no pixels.

    Raises:
        DataError: a number is there twice; or one is missing, and the others are no image.
    """
    if len(names) < FEW:
        return None
    numbers = numbers_in(names)
    _refuse_doubled(names, numbers, place)
    if numbers is None:
        return None
    if not fits(len(names)):
        refuse_gaps(names, place, others)
    swapped = [number[::-1] for number in numbers]
    if numbers == sorted(numbers) or swapped == sorted(swapped):
        return None
    return sorted(range(len(names)), key=numbers.__getitem__)


def refuse_gaps(names: Sequence[str], place: str, others: Sequence[str] = ()) -> None:
    """Refuse columns that are numbered one after the other, but for a few.

    Args:
        names: of the columns of pixels.
        place: the file, for messages.
        others: names of columns that are no pixels.

    Raises:
        DataError: a number is missing.
    """
    numbers = numbers_in(names)
    if not numbers:
        return
    name_of = dict(zip(numbers, names, strict=True))
    present, axes = set(numbers), [sorted({number[i] for number in numbers}) for i in range(len(numbers[0]))]
    spans = [range(axis[0], axis[-1] + 1) for axis in axes]
    size = len(spans[0]) * (len(spans[1]) if len(spans) > 1 else 1)
    if not len(names) < size < 2 * len(names):
        return
    expected = [(a, b) for a in spans[0] for b in spans[1]] if len(spans) > 1 else [(a,) for a in spans[0]]
    missing = []
    before = names[0]
    for number in expected:
        if number in present:
            before = name_of[number]
        elif (name := _renumbered(before, number)) not in others:
            missing.append(name)
    if missing:
        more = f" and {len(missing) - 1:,} more" if len(missing) > 1 else ""
        raise DataError(
            f"{place}: no column {printable(missing[0])}{more} among {len(names):,} numbered ones: "
            "an image needs all of its pixels"
        )


def _refuse_doubled(names: Sequence[str], numbers: Sequence[Numbers] | None, place: str) -> None:
    """Refuse two columns for one pixel.

    Raises:
        DataError: there are such.
    """
    seen: dict[object, str] = {}
    for name, number in zip(names, numbers or names, strict=True):
        if number in seen and NAME.fullmatch(name):
            raise _doubled(seen[number], name, place)
        seen[number] = name
    if numbers is None:
        again = [name for name in names if AGAIN.search(name) and AGAIN.sub("", name) in seen]
        if len(again) == 1 and numbers_in([name for name in names if name != again[0]]):
            raise _doubled(AGAIN.sub("", again[0]), again[0], place)


def _doubled(one: str, other: str, place: str) -> DataError:
    called = f"called {printable(one)}" if one == other else f"for one pixel, {printable(one)} and {printable(other)}"
    return DataError(f"{place}: two columns {called}: allowed is one for each pixel")


def _renumbered(name: str, numbers: Numbers) -> str:
    """Return a name with other numbers, padded by zeros as the name's own are."""
    match = NAME.fullmatch(name)
    assert match is not None
    text, end = "", 0
    for group, number in enumerate(numbers, 2):
        digits = match[group]
        text += name[end : match.start(group)] + str(number).zfill(len(digits) if digits[0] == "0" else 0)
        end = match.end(group)
    return text + name[end:]
