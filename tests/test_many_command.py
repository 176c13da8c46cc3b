"""``npdigits-predict --many``: texts, tables, boxes in pixels of the picture, what is saved, what is refused."""

import csv
import io
import json
import sys

import numpy as np
import pytest
from PIL import Image, ImageDraw
from test_many import grid, page, row

from npdigits import predict
from npdigits.config.compose import compose
from npdigits.pictures import touching
from npdigits.pictures.boxes import NOT_READ, READ, UNSURE
from npdigits.pictures.read import TURNED
from npdigits.runs import many_tables
from npdigits.runs.trained import CALIBRATED
from npdigits.train import run


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return a run that reads drawn digits well enough."""
    folder = tmp_path_factory.mktemp("many") / "run"
    run(compose(["data=mnist_5k", "epochs=12", "lr=0.01", "plots=false", "quiet=true"]), folder)
    return folder


@pytest.fixture
def predicted(trained, monkeypatch, capsys):
    """Return what a command line gives: exit code, standard output, standard error without what is always said.

    Drawn digits are unlike written ones, so nothing is doubted unless that is asked for.
    """

    def act(*arguments):
        doubt = [] if "--doubt" in arguments else ["--doubt", "0"]
        monkeypatch.setattr(sys, "argv", ["npdigits-predict", str(trained), *map(str, arguments), *doubt])
        with pytest.raises(SystemExit) as left:
            predict.main()
        said = capsys.readouterr()
        return left.value.code, said.out, said.err.replace(f"npdigits.predict: {CALIBRATED}\n", "")

    return act


def saved(path, grey, **options):
    Image.fromarray(grey).save(path, **options)
    return path


def test_people_get_the_text_then_a_row_a_digit(predicted, tmp_path):
    file = saved(tmp_path / "two.png", page(*row([1, 0, 1]), *row([0, 1], y=250)))
    code, out, err = predicted(file, "--many")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[:4] == [f"{file}:", "  101", "  01", ""]
    head, *rows = [line.split() for line in lines[4:]]
    assert head[:8] == ["file", "line", "position", "x", "y", "width", "height", "digit"]
    assert [(r[1], r[2], r[7]) for r in rows] == [("1", "1", "1"), ("1", "2", "0"), ("1", "3", "1"), *second_line()]


def test_who_asks_for_one_digit_of_such_a_picture_is_told_of_the_option(predicted, tmp_path):
    file = saved(tmp_path / "two.png", page(*row([1, 0, 1]), *row([0, 1], y=250)))
    (tmp_path / "blank.png").write_bytes(b"")
    code, _, err = predicted(file, tmp_path / "blank.png")
    assert code == 1 and err.count("there are several digits on it") == err.count("--many reads all digits of a") == 1
    assert "--many" not in predicted(tmp_path / "blank.png")[2]


def second_line():
    return [("2", "1", "0"), ("2", "2", "1")]


def test_csv_and_json_say_the_same_and_where_each_is_saved(predicted, tmp_path):
    file = saved(tmp_path / "two.png", page(*row([1, 0, 1]), *row([0, 1], y=250)))
    (tmp_path / "blank.png").write_bytes(b"")
    found = tmp_path / "found"
    arguments = (file, tmp_path / "blank.png", "--many", "--csv", tmp_path / "t.csv", "--json", "-", "--save", found)
    code, out, err = predicted(*arguments)
    assert code == 1 and "skipped: " in err
    told, rows = json.loads(out), list(csv.DictReader(io.StringIO((tmp_path / "t.csv").read_text())))
    assert told["pictures"][0]["lines"] == ["101", "01"] and len(told["skipped"]) == 1
    assert len(rows) == 6 and rows[-1]["skipped"] and rows[-1]["digit"] == ""
    for read, cells in zip(told["read"], rows, strict=False):
        assert [read["file"], read["text"], str(read["digit"])] == [cells["file"], cells["text"], cells["digit"]]
        assert read["box"] == [int(cells[name]) for name in ("x", "y", "width", "height")]
        assert max(read["probabilities"]) == float(cells["probability"])
        with Image.open(read["saved"]) as seen:
            assert seen.size == (28, 28) and read["saved"] == cells["saved"]
    with Image.open(told["pictures"][0]["saved"]) as drawn:
        assert drawn.size == (900, 500) and drawn.mode == "RGB"
        x, y, width, _ = told["read"][0]["box"]
        edge = np.asarray(drawn)[y - 2, x : x + width]
        assert (edge == edge[0]).all() and len(set(edge[0].tolist())) > 1  # a coloured line above the digit
    assert len(list(found.iterdir())) == 6


def test_boxes_are_in_pixels_of_a_large_picture_that_lies_on_its_side(predicted, tmp_path):
    grey = np.kron(page(*row([1, 0, 1])), np.ones((4, 4), np.uint8))
    exif = Image.Exif()
    exif[TURNED] = 6  # to be turned by 90 degrees clockwise
    file = tmp_path / "side.png"
    Image.fromarray(grey).transpose(Image.Transpose.ROTATE_90).save(file, exif=exif)
    code, out, _ = predicted(file, "--many", "--json", "-")
    told = json.loads(out)
    assert code == 0 and (told["pictures"][0]["width"], told["pictures"][0]["height"]) == (3600, 2000)
    for one, (digit, x, y) in zip(told["read"], row([1, 0, 1]), strict=True):
        ink = np.argwhere(page((digit, x, y)) < 128) * 4
        (top, left), (bottom, right) = ink.min(axis=0), ink.max(axis=0) + 4
        assert one["box"] == pytest.approx([left, top, right - left, bottom - top], abs=4)


def test_a_grid_is_printed_as_a_grid(predicted, tmp_path):
    cells = np.array([[1, 0, 1], [0, 1, 0]])
    file = saved(tmp_path / "grid.png", grid(cells))
    code, out, _ = predicted(file, "--many")
    assert code == 0 and out.splitlines()[:3] == [f"{file}:", "  1 . 1", "  . 1 ."]
    code, out, _ = predicted(file, "--many", "--json", "-")
    told = json.loads(out)
    (found,) = told["pictures"][0]["grids"]
    assert found == {"line": 1, "rows": 2, "columns": 3, "cells": [["1", "", "1"], ["", "1", ""]]}
    assert [(one["row"], one["column"]) for one in told["read"]] == [(1, 1), (1, 3), (2, 2)]
    assert told["pictures"][0]["lines"] == ["1 . 1", ". 1 ."]


def test_digits_that_touch_and_cannot_be_split_are_said(predicted, tmp_path, monkeypatch):
    monkeypatch.setattr(touching, "SURE", 2.0)  # no part is read with as much
    grey = page((8, 40, 60), (4, 80, 66), (0, 120, 60), (1, 300, 60), (1, 400, 60))
    code, out, err = predicted(saved(tmp_path / "over.png", grey), "--many")
    assert code == 1 and out.splitlines()[1] == "  ?11"
    assert (
        "over.png: line 1: digits that touch, or one wide digit, at x 47, y " in err and "2 digits read, 1 not" in err
    )


def test_a_mark_that_is_left_out_is_said_and_drawn(predicted, tmp_path):
    image = Image.fromarray(page((1, 20, 60), (1, 150, 60)))
    ImageDraw.Draw(image).ellipse((111, 64, 123, 76), fill=0)
    file = saved(tmp_path / "mark.png", np.asarray(image))
    code, out, err = predicted(file, "--many", "--save", tmp_path / "found")
    assert code == 1 and out.splitlines()[1] == "  11"  # it may be a part of what was written
    assert "left out: a mark that is neither a digit nor a separator, at x 111, y 64" in err
    assert "2 digits read, 1 mark left out, on 1 picture\n" in err
    drawn = np.asarray(Image.open(tmp_path / "found" / "mark-found.png"))
    ys, xs = np.nonzero((drawn == NOT_READ).all(axis=2))
    scale = drawn.shape[1] // image.width
    assert abs(xs.min() / scale - 111) <= 2 and abs(ys.min() / scale - 64) <= 2


def test_all_marks_that_are_left_out_are_named_or_the_largest(predicted, tmp_path, monkeypatch):
    image = Image.fromarray(page((1, 20, 60), (1, 150, 60), (1, 280, 60)))
    for x, size in ((111, 12), (241, 16)):
        ImageDraw.Draw(image).ellipse((x, 64, x + size, 64 + size), fill=0)
    _, _, err = predicted(saved(tmp_path / "marks.png", np.asarray(image)), "--many")
    assert "2 marks that are neither digits nor separators, at x 111, y 64; x 241, y 64\n" in err
    monkeypatch.setattr(many_tables, "MOST_NAMED", 1)
    _, _, err = predicted(tmp_path / "marks.png", "--many")
    assert "2 marks that are neither digits nor separators, the largest at x 241, y 64\n" in err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["digits.csv", "--many"], "--many: allowed with pictures only, not with digits.csv"),
        (["a.png", "--many", "--submission", "s.csv"], "--many: allowed without --submission"),
    ],
)
def test_what_makes_no_sense_with_it_is_refused_in_a_line(predicted, tmp_path, monkeypatch, arguments, why):
    monkeypatch.chdir(tmp_path)
    saved(tmp_path / "a.png", page((1, 20, 60)))
    (tmp_path / "digits.csv").write_text("\n".join(",".join(["7"] * 785) for _ in range(3)) + "\n")
    code, out, err = predicted(*arguments)
    assert (code, out) == (2, "") and why in err and err.count("\n") == 1
    assert not (tmp_path / "s.csv").exists()


def test_pictures_without_digits_are_skipped_with_the_reason(predicted, tmp_path):
    saved(tmp_path / "0.png", page((1, 20, 60)))
    saved(tmp_path / "blank.png", np.full((200, 200), 255, np.uint8))
    code, out, err = predicted(tmp_path, "--many")
    assert code == 1 and out.splitlines()[:2] == [f"{tmp_path / '0.png'}:", "  1"]
    assert "blank.png: it is blank" in err


def test_each_digit_has_its_doubt_and_those_that_are_not_sure_are_said(predicted, tmp_path):
    grey = page(*row([1, 0]))
    grey[60:130, 400:470] = np.random.default_rng(0).choice([30, 255], (70, 70))  # no digit at all
    file = saved(tmp_path / "noise.png", np.asarray(Image.fromarray(grey)))
    code, out, err = predicted(file, "--many", "--doubt", "0.02", "--csv", tmp_path / "t.csv", "--json", "-")
    told, rows = json.loads(out), list(csv.DictReader(io.StringIO((tmp_path / "t.csv").read_text())))
    assert told["temperature"] > 0 and told["about"] == CALIBRATED
    for one, cells in zip(told["read"], rows, strict=True):
        assert one["doubt"] == float(cells["doubt"]) and one.get("not_sure", "") == cells["not_sure"]
        assert bool(cells["not_sure"]) == (one["doubt"] > 0.98)
    unsure = [one for one in told["read"] if "not_sure" in one]
    assert code == 1 and unsure and f"{len(unsure)} of them not sure" in err
    x, y = unsure[0]["box"][:2]
    assert f"not sure: {file}: line 1: {unsure[0]['not_sure']}, at x {x}, y {y}" in err
    assert CALIBRATED not in err and predicted(file, "--many")[0] == 0


def test_a_digit_that_is_not_sure_stands_in_brackets_and_has_a_box_of_its_own_colour(predicted, tmp_path):
    file, found = saved(tmp_path / "two.png", page(*row([1, 0]))), tmp_path / "found"
    code, out, _ = predicted(file, "--many", "--doubt", "1", "--save", found)
    assert code == 1 and out.splitlines()[1] == "  (1)(0)"
    with Image.open(found / "two-found.png") as drawn:
        assert {UNSURE} == {one for _, one in drawn.getcolors(2**24) if len(set(one)) > 1} & {READ, UNSURE, NOT_READ}
    predicted(file, "--many", "--doubt", "1", "--csv", tmp_path / "t.csv", "--json", tmp_path / "t.json")
    told, rows = (
        json.loads((tmp_path / "t.json").read_text()),
        list(csv.DictReader(io.StringIO((tmp_path / "t.csv").read_text()))),
    )
    assert [(one["text"], one["marked"]) for one in rows] == [("10", "(1)(0)")] * 2
    assert told["pictures"][0]["lines"] == ["10"] and told["pictures"][0]["marked"] == ["(1)(0)"]
    assert [(one["text"], one["marked"]) for one in told["read"]] == [("10", "(1)(0)")] * 2
    code, out, _ = predicted(saved(tmp_path / "grid.png", grid(np.array([[1, 0, 1]]))), "--many", "--doubt", "1")
    assert out.splitlines()[1] == "  (1) . (1)"


def test_what_is_saved_is_called_after_its_picture(predicted, tmp_path):
    for name in ("form.png", "a.png", "a.jpg"):
        saved(tmp_path / name, page(*row([1])))
    assert predicted(tmp_path, "--many", "--save", tmp_path / "found")[0] == 0
    names = ["a.jpg", "a.png", "form"]
    assert sorted(path.name for path in (tmp_path / "found").iterdir()) == [
        f"{name}-{what}.png" for name in names for what in ("1-1", "found")
    ]


def test_what_was_read_is_summed_up_in_a_sentence(predicted, tmp_path):
    one, blank = saved(tmp_path / "one.png", page(*row([1]))), saved(tmp_path / "x.png", np.full((99, 99), 255, "u1"))
    assert predicted(blank, "--many")[2].endswith(": no picture read, 1 skipped\n")
    assert predicted(one, blank, "--many")[2].endswith(": 1 digit read, on 1 picture; 1 skipped\n")
    two = saved(tmp_path / "two.png", page(*row([1, 0])))
    said = predicted(one, two, "--many", "--doubt", "1")[2]
    assert said.endswith(": 3 digits read, 3 of them not sure, on 2 pictures\n")
