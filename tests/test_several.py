"""Several digits on a picture are told from the pieces of one."""

import numpy as np
import pytest
from drawn import alike, drawn, grid, rows_of

from npdigits.pictures.box import Box
from npdigits.pictures.components import NoDigit, SeveralDigits
from npdigits.pictures.mnist_form import to_mnist_form
from npdigits.pictures.panel import holes, is_grid
from npdigits.pictures.several import are_several


@pytest.mark.parametrize(
    "rows",
    [
        [[3, 7]],
        [[0], [0]],
        [[1], [8]],
        [[6], [1], [4]],
        [[0, 0], [0, 0]],
        [[5, None], [None, 2]],
        [[1, 1]],
        [range(10)],
    ],
    ids=str,
)
def test_several_digits_are_refused(rows):
    for picture in (rows_of(*rows), 255 - rows_of(*rows), np.pad(rows_of(*rows), 60, constant_values=255)):
        with pytest.raises(SeveralDigits, match="there are several digits"):
            to_mnist_form(picture)


def test_a_sudoku_is_several_digits_and_of_a_single_one_its_lines_are_left_out():
    rng = np.random.default_rng(0)
    places = [divmod(int(k), 9) for k in rng.permutation(81)[:28]]
    picture = grid({place: int(rng.integers(0, 10)) for place in places})
    for one in (picture, 255 - picture, picture[20:-20, 20:-20]):
        with pytest.raises(SeveralDigits):
            to_mnist_form(one)
    for digit in (2, 5, 8):
        assert alike(to_mnist_form(drawn(digit)), to_mnist_form(grid({(4, 3): digit}))) > 0.8


def test_a_grid_has_cells_and_a_digit_has_none():
    lines = np.zeros((41, 41), bool)
    lines[::10] = lines[:, ::10] = True
    assert is_grid(lines) and holes(lines)[1] == 16
    assert not is_grid(lines[:11, :31])  # three boxes beside one another
    for digit in range(10):
        assert not is_grid(drawn(digit) < 128)
    joined = np.zeros((4, 4), bool)
    joined[0, 1:3] = joined[3, 1:3] = joined[1:3, 0] = joined[1:3, 3] = True
    assert holes(joined)[1] == 1  # strokes are joined by diagonals, what is between them is not


# The pieces of one digit: (top, bottom, left, right).
ONE = {
    "a five and its bar": [(20, 90, 30, 60), (18, 26, 66, 90)],
    "the loops of a broken eight": [(0, 40, 5, 45), (44, 90, 0, 50)],
    "a broken one": [(0, 44, 10, 18), (50, 100, 8, 16)],
    "the halves of a zero": [(0, 100, 0, 30), (2, 98, 34, 64)],
    "a stroke and a dot": [(0, 60, 10, 20), (75, 85, 10, 20)],
    "a four of two strokes": [(0, 60, 0, 60), (10, 100, 40, 48)],
    "a seven of segments": [(0, 10, 0, 33), (11, 39, 34, 44), (51, 79, 34, 44)],
    "seven segments": [
        *[(0, 8, 10, 50), (46, 54, 10, 50), (92, 100, 10, 50)],
        *[(6, 46, 0, 8), (54, 94, 0, 8), (6, 46, 52, 60), (54, 94, 52, 60)],
    ],
}


@pytest.mark.parametrize("name", ONE)
def test_the_pieces_of_one_digit_are_one(name):
    assert not are_several([(Box(*box), 300) for box in ONE[name]])


def test_specks_beside_a_digit_are_none():
    assert not are_several([(Box(0, 100, 0, 60), 2000), (Box(0, 90, 80, 84), 150)])
    assert are_several([(Box(0, 100, 0, 60), 2000), (Box(0, 90, 80, 90), 800)])
    assert not are_several([])


def test_noise_is_refused_at_once():
    rng = np.random.default_rng(0)
    noise = np.where(rng.random((900, 900)) < 0.05, 0, 255).astype(np.uint8)
    with pytest.raises(NoDigit, match="pieces"):
        to_mnist_form(noise)


def test_digits_closely_above_one_another_are_several():
    """With three rows between them; the halves of a broken digit are together no higher than one."""
    assert are_several([(Box(0, 60, 5, 45), 900), (Box(63, 120, 0, 44), 900)])
    assert not are_several([(Box(0, 40, 5, 65), 900), (Box(43, 90, 0, 64), 900)])
    assert not are_several([(Box(0, 60, 5, 15), 500), (Box(63, 120, 4, 14), 500)])  # a broken 1
