"""Pages with many digits: ``python experiments/many.py RUN [--n 500] [--kind numbers …] [--save FOLDER]``

Composes numbers, dates, rows, tables and sudokus of MNIST's digits, and prints how many digits, how many numbers (or
cells with something in them) and how many whole pages ``npdigits-predict --many`` reads right, with Wilson's intervals
of 95 %. A digit is right if it is in its place after both texts are aligned (Levenshtein); a number, if all of its text
is; an empty cell, if nothing is read in it. The digits are the run's validation set; with ``--from test`` the test set.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from hard.drawing import Digits, Draw
from hard_pictures import digits_of
from many_pages import KINDS, Written

from npdigits.base.errors import UserError
from npdigits.base.program import Parser, exit_code, nonempty_path, whole_number
from npdigits.base.terminal import show, show_error
from npdigits.base.text import aligned
from npdigits.pictures.boxes import drawn_boxes
from npdigits.pictures.components import NoDigit
from npdigits.pictures.save import save_png
from npdigits.runs.many_readings import UNREAD, PageRead, read_many
from npdigits.runs.results import wilson_interval
from npdigits.runs.trained import Trained, load_trained

PROGRAM = "many.py"


@dataclass
class Score:
    """How much of a kind's pages is read right."""

    pages: int = 0
    pages_right: int = 0
    digits: int = 0
    digits_right: int = 0
    numbers: int = 0
    numbers_right: int = 0
    empty: int = 0
    empty_right: int = 0
    unread: int = 0
    refused: int = 0

    def row(self) -> list[str]:
        """Return the figures as cells of a table."""
        pairs = [
            (self.digits_right, self.digits),
            (self.numbers_right, self.numbers),
            (self.pages_right, self.pages),
            (self.empty_right, self.empty),
        ]
        return [*(cell for right, n in pairs for cell in _share(right, n)), str(self.unread), str(self.refused)]


HEAD = ["kind", "digits", "right", "numbers", "right", "pages", "right", "empty", "right", "unread", "refused"]


def _share(right: int, n: int) -> tuple[str, str]:
    if not n:
        return "", ""
    low, high = wilson_interval(right, n)
    return f"{n:,}", f"{right / n:.2%} [{low:.2%}, {high:.2%}]"


def matches(truth: str, read: str) -> list[bool]:
    """Return of each letter of the truth whether it stands in its place, both aligned with the fewest changes."""
    costs = [list(range(len(read) + 1))]
    for i, letter in enumerate(truth, 1):
        row = [i]
        for j, other in enumerate(read, 1):
            row.append(min(costs[-1][j] + 1, row[-1] + 1, costs[-1][j - 1] + (letter != other)))
        costs.append(row)
    right, i, j = [False] * len(truth), len(truth), len(read)
    while i and j:
        if costs[i][j] == costs[i - 1][j - 1] + (truth[i - 1] != read[j - 1]):
            i, j = i - 1, j - 1
            right[i] = truth[i] == read[j]
        elif costs[i][j] == costs[i - 1][j] + 1:
            i -= 1
        else:
            j -= 1
    return right


def add(score: Score, written: Written, page: PageRead | None) -> bool:
    """Add a page to a score; return whether all of it is right."""
    score.pages += 1
    score.refused += page is None
    score.unread += len(page.unread) if page else 0
    right = _add_cells(score, written, page) if written.cells else _add_lines(score, written.lines, page)
    score.pages_right += right
    return right


def _add_lines(score: Score, truth: Sequence[str], page: PageRead | None) -> bool:
    read = [line for line in page.lines if line] if page else []
    _add_text(score, "\n".join(truth), "\n".join(read))
    words, found = (" \n ".join(lines).split(" ") for lines in (truth, read))
    score.numbers += sum(word != "\n" for word in words)
    blocks = SequenceMatcher(None, words, found, autojunk=False).get_matching_blocks()
    score.numbers_right += sum(word != "\n" for block in blocks for word in words[block.a : block.a + block.size])
    return list(truth) == read


def _add_cells(score: Score, written: Written, page: PageRead | None) -> bool:
    shape = len(written.cells), len(written.cells[0])
    read = page.cells(0) if page and page.page.grids == [shape] else [[UNREAD] * shape[1]] * shape[0]
    for truths, found in zip(written.cells, read, strict=True):
        for truth, cell in zip(truths, found, strict=True):
            if truth:
                _add_text(score, truth, cell)
                score.numbers, score.numbers_right = score.numbers + 1, score.numbers_right + (truth == cell)
            else:
                score.empty, score.empty_right = score.empty + 1, score.empty_right + (not cell)
    return written.cells == read


def _add_text(score: Score, truth: str, read: str) -> None:
    right = [good for letter, good in zip(truth, matches(truth, read), strict=True) if letter.isdecimal()]
    score.digits, score.digits_right = score.digits + len(right), score.digits_right + sum(right)


def measured(run: Trained, kind: str, n: int, seed: int, source: Digits, folder: Path, save: Path | None) -> Score:
    """Return how much of n pages of a kind is read right; save those that are not, with boxes, if a folder is named."""
    score = Score()
    for number in range(n):
        written = KINDS[kind](Draw.of(kind, number, seed, source))
        file = folder / f"{kind}-{number}.{written.picture.ending}"
        written.picture.image.save(file, **written.picture.options)
        page, why = None, ""
        try:
            page = read_many(run, file)
        except NoDigit as error:
            why = str(error)
        if not add(score, written, page):
            found = (page.cells(0) if page.page.grids else page.lines) if page else why
            show_error(f"{file.name}: {written.cells or written.lines} read as {found}")
            if save and page:
                save_png(save / f"{kind}-{number}.png", drawn_boxes(page.grey, page.boxes(None)))
        if not save:
            file.unlink()
    return score


def main() -> None:
    """Read the command line."""
    parser = Parser(PROGRAM, description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("run", type=nonempty_path, metavar="RUN", help="a run directory")
    parser.add_argument("--kind", nargs="+", metavar="NAME", help=f"of {', '.join(KINDS)}; all without")
    parser.add_argument("--n", type=whole_number(1, 100_000), default=500, help="pages of each kind (default: 500)")
    parser.add_argument("--seed", type=whole_number(0, 2**31), default=0, help="of the pages (default: 0)")
    parser.add_argument(
        "--from", dest="part", choices=("validation", "test"), default="validation", help="whose digits"
    )
    parser.add_argument("--save", type=nonempty_path, metavar="FOLDER", help="keep the pages, and what was found")
    sys.exit(exit_code(PROGRAM, lambda: act(parser.parse_args())))


def act(chosen: argparse.Namespace) -> int:
    """Compose the pages, read them, print the table."""
    names = chosen.kind or list(KINDS)
    if unknown := [name for name in names if name not in KINDS]:
        raise UserError(f"--kind {unknown[0]}: allowed are {', '.join(KINDS)}")
    run = load_trained(chosen.run)
    source = digits_of([run], chosen.part)
    rows = [HEAD]
    with tempfile.TemporaryDirectory() as scratch:
        folder = chosen.save / "pages" if chosen.save else Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        for kind in names:
            score = measured(run, kind, chosen.n, chosen.seed, source, folder, chosen.save)
            rows.append([kind, *score.row()])
    show("\n".join(aligned(rows, left=1)))
    return 0


if __name__ == "__main__":
    main()
