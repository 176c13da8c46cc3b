"""Pictures in the form of MNIST's: the same digit however it is photographed, and nothing made of nothing."""

import numpy as np
import pytest
from drawn import BESIDE, MARKS, SLASHED, alike, boxed, drawn, marked
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from npdigits.data.sets import load
from npdigits.pictures import mnist_form
from npdigits.pictures.components import Components, NoDigit, stroke_width
from npdigits.pictures.ink import inks
from npdigits.pictures.mnist_form import (
    centred,
    resampled,
    shares,
    thickened,
    thinned,
    to_mnist_form,
    told_apart,
)
from npdigits.pictures.threshold import otsu, separation

DIGITS = range(10)


@pytest.mark.parametrize("digit", DIGITS)
def test_a_digit_fills_its_box_and_is_centred_by_mass(digit):
    image = to_mnist_form(drawn(digit))
    assert image.shape == (28, 28) and image.dtype == np.uint8
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    assert max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1 == 20
    assert ndimage.center_of_mass(image) == pytest.approx((14, 14), abs=0.51)
    assert image.max() >= 250


@pytest.mark.parametrize("digit", DIGITS)
@pytest.mark.parametrize(
    "changes",
    [
        {"ink": 255, "paper": 0},
        {"ink": 90, "paper": 160},
        {"ink": 200, "paper": 120},
        {"place": (5, 120)},
        {"size": (900, 700), "place": (600, 300)},
        {"unit": 30, "pen": 42, "size": (500, 600)},
        {"unit": 4, "pen": 6, "place": (70, 90)},
    ],
    ids=str,
)
def test_a_digit_is_the_same_wherever_and_however_it_stands(digit, changes):
    assert alike(to_mnist_form(drawn(digit)), to_mnist_form(drawn(digit, **changes))) > 0.93


def light(name, shape):
    """Return how light each pixel of a paper is, 1 in full light."""
    y, x = np.mgrid[: shape[0], : shape[1]] / np.array(shape)[:, None, None]
    return {
        "from one side": 1 - 0.65 * x,
        "from a corner": (1 - 0.5 * x) * (0.6 + 0.4 * y),
        "dark corners": 1 - 0.9 * ((x - 0.5) ** 2 + (y - 0.5) ** 2),
        "a lamp": 0.45 + 0.55 * np.exp(-((x - 0.2) ** 2 + (y - 0.1) ** 2) / 0.5),
        "half in the shadow": np.where(x < 0.45, 0.55, 1),
    }[name]


@pytest.mark.parametrize("paper", ["light", "dark"])
@pytest.mark.parametrize("name", ["from one side", "from a corner", "dark corners", "a lamp", "half in the shadow"])
def test_light_may_fall_unevenly(name, paper):
    rng = np.random.default_rng(0)
    colours = {"ink": 60, "paper": 225} if paper == "light" else {"ink": 235, "paper": 70}
    for digit in DIGITS:
        picture = drawn(digit, size=(300, 380), place=(100, 110), **colours)
        lit = picture * light(name, picture.shape) + rng.normal(0, 5, picture.shape)
        assert alike(to_mnist_form(drawn(digit)), to_mnist_form(np.clip(lit, 0, 255).astype(np.uint8))) > 0.85, digit


@pytest.mark.parametrize("digit", DIGITS)
def test_shade_noise_and_specks_do_not_matter(digit):
    rng = np.random.default_rng(digit)
    picture = drawn(digit, size=(300, 380), place=(100, 100), paper=210, ink=70).astype(float)
    picture *= np.linspace(0.55, 1.1, 300)[None, :] * np.linspace(1, 0.8, 380)[:, None]  # light from one side
    picture += rng.normal(0, 6, picture.shape)
    picture[20:24, 30:34] = 20  # a speck
    picture[:, :6] = 10  # the table beyond the paper
    plain = to_mnist_form(drawn(digit))
    assert alike(plain, to_mnist_form(np.clip(picture, 0, 255).astype(np.uint8))) > 0.85


@pytest.mark.parametrize("mark", MARKS)
def test_other_marks_on_the_paper_do_not_matter(mark):
    for digit in DIGITS:
        alone = to_mnist_form(drawn(digit))
        assert alike(alone, to_mnist_form(marked(digit, mark))) > 0.93, digit
        assert alike(alone, to_mnist_form(255 - marked(digit, mark))) > 0.93, digit


@pytest.mark.parametrize("digit", DIGITS)
def test_empty_boxes_and_large_ones_are_left_out(digit):
    assert alike(to_mnist_form(drawn(digit, unit=8.0)), to_mnist_form(boxed(digit))) > 0.93
    small = boxed(digit, beside=False, unit=3.5)  # a fifth of the box
    assert alike(to_mnist_form(drawn(digit, unit=3.5)), to_mnist_form(small)) > 0.93


def test_a_zero_with_a_slash_is_no_frame_around_a_one():
    image = to_mnist_form(np.asarray(SLASHED))
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    assert rows[-1] - rows[0] == 19 and image[14, [columns[0], 14, columns[-1]]].all()


def test_of_a_digit_cut_to_its_edges_nothing_is_taken_for_lines_or_a_table():
    split = load("mnist_5k").train
    for image in split.images[split.rows[:1000]].reshape(-1, 28, 28):
        inner = image > 40
        rows, columns = np.flatnonzero(inner.any(axis=1)), np.flatnonzero(inner.any(axis=0))
        ink, _ = next(inks(255 - image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]))
        threshold, pieces = told_apart(ink)
        assert threshold == otsu(ink)
        try:
            _, kept = pieces.digit()
        except NoDigit:
            continue
        if not pieces.stands_out:  # else what touches the edges has always been left out
            assert kept.sum() > 0.9 * (ink > threshold).sum()


def digit_of(mask):
    box, cut = Components.of(mask).digit()
    whole = np.zeros_like(mask)
    whole[box.top : box.bottom, box.left : box.right] = cut
    return whole


def test_a_dotted_zero_keeps_its_dot_and_a_five_its_bar():
    mask = drawn(0) < 128
    zero = digit_of(mask)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    middle = (rows[0] + rows[-1]) // 2, (columns[0] + columns[-1]) // 2
    mask[middle[0] - 8 : middle[0] + 9, middle[1] - 8 : middle[1] + 9] = True
    assert digit_of(mask).sum() == zero.sum() + 17 * 17
    mask[middle[0] - 30 : middle[0] + 30, middle[1] - 8 : middle[1] + 9] = (
        True  # a stroke within, but round is no frame
    )
    assert digit_of(mask).sum() == zero.sum() + 60 * 17
    bar = np.zeros((100, 100), bool)
    bar[40:90, 30:38] = bar[82:90, 30:60] = True
    bar[28:36, 42:52] = True  # near, though as compact as a blot
    assert digit_of(bar)[30, 45]


@pytest.mark.parametrize("digit", [1, 2, 4, 8])
def test_a_thin_pen_is_made_as_thick_as_the_sets_pens(digit):
    thin, usual = to_mnist_form(drawn(digit, pen=3)), to_mnist_form(drawn(digit))
    assert thin.max() >= 200 and 1.5 < stroke_width(thin > 127) < 3
    assert alike(thin, usual) > 0.7


@pytest.mark.parametrize("digit", [2, 3, 5, 8])
def test_a_marker_is_made_as_thin_as_the_sets_widest_pens(digit, monkeypatch):
    """So that the gaps, which its strokes close, are open."""
    marked = drawn(digit, pen=50)
    image = to_mnist_form(marked)
    assert 3.3 < stroke_width(image > 127) < 4.4
    monkeypatch.setattr(mnist_form, "THICK", 99)
    assert stroke_width(to_mnist_form(marked) > 127) > 4.5 and image.sum() < to_mnist_form(marked).sum()


def test_pens_as_wide_as_the_sets_stay_so(monkeypatch):
    images = [to_mnist_form(drawn(digit, pen=pen)) for digit in (2, 5, 8) for pen in (14, 22)]
    monkeypatch.setattr(mnist_form, "THICK", 99)
    again = [to_mnist_form(drawn(digit, pen=pen)) for digit in (2, 5, 8) for pen in (14, 22)]
    assert np.array_equal(images, again)


def test_mnists_own_digits_stay_what_they_are():
    images = load("mnist_5k").test.images.reshape(-1, 28, 28)
    correlations = [alike(image, to_mnist_form(255 - image)) for image in images]
    assert np.median(correlations) > 0.99 and np.quantile(correlations, 0.01) > 0.9
    assert all(np.array_equal(to_mnist_form(image), to_mnist_form(255 - image)) for image in images[:50])


NOTHING = {
    "white": np.full((50, 60), 255, np.uint8),
    "black": np.zeros((50, 60), np.uint8),
    "one pixel": np.zeros((1, 1), np.uint8),
    "a faint digit": drawn(4, ink=220),
    "a faint shade": np.linspace(200, 215, 3000).reshape(50, 60).astype(np.uint8),
    "grain": np.random.default_rng(0).normal(200, 4, (300, 300)).clip(0, 255).astype(np.uint8),
    "noise": np.random.default_rng(0).integers(0, 256, (200, 200)).astype(np.uint8),
    "a dot": np.pad(np.zeros((5, 5), np.uint8), 40, constant_values=255),
    "a blot": np.pad(np.zeros((30, 34), np.uint8), 40, constant_values=255),
    "a block": np.pad(np.zeros((30, 60), np.uint8), 40, constant_values=255),
    "light from one side": np.tile(np.linspace(60, 210, 512), (512, 1)).astype(np.uint8),
    "a table's edge": np.hstack([np.zeros((200, 40), np.uint8), np.full((200, 160), 255, np.uint8)]),
    "two digits": np.hstack([drawn(d, size=(140, 280), place=(20, 70)) for d in (3, 7)]),
    "an 8 and a stroke": BESIDE,
    "a line of text": np.hstack([drawn(d, size=(120, 280), place=(20, 70)) for d in (1, 2, 3, 4, 5, 6, 7)]),
}


def test_a_page_of_specks_is_refused_at_once():
    specks = np.zeros((1000, 1000), np.uint8)
    specks[::4, ::4] = 255  # 62,500 pieces: what looks at each pair of them takes hours
    with pytest.raises(NoDigit):
        to_mnist_form(specks)


@pytest.mark.parametrize("name", NOTHING)
def test_what_is_no_digit_is_said_to_be_none(name):
    with pytest.raises(NoDigit, match=r"blank|pieces|ink|wider|more line|pixels high|blot|band|several|across"):
        to_mnist_form(NOTHING[name])


@given(arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40))))
def test_any_picture_becomes_an_image_or_is_refused(picture):
    try:
        image = to_mnist_form(picture)
    except NoDigit as error:
        assert str(error)
    else:
        assert image.shape == (28, 28) and image.any()


def test_separation_is_the_share_of_variance_between():
    values = np.array([0, 0, 10, 10])
    assert separation(values, 0) == 1 and separation(values, 20) == 0
    values = np.array([0, 2, 8, 10])  # means 1 and 9 about 5: 16 of a variance of 17
    assert separation(values, 5) == pytest.approx(16 / 17)


def test_otsu_parts_with_the_largest_variance_between():
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(60, 12, 700), rng.normal(170, 20, 300)]).clip(0, 255).astype(np.uint8)

    def between(t):
        low, high = values[values <= t].astype(float), values[values > t].astype(float)
        return len(low) * len(high) * (low.mean() - high.mean()) ** 2 if len(low) and len(high) else -1

    assert otsu(values) == max(range(256), key=between)
    assert otsu(np.full(5, 7, np.uint8)) == 7


@pytest.mark.parametrize(("n", "m"), [(20, 20), (57, 20), (280, 20), (21, 20), (7, 20), (1, 20), (3, 1)])
def test_resampling_keeps_means_and_lines(n, m):
    rows = shares(n, m)
    assert rows.shape == (m, n) and (rows >= 0).all()
    np.testing.assert_allclose(rows.sum(axis=1), 1)
    middle = (np.arange(m) + 0.5) * n / m - 0.5
    inner = (middle > n / m / 2) & (middle < n - 1 - n / m / 2)
    np.testing.assert_allclose((rows @ np.arange(n))[inner], middle[inner], atol=0.05)
    if n % m == 0:  # then it is the mean of blocks
        values = np.random.default_rng(0).random((n, n))
        blocks = values.reshape(m, n // m, m, n // m).mean(axis=(1, 3))
        np.testing.assert_allclose(resampled(values, m, m), blocks)


def test_thickening_is_dilation_by_a_square():
    values = np.random.default_rng(0).random((12, 9))
    for by in (1, 2, 5):
        padded = np.pad(values, by)
        got = thickened(values, by)
        assert got.shape == (12 + by, 9 + by)
        windows = np.lib.stride_tricks.sliding_window_view(padded, (by + 1, by + 1)).max(axis=(2, 3))
        np.testing.assert_array_equal(got, windows)
    assert thickened(values, 0) is values


def test_thinning_is_erosion_by_a_square():
    values = np.random.default_rng(0).random((12, 9))
    for by in (1, 2, 5):
        windows = np.lib.stride_tricks.sliding_window_view(values, (by + 1, by + 1)).min(axis=(2, 3))
        np.testing.assert_array_equal(thinned(values, by), windows)
    assert thinned(values, 0) is values


def test_pieces_are_the_digits_and_not_the_edges():
    mask = np.zeros((40, 40), bool)
    mask[10:30, 15:20] = True  # the digit
    mask[12, 30:33] = True  # a piece of it, 3 of 100 pixels: a speck
    mask[25, 22:32] = True  # 10 of 100: a bar that belongs to it
    mask[:, 0] = True  # the edge of a scan
    kept = digit_of(mask)
    assert kept[10:30, 15:20].all() and kept[25, 22:32].all()
    assert not kept[12, 30:33].any() and not kept[:, 0].any()
    mask[10:30, 15:20] = mask[25, 22:32] = mask[12, 30:33] = False
    assert digit_of(mask)[:, 0].all()  # where there is nothing else


def test_centring_stays_within_the_image():
    corner = np.zeros((20, 20))
    corner[0, 0] = 255
    image = centred(corner)
    assert image[8, 8] == 255 and image.sum() == 255
