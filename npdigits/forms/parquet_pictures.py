"""Pictures in a table: taken as they are if all are small squares of one size, else brought to MNIST's form.

The rule is that of folders of pictures (``class_folder``): the same pictures are the same digits in either.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import DataError
from npdigits.forms.squares import Squares
from npdigits.pictures.components import NoDigit
from npdigits.pictures.mnist_form import SIDE, to_mnist_form
from npdigits.pictures.read import LARGEST_SQUARE, picture_of, read_picture, read_square, square_of
from npdigits.pictures.shades import BadPicture


@dataclass(frozen=True)
class Cell:
    """A picture in a table.

    Attributes:
        source: its content, or its file.
        path, row: where it is: the table's file, and the row, the first being 1.
        where: the same and the column, for messages.
    """

    source: bytes | Path
    path: Path
    row: int
    where: str

    def square(self) -> Array | None:
        """Return the bytes of a small square picture; None for another one.

        Raises:
            DataError: it is damaged, or no picture.
        """
        try:
            return square_of(self.source) if isinstance(self.source, bytes) else read_square(self.source)
        except BadPicture as error:
            raise DataError(f"{self.where}: {error}") from error

    def grey(self) -> Array:
        """Return the grey values of any picture.

        Raises:
            DataError: it is damaged, or no picture.
        """
        try:
            return picture_of(self.source) if isinstance(self.source, bytes) else read_picture(self.source)
        except BadPicture as error:
            raise DataError(f"{self.where}: {error}") from error


class Pictures:
    """The pictures of a set, which come one by one; ``finish`` decides how they are taken.

    Attributes:
        why: what says that they are brought to MNIST's form; "" for as long as they are taken as they are.
        warning: what is odd about that; "" for nothing.
        unreadable: the file and the reason of each picture that is left out.
        named: whether pictures were read that the table only names.

    Args:
        total: how many pictures there are.
    """

    def __init__(self, total: int) -> None:
        self.why = self.warning = ""
        self.named = False
        self.unreadable: list[tuple[Path, str]] = []
        self._squares = Squares(total, self._try)
        self._images: list[Array | None] = []
        self._where: list[tuple[str, Path, int]] = []
        self._formed: dict[int, Array | None] = {}
        self._other: Array | None = None  # of a picture that is no square, for as long as it is looked at

    def add(self, part: str, cell: Cell) -> None:
        """Take the next picture of a part.

        Raises:
            DataError: it is damaged, or no picture.
        """
        number = len(self._where)
        self._where.append((part, cell.path, cell.row))
        self.named |= isinstance(cell.source, Path)
        if self.why:
            self._images.append(None)
            self._images[number] = self._form(number, cell.grey())
            return
        square = cell.square()
        self._images.append(square)
        self._other = cell.grey() if square is None else None
        self._squares.add(number, None if square is None else square.shape)
        if self._squares.are_many:
            self._form_all()

    def finish(self) -> None:
        """Decide about all pictures, of which there are no more."""
        common, first = self._squares.common, self._squares.first
        if self.why:
            return
        if common is None or first is not None:
            if common is not None and first is not None:
                _, path, row = self._where[first]
                self.warning = self._squares.warning(f"row {row} of {path.name}", len(self._where))
            self._form_all()
            return
        for number, reason in sorted(self._squares.reasons.items()):
            image = self._images[number]
            if image is None or image.shape != common:
                self._leave_out(number, reason)

    def arrays_of(self, part: str) -> tuple[Array, Array]:
        """Return a part's images, shape (n, height, width), and which of its rows they are."""
        images = [image for image, (of, *_) in zip(self._images, self._where, strict=True) if of == part]
        kept = np.array([i for i, image in enumerate(images) if image is not None], np.int64)
        there = [image for image in images if image is not None]
        return (np.stack(there) if there else np.empty((0, SIDE, SIDE), np.uint8)), kept

    @property
    def said(self) -> str:
        """How they were read, for people."""
        height, width = self._squares.common or (SIDE, SIDE)
        return self.why or f"small squares of one size, {height} × {width}: taken as they are"

    def _try(self, number: int) -> str:
        """Return why a picture would be left out when it is brought to MNIST's form, "" where it would not be."""
        image = self._images[number]
        try:
            self._formed[number] = to_mnist_form(image if image is not None else self._other)  # type: ignore[arg-type]
        except NoDigit as error:
            self._formed[number] = None
            return str(error)
        return ""

    def _form_all(self) -> None:
        """Bring all pictures so far to MNIST's form."""
        first = self._squares.first
        _, path, row = self._where[first or 0]
        most = f"{LARGEST_SQUARE} × {LARGEST_SQUARE}"
        other = f"row {row} of {path.name} is no grey square of at most {most} pixels, or of another size"
        self.why = f"brought to MNIST's form, {SIDE} × {SIDE}, as npdigits-predict does ({other})"
        for number, image in enumerate(self._images):
            if number not in self._formed and image is not None:
                self._images[number] = self._form(number, image)
                continue
            self._images[number] = self._formed.pop(number)
            if self._images[number] is None:
                self._leave_out(number, self._squares.reasons[number])

    def _form(self, number: int, grey: Array) -> Array | None:
        try:
            return to_mnist_form(grey)
        except NoDigit as error:
            self._leave_out(number, str(error))
            return None

    def _leave_out(self, number: int, reason: str) -> None:
        _, path, row = self._where[number]
        self._images[number] = None
        self.unreadable.append((path, f"row {row}: {reason}"))


def cells_of(column: Any, name: str, begin: int, path: Path) -> Iterator[Cell]:
    """Yield the pictures in a column.

    Args:
        column: of structs with a picture's bytes and perhaps its path, of bytes, or of paths.
        name: the column's.
        begin: the rows of the file before it.
        path: of the parquet file: pictures outside of it are below its folder.

    Raises:
        DataError: one is missing, or elsewhere.
    """
    import pyarrow.types as types

    if types.is_struct(column.type):
        fields = {column.type.field(i).name for i in range(column.type.num_fields)}
        if not fields or fields - {"bytes", "path"}:
            held = ", ".join(sorted(fields))[:200]
            raise DataError(f"{path}: column {name} is a struct of {held}: allowed are bytes and path")
    for i in range(len(column)):
        where = f"{path}: row {begin + i + 1}, column {name}"
        cell = column[i].as_py()
        cell = cell if isinstance(cell, dict) else {"path" if isinstance(cell, str) else "bytes": cell}
        content, outside = cell.get("bytes"), cell.get("path")
        if isinstance(content, bytes) and content:
            yield Cell(content, path, begin + i + 1, where)
        elif isinstance(outside, str) and outside:
            yield Cell(_below(path.parent, outside, where), path, begin + i + 1, where)
        else:
            raise DataError(f"{where}: the picture is missing")


def _below(folder: Path, inner: str, where: str) -> Path:
    """Return the path of a picture below a folder.

    Raises:
        DataError: it is not below it, also where a link leads out.
    """
    pure = PurePosixPath(inner)
    if pure.is_absolute() or ".." in pure.parts or "://" in inner or "\\" in inner or "\0" in inner or ":" in inner[:2]:
        raise DataError(f"{where}: {inner[:200]!r} is not below the file's folder: allowed are paths below it")
    try:
        real = (folder / inner).resolve()
        if not real.is_relative_to(folder.resolve()):
            raise DataError(f"{where}: {inner[:200]!r} leads out of the file's folder: allowed are paths below it")
    except (OSError, RuntimeError) as error:  # a circle of links, or a name that is too long
        raise DataError(f"{where}: {inner[:200]!r} cannot be read") from error
    return real
