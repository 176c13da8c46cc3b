"""A few pixels far outside the scale of all others, by which these would hardly be seen."""

from collections.abc import Sequence

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import DataError
from npdigits.forms.found import Part
from npdigits.forms.layout import place_of
from npdigits.forms.value_range import FAINTEST, OVERSHOOT, ROUNDED, USUAL, recognize

# So many images, of all: one of a few hundred. Of fewer than LEAST images, each may be as it should be.
FEW, MOST, LEAST = 1 / 300, 100, 10
# The highest values of scales around zero.
AROUND_ZERO = (0.5, 1, 127)


def refuse_outliers(parts: Sequence[Part], scale: tuple[float, float], is_usual: bool, sample: Array) -> None:
    """Refuse a few images whose pixels lie outside a usual scale that all others are on.

    Args:
        parts: all images of a set.
        scale: what was recognized of them.
        is_usual: whether that is a usual scale; else it is only what the highest and the lowest pixel are.
        sample: some images, shape (n, height, width).

    Raises:
        DataError: there are such images; it names the first one.
    """
    n = sum(len(part.images) for part in parts)
    reach = sample.reshape(len(sample), -1).max(axis=1) > (scale[0] + scale[1]) / 2
    if n < LEAST or (is_usual and reach.mean() >= 0.5):
        return
    highest = np.concatenate([_flat(part).max(axis=1).astype(np.float64) for part in parts])
    lowest = np.concatenate([_flat(part).min(axis=1).astype(np.float64) for part in parts])
    few = min(max(1, int(n * FEW)), MOST)
    low, high = float(np.partition(lowest, few)[few]), float(np.partition(highest, n - 1 - few)[n - 1 - few])
    if low >= high:
        return
    (low, high), warnings = recognize(low, high, np.clip(sample, low, high), place_of(parts[0]))
    if warnings or (low < 0 and high not in AROUND_ZERO):
        return
    slack = OVERSHOOT if (low, high) == (0, 1) else (high - low) * ROUNDED / 255
    odd = (highest > high + slack) | (lowest < low - slack)
    would_be_faint = high <= scale[0] + FAINTEST * (scale[1] - scale[0])
    # Beside bytes up to 255, those up to 127 may be dim ones; beside values up to 1023, those up to 255 are not.
    would_be_dim = scale[1] not in USUAL and (highest == high).mean() > 0.5
    if odd.any() and (not is_usual or would_be_faint or would_be_dim):
        _refuse(parts, odd, highest, lowest, (low, high))


def _refuse(parts: Sequence[Part], odd: Array, highest: Array, lowest: Array, usual: tuple[float, float]) -> None:
    """Say which image has which pixel.

    Raises:
        DataError: always.
    """
    first = at = int(odd.argmax())
    for part in parts:
        if at < len(part.images):
            break
        at -= len(part.images)
    value = highest[first] if highest[first] > usual[1] else lowest[first]
    more = f", and {odd.sum() - 1:,} more such images" if odd.sum() > 1 else ""
    others = f"{_number(lowest[~odd].min())} … {_number(highest[~odd].max())}"
    ends = f"[{_number(lowest.min())},{_number(highest.max())}]"
    raise DataError(
        f"{part.name_of(at)}: a pixel of {_number(value)}{more}; the pixels of all others are {others}: correct it, or "
        f"name the ends of the scale: data.range={ends}"
    )


def _flat(part: Part) -> Array:
    return part.images.reshape(len(part.images), -1)


def _number(value: float) -> str:
    """Return a number as a key takes it, in full where it is whole."""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else f"{value:.10g}"
