"""Parquet files, of which several are shards of one set. pyarrow reads them; it is an extra.

Layouts: a hub's ``image: struct<bytes: binary, path: string>, label: int64`` with the classes' names in the schema's
metadata, in shards train-00000-of-00002.parquet, test-…; one column a pixel, as Kaggle's; one list of pixels an image.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.bounded import opened
from npdigits.base.errors import DataError
from npdigits.forms.array_shapes import planes
from npdigits.forms.declared import refuse_too_large
from npdigits.forms.found import TEST, TRAIN, VAL, Found, Part, Wanted
from npdigits.forms.parquet_columns import (
    LISTS,
    PICTURES,
    PIXELS,
    Columns,
    find_columns,
    labels_of,
    lists_of,
    pixels_of,
)
from npdigits.forms.parquet_pictures import Pictures, greys_of
from npdigits.forms.recognize import part_of
from npdigits.forms.told import told_of

MAGIC = b"PAR1"
SHARD = re.compile(r"(.*)-(\d{5})-of-(\d{5})")
# Rows that are read at once: of pictures and lists; of columns a pixel, so many values.
ROWS, VALUES = 512, 1 << 20
SHOWN = 5


@dataclass(frozen=True)
class Shard:
    """A file of a part.

    Attributes:
        path: its own.
        name: for people, from the folder that was named.
        rows: as it declares.
    """

    path: Path
    name: str
    rows: int


class Gathered:
    """Images of which some come at a time: bytes for as long as all values are, then of the type that they have."""

    def __init__(self, n: int) -> None:
        self._n, self._done, self._images = n, 0, np.empty((0,), np.uint8)

    def add(self, images: Array, place: str, begin: int) -> None:
        """Take the next images, from rows of a file.

        Raises:
            DataError: they are of another size than those before, or too large in all, or hold what is no number.
        """
        if not self._done:
            refuse_too_large(self._n * images[0].size, place)
            self._images = np.empty((self._n, *images.shape[1:]), np.uint8)
        if images.shape[1:] != self._images.shape[1:]:
            raise DataError(f"{place}: row {begin + 1} is of shape {images.shape[1:]}, others {self._images.shape[1:]}")
        if images.dtype.kind == "f" and not (known := np.isfinite(images)).all():
            i = int(np.argmin(known.reshape(len(images), -1).all(axis=1)))
            raise DataError(f"{place}: row {begin + i + 1}: a pixel is {images[i][~known[i]][0]}: allowed are numbers")
        if self._images.dtype == np.uint8 and not _are_bytes(images):
            refuse_too_large(self._n * images[0].size * images.itemsize, place)
            self._images = self._images.astype(images.dtype)
        elif not np.can_cast(images.dtype, self._images.dtype) and not _are_bytes(images):
            self._images = self._images.astype(np.result_type(images.dtype, self._images.dtype))
        self._images[self._done : self._done + len(images)] = images
        self._done += len(images)

    def all(self) -> Array:
        """Return them."""
        return self._images


def _are_bytes(images: Array) -> bool:
    if images.dtype in (np.uint8, bool):
        return True
    if not images.size or images.min() < 0 or images.max() > 255:
        return False
    return images.dtype.kind != "f" or bool((images == np.floor(images)).all())


def read(files: Sequence[Path], wanted: Wanted, place: Path) -> Found:
    """Read parquet files as one set.

    Raises:
        DataError: pyarrow is missing, a file is damaged, or there is no set in them.
    """
    parquet = imported()
    columns: Columns | None = None
    notes: list[str] = []
    shards_of: dict[str, list[Shard]] = {}
    for part, paths in _by_part(files, place).items():
        for path in paths:
            rows, own = _schema(parquet, path, wanted)
            columns = columns or own
            if (own.kind, own.images, own.label) != (columns.kind, columns.images, columns.label):
                raise DataError(f"{path}: its columns are not those of {paths[0].name}: name one file")
            name = path.relative_to(place).as_posix() if place in path.parents else path.name
            shards_of.setdefault(part, []).append(Shard(path, name, rows))
    assert columns is not None
    if columns.left:
        more = ", …" if len(columns.left) > SHOWN else ""
        notes.append(f"left out: {', '.join(columns.left[:SHOWN])}{more}")
    reader = _Reader(parquet, columns)
    parts = {part: reader.part(part, shards) for part, shards in shards_of.items()}
    parts, said = reader.finished(parts)
    for part, of in parts.items():
        if not len(of.images):
            raise DataError(f"{place}: its {part} set has no images")
    label = "none" if columns.label is None else f"column {columns.label}"
    return Found(
        f"parquet, {columns.kind}",
        parts,
        label,
        columns.classes,
        formed=reader.pictures.formed,
        notes=(*notes, *said),
        unreadable=tuple(reader.pictures.unreadable),
    )


def imported() -> Any:
    """Return the module pyarrow.parquet.

    Raises:
        DataError: it is not there.
    """
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise DataError('parquet files need pyarrow: pip install "npdigits[parquet]"') from error
    return pyarrow.parquet


def _by_part(files: Sequence[Path], place: Path) -> dict[str, list[Path]]:
    """Return the files of each part of the set, by their names or those of their folders.

    Raises:
        DataError: they are of several sets, or some shards are missing.
    """
    found: dict[str | None, list[Path]] = {}
    sets: dict[tuple[str, ...], Path] = {}
    for path in files:
        folders = path.relative_to(place).parts[:-1] if place in path.parents else ()
        named = [part_of(name) for name in (path.stem, *reversed(folders))]
        found.setdefault(next(filter(None, named), None), []).append(path)
        sets.setdefault(tuple(name for name in folders if part_of(name) is None and name != "data"), path)
    if len(sets) > 1:
        names = ", ".join("/".join(folders) or "." for folders in sorted(sets)[:SHOWN])
        raise DataError(f"{place}: holds several sets, in {names}: name one folder")
    if len(found) > 1 and None in found:
        raise DataError(f"{place}: which part is {found[None][0].name}? Its name says neither train nor test")
    for paths in found.values():
        if place.is_dir():
            _refuse_missing_shards(paths)
    if len(found) == 1:
        return {TRAIN: next(iter(found.values()))}
    return {part: found[part] for part in (TRAIN, VAL, TEST) if part in found}


def _refuse_missing_shards(paths: Sequence[Path]) -> None:
    """Refuse a part whose files say that there are more.

    Raises:
        DataError: they do.
    """
    there = [match for path in paths if (match := SHARD.fullmatch(path.stem))]
    if not there or len(there) < len(paths):
        return
    missing = set(range(int(there[0][3]))) - {int(match[2]) for match in there} if int(there[0][3]) < 10**4 else set()
    if missing:
        raise DataError(f"{paths[0].parent}: {there[0][1]}-{min(missing):05}-of-{there[0][3]}.parquet is missing")


def _schema(parquet: Any, path: Path, wanted: Wanted) -> tuple[int, Columns]:
    """Return how many rows a file declares, and what its columns are."""
    with told_of(path), opened(path) as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise DataError(f"{path}: packed: unpack it and name the .parquet file")
        file.seek(0)
        table = parquet.ParquetFile(file)
        rows = int(table.metadata.num_rows)
        if rows < 0:
            raise ValueError(f"{rows} rows")
        return rows, find_columns(table.schema_arrow, wanted, str(path))


class _Reader:
    """Reads parts of a set whose columns are known."""

    def __init__(self, parquet: Any, columns: Columns) -> None:
        self._parquet, self._columns, self.pictures = parquet, columns, Pictures()

    def part(self, name: str, shards: Sequence[Shard]) -> Part:
        """Read a part; the images of pictures come later, by ``finished``."""
        gathered, labels = Gathered(sum(shard.rows for shard in shards)), []
        columns = self._columns
        for shard in shards:
            place = str(shard.path)
            for begin, batch in self._batches(shard):
                with told_of(shard.path):
                    held = [batch.column(column) for column in columns.images]
                    if columns.label is not None:
                        labels.append(labels_of(batch.column(columns.label), columns.label, begin, place))
                    if columns.kind == PICTURES:
                        for i, grey in enumerate(greys_of(held[0], columns.images[0], begin, shard.path)):
                            self.pictures.add(name, grey, shard.path, begin + i + 1)
                    elif columns.kind == LISTS:
                        gathered.add(lists_of(held[0], columns.images[0], begin, place), place, begin)
                    else:
                        gathered.add(pixels_of(held, columns.images, begin, place), place, begin)
        joined = np.concatenate(labels) if labels else None
        return Part(gathered.all(), joined, _name_of(shards))

    def _batches(self, shard: Shard) -> Iterator[tuple[int, Any]]:
        """Yield the rows of a file, some at a time, each time with how many came before.

        Raises:
            DataError: it is damaged.
        """
        names = [*self._columns.images, *filter(None, [self._columns.label])]
        rows = max(1, VALUES // len(names)) if self._columns.kind == PIXELS else ROWS
        done = 0
        with told_of(shard.path), opened(shard.path) as file:
            # Read page by page: a row group may be larger than the memory.
            table = self._parquet.ParquetFile(file, buffer_size=1 << 20, pre_buffer=False)
            for batch in table.iter_batches(rows, columns=names, use_threads=False):
                if done + len(batch) > shard.rows:
                    raise ValueError(f"more than the {shard.rows:,} rows that it declares")
                if len(batch):
                    yield done, batch
                done += len(batch)
            if done < shard.rows:
                raise ValueError(f"{done:,} of {shard.rows:,} rows are there")

    def finished(self, parts: dict[str, Part]) -> tuple[dict[str, Part], list[str]]:
        """Return the parts with all images, and what is said of them."""
        notes: list[str] = []
        done = {}
        for name, part in parts.items():
            if self._columns.kind == PICTURES:
                images, kept = self.pictures.arrays_of(name)
                labels = None if part.labels is None else part.labels[kept]
                done[name] = Part(images, labels, lambda i, part=part, kept=kept: part.name_of(int(kept[i])))  # type: ignore[misc]
            else:
                images, note = planes(part.images, f"column {self._columns.images[0]}")
                notes += [note] if note and note not in notes else []
                done[name] = Part(images, part.labels, part.name_of)
        if self._columns.kind == PICTURES:
            how = "brought to MNIST's form" if self.pictures.formed else "taken as they are"
            notes.append(f"pictures: {how}")
        return done, notes


def _name_of(shards: Sequence[Shard]) -> Callable[[int], str]:
    """Return the function that says where the i-th image of a part is."""
    ends = np.cumsum([shard.rows for shard in shards])

    def name_of(i: int) -> str:
        shard = int(np.searchsorted(ends, i, side="right"))
        return f"{shards[shard].name}: row {i - int(ends[shard]) + shards[shard].rows + 1}"

    return name_of
