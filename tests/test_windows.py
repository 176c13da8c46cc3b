"""Extremes, sums, Gaussians and pieces without SciPy: those of SciPy, and no SciPy imported for a photograph."""

import itertools

import numpy as np
import pytest
from made import output_of, start_python
from PIL import Image
from scipy import ndimage

from npdigits.pictures import labels, windows
from npdigits.pictures.light import evened
from npdigits.pictures.threshold import counts_of, quantile

SHAPES = ((1, 1), (1, 9), (17, 5), (40, 61), (300, 210))


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def bytes_of(rng, shape):
    return rng.integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [1, 2, 3, 6, 19, 57])
@pytest.mark.parametrize("kind", [np.uint8, np.float32, bool])
def test_closings_and_openings_are_scipys(rng, shape, size, kind):
    values = bytes_of(rng, shape).astype(kind) if kind is not bool else bytes_of(rng, shape) > 200
    for mine, name in ((windows.closing, "grey_closing"), (windows.opening, "grey_opening")):
        found, whole = mine(values, size), values.astype(np.float32)
        assert np.array_equal(found, getattr(ndimage, name)(whole, (size, size), mode="nearest"))
        assert found.dtype == values.dtype and found.shape == shape


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("deviation", [0.05, 0.7, 2.53])
def test_gaussians_are_scipys_to_the_bit(rng, shape, deviation):
    for values in (bytes_of(rng, shape), rng.random(shape) * 255):
        found = windows.gaussian(values, deviation)
        assert found.dtype == values.dtype and np.array_equal(found, ndimage.gaussian_filter(values, deviation))
    single = (rng.random(shape) * 255).astype(np.float32)
    assert windows.gaussian(single, deviation).dtype == np.float32
    assert np.allclose(windows.gaussian(single, deviation), ndimage.gaussian_filter(single, deviation), atol=1e-3)


@pytest.mark.parametrize("side", [1, 3, 8, 11])
def test_a_square_fits_where_an_erosion_leaves_something(rng, side):
    for share in (0.5, 0.9, 0.99, 1.0):
        mask = rng.random((10, 23)) < share
        left = ndimage.binary_erosion(mask, np.ones((side, side)))
        assert windows.holds_square(mask, side) == left.any()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("diagonals", [False, True])
def test_pieces_are_scipys_and_in_its_order(rng, shape, diagonals):
    for share, width in itertools.product((0.0, 0.1, 0.5, 0.8, 1.0), (0, 1, 3)):
        smooth = ndimage.gaussian_filter(rng.random(shape), width)
        mask = smooth < np.quantile(smooth, share)
        wanted, n = ndimage.label(mask, np.ones((3, 3)) if diagonals else None)
        found, count = labels.by_runs(mask, diagonals)
        assert count == n and found.dtype == wanted.dtype and np.array_equal(found, wanted)
        assert labels.places(found) == ndimage.find_objects(wanted)


def test_after_some_masks_pieces_are_left_to_scipy(rng, monkeypatch):
    calls = []
    monkeypatch.setattr(labels, "by_runs", lambda mask, diagonals: calls.append(mask) or (mask, 0))
    monkeypatch.setattr(labels, "_masks", itertools.count(labels.FEW - 1))
    mask = bytes_of(rng, (20, 20)) > 200
    labels.label(mask)
    assert len(calls) == 1
    for diagonals, structure in ((True, np.ones((3, 3))), (False, None)):
        found, n = labels.label(mask, diagonals)
        assert np.array_equal(found, ndimage.label(mask, structure)[0])
        assert len(labels.places(found)) == n
    assert len(calls) == 1


@pytest.mark.parametrize("size", [3, 8, 31])
def test_what_is_left_on_paper_is_taken_off_by_the_mean_around(rng, size):
    ink, mask = bytes_of(rng, (40, 50)), rng.random((40, 50)) < 0.6
    reach = size // 2, size - 1 - size // 2
    padded, outside = np.pad(ink, (reach, reach), mode="edge"), np.pad(~mask, (reach, reach), mode="edge")
    for y, x in ((0, 0), (7, 30), (39, 49)):
        near = padded[y : y + size, x : x + size][outside[y : y + size, x : x + size]]
        if len(near):
            assert evened(ink, mask, size)[y, x] == max(int(ink[y, x] - near.mean(dtype=float)), 0)


def test_where_all_around_is_masked_the_paper_of_the_whole_picture_counts():
    ink, mask = np.full((30, 30), 9, np.uint8), np.ones((30, 30), bool)
    ink[:, 0], mask[:, 0] = 4, False
    assert evened(ink, mask, 3)[10, 20] == 5


def test_counts_and_quantiles_are_numpys(rng):
    for shape in ((9,), (100, 200), (200, 100)):
        values = bytes_of(rng, shape)
        assert counts_of(values).tolist() == np.bincount(values.ravel(), minlength=256).tolist()
    for n, share in itertools.product((1, 2, 3, 20, 101), (0.0, 0.25, 0.5, 0.75, 1.0)):
        for values in (rng.random(n), bytes_of(rng, n)):
            assert quantile(values, share) == np.quantile(values, share)


def test_a_photograph_is_read_without_scipy(rng, tmp_path):
    y, x = np.mgrid[:900, :1300]
    light = 150 + 60 * np.exp(-(((x - 900) / 800) ** 2)) + rng.normal(0, 3, x.shape)
    ink = (abs(x - 600) < 25) & (abs(y - 450) < 260) | (abs(y - 220) < 25) & (abs(x - 520) < 100)
    Image.fromarray(np.clip(np.where(ink, light / 6, light), 0, 255).astype(np.uint8)).save(tmp_path / "7.jpg")
    code = "import sys, npdigits.predict\nfrom pathlib import Path\nfrom npdigits.pictures.pool import form_file\n"
    code += "image, why = form_file(Path(sys.argv[1]))\nprint(why or image.size, *sys.modules)"
    size, *loaded = output_of(start_python(code, str(tmp_path / "7.jpg"))).split()
    assert size == "784" and "numpy" in loaded
    heavy = {
        "scipy",
        "pandas",
        "matplotlib",
        "hydra",
        "omegaconf",
        "sklearn",
        "torch",
        "numpy.ma",
        "PIL.GifImagePlugin",
    }
    assert not heavy & set(loaded)
