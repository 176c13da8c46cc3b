"""Digits in many pieces are joined; what is many digits, or noise, is not."""

import numpy as np
import pytest
from drawn import drawn
from PIL import Image, ImageDraw
from test_mnist_form import alike

from npdigits.pictures.components import Components, NoDigit, SeveralDigits
from npdigits.pictures.gaps import gap_of
from npdigits.pictures.mnist_form import to_mnist_form

# Rows of a 5 × 7 dot matrix, bits from left to right: 2, 3, 4, 8.
MATRIX = {
    2: (14, 17, 1, 2, 4, 8, 31),
    3: (31, 2, 4, 2, 1, 17, 14),
    4: (2, 6, 10, 18, 31, 2, 2),
    8: (14, 17, 17, 14, 17, 17, 14),
}
# Ends of the segments of a display, of 1 × 2, and which are lit.
SEGMENTS = {
    **{"a": (0, 0, 1, 0), "b": (1, 0, 1, 1), "c": (1, 1, 1, 2), "d": (0, 2, 1, 2)},
    **{"e": (0, 1, 0, 2), "f": (0, 0, 0, 1), "g": (0, 1, 1, 1)},
}
LIT = {2: "abged", 3: "abgcd", 5: "afgcd", 6: "afgedc", 8: "abcdefg", 9: "abcdfg"}


def dots(digit, pitch, share):
    """Return a digit of round dots whose diameter is such a share of their pitch."""
    rows = np.array([[MATRIX[digit][y] >> (4 - x) & 1 for x in range(5)] for y in range(7)])
    place = (np.arange(7 * pitch) % pitch - (pitch - 1) / 2)[:, None]
    round_ones = np.hypot(place, place[: 5 * pitch].T) <= share * pitch / 2
    ink = round_ones & np.kron(rows, np.ones((pitch, pitch), int)).astype(bool)
    return np.where(np.pad(ink, 4 * pitch), 20, 240).astype(np.uint8)


def display(digit, gap, lit=True):
    """Return a digit of seven segments, each so far from where they would meet; whole if not ``lit``."""
    image = Image.new("L", (260, 360), 240)
    pencil = ImageDraw.Draw(image)
    for name in LIT[digit]:
        ax, ay, bx, by = (80 + 100 * x for x in SEGMENTS[name])
        dx, dy = (gap if bx > ax else 0), (gap if by > ay else 0)
        pencil.line((ax + dx, ay + dy, bx - dx, by - dy), fill=20, width=12)
    return np.asarray(image)


@pytest.mark.parametrize("share", [0.6, 0.75, 0.9])
@pytest.mark.parametrize("digit", MATRIX)
@pytest.mark.parametrize("pitch", [8, 21])
def test_dots_become_strokes(digit, share, pitch):
    whole = np.kron([[MATRIX[digit][y] >> (4 - x) & 1 for x in range(5)] for y in range(7)], np.ones((20, 20), int))
    plain = to_mnist_form(np.where(np.pad(whole, 60) > 0, 20, 240).astype(np.uint8))
    assert alike(plain, to_mnist_form(dots(digit, pitch, share))) > 0.8
    assert alike(plain, to_mnist_form(255 - dots(digit, pitch, share))) > 0.8


@pytest.mark.parametrize("gap", [8, 12])
@pytest.mark.parametrize("digit", LIT)
def test_segments_become_strokes(digit, gap):
    assert alike(to_mnist_form(display(digit, 0)), to_mnist_form(display(digit, gap))) > 0.8


@pytest.mark.parametrize("digit", LIT)
def test_segments_of_a_narrow_display_are_no_captions(digit):
    # The lowest one is far from the highest piece, wide, and shorter than that.
    whole, parts = (np.asarray(Image.fromarray(display(digit, gap)).resize((200, 360))) for gap in (0, 10))
    assert alike(to_mnist_form(whole), to_mnist_form(parts)) > 0.8


@pytest.mark.parametrize("digit", range(10))
def test_broken_strokes_are_one_digit(digit):
    whole = drawn(digit, size=(240, 300))
    y, x = np.mgrid[:300, :240]
    picture = np.where(((x + y // 3) % 28 < 4) | ((y - x // 4) % 24 < 4), 255, whole).astype(np.uint8)
    assert alike(to_mnist_form(whole), to_mnist_form(picture)) > 0.8


def test_many_digits_are_not_joined():
    small = {d: drawn(d, size=(96, 110), place=(20, 20), unit=5.0, pen=8) for d in (2, 3, 4, 6, 7, 8)}
    rows = [np.hstack([small[d] for d in row]) for row in ((3, 7, 2), (8, 4, 6))]
    with pytest.raises(SeveralDigits):
        to_mnist_form(np.vstack(rows))


@pytest.mark.parametrize("share", [0.02, 0.05, 0.1])
def test_specks_all_over_a_page_are_not_joined(share):
    rng = np.random.default_rng(0)
    specks = np.kron(rng.random((50, 40)) < share, np.ones((5, 5), bool))
    with pytest.raises(NoDigit):
        to_mnist_form(np.where(specks, 20, 240).astype(np.uint8))


def test_what_stands_out_is_not_joined():
    for digit in range(10):
        assert gap_of(Components.of(drawn(digit) < 128)) == 0
    assert gap_of(Components.of(dots(4, 10, 0.7) < 128)) == 5
