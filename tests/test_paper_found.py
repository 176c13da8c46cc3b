"""The sheet of paper in a photograph: found on tables, taken upright, and nothing done where there is none."""

import numpy as np
import pytest
from drawn import drawn
from PIL import Image
from scipy import ndimage

from npdigits.pictures.components import NoDigit
from npdigits.pictures.mnist_form import to_mnist_form
from npdigits.pictures.outline import corners_of, hull_mask, hull_of, turn_of
from npdigits.pictures.paper import sheet_in

SHEET = drawn(5, size=(240, 320), place=(60, 80), unit=12.0, pen=12, ink=40, paper=225)


def noisy(grey, sigma=4.0, seed=0):
    """Return a picture as a camera takes it."""
    values = ndimage.gaussian_filter(grey.astype(float), 0.6) + np.random.default_rng(seed).normal(0, sigma, grey.shape)
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def on_table(sheet, top, left, size=(400, 360), table=45, turn=0.0):
    """Return a picture of a sheet that lies on a table, its upper left corner there, turned about its middle."""
    shown = Image.new("L", (sheet.shape[1], sheet.shape[0]), 255)
    layers = [Image.fromarray(sheet), shown]
    turned = [layer.rotate(turn, Image.Resampling.BICUBIC, expand=True) for layer in layers]
    picture = Image.new("L", (size[1], size[0]), table)
    picture.paste(turned[0], (left, top), turned[1])
    return np.asarray(picture)


def same_digit(form, other):
    """Say whether two images in MNIST's form are about the same."""
    return np.abs(form.astype(int) - other).mean() < 12


@pytest.mark.parametrize("table", [10, 45, 110, 255])
@pytest.mark.parametrize("place", [(0, 0), (-40, 0), (40, 60), (-40, -50), (60, -50), (100, 30)])
def test_a_table_on_any_side_changes_nothing(place, table):
    """Darker or lighter than the paper, along one edge, two, three or four."""
    sheet = SHEET if table < 200 else (SHEET * 0.7).astype(np.uint8)
    form = to_mnist_form(noisy(on_table(sheet, *place, table=table)))
    assert same_digit(form, to_mnist_form(sheet))


@pytest.mark.parametrize("turn", [-30, -12, 12, 30])
def test_a_sheet_whose_four_edges_are_seen_is_taken_upright(turn):
    sheet = sheet_in(noisy(on_table(SHEET, 20, 20, (460, 460), turn=turn)))
    assert sheet is not None
    assert np.abs(np.array(sheet.shape) - SHEET.shape).max() < 30
    assert same_digit(to_mnist_form(sheet), to_mnist_form(SHEET))


def test_a_sheet_in_perspective_is_taken_upright():
    corners = np.array([(90, 60), (330, 90), (380, 420), (50, 390)], float)
    coefficients = np.linalg.solve(
        np.array(
            [
                row
                for (x, y), (u, v) in zip(corners, [(0, 0), (240, 0), (240, 320), (0, 320)], strict=True)
                for row in ([x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y])
            ]
        ),
        np.array([0, 0, 240, 0, 240, 320, 0, 320], float),
    )
    seen = Image.fromarray(SHEET).transform(
        (440, 480), Image.Transform.PERSPECTIVE, coefficients.tolist(), Image.Resampling.BICUBIC, fillcolor=50
    )
    sheet = sheet_in(noisy(np.asarray(seen)))
    assert sheet is not None
    assert same_digit(to_mnist_form(sheet), to_mnist_form(SHEET))


def test_where_there_is_no_table_nothing_is_done():
    """Even light, uneven light, a soft shadow, and a drawing whose paper has one grey value."""
    y, x = np.mgrid[:320, :240]
    soft = 1 - 0.4 * np.exp(-(((x - 60) / 50.0) ** 2) - ((y - 100) / 60.0) ** 2)
    for light in (1.0, 1 - 0.5 * x / 240, soft):
        assert sheet_in(noisy(SHEET * light)) is None
    assert sheet_in(on_table(SHEET, 40, 60)) is None


def test_a_stroke_over_the_border_of_a_shadow_is_not_cut():
    """The border of a shadow is as that of a table; the digit lies across it."""
    light = np.ones(SHEET.shape)
    light[170:] = 0.6
    picture = noisy(SHEET * light)
    assert sheet_in(picture) is None
    assert same_digit(to_mnist_form(picture), to_mnist_form(SHEET))


def test_a_table_and_a_shadow_across_the_digit():
    light = np.ones((400, 360))
    light[:, 200:] = 0.6
    sheet = sheet_in(noisy(on_table(SHEET, 40, 60) * light))
    assert sheet is not None
    assert same_digit(to_mnist_form(sheet), to_mnist_form(SHEET))


@pytest.mark.parametrize("wide", [6, 10, 14])
@pytest.mark.parametrize("slant", [0.2, 0.5])
def test_a_shadow_with_a_soft_edge_does_not_divide_a_sheet(slant, wide):
    """Its edge lies beside the digit, which then is on one part of the sheet alone."""
    y, x = np.mgrid[:400, :360]
    light = 0.55 + 0.45 * np.clip((y - 290 - slant * (x - 180)) / wide + 0.5, 0, 1)
    sheet = sheet_in(noisy(on_table(SHEET, 40, 60) * light))
    assert sheet is not None
    assert np.abs(np.array(sheet.shape) - SHEET.shape).max() < 30
    assert same_digit(to_mnist_form(sheet), to_mnist_form(SHEET))


def test_several_digits_on_a_sheet_are_refused():
    two = np.concatenate([SHEET, SHEET], axis=1)
    with pytest.raises(NoDigit, match="digits"):
        to_mnist_form(noisy(on_table(two, 40, 60, (400, 600))))


def test_hulls_and_their_corners():
    """Of a rectangle that is turned, with a rounded corner, four corners are left; of a disc there are many."""
    y, x = np.mgrid[:120, :140]
    turned = (abs((x - 70) + 0.3 * (y - 60)) < 45) & (abs((y - 60) - 0.3 * (x - 70)) < 35)
    hull = hull_of(turned)
    assert not (turned & ~hull_mask(hull, turned.shape)).any()
    corners = corners_of(hull)
    assert len(corners) == 4
    turn, skew = turn_of(corners)
    assert turn == pytest.approx(np.rad2deg(np.arctan(0.3)), abs=2)
    assert skew < 3
    assert len(corners_of(hull_of((x - 70) ** 2 + (y - 60) ** 2 < 50**2))) > 7
