"""Sheets of images: where each stands, and that no name is a formula or breaks out of its place."""

import io
import warnings

import numpy as np
import pytest
from PIL import Image

from npdigits.base import canvas, sheet


def opened(content):
    return np.asarray(Image.open(io.BytesIO(content)).convert("L"))


def blocks(n, shape=(8, 8)):
    """Return images that are all ink."""
    return np.full((n, *shape), 255, np.uint8)


@pytest.mark.parametrize("shape", [(8, 8), (28, 28), (4, 40), (40, 4), (1, 1)])
def test_images_stand_in_rows_and_columns(shape):
    captioned = opened(sheet.captioned("", blocks(8, shape), [[]] * 8, columns=3))
    dark = captioned < 128
    rows, columns = runs_of(dark.any(axis=1)), runs_of(dark.any(axis=0))
    assert (rows, columns) == (3, 3)
    last = np.flatnonzero(dark.any(axis=1))[-1]
    assert runs_of(dark[last]) == 2  # of the last row


def runs_of(truth):
    """Return how many runs of truth there are."""
    return int((np.diff(np.concatenate([[False], truth])) & np.concatenate([[False], truth])[1:]).sum())


def test_floats_are_on_the_same_scale():
    half = np.full((1, 8, 8), 127.5, np.float32)
    middle = opened(sheet.captioned("", half, [[]], columns=1))
    assert 120 <= np.median(middle[middle < 250]) <= 135


def test_a_row_for_each_name():
    rows = [("one", blocks(3)), ("two", blocks(1)), ("none", blocks(0))]
    content = opened(sheet.in_rows("", rows)) < 40
    wide = content.sum(axis=1) > 0.25 * content.shape[1]
    assert runs_of(wide) == 1  # three images beside each other take so much of a row; one alone does not


@pytest.mark.parametrize("name", ["$x_1$", "a\x1b[31m\n.png", "ü" * 300, "数字.png", "\udc80.png", ""])
def test_any_name_is_drawn_as_it_is(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        content = sheet.captioned(name, blocks(1), [[name, name]])
        assert content == sheet.captioned(name, blocks(1), [[name, name]])
        sheet.in_rows(name, [(name, blocks(1))])
    assert content[:4] == b"\x89PNG"


def test_a_formula_is_no_formula():
    typed, drawn = (opened(sheet.captioned("", blocks(1), [[text]])) for text in ("$a$", "a"))
    assert (typed < 128).sum() > (drawn < 128).sum()  # the dollars are there


def test_the_end_of_a_long_name_is_shown():
    assert sheet._end_of("folder/of/many/pictures/0012.png", 12) == "…es/0012.png"
    assert sheet._end_of("0012.png", 12) == "0012.png"


def test_letters_that_the_font_lacks_are_escapes_of_which_none_is_cut():
    assert sheet._end_of("四.png", 12) == r"\u56db.png"
    assert sheet._end_of("数字四.png", 12) == r"…\u56db.png"
    assert sheet._end_of("数字四.png", 10) == "….png"
    assert sheet._end_of("é 😀", 20) == "é 😀"  # DejaVu has some
    assert canvas.plain("$四") == r"\$\u56db"


def test_more_rows_than_a_picture_holds_are_cut():
    height = opened(sheet.in_rows("", [(str(i), blocks(1)) for i in range(sheet.MOST_ROWS + 5)])).shape[0]
    assert height == opened(sheet.in_rows("", [(str(i), blocks(1)) for i in range(sheet.MOST_ROWS)])).shape[0]
