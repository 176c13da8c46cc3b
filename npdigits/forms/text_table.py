"""Tables of digits as text: a row an image, a column a pixel, and most often a column of labels.

As Kaggle (``label,pixel0 …``), OpenML (``pixel1 …,class``), pandas, np.savetxt, R and spreadsheets write them: CSV,
TSV, semicolons or white space; in UTF-8, UTF-16 or Windows-1252; packed by gzip, bzip2, xz or zip.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import DataError
from npdigits.forms.cells import Table, read_rows
from npdigits.forms.columns import Layout, column_name, layout_of, names_of, undecided
from npdigits.forms.found import TRAIN, Found, Part, Wanted
from npdigits.forms.named_parts import divide
from npdigits.forms.one_hot import first_fault, labels_by
from npdigits.forms.packed import Member, members
from npdigits.forms.recognize import part_of
from npdigits.forms.rows import only_columns
from npdigits.forms.sheet import NAMES_OF_DELIMITERS, NoTable, Sheet, is_number, sheet_of
from npdigits.forms.text_lines import Lines, encoding_of, lines_of
from npdigits.forms.which_end import FIRST, which_end


def read(files: Sequence[Path], wanted: Wanted, place: Path) -> Found:
    """Return the rows of a table; of an archive the tables in it, of which one may be the test set.

    Raises:
        DataError: it cannot be read, is damaged or is no table of digits.
        ConfigError: the column that is wanted is not there.
    """
    (path,) = files
    held = members(path)
    return read_member(held[0], wanted) if len(held) == 1 else _read_several(path, held, wanted)


def read_member(member: Member, wanted: Wanted) -> Found:
    """Return what a table holds."""
    sheet = sheet_of(member)
    return read_sheet(member, sheet, wanted, NAMES_OF_DELIMITERS.get(sheet.delimiter, "table"))


def read_sheet(member: Member, sheet: Sheet, wanted: Wanted, form: str, lines: Iterable[Lines] | None = None) -> Found:
    """Return what a table holds whose form is known.

    Args:
        member: the file.
        sheet: how it is written.
        wanted: what the user says of it.
        form: its name.
        lines: of the file; None where they are taken as they are.
    """
    layout = layout_of(sheet, wanted, member.name)
    expected = expected_rows(member, sheet)
    table = read_rows(lines or lines_of(member), sheet, layout, expected, member.name)
    images, labels, called, notes = table.pixels, table.labels, layout.called, [*sheet.notes, *layout.notes]
    columns = layout.pixels
    if layout.either:
        images, labels, label = _without_label(table, sheet, layout, member.name)
        called, columns = column_name(sheet, label), tuple(column for column in columns if column != label)
        notes.append(f"{called} is the label by what the columns hold")
    elif layout.one_hot:
        images, labels = _without_classes(table, sheet, layout, member.name)
    if labels is None and layout.label is not None:
        notes.append(f"{called} is empty: no labels")
    parts = {TRAIN: Part(images, labels, _names(member.name, table))}
    if table.parts is not None:
        parts, note = divide(parts[TRAIN], table.parts, column_name(sheet, layout.division or 0))
        notes.append(note)
    return Found(form, parts, called, notes=tuple(notes), columns=names_of(sheet, columns))


def expected_rows(member: Member, sheet: Sheet) -> int:
    """Return about how many rows a file has, by its size and the first rows' length; of a packed one a few."""
    if member.size is None:
        return len(sheet.sample)
    with member.stream() as stream:
        letter = 2 if encoding_of(stream.read(4)) == "utf-16" else 1
    # A hundredth more, so that the array need not grow: rows have different lengths.
    return max(len(sheet.sample), int(1.01 * member.size / (letter * sheet.per_row)))


def _without_label(table: Table, sheet: Sheet, layout: Layout, place: str) -> tuple[Array, Array, int]:
    """Return images, labels and the number of the labels' column, where it is the first or the last one.

    Raises:
        DataError: it cannot be told which.
    """
    end = which_end(table.pixels)
    if end is None:
        raise undecided(sheet, place)
    column = 0 if end == FIRST else -1
    labels = table.pixels[:, column].astype(np.int64)  # whole numbers, as which_end found
    width = table.pixels.shape[1]
    images = only_columns(table.pixels, 1, width) if end == FIRST else only_columns(table.pixels, 0, width - 1)
    return images, labels, layout.pixels[column]


def _without_classes(table: Table, sheet: Sheet, layout: Layout, place: str) -> tuple[Array, Array]:
    """Return images and labels where the last columns that were read are one for each class.

    Raises:
        DataError: a row is of no class, or of several.
    """
    pixels = len(layout.pixels)
    classes = table.pixels[:, pixels:]
    if (row := first_fault(classes)) is not None:
        ends = f"{column_name(sheet, layout.one_hot[0])} to {column_name(sheet, layout.one_hot[-1])}"
        raise DataError(
            f"{place}: row {table.numbering.line_of(row)}: no label: {ends} hold zeros and one 1 in the rows before"
        )
    labels = labels_by(classes, names_of(sheet, layout.one_hot), names_of(sheet, layout.pixels))
    return only_columns(table.pixels, 0, pixels), labels


def _names(place: str, table: Table) -> Callable[[int], str]:
    return lambda row: f"{place}: row {table.numbering.line_of(row)}"


def _read_several(path: Path, held: Sequence[Member], wanted: Wanted) -> Found:
    """Return the tables in an archive: Kaggle's has train.csv, test.csv without labels and a sample submission.

    Raises:
        DataError: no name, or more than one, says which is the training set; or one cannot be read.
    """
    tables = [member for member in held if _is_table(member)]
    notes = [f"left out: {member.name}" for member in held if member not in tables]
    of = {member.name: part_of(_base(member)) for member in tables}
    if len(tables) == 1:
        of = {tables[0].name: TRAIN}
    if not tables or TRAIN not in of.values():
        raise DataError(f"{path}: {len(held)} files in it, of which none is called train: unpack it and name one")
    parts: dict[str, Part] = {}
    first: Found | None = None
    for member in sorted(tables, key=lambda member: of[member.name] != TRAIN):
        name = of[member.name]
        if name is None:
            notes.append(f"left out: {member.name}")
            continue
        if name in parts:
            raise DataError(f"{path}: holds several files for {name}: unpack it and name one, or the folder")
        # What names the label's column is said of the training set: others may have none.
        found = read_member(member, wanted if first is None else _without_missing_label(member, wanted))
        if len(found.parts) > 1:
            raise DataError(f"{member.name}: is divided into parts itself: unpack it and name it alone")
        parts[name] = found.parts[TRAIN]
        first = first or found
        notes += [note for note in found.notes if note not in notes]
    assert first is not None
    return replace(first, parts=parts, notes=tuple(notes))


def _is_table(member: Member) -> bool:
    """Say whether a file in an archive is a table of pixels: numbers in more columns than a submission has."""
    try:
        sheet = sheet_of(member)
    except NoTable:
        return False
    cells = [cell for row in sheet.sample for cell in row]
    return sheet.width > 3 and 2 * sum(map(is_number, cells)) > len(cells)


def _without_missing_label(member: Member, wanted: Wanted) -> Wanted:
    """Return what is wanted of a table that may have no column of labels, where the one that is named is not there."""
    names = [name.strip().lower() for name in sheet_of(member).names]
    named = str(wanted.label_column or "").lower()
    return replace(wanted, label_column=None) if named and not named.isdigit() and named not in names else wanted


def _base(member: Member) -> str:
    return member.name.rpartition("/")[2]
