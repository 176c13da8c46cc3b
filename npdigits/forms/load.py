"""Loading a data set from the files that people have: recognized, read once, then from the cache."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import ConfigError
from npdigits.base.text import listed, quoted
from npdigits.data import cache
from npdigits.data.sets import Data, default_val_size, make_data
from npdigits.forms import reading
from npdigits.forms.checks import doubts
from npdigits.forms.division import Half, draw_test, without_shared
from npdigits.forms.found import TEST, TRAIN, VAL, Found, Meaning, Wanted
from npdigits.forms.meaning import determine, images_by, labels_by
from npdigits.forms.reading import as_test_set, with_labels
from npdigits.forms.recognize import Recognized, recognize

NAME = "file"
# The form of pictures by class.
FOLDER = "folder"
# Files and classes beyond so many are only counted.
MOST_NAMED, MOST_NAMES = 5, 12
# Between a picture that could not be read and the reason; and how the last line ends, where there are many.
LEFT_OUT, LISTED_ELSEWHERE = ": left out: ", "npdigits-data lists them"
# Raised with every change by which some file is read as other digits, so that no entry of the cache is used any more.
VERSION = 2
# SHA-256 of the four arrays -> the one that runs on the same digits have, and the name: that of mnist_5k is of its
# digits before they were divided.
FORMER = {
    "4f46cfaaa5ebfdd70924409c9d3ab5c1dec620a379928106386155b8fe881da2": (
        "39d1c028e93525b9686e6d7530067d08a275f7fb31243abce9c4ea1c6ae63f07",
        "mnist_5k",
    )
}


def load(path: Path, test: Path | None, wanted: Wanted, warn: Callable[[str], None]) -> Data:
    """Load a data set from a file or folder of the user's.

    Args:
        path: what was named.
        test: the file or folder of the test set; None: it is in ``path``, or is drawn.
        wanted: what the user says of them.
        warn: is told in one line each what is probably not as they mean it, and when an entry of the cache is damaged.

    Raises:
        DataError: a file cannot be read, or holds no such set.
        ConfigError: what is wanted does not fit it.
    """
    recognized = [recognize(place) for place in (path, test) if place]
    sources = [file for one in recognized for file in one.files]
    forms = [[one.form, len(one.files)] for one in recognized]

    def read() -> tuple[dict[str, Array], dict[str, Any]]:
        arrays, facts = _read_set(recognized, wanted)
        return arrays, facts | {"warnings": [*facts["warnings"], *doubts(_as_data(arrays, "", facts))]}

    arrays, sha256, facts = cache.read_with_facts(sources, [NAME, VERSION, forms, asdict(wanted)], read, warn)
    for line in facts["warnings"]:
        warn(line)
    return _as_data(arrays, sha256, facts)


def _as_data(arrays: dict[str, Array], sha256: str, facts: dict[str, Any]) -> Data:
    """Return the data set of four arrays and the facts that are kept beside them."""
    former, name = FORMER.get(sha256, (sha256, NAME))
    data = make_data(NAME, former, arrays)
    names = tuple(facts["reading"]["classes"])
    return replace(
        data,
        default_val_size=default_val_size(name, len(data.train)),
        own_val_size=facts["own_val_size"],
        classes=() if names == data.class_names else names,
        reading=facts["reading"],
        described=facts["described"],
    )


def _read_set(recognized: Sequence[Recognized], wanted: Wanted) -> tuple[dict[str, Array], dict[str, Any]]:
    """Read a set, and return its four arrays and the facts that are kept beside them."""
    place = recognized[0].place
    found, notes = with_labels(reading.read(recognized[0], wanted), place)
    other = None
    if len(recognized) > 1:
        other = as_test_set(reading.read(recognized[1], wanted), recognized[1].place)
    if TEST in found.parts and (other or wanted.test_size is not None):
        key = f"data.test={recognized[1].place}" if other else f"data.test_size={wanted.test_size:g}"
        raise ConfigError(f"{key}: allowed is null, as {place} has a test set of its own")
    meaning, more, warnings = determine(found, other, wanted)
    meaning = replace(meaning, as_they_are=recognized[0].form == FOLDER and not found.formed)
    train = _half(meaning, found, (TRAIN, VAL))
    if other or TEST in found.parts:
        test = _half(meaning, other or found, (TEST,))
        whence = f"test set: {recognized[1].place.name}" if other else "test set: its own"
    else:
        drawn = draw_test(train, meaning.classes, wanted, place)
        train, test = train.only(~drawn), train.only(drawn)
        whence = "test set: drawn"
    train, left_out = without_shared(train, test, meaning.classes, wanted, place)
    if train.own_val:
        whence += f"; its validation set of {train.own_val:,} joins the training set, of which as many are held out"
    if other:
        notes += [note for note in other.notes if note not in found.notes]
    said = [*found.notes, *notes, *more, whence, *filter(None, [left_out])]
    facts = {
        **({cache.UNKEPT: True} if found.names_files or (other and other.names_files) else {}),
        "own_val_size": train.own_val or None,
        "reading": meaning.as_dict(),
        "described": describe(place, found, meaning, (len(train.labels), len(test.labels)), said),
        "warnings": [*warnings, *_unreadable([*found.unreadable, *(other.unreadable if other else ())])],
    }
    arrays = {"train_images": train.images, "train_labels": train.labels}
    arrays |= {"test_images": test.images, "test_labels": test.labels}
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}, facts


def _half(meaning: Meaning, found: Found, names: Sequence[str]) -> Half:
    """Return some parts of a set, one after the other."""
    parts = [found.parts[name] for name in names if name in found.parts]
    images = [images_by(meaning, part, found) for part in parts]
    labels = [labels_by(meaning, part) for part in parts]
    return Half(_joined(images), _joined(labels), len(labels[-1]) if len(parts) > 1 else 0)


def _unreadable(files: Sequence[tuple[Path, str]]) -> list[str]:
    """Return a line for each picture that could not be read; of many, for the first ones."""
    lines = [f"{file}{LEFT_OUT}{reason}" for file, reason in files[:MOST_NAMED]]
    if len(files) > MOST_NAMED:
        lines.append(f"{len(files) - MOST_NAMED:,} more pictures are left out; {LISTED_ELSEWHERE}")
    return lines


def _joined(arrays: Sequence[Array]) -> Array:
    """Return arrays one after the other; of one array, itself."""
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def describe(place: Path, found: Found, meaning: Meaning, sizes: tuple[int, int], said: Sequence[str]) -> str:
    """Return the line that says what was understood."""
    (height, width), (train, test) = meaning.shape, sizes
    names = meaning.classes
    shown = listed(names) if len(names) <= MOST_NAMES else f"{quoted(names[0])} … {quoted(names[-1])}"
    parts = [
        f"{place.name or place}: {found.form}",
        f"{train:,} training and {test:,} test images of {height} × {width}",
        f"{len(names)} classes ({shown})",
        f"labels: {found.label}",
        *said,
    ]
    return "; ".join(parts)
