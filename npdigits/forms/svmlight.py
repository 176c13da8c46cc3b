"""svmlight's text, which LIBSVM's data sets have (``mnist.scale``, ``usps``): ``5 153:0.0117647 154:0.0705882 …``.

What is zero is not written, so that the last columns may be missing: ``mnist.scale`` has 780 of 784. Whether columns
count from 0 or from 1, ``column_base`` tells.

Source: LIBSVM, README, "Installation and Data Format"; https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass.html
"""

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import DataError
from npdigits.base.text import join_lines, printable
from npdigits.forms.column_base import Base, Sparse, base_of
from npdigits.forms.found import TRAIN, Found, Part, Wanted
from npdigits.forms.packed import Member, members, one_member
from npdigits.forms.room import refuse_too_large
from npdigits.forms.rows import KINDS, LARGEST, smallest
from npdigits.forms.text_lines import Numbering, lines_of, repaired

COMMENT = "#"
PAIR = re.compile(r"(\d{1,9}|qid):([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)")
LABEL = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
# Lines above the first row that are looked at.
MOST_COMMENTS = 100
# More columns are no image: 1,024 × 1,024.
MOST_COLUMNS = 1 << 20


def read(files: Sequence[Path], wanted: Wanted, place: Path) -> Found:
    """Return the rows of a file in svmlight's form.

    Raises:
        DataError: it cannot be read, is damaged, or too large.
    """
    (path,) = files
    member = one_member(path, members(path))
    sparse, labels, numbering, comments = _read_sparse(member)
    base = base_of(sparse, comments, wanted)
    images = _dense(sparse, base, wanted, member.name)

    def name_of(row: int) -> str:
        return f"{member.name}: row {numbering.line_of(row)}"

    part = Part(images, labels, name_of)
    return Found(
        "svmlight",
        {TRAIN: part},
        "the first number of each row",
        sparse=True,
        notes=(base.note,) if base.note else (),
        counted_from=base.number if base.told else None,
    )


def _read_sparse(member: Member) -> tuple[list[Sparse], Array, Numbering, list[str]]:
    """Return the values that are written, in the smallest types, labels, where rows came from, and comments above them.

    Raises:
        DataError: a row is damaged.
    """
    from sklearn.datasets import load_svmlight_file

    sparse: list[Sparse] = []
    labels: list[Array] = []
    comments: list[str] = []
    numbering, n = Numbering(), 0
    for batch in lines_of(member):
        kept: list[str] = []
        for number, line in enumerate(batch.lines, batch.first):
            if line.partition(COMMENT)[0].strip():
                numbering.note(n + len(kept), number)
                kept.append(line)
            elif not n and not kept and len(comments) < MOST_COMMENTS:
                comments.append(line.strip())
        if not kept:
            continue
        problem = "what is not finite, or too large"
        try:
            text = "\n".join(kept).encode("utf-8", "surrogateescape")
            values, targets = load_svmlight_file(io.BytesIO(text), zero_based=True)
        except (ValueError, OverflowError) as error:
            problem, values, targets = join_lines(str(error)), None, ()
        if values is None or len(targets) != len(kept) or not _allowed(values, targets):
            numbers = [numbering.line_of(n + i) for i in range(len(kept))]
            raise _first_fault(kept, numbers, member.name, problem)
        kind = np.uint16 if values.shape[1] <= 1 << 16 else np.int32
        sparse.append((smallest(values.data), values.indices.astype(kind), values.indptr))
        labels.append(targets)
        n += len(kept)
    if not sparse:
        raise DataError(f"{member.name}: no rows")
    return sparse, _whole(np.concatenate(labels)), numbering, comments


def _allowed(values: Any, targets: Array) -> bool:
    """Say whether labels and pixels are finite, and pixels neither too large nor too many."""
    pixels = values.data
    if not (np.isfinite(pixels).all() and np.isfinite(targets).all()):
        return False
    return values.shape[1] <= MOST_COLUMNS + 1 and bool(np.abs(pixels).max(initial=0) <= LARGEST)


def _dense(sparse: list[Sparse], base: Base, wanted: Wanted, place: str) -> Array:
    """Return images, shape (rows, columns): what was not written is 0.

    Raises:
        DataError: there are no columns, or more than an image has; there is no memory for them.
    """
    written = [columns for _, columns, _ in sparse if len(columns)]
    if not written:
        raise DataError(f"{place}: no columns of pixels")
    width = max(int(columns.max()) for columns in written) + 1 - base.number
    if wanted.shape is not None:
        width = max(width, wanted.shape[0] * wanted.shape[1])
    kind = max((values.dtype for values, _, _ in sparse), key=KINDS.index)
    n = sum(len(starts) - 1 for _, _, starts in sparse)
    refuse_too_large(place, n, width, kind.itemsize)
    images = np.zeros((n, width), kind)
    at = 0
    while sparse:  # each part is given back when it is no longer needed
        values, columns, starts = sparse.pop(0)
        rows = np.repeat(np.arange(at, at + len(starts) - 1), np.diff(starts))
        images[rows, columns - base.number] = values
        at += len(starts) - 1
    return images


def _first_fault(lines: Sequence[str], numbers: Sequence[int], place: str, problem: str) -> DataError:
    """Return the error about the first row that is none; the given problem where each looks like one."""
    for number, line in zip(numbers, lines, strict=True):
        where = f"{place}: row {number}"
        label, *pairs = line.partition(COMMENT)[0].split()
        if not LABEL.fullmatch(label):
            return DataError(f"{where}: {_shown(label)} is no label: allowed is one number")
        before = -1
        for column, pair in enumerate(pairs, 2):
            match = PAIR.fullmatch(pair)
            if match is None:
                return DataError(f"{where}, column {column}: {_shown(pair)} is no pixel's number and value, as 153:0.5")
            if match[1] == "qid":
                continue
            if int(match[1]) > MOST_COLUMNS or abs(float(match[2])) > LARGEST:
                return DataError(f"{where}, column {column}: {_shown(pair)} is too large for a pixel")
            if int(match[1]) <= before:
                return DataError(
                    f"{where}, column {column}: {_shown(pair)} comes after pixel {before}: allowed are rising numbers"
                )
            before = int(match[1])
    return DataError(f"{place}: rows {numbers[0]} to {numbers[-1]}: {problem}")


def _whole(labels: "np.ndarray[Any, Any]") -> Array:
    """Return labels as whole numbers where they are."""
    whole = (labels == np.rint(labels)).all() and (np.abs(labels) < 2**53).all()
    return labels.astype(np.int64) if whole else labels


def _shown(text: str) -> str:
    return f"'{printable(repaired(text[:30]))}{'…' if len(text) > 30 else ''}'"
