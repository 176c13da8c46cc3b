"""Pictures of two values: dithered ones become grey again, others stay as they are."""

import io

import numpy as np
import pytest
from drawn import drawn
from PIL import Image
from test_mnist_form import alike

from npdigits.pictures.components import NoDigit
from npdigits.pictures.dither import is_dithered, undithered
from npdigits.pictures.mnist_form import to_mnist_form
from npdigits.pictures.read import picture_of

BAYER = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]) * 16 + 8


def page(digit, light):
    """Return a page of 240 × 320 in light that falls from one side."""
    picture = drawn(digit, size=(240, 320), place=(70, 90), ink=40, paper=230)
    return (picture * np.linspace(1, light, 240)).astype(np.uint8)


def dithered(grey, ordered):
    """Return greys as dots of two values: ordered by Bayer's matrix, or their errors diffused (Floyd & Steinberg)."""
    dots = grey > np.tile(BAYER, (80, 80))[: len(grey), : grey.shape[1]]
    return dots if ordered else np.asarray(Image.fromarray(grey).convert("1"))


def png(image):
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()


@pytest.mark.parametrize("light", [0.6, 0.9])
@pytest.mark.parametrize("ordered", [False, True], ids=["diffused", "ordered"])
def test_a_dithered_photograph_is_read_as_the_photograph(light, ordered):
    for digit in range(10):
        grey = page(digit, light)
        seen = picture_of(png(Image.fromarray(dithered(grey, ordered))))
        assert np.abs(seen.astype(int) - grey).mean() < 16
        assert alike(to_mnist_form(drawn(digit)), to_mnist_form(seen)) > 0.85, digit


@pytest.mark.parametrize("ordered", [False, True], ids=["diffused", "ordered"])
def test_little_ink_on_dithered_paper_of_a_middle_grey_is_read(ordered):
    # There are as many dots as there can be: the greys spread less than independent dots would.
    for digit in range(10):
        grey = drawn(digit, size=(240, 240), place=(70, 70), ink=70, paper=132)
        seen = picture_of(png(Image.fromarray(dithered(grey, ordered))))
        assert alike(to_mnist_form(drawn(digit)), to_mnist_form(seen)) > 0.8, digit


@pytest.mark.parametrize("level", [60, 127, 180, 220])
def test_the_edges_of_ordered_dots_have_the_paper_s_grey(level):
    paper = np.where(dithered(np.full((203, 161), level, np.uint8), ordered=True), 255, 0).astype(np.uint8)
    seen = undithered(paper)
    assert np.ptp(seen) < 40 and abs(int(seen[0].mean()) - level) < 20, (np.ptp(seen), seen[0].mean())


@pytest.mark.parametrize("digit", range(10))
def test_strokes_of_two_values_stay_as_they_are(digit):
    for unit in (1.5, 4.0, 10.0):
        grey = drawn(digit, size=(int(20 * unit), int(26 * unit)), place=(5 * unit, 5 * unit), unit=unit, pen=int(unit))
        assert not is_dithered(grey) and undithered(grey) is grey
        assert np.array_equal(picture_of(png(Image.fromarray(grey).convert("1"))), grey)
    specks = np.where(np.random.default_rng(digit).random(grey.shape) < 0.02, 255 - grey, grey).astype(np.uint8)
    assert undithered(specks) is specks  # as a fax has them


def test_greys_stay_as_they_are():
    grey = page(3, 0.7)
    assert undithered(grey) is grey
    tiny = np.array([[0, 255], [255, 0]], np.uint8)
    assert undithered(tiny) is tiny


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_noise_of_two_values_is_no_digit(share):
    noise = np.random.default_rng(0).random((200, 200)) < share
    with pytest.raises(NoDigit):
        to_mnist_form(picture_of(png(Image.fromarray(noise))))
