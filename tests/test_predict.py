"""Reading pictures with a run: the table, what is skipped, and what the exit code says."""

import csv
import dataclasses
import errno
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from drawn import drawn
from made import digits, made_data, write_set
from PIL import Image
from typed import typed

import npdigits
from npdigits import predict
from npdigits.base.errors import RunDirError, UserError
from npdigits.base.npz import npz
from npdigits.config.compose import compose
from npdigits.data.sets import Split
from npdigits.pictures import pool, progress
from npdigits.pictures.mnist_form import to_mnist_form
from npdigits.runs import reading, trained
from npdigits.runs.arrays import fits_network
from npdigits.runs.checkpoint import hash_arrays, opened
from npdigits.train import run


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """Return a folder with a good run, and one that was hardly trained."""
    folder = tmp_path_factory.mktemp("sweep")
    for name, lr in (("good", "0.01"), ("bad", "1e-6")):
        config = compose(["data=mnist_5k", "epochs=15", f"lr={lr}", "plots=false", "quiet=true"])
        run(config, folder / name)
    return folder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Return a folder with a picture of each digit, of several kinds."""
    folder = tmp_path_factory.mktemp("pictures")
    for digit in range(10):
        changes = {"ink": 255, "paper": 20} if digit % 2 else {"size": (500, 400), "place": (230, 100)}
        Image.fromarray(drawn(digit, **changes)).save(folder / f"{digit}.{'png' if digit < 5 else 'jpg'}")
    return folder


def command(*arguments):
    """Run the command, and return it."""
    return typed(*arguments, cwd=Path.cwd(), module="npdigits.predict")


def test_the_table_has_digit_probability_and_second_guess(sweep, pictures):
    done = command(sweep / "good", pictures)
    assert (done.returncode, done.stderr.splitlines()) == (0, [f"npdigits.predict: {trained.CALIBRATED}"])
    head, *rows = [line.split() for line in done.stdout.splitlines()]
    assert head == ["file", "digit", "probability", "second", "probability", "doubt"]
    assert [row[0] for row in rows] == [str(path) for path in sorted(pictures.iterdir())]
    classifier = npdigits.Classifier.load(sweep / "good")
    images = np.array([to_mnist_form(np.asarray(Image.open(path).convert("L"))) for path in sorted(pictures.iterdir())])
    p = classifier.predict_proba(images)
    for row, of_it in zip(rows, p, strict=True):
        order = np.argsort(-of_it)
        assert [int(row[1]), int(row[3])] == list(order[:2])
        assert [float(row[2]), float(row[4])] == pytest.approx(of_it[order[:2]], abs=6e-5)
    assert sum(int(row[1]) == digit for digit, row in enumerate(rows)) >= 7


def test_a_network_of_one_class_has_no_second_guess(pictures, tmp_path):
    folder = write_set(tmp_path / "set", *(digits(n, (28, 28), classes=1) for n in (600, 100)))
    run(compose(["data=idx", f"data.dir={folder}", "epochs=1", "plots=false", "quiet=true"]), tmp_path / "run")
    done = command(tmp_path / "run", pictures / "3.png", "--csv", tmp_path / "t.csv", "--doubt", "0")
    assert (done.returncode, done.stderr.splitlines()) == (0, [f"npdigits.predict: {trained.NOT_CALIBRATED}"])
    assert done.stdout.splitlines()[1].split()[:3] == [str(pictures / "3.png"), "0", "1.0000"]
    (row,) = csv.DictReader((tmp_path / "t.csv").read_text(encoding="utf-8").splitlines())
    assert (row["digit"], float(row["probability"]), row["second_digit"], row["second_probability"]) == ("0", 1, "", "")


def test_a_digit_is_called_by_the_name_of_its_class(pictures, tmp_path):
    names = ("zero", "=1+1", *(f"the {i}" for i in range(2, 10)))
    source = dataclasses.replace(made_data(shape=(28, 28)), classes=names)
    run(compose(["epochs=1", "plots=false", "quiet=true"]), tmp_path / "run", source=source)
    found = trained.load_trained(tmp_path / "run")
    files = sorted(pictures.iterdir())
    images = np.array([to_mnist_form(np.asarray(Image.open(path).convert("L"))) for path in files])
    read = reading.read_digits(found, files, images)
    said = json.loads(reading.readings_as_json(found, read, [], {}))
    rows = list(csv.DictReader(io.StringIO(reading.readings_as_csv(read, [], {}))))
    shown = reading.reading_rows(read)[1:]
    assert said["classes"] == list(names)
    for one, row, line, p in zip(said["read"], rows, shown, found.probabilities(as_split(images)), strict=True):
        first, second = (names[i] for i in np.argsort(-p)[:2])
        assert one["digit"] == line[1] == first and line[3] == second
        assert row["digit"].removeprefix("'") == first and not row["digit"].startswith("=")  # nor a formula in a sheet


def as_split(images):
    n = len(images)
    return Split(images.reshape(n, -1), np.zeros(n, np.intp), np.arange(n))


def test_csv_and_json_say_the_same(sweep, pictures, tmp_path):
    (tmp_path / "blank.png").write_bytes(b"")
    done = command(sweep / "good", pictures, tmp_path / "blank.png", "--csv", tmp_path / "t.csv", "--json", "-")
    assert done.returncode == 1
    said = json.loads(done.stdout)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "t.csv").read_text())))
    assert len(rows) == 11 and len(said["read"]) == 10
    assert {row["saved"] for row in rows} == {""} and not any("saved" in one for one in said["read"])
    for row, one in zip(rows, said["read"], strict=False):
        assert row["file"] == one["file"] and int(row["digit"]) == one["digit"]
        assert sum(one["probabilities"]) == pytest.approx(1, abs=1e-5)
        assert float(row["probability"]) == max(one["probabilities"]) == one["probabilities"][one["digit"]]
        assert float(row["second_probability"]) == sorted(one["probabilities"])[-2]
    assert said["skipped"] == [{"file": rows[-1]["file"], "reason": rows[-1]["skipped"]}]
    assert rows[-1]["skipped"].startswith("no picture of these formats")


def test_what_cannot_be_read_is_named_and_the_rest_is_done(sweep, pictures, tmp_path):
    folder = tmp_path / "mixed"
    shutil.copytree(pictures, folder)
    Image.new("L", (80, 80), "white").save(folder / "blank.png")
    Image.fromarray(np.repeat(np.uint8([0, 255]), [3, 4997])[:, None]).save(folder / "a thin strip.png")
    (folder / "broken.png").write_bytes((folder / "3.png").read_bytes()[:100])
    (folder / "steering\x1b[31m.png").write_bytes(b"no picture")
    (folder / os.fsdecode(b"no text \xff.png")).write_bytes(b"no picture")
    done = command(sweep / "good", folder, tmp_path / "nowhere.png", "--csv", tmp_path / "t.csv")
    assert done.returncode == 1 and len(done.stdout.splitlines()) == 11
    lines = done.stderr.splitlines()
    assert lines[-1] == "npdigits.predict: 10 read, 6 skipped" and "\x1b" not in done.stderr
    assert f"npdigits.predict: skipped: {folder}/blank.png: it is blank" in lines
    assert any("broken.png: damaged: " in line for line in lines)
    assert f"npdigits.predict: skipped: {tmp_path}/nowhere.png: No such file or directory" in lines
    assert b"no text \xff.png" in (tmp_path / "t.csv").read_bytes()


def test_standard_output_may_be_closed(sweep, pictures, tmp_path):
    program = [
        sys.executable,
        "-m",
        "npdigits.predict",
        str(sweep / "good"),
        str(pictures),
        "--csv",
        str(tmp_path / "t"),
    ]
    done = subprocess.run(["sh", "-c", '"$@" >&-', "sh", *program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.splitlines()) == (0, [f"npdigits.predict: {trained.CALIBRATED}"])
    assert len((tmp_path / "t").read_text().splitlines()) == 11


def test_nothing_but_skipped_files_gives_no_table(sweep, tmp_path):
    Image.new("L", (80, 80), "white").save(tmp_path / "blank.png")
    done = command(sweep / "good", tmp_path)
    assert (done.returncode, done.stdout) == (1, "")


def test_what_the_network_saw_is_saved(sweep, pictures, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(pictures / "3.png", other)
    assert command(sweep / "good", pictures, other, "--save", tmp_path / "seen").returncode == 0
    names = {path.name for path in (tmp_path / "seen").iterdir()}
    assert names == {f"{path.name}.png" for path in pictures.iterdir()} | {"3.png-2.png"}
    seen = np.asarray(Image.open(tmp_path / "seen" / "3.png-2.png"))
    assert np.array_equal(seen, to_mnist_form(drawn(3, ink=255, paper=20)))


def test_the_best_of_a_sweep_is_its_best_by_validation(sweep):
    assert trained.load_trained(sweep / "best").path == sweep / "good"
    (sweep / "good" / "bare").mkdir(exist_ok=True)
    with pytest.raises(RunDirError, match="best: no finished run there has validation figures to choose by"):
        trained.load_trained(sweep / "good" / "bare" / "best")
    with pytest.raises(UserError, match="nowhere: there is no such folder"):
        trained.load_trained(sweep / "nowhere" / "best")
    with pytest.raises(RunDirError, match=r"one of its runs, or .*best"):
        trained.load_trained(sweep)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere", "."], "nowhere"),
        (["RUN", ""], "'': allowed are names of pictures and folders"),
        (["RUN", "PICTURES", "--csv", ""], "--csv '': allowed is the name of a file"),
        (["RUN", "PICTURES", "--save", ""], "--save '': allowed is the name of a folder"),
        (["RUN", "PICTURES", "--csv", "PICTURES/3.png"], "3.png: is one of the pictures to read"),
        (["RUN", "PICTURES", "--save", "RUN/seen"], "a file of a run"),
        (["RUN", "PICTURES", "--csv", "nowhere/t.csv"], "there is no such folder"),
        (["RUN", "PICTURES", "--csv", "-", "--json", "-"], "allowed is one on standard output"),
        (["RUN", "PICTURES", "--csv", "RUN/metrics.csv"], "a file of a run"),
        (["RUN", "PICTURES", "--save", "RUN/summary.json"], "summary.json"),
        (["RUN", "PICTURES", "--csv", "EMPTY/loop.csv"], "loop.csv: a link that leads back to itself"),
        (["RUN", "PICTURES", "--save", "EMPTY/loop.csv"], "loop.csv: File exists"),
    ],
)
def test_bad_input_is_one_line(sweep, pictures, tmp_path, arguments, message):
    places = {"RUN": sweep / "good", "PICTURES": pictures, "EMPTY": tmp_path}
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    typed = [arguments_in(places, one) for one in arguments]
    done = command(*typed)
    assert done.returncode == 2 and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1 and message in done.stderr


def arguments_in(places, one):
    """Return an argument with the first name of a place replaced by it."""
    for name, place in places.items():
        if one.startswith(name):
            return one.replace(name, str(place), 1)
    return one


def test_a_run_of_other_images_is_refused(sweep, tmp_path):
    shutil.copytree(sweep / "good", tmp_path / "run")
    summary = tmp_path / "run" / "summary.json"
    summary.write_text(json.dumps(json.loads(summary.read_text()) | {"image_shape": [16, 49]}))
    with pytest.raises(UserError, match=r"was trained on images of \[16, 49\]"):
        reading.refuse_other_sizes(trained.load_trained(tmp_path / "run"))


def test_ctrl_c_writes_nothing(sweep, pictures, tmp_path, monkeypatch, capsys):
    done = []

    def interrupted(file, takes):
        done.append(file)
        if len(done) == 5:
            raise KeyboardInterrupt
        return to_mnist_form(drawn(3)), ""

    monkeypatch.setattr(pool, "take", interrupted)
    typed = [
        "predict",
        str(sweep / "good"),
        str(pictures),
        "--csv",
        str(tmp_path / "t.csv"),
        "--save",
        str(tmp_path / "s"),
    ]
    monkeypatch.setattr(sys, "argv", typed)
    with pytest.raises(SystemExit) as caught:
        predict.main()
    assert caught.value.code == 130
    said = capsys.readouterr()
    assert said.err == "npdigits.predict: interrupted\n" and said.out == ""
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def called(monkeypatch, *arguments):
    """Call the command in this process, and return its exit code."""
    monkeypatch.setattr(sys, "argv", ["predict", *map(str, arguments)])
    with pytest.raises(SystemExit) as caught:
        predict.main()
    return caught.value.code


@pytest.mark.parametrize("name", ["t.csv", "3.png.png"])
def test_files_are_written_whole_or_not_at_all(sweep, pictures, tmp_path, monkeypatch, name):
    """The process dies as it writes one: by a rename, so that there is the old file or the new one."""
    original = os.replace

    def replace(source, target):
        if str(target).endswith(name):
            raise KeyboardInterrupt
        original(source, target)

    monkeypatch.setattr(os, "replace", replace)
    (tmp_path / "t.csv").write_text("old")
    typed = [sweep / "good", pictures, "--csv", tmp_path / "t.csv", "--save", tmp_path / "seen"]
    assert called(monkeypatch, *typed) == 130
    assert ((tmp_path / "t.csv").read_text() == "old") == (name == "t.csv")
    for path in (tmp_path / "seen").glob("*.png"):
        assert np.asarray(Image.open(path)).shape == (28, 28)
    assert not (tmp_path / "seen" / "3.png.png").exists()


def test_a_table_that_cannot_be_written_leaves_nothing(sweep, pictures, tmp_path, monkeypatch, capsys):
    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied", "t.csv")

    monkeypatch.setattr(predict.targets, "put", refuse)
    typed = [sweep / "good", pictures, "--csv", tmp_path / "t.csv", "--save", tmp_path / "seen"]
    assert called(monkeypatch, *typed) == 2
    assert capsys.readouterr().err == "npdigits.predict: t.csv: Permission denied\n"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_names_that_repeat_lose_nothing_and_one_file_is_read_once(sweep, tmp_path):
    for folder, name in (("a", "3.png"), ("b", "3.png"), ("c", "3.png-2")):
        (tmp_path / folder).mkdir()
        Image.fromarray(drawn(3)).save(tmp_path / folder / name, "PNG")
    files = [tmp_path / "a", tmp_path / "b", tmp_path / "c" / "3.png-2", tmp_path / "b" / ".." / "a" / "3.png"]
    done = command(sweep / "good", *files, "--save", tmp_path / "seen")
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 4
    assert len(list((tmp_path / "seen").iterdir())) == 3


def test_a_name_too_long_to_be_added_to_is_cut_and_the_table_says_so(sweep, pictures, tmp_path):
    long = ["ü" * 120 + "1.png", "ü" * 120 + "2.png"]
    for name in long:
        shutil.copy(pictures / "3.png", tmp_path / name)
    seen = tmp_path / "seen"
    done = command(sweep / "good", tmp_path, pictures, "--save", seen, "--csv", tmp_path / "t.csv", "--json", "-")
    assert done.returncode == 0 and done.stderr == ""
    saved = {row["file"]: row["saved"] for row in csv.DictReader(io.StringIO((tmp_path / "t.csv").read_text()))}
    assert saved == {one["file"]: one["saved"] for one in json.loads(done.stdout)["read"]}
    assert len(saved) == 12 and sorted(map(Path, saved.values())) == sorted(seen.iterdir())
    assert [saved[str(tmp_path / name)] for name in long] == [
        str(seen / ("ü" * 100 + ending)) for ending in (".png", "-2.png")
    ]


def test_nothing_is_saved_among_the_pictures_to_read(sweep, tmp_path):
    Image.fromarray(drawn(2)).save(tmp_path / "2.png")
    (tmp_path / "2.png.png").write_text("mine")
    done = command(sweep / "good", tmp_path / "2.png", "--save", tmp_path)
    assert done.returncode == 2 and "pictures to read are in that folder" in done.stderr
    assert (tmp_path / "2.png.png").read_text() == "mine"
    done = command(sweep / "good", tmp_path / "2.png", "--save", tmp_path / "2.png.png")
    assert done.returncode == 2 and "2.png.png: is no folder" in done.stderr


def test_a_run_that_has_not_finished_reads_with_a_warning(sweep, pictures, tmp_path):
    shutil.copytree(sweep / "good", tmp_path / "run")
    summary = tmp_path / "run" / "summary.json"
    summary.write_text(json.dumps(json.loads(summary.read_text()) | {"status": "running"}))
    done = command(tmp_path / "run", pictures)
    assert done.returncode == 0 and "WARNING" in done.stderr and "status running" in done.stderr


def test_many_pictures_show_how_far_it_is_on_a_terminal(monkeypatch, capsys):
    files = [Path(f"{i}.png") for i in range(60)]
    assert list(progress.with_progress(files, len(files))) == files
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    assert list(progress.with_progress(files, len(files))) == files
    assert "reading pictures" in capsys.readouterr().err


@pytest.mark.parametrize("harm", ["another run's", "not finite", "cut", "no summary"])
def test_damaged_runs_are_refused(sweep, tmp_path, harm):
    path = tmp_path / "run"
    shutil.copytree(sweep / "good", path)
    best = path / "checkpoints" / "best.npz"
    if harm == "another run's":
        shutil.copy(sweep / "bad" / "checkpoints" / "best.npz", best)
    elif harm == "not finite":
        arrays = opened(best, fits_network())
        arrays["W1"][3, 4] = np.nan
        best.write_bytes(npz({**arrays, "sha256": np.frombuffer(bytes.fromhex(hash_arrays(arrays)), np.uint8)}))
    elif harm == "cut":
        best.write_bytes(best.read_bytes()[:-100])
    else:
        summary = json.loads((path / "summary.json").read_text())
        (path / "summary.json").write_text(json.dumps({"identity": summary["identity"], "status": "finished"}))
    with pytest.raises(RunDirError, match=f"^{path}"):
        trained.load_trained(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("config.yaml", "", "config.yaml: not a table of names and values"),
        ("config.yaml", "[]", "config.yaml: not a table of names and values"),
        ("config.yaml", "hidden: [1,\nlr: {", "damaged: config.yaml: while parsing"),
        ("config.yaml", None, "/config.yaml: cannot be read: No such file or directory"),
        ("summary.json", "{}", "summary.json has no identity"),
        ("identity.json", "{}", "identity.json: damaged: no seed"),
        (
            "identity.json",
            '{"seed": 0}',
            "activation=None there, leaky_relu here; ",
        ),
    ],
)
def test_a_damaged_text_file_is_named_in_a_short_line(sweep, pictures, tmp_path, name, content, message):
    shutil.copytree(sweep / "good", tmp_path / "run")
    (tmp_path / "run" / name).unlink()
    if content is not None:
        (tmp_path / "run" / name).write_text(content)
    done = command(tmp_path / "run", pictures)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr and len(done.stderr.splitlines()) == 1 and len(done.stderr) < 500
