"""What a trained network reads in pictures of digits, and the tables of that."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.blas import one_thread
from npdigits.base.errors import RunDirError
from npdigits.base.spreadsheet import csv_table
from npdigits.data.sets import Split
from npdigits.pictures.mnist_form import SIDE
from npdigits.runs.doubt import DEFAULT, doubts_of
from npdigits.runs.trained import Trained


@dataclass(frozen=True)
class Reading:
    """What a network reads in a picture.

    Attributes:
        file: the picture's, or one with many images.
        digits: all classes, the most probable first.
        probabilities: theirs.
        names: of the classes, in their order.
        doubt: how much it is to be doubted, from 0 to 1 (``runs.doubt``).
        unlike: whether that is as the picture is strange, and not as the network is unsure.
        known: whether doubt is held against the run's validation digits; else it is 1 − the probability.
        row: where it is, if the file holds many: "test.csv: row 17".
    """

    file: Path
    digits: tuple[int, ...]
    probabilities: tuple[float, ...]
    names: tuple[str, ...]
    doubt: float = 0.0
    unlike: bool = False
    known: bool = False
    row: str = ""

    @property
    def place(self) -> str:
        """Where the picture is, for people."""
        return self.row or str(self.file)

    @property
    def ranked(self) -> list[tuple[str, float]]:
        """The name and the probability of each class, the most probable first."""
        return [(self.names[digit], p) for digit, p in zip(self.digits, self.probabilities, strict=True)]

    def refusal(self, share: float | None) -> str:
        """Return why it is refused, if so few of the validation digits may be as strange; "" where it is not.

        Without them ``share`` is the least probability; None is the default of either. A row of a file of many digits
        is never refused: what is made of such files wants an answer for each.
        """
        if share is None:
            share = DEFAULT if self.known else 0.0
        if self.row or self.doubt <= 1 - share:
            return ""
        if self.known and self.doubt <= 1 - DEFAULT:  # as plain as others, and more was asked for
            return f"{100 * self.doubt:.0f} % of the validation digits are less strange"
        best = [name for name, _ in self.ranked[:2]]
        if not self.known and self.doubt <= DEFAULT:
            return f"read as {best[0]} with a probability of {self.probabilities[0]:.4f}"
        if self.unlike or len(best) < 2:
            return f"unlike any {best[0]} that it was trained on"
        return f"between {best[0]} and {best[1]}"


def takes_mnist_form(run: Trained) -> bool:
    """Say whether a run reads digits of 28 × 28, which pictures are brought to."""
    return run.summary.image_shape == [SIDE, SIDE]


def refuse_other_sizes(run: Trained) -> None:
    """Refuse a run that does not read digits of 28 × 28.

    Raises:
        RunDirError: its images are of another size.
    """
    if not takes_mnist_form(run):
        shape = run.summary.image_shape
        raise RunDirError(f"{run.path}: was trained on images of {shape}; pictures are brought to {SIDE} × {SIDE}")


def read_digits(
    run: Trained, files: Sequence[Path], images: Array, warn: Callable[[str], None] = lambda line: None
) -> list[Reading]:
    """Return what the network reads in the images of these files, bytes of shape (n, 28, 28)."""
    if not files:
        return []
    n = len(images)
    return readings_of(run, Split(images.reshape(n, -1), np.zeros(n, np.intp), np.arange(n)), files, warn=warn)


def readings_of(
    run: Trained,
    split: Split,
    files: Sequence[Path],
    row_of: Callable[[int], str] = lambda i: "",
    warn: Callable[[str], None] = lambda line: None,
) -> list[Reading]:
    """Return what the network reads in the images of a split.

    Args:
        run: the network.
        split: the images.
        files: that they are in, for each one.
        row_of: says of the i-th image where in its file it is, where that holds many.
        warn: is told where the run's doubt.npz cannot be used.
    """
    with one_thread():
        p = run.probabilities(split)
        doubts = doubts_of(run, split, p, warn)
    order, names = np.argsort(-p, axis=1, kind="stable"), run.class_names
    return [
        Reading(
            *(file, tuple(digits.tolist()), tuple(row[digits].tolist()), names),
            *(float(doubts.doubt[i]), bool(doubts.unlike[i]), doubts.known, row_of(i)),
        )
        for i, (file, digits, row) in enumerate(zip(files, order, p, strict=True))
    ]


def doubt_head(readings: Sequence[Reading]) -> str:
    """Return the head of the column of doubt, which says so where it is held against no validation digits."""
    return "doubt" if any(reading.known for reading in readings) else "1-probability"


def reading_rows(readings: Sequence[Reading]) -> list[list[str]]:
    """Return the readings as rows of text, a head first."""
    rows = [["file", "digit", "probability", "second", "probability", doubt_head(readings)]]
    for reading in readings:
        figures = [figure for name, p in reading.ranked[:2] for figure in (name, f"{p:.4f}")]
        # Of one class alone there is no second.
        rows.append([reading.place, *figures, *[""] * (4 - len(figures)), f"{reading.doubt:.4f}"])
    return rows


def readings_as_csv(
    readings: Sequence[Reading],
    skipped: Sequence[tuple[Path, str]],
    saved: Mapping[Path, Path],
    share: float | None = None,
) -> str:
    """Return a line a file, unrounded.

    Args:
        readings: of the files that were read.
        skipped: the other files, each with the reason.
        saved: where what the network saw of a file is saved, if it is.
        share: of the validation digits may be as strange, or a reading is refused.
    """
    rows: list[list[object]] = []
    for reading in readings:
        best: list[tuple[object, object]] = [*reading.ranked, ("", "")]  # one class alone has no second
        (digit, p), (second, second_p) = best[:2]
        seen = str(saved.get(reading.file, ""))
        rows.append([reading.place, digit, p, second, second_p, "", seen, reading.doubt, reading.refusal(share)])
    rows += [[str(file), "", "", "", "", reason, "", "", ""] for file, reason in skipped]
    head = ["file", "digit", "probability", "second_digit", "second_probability", "skipped", "saved"]
    return csv_table([*head, "doubt", "not_sure"], rows)


def readings_as_json(
    run: Trained,
    readings: Sequence[Reading],
    skipped: Sequence[tuple[Path, str]],
    saved: Mapping[Path, Path],
    share: float | None = None,
) -> str:
    """Return all probabilities, in the order of the classes; the other arguments are those of ``readings_as_csv``.

    Where the classes have names, these are listed, and a digit is a name. ``about`` says what the probabilities mean.
    """
    named = run.summary.classes
    read = [
        {
            "file": reading.place,
            "digit": reading.digits[0] if named is None else named[reading.digits[0]],
            "probabilities": in_order(reading),
            "doubt": reading.doubt,
        }
        | ({"not_sure": reason} if (reason := reading.refusal(share)) else {})
        | ({"saved": str(saved[reading.file])} if reading.file in saved else {})
        for reading in readings
    ]
    reasons = [{"file": str(file), "reason": reason} for file, reason in skipped]
    classes = {} if named is None else {"classes": named}
    return json.dumps({**read_by(run), **classes, "read": read, "skipped": reasons}, indent=1)


def read_by(run: Trained) -> dict[str, object]:
    """Return what JSON says of who has read, and of what the probabilities mean."""
    return {"run": str(run.path), "temperature": run.summary.temperature, "about": run.about_probabilities}


def submission(run: Trained, readings: Sequence[Reading]) -> str:
    """Return the readings in the form of Kaggle's competitions: the image's number, from 1, and its class's name."""
    names = [int(name) if _is_number(name) else name for name in run.class_names]
    return csv_table(("ImageId", "Label"), [(i + 1, names[reading.digits[0]]) for i, reading in enumerate(readings)])


def _is_number(name: str) -> bool:
    """Say whether a class's name is a whole number as it is written, so that a cell may hold it as one."""
    return name.removeprefix("-").isdecimal() and str(int(name)) == name


def in_order(reading: Reading) -> list[float]:
    """Return the probabilities in the order of the digits."""
    return [p for _, p in sorted(zip(reading.digits, reading.probabilities, strict=True))]
