"""Training images drawn anew for every epoch: distorted elastically, rotated, scaled, sheared, moved.

For each pixel of the new image, q is where in the old one it comes from, and its value is interpolated linearly between
the four pixels around q (Simard, Steinkraus & Platt 2003, §2; Cireşan et al. 2010, §2):

    q(r, c) = A·(r, c) + centre + shift + α·(smoothed noise)(r, c)        A = (rotation · shear · scaling)⁻¹

The noise is uniform in [−1, 1] at each pixel, smoothed by a Gaussian of σ pixels along rows and columns: K u Kᵀ with K
the Gaussian's matrix. As it is smooth, few numbers make it: with K = U S Vᵀ it is U S (Vᵀ u V) S Uᵀ, and the first
columns of U hold nearly all of its variance (σ = 5.5: five of 28 hold 99.98 %). The elements of Vᵀ u V are sums of many
independent numbers of variance ⅓, so they are drawn as normal ones. So all coordinates of a batch are two products of
its coefficients with one small basis, and rotation, scaling, shear and shift are three coefficients more.
"""

import math
from dataclasses import dataclass

import numpy as np

from npdigits.base.arrays import Array, aligned

# The share of the smoothed noise's variance that is kept.
KEPT = 0.999
# Images at once: what they need stays in cache.
CHUNK = 64
# Pixels of paper put around each image, so that what comes from outside of it is paper.
MARGIN = 2
# How far from the last pixel's edge coordinates stay, so that there is one more pixel on their other side.
TOUCH = 1e-3


@dataclass(frozen=True)
class Ranges:
    """How far images are distorted; each number is drawn uniformly from ± its range.

    Attributes:
        rotation: degrees.
        scale: relative, of height and width each: 0.15 is from 0.85 to 1.15.
        shear: degrees.
        shift: pixels, along each axis.
        alpha: α, pixels; 0 for none.
        sigma: σ, pixels.
    """

    rotation: float = 0.0
    scale: float = 0.0
    shear: float = 0.0
    shift: float = 0.0
    alpha: float = 0.0
    sigma: float = 1.0


def gaussian(n: int, sigma: float) -> Array:
    """Return the matrix K, shape (n, n), that smooths n numbers by a Gaussian; beyond them are zeros."""
    far = math.ceil(10 * sigma) + n
    whole = np.exp(-0.5 * (np.arange(-far, far + 1) / sigma) ** 2).sum()
    distance = np.arange(n)[:, None] - np.arange(n)
    kernel: Array = np.exp(-0.5 * (distance / sigma) ** 2) / whole
    return kernel


def principal(n: int, sigma: float) -> Array:
    """Return the columns of U·S, shape (n, kept), that hold the noise's variance along one axis."""
    u, s, _ = np.linalg.svd(gaussian(n, sigma))
    share = np.cumsum(s * s) / (s * s).sum()
    kept = int(np.searchsorted(share, math.sqrt(KEPT))) + 1
    columns: Array = u[:, :kept] * s[:kept]
    return columns


def basis_size(shape: tuple[int, int], sigma: float) -> int:
    """Return how many numbers hold the noise's basis: where little is smoothed, the square of the pixels."""
    height, width = shape
    rows, columns = principal(height, sigma), principal(width, sigma)
    return rows.size * columns.size


class Augmentation:
    """Draws distorted images.

    Args:
        shape: (height, width) of the images.
        ranges: how far.
    """

    def __init__(self, shape: tuple[int, int], ranges: Ranges) -> None:
        height, width = shape
        self.shape = shape
        self._centre = (height - 1) / 2 + MARGIN, (width - 1) / 2 + MARGIN
        self._padded = height + 2 * MARGIN, width + 2 * MARGIN
        turns = np.radians([ranges.rotation, ranges.shear])
        self._span: Array = np.array([*turns, ranges.scale, ranges.scale, ranges.shift, ranges.shift])
        r, c = np.mgrid[:height, :width] - np.array([(height - 1) / 2, (width - 1) / 2])[:, None, None]
        fields = [r.ravel(), c.ravel(), np.ones(height * width)]
        if ranges.alpha:
            rows, columns = principal(height, ranges.sigma), principal(width, ranges.sigma)
            noise = np.einsum("ri,cj->ijrc", rows, columns).reshape(-1, height * width)
            fields += list(ranges.alpha / math.sqrt(3) * noise)
        self._basis: Array = np.array(fields, dtype=np.float32)
        n, pixels = CHUNK, height * width
        self._coefficients: Array = aligned((2 * n, len(self._basis)))
        self._q: Array = aligned((2 * n, pixels))
        self._floor: Array = aligned((2 * n, pixels))
        self._paper: Array = aligned((n, *self._padded))
        self._index: Array = aligned((n, pixels), "intp")
        self._result: Array = aligned((n, pixels))
        self._corners: list[Array] = [aligned((n, pixels)) for _ in range(3)]
        self._start: Array = (np.arange(n, dtype=np.float32) * math.prod(self._padded))[:, None]

    def __call__(self, rng: np.random.Generator, images: Array, out: Array) -> None:
        """Draw each image distorted; ``out`` may be of float64 too, if slower.

        Args:
            rng: what it is drawn from.
            images: bytes, shape (n, pixels).
            out: receives the new ones, floats 0 … 255, shape (n, pixels).
        """
        for start in range(0, len(images), CHUNK):
            chunk = images[start : start + CHUNK]
            place = out[start : start + CHUNK]
            drawn = place if out.dtype == np.float32 else self._result[: len(chunk)]
            self._distort(self.coefficients(rng, len(chunk)), chunk, drawn)
            if drawn is not place:
                np.copyto(place, drawn)

    def coefficients(self, rng: np.random.Generator, n: int) -> Array:
        """Draw what distorts n images: of each the row's coefficients, then of each the column's; (2n, basis)."""
        both = self._coefficients[: 2 * n]
        angle, shear, high, wide, down, right = self._span[:, None] * (2 * rng.random((6, n)) - 1)
        cos, sin, slant, high, wide = np.cos(angle), np.sin(angle), np.tan(shear), 1 + high, 1 + wide
        # The inverse of rotation · shear · scaling, first line for the row, second for the column.
        both[:n, 0], both[:n, 1] = cos / high, sin / high
        both[n:, 0], both[n:, 1] = -(sin + slant * cos) / wide, (cos - slant * sin) / wide
        both[:n, 2], both[n:, 2] = self._centre[0] + down, self._centre[1] + right
        both[:, 3:] = rng.standard_normal((2 * n, both.shape[1] - 3), np.float32)
        return both

    def coordinates(self, coefficients: Array) -> Array:
        """Return q of each pixel, in the padded image: all rows, then all columns, (2n, pixels)."""
        q: Array = np.dot(coefficients, self._basis, out=self._q[: len(coefficients)])
        return q

    def _distort(self, coefficients: Array, images: Array, out: Array) -> None:
        n, (height, width) = len(images), self._padded
        q, floor = self.coordinates(coefficients), self._floor[: 2 * n]
        np.maximum(q, 0, out=q)
        np.minimum(q[:n], height - 1 - TOUCH, out=q[:n])
        np.minimum(q[n:], width - 1 - TOUCH, out=q[n:])
        np.floor(q, out=floor)
        np.subtract(q, floor, out=q)
        down, right = q[:n], q[n:]
        place = floor[:n]
        place *= width
        place += floor[n:]
        place += self._start[:n]
        index = self._index[:n]
        np.copyto(index, place, casting="unsafe")
        paper = self._paper[:n]
        paper[:, MARGIN:-MARGIN, MARGIN:-MARGIN] = images.reshape(n, *self.shape)
        pixels = self._paper.reshape(-1)
        other, below, beside = (corner[:n] for corner in self._corners)
        # mode="clip" lets take write straight into `out`; nothing is outside.
        for corner, ahead in ((out, 0), (other, 1), (below, width), (beside, width + 1)):
            pixels[ahead:].take(index, out=corner, mode="clip")
        for left, its_right in ((out, other), (below, beside)):
            its_right -= left
            its_right *= right
            left += its_right
        below -= out
        below *= down
        out += below
