"""A folder of pictures with a folder for each class: taken as they are, or brought to MNIST's form.

Small squares of one size, in shades of grey, are taken as they are, as such a set is made of images that had one form
already. Other pictures are photographs and scans, which are brought to MNIST's form by the steps of npdigits-predict.
Pictures that would be left out then, as blank ones, do not decide (``squares``).
"""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.blas import one_thread
from npdigits.base.errors import ConfigError, DataError
from npdigits.base.text import printable
from npdigits.forms.class_layout import classes_of, odd_folders
from npdigits.forms.found import UNLABELLED, Found, Part, Wanted
from npdigits.forms.squares import Squares
from npdigits.pictures.mnist_form import SIDE
from npdigits.pictures.pool import Formed, form_all, form_file, take_all, take_file, take_for
from npdigits.pictures.progress import with_progress
from npdigits.pictures.read import LARGEST_SQUARE
from npdigits.pictures.taking import Takes

FORM = "pictures by class"


@dataclass
class Images:
    """Pictures that were read.

    Attributes:
        images: of those that could be, shape (n, side, side).
        read: whether each file is among them, in the files' order.
        unreadable: the others, each with the reason.
        formed: whether they were brought to MNIST's form.
        note: why, for people.
        warning: what is odd about that; "" for nothing.
    """

    images: Array
    read: Array
    unreadable: list[tuple[Path, str]] = field(default_factory=list)
    formed: bool = False
    note: str = ""
    warning: str = ""


def read(files: Sequence[Path], wanted: Wanted, place: Path, takes: Takes | None = None) -> Found:
    """Return what a folder of pictures holds.

    Args:
        files: pictures below it.
        wanted: what the user says.
        place: the folder.
        takes: how a network takes pictures, which then are on its scale; None: what they are decides.

    Raises:
        DataError: it cannot be told which folders are the classes, or no picture can be read.
        ConfigError: a column of labels is wanted.
    """
    if wanted.label_column is not None:
        raise ConfigError(f"data.label_column={wanted.label_column}: allowed is null with folders of pictures: {place}")
    pictures = {part: _without_strays(found) for part, found in classes_of(files, place).items()}
    chosen = [file for found in pictures.values() for file, _ in found]
    strays = sorted({*files}.difference(chosen))
    got = _read(chosen) if takes is None else _taken(chosen, takes)
    unreadable = [(file, "it lies in no folder of a class") for file in strays] + got.unreadable
    if not got.read.any():
        raise DataError(f"{place}: none of its {len(chosen):,} pictures can be read: {_said(got.unreadable[0])}")
    numbers = _are_numbers(name for found in pictures.values() for _, name in found if name is not None)
    parts, begin, begin_read = {}, 0, 0
    for part, found in pictures.items():
        read_here = got.read[begin : begin + len(found)]
        kept = [picture for picture, is_read in zip(found, read_here, strict=True) if is_read]
        if kept:
            parts[part] = _part(got.images[begin_read : begin_read + len(kept)], kept, numbers, place)
        begin, begin_read = begin + len(found), begin_read + len(kept)
    lost = _lost(pictures, parts, got.unreadable)
    labelled = any(part.labels is not None for part in parts.values())
    return Found(
        FORM if labelled else UNLABELLED,
        parts,
        "the folders' names" if labelled else "none",
        formed=got.formed,
        notes=(got.note,),
        unreadable=tuple(unreadable),
        lost=tuple(lost),
        why_lost=tuple(lost.values()),
        warnings=(*odd_folders(pictures, place), *filter(None, [got.warning])),
    )


def _without_strays(found: Sequence[tuple[Path, str | None]]) -> list[tuple[Path, str | None]]:
    """Return the pictures that lie in folders of classes; all of them where none does."""
    return [picture for picture in found if picture[1] is not None] or list(found)


def _are_numbers(names: Iterable[str]) -> bool:
    """Say whether all classes are named by whole numbers, as one writes them."""
    return all(name.isascii() and name.isdigit() and len(name) <= 9 and str(int(name)) == name for name in set(names))


def _part(images: Array, kept: Sequence[tuple[Path, str | None]], numbers: bool, place: Path) -> Part:
    names = [name for _, name in kept if name is not None]
    labels = np.array([int(name) for name in names] if numbers else names) if names else None
    return Part(images, labels, lambda i: str(kept[i][0].relative_to(place.parent)))


def _lost(
    pictures: Mapping[str, Sequence[tuple[Path, str | None]]],
    parts: Mapping[str, Part],
    unreadable: Sequence[tuple[Path, str]],
) -> dict[str, str]:
    """Return the classes of which no picture of some part can be read, and why the first one cannot."""
    lost: dict[str, str] = {}
    reasons = dict(unreadable)
    for part, found in pictures.items():
        labels = parts[part].labels if part in parts else None
        left = set() if labels is None else set(map(str, labels.tolist()))
        for file, name in found:
            if name is not None and name not in left:
                lost.setdefault(name, _said((file, reasons[file])))
    return lost


def _read(files: Sequence[Path]) -> Images:
    """Read pictures as they are, or else, as soon as too many cannot be taken so, all of them anew as forms."""
    with one_thread():
        squares = Squares(len(files), lambda i: form_file(files[i])[1])
        with contextlib.closing(take_all(files)) as results:
            taken = _take(files, results, squares)
        if taken is not None:
            return taken
        with contextlib.closing(form_all(files)) as results:
            got = _collect(files, results)
        first = squares.first
        why = "none could be taken as it is" if first is None else _odd(files[first], squares)
        got.formed, got.note = True, f"brought to MNIST's form, {SIDE} × {SIDE}, as npdigits-predict does ({why})"
        if first is not None and squares.common and not squares.are_many:
            got.warning = squares.warning(files[first].name, len(got.images))
        return got


def _take(files: Sequence[Path], results: Iterable[Formed], squares: Squares) -> Images | None:
    """Return small squares of one size as they come; None where not all others are left out anyway."""
    held: dict[tuple[int, ...], list[Array]] = {}
    numbers: dict[tuple[int, ...], list[int]] = {}
    reasons: dict[int, str] = {}
    for i, (image, reason) in enumerate(with_progress(results, len(files))):
        if image is None and reason:
            reasons[i] = reason
            continue
        squares.add(i, None if image is None else image.shape)
        if squares.are_many:
            return None
        if image is not None:
            held.setdefault(image.shape, []).append(image)
            numbers.setdefault(image.shape, []).append(i)
    if squares.common is None or squares.others:
        return None
    is_read = np.zeros(len(files), bool)
    is_read[numbers[squares.common]] = True
    reasons |= {i: reason for i, reason in squares.reasons.items() if not is_read[i]}
    note = f"small squares of one size, {squares.common[0]} × {squares.common[0]}: taken as they are"
    unreadable = [(files[i], reasons[i]) for i in sorted(reasons)]
    return Images(np.stack(held[squares.common]), is_read, unreadable, note=note)


def _odd(file: Path, squares: Squares) -> str:
    """Return why a picture is not taken as it is."""
    most = f"{LARGEST_SQUARE} × {LARGEST_SQUARE} pixels"
    square = take_file(file)[0]
    if square is None or squares.common is None:
        return f"{file.name} is no grey square of at most {most}"
    return f"they are of several sizes, such as {len(square)} × {len(square)} of {file.name}"


def _taken(files: Sequence[Path], takes: Takes) -> Images:
    """Read pictures as a network takes them."""
    with one_thread(), contextlib.closing(take_for(files, takes)) as results:
        got = _collect(files, results)
    got.formed, got.note = True, "each read as npdigits-predict reads pictures"
    return got


def _collect(files: Sequence[Path], results: Iterable[Formed]) -> Images:
    """Return images of one size that come one by one."""
    images, n = np.empty((0, 0, 0), np.uint8), 0
    is_read = np.zeros(len(files), bool)
    unreadable: list[tuple[Path, str]] = []
    for i, (image, reason) in enumerate(with_progress(results, len(files))):
        if image is None:
            unreadable.append((files[i], reason))
            continue
        if not n:
            images = np.empty((len(files), *image.shape), np.uint8)  # pages are taken only as they are written
        images[n] = image
        is_read[i], n = True, n + 1
    return Images(images[:n], is_read, unreadable)


def _said(unreadable: tuple[Path, str]) -> str:
    return f"{printable(str(unreadable[0]))}: {unreadable[1]}"
