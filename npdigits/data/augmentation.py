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


class Block:
    """The arrays that n images are distorted in, and views of them.

    All views are made here, once: to make them for each n images anew takes 7 % of the time where n = 32, 17 % where
    n = 8.

    Args:
        n: images.
        shape: (height, width) of the images.
        basis: (functions of the row, functions of the column) that coordinates are made of.
    """

    def __init__(self, n: int, shape: tuple[int, int], basis: tuple[int, int]) -> None:
        height, width = shape
        pixels = height * width
        # Uniform numbers of each image: rotation and shear, scale of rows and columns, row and column of the middle.
        self.numbers: Array = np.empty((6, n))
        self.angles, self.scales, self.middles = self.numbers.reshape(3, 2, n)
        # C: those of all rows, then those of all columns. Views of the coefficients of r·1, 1·c, 1·1 and of the noise.
        self.coefficients: Array = aligned((2 * n, math.prod(basis))).reshape(2 * n, *basis)
        axes = self.coefficients.reshape(2, n, *basis)
        self.of_r, self.of_c, self.of_1 = axes[..., -2, -1], axes[..., -1, -2], axes[..., -1, -1]
        self.noise = self.coefficients[:, :-2, :-2]
        self.half: Array = aligned((2 * n * basis[0], width))  # C Mᵀ
        self.half_matrices = self.half.reshape(2 * n, basis[0], width)
        self.q: Array = aligned((2 * n, pixels))
        self.q_matrices = self.q.reshape(2 * n, height, width)
        # How far q is below and right of the pixel above and left of it, once q is split.
        self._down, self._right = self.q[:n], self.q[n:]
        self._floor: Array = aligned((2 * n, pixels))
        # The row's floor becomes the position in all images.
        self._position, self._column = self._floor[:n], self._floor[n:]
        self._index: Array = aligned((n, pixels), "intp")
        self._lay_out_images(n, shape)

    def _lay_out_images(self, n: int, shape: tuple[int, int]) -> None:
        """Make the memory of the images with paper around them, and of what is near each q."""
        height, self._width = shape[0] + 2 * MARGIN, shape[1] + 2 * MARGIN
        padded, pixels = height * self._width, math.prod(shape)
        # After the last image are as many pixels of paper as neighbours are away.
        paper: Array = aligned(n * padded + self._width + 1)
        self._images = paper[: n * padded].reshape(n, height, self._width)[:, MARGIN:-MARGIN, MARGIN:-MARGIN]
        # Index of each image's first pixel, for each pixel: to add one number a row takes twice as long.
        self._first: Array = aligned((n, pixels))
        self._first += padded * np.arange(n)[:, None]
        self._above, self._below, self._neighbour = (aligned((n, pixels)) for _ in range(3))
        # Above q: pixels from which the index counts to the left and to the right neighbour, and the value between.
        self._above_q = paper, paper[1:], self._above
        # Likewise below.
        self._below_q = paper[self._width :], paper[self._width + 1 :], self._below
        of_rows, of_columns = (self._down, height - 1), (self._right, self._width - 1)
        self._clips = [(self.q, height - 1)] if height == self._width else [of_rows, of_columns]

    def interpolate(self, images: Array, out: Array) -> None:
        """Write into ``out`` what is at each q of the images. Overwrites q."""
        self._split_q()
        self._images[...] = images.reshape(self._images.shape)
        # left + right·(the right neighbour − left) above and below q, then above + down·(below − above).
        for left, neighbour, values in (self._above_q, self._below_q):
            # mode="clip" lets take write straight into `out`; no index is outside.
            left.take(self._index, out=values, mode="clip")
            neighbour.take(self._index, out=self._neighbour, mode="clip")
            self._neighbour -= values
            self._neighbour *= self._right
            values += self._neighbour
        self._below -= self._above
        self._below *= self._down
        np.add(self._above, self._below, out=out)

    def _split_q(self) -> None:
        """Find the index of the pixel above and left of each q; leave of q how far it is below and right of that."""
        for q, last in self._clips:
            q.clip(0, last, out=q)
        np.floor(self.q, out=self._floor)
        self.q -= self._floor
        self._position *= self._width
        self._position += self._column
        self._position += self._first
        np.copyto(self._index, self._position, casting="unsafe")


class Augmentation:
    """Draws distorted images.

    Args:
        shape: (height, width) of the images.
        ranges: how far.
    """

    def __init__(self, shape: tuple[int, int], ranges: DistortionRanges) -> None:
        height, width = shape
        self.shape = shape
        # As Block.numbers; a right angle is added to the shear.
        spans = [*np.radians([ranges.rotation, ranges.shear]), ranges.scale, ranges.scale, ranges.shift, ranges.shift]
        middles = [0, math.pi / 2, 1, 1, (height - 1) / 2 + MARGIN, (width - 1) / 2 + MARGIN]
        self._least: Array = np.subtract(middles, spans)[:, None]
        self._widths: Array = 2 * np.array(spans)[:, None]
        rows, columns = axis_basis(height, ranges), axis_basis(width, ranges)
        rows[:-2] *= ranges.alpha / math.sqrt(3)
        self._rows: Array = rows.astype(np.float32).T
        self._columns: Array = columns.astype(np.float32)
        self._at_once = min(IMAGES_AT_ONCE, max(PIXELS_AT_ONCE // (height * width), 1))
        self._blocks: dict[int, Block] = {}

    def __call__(self, rng: np.random.Generator, images: Array, out: Array) -> None:
        """Draw a distortion of each image. ``out`` may be of float64 too, which is slower.

        Args:
            rng: the random generator.
            images: bytes, shape (n, pixels).
            out: receives the distorted images, floats 0 … 255, shape (n, pixels).
        """
        for start in range(0, len(images), self._at_once):
            some = images[start : start + self._at_once]
            self.coordinates(self.draw_coefficients(rng, len(some)))
            self._block(len(some)).interpolate(some, out[start : start + self._at_once])

    def draw_coefficients(self, rng: np.random.Generator, n: int) -> Array:
        """Draw C of n images: those of all rows, then those of all columns, shape (2n, row basis, column basis)."""
        block = self._block(n)
        rng.random(out=block.numbers)
        block.numbers *= self._widths
        block.numbers += self._least
        # A = (rotation by a · shear by s · scaling)⁻¹ has the lines (cos a, sin a) / height and
        # (cos b, sin b) / (width · cos s), b = a + s + 90°.
        angles, scales = block.angles, block.scales
        scales[1] *= np.sin(angles[1])
        angles[1] += angles[0]
        np.divide(np.cos(angles), scales, out=block.of_r)
        np.divide(np.sin(angles), scales, out=block.of_c)
        block.of_1[...] = block.middles
        # Of float32 they would be other ones with another C library (glibc 2.36 and 2.41), in the tails.
        block.noise[...] = rng.standard_normal(block.noise.shape)
        return block.coefficients

    def coordinates(self, coefficients: Array) -> Array:
        """Return q of each pixel, in the padded image: all rows, then all columns, shape (2n, pixels)."""
        block = self._block(len(coefficients) // 2)
        np.dot(coefficients.reshape(len(block.half), -1), self._columns, out=block.half)
        np.matmul(self._rows, block.half_matrices, out=block.q_matrices)
        return block.q

    def _block(self, n: int) -> Block:
        """Return the arrays for n images, which are kept: batches have one size, or two with the last one."""
        if n not in self._blocks:
            self._blocks[n] = Block(n, self.shape, (self._rows.shape[1], len(self._columns)))
        return self._blocks[n]
