"""Data sets that cannot be had, or are damaged: the fallback, and errors that name the file."""

from pathlib import Path

import numpy as np
import pytest
from made import NAMES, digits, write_idx, write_set

from npdigits.base.errors import ConfigError, DataError, DataUnavailable
from npdigits.data import download, sets


@pytest.fixture
def no_mnist(monkeypatch):
    """A download that always fails, with a reason."""

    def fetch(*_, **__):
        raise DataUnavailable("the mirror is on holiday")

    monkeypatch.setattr(download, "fetch", fetch)


def test_the_fallback_is_loud_and_bears_its_own_name(no_mnist, warm_cache, mnist_5k):
    said = []
    loaded = sets.load("mnist", fallback="mnist_5k", warn=said.append)
    assert (loaded.name, loaded.sha256, len(loaded.test)) == ("mnist_5k", mnist_5k.sha256, 500)
    (line,) = said
    assert "\n" not in line
    for part in ("data=mnist ", "on holiday", "THIS RUN USES MNIST_5K INSTEAD", "data.fallback=mnist_5k"):
        assert part in line


def test_no_fallback_is_an_error_with_the_reason(no_mnist):
    with pytest.raises(DataUnavailable, match=r"data=mnist .*on holiday.* data\.fallback=null"):
        sets.load("mnist", fallback=None, warn=pytest.fail)


@pytest.mark.parametrize("lacking", range(4))
def test_three_files_of_four_are_not_mnist(no_mnist, tmp_path, lacking):
    raw = write_set(tmp_path / "MNIST" / "raw")
    (raw / [name for half in NAMES.values() for name in half][lacking]).unlink()
    with pytest.raises(DataUnavailable, match="on holiday"):
        sets.load("mnist", tmp_path)


def test_damaged_files_are_an_error_never_a_reason_for_the_fallback(no_mnist, tmp_path):
    raw = write_set(tmp_path / "MNIST" / "raw")
    write_idx(raw / NAMES["test"][0], b"rubbish")
    with pytest.raises(DataError, match="t10k-images-idx3-ubyte: not an IDX file"):
        sets.load("mnist", tmp_path, fallback="mnist_5k", warn=pytest.fail)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
def test_own_files(tmp_path, packed):
    write_set(tmp_path, digits(90, (5, 9), classes=3), digits(12, (5, 9), classes=2), packed)
    loaded = sets.load("idx", folder=tmp_path)
    assert (loaded.name, loaded.image_shape, loaded.n_classes) == ("idx", (5, 9), 3)
    assert (len(loaded.train), len(loaded.test), loaded.default_val_size) == (90, 12, 15)


def test_own_files_without_a_folder():
    with pytest.raises(ConfigError, match=r"^data\.dir=null: .*data\.dir=FOLDER"):
        sets.load("idx")


@pytest.mark.parametrize("name", [name for half in NAMES.values() for name in half])
def test_own_file_missing(idx_set, name):
    (idx_set / name).unlink()
    with pytest.raises(DataError, match=f"{name}: not found, nor as .gz"):
        sets.load("idx", folder=idx_set)


def broken(folder: Path, half: str, pixels: np.ndarray, truth: np.ndarray) -> str:
    write_set(folder, **{half: (pixels, truth)})
    messages = []
    for _ in range(2):  # what was kept in the cache is as wrong as the files
        with pytest.raises(DataError) as caught:
            sets.load("idx", folder=folder)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]
    return messages[0]


@pytest.mark.parametrize("half", ["train", "test"])
@pytest.mark.parametrize("count", [39, 41])
def test_labels_and_images_that_differ_in_number(tmp_path, half, count):
    pixels, truth = digits(42)
    message = broken(tmp_path, half, pixels[:40], truth[:count])
    assert f"{NAMES[half][1]}: holds {count} labels for the 40 images of {NAMES[half][0]}" in message


def test_test_images_of_another_size(tmp_path):
    """Also of as many pixels."""
    message = broken(tmp_path, "test", *digits(40, (7, 8)))
    assert f"{NAMES['test'][0]}: its images are of another size" in message


def test_test_labels_beyond_the_training_labels(tmp_path):
    pixels, truth = digits(40)
    truth[5] = 10
    message = broken(tmp_path, "test", pixels, truth)
    assert "test labels go up to 10, the training labels only to 9" in message
