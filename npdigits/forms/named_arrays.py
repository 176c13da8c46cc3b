"""A set of digits in arrays that have names, as npz, npy, MATLAB's and HDF5 files hold them."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import DataError
from npdigits.forms.array_names import IMAGES, LABELS, OTHER, Says, read_name
from npdigits.forms.array_shapes import class_numbers, held_axes, narrowed, planes, samples_first
from npdigits.forms.declared import refuse_too_large
from npdigits.forms.found import TEST, TRAIN, VAL, Found, Part, Wanted

# Names in a message; more are counted.
SHOWN = 8


@dataclass(frozen=True)
class Stored:
    """An array in a file, before it is read.

    Attributes:
        shape, dtype: as the file declares them.
        read: returns it; raises DataError where it is damaged.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Callable[[], Array]

    @property
    def nbytes(self) -> int:
        """Bytes that it takes."""
        return math.prod(self.shape) * self.dtype.itemsize

    def __str__(self) -> str:
        return f"{self.dtype.name} {self.shape}"


@dataclass(frozen=True)
class Source:
    """What holds the arrays.

    Attributes:
        path: of the file or folder, for messages.
        form: its name for people.
        arrays: by name.
        left: name -> why that array is not read.
        place_of: (array, i) -> where its i-th sample is: "digits.npz: x_train[17]".
        samples_last: whether images without labels lie along the last axis, where there are three or more.
        found: what is the same for all of its form, as fields of ``Found``.
    """

    path: Path
    form: str
    arrays: Mapping[str, Stored]
    left: Mapping[str, str]
    place_of: Callable[[str, int], str]
    samples_last: bool = False
    found: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Pair:
    """The names of the arrays of a part of a set; ``labels`` is None where there are none."""

    images: str
    labels: str | None

    @property
    def names(self) -> list[str]:
        """Both."""
        return [name for name in (self.images, self.labels) if name is not None]


def read_arrays(source: Source, wanted: Wanted) -> Found:
    """Return the set that arrays hold.

    Raises:
        DataError: none, or several, could be the images or the labels, or one is damaged.
    """
    pairs = choose(source, wanted)
    read = {name for pair in pairs.values() for name in pair.names}
    refuse_too_large(sum(source.arrays[name].nbytes for name in read), f"{source.path}: {', '.join(sorted(read))}")
    parts, notes = {}, []
    for part, pair in pairs.items():
        parts[part], said = _read_part(source, pair)
        notes += [note for note in said if note not in notes]
    names = [name for pair in pairs.values() for name in pair.names]
    labels = [pair.labels for pair in pairs.values() if pair.labels is not None]
    names = [*dict.fromkeys(names)]
    form = f"{source.form} ({', '.join(names[:SHOWN])}{', …' if len(names) > SHOWN else ''})"
    return Found(form, parts, ", ".join(dict.fromkeys(labels)) or "none", notes=tuple(notes), **source.found)


def choose(source: Source, wanted: Wanted) -> dict[str, Pair]:
    """Return which arrays are which part of the set.

    Raises:
        DataError: that cannot be told.
    """
    said = {name: read_name(name) for name in source.arrays}
    numbered = _numbered(source.arrays, said)
    if numbered:
        return numbered
    pairs: dict[str | None, Pair] = {}
    for part in (TRAIN, VAL, TEST, None):
        of_part = {name: says for name, says in said.items() if says.part == part}
        images = _images(source, of_part, wanted)
        if images is not None:
            pairs[part] = Pair(images, _labels(source, of_part, images, wanted))
    if TRAIN not in pairs and None in pairs:
        pairs[TRAIN] = pairs[None]
    chosen = {part: pairs[part] for part in (TRAIN, VAL, TEST) if part in pairs}
    if not chosen:
        raise DataError(f"{source.path}: no array of images in it: {_listed(source)}")
    if len(chosen) == 1:
        return {TRAIN: next(iter(chosen.values()))}
    return chosen


def _images(source: Source, said: Mapping[str, Says], wanted: Wanted) -> str | None:
    """Return which of some arrays are the images; None if none can be.

    Raises:
        DataError: several can be.
    """
    can = [name for name in said if _can_be_images(source.arrays[name]) and not _is_wanted(name, wanted)]
    named = [name for name in can if said[name].role == IMAGES]
    if named:
        first = min(said[name].rank for name in named)
        can = [name for name in named if said[name].rank == first]
    else:
        can = [name for name in can if said[name].role is None]
    if len(can) > 1:
        names = ", ".join(f"{name} ({source.arrays[name]})" for name in can[:SHOWN])
        raise DataError(f"{source.path}: which array holds the images? There are {names}: name one of them images")
    return can[0] if can else None


def _can_be_images(array: Stored) -> bool:
    return array.dtype.kind in "biuf" and len(array.shape) >= 2 and sum(n > 1 for n in array.shape) >= 1


def _labels(source: Source, said: Mapping[str, Says], images: str, wanted: Wanted) -> str | None:
    """Return which of some arrays are the labels of these images; None if there are none.

    Raises:
        DataError: they are as many as no axis of the images, or several arrays can be labels.
    """
    arrays = source.arrays
    if wanted.label_column is not None:
        for name in said:
            if _is_wanted(name, wanted):
                return name
        if not any(_is_wanted(name, wanted) for name in arrays):
            raise DataError(f"data.label_column={wanted.label_column}: no array of {source.path}: {_listed(source)}")
    others = [name for name in said if name != images and arrays[name].shape]
    named = sorted((said[name].rank, name) for name in others if said[name].role == LABELS)
    fitting = [name for _, name in named if held_axes(arrays[images].shape, arrays[name].shape)]
    if fitting:
        return fitting[0]
    if named and max(arrays[named[0][1]].shape) > 1:
        name = named[0][1]
        raise DataError(
            f"{source.path}: {name} of shape {arrays[name].shape} is no label for each image of {images}, of shape "
            f"{arrays[images].shape}"
        )
    plain = [
        name
        for name in others
        if said[name].role is None
        and math.prod(arrays[name].shape) == max(arrays[name].shape)
        and held_axes(arrays[images].shape, arrays[name].shape)
    ]
    if len(plain) > 1:
        raise DataError(
            f"{source.path}: which array holds the labels? Name it: data.label_column={plain[0]} (there are "
            f"{', '.join(plain[:SHOWN])})"
        )
    if not plain:
        _refuse_left(source, images)
    return plain[0] if plain else None


def _refuse_left(source: Source, images: str) -> None:
    """Refuse images whose labels are there, but not as numbers.

    Raises:
        DataError: they are.
    """
    part = read_name(images).part
    for name, why in source.left.items():
        says = read_name(name)
        if says.role == LABELS and says.part == part:
            raise DataError(f"{source.path}: {name}, the labels of {images}: {why}")


def _is_wanted(name: str, wanted: Wanted) -> bool:
    """Say whether an array is the one that the user names as labels: by its whole name, or by the last word of it."""
    return wanted.label_column is not None and wanted.label_column in (name, name.rpartition("/")[2])


def _numbered(arrays: Mapping[str, Stored], said: Mapping[str, Says]) -> dict[str, Pair]:
    """Return the parts where all names are numbers, as numpy.savez gives them: arr_0, arr_1 …; {} where they are not.

    The images are those of two axes and more, the labels those of one; the first of each belong to the training set.
    """
    if not all(name.startswith("arr_") for name in arrays) or OTHER in {says.role for says in said.values()}:
        return {}
    images = [name for name, array in arrays.items() if _can_be_images(array) and max(array.shape[1:]) > 1]
    labels = [name for name in arrays if name not in images]
    fit = [
        held_axes(arrays[one].shape, arrays[other].shape) if arrays[other].shape else None
        for one, other in zip(images, labels, strict=False)
    ]
    if len(images) != len(labels) or len(images) > 3 or None in fit:
        return {}
    parts = ((), (TRAIN,), (TRAIN, TEST), (TRAIN, VAL, TEST))[len(images)]
    return {part: Pair(*pair) for part, *pair in zip(parts, images, labels, strict=True)}


def _listed(source: Source) -> str:
    """Return what a file holds, for a message."""
    held = [f"{name} ({array})" for name, array in source.arrays.items()]
    held += [f"{name} ({why})" for name, why in source.left.items()]
    more = f" and {len(held) - SHOWN} more" if len(held) > SHOWN else ""
    return f"it holds {', '.join(held[:SHOWN])}{more}" if held else "it holds nothing"


def _read_part(source: Source, pair: Pair) -> tuple[Part, list[str]]:
    """Read the images and labels of a part, and return it with what is said of it.

    Raises:
        DataError: an array is damaged or holds what is no number.
    """
    stored = source.arrays[pair.images]
    axis = len(stored.shape) - 1 if source.samples_last and len(stored.shape) > 2 else 0
    labels, notes = None, []
    if pair.labels is not None:
        axes = held_axes(stored.shape, source.arrays[pair.labels].shape)
        if axes is None:
            raise DataError(
                f"{source.path}: {pair.labels} ({source.arrays[pair.labels]}) is no label for each image of "
                f"{pair.images} ({stored})"
            )
        axis = axes[0]
        labels, note = _read_labels(source, pair.labels, axes[1])
        notes.append(note)
    if not stored.shape[axis] or not math.prod(stored.shape):
        raise DataError(f"{source.path}: {pair.images} of shape {stored.shape} holds no images")

    def wrong(place: tuple[int, ...], value: float) -> DataError:
        i, pixel = place[axis], place[:axis] + place[axis + 1 :]
        where = ", ".join(map(str, pixel))
        return DataError(f"{source.place_of(pair.images, i)}: pixel [{where}] is {value}: allowed are numbers")

    where = f"{source.path}: {pair.images}"
    images, note = planes(samples_first(narrowed(stored.read(), wrong), axis), where)
    notes.append(note)
    return Part(images, labels, lambda i: source.place_of(pair.images, i)), [*filter(None, notes)]


def _read_labels(source: Source, name: str, axis: int) -> tuple[Array, str]:
    stored = source.arrays[name]
    if stored.dtype.kind not in "biufUS":
        raise DataError(f"{source.path}: {name} is {stored}: allowed are numbers and texts")
    labels = samples_first(stored.read(), axis)
    return class_numbers(labels, lambda what: DataError(f"{source.path}: {name}: {what}"))
