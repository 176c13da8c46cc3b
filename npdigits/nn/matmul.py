"""The matrix products of a layer, cut into the shapes that BLAS is fast at, and bound to their arrays.

A layer of 20 units on 784 inputs, or a batch of 32, is far from the square products that BLAS is made for: most of the
time goes into packing the large operand. OpenBLAS has kernels for small matrices that do not pack, so a product is cut
into products that are small enough for them. NumPy takes a stack of matrices in one call.

A product is returned as operations, NumPy calls whose arguments are bound: what a step has to look up anew each time
costs as much as its small products do.

Measured on one core (AVX-512, OpenBLAS 0.3.31), 784 inputs, µs whole → cut:

    units, batch      20, 128     20, 512     64, 128     128, 32     800, 32
    z = a wᵀ          60 → 29    214 → 118    126 → 85    104 → 43   613 → 326
    δᵀ a              43 → 28    179 → 118     99 → 83     57 → 42   356 → 258
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from npdigits.base.arrays import Array
from npdigits.nn.cuts import MAX_SMALL_PRODUCT, ROUND

# A NumPy call with its arguments bound.
Operation = Callable[[], Any]

# If the second factor is transposed, as in z = a wᵀ, BLAS uses its small kernels for up to this many results (eight
# images, 784 inputs, 150 → 152 units: 12 → 75 µs).
MAX_SMALL_RESULTS = 1200
# Images in one small product of the forward pass where the layer is narrow; and at most where units are cut.
PANEL_ROWS, MAX_TALL_ROWS = 8, 128
# Units in one small product of a wide layer, at most.
MAX_BLOCK_UNITS = 32
# Columns in one small product of the gradient: seven times sixteen float32 (AVX-512), and a seventh of 784.
BLOCK_COLUMNS = 112


def forward_tile(images: int, n_in: int, n_out: int) -> tuple[int, int]:
    """Return (images, units) of one small product of z = a wᵀ; the whole, where nothing is gained by cutting it.

    Args:
        images: of a part of the batch.
        n_in, n_out: of the layer.
    """
    if images * n_in * n_out <= MAX_SMALL_PRODUCT:
        return images, n_out
    if images % PANEL_ROWS == 0 and PANEL_ROWS * n_out <= min(MAX_SMALL_RESULTS, MAX_SMALL_PRODUCT // n_in):
        return PANEL_ROWS, n_out
    units = _block_units(images, n_in, MAX_SMALL_RESULTS // images)
    return images, units if 0 < units <= n_out else n_out


def gradient_tile(images: int, n_in: int, n_out: int) -> tuple[int, int]:
    """Return (units, columns) of one small product of δᵀ a, likewise."""
    if images * n_in * n_out <= MAX_SMALL_PRODUCT:
        return n_out, n_in
    columns = min(BLOCK_COLUMNS, MAX_SMALL_PRODUCT // (images * n_out) // 16 * 16)
    if 0 < columns <= n_in and (columns == BLOCK_COLUMNS or n_out <= MAX_BLOCK_UNITS):
        return n_out, columns
    units = _block_units(images, n_in, MAX_BLOCK_UNITS)
    return units if 0 < units <= n_out else n_out, n_in


def _block_units(images: int, n_in: int, most: int) -> int:
    """Return how many units, a multiple of eight, make a small product with all images and inputs; 0 if none do."""
    return min(MAX_BLOCK_UNITS, most, MAX_SMALL_PRODUCT // (images * n_in)) // ROUND * ROUND


def forward(a: Array, w: Array, out: Array, tile: tuple[int, int]) -> Iterator[Operation]:
    """Yield what writes z = a wᵀ into ``out``, by tiles of (images, units).

    Shapes: a (B, n₀), w (n₁, n₀), out (B, n₁).
    """
    by_class = out.strides[0] < out.strides[1]
    for images, height in whole_and_rest(len(a), tile[0]):
        for units, width in whole_and_rest(len(w), tile[1]):
            left = a[images].reshape(-1, 1, height, a.shape[1])
            right = w[units].reshape(1, -1, width, w.shape[1])
            result = out[images, units].reshape(left.shape[0], height, right.shape[1], width).transpose(0, 2, 1, 3)
            if by_class:  # the transposed product fits an ``out`` that lies in memory by class
                yield _product(right, left.swapaxes(2, 3), result.swapaxes(2, 3))
            else:
                yield _product(left, right.swapaxes(2, 3), result)


def backward(delta: Array, w: Array, out: Array, tile: tuple[int, int]) -> Iterator[Operation]:
    """Yield what writes ∂C/∂a = δ w into ``out``, by tiles of (images, inputs).

    Shapes: δ (B, n₁), w (n₁, n₀), out (B, n₀).
    """
    for images, height in whole_and_rest(len(delta), tile[0]):
        for inputs, width in whole_and_rest(w.shape[1], tile[1]):
            left = delta[images].reshape(-1, 1, height, len(w))
            right = w[:, inputs].reshape(1, len(w), -1, width).transpose(0, 2, 1, 3)
            result = out[images, inputs].reshape(left.shape[0], height, right.shape[1], width).transpose(0, 2, 1, 3)
            yield _product(left, right, result)


def gradient(delta: Array, a: Array, out: Array, part: int, tile: tuple[int, int]) -> Iterator[Operation]:
    """Yield what writes ∂C/∂W = δᵀ a of each part of a batch into ``out``, by tiles of (units, columns).

    Shapes: δ (B, n₁), a (B, n₀), out (parts, n₁, n₀).

    Args:
        delta, a, out: the arrays.
        part: images in a part; the last one may have fewer.
        tile: of one product.
    """
    n_out, n_in = out.shape[1:]
    for images, rows in whole_and_rest(len(a), part):
        parts = slice(images.start // part, images.start // part + (images.stop - images.start) // rows)
        for units, height in whole_and_rest(n_out, tile[0]):
            for columns, width in whole_and_rest(n_in, tile[1]):
                left = delta[images, units].reshape(-1, rows, (units.stop - units.start) // height, 1, height)
                right = a[images, columns].reshape(-1, rows, 1, (columns.stop - columns.start) // width, width)
                result = out[parts, units, columns].reshape(len(left), left.shape[2], height, right.shape[3], width)
                yield _product(
                    left.transpose(0, 2, 3, 4, 1), right.transpose(0, 2, 3, 1, 4), result.transpose(0, 1, 3, 2, 4)
                )


def whole_and_rest(n: int, size: int) -> Iterator[tuple[slice, int]]:
    """Yield (which of n things, how many at once): all that fill pieces of this size, and those that are left over."""
    whole = n - n % size
    if whole:
        yield slice(0, whole), size
    if whole < n:
        yield slice(whole, n), n - whole


def _product(left: Array, right: Array, out: Array) -> Operation:
    """Return the product of two stacks of matrices; axes of a stack that has one matrix there are left out."""
    axis = 0
    while axis < out.ndim - 2:
        if out.shape[axis] == 1:
            left, right, out = (array.squeeze(axis) for array in (left, right, out))
        else:
            axis += 1
    return partial(np.matmul, left, right, out)
