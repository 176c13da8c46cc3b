"""Max-norm shortens what is too long, and nothing else."""

import numpy as np

from npdigits.nn.max_norm import shorten


def test_by_pencil():
    w = np.array([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]])
    shorten(w, 1.0)
    np.testing.assert_allclose(w, [[0.6, 0.8], [0.3, 0.4], [0.0, 0.0]])


def test_no_row_is_longer_and_directions_stay():
    w = np.random.default_rng(0).normal(size=(50, 30)).astype(np.float32)
    before = w.copy()
    shorten(w, 5.0)
    norms = np.linalg.norm(w, axis=1)
    assert norms.max() <= 5.0 * (1 + 1e-6) and (norms < 4.99).any()
    cosines = (w * before).sum(axis=1) / norms / np.linalg.norm(before, axis=1)
    np.testing.assert_allclose(cosines, 1, atol=1e-6)
