"""What the stored numbers of a set mean: shape, scale, orientation and classes; and reading images and labels by it."""

import functools
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import DataError
from npdigits.forms import reference, value_range
from npdigits.forms.class_labels import (
    Value,
    codes_of,
    distinct,
    look_alikes,
    name_classes,
    order_of,
    refuse_no_classes,
    some_of,
)
from npdigits.forms.found import TRAIN, VAL, Found, Meaning, Part, Wanted
from npdigits.forms.layout import arrange, determine_shape, place_of, refuse_other_size
from npdigits.forms.outliers import refuse_outliers
from npdigits.forms.reference import TRANSPOSED, UPRIGHT, Likeness

# MNIST's form, into which photographs are brought: bytes, upright.
BYTES = (0.0, 255.0)
DIGITS = tuple(map(str, range(10)))


def determine(found: Found, test: Found | None, wanted: Wanted) -> tuple[Meaning, list[str], list[str]]:
    """Return what the numbers of a set mean, in few words what was understood, and warnings.

    Args:
        found: the training set, perhaps with a validation and a test set.
        test: the test set, if it is in another file.
        wanted: what the user says, which then is not recognized.

    Raises:
        DataError: they cannot be understood.
        ConfigError: what is wanted does not fit.
    """
    parts = [(part, found) for part in found.parts.values()]
    parts += [(part, test) for part in test.parts.values()] if test else []
    if TRAIN not in found.parts:
        raise DataError(f"{found.form}: holds no training set")
    transposed = bool(wanted.transpose) and not found.formed
    sized = [(part, source.sparse) for part, source in parts]
    shape, notes = determine_shape(sized, wanted.shape, transposed)
    is_open = found.open_orientation or bool(test and test.open_orientation)
    meaning = Meaning(shape, transpose=transposed, open_orientation=is_open)
    low, high, warnings = _scale(parts, meaning, wanted)
    warnings = [*found.warnings, *(test.warnings if test else ()), *warnings]
    train = [found.parts[name] for name in (TRAIN, VAL) if name in found.parts]
    coded = [distinct(part) for part in train]
    values = _values(train, coded)
    sample, labels = _sample(train[0], *coded[0])
    paper, ink = (high, low) if _is_inverted(sample, meaning, (low, high), found, wanted) else (low, high)
    meaning = replace(meaning, range=(float(paper), float(ink)))
    seen = _read(sample, _for_form(meaning, found))
    place, shift = place_of(train[0]), functools.partial(_shift_of_digits, seen, labels)
    names, said = name_classes(place, values, found.classes, wanted.labels, shift)
    warnings += look_alikes(list(names.values()))
    if wanted.transpose is None and is_open:
        _ask_for_orientation(f"{place}: {found.form}", seen, [names.get(label, "") for label in labels])
    meaning = replace(meaning, values=tuple(names), classes=tuple(names.values()))
    for part, _ in parts:
        if all(part is not known for known in train):
            labels_by(meaning, part)  # a label that the training set has not is found now
    if not found.formed:
        notes += value_range.say_scale(paper, ink, sample)
    if transposed:
        notes.append("stored by columns")
    for key in ("transpose", "invert", "range"):
        if found.formed and getattr(wanted, key):
            warnings.append(f"data.{key} has no effect: the pictures are brought to MNIST's form")
    return meaning, [*notes, *said], warnings


def images_by(meaning: Meaning, part: Part, found: Found) -> Array:
    """Return images as a network sees them: on the scale 0 (paper) … 255 (ink), shape (n, height, width).

    They are uint8 where they are bytes, exactly or up to the rounding of decimals, else float32. Without a copy where
    they are stored so.

    Args:
        meaning: by which they are read, whatever values they happen to hold.
        part: the images.
        found: where they come from, which says what is settled already.

    Raises:
        DataError: they are of another size, or on another scale.
    """
    meaning = _for_form(meaning, found)
    refuse_other_size(part, meaning.shape, meaning.transpose, found.sparse)
    refuse_other_scale(meaning, part)
    return _read(part.images, meaning)


def _for_form(meaning: Meaning, found: Found) -> Meaning:
    """Return what the numbers of a file mean: what is settled by its form is not as in files of other forms."""
    if found.formed:
        return replace(meaning, range=BYTES, transpose=False)
    if meaning.open_orientation != found.open_orientation:
        return replace(meaning, transpose=False)
    return meaning


def labels_by(meaning: Meaning, part: Part) -> Array:
    """Return the class of each image: uint8 where there are no more than 256 classes, else int64.

    A label is the stored one of a class. In other files than the training set's it may be a class's name instead: if
    all labels are such, and are text or are not all stored ones.

    Raises:
        DataError: a label is of no class, or is missing.
    """
    stored: dict[Value, int] = {_plain(value): i for i, value in enumerate(meaning.values)}
    named = {name: i for i, name in enumerate(meaning.classes)}
    values = distinct(part)[0]
    are_named = all(str(value) in named for value in values)
    is_text = part.labels is not None and part.labels.dtype.kind not in "biuf"
    known = stored
    if are_named and (is_text or not all(value in stored for value in values)):
        known = {value: named[str(value)] for value in values}
    classes = codes_of(part, known, f"these are {some_of(list(meaning.values))}")
    return classes.astype(np.uint8 if len(meaning.classes) <= 256 else np.int64)


def refuse_other_scale(meaning: Meaning, part: Part) -> None:
    """Refuse images that are on another scale than those that a meaning was determined by.

    Raises:
        DataError: a value is beyond the scale, is no number, or all are at its lowest end.
    """
    images, (low, high) = part.images, sorted(meaning.range)
    if images.dtype.kind not in "biuf":
        raise DataError(f"{place_of(part)}: pixels of type {images.dtype}: allowed are numbers")
    if not images.size:
        return
    if images.dtype == np.uint8 and (low, high) == BYTES and images.max() > value_range.FAINTEST * high:
        return
    slack = (high - low) * value_range.ROUNDED / 255
    if images.dtype.kind == "f" and (low, high) == (0, 1):
        slack = value_range.OVERSHOOT
    lowest, highest = float(images.min()), float(images.max())
    if not low - slack <= lowest <= highest <= high + slack:

        def beyond(some: Array) -> Array:
            with np.errstate(over="ignore"):  # what is too large becomes infinite
                values = some.astype(np.float64)
            return ~((values >= low - slack) & (values <= high + slack))

        i = value_range.first_row(images, beyond)
        value = float(images[i][beyond(images[i])][0])
        raise DataError(f"{part.name_of(i)}: a pixel of {value:g}: the scale is {low:g} … {high:g} (data.range)")
    if highest <= low + value_range.FAINTEST * (high - low) and lowest < highest:
        raise DataError(
            f"{part.name_of(0)}: no pixel is above {highest:g}, of the scale {low:g} … {high:g}: the images are on "
            "another scale (data.range)"
        )


def _scale(parts: Sequence[tuple[Part, Found]], meaning: Meaning, wanted: Wanted) -> tuple[float, float, list[str]]:
    """Return the lowest and the highest value of the scale, and warnings."""
    open_parts = [part for part, source in parts if not source.formed]
    if wanted.range:
        low, high = wanted.range
        for part in open_parts:
            refuse_other_scale(replace(meaning, range=(low, high)), part)
        return low, high, []
    if not open_parts:
        return *BYTES, []
    low, high = value_range.span_of(open_parts)
    images = open_parts[0].images
    sample = images[:: max(1, len(images) // value_range.SAMPLE)]
    arranged = arrange(sample, meaning.shape, meaning.transpose)
    (low, high), warnings = value_range.recognize(low, high, arranged, place_of(open_parts[0]))
    refuse_outliers(open_parts, (low, high), not warnings, arranged)
    return low, high, warnings


def _is_inverted(sample: Array, meaning: Meaning, span: tuple[float, float], found: Found, wanted: Wanted) -> bool:
    """Say whether paper is the highest value: by the user, or else by the looks of the images."""
    if found.formed or wanted.invert is not None:
        return bool(wanted.invert) and not found.formed
    return value_range.is_inverted(arrange(sample, meaning.shape, meaning.transpose), *span)


def _values(train: Sequence[Part], coded: Sequence[tuple[list[Value], Array]]) -> list[Value]:
    """Return the labels of the training images in order, checked."""
    counts: Counter[Value] = Counter()
    for values, codes in coded:
        counts.update(dict(zip(values, np.bincount(codes, minlength=len(values)).tolist(), strict=True)))
    numbers = all(isinstance(value, int) for value in counts)
    if not numbers and any(isinstance(value, int) for value in counts):
        raise DataError(f"{train[0].name_of(0)}: labels are numbers in one part of the set and text in another")
    values = sorted(counts, key=order_of)
    refuse_no_classes({value: counts[value] for value in values}, train[0], coded[0][1], coded[0][0])
    return values


def _sample(part: Part, values: Sequence[Value], codes: Array) -> tuple[Array, list[Value]]:
    """Return some images of each class as they are stored, of many classes some over all, and their labels."""
    if len(values) <= 2 * len(DIGITS):
        rows = reference.choose(codes, range(len(values)))
    else:
        rows = np.arange(0, len(codes), max(1, len(codes) // value_range.SAMPLE))
    return part.images[rows], [values[code] for code in codes[rows]]


def _read(images: Array, meaning: Meaning) -> Array:
    """Return stored images as ``images_by`` does."""
    arranged = arrange(images, meaning.shape, meaning.transpose)
    return np.ascontiguousarray(value_range.to_bytes(arranged, *meaning.range))


def _shift_of_digits(images: Array, labels: Sequence[Value]) -> int | None:
    """Return what is added to a label to get its digit, of images that look like digits; None of others."""
    likeness = reference.looks_like(images, np.array(labels, np.intp), (0, -1))
    return likeness.shift if likeness else None


def _likeness(images: Array, names: Sequence[str]) -> Likeness | None:
    """Return which way round images lie whose classes are called by digits; None where they do not look like any."""
    if not set(names) <= set(DIGITS):
        return None
    return reference.looks_like(images, np.array(list(map(int, names)), np.intp))


def _ask_for_orientation(what: str, images: Array, names: Sequence[str]) -> None:
    """Refuse images of which it is not known whether they are stored by rows or by columns.

    Raises:
        DataError: always; it says which it looks like.
    """
    likeness = _likeness(images, names)
    hint = ""
    if likeness and likeness.orientation in (UPRIGHT, TRANSPOSED):
        fits = "true" if likeness.orientation == TRANSPOSED else "false"
        hint = f"; by their looks they are digits with data.transpose={fits}"
    raise DataError(
        f"{what} leaves open whether images are stored by rows or by columns: data.transpose=true for columns, "
        f"data.transpose=false for rows{hint}"
    )


def _plain(value: float | str) -> Value:
    """Return a recorded label as ``distinct`` has it: JSON may hold a whole number as a float."""
    return value if isinstance(value, str) else int(value)
