"""Pictures as a network takes them: the same by npdigits-predict and npdigits-evaluate, whatever they look like."""

import csv

import numpy as np
import pytest
from made import read_summary
from PIL import Image

from npdigits import predict
from npdigits.config.compose import compose
from npdigits.data import cache, sets
from npdigits.forms import class_folder
from npdigits.pictures.mnist_form import to_mnist_form
from npdigits.pictures.taking import Takes, is_in_mnist_form, take
from npdigits.runs import trained
from npdigits.runs.file_readings import read_file
from npdigits.runs.of_files import split_of
from npdigits.runs.run import run
from npdigits.runs.scores import score

N = 60


@pytest.fixture(scope="module")
def digits(shared_cache):
    """Return embedded test digits, and their labels."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NPDIGITS_CACHE", str(shared_cache))
        test = sets.load("mnist_5k").test
    rows = test.rows[:: len(test) // N][:N]
    return test.images[rows].reshape(-1, 28, 28), test.labels[rows]


def cropped(image):
    """Return a digit cut out to its edges and stretched to 28 × 28, as other sets of characters are made."""
    rows, columns = (np.flatnonzero(image.max(axis=axis) > 60) for axis in (1, 0))
    box = Image.fromarray(image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    return np.asarray(box.resize((28, 28), Image.Resampling.BILINEAR))


def enlarged(image):
    return np.asarray(Image.fromarray(255 - image).resize((50, 50), Image.Resampling.BILINEAR))


LOOKS = {
    "as MNIST's": lambda image: image,
    "dark on light": lambda image: 255 - image,
    "cut out": cropped,
    "of another size": enlarged,
}


def write(folder, images, labels):
    """Write pictures by class."""
    for i, (image, label) in enumerate(zip(images, labels, strict=True)):
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / str(label) / f"{i:03}.png")
    return folder


@pytest.fixture(scope="module")
def of_mnist(tmp_path_factory, shared_cache):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NPDIGITS_CACHE", str(shared_cache))
        out = tmp_path_factory.mktemp("runs") / "mnist"
        run(compose(["data=mnist_5k", "epochs=3", "plots=false", "quiet=true"]), out)
    return out


def readings(run_dir, folder, tmp_path, monkeypatch, capsys):
    """Return what npdigits-predict reads: the digit of each picture, by its name."""
    table = tmp_path / "read.csv"
    monkeypatch.setattr("sys.argv", ["predict", str(run_dir), str(folder), "--csv", str(table)])
    with pytest.raises(SystemExit) as ended:
        predict.main()
    capsys.readouterr()
    assert ended.value.code in (0, predict.SKIPPED)
    with table.open(newline="") as file:
        return {row["file"].rpartition("/")[2]: int(row["digit"]) for row in csv.DictReader(file) if row["digit"]}


@pytest.mark.parametrize("look", LOOKS)
def test_both_programs_read_the_same_pictures_alike(look, digits, of_mnist, tmp_path, monkeypatch, capsys):
    images, labels = digits
    folder = write(tmp_path / "pictures", map(LOOKS[look], images), labels)
    read = readings(of_mnist, folder, tmp_path, monkeypatch, capsys)
    warned = []
    scores = score([of_mnist], (), warned.append, file=folder)
    right = sum(read.get(f"{i:03}.png") == label for i, label in enumerate(labels.tolist()))
    assert len(read) + len(scores.exam.unreadable) == N
    assert scores.counts.trace() == right
    assert right >= 0.8 * N or look == "cut out"  # which nothing brings back into that form
    assert warned == []


def test_a_run_of_squares_as_they_were_takes_others_so(digits, tmp_path, monkeypatch, capsys):
    """Though these would be other digits in MNIST's form."""
    images, labels = digits
    folder = write(tmp_path / "pictures", map(cropped, images), labels)
    keys = ["data=file", f"data.path={folder}", "hidden=16", "epochs=30", "stop_on=none", "val_size=0", "plots=false"]
    run(compose([*keys, "data.test_size=20", "batch_size=8", "quiet=true"]), tmp_path / "run")
    assert read_summary(tmp_path / "run")["reading"]["as_they_are"] is True
    read = readings(tmp_path / "run", folder, tmp_path, monkeypatch, capsys)
    network = trained.load_trained(tmp_path / "run")
    stored = np.stack([cropped(image) for image in images])
    expected = network.probabilities(split_of(stored)).argmax(axis=1).tolist()
    assert [read[f"{i:03}.png"] for i in range(N)] == expected


def test_squares_are_as_they_are_or_turned_over_or_brought_to_the_form(digits, tmp_path):
    image = digits[0][0]
    path = tmp_path / "a.png"
    Image.fromarray(255 - image).save(path)
    for takes, seen in (
        (Takes(28, True, False), 255 - image),
        (Takes(28, True, True), image),
        (Takes(28, False, False), to_mnist_form(255 - image)),
    ):
        np.testing.assert_array_equal(take(path, takes)[0], seen)
        assert Takes.of(takes.word) == takes
    assert take(path, Takes(8, True)) == (
        None,
        "no grey square of 8 × 8 pixels: the run takes pictures as they are",
    )
    Image.fromarray(image).save(path)
    np.testing.assert_array_equal(take(path, Takes())[0], image)


def test_what_is_in_mnists_form(digits):
    images = digits[0]
    assert all(map(is_in_mnist_form, images))
    assert not any(is_in_mnist_form(255 - image) for image in images)
    assert sum(is_in_mnist_form(cropped(image)) for image in images) < N / 4
    assert not is_in_mnist_form(np.zeros((28, 28), np.uint8)) and not is_in_mnist_form(images[0][2:-2, 2:-2])


def test_a_folder_is_read_once_for_each_way_of_taking_pictures(digits, of_mnist, tmp_path, monkeypatch):
    images, labels = digits
    folder = write(tmp_path / "pictures", map(enlarged, images), labels)
    (folder / "3" / "blank.png").write_bytes(b"no picture")
    read = []
    genuine = class_folder.read
    monkeypatch.setattr(class_folder, "read", lambda *asked: (read.append(asked[3]), genuine(*asked))[1])
    first, again = (score([of_mnist], (), print, file=folder) for _ in range(2))
    assert read == [Takes()]
    np.testing.assert_array_equal(first.p, again.p)
    assert first.exam.unreadable == again.exam.unreadable and len(again.exam.unreadable) == 1
    assert [first.exam.name_of(i) for i in range(N)] == [again.exam.name_of(i) for i in range(N)]
    assert first.lines == again.lines
    score([of_mnist], ["data.invert=true"], print, file=folder)
    assert read[1:] == [Takes(inverted=True)]
    Image.fromarray(enlarged(images[0])).save(folder / "3" / "blank.png")
    assert score([of_mnist], (), print, file=folder).exam.unreadable == ()
    assert len(read) == 3


@pytest.mark.parametrize("program", ["predict", "evaluate"])
def test_digits_that_lie_otherwise_or_are_inverted_are_said_by_both_programs(digits, of_mnist, tmp_path, program):
    images, labels = digits
    for name, stored, said in (
        ("transposed", images.swapaxes(1, 2), "look like digits that are transposed: data.transpose="),
        ("inverted", 255 - images, "paper and ink are the other way round"),
        ("upright", images, ""),
    ):
        file = tmp_path / f"{name}.npz"
        np.savez(file, X=stored, y=labels)
        warned = []
        if program == "evaluate":
            score([of_mnist], (), warned.append, file=file)
        else:
            read_file(trained.load_trained(of_mnist), file, (), warned.append)
        assert [line for line in warned if line.startswith(f"{file}: ")] == warned
        assert len(warned) == bool(said) and said in "".join(warned)


def test_what_is_odd_about_folders_is_said_where_they_are_scored_again(digits, of_mnist, tmp_path):
    images, labels = digits
    folder = write(tmp_path / "pictures", images, labels)
    (folder / "notes").mkdir()
    for _ in range(2):  # the second time from the cache
        warned = []
        score([of_mnist], (), warned.append, file=folder)
        assert len(warned) == 1 and "notes" in warned[0]


def test_a_damaged_entry_of_the_cache_is_a_warning_and_nothing_on_standard_output(digits, of_mnist, tmp_path, capsys):
    """Which may be a table's that is read on."""
    folder = write(tmp_path / "pictures", *digits)
    first = score([of_mnist], (), print, file=folder)
    capsys.readouterr()
    for entry in cache.directory().glob("*/train.npy"):
        np.save(entry, np.zeros((N, 28, 28), np.uint8))
    warned = []
    again = score([of_mnist], (), warned.append, file=folder)
    np.testing.assert_array_equal(first.p, again.p)
    assert len(warned) == 1 and "cannot be used" in warned[0]
    assert capsys.readouterr().out == ""
