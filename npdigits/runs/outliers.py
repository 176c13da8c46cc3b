"""Images of no digit, made of digits: what a detector learns beside the classes (``runs.detector``).

Whoever is to notice what belongs to no class learns it best from examples, of whatever kind (outlier exposure;
Hendrycks, Mazeika & Dietterich 2019). Nothing is drawn for that: digits themselves are put together and spoilt, so that
outliers have the strokes and the paper of their set.

    overlaid    two digits over one another, distorted; one of them is turned or reflected
    joined      one side of a line through the middle is of a digit, the other of another one, turned or reflected
    turned      by quarter turns, or reflected
    bold        turned, distorted, and thickened up to a blot

Some are digits all the same, as a 0 that is turned. A detector is not sure of those, and neither is it of what looks
like them; as its scores are held against those of validation digits, no more of them are refused for that.
"""

import math
from collections.abc import Callable

import numpy as np

from npdigits.base.arrays import Array
from npdigits.data.augmentation import Augmentation, DistortionRanges

# How far digits are distorted, about twice as far as augmentation does: degrees, and pixels of an image of side SIDE.
SIDE = 28
ROTATION, SCALE, SHEAR, SHIFT, ALPHA, SIGMA = 30.0, 0.3, 20.0, 2.0, 60.0, 5.0
# How far from the middle the line between two digits is, and by how much strokes grow on each side, at most.
ASIDE, GROWTH = 4.0, 3


def outliers_of(rng: np.random.Generator, images: Array, n: int) -> Array:
    """Return n images of no digit, as many of each kind.

    Args:
        rng: the random generator.
        images: of digits, 0 (paper) … 255 (ink), shape (digits, height, width).
        n: how many.

    Returns:
        float32, shape (n, height, width).
    """

    def some(count: int) -> Array:
        return images[rng.integers(len(images), size=count)].astype(np.float32)

    kinds: list[Callable[[int], Array]] = [
        lambda count: np.maximum(distorted(rng, some(count)), distorted(rng, turned(rng, some(count)))),
        lambda count: joined(rng, turned(rng, some(count)), some(count)),
        lambda count: turned(rng, some(count)),
        lambda count: thickened(rng, distorted(rng, turned(rng, some(count)))),
    ]
    counts = [(n + i) // len(kinds) for i in range(len(kinds))]
    return np.concatenate([kind(count) for kind, count in zip(kinds, counts, strict=True) if count])


def turned(rng: np.random.Generator, images: Array) -> Array:
    """Return each image in another of the ways in which a square (or else a rectangle) can be turned or reflected."""
    square = images.shape[1] == images.shape[2]
    ways, result = rng.integers(1, 8 if square else 4, size=len(images)), np.empty_like(images)
    for way in np.unique(ways):
        some = images[ways == way][:, :: -1 if way & 1 else 1, :: -1 if way & 2 else 1]
        result[ways == way] = some.swapaxes(1, 2) if way & 4 else some
    return result


def distorted(rng: np.random.Generator, images: Array) -> Array:
    """Return images that are rotated, scaled, sheared, moved, and distorted elastically."""
    n, height, width = images.shape
    unit, out = _unit(images), np.empty((n, height * width), np.float32)
    ranges = DistortionRanges(ROTATION, SCALE, SHEAR, SHIFT * unit, ALPHA * unit**2, SIGMA * unit)
    Augmentation((height, width), ranges)(rng, images.reshape(n, -1), out)
    return out.reshape(images.shape)


def joined(rng: np.random.Generator, images: Array, others: Array) -> Array:
    """Return images that are of others beyond a line near the middle, in any direction."""
    n, height, width = images.shape
    angle, aside = rng.uniform(0, 2 * math.pi, (n, 1, 1)), ASIDE * _unit(images) * rng.uniform(-1, 1, (n, 1, 1))
    y, x = np.mgrid[:height, :width] - np.array([height - 1, width - 1])[:, None, None] / 2
    beyond = np.cos(angle) * x + np.sin(angle) * y > aside
    whole: Array = np.where(beyond, others, images)
    return whole


def thickened(rng: np.random.Generator, images: Array) -> Array:
    """Return images whose strokes have grown: each pixel becomes the largest of a diamond around it."""
    result = images.copy()
    growth = rng.integers(1, GROWTH, size=len(images), endpoint=True)
    for step in range(1, max(1, round(GROWTH * _unit(images))) + 1):
        growing = growth * max(_unit(images), 1 / GROWTH) >= step
        x = np.pad(result[growing], ((0, 0), (1, 1), (1, 1)), mode="edge")
        near = (x[:, 1:-1, :-2], x[:, 1:-1, 2:], x[:, :-2, 1:-1], x[:, 2:, 1:-1])
        for other in near:
            result[growing] = np.maximum(result[growing], other)
    return result


def _unit(images: Array) -> float:
    """Return how many pixels of these images are one of ``SIDE``."""
    return math.sqrt(images.shape[1] * images.shape[2]) / SIDE
