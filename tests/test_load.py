"""Loading the files that people have: read once, divided as they say, refused in a line; runs, sweeps and resume."""

import json

import numpy as np
import pytest
from made import digits, read_summary
from test_forms_agree import loaded, results

from npdigits.base.errors import ConfigError, DataError
from npdigits.config.compose import compose
from npdigits.data import cache
from npdigits.forms import reading
from npdigits.runs.run import run
from npdigits.train import main

KEYS = ["hidden=5", "epochs=2", "plots=false", "quiet=true"]
NAMES = ("x_train", "y_train", "x_test", "y_test")


def write_npz(path, train=300, test=60, **more):
    """Write a set as Keras does, and return the overrides that name it."""
    arrays = [*digits(train, (9, 9), seed=1), *(digits(test, (9, 9), seed=2) if test else ())]
    np.savez(path, **dict(zip(NAMES, arrays, strict=False)), **more)
    return ["data=file", f"data.path={path}"]


@pytest.fixture
def reads(monkeypatch):
    """Count how often files are read."""
    counted = []

    def read(recognized, wanted):
        counted.append(recognized.place)
        return genuine(recognized, wanted)

    genuine = reading.read
    monkeypatch.setattr(reading, "read", read)
    return counted


def test_a_file_is_read_once_for_what_is_wanted_of_it(tmp_path, reads):
    named = write_npz(tmp_path / "digits.npz")
    first, again = loaded(named), loaded(named)
    assert len(reads) == 1
    assert (again[0].sha256, again[0].described, again[1]) == (first[0].sha256, first[0].described, first[1])
    assert loaded([*named, "data.labels=[a,b,c,d,e,f,g,h,i,j]"])[0].class_names == tuple("abcdefghij")
    assert len(reads) == 2
    write_npz(tmp_path / "digits.npz", train=301)
    assert len(loaded(named)[0].train) == 301 and len(reads) == 3


def test_the_line_says_what_was_understood(tmp_path):
    data, _ = loaded(write_npz(tmp_path / "digits.npz"))
    for part in (
        "digits.npz: npz",
        "300 training and 60 test images of 9 × 9",
        "10 classes (0, 1, 2",
        "labels: y_train",
    ):
        assert part in data.described
    assert "\n" not in data.described and "test set: its own" in data.described


@pytest.mark.parametrize("damage", ["facts", "arrays", "json"])
def test_a_damaged_entry_of_the_cache_is_made_again_and_said(tmp_path, reads, damage):
    named = write_npz(tmp_path / "digits.npz")
    sound = loaded(named)[0]
    (entry,) = cache.directory().iterdir()
    known = json.loads((entry / "entry.json").read_text())
    if damage == "facts":
        known["facts"]["reading"]["shape"] = [81, 1]
        (entry / "entry.json").write_text(json.dumps(known))
    elif damage == "json":
        (entry / "entry.json").write_text("{")
    else:
        np.save(entry / "test_images.npy", np.zeros((60, 9, 9), np.uint8))
    data, warnings = loaded(named)
    assert (data.sha256, data.image_shape) == (sound.sha256, (9, 9)) and len(reads) == 2
    assert len(warnings) == 1 and "cannot be used" in warnings[0]
    assert loaded(named)[1] == [] and len(reads) == 2


def test_nothing_is_cached_of_what_cannot_be_read(tmp_path):
    path = tmp_path / "digits.npz"
    named = write_npz(path)
    path.write_bytes(path.read_bytes()[:-2000])
    for _ in range(2):
        with pytest.raises(DataError, match=r"digits\.npz"):
            loaded(named)
    assert not cache.directory().exists() or not list(cache.directory().iterdir())


REFUSED = {
    "no path": (["data=file"], ConfigError, "data.path: missing: data=file wants"),
    "two test sets": (["data.test=b.npz", "data.test_size=10"], ConfigError, "data.test_size=10: allowed is null with"),
    "a drawn one besides": (["data.test_size=10"], ConfigError, r"data.test_size=10: .* has a test set of its own"),
    "a named one besides": (["data.test={path}"], ConfigError, r"data.test=.*: .* has a test set of its own"),
    "another set's key": (["data.dir=x"], ConfigError, "data.dir=x: this data set has no such key"),
    "no such file": (["data.path=none.csv"], DataError, "none.csv: cannot be read: No such file"),
    "a share of all": (["data.test_size=1.0"], ConfigError, "a share between 0 and 1, or a whole number"),
    "a flat shape": (["data.shape=[28]"], ConfigError, "a height and a width"),
    "a range upside down": (["data.range=[1,0]"], ConfigError, "a lower and a higher number"),
    "a name twice": (["data.labels=[a,a]"], ConfigError, "a list of different names"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_makes_no_sense_is_refused_in_a_line(tmp_path, what):
    typed, kind, said = REFUSED[what]
    named = write_npz(tmp_path / "digits.npz")
    named = named[:1] if what == "no path" else named
    with pytest.raises(kind, match=said) as refused:
        loaded([*named, *(one.format(path=tmp_path / "digits.npz") for one in typed if one not in named)])
    assert "\n" not in str(refused.value)


def test_a_test_set_is_drawn_where_there_is_none_the_same_for_every_seed(tmp_path):
    named = write_npz(tmp_path / "digits.npz", train=350, test=0)
    data, _ = loaded(named)
    assert (len(data.train), len(data.test)) == (300, 50)
    assert np.bincount(data.test.labels).tolist() == [5] * 10
    assert "drawn" in data.described
    more, _ = loaded([*named, "data.test_size=0.2"])
    assert (len(more.train), len(more.test)) == (280, 70)


def test_a_validation_set_of_the_files_own_is_the_size_that_is_held_out(tmp_path):
    """And it is part of the identity, as the same digits without it hold out another number by default."""
    train, val = digits(300, (9, 9), seed=1), digits(90, (9, 9), seed=3)
    test = digits(60, (9, 9), seed=2)
    parts = {"train": train, "val": val, "test": test}
    arrays = {f"{part}_{kind}": half[i] for part, half in parts.items() for i, kind in enumerate(("images", "labels"))}
    np.savez(tmp_path / "med.npz", **arrays)
    joined = [np.concatenate(both) for both in zip(train, val, strict=True)]
    np.savez(tmp_path / "keras.npz", **dict(zip(NAMES, (*joined, *test), strict=True)))
    summaries = {}
    for name, more in (("med", []), ("keras", []), ("keras", ["val_size=90"]), ("med", ["val_size=65"])):
        out = tmp_path / "_".join([name, *more])
        summaries[out.name] = run(compose(["data=file", f"data.path={tmp_path / name}.npz", *more, *KEYS]), out)
    assert {summary["data_sha256"] for summary in summaries.values()} == {summaries["med"]["data_sha256"]}
    sizes = {name: summary["data_sizes"]["val"] for name, summary in summaries.items()}
    assert sizes == {"med": 90, "keras": 65, "keras_val_size=90": 90, "med_val_size=65": 65}
    assert summaries["med"]["identity"] == summaries["keras_val_size=90"]["identity"]
    assert summaries["keras"]["identity"] == summaries["med_val_size=65"]["identity"]
    assert summaries["keras"]["identity"] != summaries["med"]["identity"]
    assert results(tmp_path / "med") == results(tmp_path / "keras_val_size=90")


def program(arguments, monkeypatch):
    """Return the exit code of ``npdigits`` with these arguments."""
    monkeypatch.setattr("sys.argv", ["npdigits", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_a_run_goes_on_from_another_folder(tmp_path, monkeypatch):
    write_npz(tmp_path / "digits.npz")
    monkeypatch.chdir(tmp_path)
    assert program(["data=file", "data.path=digits.npz", *KEYS, "out=run"], monkeypatch) == 0
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert program(["resume=../run", "epochs=3", "quiet=true"], monkeypatch) == 0
    assert read_summary(tmp_path / "run")["epochs_run"] == 3


def test_a_sweep_over_files_by_processes_makes_a_run_of_each(tmp_path, monkeypatch):
    write_npz(tmp_path / "a.npz")
    write_npz(tmp_path / "b.npz", train=320)
    monkeypatch.chdir(tmp_path)
    keys = ["data=file", "data.path=a.npz,b.npz", *KEYS, "workers=2", f"out={tmp_path / 'sweep'}"]
    assert program(["-m", *keys], monkeypatch) == 0
    made = [read_summary(path.parent) for path in (tmp_path / "sweep").glob("*/summary.json")]
    assert sorted(summary["data_sizes"]["train"] for summary in made) == [250, 267]
    assert {summary["status"] for summary in made} == {"finished"}
