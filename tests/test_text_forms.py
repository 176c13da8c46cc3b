"""Text tables, ARFF and svmlight: what is read, which column is the label, what is wrong and where."""

import bz2
import gzip
import io
import lzma
import os
import re
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made import Array, digits
from sklearn.datasets import dump_svmlight_file
from written_text import WRITERS, Halves, arff_head

from npdigits.base.errors import ConfigError, DataError, UserError
from npdigits.forms import arff, packed, room, rows, sheet, svmlight, text_lines, text_table
from npdigits.forms.found import TEST, TRAIN, Found, Wanted
from npdigits.forms.recognize import recognize
from npdigits.forms.which_end import which_end

NOTHING = Wanted()
READERS = {"table": text_table.read, "arff": arff.read, "svmlight": svmlight.read}


def read(path: Path, wanted: Wanted = NOTHING) -> Found:
    recognized = recognize(path)
    return READERS[recognized.form](recognized.files, wanted, path)


def table(path: Path, content: str | bytes, **wanted: object) -> Found:
    """Return what a table with this content holds."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return text_table.read([path], Wanted(**wanted), path)  # type: ignore[arg-type]


def refused(path: Path, content: str | bytes, **wanted: object) -> str:
    """Return what is said of a table that is not read: one line that begins with the file's name."""
    with pytest.raises(UserError) as caught:
        table(path, content, **wanted)
    message = str(caught.value)
    assert "\n" not in message and path.name in message
    return message.replace(f"{path}", path.name)


def lines(columns: list[Array], names: str = "", sep: str = ",") -> str:
    body = "\n".join(sep.join(map(str, row)) for row in np.column_stack(columns).tolist())
    return f"{names}\n{body}\n" if names else f"{body}\n"


def halves(shape: tuple[int, int] = (8, 8)) -> Halves:
    """Digits that leave paper at the border, as digits do."""
    parts = []
    for n, seed in ((60, 1), (30, 2)):
        x, y = digits(n, (shape[0] - 2, shape[1] - 2), seed=seed)
        parts += [np.pad(x, ((0, 0), (1, 1), (1, 1))), y]
    return tuple(parts)  # type: ignore[return-value]


X, Y = halves()[0].reshape(60, 64), halves()[1]


@pytest.mark.parametrize("name", WRITERS)
def test_every_form_is_recognized_and_read(tmp_path: Path, name: str) -> None:
    these = halves()
    overrides = dict(word.split("=", 1) for word in WRITERS[name](tmp_path, these))
    shape = (8, 8) if "data.shape" in overrides else None
    parts = []
    for key in ("data.path", "data.test"):
        if key in overrides and (place := Path(overrides[key])).is_file():
            parts += read(place, Wanted(shape=shape)).parts.values()
    if not parts:
        parts = [read(tmp_path / half).parts[TRAIN] for half in ("train.csv", "test.csv")]
    assert len(parts) == 2
    for part, x, y in zip(parts, these[::2], these[1::2], strict=True):
        images = np.asarray(part.images, np.float64)
        if part.images.dtype == np.float32:
            images = images * 255
            assert np.abs(images - np.rint(images)).max() < 1e-3
        else:
            assert part.images.dtype == np.uint8
        np.testing.assert_array_equal(np.rint(images), x.reshape(len(x), -1))
        assert part.labels is not None and part.labels.dtype == np.int64
        np.testing.assert_array_equal(part.labels, y)


LABEL_COLUMNS = {
    "Label": lambda: lines([Y, X], "Label," + ",".join(f"pixel{i}" for i in range(64))),
    "digit in quotes": lambda: lines([X, Y], ",".join(f'"{i}"' for i in range(64)) + ',"digit"'),
    "spaces around": lambda: lines([Y, X], " target , " + " , ".join(f"{i % 8}x{i // 8}" for i in range(64)), " , "),
    "an odd name": lambda: lines([Y, X], "which," + ",".join(f"px_{i}" for i in range(64))),
    "numbers as names": lambda: lines([Y, X], ",".join(map(str, range(65)))),
    "no names, first": lambda: lines([Y, X]),
    "no names, last": lambda: lines([X, Y]),
    "no names, last, sorted": lambda: lines([X[np.argsort(Y, kind="stable")], np.sort(Y)]),
    "spaces before quotes": lambda: "".join(f'"{line}"\n'.replace(",", '", "') for line in lines([Y, X]).splitlines()),
    "names as a comment": lambda: lines(
        [X[:, :9], Y, X[:, 9:]],
        "# " + ",".join([*(f"p{i}" for i in range(9)), "class", *(f"p{i}" for i in range(9, 64))]),
    ),
    "no names, sorted": lambda: lines([np.sort(Y), X[np.argsort(Y, kind="stable")]]),
    "no names, a counter": lambda: lines([np.arange(60), Y, X]),
    "a delimiter at the end": lambda: "".join(f"{line},\n" for line in lines([Y, X]).splitlines()),
    "whole decimals": lambda: lines([Y, X.astype(float)]),
    "exponents": lambda: "".join(f"{line}\n" for line in re.sub(r"(\d+)", r"\1.000e+00", lines([Y, X])).splitlines()),
    "a byte order mark": lambda: "\ufeff" + lines([Y, X], "label," + ",".join(f"p{i}" for i in range(64))),
    "CR": lambda: lines([Y, X]).replace("\n", "\r"),
    "CRLF and blank lines": lambda: lines([Y, X]).replace("\n", "\r\n\r\n"),
    "no end": lambda: lines([Y, X]).removesuffix("\n"),
    "bars": lambda: lines([Y, X], sep="|"),
    "sep=;": lambda: "sep=;\n" + lines([Y, X], sep=";"),
}


@pytest.mark.parametrize("name", LABEL_COLUMNS)
def test_label_column_is_found(tmp_path: Path, name: str) -> None:
    found = table(tmp_path / "a.csv", LABEL_COLUMNS[name]())
    order = np.argsort(Y, kind="stable") if "sorted" in name else slice(None)
    assert found.parts[TRAIN].labels is not None
    np.testing.assert_array_equal(found.parts[TRAIN].labels, Y[order])
    np.testing.assert_array_equal(found.parts[TRAIN].images, X[order])
    assert found.parts[TRAIN].images.dtype == np.uint8
    assert found.parts[TRAIN].images.flags.c_contiguous


def test_index_and_strange_columns_are_left_out_and_said(tmp_path: Path) -> None:
    frame = pd.DataFrame(X, columns=[f"pixel{i}" for i in range(64)])
    frame.insert(0, "label", Y)
    frame["Usage"] = "Training"
    found = table(tmp_path / "a.csv", frame.to_csv())  # with pandas' index
    np.testing.assert_array_equal(found.parts[TRAIN].images, X)
    assert found.notes == (
        "columns left out: the first column",
        "column Usage is not used, as all rows are of one part: Training",
    )
    frame = frame.drop(columns=["Usage", "label"])
    frame.insert(0, "ImageId", np.arange(1, 61))
    found = table(tmp_path / "a.csv", frame.to_csv(index=False))
    np.testing.assert_array_equal(found.parts[TRAIN].images, X)
    assert found.parts[TRAIN].labels is None
    assert found.notes == ("columns left out: column ImageId",)


def test_labels_stay_what_they_are(tmp_path: Path) -> None:
    words = np.array(["null drei", "ein,s", "fünf"])[Y % 3]
    frame = pd.DataFrame(X).assign(label=words)
    for encoding in ("utf-8", "utf-16", "cp1252"):
        found = table(tmp_path / "a.csv", frame.to_csv(index=False).encode(encoding))
        assert found.parts[TRAIN].labels is not None
        assert found.parts[TRAIN].labels.tolist() == words.tolist()
    found = table(tmp_path / "a.csv", lines([np.array(["seven", "eight"])[Y % 2], X]))
    assert found.label == "the first column"
    assert found.parts[TRAIN].labels is not None and set(found.parts[TRAIN].labels) == {"seven", "eight"}
    found = table(tmp_path / "a.csv", lines([Y + 0.5, X], "label," + ",".join(f"p{i}" for i in range(64))))
    assert found.parts[TRAIN].labels is not None and found.parts[TRAIN].labels.dtype == np.float64


def test_row_that_pandas_took_for_names_is_said(tmp_path: Path) -> None:
    (tmp_path / "plain.csv").write_text(lines([Y, X]))
    again = pd.read_csv(tmp_path / "plain.csv").to_csv(index=False)  # as people do who forget header=None
    found = table(tmp_path / "a.csv", again)
    np.testing.assert_array_equal(found.parts[TRAIN].images, X[1:])
    assert found.parts[TRAIN].images.dtype == np.uint8
    assert any("was once taken for the columns' names" in note for note in found.notes)
    head, rest = again.split("\n", 1)  # as R names them, which puts an X before numbers
    found = table(tmp_path / "a.csv", ",".join(f'"X{name}"' for name in head.split(",")) + f"\n{rest}")
    np.testing.assert_array_equal(found.parts[TRAIN].images, X[1:])
    assert any("was once taken for the columns' names" in note for note in found.notes)


def test_which_end_is_told_by_borders_and_neighbours() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 400)
    smooth = np.clip(np.cumsum(rng.normal(0, 30, (400, 16)), axis=1) + rng.normal(100, 60, (400, 1)), 0, 255) // 8
    assert which_end(np.column_stack([labels, smooth])) == "first"
    assert which_end(np.column_stack([smooth, labels])) == "last"
    noise = rng.integers(0, 10, (400, 16))
    assert which_end(np.column_stack([labels, noise])) is None
    noise[:, [0, -1]] *= rng.random((400, 2)) < 0.05  # paper, most of the time
    assert which_end(np.column_stack([labels, noise])) == "first"
    assert which_end(np.column_stack([noise, labels])) == "last"
    assert which_end(np.column_stack([labels[:2], noise[:2, 1:-1]])) is None


def test_undecided_column_asks_by_a_key_that_settles_it(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 10, (400, 17))
    message = refused(tmp_path / "a.csv", lines([noise]))
    assert "data.label_column=1 (the first) or data.label_column=17 (the last)" in message
    found = table(tmp_path / "a.csv", lines([noise]), label_column="17")
    np.testing.assert_array_equal(found.parts[TRAIN].labels, noise[:, 16])  # type: ignore[arg-type]
    assert "data.shape=[28,28]" in refused(tmp_path / "a.csv", lines([noise[:, :12]]))
    assert table(tmp_path / "a.csv", lines([noise[:, :12]]), shape=(3, 4)).parts[TRAIN].labels is None


def test_label_is_the_only_column_that_is_not_called_as_pixels_are(tmp_path: Path) -> None:
    part = table(tmp_path / "a.csv", lines([X[:, :6], Y], ",".join(f"px_{i}" for i in range(6)) + ",which")).parts[
        TRAIN
    ]
    assert part.labels is not None
    np.testing.assert_array_equal(part.labels, Y)


def test_labels_that_are_no_bytes_leave_the_pixels_bytes(tmp_path: Path) -> None:
    part = table(tmp_path / "a.csv", lines([Y.astype(int) + 300, X])).parts[TRAIN]
    assert part.labels is not None and part.images.dtype == np.uint8
    np.testing.assert_array_equal(part.labels, Y.astype(int) + 300)
    np.testing.assert_array_equal(part.images, X)


def test_rows_are_expected_by_size_and_encoding(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    for encoding in ("utf-8", "utf-16"):
        path.write_bytes(lines([Y, X]).encode(encoding))
        (member,) = packed.members(path)
        assert 58 <= text_table.expected_rows(member, sheet.sheet_of(member)) <= 62


HEAD = "label," + ",".join(f"pixel{i}" for i in range(4))
GOOD = "1,0,0,7,0\n2,0,9,0,0\n"
BAD = {
    "fewer cells": (f"{HEAD}\n{GOOD}3,0,0,0\n", "a.csv: row 4: 4 cells: 5 are expected, as in other rows"),
    "more cells": (f"{HEAD}\n{GOOD}\n3,0,0,0,0,0\n", "a.csv: row 5: 6 cells: 5 are expected, as in other rows"),
    "missing": (f"{HEAD}\n{GOOD}3,0,,0,0\n", "a.csv: row 4, column 3 (pixel1): a missing value"),
    "NaN": (f"{HEAD}\n{GOOD}3,0,0,NaN,0\n", "a.csv: row 4, column 4 (pixel2): a missing value ('NaN')"),
    "inf": (f"{HEAD}\n{GOOD}3,0,0,-inf,0\n", "a.csv: row 4, column 4 (pixel2): '-inf': a pixel is a finite number"),
    "text": (f"{GOOD}3,0,0,0,abc\n{GOOD}", "a.csv: row 3, column 5: 'abc' is no number"),
    "large": (f"{HEAD}\n{GOOD}3,0,0,0,1e300\n", "a.csv: row 4, column 5 (pixel3): '1e300' is too large for a pixel"),
    "no label": (f"{HEAD}\n{GOOD},0,0,0,0\n", "a.csv: row 4, column label: no label"),
    "NA as label": (f"{HEAD}\n{GOOD}NA,0,0,0,0\n", "a.csv: row 4, column label: 'NA' is no label"),
    "an open quote": (f'{HEAD}\n{GOOD}3,"0,0,0,0\n{GOOD}', "a.csv: row 4: 2 cells: 5 are expected, as in other rows"),
    "a control character": (
        f"{HEAD}\n{GOOD}3,\x1b[2J,0,0,0\n",
        r"a.csv: row 4, column 2 (pixel0): '\x1b[2J' is no number",
    ),
    "zero bytes": (f"{HEAD}\n{GOOD}3,0,\0,0,0\n", r"a.csv: row 4, column 3 (pixel1): '\x00' is no number"),
    "no rows": (f"{HEAD}\n", "a.csv: no rows below the names of the columns"),
    "nothing": ("\n\n", "a.csv: no rows"),
    "no pixels": ("ImageId,Label\n1,7\n2,8\n", "a.csv: no columns of pixels: column ImageId, column Label"),
    "two labels": (
        f"{HEAD},y\n1,0,0,7,0,1\n",
        "a.csv: several columns could be the label: column label, column y: say "
        "which, for example data.label_column=label",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_said_with_row_and_column(tmp_path: Path, name: str) -> None:
    content, message = BAD[name]
    assert refused(tmp_path / "a.csv", content) == message


def test_fault_far_below_is_said_with_its_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_lines, "AT_A_TIME", 1000)
    good = lines([Y, X], "label," + ",".join(f"p{i}" for i in range(64))).splitlines()
    content = "\n".join([*good, "", *good[1:], good[5].replace(",0,", ",O,", 1)])
    column = good[5].split(",").index("0", 1) + 1
    assert refused(tmp_path / "a.csv", content) == f"a.csv: row 123, column {column} (p{column - 2}): 'O' is no number"
    found = table(tmp_path / "a.csv", "\n".join([*good, "", "", *good[1:]]))
    assert [found.parts[TRAIN].name_of(i).rpartition(" ")[2] for i in (0, 59, 60, 119)] == ["2", "61", "64", "123"]


def test_other_width_of_a_whole_batch_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_lines, "AT_A_TIME", 20)
    message = refused(tmp_path / "a.csv", f"{HEAD}\n" + GOOD * 20 + "3,0,0,0,0,0\n" * 10)
    assert message == "a.csv: row 42: 6 cells: 5 are expected, as in other rows"


def test_quotes_never_join_rows(tmp_path: Path) -> None:
    content = f'{HEAD}\n"a",0,0,7,0\n"b",0,9,0,0\n"a,1,1,1,1\nb",0,0,7,0\n'
    assert refused(tmp_path / "a.csv", content) == "a.csv: row 4: 1 cells: 5 are expected, as in other rows"


def test_column_that_is_not_there_is_said(tmp_path: Path) -> None:
    content = f"{HEAD}\n{GOOD}"
    with pytest.raises(ConfigError, match=re.escape("data.label_column=lable: ") + ".*did you mean label?"):
        table(tmp_path / "a.csv", content, label_column="lable")
    assert "columns 1 … 5, without names" in refused(tmp_path / "a.csv", GOOD, label_column="6")
    assert "no such column" in refused(tmp_path / "a.csv", GOOD, label_column="0")


def test_numbers_keep_the_smallest_type(tmp_path: Path) -> None:
    for values, kind in (
        ([0, 255], np.uint8),
        ([-1, 255], np.int16),
        ([0, 65535], np.int32),
        ([0, 2**32], np.int64),
        ([0, 0.5], np.float32),
    ):
        content = f"{HEAD}\n" + "".join(f"{i},{values[0]},0,0,{values[i]}\n" for i in (0, 1))
        images = table(tmp_path / "a.csv", content).parts[TRAIN].images
        assert images.dtype == kind and images[1].tolist() == [values[0], 0, 0, values[1]]


def test_types_widen_from_batch_to_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_lines, "AT_A_TIME", 40)
    values = np.arange(40).reshape(10, 4) * 1.0
    values[5:] *= 1000
    values[8:] += 0.25
    content = f"{HEAD}\n" + "".join(f"{i},{','.join(map(str, row))}\n" for i, row in enumerate(values))
    part = table(tmp_path / "a.csv", content).parts[TRAIN]
    np.testing.assert_array_equal(part.images, values.astype(np.float32))
    assert part.labels is not None and part.labels.tolist() == list(range(10))


def test_kaggles_archive_has_a_test_set_without_labels(tmp_path: Path) -> None:
    names = ",".join(f"pixel{i}" for i in range(64))
    with zipfile.ZipFile(tmp_path / "digit-recognizer.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("sample_submission.csv", "ImageId,Label\n1,0\n2,0\n3,0\n")
        file.writestr("test.csv", lines([X[:9]], names))
        file.writestr("train.csv", lines([Y, X], f"label,{names}"))
    for column in (None, "label"):
        found = read(tmp_path / "digit-recognizer.zip", Wanted(label_column=column))
        np.testing.assert_array_equal(found.parts[TRAIN].labels, Y)  # type: ignore[arg-type]
        assert found.parts[TEST].labels is None and len(found.parts[TEST].images) == 9
        assert found.parts[TEST].name_of(0).endswith("digit-recognizer.zip/test.csv: row 2")
        assert any("sample_submission.csv" in note for note in found.notes)


def test_only_table_in_an_archive_needs_no_name(tmp_path: Path) -> None:
    path = tmp_path / "digits.zip"

    def write(**contents: str) -> Found:
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("README.txt", "Digits, written by hand.\nOf two classes, 1 and 2.\n")
            for name, content in contents.items():
                file.writestr(f"{name}.csv", content)
        return text_table.read([path], NOTHING, path)

    content = f"{HEAD}\n{GOOD}"
    found = write(digits=content)
    assert list(found.parts) == [TRAIN] and any("README.txt" in note for note in found.notes)
    assert list(write(my_train=content, my_test=content, more=content).parts) == [TRAIN, TEST]
    with pytest.raises(DataError, match="of which none is called train"):
        write(a=content, b=content)
    with pytest.raises(DataError, match="several files for train"):
        write(train_a=content, train_b=content)


PACK: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


@pytest.mark.parametrize("ending", PACK)
def test_torn_archive_is_said(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.csv.{ending}"
    content = PACK[ending](lines([Y, X], "label," + ",".join(f"p{i}" for i in range(64))).encode())
    np.testing.assert_array_equal(table(path, content).parts[TRAIN].images, X)
    for torn in (content[: len(content) // 2], content[:-4], content[:-3] + b"xyz", content[:20]):
        assert re.match(f"a.csv.{ending}: (damaged|no rows)", refused(path, torn))


def test_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "ALWAYS_ALLOWED", 100_000)
    content = f"{HEAD}\n{GOOD}".encode() + b"3,0,0,0,0\n" * 100_000
    for ending, pack in PACK.items():
        assert "bytes, 200 times its size" in refused(tmp_path / f"a.csv.{ending}", pack(content))
    text = io.BytesIO()
    with zipfile.ZipFile(text, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("train.csv", content)
    assert "unpacks to more than" in refused(tmp_path / "a.zip", text.getvalue())


def test_line_without_end_is_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_lines, "AT_A_TIME", 1000)
    monkeypatch.setattr(text_lines, "LONGEST", 5000)
    message = refused(tmp_path / "a.csv", f"{HEAD}\n{GOOD}" + "0," * 5000)
    assert message == "a.csv: row 4: a line of more than 5,000 characters"


def test_table_that_does_not_fit_into_memory_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.csv"
    path.write_text(lines([Y, X], "label," + ",".join(f"p{i}" for i in range(64))))
    os.truncate(path, 3 << 30)  # 3 GB, of which none takes room on the disk
    monkeypatch.setattr(room, "room", lambda: 256 << 20)
    with pytest.raises(DataError, match=r"about [\d,]+ images of 64 pixels take 1\.\d GiB of memory: 256 MiB are free"):
        text_table.read([path], Wanted(), path)


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "svmlight", "arff"])
def test_memory_stays_below_three_times_the_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.setattr(text_lines, "AT_A_TIME", 1 << 16)
    x, y = digits(1500, (9, 9) if ending == "svmlight" else (28, 28))
    x = np.where(x < 200, 0, x).reshape(len(x), -1).astype(np.int64)
    content = lines([y, x], "label," + ",".join(f"pixel{i}" for i in range(784)))
    path = tmp_path / f"a.{ending}"
    if ending == "svmlight":
        dump_svmlight_file(x, y, str(path))
    elif ending == "arff":
        path.write_text(arff_head(784) + lines([x, y]))
    else:
        path.write_bytes(gzip.compress(content.encode(), 1) if ending == "csv.gz" else content.encode())
    size = len(content) if ending == "csv.gz" else path.stat().st_size
    read(path)  # what is imported is no part of it
    tracemalloc.start()
    try:
        read(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 * size


def test_rows_grow_beyond_what_was_expected(monkeypatch: pytest.MonkeyPatch) -> None:
    held = rows.Rows("a", 3, 4)
    for i in range(50):
        held.add(np.full((2, 3), i, np.uint8))
    assert held.done().tolist() == [[i // 2] * 3 for i in range(100)]
    held = rows.Rows("a", 3, 4)
    held.add(np.zeros((2, 3), np.uint8))
    monkeypatch.setattr(room, "room", lambda: 10_000)
    with pytest.raises(DataError, match="images of 3 pixels take 0 MiB"):
        held.add(np.zeros((100_000, 3), np.uint8))


def test_free_memory_is_the_groups_where_that_is_less(tmp_path: Path) -> None:
    assert room.room(tmp_path) is None
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal: 100 kB\nMemAvailable:  50 kB\n")
    assert room.room(tmp_path) == 50 * 1024
    (tmp_path / "sys/fs/cgroup").mkdir(parents=True)
    (tmp_path / "sys/fs/cgroup/memory.max").write_text("max\n")
    (tmp_path / "sys/fs/cgroup/memory.current").write_text("1000\n")
    assert room.room(tmp_path) == 50 * 1024
    (tmp_path / "sys/fs/cgroup/memory.max").write_text("10000\n")
    assert room.room(tmp_path) == 9500


ARFF_BAD = {
    "missing": ("1,2,?,4,5\n", "a.arff: row 12, column 3 (pixel3): a missing value ('?')"),
    "ragged": ("% more\n1,2,3,4\n", "a.arff: row 13: 4 cells: 5 are expected, as in other rows"),
    "undeclared": ("1,2,3,4,77\n", "a.arff: row 12, column class: 77 is none of the values declared"),
    "sparse among dense": ("{3 1}\n", "a.arff: row 12: 1 cells: 5 are expected, as in other rows"),
}


@pytest.mark.parametrize("name", ARFF_BAD)
def test_faults_of_arff_are_said(tmp_path: Path, name: str) -> None:
    rest, message = ARFF_BAD[name]
    path = tmp_path / "a.arff"
    path.write_text(arff_head(4) + "1,2,3,4,5\n" + rest)
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value).replace(str(path), "a.arff") == message


def test_arff_is_read_whatever_its_writer(tmp_path: Path) -> None:
    path = tmp_path / "a.arff"
    path.write_text(
        "%c\n@relation 'my digits'\n@attribute 'class' {'it\\'s one', two}\n@attribute \"p 1\" NUMERIC\n"
        "@attribute p2 integer [0, 255]\n@attribute p3 real\n@attribute p4 real\n@data\n\n"
        "'it\\'s one',1,2,3,4\n% comment\ntwo, 5, 6, 7, 8\n"
    )
    part = read(path).parts[TRAIN]
    assert part.images.tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]] and part.labels is not None
    assert part.labels.tolist() == ["it's one", "two"]
    assert [part.name_of(i).rpartition(" ")[2] for i in (0, 1)] == ["10", "12"]
    path.write_text(arff_head(4, "a,b") + "{1 7, 4 b}\n{0 9}\n{}\n")
    part = read(path).parts[TRAIN]
    assert part.images.tolist() == [[0, 7, 0, 0], [9, 0, 0, 0], [0, 0, 0, 0]] and part.labels is not None
    assert part.labels.tolist() == ["b", "a", "a"]
    path.write_text("@relation a\n@data\n1,2\n")
    with pytest.raises(DataError, match="no @attribute"):
        read(path)
    path.write_text(arff_head(4).replace("pixel2 real", "pixel2 relational") + "1,2,3,4,5\n")
    with pytest.raises(
        DataError, match=re.escape("row 5: attribute pixel2: allowed are numeric, real, integer, string")
    ):
        read(path)
    path.write_text(arff_head(4) + "{1 7, 9 3}\n")
    with pytest.raises(DataError, match="row 11: no sparse row of 5 attributes"):
        read(path)


SVMLIGHT_BAD = {
    "no value": ("1 3:\n", "row 3, column 2: '3:' is no pixel's number and value, as 153:0.5"),
    "text": ("1 3:x\n", "row 3, column 2: '3:x' is no pixel's number and value, as 153:0.5"),
    "NaN": ("1 2:1 3:nan\n", "row 3, column 3: '3:nan' is no pixel's number and value, as 153:0.5"),
    "large": ("1 3:1e300\n", "row 3, column 2: '3:1e300' is too large for a pixel"),
    "wide": ("1 99999999:1\n", "row 3, column 2: '99999999:1' is too large for a pixel"),
    "label": ("one 3:1\n", "row 3: 'one' is no label: allowed is one number"),
    "two labels": ("1,2 3:1\n", "row 3: '1,2' is no label: allowed is one number"),
    "order": ("1 3:1 2:1\n", "row 3, column 3: '2:1' comes after pixel 3: allowed are rising numbers"),
    "negative": ("1 -3:1\n", "row 3, column 2: '-3:1' is no pixel's number and value, as 153:0.5"),
}


@pytest.mark.parametrize("name", SVMLIGHT_BAD)
def test_faults_of_svmlight_are_said(tmp_path: Path, name: str) -> None:
    rest, message = SVMLIGHT_BAD[name]
    path = tmp_path / "mnist.scale"
    path.write_text("5 1:0.5 4:1\n# comment\n" + rest)
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value) == f"{path}: {message}"


def test_svmlight_counts_from_zero_where_there_is_a_zero(tmp_path: Path) -> None:
    path = tmp_path / "usps"
    path.write_text("5 1:0.5 4:1 # seven\n\n6 2:1\n")
    found = read(path)
    assert found.sparse and found.parts[TRAIN].images.tolist() == [[0.5, 0, 0, 1], [0, 1, 0, 0]]
    assert found.parts[TRAIN].name_of(1).endswith("usps: row 3")
    path.write_text("5 0:0.5 4:1\n6 2:1\n")
    assert read(path).parts[TRAIN].images.shape == (2, 5)
    assert read(path, Wanted(shape=(1, 2))).parts[TRAIN].images.shape == (2, 5)
    assert read(path, Wanted(shape=(3, 3))).parts[TRAIN].images.shape == (2, 9)


@pytest.fixture(scope="module")
def valid(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Return a valid file of every form, as bytes."""
    contents = []
    for name, write in WRITERS.items():
        folder = tmp_path_factory.mktemp("valid")
        write(folder, halves((5, 5)))
        contents.append(next(path for path in sorted(folder.iterdir())).read_bytes())
        assert contents[-1], name
    return contents


@settings(
    max_examples=250, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_mutated_files_are_read_or_refused_in_one_line(tmp_path: Path, valid: list[bytes], data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from(valid)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        match data.draw(st.sampled_from(["set", "cut", "remove", "insert"])):
            case "set":
                content[at] = data.draw(st.integers(0, 255))
            case "cut":
                del content[at + 1 :]
            case "remove":
                del content[at : at + data.draw(st.integers(1, 50))]
            case "insert":
                content[at:at] = data.draw(
                    st.sampled_from([b",", b"\n", b'"', b"\r", b"{", b"'", b"\0", b"9" * 30, b":", b"nan"])
                )
        content = content or bytearray(b"x")
    path = tmp_path / "file"
    path.write_bytes(content)
    try:
        found = read(path)
    except UserError as error:
        assert "\n" not in str(error)
    else:
        for part in found.parts.values():
            assert part.images.nbytes <= 8 * max(len(content), 1) * 30  # packed ones unpack to more
            assert np.isfinite(part.images).all()
            part.name_of(len(part.images) - 1)
