"""Reading files of any form: recognized, given to its reader, and several files of one form put together."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import cast

from npdigits.base.errors import ConfigError, DataError
from npdigits.base.text import printable, quoted
from npdigits.forms.alike import alike
from npdigits.forms.found import TEST, TRAIN, UNLABELLED, Found, Wanted
from npdigits.forms.recognize import Recognized, part_of, recognize

NOTHING = Wanted()
# form -> the module whose ``read`` reads it; imported when such a file is there.
READERS = {
    "table": "text_table",
    "arff": "arff",
    "svmlight": "svmlight",
    "npz": "numpy_arrays",
    "npy": "numpy_arrays",
    "parquet": "parquet",
    "mat": "mat",
    "hdf5": "hdf5",
    "idx": "idx_files",
    "folder": "class_folder",
}
# Forms whose readers take several files as one set; of the others each file is a part.
OF_SEVERAL_FILES = ("npy", "parquet", "idx", "folder")


def read_found(path: Path, wanted: Wanted = NOTHING) -> Found:
    """Return what a file or folder holds, as it is stored: predicting and scoring read it by a run's own meaning.

    Raises:
        DataError: it is of no form that is known, or damaged.
    """
    return read(recognize(path), wanted)


def read(recognized: Recognized, wanted: Wanted) -> Found:
    """Read the files of one form; of a form that holds a part a file, each by itself."""
    read_form = import_module(f"npdigits.forms.{READERS[recognized.form]}").read
    if recognized.form in OF_SEVERAL_FILES or len(recognized.files) == 1:
        found: Found = read_form(recognized.files, wanted, recognized.place)
        return found
    by_part = _by_part(recognized)

    def read_part(part: str, file: Path) -> Found:
        try:
            return cast(Found, read_form((file,), wanted, recognized.place))
        except ConfigError:  # a test set without labels has no column of this name
            if part == TRAIN or wanted.label_column is None:
                raise
            found: Found = read_form((file,), replace(wanted, label_column=None), recognized.place)
            if any(one.labels is not None for one in found.parts.values()):
                raise
            return found

    each = {part: read_part(part, file) for part, file in by_part.items()}
    left = [file.name for file in recognized.files if file not in by_part.values()]
    return combined(each, recognized.place, [f"{name}: left out" for name in left])


def _by_part(recognized: Recognized) -> dict[str, Path]:
    """Return which of several files is which part of the set, by their names.

    Raises:
        DataError: that cannot be told.
    """
    found: dict[str, Path] = {}
    for file in recognized.files:
        part = part_of(file.stem)
        if part in found:
            raise DataError(f"{recognized.place}: {found[part].name} and {file.name} are both a {part} set: name one")
        if part:
            found[part] = file
    if TRAIN not in found:
        names = ", ".join(file.name for file in recognized.files[:5])
        raise DataError(
            f"{recognized.place}: which of its files is the training set? Name it: data.path=FILE data.test=FILE "
            f"(there are {names})"
        )
    return found


def combined(each: Mapping[str, Found], place: Path, notes: Sequence[str] = ()) -> Found:
    """Return the parts that several files of one form hold as one set.

    Raises:
        DataError: a file is divided itself.
    """
    made = dict(each)
    for part, found in each.items():
        if len(found.parts) != 1:
            raise DataError(f"{place}: the {part} file is divided into parts itself: name it alone")
        if part != TRAIN:
            made[TRAIN], made[part] = alike(made[TRAIN], found)
    first = made[TRAIN]
    return replace(
        first,
        parts={part: next(iter(found.parts.values())) for part, found in made.items()},
        notes=(*dict.fromkeys(note for found in (first, *made.values()) for note in found.notes), *notes),
        unreadable=tuple(one for found in made.values() for one in found.unreadable),
        warnings=tuple(one for found in made.values() for one in found.warnings),
    )


def with_labels(found: Found, place: Path) -> tuple[Found, list[str]]:
    """Return a set without the parts that have no labels, and what is said of these.

    Raises:
        DataError: the training set is such a one, or there is none; a class has no image.
    """
    if found.lost:
        first = found.why_lost or [f"{printable(str(file))}: {reason}" for file, reason in found.unreadable]
        reason = f"; {first[0]}" if first else ""
        raise DataError(f"{place}: no picture of the class {quoted(found.lost[0])} can be read: allowed is one{reason}")
    notes = [f"the {part} set has no labels: left out" for part, of in found.parts.items() if of.labels is None]
    parts = {part: of for part, of in found.parts.items() if of.labels is not None}
    if TRAIN not in parts:
        if found.form == UNLABELLED:
            raise DataError(f"{place}: {found.form}: each class has a folder of its own, such as 3/0012.png")
        if TRAIN in found.parts:
            raise DataError(
                f"{place}: {found.form} without labels: nothing to train on (data.label_column names the column; "
                "npdigits-predict reads digits without labels)"
            )
        raise DataError(f"{place}: holds a {', '.join(found.parts)} set and no training set")
    return replace(found, parts=parts), notes


def as_test_set(other: Found, place: Path) -> Found:
    """Return what is named as the test set, with its images as the test part.

    Raises:
        DataError: it has no labels.
    """
    part = other.parts.get(TEST) or other.parts.get(TRAIN) or next(iter(other.parts.values()))
    if part.labels is None:
        raise DataError(f"data.test={place}: {other.form} without labels: a test set needs them")
    return replace(other, parts={TEST: part})
