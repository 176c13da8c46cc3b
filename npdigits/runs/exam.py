"""Labelled images that runs are scored on: of a data set by its name, or of a file or folder of the user's."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import DataError
from npdigits.base.text import printable
from npdigits.data.sets import Data, Split
from npdigits.forms.known import doubt
from npdigits.runs import of_files
from npdigits.runs.evaluation import load_test_set, refuse_seen
from npdigits.runs.trained import Trained


@dataclass(frozen=True)
class Exam:
    """Labelled images.

    Attributes:
        described: what they are, in a line.
        name: of the set, or of the file or folder.
        labels: numbers of the classes as the runs count them, shape (n,).
        classes: their names.
        images: run -> the images as it takes them, by its path.
        name_of: says of the i-th image where it is.
        shape: (height, width) of the images.
        unreadable: files that could not be read, each with the reason.
    """

    described: str
    name: str
    labels: Array
    classes: tuple[str, ...]
    images: Mapping[Path, Split]
    name_of: Callable[[int], str]
    shape: tuple[int, int]
    unreadable: Sequence[tuple[Path, str]] = field(default_factory=tuple)


def of_a_set(runs: Sequence[Trained], overrides: Sequence[str], warn: Callable[[str], None]) -> Exam:
    """Return the test set of the runs' own data set, or of the one that was typed; the rest as ``load_test_set``."""
    found = load_test_set(runs, overrides, warn)
    labels = _renumbered(runs[0], found)
    return Exam(
        f"{found.name} ({found.sha256[:8]}), {len(labels):,} test digits",
        found.name,
        labels,
        runs[0].class_names,
        {run.path: found.test for run in runs},
        lambda i: f"test digit {i + 1}",
        found.image_shape,
    )


def of_a_file(runs: Sequence[Trained], path: Path, overrides: Sequence[str], warn: Callable[[str], None]) -> Exam:
    """Return the images of a file or folder: its test set where it has one, else all of it.

    Each run reads the stored numbers as it read those that it was trained on.

    Args:
        runs: that know the same classes.
        path: the file or folder.
        overrides: "data.range=[0,1]", "data.transpose=true" …
        warn: is told what may mislead.

    Raises:
        DataError: it cannot be read, has no labels, or the runs have seen it.
    """
    said = of_files.wanted_of(path, overrides)
    images = of_files.open_for(runs[0], path, said, warn)
    labels = of_files.labels_for(runs[0], images, said)
    each: dict[Path, Split] = {}
    read_before: list[tuple[object, Split]] = []
    for run in runs:
        key = run.meaning, run.summary.reading is not None
        split = next((split for known, split in read_before if known == key), None)
        if images.are_pictures and of_files.takes_of(run, said) != of_files.takes_of(runs[0], said):
            raise DataError(f"{path}: {run.path} takes pictures in another way than {runs[0].path}: score them alone")
        if split is None:
            split = of_files.read_by(run, images, said)
            read_before.append((key, split))
            if of_files.are_inverted(split, run.summary.height_and_width):
                warn(of_files.INVERTED.format(path))
            if lie := doubt(split.images.reshape(-1, *run.summary.height_and_width), labels, run.class_names):
                warn(of_files.say_lie(path, lie))
        refuse_seen(run, str(path), split, warn)
        each[run.path] = split
    unreadable = images.found.unreadable
    count = f"{len(labels):,} labelled images" + (f", {len(unreadable):,} unreadable" if unreadable else "")
    return Exam(
        f"{images.described}: {count}",
        str(path),
        labels,
        runs[0].class_names,
        each,
        images.part.name_of,
        runs[0].summary.height_and_width,
        unreadable,
    )


def _renumbered(run: Trained, found: Data) -> Array:
    """Return the labels of a test set as a run counts its classes, which are matched by name.

    Raises:
        DataError: the test set has a class that the run does not know.
    """
    labels: Array = found.test.labels[found.test.rows]
    if found.class_names == run.class_names:
        return labels
    numbers = {name: number for number, name in enumerate(run.class_names)}
    there = np.unique(labels).tolist()
    if unknown := [found.class_names[label] for label in there if found.class_names[label] not in numbers]:
        raise DataError(f"data={found.name}: {run.path} does not know class {printable(unknown[0])}")
    table = np.array([numbers.get(name, 0) for name in found.class_names], np.intp)
    return table[labels]
