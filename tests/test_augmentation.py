"""Distorted images: coordinates by the formula, interpolation and smoothing against SciPy, and what the noise is."""

import numpy as np
import pytest
from scipy import ndimage

from npdigits.base.random import stream
from npdigits.data.augmentation import (
    IMAGES_AT_ONCE,
    MARGIN,
    VARIANCE_KEPT,
    Augmentation,
    DistortionRanges,
    gaussian,
    noise_basis,
)

SHAPES = [(28, 28), (8, 7), (6, 11)]
ELASTIC = DistortionRanges(rotation=15, scale=0.15, shear=5, shift=1, alpha=37, sigma=5.5)


def images(n, shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, shape[0] * shape[1]), np.uint8)


@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_to_do_changes_nothing(shape):
    x = images(5, shape)
    out = np.empty(x.shape, np.float32)
    Augmentation(shape, DistortionRanges())(stream(0, "test"), x, out)
    np.testing.assert_array_equal(out, x)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_interpolation_is_scipys(shape):
    n = IMAGES_AT_ONCE
    augmentation, x = Augmentation(shape, ELASTIC), images(n, shape)
    out = np.empty(x.shape, np.float32)
    augmentation(stream(0, "test"), x, out)
    q = augmentation.coordinates(augmentation.draw_coefficients(stream(0, "test"), n)).astype(float)
    edge = np.array(shape) + 2 * MARGIN - 1
    for i in range(n):
        padded = np.pad(x[i].reshape(shape).astype(float), MARGIN)
        place = [np.clip(q[i], 0, edge[0]), np.clip(q[n + i], 0, edge[1])]
        np.testing.assert_allclose(out[i], ndimage.map_coordinates(padded, place, order=1), atol=2e-3)


@pytest.mark.parametrize("n", [1, IMAGES_AT_ONCE, IMAGES_AT_ONCE + 1, 3 * IMAGES_AT_ONCE - 5])
def test_any_number_of_images(n):
    x = images(n, (28, 28))
    out = np.full(x.shape, np.nan, np.float32)
    augmentation = Augmentation((28, 28), ELASTIC)
    augmentation(stream(0, "test"), x, out)
    assert np.isfinite(out).all() and out.min() >= 0 and out.max() <= 255
    again = np.empty(x.shape)  # of other floats, drawn from the same stream
    augmentation(stream(0, "test"), x, again)
    np.testing.assert_array_equal(again, out)


def matrix_of(ranges, n=IMAGES_AT_ONCE):
    """A of each image, from the coordinates of four pixels: (n, 2, 2)."""
    augmentation = Augmentation((29, 29), ranges)  # with a pixel in the middle
    q = augmentation.coordinates(augmentation.draw_coefficients(stream(0, "test"), n)).reshape(2, n, 29, 29)
    down, right = q[:, :, 15, 14] - q[:, :, 14, 14], q[:, :, 14, 15] - q[:, :, 14, 14]
    return np.stack([down, right], axis=-1).transpose(1, 0, 2), q[:, :, 14, 14].T


def test_a_rotation_turns_and_does_nothing_else():
    a, centre = matrix_of(DistortionRanges(rotation=30))
    np.testing.assert_allclose(a @ a.transpose(0, 2, 1), np.broadcast_to(np.eye(2), a.shape), atol=1e-5)
    angles = np.degrees(np.arctan2(a[:, 0, 1], a[:, 0, 0]))
    assert np.abs(angles).max() <= 30 and angles.min() < -15 and angles.max() > 15
    np.testing.assert_allclose(centre, 14 + MARGIN, atol=1e-4)


def test_scaling_makes_larger_and_smaller():
    a, _ = matrix_of(DistortionRanges(scale=0.2))
    np.testing.assert_allclose([a[:, 0, 1], a[:, 1, 0]], 0, atol=1e-5)
    scales = 1 / np.stack([a[:, 0, 0], a[:, 1, 1]])
    assert scales.min() > 0.8 - 1e-4 and scales.max() < 1.2 + 1e-4 and np.ptp(scales) > 0.3
    assert not np.allclose(scales[0], scales[1])


def test_shear_slants_and_keeps_the_area():
    a, _ = matrix_of(DistortionRanges(shear=20))
    np.testing.assert_allclose(np.linalg.det(a), 1, atol=1e-4)
    slant = np.degrees(np.arctan(-a[:, 1, 0]))
    assert np.abs(slant).max() <= 20.1 and np.ptp(slant) > 25


def test_the_whole_is_the_inverse_of_rotation_shear_and_scaling():
    ranges, n = DistortionRanges(rotation=15, scale=0.15, shear=10), IMAGES_AT_ONCE
    a, _ = matrix_of(ranges)
    drawn = 2 * stream(0, "test").random((6, n)) - 1  # as there
    angle, slant = np.radians(15) * drawn[0], np.radians(10) * drawn[1]
    high, wide = 1 + 0.15 * drawn[2:4]
    for i in range(n):
        turn = np.array([[np.cos(angle[i]), -np.sin(angle[i])], [np.sin(angle[i]), np.cos(angle[i])]])
        shear = np.array([[1, 0], [np.tan(slant[i]), 1]])
        np.testing.assert_allclose(np.linalg.inv(a[i]), turn @ shear @ np.diag([high[i], wide[i]]), atol=1e-4)


def test_shift_moves_all_pixels_alike():
    _, centre = matrix_of(DistortionRanges(shift=2))
    moved = centre - 14 - MARGIN
    assert np.abs(moved).max() <= 2 and np.ptp(moved) > 3


@pytest.mark.parametrize(("n", "sigma"), [(28, 5.5), (28, 4.0), (8, 2.0)])
def test_the_smoothing_is_scipys(n, sigma):
    theirs = ndimage.gaussian_filter1d(np.eye(n), sigma, axis=0, mode="constant", truncate=10)
    np.testing.assert_allclose(gaussian(n, sigma), theirs, atol=1e-12)


@pytest.mark.parametrize("sigma", [4.0, 5.5, 8.0])
def test_few_columns_hold_the_noise(sigma):
    whole, kept = gaussian(28, sigma), noise_basis(28, sigma)
    share = np.trace(kept @ kept.T) / np.trace(whole @ whole.T)
    assert share**2 >= VARIANCE_KEPT and kept.shape[1] < 10
    np.testing.assert_allclose(kept @ kept.T, whole @ whole.T, atol=2e-3 * np.abs(whole @ whole.T).max())


def test_the_coordinates_are_those_of_the_formula():
    shape, n = (9, 28), 3
    augmentation = Augmentation(shape, ELASTIC)
    drawn = augmentation.draw_coefficients(stream(0, "test"), n).astype(float)
    q = augmentation.coordinates(drawn.astype(np.float32)).reshape(2 * n, *shape)
    rows, columns = (noise_basis(size, ELASTIC.sigma) for size in shape)
    r, c = np.mgrid[: shape[0], : shape[1]] - np.array([[[4.0]], [[13.5]]])
    for coefficients, coordinate in zip(drawn, q, strict=True):
        noise = rows @ coefficients[:-2, :-2] @ columns.T * ELASTIC.alpha / np.sqrt(3)
        affine = coefficients[-2, -1] * r + coefficients[-1, -2] * c + coefficients[-1, -1]
        np.testing.assert_allclose(coordinate, noise + affine, atol=1e-4)


def test_where_hardly_anything_is_smoothed_nothing_is_left_out():
    shape, ranges = (150, 200), DistortionRanges(alpha=3, sigma=0.1)
    assert noise_basis(28, ranges.sigma).shape == (28, 28)
    augmentation, still = Augmentation(shape, ranges), Augmentation(shape, DistortionRanges())
    moved = augmentation.coordinates(augmentation.draw_coefficients(stream(0, "test"), 1))
    moved = (moved - still.coordinates(still.draw_coefficients(stream(0, "test"), 1))).reshape(2, *shape)
    assert moved.std(axis=(1, 2)) == pytest.approx(3 / np.sqrt(3), rel=0.02)
    assert abs(np.corrcoef(moved[:, :, 1:].ravel(), moved[:, :, :-1].ravel())[0, 1]) < 0.02
    assert abs(np.corrcoef(moved[0].ravel(), moved[1].ravel())[0, 1]) < 0.02


def test_large_images_keep_to_their_own_pixels():
    shape, n = (730, 730), IMAGES_AT_ONCE  # more pixels in all than float32 counts
    x = images(n, shape)
    assert x.size > 2**24
    out = np.empty(x.shape, np.float32)
    Augmentation(shape, DistortionRanges())(stream(0, "test"), x, out)
    assert (out == x).all()


def test_the_displacements_have_the_variance_of_smoothed_uniform_noise():
    ranges = DistortionRanges(alpha=37, sigma=5.5)
    augmentation = Augmentation((28, 28), ranges)
    still = Augmentation((28, 28), DistortionRanges())
    rng = stream(0, "test")
    moved = []
    for _ in range(30):
        q = augmentation.coordinates(augmentation.draw_coefficients(rng, IMAGES_AT_ONCE))
        moved.append(q.copy())
    rest = still.coordinates(still.draw_coefficients(rng, IMAGES_AT_ONCE))[0]
    ours = (np.concatenate([q[:IMAGES_AT_ONCE] for q in moved]) - rest).reshape(-1, 28, 28)
    noise = np.random.default_rng(0).uniform(-1, 1, (2000, 28, 28))
    theirs = 37 * ndimage.gaussian_filter(noise, (0, 5.5, 5.5), mode="constant", truncate=6)
    for place in ((14, 14), (0, 0), (5, 20)):
        assert ours[:, *place].std() == pytest.approx(theirs[:, *place].std(), rel=0.08)
    near, far = (np.corrcoef(ours[:, 14, 14], ours[:, 14, c])[0, 1] for c in (15, 27))
    their_near, their_far = (np.corrcoef(theirs[:, 14, 14], theirs[:, 14, c])[0, 1] for c in (15, 27))
    assert near == pytest.approx(their_near, abs=0.02) and far == pytest.approx(their_far, abs=0.08)
