"""Which of several arrays are the images and the labels of which part of a set: by their names and shapes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import DataError
from npdigits.forms.array_names import IMAGES, LABELS, OTHER, Says, read_name
from npdigits.forms.array_shapes import class_numbers, held_axes, samples_first
from npdigits.forms.declared import refuse_declared
from npdigits.forms.found import TEST, TRAIN, VAL, Wanted
from npdigits.forms.stored import SHOWN, Source, Stored


@dataclass(frozen=True)
class Pair:
    """The names of the arrays of a part of a set; ``labels`` is None where there are none."""

    images: str
    labels: str | None

    @property
    def names(self) -> list[str]:
        """Both."""
        return [name for name in (self.images, self.labels) if name is not None]


def choose(source: Source, wanted: Wanted) -> tuple[dict[str, Pair], list[str]]:
    """Return which arrays are which part of the set, and what is said of the others.

    Raises:
        DataError: that cannot be told.
    """
    said = {name: read_name(name) for name in source.arrays}
    numbered = _numbered(source.arrays, said)
    if numbered:
        return numbered, []
    pairs: dict[str | None, Pair] = {}
    left: dict[str | None, list[str]] = {}
    for part in (TRAIN, VAL, TEST, None):
        of_part = {name: says for name, says in said.items() if says.part == part}
        named = _named_by_user(source, of_part, wanted)
        images, left[part] = _images(source, {name: says for name, says in of_part.items() if name != named})
        if images is not None:
            pairs[part] = Pair(images, named or _labels(source, of_part, images))
    if TRAIN not in pairs and None in pairs:
        pairs[TRAIN], left[TRAIN] = pairs[None], left[None]
    chosen = {part: pairs[part] for part in (TRAIN, VAL, TEST) if part in pairs}
    if not chosen:
        raise DataError(f"{source.path}: no array of images in it: {source}")
    others = [f"{name} ({source.arrays[name]})" for part in chosen for name in left[part]]
    more = ", …" if len(others) > SHOWN else ""
    notes = [f"left out: {', '.join(others[:SHOWN])}{more}"] if others else []
    return (chosen if len(chosen) > 1 else {TRAIN: next(iter(chosen.values()))}), notes


def _images(source: Source, said: Mapping[str, Says]) -> tuple[str | None, list[str]]:
    """Return which of some arrays are the images, None if none can be, and others that are no labels either.

    Raises:
        DataError: several can be, and hold different numbers.
    """
    arrays = source.arrays
    could = [name for name in said if _can_be_images(arrays[name]) and said[name].role in (IMAGES, None)]
    named = [name for name in could if said[name].role == IMAGES]
    first = min((said[name].rank for name in named), default=0)
    can = [name for name in named if said[name].rank == first] or could
    if not can:
        return None, []
    pixels = math.prod(arrays[can[0]].shape)
    alike = [name for name in could if math.prod(arrays[name].shape) == pixels or name in can]
    if len(alike) > 1 and not _hold_the_same(source, alike):
        names = ", ".join(f"{name} ({arrays[name]})" for name in alike[:SHOWN])
        raise DataError(
            f"{source.path}: which array holds the images? There are {names}: save the one that is meant, and its "
            "labels, in a file of their own"
        )
    return can[0], [name for name in could if name not in alike and not _is_vector(arrays[name])]


def _hold_the_same(source: Source, names: Sequence[str]) -> bool:
    """Say whether arrays hold the same numbers, in whatever shape, as data and images of scikit-learn's digits do."""
    arrays = [source.arrays[name] for name in names]
    if len({math.prod(array.shape) for array in arrays}) > 1:
        return False
    refuse_declared(sum(array.nbytes for array in arrays), f"{source.path}: {', '.join(sorted(names))}")
    first = arrays[0].read().ravel()
    return all(np.array_equal(first, array.read().ravel()) for array in arrays[1:])


def _can_be_images(array: Stored) -> bool:
    return array.dtype.kind in "biuf" and len(array.shape) >= 2 and sum(n > 1 for n in array.shape) >= 1


def _is_vector(array: Stored) -> bool:
    return math.prod(array.shape) == max(array.shape)


def _labels(source: Source, said: Mapping[str, Says], images: str) -> str | None:
    """Return which of some arrays are the labels of these images; None if there are none.

    Raises:
        DataError: they are as many as no axis of the images, or several arrays can be labels.
    """
    arrays = source.arrays
    others = [name for name in said if name != images and arrays[name].shape]
    named = sorted((said[name].rank, name) for name in others if said[name].role == LABELS)
    fitting = [name for _, name in named if held_axes(arrays[images].shape, arrays[name].shape)]
    if len(fitting) > 1:
        return _same_labels(source, images, fitting)
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
        if said[name].role is None and _is_vector(arrays[name]) and held_axes(arrays[images].shape, arrays[name].shape)
    ]
    if len(plain) > 1:
        raise _several_labels(source, plain)
    if not plain:
        _refuse_left(source, images)
    return plain[0] if plain else None


def _same_labels(source: Source, images: str, names: Sequence[str]) -> str:
    """Return the first of several arrays that are called as labels are, which say the same.

    Those with several values for an image that are no one-hot rows are no labels.

    Raises:
        DataError: they say different things.
    """
    shape = source.arrays[images].shape
    found: dict[str, Array] = {}
    for name in names:
        axes = held_axes(shape, source.arrays[name].shape)
        assert axes is not None
        try:
            found[name] = read_labels(source, name, axes[1])[0]
        except DataError:
            continue
    if not found:
        return names[0]
    first, *others = found
    if all(np.array_equal(found[first], found[name]) for name in others):
        return first
    raise _several_labels(source, list(found))


def _several_labels(source: Source, names: Sequence[str]) -> DataError:
    return DataError(
        f"{source.path}: which array holds the labels? Name it: data.label_column={names[0]} (there are "
        f"{', '.join(names[:SHOWN])})"
    )


def read_labels(source: Source, name: str, axis: int) -> tuple[Array, str]:
    """Return labels as one number or text a sample, and what is said of that.

    Args:
        source: what holds them.
        name: of their array.
        axis: along which the samples lie.

    Raises:
        DataError: they are no labels, or damaged.
    """
    stored = source.arrays[name]
    if stored.dtype.kind not in "biufUS":
        raise DataError(f"{source.path}: {name} is {stored}: allowed are numbers and texts")
    refuse_declared(stored.nbytes, f"{source.path}: {name}")
    labels = samples_first(stored.read(), axis)
    return class_numbers(labels, lambda what: DataError(f"{source.path}: {name}: {what}"))


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


def _named_by_user(source: Source, said: Mapping[str, Says], wanted: Wanted) -> str | None:
    """Return which of a part's arrays the user names as its labels; None where there is none.

    Its whole name or the end of it may be said. Of another part it is the one that is called so: where
    train_fine_labels is named, those of the test are test_fine_labels.

    Raises:
        DataError: no array is called so, of whatever part.
    """
    asked = wanted.label_column
    if asked is None:
        return None
    exact = [name for name in source.arrays if asked in (name, name.rpartition("/")[2], name.removeprefix("column "))]
    own = [name for name in exact if name in said]
    if own:
        return own[0]
    words = read_name(exact[0] if exact else asked)
    called = [
        name
        for name in source.arrays
        if _without_part(read_name(name)) == _without_part(words) and words.role == LABELS
    ]
    if not exact and not called:
        raise DataError(f"data.label_column={asked}: no array of {source.path}: {source}")
    own = [name for name in called if name in said]
    return own[0] if len(own) == 1 else None


def _without_part(says: Says) -> tuple[str | None, int, tuple[str, ...]]:
    return says.role, says.rank, says.rest


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
