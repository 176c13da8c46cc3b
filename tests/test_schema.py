"""A stranger's run directory is not believed: each key and array has a type and a range, each file a size."""

import errno
import json
import os
import shutil
import socket
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import yaml
from made_runs import made_run, made_sweep

import npdigits
from npdigits.base.bounded import read_bytes
from npdigits.base.errors import RunDirError
from npdigits.base.kinds import LARGEST, SHOWN, Unfit, short_repr
from npdigits.base.npz import Declared, npz, read_npz
from npdigits.base.strict import parse_json, parse_yaml
from npdigits.config.former import PART_ONCE
from npdigits.config.identity import describe_differences, digest
from npdigits.config.keys import TABLE
from npdigits.runs import arrays, checkpoint, contents, metrics
from npdigits.runs.json_table import load_config, load_identity, read_environment
from npdigits.runs.kept_code import read_kept
from npdigits.runs.summary import BUT_FOR_PAUSE, Summary, read_summary
from npdigits.runs.table import read_runs
from npdigits.runs.trained import find_best_run, load_trained
from npdigits.sweeps.table import lines_of_others
from npdigits.training.state import Epoch

FORMER = Path(__file__).parent / "former"
RUNS = sorted(path.parent for path in FORMER.glob("*/*/summary.json"))
HUGE = 10**400
SPARSE = 5 << 30


def refused(kind, value):
    """Return what is said of a value that a kind refuses."""
    with pytest.raises(Unfit) as error:
        kind(value)
    line = str(error.value)
    assert line.isprintable() and len(line) < 400 and "allowed is " in line
    return line


READING = {"shape": [8, 7], "range": [0.0, 16.0], "transpose": False, "values": [1, 2], "classes": ["one", "two"]}
# Of each key: a value of another type, and one beyond the range.
SUMMARY = {
    "status": (["finished"], "x" * 201),
    "schema": ("2", HUGE),
    "schema_but_for_pause": ("2", HUGE),
    "identity": (5, "g" * 64),
    "data": (["mnist"], "m" * 5000),
    "data_sha256": ({}, "a" * 65),
    "data_sizes": ([1], {"train": -1}),
    "image_shape": ("28", [28, 10**6]),
    "parameters": (1.5, 0),
    "epochs_run": (True, HUGE),
    "seconds": ("1", -0.5),
    "seconds_shared": (1, "yes"),
    "bits_may_differ": (0, []),
    "at_chance": ("no", 2),
    "stopped_by": ({}, "s" * 201),
    "diverged_in_epoch": ([4], 0),
    "best_epoch": (2.0, HUGE),
    **dict.fromkeys(("train_cost", "val_cost", "test_cost"), ("low", HUGE)),
    **dict.fromkeys(("train_accuracy", "val_accuracy", "test_accuracy"), ([0.9], 1.01)),
    "own_metrics": ([], {"run": 0.5}),
    "readout": (75, {"interval": [0.1]}),
    "classes": ("abc", ["a" * 201]),
    "reading": ([], READING | {"range": [0]}),
    "never_read": ({"0": 1}, [10_000]),
    "sizes": ([], {"metrics.csv": -1}),
    "more_sizes": ([], {"doubt.npz": -1}),
    "temperature": ("1", 0.0),
    "diagnosis": (1, "a" * 1001),
    "reason": (["no"], "x" * 10_001),
}


def test_every_key_of_a_summary_is_named():
    fields = set(vars(Summary("running"))) - {"others"}
    assert set(SUMMARY) == set(contents.SUMMARY_VALUES) == fields | {BUT_FOR_PAUSE}


@pytest.mark.parametrize("name", SUMMARY)
def test_a_key_of_a_summary_is_refused_with_its_value(tmp_path, name):
    for value in SUMMARY[name]:
        refused(contents.SUMMARY_VALUES[name], value)
        path = made_run(tmp_path / str(SUMMARY[name].index(value)))
        summary = json.loads((path / "summary.json").read_text())
        (path / "summary.json").write_text(json.dumps(summary | {name: value}))
        with pytest.raises(RunDirError) as error:
            read_summary(path)
        line = str(error.value).removeprefix(f"{path}/summary.json: damaged: ")
        assert line.startswith(name) and ": allowed is " in line and len(line) < 300


INNER = [
    ("data_sizes", {"test": "1"}, "data_sizes.test='1'"),
    ("image_shape", [28, 0], "image_shape[1]=0"),
    ("own_metrics", {"val_top2": "1"}, "own_metrics.val_top2='1'"),
    ("own_metrics", {"val_cost": 1}, "own_metrics.val_cost='val_cost'"),
    ("readout", {"accuracy": 2}, "readout.accuracy=2"),
    ("never_read", [1, True], "never_read[1]=True"),
    ("classes", ["a", 1], "classes[1]=1"),
    ("classes", [], "classes=[]: allowed is a list of 1 to 10,000 elements"),
    ("reading", READING | {"values": [1, None]}, "reading.values[1]=None"),
    ("reading", READING | {"transpose": 1}, "reading.transpose=1"),
    ("reading", READING | {"range": [1, 1]}, "reading.range=[1, 1]"),
    ("reading", READING | {"values": [1, 2, 3]}, "reading has 3 labels for 2 classes"),
    ("sizes", {"\ud800": 1}, "sizes.\\ud800='\\ud800'"),
    ("data", "half \ud800", "data='half \\ud800'"),
    ("colour", [[[[[[[[[1]]]]]]]]], "colour[0][0][0][0]"),
    ("colour", HUGE, "colour=a whole number of 1,329 bits"),
]


@pytest.mark.parametrize(("name", "value", "said"), INNER, ids=[said for _, _, said in INNER])
def test_what_is_inside_a_value_is_named_too(name, value, said):
    with pytest.raises(ValueError) as error:
        Summary.parse({"status": "running", name: value})
    assert str(error.value).startswith(said)


def test_every_key_of_a_configuration_has_a_kind():
    decide = {name for name, key in TABLE.items() if key.decides}
    assert decide | PART_ONCE.keys() | {"data_sha256", "numerics"} == set(contents.IDENTITY_VALUES)


@pytest.mark.parametrize("name", contents.IDENTITY_VALUES)
def test_a_key_of_an_identity_is_refused_with_its_value(tmp_path, name):
    for value in ({}, [{}], HUGE, "\ud800"):
        refused(contents.IDENTITY_VALUES[name], value)
    path = made_run(tmp_path / "a")
    identity = json.loads((path / "identity.json").read_text()) | {name: HUGE}
    (path / "identity.json").write_text(json.dumps(identity))
    with pytest.raises(
        RunDirError, match=rf"identity\.json: damaged: {name}=a whole number of 1,329 bits: allowed is "
    ):
        load_identity(path)


ENVIRONMENT = {
    **dict.fromkeys(("python", "platform", "processor"), 5),
    "packages": {"numpy": 2},
    "blas": [{"version": []}],
    "numpy_simd": {"found": [1]},
    "git_commit": 5,
    "git_dirty": "no",
    "earlier": [{"packages": []}],
    "colour": [[[[1]]]],
}


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_an_environment_that_no_run_writes_is_unknown(tmp_path, name):
    path = made_run(tmp_path / "a")
    environment = json.loads((path / "environment.json").read_text())
    assert read_environment(path) == environment
    refused(contents.ENVIRONMENT, environment | {name: ENVIRONMENT[name]})
    (path / "environment.json").write_text(json.dumps(environment | {name: ENVIRONMENT[name]}))
    assert read_environment(path) is None
    assert read_runs([tmp_path]).environments == {"unknown": "environment.json is missing or damaged"}


def test_an_index_of_code_that_no_run_writes_is_refused(tmp_path):
    entry = {"spec": "a.py:f", "folder": "code/a", "main": "a.py", "files": ["a.py"], "distribution": ""}
    entry |= {"installed": False}
    wrong = [{**entry, key: 5} for key in entry] + [{k: v for k, v in entry.items() if k != key} for key in entry]
    for one in [*wrong, [], {**entry, "files": [5]}]:
        (tmp_path / "code.json").write_text(json.dumps({f"f@{'a' * 64}": one}))
        with pytest.raises(RunDirError, match=r"code\.json: damaged: "):
            read_kept(tmp_path)
    (tmp_path / "code.json").write_text(json.dumps({f"f@{'a' * 64}": entry}))
    (tmp_path / "code" / "aaaaaaaa").mkdir(parents=True)
    os.mkfifo(tmp_path / "code/aaaaaaaa/a.py")
    with pytest.raises(RunDirError, match=r"a\.py: damaged: not a file$"):
        read_kept(tmp_path)


@pytest.mark.parametrize("path", RUNS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_every_version_wrote_is_read(path):
    assert read_summary(path).schema <= 2
    assert load_config(path)["hidden"] and load_identity(path) and read_environment(path) is not None
    metrics.read_metrics(path)
    for name in ("last.npz", "previous.npz"):
        if (path / "checkpoints" / name).exists():
            checkpoint.read_checkpoint(path / "checkpoints" / name)
    if (path / "predictions.npz").exists():
        arrays.read_predictions(path / "predictions.npz")
    if (path / "distorted.npz").exists():
        arrays.read_distorted(path / "distorted.npz")
    if (path / "checkpoints/best.npz").exists():
        checkpoint.read_best(path / "checkpoints")
    for file in ("config.yaml", "overrides.yaml"):
        assert not any(getattr(event, "anchor", None) for event in yaml.parse((path / file).read_text()))


TABLES = {
    "an accuracy above 1": ("0.5", "1.5", "train_accuracy=1.5"),
    "an epoch": ("\n1,", "\n7,", "row 1 is of epoch 7"),
    "a text": ("0.5", "half", "train_accuracy='half'"),
    "a long number": ("0.5", "0." + "5" * 50, "train_accuracy='0.555"),
    "best or not": ("1\n", "2\n", "is_best=2.0"),
    "a column twice": ("is_best", "gap", "no column is_best"),
    "a foreign column": ("is_best\n", "is_best,run\n", "column 'run': allowed is"),
    "a cell more": ("\n1,", "\n1,1,", "row 1 has 12 cells"),
    "a cell less": ("\n1,", "\n", "row 1 has 10 cells"),
    "a long line": ("\n1,", "\n" + "1," * 60_000, "row 1 is longer than"),
}


@pytest.mark.parametrize("harm", TABLES)
def test_a_table_that_no_run_writes_is_refused(tmp_path, harm):
    path, (old, new, said) = made_run(tmp_path / "a"), TABLES[harm]
    whole = (path / "metrics.csv").read_text()
    assert metrics.parse_metrics(whole)
    (path / "metrics.csv").write_text(whole.replace(old, new, 1))
    with pytest.raises(RunDirError) as error:
        metrics.read_metrics(path)
    assert str(error.value).startswith(f"{path}/metrics.csv: damaged: ") and said in str(error.value)
    with pytest.raises(ValueError):
        metrics.parse_metrics(whole.replace(old, new, 1))


def test_a_table_of_too_many_cells_is_refused(tmp_path, monkeypatch):
    path = made_run(tmp_path / "a", epochs=30)
    metrics.read_metrics(path)
    monkeypatch.setattr(metrics, "MOST_CELLS", 300)
    with pytest.raises(RunDirError, match="more than 300 cells"):
        metrics.read_metrics(path)


ODD = {
    "a pipe": os.mkfifo,
    "a folder": os.mkdir,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "5 GB of nothing": lambda path: (path.write_bytes(b""), os.truncate(path, SPARSE)),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a socket": lambda path: socket.socket(socket.AF_UNIX).bind(str(path)),
}
READERS = {
    "summary.json": read_summary,
    "identity.json": load_identity,
    "config.yaml": load_config,
    "environment.json": lambda path: read_environment(path) or pytest.fail,
    "code.json": read_kept,
    "metrics.csv": metrics.read_metrics,
    "predictions.npz": lambda path: arrays.read_predictions(path / "predictions.npz"),
    "distorted.npz": lambda path: arrays.read_distorted(path / "distorted.npz"),
    "doubt.npz": lambda path: arrays.read_doubt(path / "doubt.npz", 10, 392),
    "checkpoints/last.npz": lambda path: checkpoint.read_checkpoint(path / "checkpoints/last.npz"),
    "checkpoints/best.npz": lambda path: checkpoint.read_best(path / "checkpoints"),
}


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("odd", ODD)
def test_what_is_no_file_or_too_large_is_refused_before_it_is_read(tmp_path, monkeypatch, name, odd):
    monkeypatch.chdir(tmp_path)  # a socket's path may be 108 bytes long
    path = Path("run")
    (path / "checkpoints").mkdir(parents=True)
    ODD[odd](path / name)
    tracemalloc.start()
    try:
        if name == "environment.json":
            assert read_environment(path) is None
        else:
            with pytest.raises((RunDirError, OSError, ValueError)) as error:
                READERS[name](path)
            assert len(str(error.value)) < 300
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()


def test_a_file_is_read_up_to_its_size(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")
    assert read_bytes(tmp_path / "a", 5) == b"12345"
    with pytest.raises(ValueError, match=r"^5 bytes: allowed are at most 4$"):
        read_bytes(tmp_path / "a", 4)


WRONG_TEXTS = [
    (parse_json, '{"a": 1, "a": 1}', "the key 'a' is there twice"),
    (parse_json, '{"a": NaN}', "NaN: allowed are finite"),
    (parse_json, '{"a": -Infinity}', "-Infinity: allowed are finite"),
    (parse_json, "[" * 5000, "too many lists"),
    (parse_json, "1" * 5000, "a whole number of 5,000 digits"),
    (parse_yaml, "a: &b 1", r"line 1: a reference"),
    (parse_yaml, "a: &b [1]\nc: *b", r"line 1: a reference"),
    (parse_yaml, "a: 1\na: 2", "the key 'a' is there twice"),
    (parse_yaml, "[" * 5000, "line 1: more than 20 lists"),
    (parse_yaml, "a: 0x" + "1" * 5000, "a whole number of 5,002 digits"),
    (parse_yaml, "a: !!python/name:os.getcwd", "line 1: a tag"),
]


@pytest.mark.parametrize(("parse", "content", "said"), WRONG_TEXTS)
def test_what_we_never_write_is_refused(parse, content, said):
    with pytest.raises(ValueError, match=said):
        parse(content.encode())


def test_a_value_in_a_message_is_short_whatever_it_is():
    for value in ("x" * 5000, [[1] * 5000] * 50, {"a" * 500: HUGE}, 10**5000, b"1" * 500, "\n\ud800\x1b[31m", 1e300):
        assert len(short_repr(value)) <= SHOWN and short_repr(value).isprintable()
    assert short_repr("half") == "'half'" and short_repr(LARGEST) == "1" + "0" * 40


P, N = np.full((4, 3), 1 / 3, np.float32), np.zeros(4, np.uint8)
PREDICTIONS = {"probabilities": P, "labels": N, "mistakes": np.arange(2), "mistake_images": np.zeros((2, 9), np.uint8)}
WRONG_PREDICTIONS = {
    "other digits": {"labels": N[:3]},
    "labels of another type": {"labels": N.astype(np.int64)},
    "a label of no class": {"labels": N + np.uint8(3)},
    "probabilities of another shape": {"probabilities": P[0]},
    "complex ones": {"probabilities": P.astype(np.complex64)},
    "truths": {"probabilities": P > 0},
    "not a number": {"probabilities": np.where(np.eye(4, 3, dtype=bool), np.float32(np.nan), P)},
    "below 0": {"probabilities": np.float32([[-1, 1, 1]] * 4)},
    "beyond 1": {"probabilities": P * np.inf},
    "a sum that is not 1": {"probabilities": P * np.float32(1.01)},
    "no class": {"probabilities": P[:, :0]},
    "no digit": {"probabilities": P[:0], "labels": N[:0]},
    "too many classes": {"probabilities": np.zeros((4, 10_001), np.float32)},
    "labels as bytes of more classes": {"probabilities": np.full((4, 257), 1 / 257, np.float32)},
    "labels below 0": {"probabilities": np.full((4, 257), 1 / 257, np.float32), "labels": np.array([0, 0, -1, 0])},
    "images of other numbers": {"mistake_images": np.zeros((2, 9))},
    "a mistake in no digit": {"mistakes": np.array([0, 4])},
    "a mistake before the first": {"mistakes": np.array([-1, 0])},
    "mistakes without images": {"mistake_images": np.zeros((1, 9), np.uint8)},
    "one more": {"colour": N},
}


@pytest.mark.parametrize("wrong", WRONG_PREDICTIONS)
def test_predictions_that_do_not_agree_are_refused(tmp_path, wrong):
    file = tmp_path / "predictions.npz"
    file.write_bytes(npz(PREDICTIONS))
    assert arrays.read_predictions(file).keys() == PREDICTIONS.keys()
    file.write_bytes(npz(PREDICTIONS | WRONG_PREDICTIONS[wrong]))
    with pytest.raises(ValueError, match=r"predictions\.npz: damaged: "):
        arrays.read_predictions(file)
    if "probabilities" not in WRONG_PREDICTIONS[wrong]:  # what is missing
        for name in ("probabilities", "labels"):
            file.write_bytes(npz({key: value for key, value in PREDICTIONS.items() if key != name}))
            with pytest.raises(ValueError, match=f"holds no {name}"):
                arrays.read_predictions(file)


def test_distorted_digits_that_do_not_agree_are_refused(tmp_path):
    right = {"originals": np.zeros((2, 9), np.uint8), "distorted": np.zeros((2, 3, 9), np.uint8)}
    wrong = [{"originals": right["originals"][:1]}, {"distorted": right["distorted"][:, 0]}, {"more": np.zeros(1)}]
    (tmp_path / "a.npz").write_bytes(npz(right))
    assert arrays.read_distorted(tmp_path / "a.npz").keys() == right.keys()
    for one in wrong:
        (tmp_path / "a.npz").write_bytes(npz(right | one))
        with pytest.raises(ValueError, match="damaged"):
            arrays.read_distorted(tmp_path / "a.npz")


def test_an_array_whose_first_axis_runs_fastest_reads_back(tmp_path):
    kept = {"a": np.asfortranarray(np.arange(6.0).reshape(2, 3)), "b": np.array(5), "c": np.zeros((0, 3), np.float32)}
    (tmp_path / "a.npz").write_bytes(npz(kept))
    again = read_npz(tmp_path / "a.npz")
    assert all(np.array_equal(again[name], kept[name]) and again[name].dtype == kept[name].dtype for name in kept)
    again["a"][0, 0] = 7  # it can be written into


def test_a_network_that_is_not_the_configurations_is_refused_before_it_is_read(tmp_path):
    """Its file declares 4 GB that take no room, as its configuration does not."""
    path = tmp_path / "run"
    shutil.copytree(RUNS[0], path)
    load_trained(path)
    wide = {"W1": np.zeros((2000, 784), np.float32), "b1": np.zeros(2000, np.float32)}
    wide |= {"W2": np.zeros((10, 2000), np.float32), "b2": np.zeros(10, np.float32)}
    (path / "checkpoints/best.npz").write_bytes(npz(wide))
    tracemalloc.start()
    try:
        with pytest.raises(RunDirError, match=r"W1 is float32 of shape \(2000, 784\), not float32 of shape \(3, 784\)"):
            load_trained(path)
        assert tracemalloc.get_traced_memory()[1] < 4e6
    finally:
        tracemalloc.stop()


def test_of_many_runs_the_good_ones_are_read(tmp_path):
    """A sweep's own reading of other runs in its folder, tables, the best run."""
    made_sweep(tmp_path, "hidden", {20: (0.9, 0.91)})
    harms = {
        "deep": lambda path: (path / "identity.json").write_text("[" * 5000),
        "large": lambda path: os.truncate(path / "summary.json", SPARSE),
        "long": lambda path: (path / "summary.json").write_text(json.dumps({"status": "x" * 5000, "identity": "a"})),
        "many": lambda path: change_both(path, epochs=HUGE),
        "lists": lambda path: change_both(path, lr=[[1]]),
    }
    for seed, (name, harm) in enumerate(harms.items()):
        harm(made_run(tmp_path / name, 0.99, f"seed={seed + 5}"))
    runs = read_runs([tmp_path])
    assert len(runs.table) == 2 and len(runs.skipped) == len(harms)
    assert all(line.isprintable() and len(line) < 500 for line in runs.warnings)
    assert find_best_run(tmp_path).name == "hidden-20-1"
    for path in tmp_path.glob("*/"):
        (path / "config.yaml").write_text("a: &a [1]\nb: *a" if path.name in harms else "hidden: [20]")
    assert [line.name for line in lines_of_others(tmp_path, set())] == ["hidden-20-0", "hidden-20-1"]
    for name in harms:
        os.truncate(tmp_path / name / "metrics.csv", SPARSE)
    with pytest.warns(UserWarning, match="allowed are at most") as said:
        assert npdigits.load_metrics(tmp_path).run.nunique() == 2
    assert len(said) == len(harms)


def change_both(path, **changed):
    identity = json.loads((path / "identity.json").read_text()) | changed
    (path / "identity.json").write_text(json.dumps(identity))
    summary = json.loads((path / "summary.json").read_text())
    (path / "summary.json").write_text(json.dumps(summary | {"identity": digest(identity)}))


def test_a_reason_of_any_length_is_written_so_that_it_can_be_read(tmp_path):
    path = made_run(tmp_path / "a", status="failed")
    (path / "summary.json").write_text(Summary("failed", reason="x" * 50_000).json())
    assert len(read_summary(path).reason) == 10_000


def test_what_stands_in_the_place_of_the_best_epoch_is_named(tmp_path):
    """A folder, a link to itself, a link to nothing: none of them is a run that has no best epoch yet."""
    harms = {
        "a folder, not a file": lambda file: file.mkdir(),
        os.strerror(errno.ELOOP): lambda file: file.symlink_to(file.name),
        os.strerror(errno.ENOENT): lambda file: file.symlink_to("nowhere"),
    }
    for number, (reason, harm) in enumerate(harms.items()):
        path = tmp_path / str(number)
        shutil.copytree(RUNS[0], path)
        file = path / "checkpoints" / "best.npz"
        file.unlink()
        harm(file)
        with pytest.raises(RunDirError) as error:
            load_trained(path)
        line = str(error.value)
        assert line.startswith(f"{file}: ") and reason in line and line.count(str(path)) == 1


def test_a_long_difference_is_shortened():
    line = describe_differences({"hidden": [10] * 5000}, {"hidden": [10]})
    assert line.startswith("hidden=[10, 10, ") and line.endswith("… there, [10] here") and len(line) < 120


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"best_epoch": 3}, "best_epoch=3, but epochs_run=2: allowed is at most 2"),
        ({"best_epoch": 1, "epochs_run": 0}, "best_epoch=1, but epochs_run=0: allowed is at most 0"),
        ({"status": "diverged", "diverged_in_epoch": 4}, "diverged_in_epoch=4, but epochs_run=2: allowed is at most 3"),
        ({"identity": 5}, "identity=5: allowed is a SHA-256 in hex, or nothing"),
    ],
)
def test_a_summary_that_contradicts_itself_is_refused(tmp_path, changed, said):
    made_run(tmp_path / "whole", diverged_in_epoch=3)
    assert read_summary(tmp_path / "whole").best_epoch == 2
    with pytest.raises(RunDirError) as error:
        read_summary(made_run(tmp_path / "run", **changed))
    assert str(error.value) == f"{tmp_path}/run/summary.json: damaged: {said}"


@pytest.mark.parametrize("cell", ["inf", "-inf", "1e999"])
def test_what_is_not_finite_in_a_table_is_refused(tmp_path, cell):
    file = made_run(tmp_path / "run") / "metrics.csv"
    table = [line.split(",") for line in file.read_text().splitlines()]
    for column in ("lr", "train_cost", "val_cost", "gap"):
        at = table[0].index(column)
        changed = [*table[:2], [*table[2][:at], cell, *table[2][at + 1 :]]]
        file.write_text("".join(",".join(row) + "\n" for row in changed))
        with pytest.raises(RunDirError, match=f"row 2: {column}='{cell}': allowed is a finite number"):
            metrics.read_metrics(tmp_path / "run")


def test_an_infinite_test_cost_which_a_run_can_have_is_read(tmp_path):
    history = [Epoch(1, 0.01, 1.0, 0.5, 1.0, 0.5, np.inf, 0.5, 0.0, np.inf, True)]
    (tmp_path / "metrics.csv").write_text(metrics.format_metrics(history))
    assert metrics.read_metrics(tmp_path)["test_cost"] == [np.inf]


@pytest.mark.parametrize("kind", ["complex128", "<U3", "datetime64[s]", "i4,i4"])
def test_an_array_of_a_kind_that_no_run_writes_is_named(tmp_path, kind):
    (tmp_path / "a.npz").write_bytes(npz({"W1": np.zeros(3, kind)}))
    with pytest.raises(ValueError, match=r"a\.npz: damaged: W1 is \S+: allowed are whole numbers, floats"):
        read_npz(tmp_path / "a.npz")


def test_a_shape_is_told_from_a_size():
    found = Declared((500, 1), np.dtype(np.uint8), False, 0)
    with pytest.raises(ValueError, match=r"header is uint8 of shape \(500, 1\), not uint8 of shape \(n,\)"):
        arrays.check_text({"header": found}, "header", 1000)


def test_a_tag_in_yaml_is_named_with_its_line():
    for text in ("a: 1\nb: !!int 5\n", "a: 1\nb: !own [1]\n", "a: 1\nb: ! {c: 1}\n"):
        with pytest.raises(ValueError, match=r"^line 2: a tag \(!…\): no run writes one$"):
            parse_yaml(text.encode())


def test_the_mark_that_editors_on_windows_begin_a_file_with_is_passed_over():
    mark = "\ufeff".encode()
    assert parse_json(mark + b'{"a": 1}') == parse_yaml(mark + b"a: 1") == {"a": 1}
