"""metrics.csv, read on from where it was read to: whole lines only, so that one that is being written waits."""

import csv
from collections.abc import Iterator

from npdigits.live.folder import Mark, Opened
from npdigits.runs.metrics import LONGEST_LINE, MOST_BYTES, check_names, row_of

FILE = "metrics.csv"
# Bytes that are read at once: the rows of 1,500 epochs. Of a longer table the rest is read at the next look.
AT_ONCE = 256 << 10


class Tail:
    """A table that grows. One that was replaced or cut, as by a run that goes on from a checkpoint, is read anew.

    Attributes:
        rows: how many rows were read.
        behind: whether there is more than was read.
        trouble: in which row it is no table that a run writes, and why; the rows before it stand. "" where it is one.
    """

    def __init__(self) -> None:
        self._mark: Mark | None = None
        self._begin()

    def _begin(self) -> None:
        self._place, self._names, self.rows, self.behind = 0, list[str](), 0, False
        self.trouble = ""

    def more(self, opened: Opened) -> tuple[bool, list[dict[str, float]]]:
        """Return whether the table begins anew, and the rows that came since.

        Raises:
            OSError, ValueError: it cannot be read, or is no file.
        """
        mark = opened.mark(FILE)
        if mark == self._mark and not self.behind:
            return False, []
        anew = self.trouble != "" or self._is_other(mark)
        goes_on = self._place > 0 and not anew and not self.behind
        if anew:
            self._begin()
        self._mark = mark
        if mark is None:
            return anew, []
        rows = self._read(opened, mark.size)
        if goes_on and self.trouble:  # one that was cut and has grown since is no shorter than it was: it is read anew
            self._begin()
            self._mark = mark
            return True, self._read(opened, mark.size)
        return anew, rows

    def _is_other(self, mark: Mark | None) -> bool:
        """Say whether the table is another one than that which was read, or shorter."""
        before = self._mark
        return before is not None and (mark is None or mark.inode != before.inode or mark.size < before.size)

    def _read(self, opened: Opened, size: int) -> list[dict[str, float]]:
        """Return the rows up to what no run writes, which ``trouble`` then names."""
        rows: list[dict[str, float]] = []
        try:
            if size > MOST_BYTES:
                raise ValueError(f"{size:,} bytes: allowed are at most {MOST_BYTES:,}")
            content = opened.read(FILE, AT_ONCE, self._place, cut=True)
            whole = content[: content.rfind(b"\n") + 1]
            if not whole and len(content) > LONGEST_LINE:
                raise ValueError(f"row {self.rows + 1} is longer than {LONGEST_LINE:,} characters")
            for row in self._parse(whole):
                rows.append(row)
                self.rows += 1
            self._place += len(whole)
            self.behind = len(content) == AT_ONCE
        except (ValueError, csv.Error) as error:
            self.trouble, self.behind = f"{FILE}: damaged: {error}", False
        return rows

    def _parse(self, whole: bytes) -> Iterator[dict[str, float]]:
        """Yield the rows of whole lines.

        Raises:
            ValueError, csv.Error: no run writes the next one.
        """
        for cells in csv.reader(map(self._decoded, whole.splitlines())):
            if not self._names:
                check_names(cells)
                self._names = cells
                continue
            yield row_of(cells, self._names, self.rows + 1)

    def _decoded(self, line: bytes) -> str:
        try:
            return line.decode("utf-8")
        except UnicodeDecodeError as error:
            where = f"row {self.rows + 1}" if self._names else "the first line"
            raise ValueError(f"{where}: byte 0x{line[error.start]:02x} is no text") from error
