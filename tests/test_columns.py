"""Which column of a table is what: pixels in the order of their numbers, labels that are missing, and the division."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made import digits

from npdigits.base.errors import DataError
from npdigits.forms.found import TEST, TRAIN, VAL, Found, Wanted
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


def as_r_writes_it(frame: pd.DataFrame, separator: str = " ", quote: str = '"', rows: str = "") -> str:
    """Return what R's write.table(frame) writes, after its documentation: row names, but no name above them."""
    head = separator.join(f"{quote}{name}{quote}" for name in frame.columns)
    lines = [
        separator.join([f"{quote}{rows}{i}{quote}", *(x if isinstance(x, str) else str(x) for x in row)])
        for i, row in zip(frame.index, frame.to_numpy(object).tolist(), strict=True)
    ]
    return "\n".join([head, *lines, ""])


@pytest.mark.parametrize("separator", [" ", ",", "\t", ";"])
def test_names_of_rows_without_a_name_above_them_are_left_out(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "digits.txt"
    frame = frame_of().sample(frac=1, random_state=1)
    rows = frame.index.to_numpy()
    texts = frame.assign(label=[f'"digit {y}"' for y in frame["label"]])
    for quote, names in (('"', ""), ('"', "row "), ("", "")):
        path.write_text(as_r_writes_it(frame, separator, quote, names))
        found = read_found(path)
        check(found, rows)
        assert found.notes == ("columns left out: the first column",)
    path.write_text(as_r_writes_it(texts, separator))
    labels = read_found(path).parts[TRAIN].labels
    assert labels is not None and labels.tolist() == [f"digit {y}" for y in frame["label"]]
    path.write_text(as_r_writes_it(frame[:2], separator))
    check(read_found(path), rows[:2])


def test_a_delimiter_at_the_end_of_the_rows_alone_is_no_column(tmp_path: Path) -> None:
    path = tmp_path / "digits.csv"
    path.write_text(frame_of().to_csv(index=False).replace("\n", ",\n").replace("pixel143,\n", "pixel143\n"))
    check(read_found(path))
    path.write_text("label,pixel0,pixel1,pixel2\n1,0,0,7,0\n1,0,9,0,0\n")
    assert refused(path) == "digits.csv: 4 names above 5 columns"


@pytest.mark.parametrize("form", ["csv", "arff", "parquet"])
def test_a_column_of_labels_that_is_empty_is_none(tmp_path: Path, form: str) -> None:
    frame = frame_of()
    for empty in (None, np.nan) if form == "parquet" else ("", "NaN", "?"):
        path = written(tmp_path, frame.assign(label=empty), form)
        for wanted in (Wanted(), Wanted(label_column="label")):
            found = read_found(path, wanted)
            np.testing.assert_array_equal(found.parts[TRAIN].images, X)
            assert found.parts[TRAIN].labels is None and "column label is empty: no labels" in found.notes
    some = frame["label"].astype(object).where(np.arange(60) != 7, None if form == "parquet" else "")
    message = refused(written(tmp_path, frame.assign(label=some), form))
    assert "column label: " in message and {"csv": "row 9", "arff": "row 155", "parquet": "row 8"}[form] in message


def test_a_column_that_names_parts_divides_the_set(tmp_path: Path) -> None:
    frame = frame_of()
    part = np.array(["Training", "PublicTest", "Training", "dev"])[np.arange(60) % 4]
    for name in ("Usage", "split", "set"):
        found = read_found(written(tmp_path, frame.assign(**{name: part}), "csv"))
        assert list(found.parts) == [TRAIN, VAL, TEST] and found.notes == (f"divided by column {name}",)
        for of, rows in ((TRAIN, slice(0, None, 2)), (TEST, slice(1, None, 4)), (VAL, slice(3, None, 4))):
            np.testing.assert_array_equal(found.parts[of].images, X[rows])
            np.testing.assert_array_equal(found.parts[of].labels, Y[rows])  # type: ignore[arg-type]
        assert found.parts[TEST].name_of(1).endswith("digits.csv: row 7")
    for values, said in (
        (np.where(np.arange(60) < 59, part, "?"), "is not used, as it names no part of the set: ?"),
        (np.where(part == "Training", "test", part), "is not used, as no row is of a training set"),
    ):
        found = read_found(written(tmp_path, pd.concat([frame.assign(split=values)] * 4), "csv"))
        assert list(found.parts) == [TRAIN] and len(found.parts[TRAIN].images) == 240
        assert any(said in note or note == "columns left out: column split" for note in found.notes)


def test_labels_in_a_column_for_each_class_are_read(tmp_path: Path) -> None:
    eye = np.eye(10, dtype=int)[Y]
    path = tmp_path / "semeion.data"
    np.savetxt(path, np.column_stack([X > 99, eye]), fmt=["%.4f"] * 144 + ["%d"] * 10, newline=" \n")  # as UCI's is
    part = read_found(path).parts[TRAIN]
    np.testing.assert_array_equal(part.images, X > 99)
    np.testing.assert_array_equal(part.labels, Y)  # type: ignore[arg-type]
    assert part.images.flags.c_contiguous
    np.savetxt(path, np.column_stack([eye, X]), fmt="%d", delimiter=",")
    found = read_found(path)
    check(found)
    assert found.label == "the first 10 columns, one for each class (one-hot)"
    eye[50, Y[50]] = 0
    np.savetxt(path, np.tile(np.column_stack([eye, X]), (5, 1))[51:], fmt="%d", delimiter=",")
    assert "semeion.data" in refused(path)  # in the first rows already
    many = np.vstack([np.column_stack([X, np.eye(10, dtype=int)[Y]])] * 4 + [np.column_stack([X, eye])])
    np.savetxt(path, many, fmt="%d", delimiter=",")
    assert refused(path) == (
        "semeion.data: row 291: no label: column 145 to the last column hold zeros and one 1 in the rows before"
    )


def test_labels_that_pandas_made_columns_of_are_read_by_their_names(tmp_path: Path) -> None:
    frame = frame_of()
    for kind in (bool, int):
        found = read_found(written(tmp_path, pd.get_dummies(frame, columns=["label"], dtype=kind), "csv"))
        check(found)
        assert found.columns == tuple(PATTERNS["pixel17"])
    words = frame.assign(label=["abcdefghij"[y] for y in Y])
    labels = read_found(written(tmp_path, pd.get_dummies(words, columns=["label"]), "csv")).parts[TRAIN].labels
    assert labels is not None and labels.tolist() == ["abcdefghij"[y] for y in Y]
    bad = pd.get_dummies(frame, columns=["label"]).astype({"label_3": object})
    bad = pd.concat([bad] * 4, ignore_index=True)
    bad.loc[230, "label_3"] = "maybe"
    assert refused(written(tmp_path, bad, "csv")) == "digits.csv: row 232, column 148 (label_3): 'maybe' is no number"
    plain = pd.get_dummies(frame, columns=["label"], dtype=int).set_axis(range(154), axis=1)
    check(read_found(written(tmp_path, plain, "csv")))


@pytest.mark.parametrize("separator", [",", ";", " "])
def test_commas_in_numbers_are_decimals_or_an_error_but_never_lost(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "digits.txt"
    rows = [["1", "0", "0,5", "0,25", "1,000"], ["2", "0", "0,75", "0,125", "0"]]

    def write(rows: list[list[str]]) -> None:
        cells = [[f'"{cell}"' if separator == "," and "," in cell else cell for cell in row] for row in rows]
        head = separator.join(["label", *(f"p{i}" for i in range(4))])
        path.write_text("\n".join([head, *(separator.join(row) for row in cells), ""]))

    write(rows)
    if separator == ",":
        assert refused(path).startswith("digits.txt: row 2, column 3 (p1): '0,5': a comma in a number: allowed are")
    else:
        assert read_found(path).parts[TRAIN].images.tolist() == [[0, 0.5, 0.25, 1], [0, 0.75, 0.125, 0]]
    write([["1", "0", "17", "65,535", "1,000"], ["2", "0", "9", "0", "12"]])
    assert refused(path).startswith("digits.txt: row 2, column 4 (p2): '65,535': a comma in a number: allowed are")
