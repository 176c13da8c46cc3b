"""Augmentation: training images distorted elastically, rotated, scaled, sheared and moved, drawn anew each epoch.

Each pixel (r, c) of the new image comes from a point q of the old one, and its value is interpolated linearly between
the four pixels around q (Simard, Steinkraus & Platt 2003, §2; Cireşan et al. 2010, §2):

    q(r, c) = A·(r, c) + centre + shift + α·(smoothed noise)(r, c)        A = (rotation · shear · scaling)⁻¹

The noise is uniform in [−1, 1] at each pixel, smoothed by a Gaussian of σ pixels along rows and columns: K u Kᵀ with K
the Gaussian's matrix. As it is smooth, few numbers describe it: with K = U S Vᵀ it is U S (Vᵀ u V) S Uᵀ, and the first
columns of U hold nearly all of its variance (σ = 5.5: five of 28 hold 99.98 %). The elements of Vᵀ u V are sums of many
independent numbers of variance ⅓, so they are drawn as normal ones. Thus all coordinates of a batch are two products of
its coefficients with one small basis. Rotation, scaling, shear and shift are three more coefficients.
"""

import math
from dataclasses import dataclass

import numpy as np

from npdigits.base.arrays import Array, aligned

# The share of the smoothed noise's variance that the basis holds.
VARIANCE_KEPT = 0.999
# Images distorted at once: their arrays stay in cache.
IMAGES_AT_ONCE = 64
# Pixels of paper added around each image, so that points outside of it are paper.
MARGIN = 2
# Least distance of q from the last row and column, so that there is a next pixel to interpolate with.
EDGE_DISTANCE = 1e-3


@dataclass(frozen=True)
class DistortionRanges:
    """How far images are distorted. Each number is drawn uniformly from ± its range.

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
    """Return the matrix K, shape (n, n), that smooths n numbers by a Gaussian, with zeros beyond them."""
    radius = math.ceil(10 * sigma) + n
    total = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2).sum()
    distance = np.arange(n)[:, None] - np.arange(n)
    kernel: Array = np.exp(-0.5 * (distance / sigma) ** 2) / total
    return kernel


def noise_basis(n: int, sigma: float) -> Array:
    """Return the first columns of U·S, shape (n, columns), that hold the noise's variance along one axis."""
    u, s, _ = np.linalg.svd(gaussian(n, sigma))
    share = np.cumsum(s * s) / (s * s).sum()
    columns = int(np.searchsorted(share, math.sqrt(VARIANCE_KEPT))) + 1
    basis: Array = u[:, :columns] * s[:columns]
    return basis


def basis_size(shape: tuple[int, int], sigma: float) -> int:
    """Return how many numbers the noise's basis has. With little smoothing it is the square of the pixels."""
    height, width = shape
    rows, columns = noise_basis(height, sigma), noise_basis(width, sigma)
    return rows.size * columns.size


class Augmentation:
    """Draws distorted images.

    Args:
        shape: (height, width) of the images.
        ranges: how far.
    """

    def __init__(self, shape: tuple[int, int], ranges: DistortionRanges) -> None:
        height, width = shape
        self.shape = shape
        self._centre = (height - 1) / 2 + MARGIN, (width - 1) / 2 + MARGIN
        self._padded_shape = height + 2 * MARGIN, width + 2 * MARGIN
        turns = np.radians([ranges.rotation, ranges.shear])
        self._spans: Array = np.array([*turns, ranges.scale, ranges.scale, ranges.shift, ranges.shift])
        r, c = np.mgrid[:height, :width] - np.array([(height - 1) / 2, (width - 1) / 2])[:, None, None]
        fields = [r.ravel(), c.ravel(), np.ones(height * width)]
        if ranges.alpha:
            rows, columns = noise_basis(height, ranges.sigma), noise_basis(width, ranges.sigma)
            noise = np.einsum("ri,cj->ijrc", rows, columns).reshape(-1, height * width)
            fields += list(ranges.alpha / math.sqrt(3) * noise)
        self._basis: Array = np.array(fields, dtype=np.float32)
        n, pixels = IMAGES_AT_ONCE, height * width
        self._coefficients: Array = aligned((2 * n, len(self._basis)))
        self._q: Array = aligned((2 * n, pixels))
        self._floor: Array = aligned((2 * n, pixels))
        self._padded: Array = aligned((n, *self._padded_shape))
        self._index: Array = aligned((n, pixels), "intp")
        self._float32: Array = aligned((n, pixels))
        self._corners: list[Array] = [aligned((n, pixels)) for _ in range(3)]
        # Index of each padded image's first pixel.
        self._offsets: Array = (np.arange(n, dtype=np.float32) * math.prod(self._padded_shape))[:, None]

    def __call__(self, rng: np.random.Generator, images: Array, out: Array) -> None:
        """Draw a distortion of each image. ``out`` may be of float64 too, which is slower.

        Args:
            rng: the random generator.
            images: bytes, shape (n, pixels).
            out: receives the distorted images, floats 0 … 255, shape (n, pixels).
        """
        for start in range(0, len(images), IMAGES_AT_ONCE):
            some = images[start : start + IMAGES_AT_ONCE]
            target = out[start : start + IMAGES_AT_ONCE]
            result = target if out.dtype == np.float32 else self._float32[: len(some)]
            self._distort(self.draw_coefficients(rng, len(some)), some, result)
            if result is not target:
                np.copyto(target, result)

    def draw_coefficients(self, rng: np.random.Generator, n: int) -> Array:
        """Draw the distortions of n images: all coefficients of rows, then all of columns, shape (2n, basis)."""
        drawn = self._coefficients[: 2 * n]
        angle, shear, row_scale, column_scale, down, right = self._spans[:, None] * (2 * rng.random((6, n)) - 1)
        cos, sin, slant = np.cos(angle), np.sin(angle), np.tan(shear)
        row_scale, column_scale = 1 + row_scale, 1 + column_scale
        # The inverse of rotation · shear · scaling: its first line for the row, its second for the column.
        drawn[:n, 0], drawn[:n, 1] = cos / row_scale, sin / row_scale
        drawn[n:, 0] = -(sin + slant * cos) / column_scale
        drawn[n:, 1] = (cos - slant * sin) / column_scale
        drawn[:n, 2], drawn[n:, 2] = self._centre[0] + down, self._centre[1] + right
        drawn[:, 3:] = rng.standard_normal((2 * n, drawn.shape[1] - 3), np.float32)
        return drawn

    def coordinates(self, coefficients: Array) -> Array:
        """Return q of each pixel, in the padded image: all rows, then all columns, shape (2n, pixels)."""
        q: Array = np.dot(coefficients, self._basis, out=self._q[: len(coefficients)])
        return q

    def _distort(self, coefficients: Array, images: Array, out: Array) -> None:
        """Write the distorted images into ``out``."""
        n = len(images)
        index, down, right = self._split_coordinates(self.coordinates(coefficients))
        self._padded[:n, MARGIN:-MARGIN, MARGIN:-MARGIN] = images.reshape(n, *self.shape)
        pixels, width = self._padded.reshape(-1), self._padded_shape[1]
        top_left, (top_right, bottom_left, bottom_right) = out, (corner[:n] for corner in self._corners)
        # mode="clip" lets take write straight into `out`; no index is outside.
        for corner, offset in ((top_left, 0), (top_right, 1), (bottom_left, width), (bottom_right, width + 1)):
            pixels[offset:].take(index, out=corner, mode="clip")
        # top = left + right·(its right neighbour − left), likewise bottom; the pixel = top + down·(bottom − top)
        for left, neighbour in ((top_left, top_right), (bottom_left, bottom_right)):
            neighbour -= left
            neighbour *= right
            left += neighbour
        bottom_left -= top_left
        bottom_left *= down
        top_left += bottom_left

    def _split_coordinates(self, q: Array) -> tuple[Array, Array, Array]:
        """Return (index of the pixel above and left of q, fraction of q below it, fraction right of it).

        Each has shape (n, pixels); q is overwritten.
        """
        n, (height, width) = len(q) // 2, self._padded_shape
        floor = self._floor[: 2 * n]
        np.maximum(q, 0, out=q)
        np.minimum(q[:n], height - 1 - EDGE_DISTANCE, out=q[:n])
        np.minimum(q[n:], width - 1 - EDGE_DISTANCE, out=q[n:])
        np.floor(q, out=floor)
        np.subtract(q, floor, out=q)
        position = floor[:n]
        position *= width
        position += floor[n:]
        position += self._offsets[:n]
        index = self._index[:n]
        np.copyto(index, position, casting="unsafe")
        return index, q[:n], q[n:]
