"""The matrix products of a layer, in the shapes that BLAS is fast at.

A layer of 20 units on 784 inputs, or a batch of 32, is far from the square products that BLAS is made for: most of the
time goes into packing the large operand. OpenBLAS has kernels for small matrices that do not pack, so a product is cut
into products that are small enough for them. NumPy takes a stack of matrices in one call. The sums stay the same up to
rounding; where nothing is gained the product is left whole.

Measured on one core (AVX-512, OpenBLAS 0.3.31), 784 inputs, µs whole → cut:

    units, batch      20, 128     20, 512     64, 128     128, 32     800, 32
    z = a wᵀ          60 → 29    214 → 118    126 → 85    104 → 43   613 → 326
    δᵀ a              43 → 28    179 → 118     99 → 83     57 → 42   356 → 258
"""

import numpy as np

from npdigits.base.arrays import Array

# OpenBLAS uses its small kernels for up to this many multiplications.
MAX_SMALL_PRODUCT = 100**3
# If the second factor is transposed, as in z = a wᵀ, it uses them for up to this many results (eight images, 784
# inputs, 150 → 152 units: 12 → 75 µs).
MAX_SMALL_RESULTS = 1200
# Images in one small product of the forward pass. The units in one small product of a wide layer are a multiple of it.
PANEL_ROWS = 8
# Units in one small product of a wide layer, at most.
MAX_BLOCK_UNITS = 32
# Columns in one small product of the gradient: seven times sixteen float32 (AVX-512), and a seventh of 784.
BLOCK_COLUMNS = 112
# With up to this many units, adding up partial gradients costs less than it gains.
NARROW_LAYER = 64


def forward(a: Array, w: Array, out: Array) -> None:
    """Write z = a wᵀ into ``out``, by eight images or by eight to 32 units at a time.

    Shapes: a (B, n₀), w (n₁, n₀), out (B, n₁).
    """
    batch, n_in = a.shape
    n_out = len(w)
    units = _block_units(batch, n_in, MAX_SMALL_RESULTS // batch)
    if batch * n_in * n_out <= MAX_SMALL_PRODUCT:
        _single_product(a, w, out)
    elif batch % PANEL_ROWS == 0 and PANEL_ROWS * n_out <= min(MAX_SMALL_RESULTS, MAX_SMALL_PRODUCT // n_in):
        np.matmul(a.reshape(-1, PANEL_ROWS, n_in), w.T, out=out.reshape(-1, PANEL_ROWS, n_out))
    elif 0 < units <= n_out:
        cut = n_out - n_out % units
        blocks = w[:cut].reshape(-1, units, n_in).transpose(0, 2, 1)
        np.matmul(a, blocks, out=out[:, :cut].reshape(batch, -1, units).transpose(1, 0, 2))
        if cut < n_out:
            _single_product(a, w[cut:], out[:, cut:])
    else:
        _single_product(a, w, out)


def gradient(delta: Array, a: Array, out: Array) -> None:
    """Write ∂C/∂W = δᵀ a into ``out``, by 112 columns or by eight to 32 units at a time.

    If the layer is narrow, a batch too large for 112 columns is summed in parts.

    Shapes: δ (B, n₁), a (B, n₀), out (n₁, n₀).
    """
    batch, n_in = a.shape
    n_out = delta.shape[1]
    parts = -(-batch * BLOCK_COLUMNS * n_out // MAX_SMALL_PRODUCT)
    units = _block_units(batch, n_in, MAX_BLOCK_UNITS)
    if batch * n_in * n_out <= MAX_SMALL_PRODUCT:
        np.matmul(delta.T, a, out=out)
    elif n_in >= BLOCK_COLUMNS and (parts == 1 or n_out <= NARROW_LAYER):
        rows = -(-batch // parts)
        _product_by_columns(delta[:rows], a[:rows], out)
        for start in range(rows, batch, rows):
            part = np.empty_like(out)
            _product_by_columns(delta[start : start + rows], a[start : start + rows], part)
            out += part
    elif 0 < units <= n_out:
        cut = n_out - n_out % units
        blocks = delta[:, :cut].T.reshape(-1, units, batch)
        np.matmul(blocks, a, out=out[:cut].reshape(-1, units, n_in))
        if cut < n_out:
            np.matmul(delta[:, cut:].T, a, out=out[cut:])
    else:
        np.matmul(delta.T, a, out=out)


def _block_units(batch: int, n_in: int, most: int) -> int:
    """Return how many units, a multiple of eight, make a small product with the whole batch and input; 0 if none do."""
    return min(MAX_BLOCK_UNITS, most, MAX_SMALL_PRODUCT // (batch * n_in)) // PANEL_ROWS * PANEL_ROWS


def _single_product(a: Array, w: Array, out: Array) -> None:
    """Write a wᵀ by one call of BLAS. Where ``out`` lies in memory by class, the transposed product fits it."""
    if out.strides[0] < out.strides[1]:
        np.matmul(w, a.T, out=out.T)
    else:
        np.matmul(a, w.T, out=out)


def _product_by_columns(delta: Array, a: Array, out: Array) -> None:
    """Write δᵀ a as a stack of products of 112 columns, and one product of the columns that are left."""
    batch, n_in = a.shape
    n_out = len(out)
    blocks = n_in // BLOCK_COLUMNS
    whole = blocks * BLOCK_COLUMNS
    np.matmul(
        delta.T,
        a[:, :whole].reshape(batch, blocks, BLOCK_COLUMNS).transpose(1, 0, 2),
        out=out[:, :whole].reshape(n_out, blocks, BLOCK_COLUMNS).transpose(1, 0, 2),
    )
    if whole < n_in:
        np.matmul(delta.T, a[:, whole:], out=out[:, whole:])
