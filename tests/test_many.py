"""All digits of a picture: lines, spaces, separators, grids, digits that touch; where they are."""

import numpy as np
import pytest
from drawn import drawn
from PIL import Image, ImageDraw

from npdigits.pictures import many, touching
from npdigits.pictures.components import NoDigit
from npdigits.pictures.many import page_of
from npdigits.pictures.mnist_form import to_mnist_form

FORMS = np.array([to_mnist_form(drawn(digit)) for digit in range(10)]).reshape(10, -1) / 255.0
# A drawn digit's box: its strokes' ends, and half a pen beyond.
WIDE, HIGH = 100, 160


def read(images):
    """Read images by the drawn digit that they are most like: sure where they are much alike."""
    some = images.reshape(len(images), -1) / 255.0
    alike = some @ FORMS.T / np.outer(np.linalg.norm(some, axis=1) + 1e-9, np.linalg.norm(FORMS, axis=1))
    p = np.exp(25 * alike)
    return p / p.sum(axis=1, keepdims=True) * np.minimum(1, alike.max(axis=1, keepdims=True) + 0.2)


def text_of(page):
    """Return the lines' texts as drawn digits read them; "?" for what is refused."""
    lines = {}
    for one in page.found:
        letter = one.mark or ("?" if one.image is None else str(read(one.image[None]).argmax()))
        lines.setdefault(one.line, []).append((" " if one.after_space else "") + letter)
    return ["".join(lines[line]) for line in sorted(lines)]


def page(*placed, size=(900, 500), paper=255, unit=6.0, pen=9):
    """Return a picture with digits at places: (digit, x, y)."""
    whole = np.full(size[::-1], paper, np.uint8)
    for digit, x, y in placed:
        whole = np.minimum(whole, drawn(digit, size=size, place=(x, y), unit=unit, pen=pen, paper=paper))
    return whole


def row(digits, x=40, y=60, step=90):
    return [(digit, x + i * step, y) for i, digit in enumerate(digits)]


def with_marks(grey, *marks):
    """Return a picture with ink: ("line", points, width) or ("dot", middle, radius)."""
    image = Image.fromarray(grey)
    pencil = ImageDraw.Draw(image)
    for kind, where, size in marks:
        if kind == "line":
            pencil.line(where, fill=0, width=size)
        else:
            pencil.ellipse((where[0] - size, where[1] - size, where[0] + size, where[1] + size), fill=0)
    return np.asarray(image)


def test_a_row_is_read_from_left_to_right_with_a_box_each():
    found = page_of(page(*row([3, 1, 4, 2])), read).found
    assert [str(read(one.image[None]).argmax()) for one in found] == ["3", "1", "4", "2"]
    assert [(one.line, one.position) for one in found] == [(1, 1), (1, 2), (1, 3), (1, 4)]
    for one, (digit, x, y) in zip(found, row([3, 1, 4, 2]), strict=True):
        ink = np.argwhere(drawn(digit, size=(900, 500), place=(x, y), unit=6.0, pen=9) < 128)
        (top, left), (bottom, right) = ink.min(axis=0), ink.max(axis=0) + 1
        assert one.place == pytest.approx((left, top, right, bottom), abs=1)


def test_a_digit_is_in_the_same_form_as_alone_on_its_picture():
    found = page_of(page(*row([5, 8, 0])), read).found
    for one, digit in zip(found, [5, 8, 0], strict=True):
        alone = to_mnist_form(page((digit, 300, 100)))
        assert np.abs(one.image.astype(int) - alone).max() <= 2


def test_light_digits_on_dark_are_read_too():
    assert text_of(page_of(255 - page(*row([7, 0, 9])), read)) == ["709"]


def test_lines_are_read_from_top_to_bottom_and_spaces_are_seen():
    grey = page(*row([1, 2], y=30), *row([4, 5], x=500, y=36), *row([7, 3, 9], x=120, y=200), (6, 60, 350))
    assert text_of(page_of(grey, read)) == ["12 45", "739", "6"]


@pytest.mark.parametrize("degrees", [-8, 5])
def test_lines_that_are_turned_are_read_as_level_ones(degrees):
    grey = page(*row([1, 2, 3, 4, 5, 6, 7, 8], y=60), *row([9, 0, 2, 5, 3, 8], y=220))
    turned = Image.fromarray(grey).rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=255)
    assert text_of(page_of(np.asarray(turned), read)) == ["12345678", "902538"]


def test_boxes_of_turned_lines_are_around_the_ink_in_the_picture():
    grey = page(*row([1, 2, 3, 4, 5, 6, 7, 8], y=60))
    turned = np.asarray(Image.fromarray(grey).rotate(-7, Image.Resampling.BICUBIC, expand=True, fillcolor=255))
    ink = turned < 128
    for left, top, right, bottom in (one.place for one in page_of(turned, read).found):
        assert ink[round(top) : round(bottom), round(left) : round(right)].mean() > 0.05
        ink[round(top) - 2 : round(bottom) + 2, round(left) - 2 : round(right) + 2] = False
    assert not ink.any()


# The foot of the digits of ``row`` is at y = 144, their top at 60; between the first two there is room at x = 117.
SEPARATORS = {
    ".": [("dot", (117, 141), 6)],
    ",": [("line", (120, 132, 112, 160), 8)],
    "-": [("line", (104, 104, 130, 104), 8)],
    ":": [("dot", (117, 85), 6), ("dot", (117, 138), 6)],
    "/": [("line", (136, 44, 100, 162), 8)],
}


@pytest.mark.parametrize("mark", SEPARATORS)
def test_a_separator_is_read(mark):
    grey = with_marks(page((2, 20, 60), (5, 150, 60), (8, 240, 60)), *SEPARATORS[mark])
    found = page_of(grey, read)
    assert text_of(found) == [f"2{mark}58"]
    assert [one.position for one in found.found] == [1, 1, 2, 3]


def test_a_date_has_its_points():
    grey = page((1, 20, 60), (2, 90, 60), (0, 210, 60), (5, 290, 60), (2, 410, 60), (6, 490, 60))
    grey = with_marks(grey, ("dot", (180, 141), 6), ("dot", (380, 141), 6))
    assert text_of(page_of(grey, read)) == ["12.05.26"]


@pytest.mark.parametrize(
    "mark", [("dot", (117, 70), 6), ("line", (104, 70, 130, 70), 8), ("line", (110, 96, 128, 118), 8)]
)
def test_a_small_mark_that_is_no_separator_is_left_out_and_told(mark):
    grey = with_marks(page((2, 20, 60), (5, 150, 60), (8, 240, 60)), mark)
    found = page_of(grey, read)
    assert text_of(found) == ["258"]
    assert len(found.left_out) == 1


def test_a_bar_that_is_apart_belongs_to_its_digit():
    grey = page((1, 30, 60), (5, 120, 60), (1, 230, 60)).copy()
    grey[66:76, 110:200] = 255  # a gap below the bar of the 5
    found = page_of(grey, read)
    assert len(found.found) == 3
    assert found.found[1].place[1] < 64 and not found.left_out


def test_lines_margins_and_blots_are_no_digits():
    grey = with_marks(
        page(*row([2, 5, 8])), ("line", (15, 0, 15, 500), 3), ("line", (0, 300, 900, 300), 3), ("dot", (700, 100), 40)
    )
    assert text_of(page_of(grey, read)) == ["258"]


def test_a_frame_around_a_number_is_no_digit():
    image = Image.fromarray(page(*row([2, 5, 8, 1])))
    ImageDraw.Draw(image).rectangle((12, 30, 420, 180), outline=0, width=4)
    assert text_of(page_of(np.asarray(image), read)) == ["2581"]


def grid(cells, side=70, width=3, digit=(18, 12), unit=3.0, pen=5):
    """Return a picture of a grid with digits in its cells, 0 where a cell is empty."""
    high, wide = (side * n + 60 for n in cells.shape)
    whole = np.full((high, wide), 250, np.uint8)
    for (i, j), value in np.ndenumerate(cells):
        if value:
            place = 30 + side * j + digit[0], 30 + side * i + digit[1]
            whole = np.minimum(whole, drawn(value, size=(wide, high), place=place, unit=unit, pen=pen, paper=250))
    image = Image.fromarray(whole)
    pencil = ImageDraw.Draw(image)
    for i in range(cells.shape[0] + 1):
        pencil.line((30, 30 + side * i, wide - 30, 30 + side * i), fill=20, width=width)
    for j in range(cells.shape[1] + 1):
        pencil.line((30 + side * j, 30, 30 + side * j, high - 30), fill=20, width=width)
    return np.asarray(image)


def cells_of(found):
    rows, columns = found.grids[0]
    table = np.zeros((rows, columns), int)
    for one in found.found:
        table[one.cell[1] - 1, one.cell[2] - 1] = read(one.image[None]).argmax()
    return table


SUDOKU = np.where(np.random.default_rng(5).random((9, 9)) < 0.4, np.random.default_rng(6).integers(1, 10, (9, 9)), 0)


def assert_nearly_all(cells):
    """Expect digits in the right cells, and nearly all of them to be like the drawn ones."""
    np.testing.assert_array_equal(cells > 0, SUDOKU > 0)
    assert (cells == SUDOKU)[SUDOKU > 0].mean() > 0.9


def test_a_sudoku_is_read_cell_by_cell():
    found = page_of(grid(SUDOKU), read)
    assert found.grids == [(9, 9)] and found.lines == 9
    np.testing.assert_array_equal(cells_of(found), SUDOKU)


@pytest.mark.parametrize("degrees", [-5, 7])
def test_a_sudoku_that_is_turned_is_too(degrees):
    turned = Image.fromarray(grid(SUDOKU)).rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=250)
    assert_nearly_all(cells_of(page_of(np.asarray(turned), read)))


def test_a_sudoku_at_an_angle_in_a_slope_of_light_is_too():
    grey = grid(SUDOKU)
    high, wide = grey.shape
    # The picture's corners show these places of the sheet.
    corners = (-60, -40, 20, high + 30, wide - 10, high + 60, wide + 70, -20)
    quad, bicubic = Image.Transform.QUAD, Image.Resampling.BICUBIC
    image = Image.fromarray(255 - grey).transform((700, 720), quad, corners, bicubic, fillcolor=5)
    lit = (255.0 - np.asarray(image)) * np.linspace(1, 0.6, 700) + np.random.default_rng(0).normal(
        0, 2, image.size[::-1]
    )
    assert_nearly_all(cells_of(page_of(lit.clip(0, 255).astype(np.uint8), read)))


def test_digits_that_touch_the_lines_of_a_grid_are_freed():
    cells = np.array([[2, 5, 7], [3, 0, 9], [8, 4, 6]])
    found = page_of(grid(cells, digit=(30, 12), pen=6, unit=3.6), read)
    assert found.grids == [(3, 3)]
    right = cells_of(found) == cells
    assert right.sum() >= 8 and right[1, 1]


def test_numbers_above_and_below_a_grid_keep_their_order():
    whole = np.full((700, 400), 250, np.uint8)
    whole[150 : 150 + 270, 30 : 30 + 270] = grid(np.array([[1, 0, 3], [0, 5, 0], [7, 0, 9]]))
    for digit, y in ((4, 20), (6, 520)):
        whole = np.minimum(whole, drawn(digit, size=(400, 700), place=(60, y), unit=6.0, pen=9, paper=250))
    found = page_of(whole, read)
    assert found.line_of_grid == [2] and found.lines == 5
    assert text_of(found) == ["4", "13", "5", "79", "6"]


def test_two_digits_that_touch_are_split():
    grey = page((2, 40, 60), (3, 94, 60), (7, 250, 60))
    found = page_of(grey, read)
    assert text_of(found) == ["237"]
    first, second = (one.place for one in found.found[:2])
    assert first[2] < second[2] and first[0] < second[0]


def test_digits_written_over_one_another_are_refused():
    grey = page((8, 40, 60), (4, 80, 66), (0, 120, 60), (7, 300, 60), (7, 400, 60))
    found = page_of(grey, read)
    assert text_of(found) == ["?77"]
    assert found.found[0].why == many.TOUCH


@pytest.mark.parametrize(
    ("grey", "why"),
    [
        (np.full((100, 100), 255, np.uint8), "blank"),
        (with_marks(page(), ("dot", (100, 100), 2)), "only 5 pixels high"),
        (with_marks(page(), ("line", (50, 100, 800, 100), 3)), "no digits"),
    ],
)
def test_a_page_without_digits_says_why(grey, why):
    with pytest.raises(NoDigit, match=why):
        page_of(grey, read)


def test_a_page_of_too_many_pieces_is_refused(monkeypatch):
    monkeypatch.setattr(many, "MOST_DIGITS", 5)
    with pytest.raises(NoDigit, match="6 pieces that may be digits: allowed are 5"):
        page_of(page(*row([1, 2, 3, 4, 5, 6])), read)


def test_ink_that_is_far_higher_than_the_digits_is_left_out_and_said():
    """As handwriting among much smaller print: it is not read, and not lost in silence."""
    small = page(*row([1, 2, 3, 4, 5, 6, 7, 8] * 2, x=20, y=20, step=50), unit=2.0, pen=4)
    large = page((4, 500, 200), unit=14.0, pen=15)
    found = page_of(np.minimum(small, large), read)
    assert text_of(found) == ["1234567812345678"]
    ((left, top, right, bottom),) = found.left_out
    assert 480 < left < right < 700 and 180 < top < bottom < 430
    assert page_of(small, read).left_out == []


def test_frames_in_which_nothing_is_written_are_no_digits():
    """As the boxes of a form; a 0 is round, that of a display higher, and a digit in a frame is read."""
    frames = [("line", [(x, 40), (x + 90, 40), (x + 90, 160), (x, 160), (x, 40)], 3) for x in (20, 130, 240, 350)]
    assert text_of(page_of(with_marks(page((0, 300, 260), (7, 400, 260)), *frames), read)) == ["07"]
    assert text_of(page_of(with_marks(page((0, 147, 65), unit=5.0), *frames), read)) == ["0"]
    slanted = with_marks(
        page((3, 40, 260), (7, 140, 260)), ("line", [(20, 40), (110, 47), (104, 147), (14, 140), (20, 40)], 3)
    )
    assert text_of(page_of(slanted, read)) == ["37"]
    display = ("line", [(20, 260), (70, 260), (70, 345), (20, 345), (20, 260)], 7)
    assert len(page_of(with_marks(page((3, 110, 260), (7, 200, 260)), display), read).found) == 3


def test_a_broken_digit_is_no_frame_of_its_own_parts():
    """As an 8 whose lower loop is open, with a piece of it within."""
    hook = ("line", [(40, 330), (40, 262), (100, 262), (100, 300)], 5)
    grey = with_marks(page((3, 160, 260), (7, 250, 260)), hook, ("line", [(68, 310), (68, 330)], 6))
    assert len(page_of(grey, read).found) > 2
    assert page_of(grey, read).found[0].place[0] < 50


@pytest.mark.parametrize("specks", [[((117, 66), 6), ((117, 92), 6)], [((117, 85), 7), ((117, 138), 4)]], ids=str)
def test_two_specks_above_one_another_are_no_colon(specks):
    """A colon's points are alike, and not both in the upper half."""
    grey = with_marks(page((2, 20, 60), (5, 150, 60), (8, 240, 60)), *[("dot", *one) for one in specks])
    assert ":" not in text_of(page_of(grey, read))[0]


def test_digits_that_touch_are_refused_where_their_parts_may_be_no_digits():
    grey = page((2, 40, 60), (3, 94, 60), (7, 250, 60))
    assert text_of(page_of(grey, lambda images: 0.8 * read(images))) == ["?7"]


@pytest.mark.parametrize(("second", "n"), [(0.0, 1), (0.4, 2)])
def test_a_wide_digit_is_split_where_two_classes_are_likely_not_where_it_is_strange(second, n):
    """It is read as 0 or 1, with the rest to be no digit; each of its halves as a 3, with certainty."""
    mask = np.zeros((100, 100), bool)
    mask[:, [*range(8), *range(46, 54), *range(92, 100)]] = mask[46:54] = True

    def half_sure(images):
        p = np.zeros((len(images), 10))
        p[:, 3] = 1
        wide = (images > 0).any(axis=1).sum(axis=1) >= 18
        p[wide] = [0.5, second, *[0] * 8]
        return p

    parts = touching.split(np.where(mask, 255, 0).astype(np.uint8), mask, 100, half_sure)
    assert len(parts) == n


def test_a_piece_near_a_digit_is_a_part_of_it_if_that_makes_it_surer():
    """As the upper end of a 2 that is broken off; a speck there is left out."""
    grey = page((2, 40, 60), (1, 200, 60), (8, 280, 60)).copy()
    grey[:95, 64:78] = 255
    found = page_of(grey, read)
    assert text_of(found) == ["218"] and found.left_out == []
    assert found.found[0].place[:2] == pytest.approx((41, 55), abs=1)
    found = page_of(with_marks(page((3, 40, 60), (1, 200, 60), (8, 280, 60)), ("dot", (22, 80), 7)), read)
    assert text_of(found) == ["318"] and len(found.left_out) == 1


def test_a_broken_foot_is_no_point():
    """Below the bar of a 7 a point is round; a piece of a stroke is not."""
    for dash, text in ((("line", (66, 141, 76, 141), 8), "758"), (("dot", (84, 140), 6), "7.58")):
        grey = with_marks(page((7, 20, 60), (5, 150, 60), (8, 240, 60)), dash)
        assert text_of(page_of(grey, read)) == [text]
