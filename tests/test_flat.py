"""Paper of one grey value: tight crops, panels and stripes of light, on which most of the picture may be ink."""

import numpy as np
import pytest
from drawn import alike, cut, drawn, panelled, with_button
from scipy import ndimage

from npdigits.pictures.components import NoDigit
from npdigits.pictures.flat import flat_inks, on_light
from npdigits.pictures.mnist_form import to_mnist_form

DIGITS = range(10)


@pytest.mark.parametrize("pen", [14, 30])
@pytest.mark.parametrize("margin", [0, 1, 2, 4])
def test_a_digit_may_be_cut_out_with_hardly_any_margin(margin, pen):
    for digit in DIGITS:
        if digit == 1 and margin == 0:
            continue  # an upright bar fills all of it: nothing tells what is ink
        whole, tight = to_mnist_form(drawn(digit, pen=pen)), cut(drawn(digit, pen=pen), margin)
        assert alike(whole, to_mnist_form(tight)) > 0.97, digit
        assert alike(whole, to_mnist_form(255 - tight)) > 0.97, digit


def test_ink_that_is_most_of_a_tight_crop_is_no_paper():
    tight = cut(drawn(8, unit=4, pen=17, size=(120, 160)), 2)
    assert (tight == 0).mean() > 0.5
    found = next(flat_inks(tight))
    assert np.array_equal(found.ink > 0, tight < 255) and not found.sure


@pytest.mark.parametrize("digit", DIGITS)
@pytest.mark.parametrize(
    "changes",
    [{}, {"panel": 60, "ink": 200}, {"page": 30, "panel": 240, "ink": 20}, {"side": 60, "place": (300, 200)}],
    ids=str,
)
def test_a_digit_on_a_panel_is_read_on_the_panel(digit, changes):
    assert alike(to_mnist_form(drawn(digit)), to_mnist_form(panelled(digit, **changes))) > 0.85


def test_an_axis_with_ticks_and_a_title_beside_a_panel_do_not_matter():
    for digit in DIGITS:
        picture = panelled(digit).copy()
        picture[259:263, 30:40] = picture[80:84, 30:40] = picture[260:270, 60:64] = 0  # ticks, joined to the panel
        picture[20:32, 60:68] = picture[20:32, 75:83] = picture[20:24, 90:98] = 0
        assert alike(to_mnist_form(drawn(digit)), to_mnist_form(picture)) > 0.9, digit


def test_a_thick_zero_or_eight_with_square_corners_is_no_panel():
    zero = np.full((120, 100), 255, np.uint8)
    zero[20:100, 20:80] = 0
    eight = zero.copy()
    zero[38:82, 38:62] = 255
    eight[33:55, 33:67] = eight[66:87, 33:67] = 255
    for picture, hole in ((zero, (60, 50)), (eight, (44, 50))):
        image = to_mnist_form(picture)
        assert np.array_equal(to_mnist_form(255 - picture), image)
        rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
        y, x = ((place - 20) * 20 // 80 for place in hole)
        assert image[rows[0] + y, columns[0] + x] == 0 and image[rows[0], columns[0]] == 255


@pytest.mark.parametrize("place", [(slice(None), slice(0, 40)), (slice(-60, None), slice(None))], ids=["left", "below"])
def test_a_stripe_of_light_is_no_ink(place):
    for digit in DIGITS:
        picture = drawn(digit, size=(300, 380), place=(110, 90), paper=150, ink=20).copy()
        picture[place] = 255
        assert alike(to_mnist_form(drawn(digit)), to_mnist_form(picture)) > 0.93, digit


def test_ink_is_on_the_side_with_the_longer_outlines():
    grey = np.full((60, 60), 150, np.uint8)
    grey[:, :25] = 255
    grey[5:55:4, 30:50] = 20
    counts = np.bincount(grey.ravel(), minlength=256)
    assert on_light(grey, counts, 150) and not on_light(255 - grey, counts[::-1], 105)


def test_a_light_blot_beside_nothing_else_stays_refused():
    grey = np.full((100, 100), 150, np.uint8)
    grey[30:60, 30:62] = 255
    with pytest.raises(NoDigit, match="blot"):
        to_mnist_form(grey)
    assert ndimage.label(grey > 150)[1] == 1


@pytest.mark.parametrize("digit", DIGITS)
def test_a_button_near_a_digit_is_none_of_its_strokes(digit):
    assert alike(to_mnist_form(drawn(digit)), to_mnist_form(with_button(digit))) > 0.9
