"""Lines of ruled and squared paper, as dark as ink: they are taken out, and strokes that cross them stay whole."""

import numpy as np
import pytest
from drawn import STROKES, drawn
from test_mnist_form import alike

from npdigits.pictures.components import NoDigit
from npdigits.pictures.lines import found, sheared, without_lines
from npdigits.pictures.mnist_form import to_mnist_form

SIZE = (300, 400)
PLAIN = {digit: drawn(digit, size=SIZE, place=(90, 120), ink=20, paper=240) for digit in STROKES}


def lines(shape, every, thick, fall=0.0, first=11.0):
    """Return a mask of lines from left to right, which fall by so many rows a column."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    return (y - fall * (x - shape[1] / 2) - first) % every < thick


def on_lines(digit, grey, squared=False, every=37, thick=2, fall=0.0, first=11.0):
    """Return a digit on ruled or squared paper whose lines have this grey value."""
    plain = PLAIN[digit]
    mask = lines(plain.shape, every, thick, fall, first)
    if squared:
        mask |= lines(plain.T.shape, every, thick, -fall, first).T
    return np.where(mask, np.minimum(plain, grey), plain).astype(np.uint8)


@pytest.mark.parametrize("squared", [False, True], ids=["ruled", "squared"])
@pytest.mark.parametrize("grey", [20, 60], ids=["as dark as ink", "nearly so"])
@pytest.mark.parametrize("fall", [0.0, 0.03, -0.05])
def test_a_digit_on_dark_lines_is_as_on_plain_paper(squared, grey, fall):
    for digit, plain in PLAIN.items():
        expected = to_mnist_form(plain)
        assert alike(expected, to_mnist_form(on_lines(digit, grey, squared, fall=fall))) > 0.8, digit
        assert alike(expected, to_mnist_form(255 - on_lines(digit, grey, squared, fall=fall))) > 0.8, digit


@pytest.mark.parametrize("first", range(0, 37, 6))
def test_it_matters_little_where_lines_run_through_a_digit(first):
    for digit, plain in PLAIN.items():
        assert alike(to_mnist_form(plain), to_mnist_form(on_lines(digit, 20, first=first))) > 0.85, digit


def test_lines_are_found_with_their_place_and_slope():
    mask = lines((300, 400), 60, 3, fall=8 / 400, first=30.0)
    some = found(mask.astype(np.uint8) * 200, 100)
    places = np.array(sorted((line.top, line.fall) for line in some)[1:-1])
    np.testing.assert_allclose(places, [(90, 8), (150, 8), (210, 8)], atol=1)
    assert all(2 <= line.bottom - line.top <= 5 for line in some)


def test_a_sheared_mask_counts_the_pixels_on_each_line():
    mask = np.random.default_rng(0).random((40, 168)) < 0.5
    cover, most = sheared(mask), 13
    assert cover.shape == (2 * most + 1, 40)
    np.testing.assert_array_equal(cover[most], mask.sum(axis=1))
    for fall in (-13, -4, 7, 13):
        np.testing.assert_array_equal(cover[most + fall], _by_hand(mask, fall))


def _by_hand(mask, fall):
    """Return the pixels on lines that fall by so many rows, in blocks of twelve columns."""
    height, width = mask.shape
    blocks = width // 12
    counts = np.zeros(height, int)
    for b in range(blocks):
        step = int(np.floor(fall * ((b + 0.5) / blocks - 0.5) + 0.5))
        for row in range(height):
            if 0 <= row + step < height:
                counts[row] += mask[row + step, 12 * b : 12 * b + 12].sum()
    return counts


@pytest.mark.parametrize("squared", [False, True])
def test_a_page_of_lines_alone_is_refused(squared):
    mask = lines((300, 400), 30, 2, fall=0.01)
    if squared:
        mask |= lines((400, 300), 30, 2, fall=-0.01).T
    with pytest.raises(NoDigit):
        to_mnist_form(np.where(mask, 20, 240).astype(np.uint8))


def framed(digit):
    """Return a digit in a thin frame, nearly as wide as the page, below a bar from edge to edge: a drawing program."""
    page = drawn(digit, size=(240, 380), place=(70, 70), unit=7.0, pen=14, ink=20, paper=240).copy()
    page[:20] = 160
    for rows, columns in ((40, slice(24, 216)), (231, slice(24, 216)), (slice(40, 232), 24), (slice(40, 232), 215)):
        page[rows, columns] = 120
    return page


@pytest.mark.parametrize("digit", STROKES)
def test_sides_of_a_frame_are_no_lines(digit):
    # They do not go from edge to edge, though most of the way; without them the other two sides would be strokes.
    assert alike(to_mnist_form(PLAIN[digit]), to_mnist_form(framed(digit))) > 0.8


def test_pages_without_lines_stay_as_they_are():
    for digit in STROKES:
        ink = 240 - PLAIN[digit]
        assert without_lines(ink) is ink
    cut = 240 - PLAIN[7]
    rows, columns = np.flatnonzero((cut > 99).any(axis=1)), np.flatnonzero((cut > 99).any(axis=0))
    tight = np.ascontiguousarray(cut[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    np.testing.assert_array_equal(without_lines(tight), tight)  # its bar goes from edge to edge
