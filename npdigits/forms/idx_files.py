"""IDX files of any type under any name: which are images and which are labels, of which set and of which part of it.

Layouts as documented: MNIST (LeCun's page; "SN3" files of torchvision's datasets/mnist.py), EMNIST (Cohen et al. 2017,
gzip.zip: six sets in a folder, whose images lie transposed), QMNIST (README: labels of n × 8 whole numbers of 32 bits,
of which the first is the class).
"""

import filecmp
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.bounded import read_bytes
from npdigits.base.errors import ConfigError, DataError
from npdigits.base.text import message_of
from npdigits.data import idx
from npdigits.forms.found import TRAIN, Found, Part, Wanted
from npdigits.forms.idx_names import IMAGES, LABELS, is_mapping, is_mapping_of, key, kind, unpacked
from npdigits.forms.recognize import PART_NAMES, part_of

# Columns of QMNIST's labels.
QMNIST_COLUMNS = 8
MOST_LISTED = 12
# A list of classes is small.
MOST_MAPPING = 100_000
# Images whose values are looked at together.
TOGETHER = 4096


@dataclass(frozen=True)
class File:
    """An IDX file, as its name and header tell.

    Attributes:
        path: of it.
        header: what it declares.
        kind: ``IMAGES`` or ``LABELS``.
        key: what the names of images and their labels have in common.
        part: which part of a set it is, by its name or else its folder's.
        set: the name of that set: "emnist-letters", "" of MNIST.
    """

    path: Path
    header: idx.Header
    kind: str
    key: str
    part: str | None
    set: str


@dataclass(frozen=True)
class Pair:
    """Images, and their labels where there are any."""

    images: File
    labels: File | None

    @property
    def part(self) -> str | None:
        """Which part of a set they are, by either name."""
        return self.images.part or (self.labels.part if self.labels else None)


def read(files: Sequence[Path], wanted: Wanted, place: Path) -> Found:
    """Return what IDX files hold.

    Args:
        files: those of a folder, or one that was named and those that belong to it; EMNIST's lists of classes, too.
        wanted: what the user says.
        place: what was named.

    Raises:
        DataError: a file is damaged, or it cannot be told which files are the set.
        ConfigError: a column of labels is wanted.
    """
    if wanted.label_column is not None:
        raise ConfigError(f"data.label_column={wanted.label_column}: allowed is null with IDX files, as in {place}")
    mappings = [path for path in files if is_mapping(path.name)]
    described = [_describe(path, place) for path in _unpacked_ones(path for path in files if path not in mappings)]
    pairs = _pairs(_distinct(described), place)
    parts = _parts(pairs, place)
    shapes = {pair.images.path.name: pair.images.header.shape[1:] for pair in parts.values()}
    if len(set(shapes.values())) > 1:
        said = ", ".join(f"{name} {' × '.join(map(str, shape))}" for name, shape in shapes.items())
        raise DataError(f"{place}: images of several sizes: {said}")
    first = parts.get(TRAIN) or next(iter(parts.values()))
    read_parts = {name: _read_pair(pair) for name, pair in parts.items()}
    notes = [note for pair in parts.values() for note in _notes(pair)]
    return Found(
        "IDX",
        read_parts,
        first.labels.path.name if first.labels else "none",
        classes=_classes(mappings, first),
        open_orientation=any("emnist" in pair.images.path.name.lower() for pair in parts.values()),
        notes=tuple(dict.fromkeys(notes)),
    )


def _unpacked_ones(paths: Iterable[Path]) -> list[Path]:
    """Return the files, of those that are there packed and unpacked the unpacked one, as torchvision leaves both."""
    found: dict[Path, Path] = {}
    for path in sorted(paths, key=lambda path: (unpacked(path.name) != path.name, str(path))):
        found.setdefault(path.parent / unpacked(path.name), path)
    return sorted(found.values())


def _describe(path: Path, place: Path) -> File:
    """Return what a file holds, by its name or else by its dimensions.

    Raises:
        DataError: it is damaged, or its name and its dimensions do not agree.
    """
    header = idx.header_of(path)
    dimensions, named = len(header.shape), kind(path.name)
    if named is None:
        of_qmnist = dimensions == 2 and header.shape[1] == QMNIST_COLUMNS and header.element.itemsize == 4
        named = LABELS if dimensions == 1 or of_qmnist else IMAGES
    if dimensions not in ((1, 2) if named == LABELS else (2, 3, 4)):
        raise DataError(f"{path}: holds {named} by its name, and {header} in {dimensions} dimension(s)")
    name = key(path.name)
    part = part_of(name)
    of_set = PART_NAMES[part].sub("-", name).strip("-") if part else name
    above = path.relative_to(place).parent.name if place.is_dir() else ""
    return File(path, header, named, name, part or part_of(above), of_set)


def _distinct(files: Sequence[File]) -> list[File]:
    """Return the files without copies in other folders; of two forms of the same labels, the plain list.

    Kaggle's MNIST holds each file twice, once in a folder of its name.
    """
    kept: list[File] = []
    for file in sorted(files, key=lambda file: (len(file.header.shape), len(file.path.parts), str(file.path))):
        for other in kept:
            if (file.key, file.kind) != (other.key, other.kind):
                continue
            if file.path.parent == other.path.parent and file.kind == LABELS and file.header != other.header:
                break  # QMNIST's test labels are there in both forms
            if file.header == other.header and filecmp.cmp(file.path, other.path, shallow=False):
                break
        else:
            kept.append(file)
    return kept


def _pairs(files: Sequence[File], place: Path) -> list[Pair]:
    """Return images with their labels: of the same name in the same folder, of the same name, or as many of them.

    Raises:
        DataError: there are no images, or another number of labels.
    """
    images = [file for file in files if file.kind == IMAGES]
    labels = [file for file in files if file.kind == LABELS]
    if not images:
        raise DataError(f"{place}: holds labels and no images: {labels[0].path.name}")
    found: dict[Path, File] = {}
    for in_folder in (True, False):
        for image in images:
            fitting = [
                label
                for label in labels
                if label.key == image.key and (label.path.parent == image.path.parent or not in_folder)
            ]
            if image.path not in found and fitting:
                found[image.path] = fitting[0]
                labels.remove(fitting[0])
    for image in images:
        fitting = [label for label in labels if label.header.shape[0] == image.header.shape[0]]
        others = [one for one in images if one.path not in found and one.header.shape[0] == image.header.shape[0]]
        if image.path not in found and len(fitting) == len(others) == 1:
            found[image.path] = fitting[0]
            labels.remove(fitting[0])
    for image in images:
        label = found.get(image.path)
        if label and label.header.shape[0] != image.header.shape[0]:
            raise DataError(
                f"{label.path}: holds {label.header.shape[0]:,} labels for the "
                f"{image.header.shape[0]:,} images of {image.path.name}"
            )
    return [Pair(image, found.get(image.path)) for image in images]


def _parts(pairs: Sequence[Pair], place: Path) -> dict[str, Pair]:
    """Return the parts of the one set that there is.

    Raises:
        DataError: there are several sets.
    """
    if len(pairs) == 1:
        return {TRAIN: pairs[0]}
    parts = {pair.part or TRAIN: pair for pair in pairs}
    if len(parts) == len(pairs) and len({pair.images.set for pair in pairs}) == 1:
        return parts
    names = [str(pair.images.path.relative_to(place) if place.is_dir() else pair.images.path.name) for pair in pairs]
    listed = ", ".join(sorted(names)[:MOST_LISTED]) + (", …" if len(names) > MOST_LISTED else "")
    example = next((pair.images.path for pair in pairs if pair.part == TRAIN), pairs[0].images.path)
    raise DataError(f"{place}: holds several sets: {listed}: name one's images: data.path={example} data.test=FILE")


def _read_pair(pair: Pair) -> Part:
    """Read images and labels.

    Raises:
        DataError: a file is damaged, or holds what no image or label is.
    """
    path = pair.images.path
    images = idx.read_any(path)
    if images.ndim == 4:
        channel = next((axis for axis in (3, 1) if images.shape[axis] == 1), None)
        if channel is None:
            raise DataError(f"{path}: images of {' × '.join(map(str, images.shape[1:]))}: allowed is one channel")
        images = images.squeeze(channel)
    _refuse_not_finite(path, images)
    labels = None
    if pair.labels:
        labels = idx.read_any(pair.labels.path)
        if labels.ndim == 2:
            if labels.shape[1] not in (1, QMNIST_COLUMNS):
                sizes = " × ".join(f"{n:,}" for n in labels.shape)
                raise DataError(f"{pair.labels.path}: labels of {sizes}: allowed is one for each image, or QMNIST's 8")
            labels = np.ascontiguousarray(labels[:, 0])
        _refuse_not_finite(pair.labels.path, labels)
    return Part(images, labels, lambda i: f"{path.name}: image {i + 1}")


def _notes(pair: Pair) -> list[str]:
    """Return what people should know of a pair."""
    if pair.labels and len(pair.labels.header.shape) == 2 and pair.labels.header.shape[1] > 1:
        columns = pair.labels.header.shape[1]
        return [f"of the {columns} columns of {pair.labels.path.name} the first is the class"]
    return []


def _refuse_not_finite(path: Path, values: Array) -> None:
    """Refuse NaN and infinite values.

    Raises:
        DataError: names the first one's place.
    """
    if values.dtype.kind != "f":
        return
    for begin in range(0, len(values), TOGETHER):
        some = values[begin : begin + TOGETHER]
        if not (finite := np.isfinite(some)).all():
            at = np.argwhere(~finite)[0]
            where = zip(("image" if values.ndim > 1 else "label", "row", "column"), at, strict=False)
            said = ", ".join(f"{name} {i + 1 + (begin if not n else 0):,}" for n, (name, i) in enumerate(where))
            raise DataError(f"{path}: {said}: {some[tuple(at)]} is no value")


def _classes(mappings: Sequence[Path], pair: Pair) -> tuple[str, ...] | None:
    """Return the names of the classes as EMNIST's list beside the images has them; None where there is none.

    Raises:
        DataError: the list is something else.
    """
    path = next((path for path in mappings if is_mapping_of(path.name, pair.images.key)), None)
    if path is None:
        return None
    try:
        lines = read_bytes(path, MOST_MAPPING).decode("ascii").splitlines()
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: no list of classes: {message_of(error)}") from error
    names: dict[int, str] = {}
    for number, line in enumerate(lines, 1):
        if line.strip():
            label, name = _class_of(line)
            if not name:
                raise DataError(f"{path}: line {number}: allowed is a label and the code of its character, as 10 65")
            names[label] = name
    return tuple(names.get(label, str(label)) for label in range(max(names, default=-1) + 1)) or None


def _class_of(line: str) -> tuple[int, str]:
    """Return the label and the character of "10 65", or the first one of "1 65 97"; no character where it is else."""
    numbers = line.split()
    if len(numbers) < 2 or not all(number.isascii() and number.isdigit() and len(number) <= 3 for number in numbers):
        return 0, ""
    name = chr(int(numbers[1]))
    return int(numbers[0]), name if name.isprintable() else ""
