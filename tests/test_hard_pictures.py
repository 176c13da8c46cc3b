"""experiments/hard_pictures.py: every kind can be made, again and alone; what is right and lost is counted."""

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from drawn import drawn
from made import REPOSITORY
from PIL import Image

sys.path.insert(0, str(REPOSITORY / "experiments"))
import hard_pictures
from hard import kinds, scoring
from hard.drawing import REFUSED, Digits, Draw
from hard.scoring import Read

from npdigits.base.errors import UserError

sys.path.pop(0)


@pytest.fixture(scope="module")
def source() -> Digits:
    """Twenty digits as MNIST's are."""
    images = [
        drawn(d, size=(28, 28), place=(9, 7), unit=1.0, pen=n + 2, ink=255, paper=0) for n in (0, 1) for d in range(10)
    ]
    return Digits(np.array(images), np.tile(np.arange(10), 2))


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_a_picture_depends_on_its_kind_number_and_seed_alone(kind: str, source: Digits) -> None:
    """The same call gives the same bytes, whatever was made between; another number or seed gives another picture."""
    first = kinds.content_of(kinds.made(kind, 3, 5, source))
    others = [kinds.content_of(kinds.made(kind, number, seed, source)) for number, seed in ((4, 5), (3, 6))]
    assert kinds.content_of(kinds.made(kind, 3, 5, source)) == first
    assert first not in others
    with Image.open(io.BytesIO(first)) as image:
        values = np.asarray(image.convert("RGBA")).reshape(-1, 4).astype(int)
    assert np.ptp(values, axis=0).max() > 30, "something is to be seen"


def test_what_is_right_is_the_digit_that_was_drawn_or_a_refusal(source: Digits) -> None:
    shown = {
        kind: {kinds.made(kind, number, 0, source).label for number in range(4)} for kind in ("camera", "grid", "blot")
    }
    assert shown["camera"] == {Draw.of("camera", number, 0, source).label for number in range(4)}
    assert shown["grid"] == shown["blot"] == {REFUSED}
    assert kinds.made("european_1", 0, 0, source).label == "1"


def read(number: int, label: str, digit: str, p: float = 0.5, not_sure: str = "") -> Read:
    return Read("run", "kind", number, label, digit, p, "" if digit else "why", not_sure)


def test_right_refused_wrong_and_sure() -> None:
    """Of one digit read, one refused, one wrong at 0.95, one of several refused, one of several read."""
    reads = [read(0, "3", "3"), read(1, "3", ""), read(2, "3", "5", 0.95), read(3, "", ""), read(4, "", "7")]
    assert scoring.summary(reads) == ["5", "40.0%", "40.0%", "0.0%", "2", "1"]


def test_a_mark_makes_what_is_no_digit_right_and_a_digit_neither_right_nor_wrong() -> None:
    """Of what is marked: one digit read right, one wrong, one of no digit."""
    reads = [read(0, "3", "3", 0.6, "why"), read(1, "3", "5", 0.95, "why"), read(2, "", "7", 0.99, "why")]
    assert scoring.summary([*reads, read(3, "3", "3")]) == ["4", "75.0%", "0.0%", "75.0%", "0", "0"]


def test_the_bound_of_the_net_loss() -> None:
    """Of 100 pairs 3 are lost and 1 gained: each cell has half a pair more, and the bound is worked out by hand."""
    before = [read(i, "1", "1" if i < 90 else "") for i in range(100)]
    after = [read(i, "1", "1" if 3 <= i < 91 else "") for i in range(100)]
    lost, gained, bound = scoring.losses(before, after)
    assert (lost, gained) == (3, 1)
    by_hand = 2 / 102 + 1.6448536 * ((3.5 + 1.5 - 4 / 102) / 102**2) ** 0.5
    assert bound == pytest.approx(by_hand, abs=1e-7)
    assert scoring.losses(before, after[50:])[:2] == (0, 1), "pictures that only one has do not count"


def test_a_table_is_read_back(tmp_path: Path) -> None:
    reads = [read(0, "3", "3", 0.25), read(1, "", ""), read(2, "3", "5", 0.5, "why")]
    file = tmp_path / "hard.csv"
    file.write_text(scoring.as_csv(reads), encoding="utf-8")
    assert scoring.from_csv(file) == reads


def test_a_kind_is_named_alone_or_with_all_that_begin_so() -> None:
    assert hard_pictures.chosen_kinds(["crop_2", "imshow_b"]) == ["crop_2", "imshow_bare"]
    assert hard_pictures.chosen_kinds(["tiff"]) == [f"tiff_{turned}" for turned in range(1, 9)] + ["tiff_6_lzw"]
    assert hard_pictures.chosen_kinds(None) == list(kinds.KINDS)
    with pytest.raises(UserError, match="--kind nothing: allowed are clean, "):
        hard_pictures.chosen_kinds(["clean", "nothing"])
