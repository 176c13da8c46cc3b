"""ARFF, the format of Weka and OpenML (``mnist_784``): attributes are declared, then come rows as in a CSV.

A nominal attribute's values become the labels as they are written: numbers where all are such, else text. Rows may be
sparse: ``{130 84, 131 185, 784 5}`` names the values that are not zero.

scipy.io.arff reads no sparse rows; dense ones take it seven times as long (0.8 s for 5,000 digits), as it reads each
cell by a function of Python, and eight times the memory. So the head is read here, and the rows as every table's.

Source: Weka, Attribute-Relation File Format (stable version): https://waikato.github.io/weka-wiki/formats_and_processing/arff_stable/
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from npdigits.base.errors import DataError
from npdigits.base.text import printable
from npdigits.forms.columns import DIVIDES, LABELS
from npdigits.forms.found import Found, Part, Wanted
from npdigits.forms.packed import Member, members, one_member
from npdigits.forms.sheet import MOST_BLANK, SAMPLE, Sheet, is_number
from npdigits.forms.text_lines import Lines, lines_of, repaired
from npdigits.forms.text_table import read_sheet

ATTRIBUTE = re.compile(r"""\s*@attribute\s+('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\s{]+)\s*(.*)""", re.IGNORECASE)
NUMERIC = ("numeric", "real", "integer")
NOMINAL_VALUE = re.compile(r"""\s*('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^,]*)\s*(?:,|$)""")
SPARSE_VALUE = re.compile(r"""\s*(\d{1,9})\s+('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^,\s]+)\s*(?:,|$)""")
# An attribute a pixel: more of them are no image, and a head that never ends.
MOST_ATTRIBUTES = 1 << 20
COMMENT = "%"


@dataclass(frozen=True)
class Attribute:
    """A declared column.

    Attributes:
        name: of it.
        values: those that are allowed of a nominal one; None of numbers and text.
        numeric: whether it holds numbers.
    """

    name: str
    values: tuple[str, ...] | None
    numeric: bool


def read(files: Sequence[Path], wanted: Wanted, place: Path) -> Found:
    """Return the rows of an ARFF file.

    Raises:
        DataError: it cannot be read, is damaged, or holds no images.
        ConfigError: the column that is wanted is not there.
    """
    (path,) = files
    member = one_member(path, members(path))
    attributes, first, below = _head_of(member)
    if wanted.label_column is None:
        wanted = replace(wanted, label_column=_nominal_label(attributes, member.name))
    lines = _doubled(below)
    sample = list(filter(_is_row, lines))
    sparse = sample[0].lstrip().startswith("{")
    plain = _sheet(attributes, first, sample, sparse)
    if sparse:
        sample = list(filter(None, _dense(lines, first + 1, attributes, member.name)))
    sheet = replace(plain, sample=tuple(tuple(row) for row in map(plain.cells, sample) if len(row) == plain.width))

    def rows() -> Iterator[Lines]:
        for batch in lines_of(member):
            skipped = max(0, first + 1 - batch.first)
            lines = _doubled(batch.lines[skipped:])
            if sparse:
                lines = _dense(lines, batch.first + skipped, attributes, member.name)
            yield Lines(batch.first, [*batch.lines[:skipped], *lines])

    found = read_sheet(member, sheet, wanted, "ARFF, sparse" if sparse else "ARFF", rows())
    for part in found.parts.values():
        _refuse_undeclared(part, attributes, found.label)
    return found


def _doubled(lines: Sequence[str]) -> list[str]:
    """Return rows with doubled quotes for those with a backslash, as other tables have them."""
    if not any("\\" in line for line in lines):
        return list(lines)
    return [line.replace("\\'", "''").replace('\\"', '""') for line in lines]


def _refuse_undeclared(part: Part, attributes: Sequence[Attribute], label: str) -> None:
    """Raise an error where a label is none of those that its attribute declares.

    Raises:
        DataError: there is one.
    """
    declared = next((a.values for a in attributes if label == f"column {printable(a.name)}"), None)
    if declared is None or part.labels is None:
        return
    allowed = set(declared) if part.labels.dtype.kind == "U" else {float(v) for v in declared if is_number(v)}
    for value in np.unique(part.labels).tolist():
        if value not in allowed:
            row = int(np.flatnonzero(part.labels == value)[0])
            raise DataError(f"{part.name_of(row)}, {label}: {printable(str(value))} is none of the values declared")


def _head_of(member: Member) -> tuple[list[Attribute], int, list[str]]:
    """Return the attributes, the number of the line with @data, and the lines after it, of which one is a row.

    Raises:
        DataError: there are none.
    """
    attributes: list[Attribute] = []
    data, below = 0, []
    for batch in lines_of(member):
        for number, line in enumerate(batch.lines, batch.first):
            word = line.split(None, 1)[0].lower() if line.strip() else ""
            if data:
                below.append(line)
            elif word == "@attribute":
                attributes.append(_attribute_of(line, f"{member.name}: row {number}"))
            elif word == "@data":
                data = number
        if len(attributes) > MOST_ATTRIBUTES or len(below) > MOST_BLANK:
            break
        first = next((i for i, line in enumerate(below) if _is_row(line)), None)
        if attributes and first is not None:
            return attributes, data, below[: first + SAMPLE]
    if not attributes:
        raise DataError(f"{member.name}: no @attribute")
    if not data:
        raise DataError(f"{member.name}: no @data after {len(attributes):,} attributes")
    raise DataError(f"{member.name}: no rows below @data")


def _is_row(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith(COMMENT)


def _attribute_of(line: str, where: str) -> Attribute:
    """Return what a line declares.

    Raises:
        DataError: it cannot be read, or declares what holds no pixels and no labels.
    """
    match = ATTRIBUTE.match(line)
    if match is None:
        raise DataError(f"{where}: no attribute: {printable(line[:60])}")
    name, kind = _bare(repaired(match[1])), repaired(match[2]).strip()
    if kind.startswith("{"):
        values = [_bare(found[1].strip()) for found in NOMINAL_VALUE.finditer(kind[1 : kind.rfind("}")])]
        return Attribute(name, tuple(value for value in values if value), False)
    first = kind.split(None, 1)[0].lower() if kind else ""
    if first in NUMERIC:
        return Attribute(name, None, True)
    if first in ("string", "date"):
        return Attribute(name, None, False)
    raise DataError(
        f"{where}: attribute {printable(name)}: allowed are numeric, real, integer, string and {{…}}, "
        f"not {printable(kind[:40]) or 'nothing'}"
    )


def _nominal_label(attributes: Sequence[Attribute], place: str) -> str | None:
    """Return the attribute that holds the labels: the only nominal one, or the one that is called so.

    Weka's own files have the class last.

    Raises:
        DataError: several could be.
    """
    named = [a.name for a in attributes if a.name.lower() in LABELS]
    if len(named) == 1:
        return named[0]
    nominal = [a.name for a in attributes if a.values is not None and not DIVIDES.fullmatch(a.name)]
    if len(nominal) > 1 and len(nominal) < len(attributes):
        raise DataError(
            f"{place}: several nominal attributes could be the label: {', '.join(map(printable, nominal[:4]))}: say "
            f"which, for example data.label_column={printable(nominal[-1])}"
        )
    return nominal[0] if len(nominal) == 1 else None


def _sheet(attributes: Sequence[Attribute], first: int, sample: Sequence[str], sparse: bool) -> Sheet:
    """Return how the rows are written, all but their first cells."""
    quote = next((quote for quote in "'\"" if any(quote in line for line in sample)), None)
    delimiter = "\t" if not sparse and "\t" in sample[0] and "," not in sample[0] else ","
    names = tuple(attribute.name for attribute in attributes)
    per_row = sum(map(len, sample)) / len(sample) + 1
    return Sheet(delimiter, quote, False, names, first, len(names), (), per_row, COMMENT)


def _dense(lines: Sequence[str], first: int, attributes: Sequence[Attribute], place: str) -> list[str]:
    """Return sparse rows as dense ones: what is not named is 0, or a nominal attribute's first value.

    Raises:
        DataError: a row is no such.
    """
    zeros = [attribute.values[0] if attribute.values else "0" for attribute in attributes]
    dense = []
    for number, line in enumerate(lines, first):
        if not _is_row(line):
            dense.append("")
            continue
        text = line.strip()
        cells, body, at = list(zeros), text[1:-1].strip(), 0
        while at < len(body) and (match := SPARSE_VALUE.match(body, at)) and int(match[1]) < len(cells):
            cells[int(match[1])], at = match[2], match.end()
        if at < len(body) or text[0] != "{" or text[-1] != "}":
            rest = printable(repaired(body[at : at + 30]))
            raise DataError(f"{place}: row {number}: no sparse row of {len(cells):,} attributes: {rest}")
        dense.append(",".join(cells))
    return dense


def _bare(text: str) -> str:
    """Return a name without its quotes."""
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text
