"""``npdigits-evaluate RUN PATH``: labelled digits of the user's, matched by class, never those that were trained on."""

import csv
import io
import sys

import numpy as np
import pytest
from made import digits, write_set
from photographs import write_photographs
from PIL import Image

from npdigits import evaluate
from npdigits.base.errors import DataError
from npdigits.config.compose import compose
from npdigits.runs import evaluation, scores, trained
from npdigits.runs.of_files import split_of
from npdigits.runs.results import wilson_interval
from npdigits.train import run
from npdigits.training.scoring import probabilities

TINY = ("hidden=8", "epochs=3", "plots=false", "quiet=true")
SHAPE = (6, 9)
TRAINING, TESTING = digits(600, SHAPE), digits(90, SHAPE, seed=3)
KEYS = (f"data.shape=[{SHAPE[0]},{SHAPE[1]}]", *TINY)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Return the directories of three runs on the same digits: of bytes, of a share with inverted ink, by names."""
    folder = tmp_path_factory.mktemp("runs")
    images, labels = TRAINING
    np.savez(folder / "bytes.npz", X=images, y=labels)
    np.savez(folder / "inverted.npz", X=1 - images / 255, y=labels)
    names = np.array([f"class {'abcdefghij'[i]}" for i in range(10)])
    np.savez(folder / "named.npz", X=images, y=names[labels])
    found = {}
    for name, more in (
        ("bytes", []),
        ("inverted", ["data.range=[0,1]", "data.invert=true", "seed=1"]),
        ("named", ["seed=2"]),
    ):
        run(compose(["data=file", f"data.path={folder / name}.npz", *KEYS, *more]), folder / name)
        found[name] = folder / name
    return found


@pytest.fixture
def called(monkeypatch, capsys):
    """Return a function that calls the program in this process: exit code, lines of standard output and error."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["evaluate", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            evaluate.main()
        said = capsys.readouterr()
        return caught.value.code, said.out.splitlines(), said.err.splitlines()

    return call


def save(folder, **arrays):
    """Write arrays into an .npz, and return it."""
    np.savez(folder / "test.npz", **arrays)
    return folder / "test.npz"


def rights(path, images, labels):
    """Return how many images a run reads right, asked directly."""
    p = trained.load_trained(path).probabilities(split_of(images))
    return int((p.argmax(axis=1) == labels).sum())


def test_a_file_is_scored_with_an_interval_and_a_confusion_matrix(runs, tmp_path, called):
    images, labels = TESTING
    file = save(tmp_path, X=images, y=labels)
    code, out, said = called(runs["bytes"], file, "--csv", tmp_path / "c.csv")
    right = rights(runs["bytes"], images, labels)
    low, high = wilson_interval(right, 90)
    assert (code, said) == (0, []) and 60 < right < 90
    assert out[0].startswith(f"{file}: npz") and out[0].endswith("90 labelled images") and "all of it" in out[0]
    assert out[1].startswith(
        f"{runs['bytes']}: {right / 90:.2%} ({low:.2%} to {high:.2%}), {90 - right} of 90 read wrong"
    )
    rows = list(csv.DictReader(io.StringIO((tmp_path / "c.csv").read_text())))
    assert sum(int(row[str(i)]) for i, row in enumerate(rows)) == right
    assert [int(row["of"]) for row in rows] == np.bincount(labels).tolist()


def test_each_run_reads_the_numbers_as_those_that_it_was_trained_on(runs, tmp_path, called):
    images, labels = TESTING
    file = save(tmp_path, X=1 - images / 255, y=labels)
    code, out, said = called(runs["inverted"], file)
    right = rights(runs["inverted"], images, labels)
    assert (code, said) == (0, []) and f"{90 - right} of 90 read wrong" in out[1] and right > 60
    pale = save(tmp_path, X=1 - images / 1020, y=labels)
    _, out, _ = called(runs["inverted"], pale)
    assert f"{90 - rights(runs['inverted'], np.float32(images) / 4, labels)} of 90 read wrong" in out[1]


def test_a_committee_of_runs_that_read_files_in_other_ways(runs, tmp_path, called):
    images, labels = TESTING
    file = save(tmp_path, X=images, y=labels)
    code, _, said = called(runs["bytes"], runs["inverted"], file)
    assert code == 2 and len(said) == 1 and "the scale is 0 … 1 (data.range)" in said[0]
    code, out, said = called(runs["bytes"], runs["inverted"], file, "data.range=[0,255]", "data.invert=false")
    p = [probabilities(trained.load_trained(runs[name]).network, split_of(images)) for name in ("bytes", "inverted")]
    right = int((np.mean(p, axis=0).argmax(axis=1) == labels).sum())
    assert (code, said) == (0, []) and out[3].startswith("committee of 2: ") and f"{90 - right} of 90" in out[3]
    code, _, said = called(runs["bytes"], runs["named"], file)
    assert code == 2 and "was trained on other classes than" in said[0]


def test_of_a_divided_file_the_test_set_is_scored(runs, tmp_path, called):
    file = save(tmp_path, x_train=TRAINING[0], y_train=TRAINING[1], x_test=TESTING[0][:40], y_test=TESTING[1][:40])
    code, out, _ = called(runs["bytes"], file)
    assert code == 0 and "its test set" in out[0] and out[0].endswith("40 labelled images")


def test_classes_are_matched_by_name_and_need_not_all_be_there(runs, tmp_path, called):
    images, labels = TESTING
    kept = labels != 7
    names = np.array([f"class {'abcdefghij'[i]}" for i in range(10)])
    code, out, _ = called(runs["named"], save(tmp_path, X=images[kept], y=names[labels[kept]]))
    right = rights(runs["named"], images[kept], labels[kept])
    assert code == 0 and f"{kept.sum() - right} of {kept.sum()} read wrong" in out[1] and right > 40
    assert "class h" in out[2] and any(line.split()[:2] == ["class", "h"] and line.endswith("–") for line in out)
    wrong = np.where(labels == 7, "class z", names[labels])
    code, out, said = called(runs["named"], save(tmp_path, X=images, y=wrong))
    assert (code, out, len(said)) == (2, [], 1) and f"label class z: {runs['named']} knows the classes class a" in said[
        0
    ]


def test_a_data_set_by_its_name_is_matched_by_class_as_well(runs, tmp_path):
    """The set's own classes are counted from 0, those of the run by name: 3 … 9 are not 0 … 6."""
    images, labels = digits(700, SHAPE, seed=5)
    some = labels >= 3
    np.savez(tmp_path / "some.npz", X=images[some], y=labels[some])
    keys = ["data=file", f"data.path={tmp_path / 'some.npz'}", f"data.shape=[{SHAPE[0]},{SHAPE[1]}]"]
    found = scores.score([runs["bytes"]], keys, print)
    assert set(found.exam.labels.tolist()) == set(range(3, 10))
    assert found.counts.trace() == rights(runs["bytes"], found.first_images.reshape(-1, *SHAPE), found.exam.labels) > 60


def test_digits_that_were_trained_on_are_no_test(runs, tmp_path, called):
    images, labels = TRAINING
    code, out, said = called(runs["bytes"], save(tmp_path, X=images[:50], y=labels[:50]))
    assert (code, out, len(said)) == (2, [], 1) and "training images of file, which" in said[0]
    thrice = np.concatenate([*[TESTING[0]] * 3, images[:2]]), np.concatenate([*[TESTING[1]] * 3, labels[:2]])
    assert called(runs["bytes"], save(tmp_path, X=thrice[0], y=thrice[1]))[0] == 0  # less than one in a hundred


def test_a_test_set_within_its_own_training_set_is_refused_under_the_same_digest(tmp_path):
    """A set whose test images are training images scores a network's memory, whatever it is called."""
    images, labels = digits(600, (8, 7))
    folder = write_set(tmp_path / "set", (images, labels), (images[:60], labels[:60]))
    run(compose(["data=idx", f"data.dir={folder}", *TINY]), tmp_path / "run")
    with pytest.raises(DataError, match=r"60 of its 60 test digits are training images of idx, which .* has seen"):
        evaluation.load_test_set([trained.load_trained(tmp_path / "run")], [], print)


def test_of_its_own_test_set_a_few_training_images_are_said_and_scored(tmp_path):
    """Training has said so, too; sets that people collect have duplicates."""
    images, labels = digits(600, (8, 7))
    new = digits(60, (8, 7), seed=9)
    test = np.concatenate([images[:6], new[0][6:]]), np.concatenate([labels[:6], new[1][6:]])
    folder = write_set(tmp_path / "set", (images, labels), test)
    run(compose(["data=idx", f"data.dir={folder}", *TINY]), tmp_path / "run")
    said = []
    found = evaluation.load_test_set([trained.load_trained(tmp_path / "run")], [], said.append)
    assert len(found.test) == 60
    assert [line for line in said if "6 of its 60 test digits are training images of idx" in line] == said[-1:]


def test_the_sheet_shows_the_largest_costs_first(runs, tmp_path, monkeypatch):
    images, labels = TESTING
    found = scores.score([runs["bytes"]], [], print, file=save(tmp_path, X=images, y=labels))
    drawn = []
    monkeypatch.setattr(scores, "captioned", lambda *of: drawn.append(of) or b"")
    scores.worst_sheet(found)
    ((title, shown, captions),) = drawn
    order = np.argsort(found.p[np.arange(90), labels], kind="stable")[: scores.WORST]
    assert np.array_equal(shown, images[order])
    p = trained.load_trained(runs["bytes"]).probabilities(split_of(images))  # which are at the run's temperature
    first = order[0]
    assert captions[0][1] == f"{labels[first]}, read {p[first].argmax()}: {p[first].max():.1%}"
    assert f"[{first}]" in captions[0][0] or str(first) in captions[0][0]
    assert str(tmp_path / "test.npz") in title and str(runs["bytes"]) in title


def test_a_sheet_of_any_data_is_a_picture(runs, tmp_path, called):
    code, out, _ = called(runs["bytes"], "--sheet", tmp_path / "worst.png", "--csv", "-")
    assert code == 0 and out[0].startswith("digit,")
    with Image.open(tmp_path / "worst.png") as sheet:
        assert min(sheet.size) > 500


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["RUN", "test.npz", "data=mnist"], "data=mnist: allowed is test.npz or a data set by its name, not both"),
        (["RUN", "test.npz", "other.npz"], "test.npz, other.npz: allowed is one file or folder of digits"),
        (["RUN", "unlabelled.npz"], "without labels: npdigits-predict reads it"),
        (["RUN", "test.npz", "--sheet", "a.jpg"], "--sheet a.jpg: allowed is a name that ends in .png"),
        (["RUN", "test.npz", "--sheet", "-"], "--sheet -: allowed is the name of a file"),
        (["RUN", "test.npz", "--sheet", "test.npz"], "--sheet test.npz: is the file that is read"),
        (["RUN", "full", "--sheet", "full/a.png"], "--sheet full/a.png: lies in full, which is read"),
        (["RUN", "full", "--csv", "full/new/b.csv"], "--csv full/new/b.csv: lies in full, which is read"),
        (["RUN", "data=file", "data.path=test.npz", "--csv", "test.npz"], "test.npz: is the file that is read"),
        (["RUN", "test.npz", "--csv", "a", "--sheet", "a"], "--csv is written there too"),
        (["RUN", "test.npz", "data.test=x"], "data.test=x: not with test.npz"),
        (["RUN", "notes.txt"], "notes.txt: a text that is no table of numbers"),
        (["RUN", "empty"], "empty: an empty folder"),
        (["test.npz", "RUN"], "not a run directory"),
        (["RUN", "nowhere.csv"], "nowhere.csv: "),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(runs, tmp_path, called, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    save(tmp_path, X=TESTING[0], y=TESTING[1])
    save(tmp_path, X=TESTING[0]).rename("unlabelled.npz")
    save(tmp_path, X=TESTING[0], y=TESTING[1])
    np.savez("other.npz", X=TESTING[0], y=TESTING[1])
    (tmp_path / "notes.txt").write_text("no digits\n")
    (tmp_path / "empty").mkdir()
    (tmp_path / "full" / "new").mkdir(parents=True)
    Image.fromarray(TESTING[0][0]).save(tmp_path / "full" / "a.png")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    code, out, said = called(*[runs["bytes"] if one == "RUN" else one for one in arguments])
    assert (code, out, len(said)) == (2, [], 1) and message in said[0]
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_labelled_photographs_are_scored_and_those_that_are_none_are_named(tmp_path, called, mnist_5k, warm_cache):
    run(compose(["data=mnist_5k", "epochs=15", "hidden=30", "plots=false", "quiet=true"]), tmp_path / "run")
    of_each = np.concatenate([np.flatnonzero(mnist_5k.test.labels == digit)[:3] for digit in range(10) if digit != 7])
    images, labels = mnist_5k.test.images[of_each].reshape(-1, 28, 28), mnist_5k.test.labels[of_each]
    folder = tmp_path / "photos"
    write_photographs(folder, images, labels)
    Image.new("L", (80, 80), "white").save(folder / "4" / "blank.png")
    (folder / "5" / "torn.jpg").write_bytes((folder / "5" / "0015.jpg").read_bytes()[:200])
    code, out, said = called(tmp_path / "run", folder, "--sheet", tmp_path / "worst.png")
    assert code == 1 and out[0].endswith("27 labelled images, 2 unreadable")
    right = int(sum(int(row.split()[1 + int(row.split()[0])]) for row in out[3:]))
    assert right >= 20 and f"{27 - right} of 27 read wrong" in out[1]
    assert said[0] == f"npdigits.evaluate: skipped: {folder}/4/blank.png: it is blank"
    assert said[1].startswith(f"npdigits.evaluate: skipped: {folder}/5/torn.jpg: damaged") and len(said) == 2
    assert (tmp_path / "worst.png").stat().st_size > 10_000
    (folder / "seven").mkdir()
    (folder / "5" / "0015.jpg").rename(folder / "seven" / "0015.jpg")
    code, _, said = called(tmp_path / "run", folder)
    assert code == 2 and "label seven: " in said[0] and "knows the classes 0, 1, " in said[0]
