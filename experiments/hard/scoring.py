"""What a run reads in hard pictures, by the program that people use; tables of that, and before beside after."""

import csv
import io
import math
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist

from hard.making import Shown
from npdigits.base.errors import UserError
from npdigits.base.spreadsheet import csv_table

# A wrong reading above this probability was believed.
SURE = 0.9
# The bound of the net loss is one-sided, with this confidence.
CONFIDENCE = 0.95
HEAD = ("run", "kind", "number", "label", "digit", "probability", "refused", "not_sure")


@dataclass(frozen=True)
class Read:
    """What came of one picture; ``label`` is "" where refusing it is right, ``digit`` where it was refused.

    A digit that is marked as not sure is shown all the same, so it can be right; what is no digit is right if marked.
    """

    run: str
    kind: str
    number: int
    label: str
    digit: str
    probability: float
    refused: str
    not_sure: str = ""

    @property
    def key(self) -> tuple[str, str, int]:
        return self.run, self.kind, self.number

    @property
    def right(self) -> bool:
        return self.digit == self.label or (not self.label and bool(self.not_sure))

    @property
    def wrong(self) -> bool:
        """Whether something was read that is not there, and not marked; a refused digit is neither right nor wrong."""
        return bool(self.digit) and not self.right and not self.not_sure


def read_by(code: Path, run: Path, files: Mapping[Path, Shown], more: Sequence[str]) -> list[Read]:
    """Return what ``npdigits-predict`` of the code in a folder reads in pictures.

    Args:
        code: the folder that has the package ``npdigits`` in it.
        run: the run directory.
        files: the pictures, and what is on them; nothing else is in their folders.
        more: options of npdigits-predict.

    Raises:
        UserError: it failed.
    """
    folders = sorted({str(file.parent) for file in files})
    # -P: the folder in which this is called may have another npdigits in it.
    command = [sys.executable, "-P", "-m", "npdigits.predict", str(run), *folders, "--csv", "-", *more]
    there = os.environ | {"PYTHONPATH": str(code)}
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False, env=there)
    rows = {Path(row["file"]).name: row for row in csv.DictReader(io.StringIO(done.stdout))}
    if missing := [file.name for file in files if file.name not in rows]:
        raise UserError(
            f"{code}: says nothing of {len(missing)} pictures, as {missing[0]}: {done.stderr.strip()[-500:]}"
        )
    result = []
    for file, (kind, number, label) in files.items():
        row = rows[file.name]
        refused = row["skipped"] or ""
        digit, p = ("", 0.0) if refused else (row["digit"], float(row["probability"]))
        # Code of before knows no doubt.
        result.append(Read(run.name, kind, number, label, digit, p, refused, row.get("not_sure", "")))
    return result


def as_csv(reads: Sequence[Read]) -> str:
    """Return a line a picture."""
    return csv_table(HEAD, [[getattr(read, name) for name in HEAD] for read in reads])


def from_csv(path: Path) -> list[Read]:
    """Read what ``as_csv`` has written.

    Raises:
        UserError: it is no such file.
    """
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
        return [
            Read(
                row["run"],
                row["kind"],
                int(row["number"]),
                row["label"],
                row["digit"],
                float(row["probability"]),
                row["refused"],
                row["not_sure"],
            )
            for row in rows
        ]
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{path}: no table of hard pictures, as --csv writes it: {error}") from error


def summary(reads: Sequence[Read]) -> list[str]:
    """Return a row of a table: n, right %, refused %, not sure %, wrong and not marked, these above ``SURE``."""
    n = len(reads)
    wrong = [read for read in reads if read.wrong]
    sure = sum(read.probability > SURE for read in wrong)
    counts = (sum(marks) for marks in zip(*((r.right, not r.digit, bool(r.not_sure)) for r in reads), strict=True))
    return [str(n), *(f"{count / n:.1%}" for count in counts), str(len(wrong)), str(sure)]


def losses(before: Sequence[Read], after: Sequence[Read]) -> tuple[int, int, float]:
    """Return how many pictures were lost and gained, and the upper bound of the net loss, a share of the pictures.

    The net loss of n pairs is d = (lost − gained) / n. Its one-sided bound is Agresti & Min's (2005, Statistics in
    Medicine 24:729–740): half a pair is added to each of the four cells of the table, and
    d' + z·√((l' + g' − (l' − g')²/n') / n'²), with l' = lost + ½, g' = gained + ½, n' = n + 2, d' = (l' − g')/n'.
    """
    was = {read.key: read.right for read in before}
    pairs = [(was[read.key], read.right) for read in after if read.key in was]
    lost, gained = sum(a and not b for a, b in pairs), sum(b and not a for a, b in pairs)
    n, more, less = len(pairs) + 2, lost + 0.5, gained + 0.5
    spread = math.sqrt(more + less - (more - less) ** 2 / n) / n
    return lost, gained, (more - less) / n + NormalDist().inv_cdf(CONFIDENCE) * spread
