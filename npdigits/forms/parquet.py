"""Parquet files, of which several are shards of one set. pyarrow reads them; it is an extra.

Layouts: a hub's ``image: struct<bytes: binary, path: string>, label: int64`` with the classes' names in the schema's
metadata, in shards train-00000-of-00002.parquet, test-…; one column a pixel, as Kaggle's; one list of pixels an image.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.blas import one_thread
from npdigits.base.bounded import opened
from npdigits.base.errors import DataError
from npdigits.forms.array_shapes import planes
from npdigits.forms.found import TEST, TRAIN, VAL, Found, Part, Wanted
from npdigits.forms.gathered import Gathered
from npdigits.forms.parquet_columns import (
    LISTS,
    PICTURES,
    PIXELS,
    Columns,
    find_columns,
    is_empty,
    labels_of,
    lists_of,
    pixels_of,
)
from npdigits.forms.parquet_pictures import Cell, Pictures, cells_of
from npdigits.forms.recognize import part_of
from npdigits.forms.told import told_of
from npdigits.pictures.progress import with_progress

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
            notes += [note for note in own.notes if note not in notes]
            if (own.kind, own.images, own.label) != (columns.kind, columns.images, columns.label):
                raise DataError(f"{path}: its columns are not those of {paths[0].name}: name one file")
            name = path.relative_to(place).as_posix() if place in path.parents else path.name
            shards_of.setdefault(part, []).append(Shard(path, name, rows))
    assert columns is not None
    for part, shards in shards_of.items():
        if not sum(shard.rows for shard in shards):
            raise DataError(f"{place}: its {part} set has no rows")
    if not place.is_dir() and (shard := SHARD.fullmatch(place.stem)) and int(shard[3]) > 1:
        notes.append(f"1 of {int(shard[3])} shards: the folder has all")
    if columns.left:
        more = ", …" if len(columns.left) > SHOWN else ""
        notes.append(f"left out: {', '.join(columns.left[:SHOWN])}{more}")
    reader = _Reader(parquet, columns, place, sum(shard.rows for shards in shards_of.values() for shard in shards))
    whole = {part: reader.part(part, shards) for part, shards in shards_of.items()}
    parts, said = reader.finished(whole)
    for part, of in parts.items():
        if not len(of.images):
            raise DataError(f"{place}: no picture of its {part} set can be read: {reader.pictures.unreadable[0][1]}")
    label = "none" if columns.label is None else f"column {columns.label}"
    if columns.label is not None and any(of.labels is None for of in whole.values()):
        notes.append(f"column {columns.label} is empty: no labels")
    return Found(
        f"parquet, {columns.kind}",
        parts,
        label,
        columns.classes,
        formed=bool(reader.pictures.why),
        notes=(*notes, *said),
        unreadable=tuple(reader.pictures.unreadable),
        names_files=reader.pictures.named,
        lost=_lost(whole, parts),
        columns=columns.images if columns.kind == PIXELS else (),
        warnings=tuple(filter(None, [reader.pictures.warning])),
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

    def __init__(self, parquet: Any, columns: Columns, place: Path, total: int) -> None:
        self._parquet, self._columns, self._place, self.pictures = parquet, columns, place, Pictures(total)

    def part(self, name: str, shards: Sequence[Shard]) -> Part:
        """Read a part; the images of pictures come later, by ``finished``."""
        columns, labels = self._columns, list[Array]()
        n = sum(shard.rows for shard in shards)
        images = np.empty((0,), np.uint8)
        if columns.kind == PICTURES:
            with one_thread():  # as BLAS with one rounds
                for cell in with_progress(self._cells(shards, labels), n):
                    self.pictures.add(name, cell)
        else:
            gathered = Gathered(n)
            values_of = lists_of if columns.kind == LISTS else pixels_of
            for shard, begin, batch in self._batches(shards, labels):
                place = str(shard.path)
                with told_of(shard.path):
                    held = [batch.column(column) for column in columns.images]
                    gathered.add(values_of(held, columns.images, begin, place), place, begin)
            images = gathered.done()
        return Part(images, np.concatenate(labels) if labels else None, _name_of(shards))

    def _cells(self, shards: Sequence[Shard], labels: list[Array]) -> Iterator[Cell]:
        """Yield the pictures of a part."""
        for shard, begin, batch in self._batches(shards, labels):
            with told_of(shard.path):
                cells = list(
                    cells_of(batch.column(self._columns.images[0]), self._columns.images[0], begin, shard.path)
                )
            yield from cells

    def _batches(self, shards: Sequence[Shard], labels: list[Array]) -> Iterator[tuple[Shard, int, Any]]:
        """Yield the rows of some files, some at a time, each time with how many of its file came before.

        Args:
            shards: the files.
            labels: to which those of the rows are added; none if none of all rows has one.
        """
        name = self._columns.label
        missing = ""
        for shard in shards:
            for begin, batch in self._batches_of(shard):
                if name is not None:
                    with told_of(shard.path):
                        column = batch.column(name)
                        if is_empty(column) and not labels:
                            missing = missing or f"{shard.path}: row {begin + 1}, column {name}: a value is missing"
                        elif missing:
                            raise DataError(missing)
                        else:
                            labels.append(labels_of(column, name, begin, str(shard.path)))
                yield shard, begin, batch

    def _batches_of(self, shard: Shard) -> Iterator[tuple[int, Any]]:
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

    def finished(self, parts: Mapping[str, Part]) -> tuple[dict[str, Part], list[str]]:
        """Return the parts with all images, and what is said of them."""
        notes: list[str] = []
        done = {}
        if self._columns.kind == PICTURES:
            self.pictures.finish()
        for name, part in parts.items():
            if self._columns.kind == PICTURES:
                images, kept = self.pictures.arrays_of(name)
                labels = None if part.labels is None else part.labels[kept]
                done[name] = Part(images, labels, lambda i, part=part, kept=kept: part.name_of(int(kept[i])))  # type: ignore[misc]
            else:
                images, note = planes(part.images, f"{self._place}: column {self._columns.images[0]}")
                notes += [note] if note and note not in notes else []
                done[name] = Part(images, part.labels, part.name_of)
        if self._columns.kind == PICTURES:
            notes.append(self.pictures.said)
        return done, notes


def _lost(whole: Mapping[str, Part], kept: Mapping[str, Part]) -> tuple[str, ...]:
    """Return the labels of which no picture of some part could be read."""
    lost: dict[str, None] = {}
    for part, of in whole.items():
        left = kept[part].labels
        if of.labels is not None and left is not None and len(left) < len(of.labels):
            lost |= dict.fromkeys(map(str, np.setdiff1d(of.labels, left).tolist()))
    return tuple(lost)


def _name_of(shards: Sequence[Shard]) -> Callable[[int], str]:
    """Return the function that says where the i-th image of a part is."""
    ends = np.cumsum([shard.rows for shard in shards])

    def name_of(i: int) -> str:
        shard = int(np.searchsorted(ends, i, side="right"))
        return f"{shards[shard].name}: row {i - int(ends[shard]) + shards[shard].rows + 1}"

    return name_of
