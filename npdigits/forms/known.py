"""Files that are read by a meaning that is known, as a trained network's is, whatever values they happen to hold."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import DataError
from npdigits.base.text import listed, printable
from npdigits.forms import reference, taken_pictures
from npdigits.forms.found import TEST, TRAIN, VAL, Found, Meaning, Part, Wanted
from npdigits.forms.meaning import images_by
from npdigits.forms.reading import read
from npdigits.forms.recognize import recognize
from npdigits.pictures.mnist_form import SIDE
from npdigits.pictures.taking import Takes

# The scale on which a network sees images.
OF_PICTURES = (0.0, 255.0)
# Classes beyond so many are not listed in a message.
SHOWN = 12
# Forms in which an image is a row of numbers.
OF_ROWS = ("table", "svmlight")


@dataclass(frozen=True)
class Images:
    """The images of a file, to be read by a known meaning.

    Attributes:
        place: the file or folder that was named.
        found: what it holds.
        part: the images among it that are meant.
        chosen: which part of several that is, for people; "" where there is one.
        are_pictures: whether each is a picture file.
    """

    place: Path
    found: Found
    part: Part
    chosen: str
    are_pictures: bool

    def __len__(self) -> int:
        return len(self.part.images)

    @property
    def described(self) -> str:
        """What was understood, as the beginning of a line."""
        said = [self.found.form, self.chosen or "all of it", *self.found.notes]
        return f"{self.place}: {'; '.join(said)}"


def open_images(
    path: Path, wanted: Wanted, shape: tuple[int, int], takes: Takes, warn: Callable[[str], None]
) -> Images:
    """Return the images of a file or folder: its test set where it has one, else its validation set, else all.

    Args:
        path: the file or folder.
        wanted: what the user says of it.
        shape: (height, width) of the images that a network takes. Rows of numbers without a head have a label each,
            or none: the number of pixels tells.
        takes: how that network takes pictures.
        warn: is told when an entry of the cache is damaged.

    Raises:
        DataError: it is of no form that is known, or damaged.
    """
    recognized = recognize(path)
    if recognized.form in OF_ROWS and wanted.shape is None:
        wanted = replace(wanted, shape=shape)
    are_pictures = recognized.form == "folder"
    found = taken_pictures.read(recognized, wanted, takes, warn) if are_pictures else read(recognized, wanted)
    name = next(name for name in (TEST, VAL, TRAIN) if name in found.parts)
    long = {TEST: "its test set", VAL: "its validation set", TRAIN: "its training set"}[name]
    return Images(path, found, found.parts[name], long if len(found.parts) > 1 else "", are_pictures)


def how_taken(known: Meaning, wanted: Wanted) -> Takes:
    """Return how a network takes pictures that has learned from images of a known meaning.

    Args:
        known: that meaning.
        wanted: what the user says of the pictures.
    """
    height, width = known.shape
    side = height if height == width else 0
    inverted = known.range[0] > known.range[1] if wanted.invert is None else wanted.invert
    return Takes(side, known.as_they_are or side != SIDE, inverted)


def meaning_of(images: Images, known: Meaning, recorded: bool, wanted: Wanted) -> Meaning:
    """Return by which meaning a file's numbers are read.

    Range and order are the known ones, or the user's. Pictures are on a network's scale already.

    Args:
        images: of the file.
        known: how the images were read that a network was trained on.
        recorded: whether that was found out, and is no assumption.
        wanted: what the user says of this file.

    Raises:
        DataError: nobody says whether rows or columns come first.
    """
    transpose, span = known.transpose, known.range
    if images.are_pictures:
        return replace(known, range=OF_PICTURES, transpose=False)
    if wanted.transpose is not None:
        transpose = wanted.transpose
    elif not images.found.open_orientation:  # rows, unless the user has said otherwise of such a form
        transpose = transpose and not known.open_orientation
    elif not (recorded and known.open_orientation):
        raise DataError(
            f"{images.place}: {images.found.form} leaves open whether an image's rows or its columns come first: "
            "data.transpose=true reads columns, data.transpose=false rows"
        )
    low, high = wanted.range or sorted(span)
    inverted = span[0] > span[1] if wanted.invert is None else wanted.invert
    span = (high, low) if inverted else (low, high)
    shape, is_open = wanted.shape or known.shape, images.found.open_orientation
    return replace(known, shape=shape, range=span, transpose=transpose, open_orientation=is_open)


def read_images(images: Images, meaning: Meaning, shape: tuple[int, int]) -> Array:
    """Return images as a network takes them: 0 (paper) … 255 (ink), shape (n, height, width).

    Raises:
        DataError: they are of another size than the network's, or on another scale than the one that it reads by.
    """
    stored = images.part.images
    pixels = stored[0].size
    if pixels != shape[0] * shape[1] and not images.found.sparse:
        size = " × ".join(map(str, stored.shape[1:])) if stored.ndim == 3 else f"{pixels:,} values"
        raise DataError(f"{images.place}: images of {size}: the run takes {shape[0]} × {shape[1]}")
    read_so = images_by(meaning, images.part, images.found)
    if read_so.shape[1:] != shape:
        height, width = read_so.shape[1:]
        raise DataError(f"{images.place}: images of {height} × {width}: the run takes {shape[0]} × {shape[1]}")
    return read_so


def doubt(array: Array, labels: Array, classes: Sequence[str]) -> str:
    """Return how images lie, in a few words, if they look like digits that are not upright; else "".

    Args:
        array: as a network takes them, shape (n, height, width).
        labels: the numbers of their classes, shape (n,).
        classes: the names of the classes.
    """
    if not set(classes) <= set(map(str, range(10))):
        return ""
    rows = reference.choose(labels, range(len(classes)))
    likeness = reference.looks_like(array[rows], np.array(list(map(int, classes)), np.intp)[labels[rows]], (0,))
    return likeness.orientation if likeness and likeness.orientation != reference.UPRIGHT else ""


def class_numbers(images: Images, known: Meaning, wanted: Wanted, knower: str) -> Array:
    """Return the numbers of the classes that a file's labels name, shape (n,).

    A label is matched by its class's name. A number that is no class's name, and that the files have for a class that
    the network was trained on, is that class (1 … 10 with 10 for zero).

    Args:
        images: of the file.
        known: the classes, and what labels they had.
        wanted: what the user says of this file.
        knower: who knows these classes, for messages.

    Raises:
        DataError: there are no labels, or one names no class.
    """
    labels = images.part.labels
    if labels is None:
        raise DataError(f"{images.place}: {images.found.form} without labels: npdigits-predict reads it")
    values, which = np.unique(labels, return_inverse=True)
    names = _names(images, values, wanted)
    by_name = {name: number for number, name in enumerate(known.classes)}
    by_value = {_text(value): number for number, value in enumerate(known.values)}
    # One table for all: a file counts its classes in one way.
    tables = [by_name] if wanted.labels or images.found.classes or labels.dtype.kind in "OUS" else [by_value, by_name]
    fitting = next((table for table in tables if all(name in table for name in names)), None)
    if fitting is None:
        number = next(number for number, name in enumerate(names) if name not in by_name)
        first = images.part.name_of(int(np.flatnonzero(which == number)[0]))
        shown = listed(known.classes[:SHOWN]) + (" …" if len(known.classes) > SHOWN else "")
        raise DataError(f"{first}: label {printable(names[number])}: {knower} knows the classes {shown}")
    table = np.array([fitting[name] for name in names], np.intp)
    return table[which.reshape(-1)]


def _names(images: Images, values: Array, wanted: Wanted) -> list[str]:
    """Return the names of the labels of a file, of which each stands there once, in order.

    Raises:
        DataError: the user names more or fewer.
    """
    if wanted.labels:
        if len(wanted.labels) != len(values):
            raise DataError(
                f"{images.place}: data.labels names {len(wanted.labels)} classes, and its labels are of {len(values)}"
            )
        return list(wanted.labels)
    texts = [_text(value) for value in values.tolist()]
    names = images.found.classes
    if names is None:
        return texts
    return [names[int(text)] if text.isdecimal() and int(text) < len(names) else text for text in texts]


def _text(value: int | float | str | bytes) -> str:
    """Return a label as text: 7 for 7 and 7.0."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
