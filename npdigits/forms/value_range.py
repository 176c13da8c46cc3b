"""Which values of a set's pixels are paper and which are ink: the scale, and whether it is turned over."""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import DataError
from npdigits.forms.found import Part
from npdigits.forms.layout import place_of

# The highest values of scales that begin at 0: shares, few levels of grey, 4 to 7 bits, per cent, 8 to 16 bits.
ENDS = (1, 2, 3, 7, 15, 16, 31, 63, 100, 127, 255, 1023, 4095, 65535)
# Scales of which the highest value need not occur: it is at least half of them.
USUAL = (1, 255, 65535)
# Bytes divided by 256, as of a well-known copy of MNIST.
OF_256 = 255 / 256
# Decimals beyond 0 … 1 by no more than this, of images whose paper is 0, are overshoots of resampling, and are cut.
OVERSHOOT = 0.2
# No pixel is so large; float32 holds it.
LARGEST = 1e30
# Decimals of bytes are told from others where they are rounded to three digits or more: 255 · 0.0005 < 0.13. Two digits
# leave open which byte it was. Of wider scales the same rounding moves a byte less.
ROUNDED = 0.13
# A batch of which no pixel reaches this share of the scale is of another scale.
FAINTEST = 16 / 255
# Images that are looked at where all would be too many.
SAMPLE = 500
# Pixels that are computed with at once: of them, temporary arrays take some megabytes.
AT_ONCE = 400_000
# Where the border of nearly all images is near one end of the scale, that is paper.
NEARLY_ALL, NEAR = 0.9, 0.35
# Paper is the larger part of them: of inverted USPS digits, which fill their frames, two thirds.
LARGER_PART = 0.6


def span_of(parts: Sequence[Part]) -> tuple[float, float]:
    """Return the lowest and the highest value of all pixels.

    Raises:
        DataError: pixels are no numbers, or all of one value.
    """
    low, high = math.inf, -math.inf
    for part in parts:
        images = part.images
        if images.dtype.kind not in "biuf":
            raise DataError(f"{place_of(part)}: pixels of type {images.dtype}: allowed are numbers")
        lowest, highest = float(images.min()), float(images.max())
        if not -LARGEST <= lowest <= highest <= LARGEST:
            i = first_row(images, _is_odd)
            raise DataError(f"{part.name_of(i)}: {_odd_value(images[i])} is no value of a pixel")
        low, high = min(low, lowest), max(high, highest)
    if low == high:
        raise DataError(f"{place_of(parts[0])}: all pixels of all images are {low:g}")
    return low, high


def recognize(low: float, high: float, sample: Array, place: str) -> tuple[tuple[float, float], list[str]]:
    """Return the scale that values from ``low`` to ``high`` are of, and warnings.

    Args:
        low, high: the lowest and the highest value.
        sample: some images, shape (n, height, width).
        place: where they are, for messages.

    Raises:
        DataError: they are unsigned bytes that were taken for signed ones.
    """
    edge = float(np.median(border_of(sample)))
    if min(low, 1 - high) < 0 and low >= -OVERSHOOT and abs(high - 1) <= OVERSHOOT and abs(edge) < OVERSHOOT / 4:
        return (0, 1), []
    if low >= 0:
        if high <= OF_256 * (1 + 1e-3) and high > 0.99 and are_bytes(sample, 0, OF_256) and not are_bytes(sample, 0, 1):
            return (0, OF_256), []
        ends = [end for end in ENDS if math.isclose(high, end, rel_tol=1e-6)]
        ends += [end for end in USUAL if end / 2 < high <= end]
        if ends:
            return (0, ends[0]), []
        return (0, high), [_unknown(0, high)]
    if low >= -1 and high <= 1 and low <= -0.9 and high >= 0.9:
        return (-1, 1), []
    if -128 <= low <= -100 and 100 <= high <= 127 and sample.dtype.kind == "i":
        if abs(edge) < 16:
            raise DataError(
                f"{place}: pixels from {low:g} to {high:g}, {edge:g} at the images' edges: bytes 0 … 255 that were "
                "saved as signed ones: save them as uint8"
            )
        return (-128, 127), []
    if math.isclose(-low, high, rel_tol=0.01):
        largest = max(-low, high)
        return (-largest, largest), []
    return (low, high), [_unknown(low, high)]


def is_inverted(images: Array, low: float, high: float) -> bool:
    """Say whether paper is the highest value: so it is at the border of nearly all images, and in most of their pixels.

    Args:
        images: some of the set, shape (n, height, width).
        low, high: the scale.
    """
    border = (np.median(border_of(images), axis=1) - low) / (high - low)
    middle = low + (high - low) / 2
    return bool((border >= 1 - NEAR).mean() >= NEARLY_ALL and (images > middle).mean() > LARGER_PART)


def border_of(images: Array) -> Array:
    """Return the pixels at the edges of images, shape (n, pixels)."""
    edges = [images[:, 0], images[:, -1], images[:, 1:-1, 0], images[:, 1:-1, -1]]
    border: Array = np.concatenate(edges, axis=1).astype(np.float32)
    return border


def say_scale(paper: float, ink: float, sample: Array) -> list[str]:
    """Return what is said of a scale."""
    low, high = sorted((paper, ink))
    if high == OF_256:
        said = "values 0 … 0.996, decimals of 256ths"
    else:
        said = f"values {low:g} … {high:g}"
        if sample.dtype.kind == "f" and (np.rint(sample) != sample).any():
            said += ", decimals of 255ths" if are_bytes(sample, low, high) else ", decimals"
    return [said, *([f"inverted (paper was {paper:g})"] if paper > ink else [])]


def are_bytes(images: Array, paper: float, ink: float) -> bool:
    """Say whether values are bytes on another scale, up to the rounding of decimals."""
    return all(_rounded(scaled(some, paper, ink), paper, ink) is not None for _, some in in_pieces(images))


def to_bytes(images: Array, paper: float, ink: float) -> Array:
    """Return images on the scale 0 (paper) … 255 (ink): as uint8 where that is exact, else as float32.

    Bytes on that scale are returned as they are, without a copy. Floats are rounded to float32 first, so that what is
    stored in single and in double precision is the same.
    """
    if images.dtype.kind in "iu" and {paper, ink} == {0, 255}:
        plain = images.astype(np.uint8, copy=False)
        return plain if ink else 255 - plain
    whole = np.empty(images.shape, np.uint8)
    for start, some in in_pieces(images):
        values = _rounded(scaled(some, paper, ink), paper, ink)
        if values is None:
            break
        whole[start : start + len(some)] = values
    else:
        return whole
    del whole
    levels = np.empty(images.shape, np.float32)
    for start, some in in_pieces(images):
        levels[start : start + len(some)] = scaled(some, paper, ink)
    return levels


def scaled(images: Array, paper: float, ink: float) -> Array:
    """Return images on the scale 0 … 255, as float64; what is beyond it by rounding is brought onto it."""
    if images.dtype.kind == "f":
        images = images.astype(np.float32)
    levels = (images.astype(np.float64) - paper) * (255 / (ink - paper))
    levels = np.clip(levels, 0, 255, out=levels)
    levels += 0.0  # −0 becomes 0
    return levels


def first_row(images: Array, is_so: Callable[[Array], Array]) -> int:
    """Return the number of the first image with a pixel of which something is so."""
    for start, some in in_pieces(images):
        found = is_so(some).reshape(len(some), -1).any(axis=1)
        if found.any():
            return start + int(found.argmax())
    raise ValueError("no such image")


def in_pieces(images: Array) -> Iterator[tuple[int, Array]]:
    """Yield images, some at a time, and the number of the first of them."""
    step = max(1, AT_ONCE * len(images) // max(1, images.size))
    for start in range(0, len(images), step):
        yield start, images[start : start + step]


def _rounded(levels: Array, paper: float, ink: float) -> Array | None:
    """Return levels as whole numbers; None where they are not, beyond the rounding of decimals."""
    whole = np.rint(levels)
    width = abs(ink - paper)
    tolerance = ROUNDED / max(width, 0.5)
    return whole if (np.abs(levels - whole) <= tolerance).all() else None


def _odd_value(image: Array) -> str:
    """Return the first value of an image that no pixel has, for a message."""
    values = image.ravel()
    return f"{values[_is_odd(values)][0]}"


def _is_odd(values: Array) -> Array:
    with np.errstate(over="ignore"):  # what is too large becomes infinite
        odd: Array = ~(np.abs(values.astype(np.float64)) <= LARGEST)
    return odd


def _unknown(low: float, high: float) -> str:
    standardized = ", as of standardized data" if low < 0 else ""
    return (
        f"the pixels' values go from {low:g} to {high:g}{standardized}: these are taken for paper and ink; "
        "data.range=[LOW,HIGH] names the ends of the scale"
    )
