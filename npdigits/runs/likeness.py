"""How unlike the training digits of a class an image is: what of it their principal components do not explain.

Of each class c the mean m of its training images and the q orthonormal directions V (q, pixels) in which they vary most
(principal component analysis; Pearson 1901). Of an image x that is read as c,

    e = x − m,    s = ‖e − VᵀVe‖²

is the squared length of what is left of it. The images themselves are looked at, as the network's hidden layers keep
what tells ten digits apart, and little of what tells a digit from a letter (experiments/README.md, 2026-11-29).

The directions come from subspace iteration (Halko, Martinsson & Tropp 2011, algorithm 4.4), which begins with some of
the digits instead of random numbers. All of it takes less time than an epoch of MNIST.
"""

import math
from dataclasses import dataclass

import numpy as np

from npdigits.base.arrays import Array
from npdigits.data.sets import Split

# Pixels of an image, to which larger ones are brought by means over areas; those of MNIST.
MOST_PIXELS = 784
# Directions of a class, and how many of its digits there are for each at least.
DIRECTIONS, DIGITS_A_DIRECTION = 25, 4
# Training digits of a class that are looked at.
MOST_DIGITS = 1000
# Numbers of all directions, and of all means: 2 MB each as they are stored.
MOST_NUMBERS = 1 << 20
# More directions than are kept, and how often they are improved: the residuals are then those of exact ones to 1 %.
MORE, ROUNDS = 8, 3
# Images at once: 3 MB of MNIST's.
BLOCK = 1024


@dataclass(frozen=True)
class Likeness:
    """What the training digits of each class look like.

    Attributes:
        shape: (height, width) of the images that it is asked about.
        means: shape (classes, pixels), shares of ink.
        directions: (classes, q, pixels); where a class has too few digits for q, the last ones are 0.
    """

    shape: tuple[int, int]
    means: Array
    directions: Array

    @classmethod
    def of(cls, train: Split, shape: tuple[int, int], n_classes: int) -> "Likeness | None":
        """Return the likeness of training digits; None where there are too many classes to keep it of each."""
        pixels = math.prod(small_shape(shape))
        if n_classes * pixels > MOST_NUMBERS:
            return None
        labels = train.labels[train.rows]
        q = min(DIRECTIONS, MOST_NUMBERS // (n_classes * pixels), pixels)
        means = np.zeros((n_classes, pixels), np.float16)
        directions = np.zeros((n_classes, q, pixels), np.float16)
        for k in range(n_classes):
            rows = train.rows[np.flatnonzero(labels == k)[:MOST_DIGITS]]
            if len(rows):
                x = as_looked_at(train.images[rows], shape)
                means[k] = x.mean(axis=0)
                found = main_directions(x - means[k].astype(np.float32), min(q, len(x) // DIGITS_A_DIRECTION))
                directions[k, : len(found)] = found
        return cls(shape, means, directions)

    def residuals(self, images: Array, classes: Array) -> Array:
        """Return s of images, shape (n, pixels) as they are stored, each read as the class beside it: (n,), float32."""
        result = np.zeros(len(images), np.float32)
        for start in range(0, len(images), BLOCK):
            block = slice(start, start + BLOCK)
            x, read = as_looked_at(images[block], self.shape), classes[block]
            for k in np.unique(read):
                e = x[read == k] - self.means[k].astype(np.float32)
                v = self.directions[k].astype(np.float32)
                e -= (e @ v.T) @ v
                result[block][read == k] = np.einsum("ij,ij->i", e, e)
        return result


def small_shape(shape: tuple[int, int]) -> tuple[int, int]:
    """Return the height and width that images of a shape are looked at in: ``MOST_PIXELS`` at most."""
    scale = min(1.0, math.sqrt(MOST_PIXELS / math.prod(shape)))
    height = max(1, int(shape[0] * scale))
    return height, max(1, min(int(shape[1] * scale), MOST_PIXELS // height))


def as_looked_at(images: Array, shape: tuple[int, int]) -> Array:
    """Return images, shape (n, pixels), as shares of ink, smaller and a little blurred, float32.

    Blurred by ¼, ½, ¼ along both axes, a stroke that lies beside another by a part of a pixel is still like it.
    """
    height, width = small_shape(shape)
    x: Array = images.reshape(-1, *shape).astype(np.float32)
    x *= np.float32(1 / 255)
    rows, columns = _reduction(shape[0], height), _reduction(shape[1], width)
    small: Array = rows @ x @ columns.T
    return small.reshape(len(images), -1)


def _reduction(n: int, m: int) -> Array:
    """Return the matrix (m, n) that reduces a line of n pixels to m ≤ n, the means of n/m each, and blurs it."""
    blur = np.eye(m) / 2 + (np.eye(m, k=1) + np.eye(m, k=-1)) / 4
    edges, pixels = np.arange(m + 1)[:, None] * n / m, np.arange(n)
    overlap = np.minimum(edges[1:], pixels + 1) - np.maximum(edges[:-1], pixels)
    matrix: Array = (blur @ np.maximum(overlap, 0) * m / n).astype(np.float32)
    return matrix


def main_directions(e: Array, q: int) -> Array:
    """Return the q orthonormal directions in which centred images e, shape (n, pixels), vary most: (≤ q, pixels)."""
    q = min(q, *e.shape)
    if q < 1:
        return np.zeros((0, e.shape[1]), np.float32)
    basis: Array = e[: q + MORE].T
    for _ in range(ROUNDS):
        basis, _ = np.linalg.qr(basis)
        basis = e.T @ (e @ basis)
    basis, _ = np.linalg.qr(basis)
    projected = e @ basis
    _, vectors = np.linalg.eigh(projected.T @ projected)  # the largest last
    found: Array = (basis @ vectors[:, ::-1][:, :q]).T
    return found
