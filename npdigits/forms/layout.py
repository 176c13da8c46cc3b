"""How the pixels of stored images lie: height and width, by rows or by columns, and what is missing at the end."""

import math
from collections.abc import Sequence

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import ConfigError, DataError
from npdigits.forms.found import Part

# Of images whose last pixels may be left out, that many times as many are believed, and taken memory for.
MOST_MISSING = 2


def determine_shape(
    parts: Sequence[tuple[Part, bool]], wanted: tuple[int, int] | None, transposed: bool
) -> tuple[tuple[int, int], list[str]]:
    """Return the height and width of the images that a network sees, and what is said of them.

    Args:
        parts: of the set, and whether each may lack columns at the end.
        wanted: by the user.
        transposed: whether the images are stored by columns.

    Raises:
        DataError: the sizes differ, or flat images are no square.
        ConfigError: they have another number of pixels than is wanted.
    """
    flat = [(part, sparse) for part, sparse in parts if part.images.ndim == 2]
    square = [part for part, _ in parts if part.images.ndim == 3]
    for part, _ in parts:
        if part.images.ndim not in (2, 3) or not part.images.size:
            raise DataError(f"{place_of(part)}: no images: an array of shape {part.images.shape}")
    notes: list[str] = []
    if square:
        height, width = square[0].images.shape[1:]
        stored = (height, width)
        if wanted and _is_same_but_flat(stored, wanted):
            stored = (wanted[1], wanted[0]) if transposed else wanted
    else:
        stored, notes = _of_flat(flat, wanted, transposed)
    shape = (stored[1], stored[0]) if transposed else stored
    if wanted and shape != wanted:
        raise ConfigError(
            f"data.shape=[{wanted[0]},{wanted[1]}]: the images are of {shape[0]} × {shape[1]} = {math.prod(shape):,} "
            f"pixels"
        )
    for part, sparse in parts:
        refuse_other_size(part, shape, transposed, sparse)
    return shape, notes


def refuse_other_size(part: Part, shape: tuple[int, int], transposed: bool, sparse: bool) -> None:
    """Refuse images of another size.

    Raises:
        DataError: they are.
    """
    size, pixels = part.images.shape[1:], math.prod(shape)
    if len(size) == 1 and (size[0] == pixels or (sparse and size[0] < pixels)):
        return
    if len(size) == 2 and (size == (shape[::-1] if transposed else shape) or _is_same_but_flat(size, shape)):
        return
    found = " × ".join(f"{side:,}" for side in size) if len(size) == 2 else f"{math.prod(size):,} pixels"
    raise DataError(f"{place_of(part)}: an image of {found}: the training images are of {shape[0]} × {shape[1]}")


def arrange(images: Array, shape: tuple[int, int], transposed: bool) -> Array:
    """Return images of shape (n, height, width) as a network sees them, a view where they are complete.

    Args:
        images: as stored, of a size that ``refuse_other_size`` allows.
        shape: height and width as a network sees them.
        transposed: whether they are stored by columns.
    """
    n, pixels = len(images), math.prod(shape)
    flat = images.reshape(n, math.prod(images.shape[1:]))
    if flat.shape[1] < pixels:
        flat = np.pad(flat, ((0, 0), (0, pixels - flat.shape[1])))
    stored = shape[::-1] if transposed else shape
    arranged = flat.reshape(n, *stored)
    return arranged.swapaxes(1, 2) if transposed else arranged


def _of_flat(
    parts: Sequence[tuple[Part, bool]], wanted: tuple[int, int] | None, transposed: bool
) -> tuple[tuple[int, int], list[str]]:
    """Return the height and width by which flat images are stored, and what is said of it."""
    counts = [part.images.shape[1] for part, _ in parts]
    pixels, sparse = max(counts), all(may_lack for _, may_lack in parts)
    if wanted:
        if math.prod(wanted) != pixels and not (sparse and pixels < math.prod(wanted) <= MOST_MISSING * pixels):
            raise ConfigError(
                f"data.shape=[{wanted[0]},{wanted[1]}]: is of {math.prod(wanted):,} pixels; an image of "
                f"{place_of(parts[0][0])} has {pixels:,}"
            )
        stored = wanted[::-1] if transposed else wanted
        filled = [f"{pixels:,} columns, filled up with zeros to {wanted[0]} × {wanted[1]}"]
        return stored, filled if math.prod(wanted) > pixels else []
    side = math.isqrt(pixels - 1) + 1
    if side * side == pixels:
        return (side, side), []
    if sparse and side * side - pixels < side:  # less than a row is missing
        return (side, side), [f"{pixels:,} columns, filled up with zeros to {side} × {side}"]
    first = next(size for size in range(math.isqrt(pixels), 0, -1) if pixels % size == 0)
    example = [side, side] if sparse else [first, pixels // first]
    raise DataError(
        f"{place_of(parts[0][0])}: {pixels:,} pixels in an image, which are no square: data.shape=[HEIGHT,WIDTH] "
        f"says how they lie, such as data.shape=[{example[0]},{example[1]}]"
    )


def _is_same_but_flat(size: Sequence[int], shape: tuple[int, int]) -> bool:
    """Say whether images are stored as one row or column of as many pixels."""
    return 1 in size and math.prod(size) == math.prod(shape)


def place_of(part: Part) -> str:
    """Return the file that images are in; of pictures, which are a file each, that they are a set."""
    name = part.name_of(0) if len(part.images) else ""
    return name.split(": ")[0] if ": " in name else "the set"
