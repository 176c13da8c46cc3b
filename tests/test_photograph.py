"""Ink in uneven light: sun, shadows, lamps and white things beside the digit, on light paper and on dark."""

import math

import numpy as np
import pytest
from drawn import drawn
from PIL import Image, ImageDraw
from scipy import ndimage
from test_mnist_form import alike

from npdigits.pictures.even import has_two_papers, without_noise
from npdigits.pictures.light import contrast, evened
from npdigits.pictures.mnist_form import to_mnist_form
from npdigits.pictures.photograph import photographed
from npdigits.pictures.polarity import Strokes, is_on_light, kind_of_ink, reduced, strokes

HIGH, WIDE = 250, 200
DIGITS = (1, 4, 5, 8)
PEN = {"size": (WIDE, HIGH), "place": (65, 70), "unit": 7.0, "pen": 10}
PAPERS = {"light": {"ink": 60, "paper": 225}, "dark": {"ink": 225, "paper": 60}}
y, x = np.mgrid[:HIGH, :WIDE] / np.array([HIGH, WIDE])[:, None, None]


def _half(degrees, at=0.5):
    """Return 1 on one side of a straight line, 0 on the other."""
    angle = math.radians(degrees)
    return (math.cos(angle) * (x - at) + math.sin(angle) * (y - 0.5) > 0).astype(float)


def _spot(soft):
    """Return a round spot at the upper left, with a soft edge or a sharp one."""
    return 1 / (1 + np.exp(np.clip((np.hypot(x - 0.3, y - 0.3) - 0.3) / soft, -50, 50)))


PATCH = np.zeros((HIGH, WIDE))
PATCH[125:200, 40:120] = 1
PATCH = ndimage.gaussian_filter(PATCH, 4)

# How light each pixel is, 1 in full light.
LIGHTS = {
    **{f"a sunlit third, the rest at {rest}": rest + (1 - rest) * (x < 1 / 3) for rest in (0.5, 0.6, 0.75)},
    "a sunlit third below": 0.6 + 0.4 * (y > 2 / 3),
    **{f"a hard edge at {degrees}°": 0.5 + 0.5 * _half(degrees) for degrees in (20, 75, 130, 215, 290)},
    "two edges": (0.6 + 0.4 * _half(50)) * (0.7 + 0.3 * _half(160, at=0.6)),
    "a lamp's spot": 0.45 + 0.55 * np.exp(-((x - 0.3) ** 2 + (y - 0.25) ** 2) / 0.06),
    "a round spot": 0.5 + 0.5 * _spot(0.005),
    "a phone's shadow": 1 - 0.45 * PATCH,
}


def photograph(digit, light, paper="light", noise=4.0):
    """Return a picture of a digit in some light, with a camera's noise."""
    ink = drawn(digit, **PEN, **PAPERS[paper])
    noisy = ink * light + np.random.default_rng(digit).normal(0, noise, light.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def likeness(digit, picture):
    return alike(to_mnist_form(drawn(digit)), to_mnist_form(picture))


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize("name", LIGHTS)
def test_light_is_not_taken_for_ink(name, paper):
    for digit in DIGITS:
        assert likeness(digit, photograph(digit, LIGHTS[name], paper)) > 0.9, digit


BESIDE = {
    "a narrow stripe": x < 0.05,
    "a wide stripe": x < 0.25,
    "a slanting stripe": x + 0.1 * y < 0.25,
    "a stripe below": y > 0.9,
    "an object": (x > 0.05) & (x < 0.25) & (y > 0.1) & (y < 0.5),
    "a coin": np.hypot(WIDE * (x - 0.15), HIGH * (y - 0.2)) < 22,
}


@pytest.mark.parametrize("noise", [0, 4], ids=["flat", "noisy"])
@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize("name", BESIDE)
def test_white_things_beside_a_digit_are_not_taken_for_ink(name, paper, noise):
    for digit in DIGITS:
        colours = {"ink": 40, "paper": 150} if paper == "light" else {"ink": 220, "paper": 110}
        thing = 250 if paper == "light" else 20
        ink = np.where(BESIDE[name], thing, drawn(digit, **PEN, **colours))
        noisy = ink + np.random.default_rng(digit).normal(0, noise, ink.shape)
        assert likeness(digit, np.clip(noisy, 0, 255).astype(np.uint8)) > 0.9, digit


@pytest.mark.parametrize("paper", PAPERS)
def test_a_soft_shadow_leaves_nothing_in_what_the_network_sees(paper):
    for digit in DIGITS:
        image = to_mnist_form(photograph(digit, LIGHTS["a phone's shadow"], paper))
        near = ndimage.maximum_filter(image > 100, 3)
        assert image[~near].max() < 30, digit


@pytest.mark.parametrize("soft", [3, 5])
@pytest.mark.parametrize("across", [0.35, 0.6])
def test_a_turned_shadow_larger_than_the_digit_leaves_nothing(across, soft):
    """Thin strokes within it, or across its edge; the larger squares show it as dark as the ink."""
    along, down = (x - across) * WIDE + (y - 0.4) * HIGH * 0.4, (y - 0.4) * HIGH - (x - across) * WIDE * 0.4
    light = 1 - 0.5 * ndimage.gaussian_filter(((abs(along) < 45) & (abs(down) < 70)).astype(float), soft)
    for digit in DIGITS:
        pen = PEN | {"pen": 5}
        noisy = drawn(digit, **pen, **PAPERS["light"]) * light + np.random.default_rng(digit).normal(0, 3, light.shape)
        image = to_mnist_form(np.clip(noisy, 0, 255).astype(np.uint8))
        assert alike(to_mnist_form(drawn(digit, **pen)), image) > 0.9, digit


def test_a_loop_full_of_ink_is_no_shadow():
    """Twice as wide as the strokes are, and in the smaller squares left out."""
    image = Image.fromarray(drawn(1, size=(140, 150), place=(50, 20), unit=7.0, pen=10, **PAPERS["light"]))
    ImageDraw.Draw(image).ellipse((45, 85, 85, 125), fill=60)
    filled = np.asarray(image)
    noisy = filled + np.random.default_rng(0).normal(0, 4, filled.shape)
    _, size, _ = kind_of_ink(np.clip(noisy, 0, 255).astype(np.uint8))
    assert size > 28


@pytest.mark.parametrize("degrees", [20, 75, 130, 215, 290])
def test_two_papers_are_seen_in_a_drawing_and_bands_are_none(degrees):
    for digit in DIGITS:
        ink = drawn(digit, **PEN, **PAPERS["light"])
        shaded = (ink * (0.6 + 0.4 * _half(degrees))).astype(np.uint8)
        assert has_two_papers(shaded) and likeness(digit, shaded) > 0.9, digit
        assert not has_two_papers(ink) and not has_two_papers(np.where(x < 0.2, 150, ink))


def test_even_light_leaves_paper_and_ink_one_grey_value_each():
    rng = np.random.default_rng(0)
    clean = drawn(5, paper=200, ink=60)
    noisy = np.clip(clean + rng.normal(0, 5, clean.shape), 0, 255).astype(np.uint8)
    flat = without_noise(noisy)
    assert np.mean(abs(flat.astype(int) - clean) > 2) < 0.001  # of a normal distribution little is so far away
    assert np.array_equal(without_noise(clean), clean)
    assert np.mean(abs(without_noise(255 - noisy).astype(int) - (255 - flat)) > 2) < 0.001


@pytest.mark.parametrize("name", LIGHTS)
def test_uneven_light_is_seen(name):
    for digit in (1, 8):
        assert without_noise(photograph(digit, LIGHTS[name])) is None


@pytest.mark.parametrize("margin", [0, 2, 4])
def test_a_digit_cut_out_of_a_photograph_is_read(margin):
    rng = np.random.default_rng(0)
    for digit in DIGITS:
        mask = drawn(digit, pen=26) < 128
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        cut = np.pad(mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], margin)
        noisy = np.where(cut, 60, 210) + rng.normal(0, 4, cut.shape)
        assert alike(to_mnist_form(drawn(digit, pen=26)), to_mnist_form(noisy.astype(np.uint8))) > 0.93, digit


def test_contrast_is_the_share_of_the_light_that_ink_takes():
    grey = np.full((60, 60), 208, np.uint8)
    grey[:, 30:] = 88  # 240 and 120 with what is added to both
    grey[20:24, 10:20] = 88
    grey[20:24, 40:50] = 28  # both take half of the light there
    dark = contrast(grey, 9, on_light=True)
    assert set(dark[20:24, 10:20].ravel()) == set(dark[20:24, 40:50].ravel()) == {127}
    assert dark.sum() == 127 * 80
    light = contrast(255 - grey, 9, on_light=False)
    assert light[20:24, 10:20].min() > 100 and np.count_nonzero(light) == 80


def test_evened_ink_is_without_that_of_the_paper_around():
    ink = np.full((50, 50), 20, np.uint8)
    ink[:, 25:] = 60
    mask = np.zeros((50, 50), bool)
    ink[10:14, 5:10], ink[10:14, 40:45] = 120, 160
    mask[10:14, 5:10] = mask[10:14, 40:45] = True
    result = evened(ink, mask, 9)
    assert (result[mask] == 100).all() and not result[:, :20].any(where=~mask[:, :20])
    assert np.array_equal(evened(ink, np.ones_like(mask), 9), ink)


def test_strokes_are_counted_by_their_edges_and_blots_are_not():
    grey = np.full((100, 100), 200, np.uint8)
    grey[20:80, 30:40] = 100
    line = strokes(grey, 200 - grey)
    assert line.edge == 100 * 2 * (60 + 10) and line.area == 600
    grey[20:80, 50:99] = 50
    both = strokes(grey, 200 - grey)
    assert both.edge == line.edge and np.array_equal(both.mask, line.mask)


def test_strong_noise_does_not_hide_whether_ink_is_dark():
    rng = np.random.default_rng(0)
    noisy = np.clip(drawn(3, **PEN, paper=200, ink=80) + rng.normal(0, 12, (HIGH, WIDE)), 0, 255).astype(np.uint8)
    assert kind_of_ink(noisy)[0] and not kind_of_ink(255 - noisy)[0]


@pytest.mark.parametrize("pen", [6, 12, 24])
def test_the_square_is_wider_than_the_strokes(pen):
    on_light, size, width = kind_of_ink(drawn(1, size=(300, 300), pen=pen, paper=220, ink=40))
    assert on_light and pen < size <= 4 * pen + 4 and width == pytest.approx(pen, rel=0.3)


NOWHERE = np.zeros((1, 1), bool)


def test_of_two_inks_with_the_same_edges_the_smaller_one_is_ink():
    def said(*found):
        return is_on_light(*([Strokes(edge, area, NOWHERE, NOWHERE)] for edge, area in found))

    assert said((100, 50), (99, 60)) and not said((100, 60), (99, 50))
    assert said((100, 60), (50, 50)) and not said((50, 50), (100, 60))


def test_a_square_that_parts_strokes_from_light_counts_more_than_one_that_does_not():
    stripes, more, digit, nothing = (Strokes(edge, 10, NOWHERE, NOWHERE) for edge in (1000, 1050, 200, 0))
    assert is_on_light([stripes, digit], [more, nothing]) and not is_on_light([more, nothing], [stripes, digit])


def test_a_picture_of_any_shape_has_ink_of_its_own_shape():
    rng = np.random.default_rng(0)
    for shape in (1, 1), (1, 900), (900, 2), (3, 5), (29, 31), (500, 777):
        grey = rng.integers(0, 256, shape).astype(np.uint8)
        assert photographed(grey).shape == shape and photographed(grey).dtype == np.uint8


def test_a_picture_is_reduced_by_means():
    grey = np.arange(30, dtype=np.uint8).reshape(5, 6)
    assert reduced(grey, 1) is grey
    assert reduced(grey, 2).tolist() == [[3, 5, 7], [15, 17, 19]]
