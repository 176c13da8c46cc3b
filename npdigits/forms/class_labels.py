"""What the stored labels of a set mean: which classes there are, and how these are called."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import ConfigError, DataError
from npdigits.base.text import join_lines, quoted
from npdigits.forms.found import Part
from npdigits.forms.layout import place_of

Value = int | str

# More different labels are no classes; nor are more than a third of the images, where they are not few.
MOST_CLASSES, FEW = 1000, 20
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?")
ASCII_DIGITS = range(ord("0"), ord("9") + 1)
ASCII_LETTERS = (*range(ord("A"), ord("Z") + 1), *range(ord("a"), ord("z") + 1))
# Labels are codes of letters only if there are so many, as small numbers may be anything.
LEAST_LETTERS = 5
SHOWN = 5


def distinct(part: Part) -> tuple[list[Value], Array]:
    """Return the different labels of some images in order, numbers before text, and of which each image has which.

    Floats and text that are whole numbers are such.

    Raises:
        DataError: a label is missing, or is a number that is not whole.
    """
    labels = part.labels
    if labels is None or labels.ndim != 1 or len(labels) != len(part.images):
        shape = "none" if labels is None else f"an array of shape {labels.shape}"
        raise DataError(f"{place_of(part)}: the labels of {len(part.images):,} images are {shape}: wanted is one each")
    kind = labels.dtype.kind
    if kind in "biu":
        values, codes = np.unique(labels, return_inverse=True)
        return [int(value) for value in values], codes
    if kind == "f":
        _refuse_fractions(labels, part)
        values, codes = np.unique(labels.astype(np.int64), return_inverse=True)
        return [int(value) for value in values], codes
    if kind not in "USOT":
        raise DataError(f"{place_of(part)}: labels of type {labels.dtype}: allowed are whole numbers and text")
    return _distinct_text(labels.tolist(), part)


def name_classes(
    place: str,
    values: Sequence[Value],
    declared: Sequence[str] | None,
    wanted: Sequence[str] | None,
    shift_of_digits: Callable[[], int | None],
) -> tuple[dict[Value, str], list[str]]:
    """Return the name of each class by its stored label, in the order of the classes, and what is said of that.

    Classes are in the order of their labels, unless their names are the numbers 0 … k−1: these are their own.

    Args:
        place: where they are, for messages.
        values: the labels, in order.
        declared: names that the file declares: label i is declared[i].
        wanted: names by the user, in the order of the labels.
        shift_of_digits: of labels 1 … 10 of images that look like digits: what is to be added to get the digit, modulo
            10; else None.

    Raises:
        ConfigError: there are not as many names as classes.
        DataError: a label has no declared name.
    """
    notes: list[str] = []
    if wanted:
        names = _wanted(values, wanted)
    elif declared:
        names = _declared(values, declared, place)
    else:
        names, notes = _recognized(values, shift_of_digits)
    numbers = [str(number) for number in range(len(names))]
    by_name = {name: value for value, name in names.items()}
    if by_name.keys() == set(numbers):
        names = {by_name[name]: name for name in numbers}
    return names, notes


def refuse_no_classes(counts: Mapping[Value, int], part: Part, codes: Array, values: Sequence[Value]) -> None:
    """Refuse labels that divide the training images into no classes that could be learned.

    Args:
        counts: images of each label.
        part: holds the training images; ``codes`` and ``values`` are what ``distinct`` has returned of it.

    Raises:
        DataError: there is one class, a class with a single image, or more classes than there can be.
    """
    n, images = len(counts), sum(counts.values())
    if n == 1:
        raise DataError(
            f"{place_of(part)}: all {images:,} labels are {shown(next(iter(counts)))}: a network tells at least two "
            "classes apart"
        )
    if n > MOST_CLASSES or (n > FEW and 3 * n > images):
        raise DataError(
            f"{place_of(part)}: {n:,} different labels for {images:,} images ({some_of(list(counts))}): are they "
            f"classes? Allowed are {MOST_CLASSES:,}, with at least three images each; data.label_column says which "
            "column holds the labels"
        )
    for value, count in counts.items():
        if count == 1:
            where = np.flatnonzero(codes == values.index(value)) if value in values else np.array([], np.intp)
            place = part.name_of(int(where[0])) if len(where) else place_of(part)
            raise DataError(f"{place}: label {shown(value)} has no other image: a class needs two at least")


def codes_of(part: Part, known: Mapping[Value, int], allowed: str) -> Array:
    """Return the class of each image.

    Args:
        part: the images.
        known: stored label -> class.
        allowed: the labels, for the message.

    Raises:
        DataError: a label is none of these.
    """
    values, codes = distinct(part)
    for at, value in enumerate(values):
        if value not in known:
            i = int(np.flatnonzero(codes == at)[0])
            raise DataError(f"{part.name_of(i)}: label {shown(value)} is no class of the training set: {allowed}")
    table = np.array([known[value] for value in values], np.intp)
    classes: Array = table[codes]
    return classes


def look_alikes(names: Sequence[str]) -> list[str]:
    """Return a line for names that look alike: they differ in white space, or in how ü is composed."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(join_lines(unicodedata.normalize("NFC", name)), []).append(name)
    return [
        f"the classes {' and '.join(map(ascii, alike))} look alike, and are told apart: are they one?"
        for alike in groups.values()
        if len(alike) > 1
    ]


def some_of(values: Sequence[Any]) -> str:
    """Return labels for a message, of many the first ones and the last."""
    if len(values) <= 2 * SHOWN:
        return ", ".join(map(shown, values))
    return ", ".join(map(shown, values[:SHOWN])) + f" … {shown(values[-1])}"


def shown(value: Any) -> str:
    """Return a label for a message, in which other words may follow."""
    text = quoted(str(value))
    return text if len(text) <= 40 else text[:39] + "…"


def _refuse_fractions(labels: Array, part: Part) -> None:
    with np.errstate(over="ignore"):  # what is too large becomes infinite
        numbers = labels.astype(np.float64)
    whole = np.isfinite(numbers) & (np.rint(numbers) == numbers) & (np.abs(numbers) < 2**53)
    if not whole.all():
        i = int(np.flatnonzero(~whole)[0])
        raise DataError(_no_class(part, i, f"{float(labels[i]):g}"))


def _no_class(part: Part, i: int, value: str) -> str:
    return (
        f"{part.name_of(i)}: label {value} is no class: allowed are whole numbers and text; data.label_column says "
        "which column holds the labels"
    )


def _distinct_text(labels: Sequence[Any], part: Part) -> tuple[list[Value], Array]:
    """Return the different labels of a list of text, numbers and bytes, and for each image the place of its own."""
    texts = [_as_text(label) for label in labels]
    if None in texts or "" in texts:
        i = next(i for i, text in enumerate(texts) if not text)
        raise DataError(f"{part.name_of(i)}: no label")
    different = {text: NUMBER.fullmatch(text) is not None for text in texts if text}
    meaning: dict[str, Value] = {text: text for text in different}
    if all(different.values()):
        numbers = {text: float(text) for text in different}
        for text, number in numbers.items():
            if not number.is_integer() or abs(number) >= 2**53:
                raise DataError(_no_class(part, texts.index(text), text))
        meaning = {text: int(number) for text, number in numbers.items()}
    values = sorted(set(meaning.values()), key=order_of)
    place = {value: at for at, value in enumerate(values)}
    at_of = {text: place[value] for text, value in meaning.items()}
    return values, np.array([at_of[text] for text in texts if text], np.intp)


def _as_text(label: Any) -> str | None:
    """Return a label as text; None where it is missing."""
    if isinstance(label, bytes):
        return label.decode("utf-8", "replace").strip()
    if label is None or label != label:  # NaN stands for what is missing
        return None
    if isinstance(label, bool | np.bool_):
        return str(int(label))
    return str(label).strip()


def order_of(value: Value) -> tuple[int, float, str]:
    """Return what labels are sorted by: numbers as numbers, also those among text, then text."""
    if isinstance(value, int):
        return 0, value, ""
    return (0, float(value), value) if NUMBER.fullmatch(value) else (1, 0, value)


def _wanted(values: Sequence[Value], wanted: Sequence[str]) -> dict[Value, str]:
    if len(wanted) != len(values):
        raise ConfigError(
            f"data.labels: names {len(wanted)} classes; there are {len(values)} different labels: {some_of(values)}"
        )
    return dict(zip(values, wanted, strict=True))


def _declared(values: Sequence[Value], declared: Sequence[str], place: str) -> dict[Value, str]:
    names: dict[Value, str] = {}
    for value in values:
        if not isinstance(value, int) or not 0 <= value < len(declared):
            raise DataError(
                f"{place}: label {shown(value)}: the file names {len(declared)} classes, 0 … {len(declared) - 1}"
            )
        names[value] = join_lines(declared[value])
    if len(set(names.values())) < len(names):
        raise DataError(f"{place}: gives several classes one name: {some_of(list(declared))}: data.labels names them")
    return names


def _recognized(
    values: Sequence[Value], shift_of_digits: Callable[[], int | None]
) -> tuple[dict[Value, str], list[str]]:
    """Return the names of classes that nobody has named, and what is said of them."""
    first, last, n = values[0], values[-1], len(values)
    names = {value: join_lines(str(value)) for value in values}
    if len(set(names.values())) < n:  # they differ in white space alone
        names = {value: str(value) for value in values}
    span = f"labels {shown(first)} … {shown(last)}"
    if not isinstance(first, int) or list(values) == list(range(n)):
        return names, []
    if set(values) <= set(ASCII_DIGITS):
        return {value: chr(int(value)) for value in values}, [f"{span}: ASCII codes of digits"]
    if set(values) <= {*ASCII_DIGITS, *ASCII_LETTERS} and n >= LEAST_LETTERS:
        return {value: chr(int(value)) for value in values}, [f"{span}: ASCII codes of characters"]
    if list(values) != list(range(1, n + 1)):
        return names, [f"labels {some_of(values)}"]
    if n == 10:
        shift = shift_of_digits()
        if shift is not None:
            said = "10 is zero" if shift == 0 else "the digit plus one"
            return {value: str((int(value) + shift) % 10) for value in values}, [f"{span}, {said}"]
        return names, [f"{span}, which digits they are is not told: data.labels=[…] names the classes"]
    return names, [f"{span}, which are the classes' names: data.labels=[…] gives others"]
