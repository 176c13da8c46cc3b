"""``npdigits-data``: what is understood of a set, before anything is trained."""

import csv
import dataclasses
import sys

import numpy as np
import pandas as pd
import pytest
from made import digits, write_set
from PIL import Image

from npdigits.data import command
from npdigits.data.sets import make_data
from npdigits.forms.overview import Twins, counts_by_class, examples_by_class, find_twins

IMAGES, LABELS = digits(400, (8, 8))


@pytest.fixture
def called(monkeypatch, capsys):
    """Return a function that calls the program in this process: exit code, lines of standard output and error."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["data", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            command.main()
        said = capsys.readouterr()
        return caught.value.code, said.out.splitlines(), said.err.splitlines()

    return call


def set_of(train, test, labels=None):
    """Return a data set of images of one pixel, with these values, all of class 0 unless labels are given."""
    labels = labels or ([0] * len(train), [0] * len(test))
    arrays = {"train_images": train, "test_images": test}
    arrays = {name: np.uint8(values).reshape(-1, 1, 1) for name, values in arrays.items()}
    return make_data(
        "idx", "0" * 64, arrays | {"train_labels": np.uint8(labels[0]), "test_labels": np.uint8(labels[1])}
    )


@pytest.mark.parametrize(
    ("train", "test", "labels", "twins"),
    [
        ([1, 2, 3], [4, 5], None, (0, 0, 0, 0)),
        ([1, 1, 1], [4, 5], None, (2, 0, 0, 0)),
        ([1, 2, 3], [4, 4], None, (0, 1, 0, 0)),
        ([1, 2, 3], [1, 1, 4], None, (0, 1, 2, 0)),
        ([1, 1, 2], [3], ([0, 1, 0], [0]), (1, 0, 0, 1)),
        ([1, 2], [1, 3], ([0, 1], [1, 1]), (0, 0, 1, 1)),
        ([1, 2], [3, 3], ([0, 1], [1, 0]), (0, 1, 0, 1)),
        ([1, 1, 1], [1, 2], ([0, 1, 0], [1, 1]), (2, 0, 1, 2)),
    ],
)
def test_twins_are_counted_by_pencil(train, test, labels, twins):
    found = find_twins(set_of(train, test, labels))
    assert dataclasses.replace(found, examples=()) == Twins(*twins) and len(found.examples) == twins[3]


def test_twins_in_words():
    assert Twins(0, 0, 0, 0).described == "none"
    assert Twins(1234, 0, 2, 1).described == (
        "1,234 within the training set, 2 test images are training images, 1 has another label than its twin"
    )
    found = find_twins(set_of([7, 9, 7], [9, 7], ([0, 1, 2], [1, 1])))
    assert found.examples == (
        "training image 3 is 2, its twin training image 1 is 0",
        "test image 2 is 1, its twin training image 1 is 0",
    )


def test_a_table_is_shown_and_counted(tmp_path, called):
    frame = pd.DataFrame(IMAGES.reshape(400, -1), columns=[f"pixel{i}" for i in range(64)])
    frame.insert(0, "label", LABELS)
    frame = pd.concat([frame, frame[:3]])
    frame.to_csv(tmp_path / "digits.csv", index=False)
    png, table = tmp_path / "examples.png", tmp_path / "counts.csv"
    code, out, said = called(tmp_path / "digits.csv", "data.test_size=100", "--png", png, "--csv", table)
    assert (code, said) == (0, [])
    assert out[0].startswith("digits.csv: CSV") and "303 training and 100 test images of 8 × 8" in out[0]
    assert "label" in out[0]
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert [row["class"] for row in rows] == [str(digit) for digit in range(10)]
    both = [int(row["training"]) + int(row["test"]) for row in rows]
    assert both == np.bincount(frame.label).tolist() and sum(int(row["test"]) for row in rows) == 100
    assert [line.split() for line in out[3:13]] == [list(row.values()) for row in rows]
    assert out[13].split() == ["all", "303", "100"]
    assert any(line.startswith("values:") and "0 is paper, 255 is ink" in line for line in out)
    twins = next(line for line in out if line.startswith("duplicates:"))
    assert "within the" in twins or "are training images" in twins
    with Image.open(png) as picture:
        assert picture.format == "PNG" and min(picture.size) > 300
    code, alone, _ = called(tmp_path / "digits.csv", "data.test_size=100", "--csv", "-")
    assert (code, "\n".join(alone) + "\n") == (0, table.read_text())


def test_a_test_set_of_its_own_file_and_a_set_by_its_name(tmp_path, called, monkeypatch):
    np.savez(tmp_path / "a.npz", X=IMAGES[:300], y=LABELS[:300])
    np.savez(tmp_path / "b.npz", X=IMAGES[300:], y=LABELS[300:])
    code, out, _ = called(tmp_path / "a.npz", tmp_path / "b.npz")
    assert code == 0 and "300 training and 100 test images" in out[0] and "b.npz" in out[0]
    folder = write_set(tmp_path / "set")
    code, out, _ = called("idx", f"data.dir={folder}")
    assert code == 0 and out[0] == "idx: 600 training and 100 test images" and out[13].split() == ["all", "600", "100"]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.npz").rename("mnist")
    code, out, _ = called("mnist", "data.test_size=30")
    assert code == 0 and "270 training and 30 test images" in out[0]  # what is there comes before a set's name


def test_names_are_taken_as_they_are(tmp_path, called, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a=b,[c] {d}.npz", 'it\'s "${x}".npz'):
        np.savez(name, X=IMAGES, y=LABELS)
        code, out, said = called(name)
        assert (code, said) == (0, []) and out[0].startswith(f"{name}: npz")


def test_every_unreadable_picture_is_named_and_what_looks_wrong(tmp_path, called):
    images, labels = digits(60, (9, 9), classes=3)
    for i, (image, label) in enumerate(zip(images, labels, strict=True)):
        place = tmp_path / "squares" / f"class {label}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{i:03}.png")
    for i in range(8):
        (tmp_path / "squares" / "class 1" / f"torn {i}.png").write_bytes(b"\x89PNG\r\n\x1a\ntorn")
    code, out, said = called(tmp_path / "squares")
    assert (code, said) == (0, [])
    left_out = [line for line in out if line.startswith("left out:")]
    assert len(left_out) == 8 and all(f"torn {i}.png: " in line for i, line in enumerate(left_out))
    assert any(line.startswith("looks wrong:") for line in out)
    assert [line.split()[:2] for line in out[3:6]] == [["class", str(label)] for label in range(3)]


def test_examples_are_the_first_of_each_class(monkeypatch):
    from npdigits.forms import overview

    drawn, titles = [], []
    monkeypatch.setattr(overview, "in_rows", lambda title, rows: drawn.append(rows) or titles.append(title) or b"")
    data = make_data(
        "idx",
        "0" * 64,
        {"train_images": IMAGES, "train_labels": LABELS, "test_images": IMAGES[:9], "test_labels": LABELS[:9]},
    )
    examples_by_class(data)
    for label, (name, shown) in enumerate(drawn[0]):
        assert name == str(label) and np.array_equal(shown, IMAGES[label == LABELS][: overview.EXAMPLES])
    assert titles[0].endswith("the first training images of each class")
    examples_by_class(dataclasses.replace(data, n_classes=300))
    assert len(drawn[1]) == overview.MOST_DRAWN and titles[1].endswith("images of the first 60 of 300 classes")
    assert counts_by_class(data)[0] == ("0", int((LABELS == 0).sum()), int((LABELS[:9] == 0).sum()))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "nowhere: "),
        ([""], "'': allowed is the name of a file or folder"),
        (["data.range=[0,1]"], "data.range=[0,1]: allowed are PATH"),
        (["a.npz", "b.npz", "c.npz"], "a.npz b.npz c.npz: allowed are PATH"),
        (["a.npz", "data.path=b.npz"], "data.path=b.npz: a.npz is named without a key"),
        (["a.npz", "b.npz", "data.test=b.npz"], "data.test=b.npz: a.npz is named without a key"),
        (["a.npz", "data.tset_size=3"], "data.tset_size=3: unknown key"),
        (["a.npz", "data.test_size=1000"], "data.test_size=1000: "),
        (["mnist_5k", "b.npz"], "mnist_5k has a test set of its own"),
        (["unlabelled.npz"], "without labels"),
        (["notes.txt"], "notes.txt: a text that is no table of numbers"),
        (["a.npz", "--png", "-"], "--png -: allowed is the name of a file"),
        (["a.npz", "--csv", "a.npz"], "--csv a.npz: is the file that is read"),
        (["a.npz", "--csv", "x", "--png", "x"], "--csv is written there too"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(tmp_path, called, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    for name, arrays in (("a", {"X": IMAGES, "y": LABELS}), ("b", {"X": IMAGES}), ("unlabelled", {"X": IMAGES})):
        np.savez(f"{name}.npz", **arrays)
    (tmp_path / "notes.txt").write_text("no digits\n")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    code, out, said = called(*arguments)
    assert (code, out, len(said)) == (2, [], 1) and message in said[0]
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before
