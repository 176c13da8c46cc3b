"""Augmentation: training images distorted elastically, rotated, scaled, sheared and moved, drawn anew each epoch.

Each pixel (r, c) of the new image comes from a point q of the old one, and its value is interpolated linearly between
the four pixels around q (Simard, Steinkraus & Platt 2003, §2; Cireşan et al. 2010, §2):

    q(r, c) = A·(r, c) + centre + shift + α·(smoothed noise)(r, c)        A = (rotation · shear · scaling)⁻¹

The noise is uniform in [−1, 1] at each pixel, smoothed by a Gaussian of σ pixels along rows and columns: K u Kᵀ with K
the Gaussian's matrix. As it is smooth, few numbers describe it: with K = U S Vᵀ it is U S (Vᵀ u V) S Uᵀ, and the first
columns of U hold nearly all of its variance (σ = 5.5: five of 28 hold 99.98 %). The elements of Vᵀ u V are sums of many
independent numbers of variance ⅓, so they are drawn as normal ones.

The rest of q is made of r·1, 1·c and 1·1. Thus each coordinate of q is a matrix L C Mᵀ over all pixels: L holds the
columns of U S, r and 1 over the rows, M likewise over the columns, and C is small and drawn anew for each image.
"""

import math
from dataclasses import dataclass

import numpy as np

from npdigits.base.arrays import Array, aligned

# The share of the smoothed noise's variance that the basis holds.
VARIANCE_KEPT = 0.999
# Images distorted at once, fewer where they are larger: their arrays stay in cache.
IMAGES_AT_ONCE, PIXELS_AT_ONCE = 32, 32 * 1024
# Pixels of paper added around each image. A point outside of them is moved to their edge, which is paper as well.
MARGIN = 2


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


def axis_basis(n: int, ranges: DistortionRanges) -> Array:
    """Return what displacements are made of along an axis: the noise's basis, distance from the middle, 1; (…, n)."""
    noise = noise_basis(n, ranges.sigma) if ranges.alpha else np.empty((n, 0))
    return np.stack([*noise.T, np.arange(n) - (n - 1) / 2, np.ones(n)])


class Augmentation:
    """Draws distorted images.

    Args:
        shape: (height, width) of the images.
        ranges: how far.
    """

    def __init__(self, shape: tuple[int, int], ranges: DistortionRanges) -> None:
        height, width = shape
        pixels = height * width
        self.shape = shape
        self._padded_shape = height + 2 * MARGIN, width + 2 * MARGIN
        # Of rotation and shear (radians; a right angle is added to it), height and width, the middle's row and column.
        spans = [*np.radians([ranges.rotation, ranges.shear]), ranges.scale, ranges.scale, ranges.shift, ranges.shift]
        middles = [0, math.pi / 2, 1, 1, (height - 1) / 2 + MARGIN, (width - 1) / 2 + MARGIN]
        self._least: Array = np.subtract(middles, spans)[:, None]
        self._widths: Array = 2 * np.array(spans)[:, None]
        rows, columns = axis_basis(height, ranges), axis_basis(width, ranges)
        rows[:-2] *= ranges.alpha / math.sqrt(3)
        self._rows: Array = rows.astype(np.float32)
        self._columns: Array = columns.astype(np.float32)
        n = self._at_once = min(IMAGES_AT_ONCE, max(PIXELS_AT_ONCE // pixels, 1))
        self._coefficients: Array = aligned((2 * n, len(rows) * len(columns)))
        self._half: Array = aligned((2 * n, len(rows) * width))
        self._q: Array = aligned((2 * n, pixels))
        self._floor: Array = aligned((2 * n, pixels))
        self._index: Array = aligned((n, pixels), "intp")
        self._left: Array = aligned((2 * n, pixels))
        self._right: Array = aligned((2 * n, pixels))
        padded = math.prod(self._padded_shape)
        # After the last image as many pixels of paper as neighbours are away.
        self._paper: Array = aligned(n * padded + self._padded_shape[1] + 1)
        self._padded: Array = self._paper[: n * padded].reshape(n, *self._padded_shape)
        # Index of each padded image's first pixel, for each pixel: adding one number a row takes twice as long.
        self._offsets: Array = aligned((n, pixels))
        self._offsets += (np.arange(n) * padded)[:, None]

    def __call__(self, rng: np.random.Generator, images: Array, out: Array) -> None:
        """Draw a distortion of each image. ``out`` may be of float64 too, which is slower.

        Args:
            rng: the random generator.
            images: bytes, shape (n, pixels).
            out: receives the distorted images, floats 0 … 255, shape (n, pixels).
        """
        for start in range(0, len(images), self._at_once):
            some = slice(start, start + self._at_once)
            self._distort(rng, images[some], out[some])

    def draw_coefficients(self, rng: np.random.Generator, n: int) -> Array:
        """Draw C of n images: those of all rows, then those of all columns, shape (2n, row basis, column basis)."""
        drawn = self._coefficients[: 2 * n].reshape(2 * n, len(self._rows), len(self._columns))
        numbers = rng.random((6, n))
        numbers *= self._widths
        numbers += self._least
        angles, scales, middles = numbers[:2], numbers[2:4], numbers[4:]
        # A = (rotation by a · shear by s · scaling)⁻¹ has the lines (cos a, sin a) / height and (cos b, sin b) / width,
        # the latter divided by cos s as well; b = a + s + 90°.
        scales[1] *= np.sin(angles[1])
        angles[1] += angles[0]
        axes = drawn.reshape(2, n, *drawn.shape[1:])
        np.divide(np.cos(angles), scales, out=axes[..., -2, -1])
        np.divide(np.sin(angles), scales, out=axes[..., -1, -2])
        axes[..., -1, -1] = middles
        noise = drawn[:, :-2, :-2]
        noise[...] = rng.standard_normal(noise.shape, np.float32)
        return drawn

    def coordinates(self, coefficients: Array) -> Array:
        """Return q of each pixel, in the padded image: all rows, then all columns, shape (2n, pixels)."""
        n, rows, columns = coefficients.shape
        height, width = self.shape
        half, q = self._half[:n], self._q[:n]
        np.dot(coefficients.reshape(n * rows, columns), self._columns, out=half.reshape(n * rows, width))
        np.matmul(self._rows.T, half.reshape(n, rows, width), out=q.reshape(n, height, width))
        return q

    def _distort(self, rng: np.random.Generator, images: Array, out: Array) -> None:
        """Write the images, distorted, into ``out``."""
        n, width = len(images), self._padded_shape[1]
        index, down, right_of = self._split_coordinates(self.coordinates(self.draw_coefficients(rng, n)))
        self._padded[:n, MARGIN:-MARGIN, MARGIN:-MARGIN] = images.reshape(n, *self.shape)
        left, right = (corners[: 2 * n].reshape(2, n, -1) for corners in (self._left, self._right))
        # mode="clip" lets take write straight into `out`; no index is outside.
        for corner, offset in ((left[0], 0), (right[0], 1), (left[1], width), (right[1], width + 1)):
            self._paper[offset:].take(index, out=corner, mode="clip")
        # left + right_of·(right − left) above and below q, then above + down·(below − above)
        right -= left
        right *= right_of
        left += right
        above, below = left
        below -= above
        below *= down
        np.add(above, below, out=out)

    def _split_coordinates(self, q: Array) -> tuple[Array, Array, Array]:
        """Return (index of the pixel above and left of q, fraction of q below it, fraction right of it).

        Each has shape (n, pixels); q is overwritten.
        """
        n, (height, width) = len(q) // 2, self._padded_shape
        floor, index = self._floor[: 2 * n], self._index[:n]
        q[:n].clip(0, height - 1, out=q[:n])
        q[n:].clip(0, width - 1, out=q[n:])
        np.floor(q, out=floor)
        np.subtract(q, floor, out=q)
        position = floor[:n]
        position *= width
        position += floor[n:]
        position += self._offsets[:n]
        np.copyto(index, position, casting="unsafe")
        return index, q[:n], q[n:]
