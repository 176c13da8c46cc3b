"""Pictures in a table: taken as they are if all are small squares of one size, else brought to MNIST's form.

The rule is that of folders of pictures (``class_folder``): the same pictures are the same digits in either.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import DataError
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


@dataclass
class Pictures:
    """The pictures of a set.

    Attributes:
        why: what says that they are brought to MNIST's form; "" for as long as they are taken as they are.
        images: by part, the images, in order; None for a picture in which there is no digit.
        unreadable: the file and the reason of each of those.
        named: whether pictures were read that the table only names.
    """

    why: str = ""
    named: bool = False
    images: dict[str, list[Array | None]] = field(default_factory=dict)
    unreadable: list[tuple[Path, str]] = field(default_factory=list)
    _rows: dict[str, list[tuple[Path, int]]] = field(default_factory=dict)
    _size: tuple[int, ...] | None = None

    def add(self, part: str, cell: Cell) -> None:
        """Take the next picture of a part.

        Raises:
            DataError: it is damaged, or no picture.
        """
        images, rows = self.images.setdefault(part, []), self._rows.setdefault(part, [])
        self.named |= isinstance(cell.source, Path)
        square = None if self.why else cell.square()
        if square is not None:
            self._size = self._size or square.shape
        if not self.why and (square is None or square.shape != self._size):
            self._form_those_before(cell)
        images.append(self._form(cell.grey(), cell.path, cell.row) if self.why else square)
        rows.append((cell.path, cell.row))

    def _form_those_before(self, cell: Cell) -> None:
        most = f"{LARGEST_SQUARE} × {LARGEST_SQUARE}"
        other = f"row {cell.row} of {cell.path.name} is no grey square of at most {most} pixels, or of another size"
        self.why = f"brought to MNIST's form, {SIDE} × {SIDE}, as npdigits-predict does ({other})"
        for part, held in self.images.items():
            rows = self._rows[part]
            held[:] = [self._form(image, *row) for image, row in zip(held, rows, strict=True) if image is not None]

    def _form(self, grey: Array, path: Path, row: int) -> Array | None:
        try:
            return to_mnist_form(grey)
        except NoDigit as error:
            self.unreadable.append((path, f"row {row}: {error}"))
            return None

    def arrays_of(self, part: str) -> tuple[Array, Array]:
        """Return a part's images, shape (n, height, width), and which of its rows they are."""
        images = self.images.get(part, [])
        kept = np.array([i for i, image in enumerate(images) if image is not None], np.int64)
        there = [image for image in images if image is not None]
        return (np.stack(there) if there else np.empty((0, SIDE, SIDE), np.uint8)), kept

    @property
    def said(self) -> str:
        """How they were read, for people."""
        height, width = self._size or (SIDE, SIDE)
        return self.why or f"small squares of one size, {height} × {width}: taken as they are"


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
