"""How a text table is written: what stands between its cells, whether names stand above them, where the rows begin."""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from npdigits.base.errors import DataError
from npdigits.forms.packed import Member
from npdigits.forms.text_lines import lines_of, repaired

# Tried in this order: a comma may be a decimal sign where cells are divided by one of those before it.
DELIMITERS = ("\t", ";", "|", ",")
NAMES_OF_DELIMITERS = {
    "\t": "TSV",
    ";": "CSV with semicolons",
    "|": "table with |",
    ",": "CSV",
    None: "table with spaces",
}
NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*")
# A number with commas, and one whose commas may divide thousands.
WITH_COMMAS = re.compile(r"(?<![\d.,])[-+]?\d*(?:,\d+)+(?![\d.])")
THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}(,\d{3})+")
GAP = re.compile(r"(?<=\d)[ ]+(?=[-+\d])")
# Between white space, as R's write.table writes texts.
QUOTED_OR_NOT = re.compile(r'"[^"]*"|\S+')
SEPARATOR = re.compile(r"\s*\"?sep=.\"?\s*", re.IGNORECASE)
# So many rows tell how a table is written.
SAMPLE = 200
# So many texts that differ are names of rows; two labels may differ by chance.
SEVERAL = 12
# After so many lines no more is read to find three that are not blank.
MOST_BLANK = 100_000


class NoTable(DataError):
    """A text that is no table."""


@dataclass(frozen=True)
class Sheet:
    """How a text table is written.

    Attributes:
        delimiter: what divides cells; None: white space.
        quote: what cells may stand in, or None.
        decimal_comma: whether 0,5 is a half.
        names: of the columns, or none.
        first: number of the line that the rows begin after.
        width: columns.
        sample: cells of the first rows.
        per_row: characters of a row on average.
        comment: what lines begin with that are no rows; None: there are no such.
        notes: what is unusual, each a line.
    """

    delimiter: str | None
    quote: str | None
    decimal_comma: bool
    names: tuple[str, ...]
    first: int
    width: int
    sample: tuple[tuple[str, ...], ...]
    per_row: float
    comment: str | None = None
    notes: tuple[str, ...] = ()

    def cells(self, line: str) -> list[str]:
        """Return the cells of a line.

        Raises:
            csv.Error: there is a cell that no reader would take.
        """
        line = self.plain(line)
        if self.delimiter is None:
            return [text.strip('"') for text in QUOTED_OR_NOT.findall(line)] if self.quote else line.split()
        reader = csv.reader(
            [line],
            delimiter=self.delimiter,
            quotechar=self.quote or '"',
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
        )
        return [cell.strip() for cell in next(reader, [])]

    def plain(self, text: str) -> str:
        """Return lines with points for decimal commas, and with quotes that begin a cell."""
        if self.quote and self.delimiter:
            text = text.replace(f"{self.delimiter} {self.quote}", f"{self.delimiter}{self.quote}")
        if not self.decimal_comma:
            return text
        return text.replace(",", ".")


def sheet_of(member: Member) -> Sheet:
    """Return how a table is written, by its first lines.

    Raises:
        NoTable: it has no rows, or is something else.
        DataError: it cannot be read.
    """
    lines: list[str] = []
    for found in lines_of(member):
        lines += found.lines
        if sum(bool(line.strip()) for line in lines[:100]) > 2 or len(lines) > MOST_BLANK:
            break
    first, heads = _begin(lines)
    body = [line for line in lines[first:] if line.strip()][: SAMPLE + 1]
    if not body:
        raise NoTable(f"{member.name}: no rows")
    delimiter = _delimiter_of(body[1:] or body)
    quote = '"' if any('"' in line for line in body) else None
    comma = _has_decimal_commas(body[1:], delimiter)
    plain = Sheet(delimiter, quote, comma, (), first, 0, (), 0.0)
    try:
        table = [[repaired(cell) for cell in plain.cells(line)] for line in body]
        headings = [[repaired(cell) for cell in plain.cells(line)] for line in heads]
    except csv.Error as error:
        raise NoTable(f"{member.name}: no table of numbers: {error}") from error
    names, notes = _names_in(table)
    if names:
        first += 1 + next(i for i, line in enumerate(lines[first:]) if line.strip())
        table, body = table[1:], body[1:]
    if not table:
        raise NoTable(f"{member.name}: no rows below the names of the columns")
    width = Counter(map(len, table)).most_common(1)[0][0]
    if not names:  # np.savetxt writes names as a comment
        names = next((tuple(cells) for cells in headings if len(cells) == width), ())
    if names and len(names) == width - 1:
        names = _with_one_more(names, [row for row in table if len(row) == width], body)
    if names and len(names) != width:
        raise NoTable(f"{member.name}: {len(names):,} names above {width:,} columns")
    per_row = sum(map(len, body)) / len(body) + 1
    sample = tuple(tuple(row) for row in table if len(row) == width)
    return Sheet(delimiter, quote, comma, names, first, width, sample, per_row, notes=notes)


def is_number(cell: str) -> bool:
    """Say whether a cell is a number; the words for infinity and for no number are none."""
    return NUMBER.fullmatch(cell) is not None


def has_commas(cell: str) -> bool:
    """Say whether a cell is a number but for commas in it."""
    return WITH_COMMAS.fullmatch(cell.strip()) is not None


def _begin(lines: Sequence[str]) -> tuple[int, list[str]]:
    """Return how many lines stand before a table, and those of them that may hold names.

    Excel takes a first line "sep=;" for the delimiter; np.savetxt writes a header as a comment.
    """
    heads, first = [], 0
    for line in lines:
        if line.lstrip().startswith("#"):
            heads.append(line.lstrip().lstrip("#").strip())
        elif line.strip() and not SEPARATOR.fullmatch(line):
            break
        first += 1
    return first, heads


def _delimiter_of(lines: Sequence[str]) -> str | None:
    """Return what divides the cells: what there is most of in most lines; white space where nothing else does."""
    for delimiter in DELIMITERS:
        counts = sorted(line.count(delimiter) for line in lines)
        if counts[len(counts) // 2] > 0:
            return None if delimiter == "," and 2 * sum(map(_has_spaces_between, lines)) > len(lines) else delimiter
    return None


def _has_spaces_between(line: str) -> bool:
    """Say whether spaces divide the numbers of a line, and its commas stand in these: 1 0 0,5 0,25."""
    gaps = len(GAP.findall(line))
    return gaps >= 2 and gaps >= line.count(",") - 1


def _has_decimal_commas(lines: Sequence[str], delimiter: str | None) -> bool:
    """Say whether commas in cells are decimal signs: there are some, no points, and they do not all divide thousands.

    Where commas divide the cells, one in quotes may be either: 1,000 must not become 1.
    """
    if delimiter == "," or any("." in line for line in lines):
        return False
    found = [number for line in lines for number in WITH_COMMAS.findall(line)]
    return not all(map(THOUSANDS.fullmatch, found))


def _names_in(table: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names in the first row, or none, and what is to be said of them."""
    head = table[0]
    if _are_values_made_names(head):
        return tuple(head), ("the first line is a row that was once taken for the columns' names: it is left out",)
    words = sum(bool(cell) and not is_number(cell) for cell in head)
    if 2 * words > len(head):
        return tuple(head), ()
    rest = head if head[0] else head[1:]
    if len(rest) > 8 and any(map(_count_in_some_order, (rest, rest[1:], rest[:-1]))):
        return tuple(head), ()  # pandas' names for columns without a name
    return (), ()


def _are_values_made_names(head: Sequence[str]) -> bool:
    """Say whether names are a row's values, of which pandas and R number those that are there already: 0, 0.1, 0.2.

    R puts an X before numbers: X0, X0.1, X0.2.
    """
    numbered = [cell.removeprefix("X") for cell in head if re.fullmatch(r"X?0\.\d+", cell)]
    return len(numbered) > 8 and numbered == [f"0.{i + 1}" for i in range(len(numbered))]


def _with_one_more(names: tuple[str, ...], table: Sequence[Sequence[str]], body: Sequence[str]) -> tuple[str, ...]:
    """Return names with one for the column that has none: R's names of rows, or what a delimiter at the end divides.

    R's write.table leaves out the name above the names of the rows, and puts these in quotes unless told otherwise.
    """
    if not any(row[-1] for row in table):
        return (*names, "")
    first = [row[0] for row in table]
    quoted = all(line.lstrip().startswith('"') for line in body)
    if _counts(first) or (len(set(first)) == len(first) and (quoted or len(first) >= SEVERAL)):
        return ("", *names)
    return names


def _count_in_some_order(cells: Sequence[str]) -> bool:
    """Say whether cells are the whole numbers from 0 or 1 on, each once, as of columns that were sorted by name."""
    if not all(re.fullmatch(r"\d{1,9}", cell) for cell in cells):
        return False
    numbers = sorted(map(int, cells))
    return numbers[0] in (0, 1) and numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def _counts(cells: Sequence[str]) -> bool:
    """Say whether cells are whole numbers that count up by one from 0 or 1."""
    if len(cells) < 2 or cells[0] not in ("0", "1"):
        return False
    return list(cells) == [str(int(cells[0]) + i) for i in range(len(cells))]
