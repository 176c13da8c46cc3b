"""Sets of IDX files and folders of pictures, as they are found: ``WRITERS`` writes the same digits in each of them.

IDX has no writer that people use: its bytes are written after the format's description, and a test holds the reader
against torchvision's. Names and layouts are those of the archives, known from their documentation: MNIST (LeCun),
the copy on Kaggle (dotted names, and each file once more in a folder of its name), EMNIST (gzip.zip: images transposed,
lists of classes), QMNIST (README: labels of n × 8 whole numbers). Pictures are written by Pillow.
"""

import bz2
import gzip
import lzma
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

Array = np.ndarray[Any, np.dtype[Any]]
Halves = tuple[Array, Array, Array, Array]
TYPES = {"u1": 8, "i1": 9, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}
PACK = {"": bytes, ".gz": lambda raw: gzip.compress(raw, mtime=0), ".xz": lzma.compress, ".bz2": bz2.compress}
NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def typed_idx(array: Array) -> bytes:
    """Return an array of any of the types as the content of an IDX file."""
    head = bytes([0, 0, TYPES[array.dtype.str[1:]], array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


def put(path: Path, array: Array) -> Path:
    """Write an array as an IDX file, packed as its name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(PACK[path.suffix if path.suffix in PACK else ""](typed_idx(array)))
    return path


def named(folder: Path) -> list[str]:
    """Return the overrides that name a file or folder."""
    return ["data=file", f"data.path={folder}"]


def mnist(folder: Path, halves: Halves) -> list[str]:
    """MNIST as published, packed, and unpacked by torchvision, which leaves both."""
    for name, array in zip(NAMES, halves, strict=True):
        put(folder / "MNIST" / "raw" / name, array)
        put(folder / "MNIST" / "raw" / f"{name}.gz", array)
    return named(folder)


def kaggle(folder: Path, halves: Halves) -> list[str]:
    """The copy on Kaggle."""
    for name, array in zip(NAMES, halves, strict=True):
        put(folder / name.replace("-idx", ".idx"), array)
        put(folder / name / name, array)
    return named(folder)


def by_files(folder: Path, halves: Halves) -> list[str]:
    """The images named one by one, in folders with odd names; the labels lie beside them."""
    folder = folder / "my digits [2026], a=b"
    for name, array in zip(NAMES, halves, strict=True):
        put(folder / f"{name}.gz", array)
    return [*named(folder / f"{NAMES[0]}.gz"), f"data.test={folder / NAMES[2]}.gz"]


def typed(folder: Path, halves: Halves) -> list[str]:
    """Floats of 32 and 64 bits, with a channel, and labels of 16 and 32 bits."""
    train, train_labels, test, test_labels = halves
    put(folder / "X_train.idx", train.astype("f4")[..., None])
    put(folder / "y_train.idx", train_labels.astype("i2"))
    put(folder / "X_test.idx.bz2", test.astype("f4")[..., None])
    put(folder / "y_test.idx", test_labels.astype("i4"))
    return named(folder)


def qmnist(folder: Path, halves: Halves) -> list[str]:
    """QMNIST: columns class, series, writer …; the test labels also as MNIST's; the same once more in a text."""
    for part, images, labels in (("train", *halves[:2]), ("test", *halves[2:])):
        columns = np.zeros((len(labels), 8), "i4")
        columns[:, 0], columns[:, 2], columns[:, 4], columns[:, 5] = labels, 2100, labels + 30, np.arange(len(labels))
        put(folder / f"qmnist-{part}-images-idx3-ubyte.gz", images)
        put(folder / f"qmnist-{part}-labels-idx2-int.gz", columns)
        text = "\n".join("\t".join(map(str, row)) for row in columns.tolist())
        (folder / f"qmnist-{part}-labels.tsv.gz").write_bytes(gzip.compress(text.encode()))
    put(folder / "qmnist-test-labels-idx1-ubyte.gz", halves[3])
    (folder / "README.md").write_text("# QMNIST\n")
    return named(folder)


def emnist(folder: Path, halves: Halves) -> list[str]:
    """One of EMNIST's six sets: the images stored column by column, and its list of classes."""
    write_emnist(folder, "mnist", halves)
    return [*named(folder), "data.transpose=true"]


def write_emnist(folder: Path, name: str, halves: Halves) -> None:
    """Write one of EMNIST's sets."""
    for part, images, labels in (("train", *halves[:2]), ("test", *halves[2:])):
        put(folder / f"emnist-{name}-{part}-images-idx3-ubyte.gz", np.ascontiguousarray(images.swapaxes(1, 2)))
        put(folder / f"emnist-{name}-{part}-labels-idx1-ubyte.gz", labels)
    (folder / f"emnist-{name}-mapping.txt").write_text("".join(f"{i} {48 + i}\n" for i in range(10)))


def pictures(folder: Path, halves: Halves, ending: str = "png") -> list[str]:
    """A folder for each class below train and test.

    Its order is by class, then by name: equal to that of ``halves`` where their rows are ordered by class.
    """
    for part, images, labels in (("train", *halves[:2]), ("test", *halves[2:])):
        for i, (image, label) in enumerate(zip(images, labels, strict=True)):
            place = folder / part / str(label)
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(place / f"{i:05}.{ending}")
    return named(folder)


WRITERS: dict[str, Callable[[Path, Halves], list[str]]] = {
    "IDX, MNIST's": mnist,
    "IDX, Kaggle's names": kaggle,
    "IDX, files by name": by_files,
    "IDX, other types": typed,
    "IDX, QMNIST's": qmnist,
    "IDX, EMNIST's": emnist,
}
# These hold the digits in an order of their own.
BY_CLASS: dict[str, Callable[[Path, Halves], list[str]]] = {"a folder by class": pictures}
