"""``npdigits-predict`` with files of many digits: as the run read its own, in order, for Kaggle or as a table."""

import csv
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from drawn import drawn
from made import digits
from PIL import Image

from npdigits import predict
from npdigits.config.compose import compose
from npdigits.forms.sorting import sort_out
from npdigits.pictures.taking import Takes
from npdigits.runs import trained
from npdigits.runs.of_files import split_of
from npdigits.train import run

TINY = ("hidden=8", "epochs=3", "plots=false", "quiet=true")
SHAPE = (6, 9)
TRAINING, TESTING = digits(600, SHAPE), digits(90, SHAPE, seed=3)


def table(images, labels=None):
    """Return digits as a table in the form of Kaggle's."""
    frame = pd.DataFrame(images.reshape(len(images), -1), columns=[f"pixel{i}" for i in range(images[0].size)])
    if labels is not None:
        frame.insert(0, "label", labels)
    return frame


@pytest.fixture(scope="module")
def own_run(tmp_path_factory):
    """Return the directory of a run on bytes in an .npz, which are not square."""
    folder = tmp_path_factory.mktemp("own")
    np.savez(folder / "train.npz", X=TRAINING[0], y=TRAINING[1])
    run(
        compose(["data=file", f"data.path={folder / 'train.npz'}", f"data.shape=[{SHAPE[0]},{SHAPE[1]}]", *TINY]),
        folder / "run",
    )
    return folder / "run"


@pytest.fixture
def called(monkeypatch, capsys):
    """Return a function that calls the program in this process: exit code, lines of standard output and error."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["predict", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            predict.main()
        said = capsys.readouterr()
        return caught.value.code, said.out.splitlines(), said.err.splitlines()

    return call


def expected(path, images):
    """Return the probabilities of the run, asked directly."""
    return trained.load_trained(path).probabilities(split_of(images))


def test_a_submission_is_in_kaggles_form_and_in_the_files_order(own_run, tmp_path, called):
    table(TESTING[0]).to_csv(tmp_path / "test.csv", index=False)
    code, out, said = called(own_run, tmp_path / "test.csv", "--submission", tmp_path / "out.csv")
    assert (code, out) == (0, [])
    assert len(said) == 1 and said[0].endswith("90 images")
    assert said[0].startswith(f"npdigits.predict: {tmp_path / 'test.csv'}: CSV")
    read = pd.read_csv(tmp_path / "out.csv")
    assert list(read.columns) == ["ImageId", "Label"]
    assert read.ImageId.tolist() == list(range(1, 91))
    assert read.Label.tolist() == expected(own_run, TESTING[0]).argmax(axis=1).tolist()
    assert (tmp_path / "out.csv").read_text().startswith("ImageId,Label\n1,")


def test_tables_name_the_rows(own_run, tmp_path, called):
    table(*TESTING).to_csv(tmp_path / "test.csv", index=False)
    code, out, said = called(own_run, tmp_path / "test.csv", "--csv", tmp_path / "t.csv")
    assert code == 0 and len(out) == 91
    p = expected(own_run, TESTING[0])
    right = int((p.argmax(axis=1) == TESTING[1]).sum())
    assert said[0].endswith(f"90 images, {right} read as labelled ({right / 90:.2%})") and right > 60
    rows = list(csv.DictReader((tmp_path / "t.csv").read_text().splitlines()))
    assert [row["file"] for row in rows[:2]] == [f"{tmp_path / 'test.csv'}: row {i}" for i in (2, 3)]
    assert [float(row["probability"]) for row in rows] == p.max(axis=1).tolist()
    code, out, _ = called(own_run, tmp_path / "test.csv", "--json", "-")
    read = json.loads("\n".join(out))["read"]
    assert (code, read[89]["file"], read[89]["probabilities"]) == (
        0,
        f"{tmp_path / 'test.csv'}: row 91",
        p[89].tolist(),
    )


def test_of_several_parts_the_test_set_is_read(own_run, tmp_path, called):
    np.savez(tmp_path / "a.npz", x_train=TRAINING[0], y_train=TRAINING[1], x_test=TESTING[0], y_test=TESTING[1])
    code, _, said = called(own_run, tmp_path / "a.npz", "--submission", "-")
    assert code == 0 and "its test set" in said[0] and "90 images" in said[0]


def test_values_are_read_by_the_runs_scale_and_never_by_their_own(own_run, tmp_path, called):
    """A pale image is a pale one; a file on another scale is refused, and is read by what the user says."""
    pale = TESTING[0] // 4
    np.savez(tmp_path / "pale.npz", X=pale)
    _, out, said = called(own_run, tmp_path / "pale.npz", "--json", "-")
    read = [one["probabilities"] for one in json.loads("\n".join(out))["read"]]
    assert read == expected(own_run, pale).tolist() and len(said) == 1
    np.savez(tmp_path / "unit.npz", X=TESTING[0] / 255)
    code, out, said = called(own_run, tmp_path / "unit.npz", "--submission", "-")
    assert (code, out, len(said)) == (2, [], 1) and "data.range" in said[0]
    again = called(own_run, tmp_path / "unit.npz", "data.range=[0,1]", "--submission", "-")
    assert len(again[2]) == 1
    guesses = expected(own_run, TESTING[0]).argmax(axis=1)
    assert [int(line.partition(",")[2]) for line in again[1][1:]] == guesses.tolist()


def test_labels_that_the_run_does_not_know_are_not_compared_with(own_run, tmp_path, called):
    table(TESTING[0], np.where(TESTING[1] == 3, 42, TESTING[1])).to_csv(tmp_path / "test.csv", index=False)
    code, out, said = called(own_run, tmp_path / "test.csv", "--submission", "-")
    assert code == 0 and len(out) == 91
    assert "WARNING: the labels are not compared with: " in said[0] and "label 42" in said[0]
    assert said[1].endswith("90 images")


def test_class_names_are_what_is_written(tmp_path, called):
    names = np.array([f"-{i}" if 0 < i < 3 else f"class {i}" for i in range(10)])
    np.savez(tmp_path / "train.npz", X=TRAINING[0], y=names[TRAINING[1]])
    np.savez(tmp_path / "test.npz", X=TESTING[0])
    keys = ["data=file", f"data.path={tmp_path / 'train.npz'}", f"data.shape=[{SHAPE[0]},{SHAPE[1]}]", *TINY]
    run(compose(keys), tmp_path / "run")
    code, out, _ = called(tmp_path / "run", tmp_path / "test.npz", "--submission", "-")
    guesses = expected(tmp_path / "run", TESTING[0]).argmax(axis=1)
    known = trained.load_trained(tmp_path / "run").class_names
    assert code == 0 and sorted(known) == sorted(names)
    assert out[out.index("ImageId,Label") + 1 :] == [f"{i + 1},{known[guess]}" for i, guess in enumerate(guesses)]
    assert any(line.endswith(",-1") for line in out)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["test.csv", "3.png", "--submission", "out.csv"], "numbers the digits of one file, and "),
        (["test.csv", "other.csv", "--submission", "out.csv"], "numbers the digits of one file, and "),
        (["3.png", "--submission", "out.csv"], "numbers the digits of one file, and "),
        (["3.png", "data.range=[0,1]"], "data.range=[0,1]: allowed with files of many digits"),
        (["data.range=[0,1]"], "names no digits"),
        (["test.csv", "--save", "seen"], "allowed with pictures only"),
        (["test.csv", "--submission", "test.csv"], "--submission test.csv: is the file that is read"),
        (["tables", "--csv", "tables/t.csv"], "--csv tables/t.csv: lies in tables, which is read"),
        (["test.csv", "--submission", "a", "--csv", "a"], "--csv is written there too"),
        (["test.csv", "--submission", ""], "--submission '': allowed is the name of a file"),
        (["test.csv", "data.path=x"], "data.path=x: not with"),
        (["test.csv", "data.test_size=3"], "data.test_size=3: not with"),
        (["test.csv", "data.rnge=[0,1]"], "data.rnge=[0,1]: unknown key"),
        (["test.csv", "data.range=[1,0]"], "data.range=[1, 0]: allowed"),
        (["small.npz"], "small.npz: images of 5 × 5: the run takes 6 × 9"),
        (["3.png"], "was trained on images of [6, 9]"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(own_run, tmp_path, called, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    for name in ("test.csv", "other.csv"):
        table(TESTING[0]).to_csv(name, index=False)
    np.savez("small.npz", X=np.zeros((4, 5, 5), np.uint8))
    Image.fromarray(drawn(3)).save("3.png")
    Path("tables").mkdir()
    shutil.copy("test.csv", "tables")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    code, out, said = called(own_run, *arguments)
    assert (code, out, len(said)) == (2, [], 1) and message in said[0]
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_folder_of_small_squares_is_read_as_it_is_by_a_run_of_such(tmp_path, called):
    images, labels = digits(300, (9, 9))
    for image, label, i in zip(images, labels, range(300), strict=True):
        place = tmp_path / "squares" / str(label)
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{i:03}.png")
    run(compose(["data=file", f"data.path={tmp_path / 'squares'}", *TINY]), tmp_path / "run")
    code, _, said = called(tmp_path / "run", tmp_path / "squares", "--csv", tmp_path / "t.csv")
    rows = list(csv.DictReader((tmp_path / "t.csv").read_text().splitlines()))
    order = np.argsort([f"{label}/{i:03}" for i, label in enumerate(labels)])
    p = expected(tmp_path / "run", images[order])
    assert code == 0 and [float(row["probability"]) for row in rows] == p.max(axis=1).tolist()
    assert rows[0]["file"] == f"squares/0/{order[0]:03}.png" and "300 images" in said[0]
    code, _, said = called(tmp_path / "run", tmp_path / "squares" / "0" / f"{order[0]:03}.png")
    assert code == 2 and "was trained on images of [9, 9]" in said[0]


def test_arguments_are_sorted_out_by_what_they_hold(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table(TESTING[0]).to_csv("test.csv", index=False)
    table(TESTING[0]).to_csv("a table.png", index=False)
    Image.fromarray(drawn(3)).save("3", "PNG")
    Path("notes.txt").write_text("no digits here\n")
    for folder, name in (("pictures", "3.png"), ("tables", "test.csv"), ("nothing", "notes.txt")):
        Path(folder).mkdir()
        shutil.copy({"3.png": "3"}.get(name, name), Path(folder, name))
    shutil.copy("test.csv", "pictures")
    names = ["test.csv", "a table.png", "3", "notes.txt", "pictures", "tables", "nothing", "nowhere.csv"]
    files, others, reasons = sort_out(names)
    assert list(map(str, files)) == ["test.csv", "tables"]
    assert others == ["a table.png", "3", "notes.txt", "pictures", "nothing", "nowhere.csv"]
    assert list(reasons) == [Path("notes.txt")]
    assert reasons[Path("notes.txt")].startswith("a text that is no table of numbers")
    files, others, _ = sort_out(names, folders=True)
    assert list(map(str, files)) == ["test.csv", "pictures", "tables"] and "nothing" in others


def test_why_a_file_holds_no_digits_is_said(monkeypatch):
    """Of what is neither a picture nor a table; of other arguments it is said as ever."""
    monkeypatch.setattr(predict, "take_for", lambda files, takes: iter([(None, "no picture")] * 2))
    found = predict._taken([Path("a"), Path("b")], {Path("a"): "a pickle"}, Takes())
    assert found == ({}, [(Path("a"), "a pickle"), (Path("b"), "no picture")])
