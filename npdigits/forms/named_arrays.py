"""A set of digits in arrays that have names, as npz, npy, MATLAB's and HDF5 files hold them."""

import math

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import DataError
from npdigits.forms.array_choice import Pair, choose, read_labels
from npdigits.forms.array_shapes import held_axes, narrowed, planes, samples_first
from npdigits.forms.declared import refuse_declared
from npdigits.forms.found import Found, Part, Wanted
from npdigits.forms.stored import SHOWN, Source, Stored


def read_arrays(source: Source, wanted: Wanted) -> Found:
    """Return the set that arrays hold.

    Raises:
        DataError: none, or several, could be the images or the labels, or one is damaged.
    """
    pairs, notes = choose(source, wanted)
    read = {name for pair in pairs.values() for name in pair.names}
    refuse_declared(sum(source.arrays[name].nbytes for name in read), f"{source.path}: {', '.join(sorted(read))}")
    parts = {}
    for part, pair in pairs.items():
        parts[part], said = _read_part(source, pair, wanted)
        notes += [note for note in said if note not in notes]
    names = [name for pair in pairs.values() for name in pair.names]
    labels = [pair.labels for pair in pairs.values() if pair.labels is not None]
    names = [*dict.fromkeys(names)]
    form = f"{source.form} ({', '.join(names[:SHOWN])}{', …' if len(names) > SHOWN else ''})"
    return Found(form, parts, ", ".join(dict.fromkeys(labels)) or "none", notes=tuple(notes), **source.found)


def _read_part(source: Source, pair: Pair, wanted: Wanted) -> tuple[Part, list[str]]:
    """Read the images and labels of a part, and return it with what is said of it.

    Raises:
        DataError: an array is damaged or holds what is no number.
    """
    stored = source.arrays[pair.images]
    if not math.prod(stored.shape):
        raise DataError(f"{source.path}: {pair.images} of shape {stored.shape} holds no images")
    axis = len(stored.shape) - 1 if source.samples_last and len(stored.shape) > 2 else 0
    labels: Array | None = None
    notes: list[str] = []
    if pair.labels is None:
        _refuse_other_tables(source, pair.images, wanted)
    else:
        axes = held_axes(stored.shape, source.arrays[pair.labels].shape)
        if axes is None:
            raise DataError(
                f"{source.path}: {pair.labels} ({source.arrays[pair.labels]}) is no label for each image of "
                f"{pair.images} ({stored})"
            )
        axis = axes[0]
        if _is_empty(source.arrays[pair.labels]):
            notes.append(f"{pair.labels} is empty: no labels")
        else:
            labels, note = read_labels(source, pair.labels, axes[1])
            notes.append(note)

    def wrong(place: tuple[int, ...], value: float) -> DataError:
        i, pixel = place[axis], place[:axis] + place[axis + 1 :]
        where = ", ".join(map(str, pixel))
        return DataError(f"{source.place_of(pair.images, i)}: pixel [{where}] is {value}: allowed are numbers")

    where = f"{source.path}: {pair.images}"
    images, note = planes(samples_first(narrowed(stored.read(), wrong), axis), where)
    notes.append(note)
    return Part(images, labels, lambda i: source.place_of(pair.images, i)), [*filter(None, notes)]


def _is_empty(labels: Stored) -> bool:
    """Say whether no label is a number, as in a test set on which others are to predict."""
    return labels.dtype.kind == "f" and bool(np.isnan(labels.read()).all())


def _refuse_other_tables(source: Source, name: str, wanted: Wanted) -> None:
    """Refuse an array of two axes without labels, of which it can be seen that it is no image a row.

    Raises:
        DataError: it is one image; or a table with a column of labels.
    """
    stored = source.arrays[name]
    if len(stored.shape) != 2 or wanted.shape is not None or _is_square(stored.shape[1]):
        return
    n, width = stored.shape
    if n == width:
        raise DataError(
            f"{source.path}: {name} ({stored}) is one image of {n} × {width}, or has rows that are no square: allowed "
            "are (n, height, width) and (n, pixels)"
        )
    if _is_square(width - 1) and len(source.arrays) == 1:
        raise DataError(
            f"{source.path}: which of the {width:,} columns of {name} ({stored}) is the label cannot be told: say it, "
            f"for example data.label_column=1 (the first) or data.label_column={width} (the last)"
        )


def _is_square(n: int) -> bool:
    return n > 3 and math.isqrt(n) ** 2 == n
