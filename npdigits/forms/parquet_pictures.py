"""Pictures in a table: taken as they are if all are small ones of one size, else brought to MNIST's form."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import DataError
from npdigits.pictures.components import NoDigit
from npdigits.pictures.mnist_form import SIDE, to_mnist_form
from npdigits.pictures.read import picture_of, read_picture
from npdigits.pictures.shades import BadPicture

# Pictures whose longer side is at most so long are images of a set; larger ones are photographs or scans.
SMALL = 64


@dataclass
class Pictures:
    """The pictures of a set.

    Attributes:
        formed: whether they are brought to MNIST's form.
        images: by part, the images, in order; None for a picture in which there is no digit.
        unreadable: the file and the reason of each of those.
    """

    formed: bool = False
    images: dict[str, list[Array | None]] = field(default_factory=dict)
    unreadable: list[tuple[Path, str]] = field(default_factory=list)
    _places: dict[str, list[tuple[Path, int]]] = field(default_factory=dict)
    _size: tuple[int, ...] | None = None

    def add(self, part: str, grey: Array, path: Path, row: int) -> None:
        """Take a picture's grey values, in a row of a file."""
        images, places = self.images.setdefault(part, []), self._places.setdefault(part, [])
        self._size = self._size or grey.shape
        if not self.formed and (max(grey.shape) > SMALL or grey.shape != self._size):
            self.formed = True
            for before, held in self.images.items():
                held[:] = [self._form(one, *place) for one, place in zip(held, self._places[before], strict=True)]
        images.append(self._form(grey, path, row) if self.formed else grey)
        places.append((path, row))

    def _form(self, grey: Array | None, path: Path, row: int) -> Array | None:
        assert grey is not None
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


def greys_of(column: Any, name: str, begin: int, path: Path) -> Iterable[Array]:
    """Yield the grey values of the pictures in a column.

    Args:
        column: of structs with a picture's bytes and perhaps its path, of bytes, or of paths.
        name: the column's.
        begin: the rows of the file before it.
        path: of the parquet file: pictures outside of it are below its folder.

    Raises:
        DataError: one is missing, no picture, or elsewhere.
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
        try:
            if isinstance(content, bytes) and content:
                yield picture_of(content)
            elif isinstance(outside, str) and outside:
                yield read_picture(_below(path.parent, outside, where))
            else:
                raise DataError(f"{where}: the picture is missing")
        except BadPicture as error:
            raise DataError(f"{where}: {error}") from error


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
