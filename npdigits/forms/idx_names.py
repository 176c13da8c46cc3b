"""What the names of IDX files say: which files belong together, and which of them holds images.

Names as they are found: train-images-idx3-ubyte and train-images.idx3-ubyte (MNIST), emnist-letters-test-labels-idx1-
ubyte.gz (EMNIST), qmnist-train-labels-idx2-int.gz (QMNIST), X_train.idx.
"""

import os
import re
from pathlib import Path

IMAGES, LABELS = "images", "labels"
KINDS = {
    **dict.fromkeys(("images", "image", "imgs", "img", "data", "pixels", "x"), IMAGES),
    **dict.fromkeys(("labels", "label", "lbls", "targets", "target", "classes", "y"), LABELS),
}
# Of elements, dimensions and packing; they say nothing of what belongs together.
OF_THE_FORM = re.compile(r"idx\d?|ubyte|sbyte|byte|uint8|int8|short|int\d*|float\d*|double|gz|xz|bz2|bin|dat")
PACKED_ENDINGS = (".gz", ".xz", ".bz2")
# EMNIST's list of classes, one beside each of its sets: the label, and the characters' codes.
MAPPING = re.compile(r"mapping\.txt$", re.IGNORECASE)


def words(name: str) -> list[str]:
    """Return the words of a file's name but for those of its form: "train", "images"."""
    return [word for word in re.split(r"[^a-z0-9]+", name.lower()) if word and not OF_THE_FORM.fullmatch(word)]


def kind(name: str) -> str | None:
    """Return whether a file's name says that it holds images or labels; None where it says neither, or both."""
    kinds = {KINDS[word] for word in words(name) if word in KINDS}
    return kinds.pop() if len(kinds) == 1 else None


def key(name: str) -> str:
    """Return what the names of images and of their labels have in common: "emnist-letters-train"."""
    return "-".join(word for word in words(name) if word not in KINDS)


def is_mapping(name: str) -> bool:
    """Say whether a file is EMNIST's list of classes."""
    return bool(MAPPING.search(name))


def unpacked(name: str) -> str:
    """Return a file's name without the ending of a packed one."""
    return next((name.removesuffix(ending) for ending in PACKED_ENDINGS if name.lower().endswith(ending)), name)


def beside(path: Path) -> list[Path]:
    """Return the files beside an IDX file that belong to it by their names: labels to images, images to labels.

    Raises:
        OSError: its folder cannot be read.
    """
    mine, same = kind(path.name), key(path.name)
    found = []
    for entry in sorted(os.scandir(path.parent), key=lambda entry: entry.name):
        belongs = key(entry.name) == same and {mine, kind(entry.name)} == {IMAGES, LABELS}
        if belongs or is_mapping_of(entry.name, same):
            found.append(path.parent / entry.name)
    return [file for file in found if file.is_file()]


def is_mapping_of(name: str, same: str) -> bool:
    """Say whether a file is the list of classes of a set: emnist-letters-mapping.txt of emnist-letters-train."""
    before = words(name)[:-2]  # without "mapping" and "txt"
    return is_mapping(name) and bool(before) and same.split("-")[: len(before)] == before
