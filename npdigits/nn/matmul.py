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

# The most multiplications that OpenBLAS gives to its small kernels.
SMALL = 100**3
# The most results that it gives to them if the second factor is transposed, as in z = a wᵀ (eight images, 784 inputs,
# 150 → 152 units: 12 → 75 µs).
RESULTS = 1200
# Images to a small product of the forward pass; units to a small product of a wide layer are a multiple of it.
PANEL = 8
# At most so many units.
UNITS = 32
# Columns to a small product of the gradient: seven times sixteen float32 (AVX-512), and a seventh of 784.
WIDTH = 112
# Up to this many units adding up partial gradients costs less than it gains.
NARROW = 64


def forward(a: Array, w: Array, out: Array) -> None:
    """z = a wᵀ, with a of shape (B, n₀), w (n₁, n₀), out (B, n₁): eight images at a time, or eight to 32 units."""
    batch, n_in = a.shape
    n_out = len(w)
    units = _units(batch, n_in, RESULTS // batch)
    if batch * n_in * n_out <= SMALL:
        _whole(a, w, out)
    elif PANEL * n_in * n_out <= SMALL and PANEL * n_out <= RESULTS and batch % PANEL == 0:
        np.matmul(a.reshape(-1, PANEL, n_in), w.T, out=out.reshape(-1, PANEL, n_out))
    elif 0 < units <= n_out:
        cut = n_out - n_out % units
        blocks = w[:cut].reshape(-1, units, n_in).transpose(0, 2, 1)
        np.matmul(a, blocks, out=out[:, :cut].reshape(batch, -1, units).transpose(1, 0, 2))
        if cut < n_out:
            _whole(a, w[cut:], out[:, cut:])
    else:
        _whole(a, w, out)


def gradient(delta: Array, a: Array, out: Array) -> None:
    """∂C/∂W = δᵀ a, with δ of shape (B, n₁), a (B, n₀), out (n₁, n₀): 112 columns at a time, or eight to 32 units.

    A batch too large for 112 columns is summed in parts, if the layer is narrow.
    """
    batch, n_in = a.shape
    n_out = delta.shape[1]
    parts = -(-batch * WIDTH * n_out // SMALL)
    units = _units(batch, n_in, UNITS)
    if batch * n_in * n_out <= SMALL:
        np.matmul(delta.T, a, out=out)
    elif n_in >= WIDTH and (parts == 1 or n_out <= NARROW):
        rows = -(-batch // parts)
        _columns(delta[:rows], a[:rows], out)
        for start in range(rows, batch, rows):
            part = np.empty_like(out)
            _columns(delta[start : start + rows], a[start : start + rows], part)
            out += part
    elif 0 < units <= n_out:
        cut = n_out - n_out % units
        blocks = delta[:, :cut].T.reshape(-1, units, batch)
        np.matmul(blocks, a, out=out[:cut].reshape(-1, units, n_in))
        if cut < n_out:
            np.matmul(delta[:, cut:].T, a, out=out[cut:])
    else:
        np.matmul(delta.T, a, out=out)


def _units(batch: int, n_in: int, most: int) -> int:
    """Return how many units, a multiple of eight, make a small product with all of the batch and the input; or 0."""
    return min(UNITS, most, SMALL // (batch * n_in)) // PANEL * PANEL


def _whole(a: Array, w: Array, out: Array) -> None:
    """One call of BLAS; where the result lies by class, the transposed product, which then fits its memory."""
    if out.strides[0] < out.strides[1]:
        np.matmul(w, a.T, out=out.T)
    else:
        np.matmul(a, w.T, out=out)


def _columns(delta: Array, a: Array, out: Array) -> None:
    """δᵀ a in stacks of 112 columns, and what is left over apart."""
    batch, n_in = a.shape
    n_out = len(out)
    blocks = n_in // WIDTH
    whole = blocks * WIDTH
    np.matmul(
        delta.T,
        a[:, :whole].reshape(batch, blocks, WIDTH).transpose(1, 0, 2),
        out=out[:, :whole].reshape(n_out, blocks, WIDTH).transpose(1, 0, 2),
    )
    if whole < n_in:
        np.matmul(delta.T, a[:, whole:], out=out[:, whole:])
