"""Which form a text has, by its first lines: a table, ARFF or svmlight."""

import re
from collections.abc import Sequence
from pathlib import Path

from npdigits.base.errors import DataError

# A row, or one of an image without ink; of several at least one has a pixel.
SVMLIGHT = re.compile(rb"\s*[-+]?[\d.]+(e[-+]?\d+)?([ \t]+\d+:[-+.\deE]+)*\s*(#.*)?$")
ARFF = re.compile(rb"\s*@relation\b", re.IGNORECASE)


def form_of_text(path: Path, first: bytes) -> str:
    """Return the form of a text.

    Args:
        path: of the file, for messages.
        first: its first bytes, unpacked.

    Raises:
        DataError: it is no text, or none with a table in it.
    """
    if first.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "table"  # of a spreadsheet, in UTF-16
    if b"\0" in first:
        raise DataError(f"{path}: of no form that is known here; conf/README.md lists them")
    first = first.removeprefix(b"\xef\xbb\xbf")
    if first.lstrip().startswith((b"{", b"[")):
        raise DataError(f"{path}: JSON, which is not read: save a CSV, npz or parquet file")
    lines = [line for line in first.splitlines() if line.strip()]
    meant = [line for line in lines if not line.lstrip().startswith(b"%")]
    if meant and ARFF.match(meant[0]):
        return "arff"
    # Comments of svmlight, R and Excel; np.savetxt's may be the names, and longer than what was read.
    rows = [line for line in meant if not line.lstrip().startswith(b"#")]
    if rows and _is_svmlight(rows):
        return "svmlight"
    if meant and (_is_table(rows) or _is_table(meant)):
        return "table"
    raise DataError(f"{path}: a text that is no table of numbers; conf/README.md lists the forms that are read")


def _is_svmlight(lines: Sequence[bytes]) -> bool:
    """Say whether lines of text are rows of svmlight's form; the last one may be torn where reading ended."""
    rows = lines[:-1][:5]
    if len(lines) == 1:
        rows = lines if SVMLIGHT.match(lines[0]) else [lines[0].rpartition(b" ")[0]]
    return all(map(SVMLIGHT.match, rows)) and any(b":" in row.partition(b"#")[0] for row in rows)


def _is_table(lines: Sequence[bytes]) -> bool:
    """Say whether lines of text are a table: numbers in a line of several cells, which may be the first or the next."""
    if not lines:
        return False
    for line in lines[:2]:
        cells = [cell.strip(b" \"'\r") for cell in re.split(rb"[,;\t]|(?<=\S) +(?=\S)", line)]
        numbers = sum(bool(re.fullmatch(rb"[-+]?\d*[.,]?\d+(e[-+]?\d+)?|nan|", cell.lower())) for cell in cells)
        if len(cells) >= 3 and numbers >= 0.8 * len(cells):
            return True
    head = re.split(rb"[,;\t ]", lines[0])
    return len(lines) == 1 and len(head) > 16  # a head alone, longer than what was read
