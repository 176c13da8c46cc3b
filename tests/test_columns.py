"""Which column of a table is what: pixels in the order of their numbers, labels that are missing, and the division."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made import digits

from npdigits.base.errors import DataError
from npdigits.forms.found import TRAIN, Found, Wanted
from npdigits.forms.numbered import PUT_IN_ORDER, number_order
from npdigits.forms.reading import read_found

IMAGES, Y = digits(60, (12, 12))
X = IMAGES.reshape(60, 144)
PATTERNS = {
    "pixel17": [f"pixel{i}" for i in range(144)],
    "padded": [f"px{i:04}" for i in range(1, 145)],
    "V18": [f"V{i}" for i in range(2, 146)],
    "row x column": [f"{i // 12 + 1}x{i % 12 + 1}" for i in range(144)],
    "pixel_0_11": [f"pixel_{i // 12}_{i % 12}" for i in range(144)],
    "tuples": [str((i // 12, i % 12)) for i in range(144)],
}


def frame_of(pattern: str = "pixel17") -> pd.DataFrame:
    """Return the digits with the label first."""
    frame = pd.DataFrame(X, columns=PATTERNS[pattern])
    frame.insert(0, "label", Y)
    return frame


def written(folder: Path, frame: pd.DataFrame, form: str) -> Path:
    """Write a table with this form's library, but of ARFF, for which there is none."""
    path = folder / f"digits.{form}"
    if form == "parquet":
        frame.to_parquet(path, index=False)
    elif form == "arff":
        head = "".join(f"@attribute '{name}' numeric\n" for name in frame.columns)
        path.write_text(f"@relation digits\n{head}@data\n{frame.to_csv(index=False, header=False)}")
    else:
        frame.to_csv(path, index=False)
    return path


def refused(path: Path, **wanted: object) -> str:
    """Return the one line that is said instead of reading a file, without its folder."""
    with pytest.raises(DataError) as caught:
        read_found(path, Wanted(**wanted))  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(f"{path.parent}/", "")


def check(found: Found, rows: slice = slice(None)) -> None:
    part = found.parts[TRAIN]
    np.testing.assert_array_equal(part.images, X[rows])
    assert part.labels is not None
    np.testing.assert_array_equal(part.labels, Y[rows])


@pytest.mark.parametrize("pattern", PATTERNS)
def test_numbered_columns_are_put_in_order_and_that_is_said(tmp_path: Path, pattern: str) -> None:
    frame = frame_of(pattern)
    for form in ("csv", "parquet", "arff"):
        found = read_found(written(tmp_path, frame, form))
        check(found)
        assert found.columns == tuple(PATTERNS[pattern]) and PUT_IN_ORDER not in found.notes
        for order in (sorted(frame.columns), [*frame.columns[::-1]], [*frame.columns[70:], *frame.columns[:70]]):
            found = read_found(written(tmp_path, frame[order], form))
            check(found)
            assert found.columns == tuple(PATTERNS[pattern])
            assert (PUT_IN_ORDER in found.notes) == ([name for name in order if name != "label"] != PATTERNS[pattern])


def test_names_that_say_the_column_first_are_an_order_too(tmp_path: Path) -> None:
    names = [f"{i % 12}x{i // 12}" for i in range(144)]
    found = read_found(written(tmp_path, frame_of().set_axis(["label", *names], axis=1), "csv"))
    check(found)
    assert found.columns == tuple(names) and not found.notes


def test_names_without_numbers_stay_as_they_lie(tmp_path: Path) -> None:
    names = [f"p{chr(97 + i // 12)}{chr(97 + i % 12)}" for i in range(144)]
    for form in ("csv", "parquet"):
        found = read_found(written(tmp_path, frame_of().set_axis(["label", *names], axis=1), form))
        check(found)
        assert found.columns == tuple(names) and not found.notes


def test_label_without_a_name_of_its_own_is_found_in_any_order(tmp_path: Path) -> None:
    frame = frame_of().set_axis(range(145), axis=1)
    for order in (list(frame.columns), sorted(frame.columns, key=str)):
        found = read_found(written(tmp_path, frame[order], "csv"))
        check(found)
        assert found.columns == tuple(map(str, range(1, 145)))


@pytest.mark.parametrize("form", ["csv", "parquet", "arff"])
def test_pixels_that_are_missing_or_there_twice_are_named(tmp_path: Path, form: str) -> None:
    frame = frame_of()
    more = "among 143 numbered ones: an image needs all of its pixels"
    assert refused(written(tmp_path, frame.drop(columns="pixel5"), form)) == f"digits.{form}: no column pixel5 {more}"
    few = frame.drop(columns=["pixel17", "pixel30", "pixel99"])
    assert "no column pixel17 and 2 more among 141 numbered ones" in refused(written(tmp_path, few, form))
    padded = frame_of("padded").drop(columns="px0100")
    assert "no column px0100 among" in refused(written(tmp_path, padded, form))
    grid = frame_of("tuples").drop(columns="(3, 4)")
    assert "no column (3, 4) among" in refused(written(tmp_path, grid, form))
    twice = frame.rename(columns={"pixel9": "pixel05"})
    assert "two columns for one pixel, pixel5 and pixel05: allowed" in refused(written(tmp_path, twice, form))
    if form != "parquet":
        twice = frame.rename(columns={"pixel9": "pixel5"})
        assert "two columns called pixel5: allowed" in refused(written(tmp_path, twice, form))
    pandas = frame.rename(columns={"pixel9": "pixel5.1"})
    assert "two columns for one pixel, pixel5 and pixel5.1: allowed" in refused(written(tmp_path, pandas, form))
    unlabelled = frame.drop(columns=["label", "pixel7"])
    if form == "csv":
        assert "no column pixel7 among" in refused(written(tmp_path, unlabelled, form))


def test_numbers_with_steps_or_a_label_among_them_are_no_gaps(tmp_path: Path) -> None:
    frame = frame_of().set_axis([f"f{3 * i}" for i in range(145)], axis=1)
    check(read_found(written(tmp_path, frame, "csv"), Wanted(label_column="f0")))
    middle = pd.DataFrame(np.insert(X[:, :12], 6, Y, axis=1), columns=[f"f{i}" for i in range(13)])
    found = read_found(written(tmp_path, middle, "csv"), Wanted(label_column="f6"))
    np.testing.assert_array_equal(found.parts[TRAIN].images, X[:, :12])
    assert number_order([f"f{i}" for i in range(100, 1, -1)], "a.csv", lambda n: False) == list(range(98, -1, -1))
    assert number_order(["a1", "b2", "a3", "a0"], "a.csv", lambda n: True) is None
