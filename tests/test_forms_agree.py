"""The same digits in every form that can hold them are one data set, and their runs are one run."""

import csv
import os

import numpy as np
import pytest
import written_arrays
import written_files
import written_text

from npdigits.config.compose import compose
from npdigits.data import sets
from npdigits.runs.prepare import load_data
from npdigits.runs.run import run

WRITERS = {**written_text.WRITERS, **written_arrays.WRITERS, **written_files.WRITERS, **written_files.BY_CLASS}
# All of the embedded digits where this is set; else these of each class, for training and for the test.
ALL = os.environ.get("NPDIGITS_TEST_ALL_DIGITS")
OF_EACH = 60, 20
KEYS = ["hidden=6", "epochs=2", "plots=false", "quiet=true"]
RESULTS = ("predictions.npz", "checkpoints/best.npz")


@pytest.fixture(scope="module")
def halves():
    """Return x_train, y_train, x_test, y_test: embedded digits, as bytes."""
    found = sets.load("mnist_5k")
    arrays = []
    for split, n in zip((found.train, found.test), OF_EACH, strict=True):
        images, labels = split.images[split.rows].reshape(-1, 28, 28), split.labels[split.rows].astype(np.uint8)
        rows = slice(None) if ALL else np.concatenate([np.flatnonzero(labels == digit)[:n] for digit in range(10)])
        arrays += [np.ascontiguousarray(images[rows]), labels[rows]]
    return tuple(arrays)


def loaded(overrides):
    """Return a data set, and the warnings about it."""
    warnings = []
    chosen = compose(overrides).data
    return load_data(chosen, chosen.name, None, warnings.append), warnings


@pytest.fixture(scope="module")
def expected(halves, tmp_path_factory):
    """Return the digest and a run of the same digits by ``data=idx``; of all, by ``data=mnist_5k``."""
    from made import write_set

    folder = tmp_path_factory.mktemp("expected")
    write_set(folder / "idx", halves[:2], halves[2:])
    overrides = ["data=mnist_5k"] if ALL else ["data=idx", f"data.dir={folder / 'idx'}"]
    config = compose([*overrides, *KEYS])
    run(config, folder / "run")
    return loaded(overrides)[0].sha256, folder / "run"


def results(path):
    """Return what a run leaves: its arrays as bytes, and its metrics without the columns of times."""
    with (path / "metrics.csv").open(newline="") as file:
        rows = [{name: cell for name, cell in row.items() if "seconds" not in name} for row in csv.DictReader(file)]
    return [(path / name).read_bytes() for name in RESULTS], rows


@pytest.mark.parametrize("form", WRITERS)
def test_every_form_is_recognized_and_gives_the_same_digest_and_the_same_run(form, halves, expected, tmp_path):
    sha256, same = expected
    overrides = WRITERS[form](tmp_path, halves)
    data, warnings = loaded(overrides)
    assert (data.sha256, data.image_shape, data.class_names) == (sha256, (28, 28), tuple("0123456789"))
    assert warnings == []
    summary = run(compose([*overrides, *KEYS]), tmp_path / "run")
    assert summary["data_sha256"] == sha256
    assert results(tmp_path / "run") == results(same)


def test_the_embedded_digits_keep_the_digest_that_their_runs_have(tmp_path):
    found = sets.load("mnist_5k")
    whole = [
        array
        for split in (found.train, found.test)
        for array in (split.images[split.rows].reshape(-1, 28, 28), split.labels[split.rows].astype(np.uint8))
    ]
    np.savez(tmp_path / "digits.npz", **dict(zip(("x_train", "y_train", "x_test", "y_test"), whole, strict=True)))
    data, warnings = loaded(["data=file", f"data.path={tmp_path / 'digits.npz'}"])
    assert (data.sha256, data.default_val_size) == (found.sha256, found.default_val_size)
    assert warnings == []
