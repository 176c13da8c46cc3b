"""Sets of any size, any number of classes and any names: every file of a run is read again, and names are shown."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
from made import made_data, read_summary

import npdigits
from npdigits import evaluate
from npdigits.base.errors import DataError, RunDirError
from npdigits.base.npz import read_npz
from npdigits.base.text import listed, shortened, terminal_width
from npdigits.config.compose import compose
from npdigits.forms.found import Meaning
from npdigits.runs import about_data, evaluation, plots, trained
from npdigits.runs.report import final_table
from npdigits.runs.summary import Summary
from npdigits.runs.summary import read_summary as typed_summary
from npdigits.train import run
from npdigits.training.scoring import probabilities

NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "a dress with a name that is long",
    "Coat",
    "$x_1$",
    "Shirt",
    "靴",
    "Bag",
    "?",
)
READING = Meaning((8, 7), (16.0, 0.0), True, tuple("klmnopqrst"), NAMES).as_dict()
SETS = {
    "names": {"classes_": NAMES, "reading": READING},
    "two classes": {"classes": 2},
    "one class": {"classes": 1},
    "300 classes": {"classes": 300, "train": 900, "test": 300},
    "62 names": {"classes": 62, "classes_": [f"letter {i}" for i in range(62)]},
    "wide": {"shape": (3, 20)},
    "tall": {"shape": (20, 3)},
    "floats": {"shape": (8, 8), "dtype": "float32"},
}


def made(name):
    arguments = dict(SETS[name])
    names = tuple(arguments.pop("classes_", ()))
    source = made_data(**arguments)
    return dataclasses.replace(source, **({"classes": names} if names else {}))


def ran(source, out, *keys):
    run(compose(["epochs=2", "hidden=6", "plots=false", "quiet=true", *keys]), out, source=source)
    return out


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Return a function that trains on one of the sets, distorted: the run directory, and the set."""
    folder, known = tmp_path_factory.mktemp("runs"), {}

    def get(name):
        if name not in known:
            source = made(name)
            known[name] = ran(source, folder / name, "augment=elastic", "alpha=2", "sigma=2"), source
        return known[name]

    return get


@pytest.mark.parametrize("name", SETS)
def test_every_file_of_a_run_is_read_again(runs, name, tmp_path):
    path, source = runs(name)
    found = trained.load_trained(path)
    assert found.class_names == source.class_names and found.sizes[-1] == source.n_classes
    kept = read_npz(path / "predictions.npz")
    assert np.array_equal(kept["labels"], source.test.labels)
    assert kept["probabilities"].tobytes() == probabilities(found.network, source.test).tobytes()
    assert {file.stem for file in plots.draw(path)} == {*plots.PLOTS, "augmentation"}
    summary = read_summary(path)
    ordinary = source.n_classes <= 256 and source.train.images.dtype == np.uint8
    assert summary["schema"] == (about_data.OF_BYTES if ordinary else about_data.OF_ANY)
    # It goes on from its checkpoint, and ends in the bits of one that was never cut off.
    shutil.copytree(path, tmp_path / "cut")
    cut = [f"resume={tmp_path / 'cut'}", "epochs=4"]
    run(compose([*cut, "plots=false", "quiet=true"]), None, cut, source=source)
    whole = ran(source, tmp_path / "whole", "augment=elastic", "alpha=2", "sigma=2", "epochs=4")
    for file in ("metrics.csv", "predictions.npz", "distorted.npz"):
        assert (tmp_path / "cut" / file).read_bytes() == (whole / file).read_bytes()


def test_two_processes_train_on_floats_and_agree_with_one(tmp_path):
    source = made("floats")
    alone, together = (ran(source, tmp_path / f"{n}", f"threads={n}") for n in (1, 2))
    for file in ("metrics.csv", "predictions.npz", "identity.json"):
        assert (alone / file).read_bytes() == (together / file).read_bytes()


def test_a_run_records_names_and_reading_and_an_ordinary_one_neither(runs):
    path, source = runs("names")
    summary = read_summary(path)
    assert tuple(summary["classes"]) == NAMES and summary["reading"] == READING
    assert typed_summary(path).meaning(10) == Meaning.parse(source.reading)
    ordinary = runs("wide")[0]
    assert not {"classes", "reading"} & read_summary(ordinary).keys()
    assert trained.load_trained(ordinary).meaning == Meaning((3, 20))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": NAMES[:9]}, "data=made: names 9 classes, but the network has 10"),
        ({"classes": (*NAMES[:9], "x" * 201)}, "data=made: classes[9]='xxx"),
        ({"classes": (*NAMES[:9], "half \ud800")}, "data=made: classes[9]='half "),
        ({"reading": READING | {"range": [1.0, 1.0]}}, "data=made: reading.range=[1.0, 1.0]"),
        ({"reading": READING | {"shape": [7, 8]}}, "data=made: reading.shape=[7, 8], but [8, 7] elsewhere"),
        ({"n_classes": 10_001}, "data=made: 10,001 classes: allowed are at most 10,000"),
        (
            {"n_classes": 9_000, "classes": tuple(f"{i:0200}é" for i in range(9_000))},
            "data=made: classes[0]=",
        ),
        (
            {"n_classes": 9_000, "classes": tuple("é" * 196 + f"{i:04}" for i in range(9_000))},
            "data=made: the names of its classes take 3,636,018 bytes: allowed are 3,145,728",
        ),
    ],
)
def test_what_no_reader_would_believe_is_refused_before_anything_is_written(tmp_path, changes, message):
    source = dataclasses.replace(made_data(), **changes)
    with pytest.raises(DataError) as refused:
        ran(source, tmp_path / "run")
    assert str(refused.value).startswith(message) and not (tmp_path / "run").exists()


@pytest.mark.parametrize("harm", [{"classes": ["a", "b"]}, {"reading": READING | {"values": [0], "classes": ["a"]}}])
def test_names_of_another_number_of_classes_are_damage(runs, tmp_path, harm):
    shutil.copytree(runs("wide")[0], tmp_path / "run")
    summary = read_summary(tmp_path / "run") | {"image_shape": [3, 20]} | harm
    if "reading" in harm:
        summary["reading"]["shape"] = [3, 20]
    (tmp_path / "run" / "summary.json").write_text(json.dumps(summary))
    with pytest.raises(RunDirError, match=r"damaged: summary\.json.* (2|1) "):
        trained.load_trained(tmp_path / "run")


def test_names_are_drawn_where_classes_are(runs):
    shown = plots.RunFiles(runs("names")[0])
    axes = plots.confusion(shown).axes[0]
    for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
        said = [label.get_text() for label in labels]
        # No formula, an escape in the place of a letter that the font lacks, and what is long is cut.
        assert said == [*NAMES[:3], "a dress …is long", "Coat", r"\$x_1\$", "Shirt", r"\u9774", "Bag", "?"], said
    mistake = shown.predictions["mistakes"][0]
    label, p = shown.predictions["labels"][mistake], shown.predictions["probabilities"][mistake]
    first = plots.mistakes(shown).axes[0].texts[0].get_text()
    assert first.splitlines()[0] == said[label] or "…" in first
    assert first.endswith(f": {p.max():.1%}")


def test_many_classes_have_their_names_at_the_axes_and_more_have_some(runs):
    for name, n in (("62 names", 62), ("300 classes", 75)):
        axes = plots.confusion(plots.RunFiles(runs(name)[0])).axes[0]
        assert len(axes.get_xticklabels()) == len(axes.get_yticklabels()) == n and not axes.texts


def test_a_picture_that_is_not_square_stands_in_a_square(runs):
    for name, shape in (("wide", (3, 20)), ("tall", (20, 3))):
        shown = plots.RunFiles(runs(name)[0])
        sheet = plots.mistakes(shown).axes[0].images[0].get_array()
        first = shown.predictions["mistake_images"][0].reshape(shape)
        middle = sheet[8:11, :20] if name == "wide" else sheet[:20, 8:11]
        assert np.array_equal(middle, first) and sheet[:20, :20].sum() == first.sum()


def test_evaluate_names_the_classes(tmp_path):
    """Also where the stored numbers are decimals, and inverted."""
    source, arrays = made_data(shape=(8, 6), classes=4), {}
    for half, split in (("train", source.train), ("test", source.test)):
        arrays |= {f"x_{half}": (1 - split.images / 255).reshape(-1, 8, 6), f"y_{half}": np.array(NAMES)[split.labels]}
    np.savez(tmp_path / "set.npz", **arrays)
    keys = ["data=file", f"data.path={tmp_path / 'set.npz'}", "epochs=1", "plots=false", "quiet=true"]
    run(compose([*keys, "data.invert=true"]), tmp_path / "run")
    summary = read_summary(tmp_path / "run")
    assert summary["classes"] == summary["reading"]["values"] == sorted(NAMES[:4])
    assert summary["reading"]["range"] == [1.0, 0.0] and summary["schema"] == about_data.OF_BYTES
    lines, counts, names = evaluate.evaluate([tmp_path / "run"])
    assert f"{summary['test_accuracy']:.2%}" in lines[1] and counts.shape == (4, 4)
    rows = evaluation.confusion_rows(counts, names)
    assert rows[0] == ["class", *sorted(NAMES[:4]), "of", "wrong", "%"]
    assert [row[0] for row in rows[1:]] == sorted(NAMES[:4])
    loaded = npdigits.Classifier.load(tmp_path / "run")
    assert loaded.score(arrays["x_test"], arrays["y_test"]) == pytest.approx(summary["test_accuracy"])


def test_a_matrix_that_no_terminal_holds_says_what_each_class_is_read_as():
    counts = np.diag(np.full(40, 7))
    counts[3, 5:9] = 1, 4, 2, 3
    lines = evaluation.confusion_lines(counts, [f"letter {i}" for i in range(40)])
    assert len(lines) == 41 and max(map(len, lines)) < 80
    assert lines[0].split() == ["class", "of", "wrong", "%", "read", "as"]
    assert lines[4].split(maxsplit=5) == [
        "letter",
        "3",
        "17",
        "10",
        "58.82",
        "letter 6 (4), letter 8 (3), letter 7 (2)",
    ]
    assert lines[5].split() == ["letter", "4", "7", "0", "0.00"]
    assert evaluation.confusion_lines(np.eye(2, dtype=int))[0].split() == ["digit", "0", "1", "of", "wrong", "%"]


def test_classes_that_are_never_read_are_named_and_many_are_counted():
    figures = {"best_epoch": 1, "readout": {"digits": 1, "correct": 1, "accuracy": 1, "interval": [0, 1]}}
    said = final_table(Summary("finished", never_read=[1, 7], classes=list(NAMES), **figures))
    assert said.endswith("nothing in the test set is read as Trouser, 靴")
    said = final_table(Summary("finished", never_read=list(range(30)), **figures))
    assert said.endswith("17, 18, 19 and 10 more")


@pytest.mark.parametrize("text", ["", "a", "a long name of a class: 3", "かたかな letter ア"])
def test_a_name_is_cut_in_its_middle(text):
    for most in range(1, 30):
        cut = shortened(text, most)
        assert terminal_width(cut) <= most and (cut == text) == (terminal_width(text) <= most)
    assert shortened("letter A of class 3", 9) == "lett…ss 3"


def test_names_are_told_from_their_neighbours():
    names = ["a", "a,b", " a", "a ", "", "it's", "a b", "靴", "a\x1b", "1;2"]
    assert listed(names) == r"""a, 'a,b', ' a', 'a ', '', "it's", a b, 靴, a\x1b, '1;2'"""
    assert listed(["…", "\n"]) == r"'…', '\n'"
