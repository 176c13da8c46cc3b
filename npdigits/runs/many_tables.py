"""Tables of what is read on pictures of many digits (``npdigits-predict --many``), and what is said of them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from npdigits.base.spreadsheet import csv_table
from npdigits.runs.many_readings import UNREAD, PageRead, Placed
from npdigits.runs.reading import doubt_head, in_order, read_by
from npdigits.runs.trained import Trained

# Columns of a table for programs.
DOUBTED = ("doubt", "not_sure", "marked")
ONE_MARK = "a mark that is neither a digit nor a separator,"
# The places of so many marks are named at most.
MOST_NAMED = 8


def many_rows(pages: Sequence[PageRead]) -> list[list[str]]:
    """Return the digits of pages as rows of text, a head first."""
    doubt = doubt_head([one.reading for page in pages for one in page.digits if one.reading])
    head = ["file", "line", "position", "x", "y", "width", "height", "digit", "probability", "second", "probability"]
    rows = [[*head, doubt]]
    for page in pages:
        for one in page.digits:
            ranked = one.reading.ranked[:2] if one.reading else []
            figures = [figure for name, p in ranked for figure in (name, f"{p:.4f}")] or [UNREAD]
            where = [one.found.line, one.found.position, *one.box]
            doubted = f"{one.reading.doubt:.4f}" if one.reading else ""
            rows.append([str(page.file), *map(str, where), *figures, *[""] * (4 - len(figures)), doubted])
    return rows


def many_as_csv(
    pages: Sequence[PageRead],
    skipped: Sequence[tuple[Path, str]],
    saved: Mapping[tuple[Path, str], Path],
    share: float | None,
) -> str:
    """Return a line a digit, unrounded.

    Args:
        pages: what was read.
        skipped: the other files, each with the reason.
        saved: where what the network saw is saved, by file and place in it.
        share: as for ``reading.readings_as_csv``.
    """
    rows: list[list[object]] = []
    for page in pages:
        texts, marked = page.lines, page.marked(share)
        for one in page.digits:
            best: list[tuple[object, object]] = [*(one.reading.ranked if one.reading else []), ("", ""), ("", "")]
            cell = one.found.cell or ("", "", "")
            place = [one.found.line, one.found.position, *cell, *one.box]
            where = saved.get((page.file, one.letter), "")
            doubt = (one.reading.doubt, one.reading.refusal(share)) if one.reading else ("", "")
            text = texts[one.found.line - 1]
            rows.append([page.file, *place, *best[0], *best[1], text, one.found.why, "", where, *doubt])
            rows[-1].append(marked[one.found.line - 1])
    rows += [[file, *[""] * 15, reason, "", "", "", ""] for file, reason in skipped]
    head = ("file", "line", "position", "grid", "row", "column", "x", "y", "width", "height", "digit", "probability")
    return csv_table(
        (*head, "second_digit", "second_probability", "text", "unread", "skipped", "saved", *DOUBTED), rows
    )


def many_as_json(
    run: Trained,
    pages: Sequence[PageRead],
    skipped: Sequence[tuple[Path, str]],
    saved: Mapping[tuple[Path, str], Path],
    share: float | None,
) -> str:
    """Return all that is known of pages; the other arguments are those of ``many_as_csv``."""
    named = run.summary.classes
    classes = {} if named is None else {"classes": named}
    read = []
    for page in pages:
        texts = list(zip(page.lines, page.marked(share), strict=True))
        read += [_digit(page, one, texts[one.found.line - 1], named, saved, share) for one in page.digits]
    reasons = [{"file": str(file), "reason": reason} for file, reason in skipped]
    told = {**read_by(run), **classes, "pictures": [_picture(page, saved, share) for page in pages]}
    return json.dumps({**told, "read": read, "skipped": reasons}, indent=1)


def _picture(page: PageRead, saved: Mapping[tuple[Path, str], Path], share: float | None) -> dict[str, object]:
    """Return what JSON says of a picture."""
    height, width = page.size
    grids = [
        {"line": line, "rows": rows, "columns": columns, "cells": page.cells(i)}
        for i, (line, (rows, columns)) in enumerate(zip(page.page.line_of_grid, page.page.grids, strict=True))
    ]
    told: dict[str, object] = {"file": str(page.file), "width": width, "height": height, "lines": page.lines}
    told |= {"marked": page.marked(share), "grids": grids, "left_out": [list(box) for box in page.left_out]}
    return told | ({"saved": str(saved[page.file, ""])} if (page.file, "") in saved else {})


def _digit(
    page: PageRead,
    one: Placed,
    text: tuple[str, str],
    named: Sequence[str] | None,
    saved: Mapping[tuple[Path, str], Path],
    share: float | None,
) -> dict[str, object]:
    """Return what JSON says of a digit; ``text`` is its line's, plain and with marks."""
    told: dict[str, object] = {"file": str(page.file), "line": one.found.line, "position": one.found.position}
    if one.found.cell:
        told |= dict(zip(("grid", "row", "column"), one.found.cell, strict=True))
    told |= {"text": text[0], "marked": text[1], "box": list(one.box)}
    if one.reading:
        digit = one.reading.digits[0]
        told |= {"digit": digit if named is None else named[digit], "probabilities": in_order(one.reading)}
        told |= {"doubt": one.reading.doubt}
        told |= {"not_sure": reason} if (reason := one.reading.refusal(share)) else {}
    else:
        told["unread"] = one.found.why
    where = saved.get((page.file, one.letter))
    return told | ({"saved": str(where)} if where else {})


def said_of(page: PageRead, share: float | None) -> list[str]:
    """Return what is said of a page besides its digits: what was not read, is not sure, or was left out."""
    said = [f"{page.file}: line {one.found.line}: {one.found.why}, at {_at(one.box)}" for one in page.unread]
    for one, reason in page.doubtful(share):
        said.append(f"not sure: {page.file}: line {one.found.line}: {reason}, at {_at(one.box)}")
    if page.left_out:
        said.append(f"{page.file}: left out: {_left_out(page.left_out)}")
    return said


def summed_up(pages: Sequence[PageRead], skipped: int, share: float | None) -> str:
    """Return in a line how much was read of pages, and how many pictures were skipped."""
    if not pages:
        return f"no picture read, {skipped} skipped"
    unread, doubtful = sum(len(page.unread) for page in pages), sum(len(page.doubtful(share)) for page in pages)
    left_out = sum(len(page.left_out) for page in pages)
    read = sum(len(page.digits) for page in pages) - unread
    said = [f"{read} digit{'s' * (read != 1)} read"]
    said += [f"{doubtful} of them not sure"] * (doubtful > 0) + [f"{unread} not"] * (unread > 0)
    said += [f"{left_out} mark{'s' * (left_out != 1)} left out"] * (left_out > 0)
    on = f"on {len(pages)} picture{'s' * (len(pages) != 1)}"
    return f"{', '.join(said)}, {on}" + (f"; {skipped} skipped" if skipped else "")


def _left_out(boxes: Sequence[tuple[int, int, int, int]]) -> str:
    """Return what is said of the marks that were left out: where they are, or where the largest are."""
    n = len(boxes)
    what = f"{n} marks that are neither digits nor separators," if n > 1 else ONE_MARK
    largest = sorted(boxes, key=lambda box: -box[2] * box[3])[:MOST_NAMED]
    places = "; ".join(_at(box) for box in (boxes if n <= MOST_NAMED else largest))
    return f"{what} {'the largest ' if n > MOST_NAMED else ''}at {places}"


def _at(box: tuple[int, int, int, int]) -> str:
    return f"x {box[0]}, y {box[1]}"
