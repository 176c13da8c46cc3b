"""The products of a layer, in every shape that is treated apart."""

import numpy as np
import pytest

from npdigits.nn import matmul

# One product, whole; panels and columns; columns left over; batches in parts, the last one smaller; too wide to cut.
SHAPES = [(1, 784, 20), (32, 784, 20), (64, 20, 10), (80, 784, 20), (128, 784, 20), (129, 784, 20), (128, 1000, 20)]
SHAPES += [(512, 784, 20), (1001, 784, 20), (4096, 784, 10), (512, 300, 64), (128, 784, 65), (64, 784, 128)]
SHAPES += [
    (128, 784, 300),
    (256, 100, 300),
    (32, 784, 800),
    (32, 784, 300),
    (39, 784, 200),
    (40, 784, 200),
    (7, 784, 800),
]


@pytest.mark.parametrize(("batch", "n_in", "n_out"), SHAPES)
@pytest.mark.parametrize("by_class", [False, True])
def test_both_products_are_numpys(batch, n_in, n_out, by_class):
    rng = np.random.default_rng(0)
    a, w = rng.normal(size=(batch, n_in)), rng.normal(size=(n_out, n_in))
    delta = np.asarray(rng.normal(size=(batch, n_out)), order="F" if by_class else "C")
    out = np.full((n_out, batch), np.nan).T if by_class else np.full((batch, n_out), np.nan)
    matmul.forward(a, w, out)
    np.testing.assert_allclose(out, a @ w.T, rtol=1e-10, atol=1e-10)
    dw = np.full((n_out, n_in), np.nan)
    matmul.gradient(delta, a, dw)
    np.testing.assert_allclose(dw, delta.T @ a, rtol=1e-10, atol=1e-10)
