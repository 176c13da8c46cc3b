"""Which column of a table holds the labels, and which are pixels: by names where there are some, else by content."""

import difflib
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from npdigits.base.errors import ConfigError, DataError
from npdigits.base.text import printable
from npdigits.forms.array_names import read_name
from npdigits.forms.found import Wanted
from npdigits.forms.numbered import NAME, PUT_IN_ORDER, number_order, refuse_gaps
from npdigits.forms.one_hot import one_hot_columns
from npdigits.forms.sheet import Sheet, has_commas, is_number

LABELS = ("label", "labels", "class", "target", "digit", "y", "category", "classes", "targets", "digits")
# Columns that number the rows, or name where they came from. pandas calls a column without a name "Unnamed: 0".
BESIDE = re.compile(
    r"|id|index|idx|unnamed: \d+|(image|img|row|sample)[ _-]?(id|index|idx|no|number|name)?|"
    r"level_0|file[ _-]?name|file|path|usage|split|set|subset|part",
    re.IGNORECASE,
)
# Of these, columns that may say of each row which part of the set it belongs to.
DIVIDES = re.compile(r"usage|split|set|subset|part", re.IGNORECASE)
# A column that counts the rows is one of this many at least: two labels may happen to be 0 and 1.
COUNTED = 12


@dataclass(frozen=True)
class Layout:
    """What a table's columns are.

    Attributes:
        width: all columns.
        label: the number of the label's column, from 0, or None.
        pixels: the numbers of the pixels' columns, in the order of the pixels; where either the first or the last is
            the label, both are here.
        division: the number of the column that says which part of the set a row belongs to, or None.
        either: whether the first or the last column is the label, which the whole table is to tell.
        one_hot: the numbers of the columns of which each is a class, where there are such.
        called: the label's column, for people.
        notes: what is left out, each a line.
    """

    width: int
    label: int | None
    pixels: tuple[int, ...]
    division: int | None = None
    either: bool = False
    one_hot: tuple[int, ...] = ()
    called: str = "no labels"
    notes: tuple[str, ...] = ()

    @property
    def numbers(self) -> tuple[int, ...]:
        """The columns that are read as numbers, in order: those of the pixels, then one for each class."""
        return (*self.pixels, *self.one_hot)


def layout_of(sheet: Sheet, wanted: Wanted, place: str) -> Layout:
    """Return what a table's columns are.

    Raises:
        ConfigError: the column that is wanted is not there.
        DataError: which one is the label cannot be told, or there are no pixels.
    """
    label = _wanted_column(sheet, wanted, place)
    if label is None:
        label = _named_label(sheet, place)
    beside = _columns_beside(sheet, label)
    rest = tuple(i for i in range(sheet.width) if i != label and i not in beside)
    division = _division(sheet, beside)
    left = [i for i in beside if i != division]
    notes = (f"columns left out: {_listed(sheet, left)}",) if left else ()
    layout = Layout(sheet.width, label, rest, division, notes=notes)
    if label is None:
        layout = _by_content(layout, sheet, wanted, place)
    if len(layout.pixels) < 2 + layout.either:
        raise DataError(f"{place}: no columns of pixels: {_listed(sheet, range(sheet.width))}")
    if layout.label is not None:
        layout = replace(layout, called=column_name(sheet, layout.label))
    return _by_number(layout, sheet, wanted, place)


def names_of(sheet: Sheet, columns: Sequence[int]) -> tuple[str, ...]:
    """Return the names of some columns; () where columns have none."""
    return tuple(_plain(sheet.names[i]) for i in columns) if sheet.names else ()


def column_name(sheet: Sheet, column: int) -> str:
    """Return a column for people: its name, or its number, the first being 1."""
    if sheet.names and sheet.names[column]:
        return f"column {printable(sheet.names[column])}"
    if column in (0, sheet.width - 1):
        return f"the {'last' if column else 'first'} column"
    return f"column {column + 1}"


def undecided(sheet: Sheet, place: str) -> DataError:
    """Return the error that it cannot be told which column is the label."""
    ends = [sheet.names[i] or str(i + 1) for i in (0, -1)] if sheet.names else ["1", str(sheet.width)]
    return DataError(
        f"{place}: which of {sheet.width:,} columns is the label cannot be told: say it, for example "
        f"data.label_column={printable(ends[0])} (the first) or data.label_column={printable(ends[1])} (the last); "
        "if there is none, say the images' size, for example data.shape=[28,28]"
    )


def _wanted_column(sheet: Sheet, wanted: Wanted, place: str) -> int | None:
    """Return the column that the user names.

    Raises:
        ConfigError: there is none of this name or number.
    """
    if wanted.label_column is None:
        return None
    name = str(wanted.label_column).strip()
    names = [_plain(given) for given in sheet.names]
    for compared in (name, name.lower()):
        same = [i for i, given in enumerate(names) if compared in (given, given.lower())]
        if len(same) == 1:
            return same[0]
    if re.fullmatch(r"-?\d+", name) and 1 <= int(name) <= sheet.width:
        return int(name) - 1
    near = difflib.get_close_matches(name.lower(), [given.lower() for given in names], 1)
    meant = f"; did you mean {printable(near[0])}?" if near else ""
    held = _listed(sheet, range(sheet.width)) if sheet.names else f"columns 1 … {sheet.width:,}, without names"
    raise ConfigError(
        f"data.label_column={printable(name)}: {place} has no such column{meant} It has {held}"
        if meant
        else f"data.label_column={printable(name)}: {place} has no such column: it has {held}"
    )


def _named_label(sheet: Sheet, place: str) -> int | None:
    """Return the column that is called as labels are.

    Raises:
        DataError: there are several.
    """
    names = [_plain(name).lower() for name in sheet.names]
    called = [i for i, name in enumerate(names) if name in LABELS]
    if len(called) > 1:
        raise DataError(
            f"{place}: several columns could be the label: {_listed(sheet, called)}: say which, for example "
            f"data.label_column={printable(_plain(sheet.names[called[0]]))}"
        )
    return called[0] if called else None


def _division(sheet: Sheet, beside: Sequence[int]) -> int | None:
    """Return the column beside the pixels that names a part of the set in each row; None: there is none, or several."""
    can = [
        i
        for i in beside
        if sheet.names
        and DIVIDES.fullmatch(_plain(sheet.names[i]))
        and all(read_name(row[i]).part for row in sheet.sample)
    ]
    return can[0] if len(can) == 1 else None


def _columns_beside(sheet: Sheet, label: int | None) -> list[int]:
    """Return the columns that are neither pixels nor label: those that count, name or are empty, and strange ones."""
    beside = set()
    names = [_plain(name) for name in sheet.names]
    stems = Counter(match[1] for name in names if (match := NAME.fullmatch(name)))
    stem, count = stems.most_common(1)[0] if stems else ("", 0)
    patterned = count >= max(4, 0.8 * len(names))
    for i in range(sheet.width):
        if i == label:
            continue
        cells = [row[i] for row in sheet.sample]
        if names and (BESIDE.fullmatch(names[i]) or (cells and not any(cells))):
            beside.add(i)
        elif label is not None and patterned:
            match = NAME.fullmatch(names[i])
            if match is None or match[1] != stem:
                beside.add(i)
        elif not names and _is_counter(cells):
            beside.add(i)
        elif cells and not any(cells) and i == sheet.width - 1:
            beside.add(i)  # a delimiter at the end of each line
    return sorted(beside)


def _by_content(layout: Layout, sheet: Sheet, wanted: Wanted, place: str) -> Layout:
    """Return a layout with the label's column found by what the columns hold, or by how many there are.

    Raises:
        DataError: it cannot be told.
    """
    texts = [i for i in layout.pixels if sum(map(_is_text, (row[i] for row in sheet.sample))) * 2 > len(sheet.sample)]
    if len(texts) == 1 and (len(sheet.sample) < COUNTED or _repeats(sheet, texts[0])):
        return _with_label(layout, texts[0])
    classes = one_hot_columns(sheet, layout.pixels, lambda pixels: _fits(pixels, wanted))
    if len(texts) > 1 and not classes:
        raise DataError(
            f"{place}: text in several columns: {_listed(sheet, texts)}: name the label's, for example "
            f"data.label_column={texts[0] + 1}"
        )
    odd = _not_named_as_pixels(sheet, layout.pixels)
    if odd is not None:
        return _with_label(layout, odd)
    count = len(layout.pixels)
    if _fits(count, wanted):
        return layout
    if _fits(count - 1, wanted):
        return replace(layout, either=True)
    classes = one_hot_columns(sheet, layout.pixels, lambda pixels: _fits(pixels, wanted))
    if classes:
        rest = tuple(i for i in layout.pixels if i not in classes)
        called = (
            f"the {'first' if classes[0] < rest[0] else 'last'} {len(classes)} columns, one for each class (one-hot)"
        )
        return replace(layout, pixels=rest, one_hot=classes, called=called)
    refuse_gaps(names_of(sheet, layout.pixels), place)
    raise undecided(sheet, place)


def _by_number(layout: Layout, sheet: Sheet, wanted: Wanted, place: str) -> Layout:
    """Return a layout with the pixels in the order of the numbers in their names, where these have some.

    Raises:
        DataError: a number is there twice, or is missing.
    """
    names = names_of(sheet, layout.pixels)
    order = number_order(names, place, lambda n: _fits(n - layout.either, wanted), names_of(sheet, range(sheet.width)))
    if order is None:
        return layout
    return replace(layout, pixels=tuple(layout.pixels[i] for i in order), notes=(*layout.notes, PUT_IN_ORDER))


def _with_label(layout: Layout, column: int) -> Layout:
    return replace(layout, label=column, pixels=tuple(i for i in layout.pixels if i != column))


def _not_named_as_pixels(sheet: Sheet, columns: Sequence[int]) -> int | None:
    """Return the only column whose name differs from pixel17 and its like; None: there is none, or several."""
    stems = {i: match[1] if (match := NAME.fullmatch(_plain(sheet.names[i]))) else None for i in columns if sheet.names}
    common = Counter(stems.values()).most_common(1)
    if not common or common[0][0] is None:
        return None
    odd = [i for i, stem in stems.items() if stem != common[0][0]]
    return odd[0] if len(odd) == 1 else None


def _fits(pixels: int, wanted: Wanted) -> bool:
    """Say whether so many pixels are an image of the wanted size, or a square one."""
    if wanted.shape is not None:
        return pixels == math.prod(wanted.shape)
    return pixels > 3 and math.isqrt(pixels) ** 2 == pixels


def _is_counter(cells: Sequence[str]) -> bool:
    """Say whether cells number the rows."""
    if len(cells) < COUNTED or not all(map(_whole, cells)):
        return False
    numbers = list(map(int, cells))
    return numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def _is_text(cell: str) -> bool:
    return not is_number(cell) and not has_commas(cell)


def _repeats(sheet: Sheet, column: int) -> bool:
    return len({row[column] for row in sheet.sample}) < len(sheet.sample)


def _whole(cell: str) -> bool:
    return re.fullmatch(r"-?\d{1,18}", cell) is not None


def _plain(name: str) -> str:
    return name.strip().strip("\"'").strip()


def _listed(sheet: Sheet, columns: Sequence[int]) -> str:
    """Return columns for people: all of a few, the first and the last of many."""
    names = [column_name(sheet, i) for i in columns]
    return ", ".join(names) if len(names) <= 6 else ", ".join([*names[:3], "…", names[-1]])
