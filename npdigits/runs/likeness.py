"""How unlike the training digits of a class an image is: what of it their principal components do not explain.

Features of an image are how much of its ink's edges goes into each of eight directions, in each of 7 × 7 cells: the
gradient (Sobel's) is decomposed into the two nearest directions, as a parallelogram, summed over the cells, and the
root is taken of the sums (Liu, Nakashima, Sako & Fujisawa 2003, Pattern Recognition 36:2271–2285). The training digits
of a class are divided into two kinds, as a 7 has a bar or none (k-means; Lloyd 1982). Of each kind the mean m of its
features and the q orthonormal axes V (q, features) in which these vary most are kept (principal component analysis;
Pearson 1901). Of an image with the features x that is read as that class,

    e = x − m,    s = ‖e − VᵀVe‖², the smaller one of both kinds

is the squared length of what is left of it. The network's own layers keep what tells ten digits apart, and little of
what tells a digit from a letter; what of the scores in use does is measured in experiments/README.md (2026-11-29).

The axes come from subspace iteration (Halko, Martinsson & Tropp 2011, algorithm 4.4), which begins with some of the
digits instead of random numbers.
"""

import math
from dataclasses import dataclass

import numpy as np

from npdigits.base.arrays import Array
from npdigits.data.sets import Split

# Pixels of an image, to which larger ones are brought by means over areas; those of MNIST.
MOST_PIXELS = 784
# Directions of an edge, and the side of a cell in pixels.
DIRECTIONS, CELL = 8, 4
# Kinds of a class; how often they are improved; how many digits a class has at least that is divided.
KINDS, DIVISIONS, FEWEST_DIGITS = 2, 5, 80
# Axes of a kind, and how many of its digits there are for each at least.
AXES, DIGITS_AN_AXIS = 30, 4
# Training digits of a class that are looked at.
MOST_DIGITS = 700
# Numbers of all axes, and of all means: 2 MB each as they are stored.
MOST_NUMBERS = 1 << 20
# More axes than are kept, and how often they are improved: the residuals are then those of exact ones to 1 %.
MORE, ROUNDS = 8, 3
# Images at once: 6 MB of MNIST's in eight directions.
BLOCK = 256


@dataclass(frozen=True)
class Likeness:
    """What the training digits of each class look like.

    Attributes:
        shape: (height, width) of the images that it is asked about.
        means: of the features, shape (classes, kinds, features); a class of few digits has the same twice.
        axes: (classes, kinds, q, features); where a kind has too few digits for q, the last ones are 0.
    """

    shape: tuple[int, int]
    means: Array
    axes: Array

    @classmethod
    def of(cls, train: Split, shape: tuple[int, int], n_classes: int) -> "Likeness | None":
        """Return the likeness of training digits; None where there are too many classes to keep it of each."""
        n = count_features(shape)
        if n_classes * KINDS * n > MOST_NUMBERS:
            return None
        labels = train.labels[train.rows]
        q = min(AXES, MOST_NUMBERS // (n_classes * KINDS * n), n)
        means = np.zeros((n_classes, KINDS, n), np.float16)
        axes = np.zeros((n_classes, KINDS, q, n), np.float16)
        for k in range(n_classes):
            rows = train.rows[np.flatnonzero(labels == k)[:MOST_DIGITS]]
            for i, x in enumerate(divided(features_of(train.images[rows], shape)) if len(rows) else ()):
                means[k, i] = x.mean(axis=0)
                found = main_axes(x - means[k, i].astype(np.float32), min(q, len(x) // DIGITS_AN_AXIS))
                axes[k, i, : len(found)] = found
        return cls(shape, means, axes)

    def residuals(self, x: Array, classes: Array) -> Array:
        """Return s of images with the features x, (n, features), each read as the class beside it: (n,), float32."""
        left = np.full(len(x), np.inf, np.float32)
        for k in set(classes.tolist()):  # np.unique imports numpy.ma, which takes as long as a small picture
            own = x[classes == k]
            for mean, axes in zip(self.means[k].astype(np.float32), self.axes[k].astype(np.float32), strict=True):
                e = own - mean
                along = e @ axes.T
                # ‖e − VᵀVe‖² = ‖e‖² − ‖Ve‖², as the axes are orthonormal.
                s = np.einsum("ij,ij->i", e, e) - np.einsum("ij,ij->i", along, along)
                left[classes == k] = np.minimum(left[classes == k], s)
        return left


def small_shape(shape: tuple[int, int]) -> tuple[int, int]:
    """Return the height and width that images of a shape are looked at in: ``MOST_PIXELS`` at most."""
    scale = min(1.0, math.sqrt(MOST_PIXELS / math.prod(shape)))
    height = max(1, int(shape[0] * scale))
    return height, max(1, min(int(shape[1] * scale), MOST_PIXELS // height))


def cells_of(shape: tuple[int, int]) -> tuple[int, int]:
    """Return how many cells there are down and across of images of a shape."""
    height, width = small_shape(shape)
    return max(1, round(height / CELL)), max(1, round(width / CELL))


def count_features(shape: tuple[int, int]) -> int:
    """Return how many features images of a shape have."""
    return DIRECTIONS * math.prod(cells_of(shape))


def features_of(images: Array, shape: tuple[int, int]) -> Array:
    """Return the features of images, shape (n, pixels) as they are stored: (n, features), float32."""
    found = np.empty((len(images), count_features(shape)), np.float32)
    down, across = (_blur(m) @ _means(n, m) for n, m in zip(small_shape(shape), cells_of(shape), strict=True))
    for start in range(0, len(images), BLOCK):
        x = reduced(images[start : start + BLOCK], shape)
        pooled = down @ (edges_of(x) @ across.T)
        np.sqrt(pooled.reshape(len(x), -1), out=found[start : start + BLOCK])
    return found


def reduced(images: Array, shape: tuple[int, int]) -> Array:
    """Return images, shape (n, pixels) as they are stored, as they are looked at: 0 … 1, (n, height, width)."""
    x: Array = images.reshape(-1, *shape).astype(np.float32)
    x /= 255
    small = small_shape(shape)
    return x if small == shape else _means(shape[0], small[0]) @ x @ _means(shape[1], small[1]).T


def edges_of(x: Array) -> Array:
    """Return how much edge there is at each pixel of images (n, height, width) in eight directions: (n, 8, …).

    Of a gradient (u, v) the nearer axis has ||u| − |v||, the nearer diagonal √2·min(|u|, |v|): together they are it.
    """
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    smooth = padded[:, :-2] / 4 + padded[:, 1:-1] / 2 + padded[:, 2:] / 4
    u = smooth[:, :, 2:] - smooth[:, :, :-2]
    smooth = padded[:, :, :-2] / 4 + padded[:, :, 1:-1] / 2 + padded[:, :, 2:] / 4
    v = smooth[:, 2:] - smooth[:, :-2]
    more, both = np.abs(u) - np.abs(v), np.float32(math.sqrt(2)) * np.minimum(np.abs(u), np.abs(v))
    across, down, right, below = np.maximum(more, 0), np.maximum(-more, 0), u > 0, v > 0
    edges = np.empty((len(x), DIRECTIONS, *x.shape[1:]), np.float32)
    for i, (size, where) in enumerate(
        [
            *((across, right), (across, ~right), (down, below), (down, ~below)),
            *((both, right & below), (both, right & ~below), (both, ~right & below), (both, ~right & ~below)),
        ]
    ):
        np.multiply(size, where, out=edges[:, i])
    return edges


def _means(n: int, m: int) -> Array:
    """Return the matrix (m, n) that reduces a line of n pixels to m ≤ n, the means of n/m each."""
    borders, pixels = np.arange(m + 1)[:, None] * n / m, np.arange(n)
    overlap = np.minimum(borders[1:], pixels + 1) - np.maximum(borders[:-1], pixels)
    matrix: Array = (np.maximum(overlap, 0) * m / n).astype(np.float32)
    return matrix


def _blur(n: int) -> Array:
    """Return the matrix (n, n) that blurs a line by ¼, ½, ¼: an edge near the border of two cells is in both."""
    matrix: Array = (np.eye(n) / 2 + (np.eye(n, k=1) + np.eye(n, k=-1)) / 4).astype(np.float32)
    return matrix


def divided(x: Array) -> list[Array]:
    """Return features of a class's digits, shape (n, features), divided into two kinds; of few digits all twice.

    They are divided at first by the median along the axis in which they vary most, then by the nearer of both means.
    """
    if len(x) < FEWEST_DIGITS:
        return [x, x]
    along = (x - x.mean(axis=0)) @ main_axes(x - x.mean(axis=0), 1)[0]
    second = along > np.median(along)
    for _ in range(DIVISIONS):
        if second.all() or not second.any():  # all digits are the same
            return [x, x]
        means = np.stack([x[~second].mean(axis=0), x[second].mean(axis=0)])
        distance = (means**2).sum(axis=1) - 2 * x @ means.T
        second = distance[:, 1] < distance[:, 0]
    return [x[~second], x[second]] if second.any() and not second.all() else [x, x]


def main_axes(e: Array, q: int) -> Array:
    """Return the q orthonormal axes in which centred features e, shape (n, features), vary most: (≤ q, features)."""
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
