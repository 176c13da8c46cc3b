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


def carry_out(operations):
    for operation in operations:
        operation()


@pytest.mark.parametrize(("batch", "n_in", "n_out"), SHAPES)
@pytest.mark.parametrize("by_class", [False, True])
@pytest.mark.parametrize("part", [None, 16])
def test_the_products_are_numpys(batch, n_in, n_out, by_class, part):
    rng, part = np.random.default_rng(0), part or batch
    a, w = rng.normal(size=(batch, n_in)), rng.normal(size=(n_out, n_in))
    delta = np.asarray(rng.normal(size=(batch, n_out)), order="F" if by_class else "C")
    out = np.full((n_out, batch), np.nan).T if by_class else np.full((batch, n_out), np.nan)
    carry_out(matmul.forward(a, w, out, matmul.forward_tile(part, n_in, n_out)))
    np.testing.assert_allclose(out, a @ w.T, rtol=1e-10, atol=1e-10)
    below = np.full_like(a, np.nan)
    carry_out(matmul.backward(delta, w, below, (part, 112)))
    np.testing.assert_allclose(below, delta @ w, rtol=1e-10, atol=1e-10)
    dw = np.full((-(-batch // part), n_out, n_in), np.nan)
    carry_out(matmul.gradient(delta, a, dw, part, matmul.gradient_tile(part, n_in, n_out)))
    for i, start in enumerate(range(0, batch, part)):
        images = slice(start, start + part)
        np.testing.assert_allclose(dw[i], delta[images].T @ a[images], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("tile", [(5, 3), (8, 20), (16, 7), (100, 100)])
def test_a_product_is_its_tiles(tile):
    """Whatever lies beside a tile, its bits are those of the small product alone."""
    rng = np.random.default_rng(0)
    a, w = (rng.normal(size=(n, 84)).astype(np.float32) for n in (45, 20))
    out = np.empty((45, 20), np.float32)
    carry_out(matmul.forward(a, w, out, tile))
    for i in range(0, 45, tile[0]):
        for j in range(0, 20, tile[1]):
            images, units = slice(i, i + tile[0]), slice(j, j + tile[1])
            alone = np.empty_like(out[images, units])
            np.matmul(a[images], w[units].T, out=alone)
            assert (alone == out[images, units]).all()
