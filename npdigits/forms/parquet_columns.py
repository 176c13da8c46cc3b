"""Which columns of a parquet file are what, and their values as arrays."""

import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import DataError
from npdigits.forms.array_names import IMAGE_WORDS, LABEL_WORDS
from npdigits.forms.found import Wanted
from npdigits.forms.numbered import NAME, PUT_IN_ORDER, number_order

PIXELS, LISTS, PICTURES = "a column a pixel", "a list of pixels", "pictures"
BESIDE = re.compile(r"__index_level_\d+__|(.*[^a-z])?(id|idx|index)|unnamed: ?\d+", re.IGNORECASE)
PATHS = (*IMAGE_WORDS, "path", "image_path", "file", "file_name", "filename")
SHOWN, MOST_COLUMNS, LONGEST_LABEL = 6, 100_000, 200
# The metadata of a hub's schema, with the names of the classes: of 1,000 some 20 kB.
HUB, LONGEST_METADATA = b"huggingface", 1 << 20


@dataclass(frozen=True)
class Columns:
    """What the columns of a file are.

    Attributes:
        kind: ``PIXELS``, ``LISTS`` or ``PICTURES``.
        images: the names of the columns that hold them: one, but of ``PIXELS`` one a pixel.
        label: the name of the labels' column; None if there is none.
        classes: names that the file gives the labels 0, 1 …
        left: names of columns that are left out.
        notes: what else is said of them.
    """

    kind: str
    images: tuple[str, ...]
    label: str | None
    classes: tuple[str, ...] | None = None
    left: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def find_columns(schema: Any, wanted: Wanted, place: str) -> Columns:
    """Return what the columns of a schema are.

    Raises:
        DataError: that cannot be told, or there are no images.
    """
    names = list(schema.names)
    if len(names) > MOST_COLUMNS or len(set(names)) < len(names):
        raise DataError(f"{place}: {len(names):,} columns, of which some may have one name: allowed are different ones")
    label = _label(names, wanted, place)
    rest = [name for name in names if name != label]
    kinds = {name: _kind(schema.field(name).type) for name in rest}
    whole = [name for name in rest if kinds[name] in (LISTS, PICTURES)]
    whole = _best(whole) or [name for name in rest if kinds[name] == "text" and name.lower() in PATHS]
    if len(whole) > 1:
        raise DataError(f"{place}: which column holds the images? There are {_listed(whole)}: name one of them image")
    if whole:
        kind = LISTS if kinds[whole[0]] == LISTS else PICTURES
        left = tuple(name for name in rest if name not in whole)
        return Columns(kind, (whole[0],), label, _classes(schema, label), left)
    columns = _flat(rest, kinds, label, place)
    columns = replace(columns, classes=_classes(schema, columns.label))
    order = number_order(columns.images, place, lambda n: _fits(n, wanted), names)
    if order is None:
        return columns
    return replace(columns, images=tuple(columns.images[i] for i in order), notes=(PUT_IN_ORDER,))


def _label(names: Sequence[str], wanted: Wanted, place: str) -> str | None:
    """Return the column that the user names, or that is called as labels are.

    Raises:
        DataError: there is no such, or there are several.
    """
    if (asked := wanted.label_column) is not None:
        same = [name for name in names if name == asked] or [name for name in names if name.lower() == asked.lower()]
        if len(same) == 1:
            return same[0]
        if asked.isdecimal() and len(asked) < 9 and 1 <= int(asked) <= len(names):
            return names[int(asked) - 1]
        raise DataError(f"data.label_column={asked}: {place} has no such column: it has {_listed(names)}")
    called = [name for name in names if name.lower() in LABEL_WORDS]
    if len(called) > 1:
        raise DataError(
            f"{place}: which column holds the labels? Name it: data.label_column={called[0]} (there are "
            f"{_listed(called)})"
        )
    return called[0] if called else None


def _kind(of: Any) -> str:
    """Return what a column of this type may be."""
    import pyarrow.types as types

    if types.is_integer(of) or types.is_floating(of) or types.is_boolean(of):
        return PIXELS
    if types.is_list(of) or types.is_large_list(of) or types.is_fixed_size_list(of):
        return LISTS
    if types.is_struct(of) or types.is_binary(of) or types.is_large_binary(of):
        return PICTURES
    if types.is_string(of) or types.is_large_string(of):
        return "text"
    return "other"


def _best(names: Sequence[str]) -> list[str]:
    """Return those of some columns that are called as images are; all if none is."""
    called = [name for name in names if name.lower() in IMAGE_WORDS]
    return called or list(names)


def _flat(rest: Sequence[str], kinds: dict[str, str], label: str | None, place: str) -> Columns:
    """Return the columns of a table with one a pixel.

    Raises:
        DataError: there are none, or which is the label cannot be told.
    """
    stems = Counter(match[1] for name in rest if (match := NAME.fullmatch(name)) and kinds[name] == PIXELS)
    stem, count = stems.most_common(1)[0] if stems else ("", 0)
    if count >= max(4, 0.8 * len(rest)):
        pixels = [name for name in rest if (match := NAME.fullmatch(name)) and match[1] == stem]
        pixels = [name for name in pixels if kinds[name] == PIXELS]
    else:
        pixels = [name for name in rest if kinds[name] == PIXELS and not BESIDE.fullmatch(name)]
    others = [name for name in rest if name not in set(pixels)]
    if label is None:
        can = [name for name in others if not BESIDE.fullmatch(name) and kinds[name] != "other"]
        label = can[0] if len(can) == 1 else None
    if len(pixels) < 4:
        raise DataError(f"{place}: no columns of pixels, lists of them, or pictures: it has {_listed(rest)}")
    if label is None and not _is_square(len(pixels)) and _is_square(len(pixels) - 1):
        raise DataError(
            f"{place}: which of the {len(pixels):,} columns is the label cannot be told: say it, for example "
            f"data.label_column={pixels[0]} (the first) or data.label_column={pixels[-1]} (the last)"
        )
    return Columns(PIXELS, tuple(pixels), label, None, tuple(name for name in others if name != label))


def _fits(pixels: int, wanted: Wanted) -> bool:
    """Say whether so many pixels are an image of the wanted size, or a square one."""
    return _is_square(pixels) if wanted.shape is None else pixels == math.prod(wanted.shape)


def _is_square(n: int) -> bool:
    return math.isqrt(n) ** 2 == n


def _classes(schema: Any, label: str | None) -> tuple[str, ...] | None:
    """Return the classes' names in a hub's metadata; None where there are none that can be used."""
    content = (schema.metadata or {}).get(HUB)
    if content is None or label is None or len(content) > LONGEST_METADATA:
        return None
    try:
        names = json.loads(content)["info"]["features"][label]["names"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    fits = isinstance(names, list) and all(isinstance(name, str) and 0 < len(name) <= LONGEST_LABEL for name in names)
    return tuple(names) if fits and names else None


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(name[:LONGEST_LABEL] for name in names[:SHOWN])
    return f"{shown} and {len(names) - SHOWN:,} more" if len(names) > SHOWN else shown


def is_empty(column: Any) -> bool:
    """Say whether no cell of a column of labels holds anything, as in a set on which others are to predict."""
    import pyarrow.compute as compute
    import pyarrow.types as types

    if types.is_floating(column.type):
        column = compute.if_else(compute.is_nan(column), None, column)
    return bool(column.null_count == len(column))


def labels_of(column: Any, name: str, begin: int, place: str) -> Array:
    """Return labels as numbers or text.

    Args:
        column: as pyarrow read it, plain or encoded by a dictionary.
        begin: the rows of the file before it, for messages.

    Raises:
        DataError: a cell is missing, or the column is of another type.
    """
    import pyarrow.types as types

    if types.is_dictionary(column.type):
        column = column.dictionary_decode()
    _refuse_missing(column, name, begin, place, 1)
    if _kind(column.type) == "text":
        texts = column.to_pylist()
        if max(map(len, texts), default=0) > LONGEST_LABEL:
            raise DataError(f"{place}: column {name}: a label is longer than {LONGEST_LABEL} characters")
        return np.array(texts, dtype=str)
    if _kind(column.type) != PIXELS:
        raise DataError(f"{place}: column {name} is {str(column.type)[:80]}: allowed for labels are numbers and texts")
    numbers: Array = column.to_numpy(zero_copy_only=False)
    if numbers.dtype.kind == "f" and not np.isfinite(numbers).all():
        i = int(np.argmin(np.isfinite(numbers)))
        raise DataError(f"{place}: row {begin + i + 1}, column {name}: {numbers[i]} is no label")
    return numbers.view(np.uint8) if numbers.dtype == bool else numbers


def pixels_of(columns: Sequence[Any], names: Sequence[str], begin: int, place: str) -> Array:
    """Return the pixels of some rows that have a column for each, shape (rows, pixels).

    Raises:
        DataError: a cell is missing.
    """
    for column, name in zip(columns, names, strict=True):
        _refuse_missing(column, name, begin, place, 1)
    arrays = [column.to_numpy(zero_copy_only=False) for column in columns]
    pixels = np.empty((len(columns[0]), len(columns)), np.result_type(*{array.dtype for array in arrays}))
    for j, array in enumerate(arrays):
        pixels[:, j] = array
    return pixels


def lists_of(columns: Sequence[Any], names: Sequence[str], begin: int, place: str) -> Array:
    """Return the images of some rows that are lists of numbers, or lists of lists.

    Raises:
        DataError: they are of several sizes, a cell is missing, or they hold something else.
    """
    import pyarrow.compute as compute
    import pyarrow.types as types

    (column,), (name,) = columns, names
    shape, rows = [len(column)], len(column)
    while _kind(column.type) == LISTS:
        _refuse_missing(column, name, begin, place, math.prod(shape[1:]))
        if types.is_fixed_size_list(column.type):
            width = column.type.list_size
        else:
            lengths = compute.list_value_length(column).to_numpy(zero_copy_only=False)
            width = int(lengths[0]) if len(lengths) else 0
            if (lengths != width).any():
                i = int(np.argmax(lengths != width))
                raise DataError(
                    f"{place}: row {begin + i // math.prod(shape[1:]) + 1}, column {name}: a list of {lengths[i]} "
                    f"where others have {width}"
                )
        shape.append(width)
        column = column.flatten()
    if _kind(column.type) != PIXELS:
        raise DataError(f"{place}: column {name} is lists of {str(column.type)[:80]}: allowed are lists of numbers")
    _refuse_missing(column, name, begin, place, math.prod(shape[1:]))
    values: Array = column.to_numpy(zero_copy_only=False)
    if math.prod(shape) != len(values) or not math.prod(shape[1:]):
        raise DataError(f"{place}: column {name}: rows {begin + 1} … {begin + rows} hold no pixels, or are damaged")
    return values.reshape(shape)


def _refuse_missing(column: Any, name: str, begin: int, place: str, each: int) -> None:
    """Refuse a column with a cell that is missing.

    Args:
        each: values of the column a row.

    Raises:
        DataError: there is one.
    """
    if column.null_count:
        i = int(np.argmax(column.is_null().to_numpy(zero_copy_only=False)))
        raise DataError(f"{place}: row {begin + i // max(1, each) + 1}, column {name}: a value is missing")
