"""The lines of a text file, read as a stream: some thousand characters at a time, whatever the file's size."""

import codecs
import io
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from npdigits.base.errors import DataError
from npdigits.forms.packed import Member

# So many characters are read at a time: np.loadtxt is as fast with more, and takes more memory.
AT_A_TIME = 1 << 20
# An image of 512 × 512 decimals with 18 places is a line of 6.5 million characters. A file that is one line of
# gigabytes would be held as a whole.
LONGEST = 16 << 20
BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


@dataclass(frozen=True)
class Lines:
    """Some lines in a row, without their ends.

    Attributes:
        first: number of the first one, as a person counts: the file's first line is 1.
        lines: their text.
    """

    first: int
    lines: list[str]


def encoding_of(first: bytes) -> str:
    """Return the encoding of a text, by its first bytes: UTF-8 where they do not say another."""
    return next((name for mark, name in BYTE_ORDER_MARKS.items() if first.startswith(mark)), "utf-8")


def lines_of(member: Member) -> Iterator[Lines]:
    """Yield the lines of a text, about a million characters at a time. Every kind of line end is taken: LF, CRLF, CR.

    Bytes that are no UTF-8 become halves of surrogates, which ``repaired`` makes into letters again.

    Raises:
        DataError: it cannot be read, is damaged, or has a line without end.
    """
    with member.stream() as stream:
        first = stream.peek(4)[:4] if isinstance(stream, io.BufferedReader) else b""
        text = io.TextIOWrapper(stream, encoding_of(first), errors="surrogateescape", newline=None)
        number, rest = 1, ""
        try:
            while more := text.read(AT_A_TIME):
                *lines, rest = (rest + more).split("\n")
                if lines:
                    yield Lines(number, lines)
                number += len(lines)
                if len(rest) > LONGEST:
                    raise DataError(f"{member.name}: row {number}: a line of more than {LONGEST:,} characters")
        except UnicodeError as error:
            raise DataError(f"{member.name}: damaged after row {number}: no text in {text.encoding}") from error
        if rest:
            yield Lines(number, [rest])


def repaired(text: str) -> str:
    """Return text of a file that is not in UTF-8: its bytes as letters of Windows-1252, which Western Europe had."""
    if text.isascii() or not any("\udc80" <= letter <= "\udcff" for letter in text):
        return text
    return text.encode("utf-8", "surrogateescape").decode("cp1252", "replace")


class Numbering:
    """Which line of the file each row came from. Lines without a row, blank ones and comments, are the exception."""

    def __init__(self) -> None:
        self._rows, self._lines = array("q"), array("q")

    def note(self, row: int, line: int) -> None:
        """Note that a row, the first being 0, came from this line; the rows after it come from the lines after it."""
        if not self._rows or line - self._lines[-1] != row - self._rows[-1]:
            self._rows.append(row)
            self._lines.append(line)

    def line_of(self, row: int) -> int:
        """Return the line of a row."""
        known = max(0, bisect_right(self._rows, row) - 1)
        return self._lines[known] + row - self._rows[known]
