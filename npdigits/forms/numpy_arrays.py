"""NumPy's files: .npz, whose members may be packed, and .npy, of which several are a set. No pickle is ever read.

Layouts: Keras' ``mnist.npz`` (x_train, y_train, x_test, y_test), MedMNIST (train_images, train_labels of shape (n, 1),
val_images …, test_images …), ``X, y``, ``data, target``, ``images, labels``, and numpy.savez's own names arr_0, arr_1.
"""

import contextlib
import os
import zipfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import IO

from npdigits.base.arrays import Array
from npdigits.base.bounded import opened
from npdigits.base.errors import DataError
from npdigits.base.npz import Declared, Sparing
from npdigits.forms.derived_arrays import split_table
from npdigits.forms.found import Found, Wanted
from npdigits.forms.named_arrays import read_arrays
from npdigits.forms.npy_stream import Objects, read_elements, read_header
from npdigits.forms.recognize import PACKED, ZIP
from npdigits.forms.stored import Source, Stored
from npdigits.forms.told import told_of

# Deflate makes at most so many bytes of one: 258 of two bits (RFC 1951); and a few more at the end.
MOST_DEFLATED, ENDING = 1032, 64
MOST_MEMBERS = 1000
LONGEST_NAME = 200
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def read(files: Sequence[Path], wanted: Wanted, place: Path) -> Found:
    """Read an .npz file, or .npy files that are one set.

    Raises:
        DataError: one is damaged, holds Python objects, or there is no set in them.
    """
    with told_of(files[0]), opened(files[0]) as file:
        packed = file.read(len(ZIP)) == ZIP
    source = _npz(files[0]) if packed else _npy(files, place)
    return read_arrays(split_table(source, wanted), wanted)


def _npz(path: Path) -> Source:
    arrays: dict[str, Stored] = {}
    left: dict[str, str] = {}
    with told_of(path), _archive(path) as (archive, size):
        members = _members(archive, size)
        for name, member in members.items():
            try:
                with archive.open(member) as content:
                    declared = _fitting(read_header(content), member.file_size)
            except Objects as error:
                left[name] = str(error)
            else:
                arrays[name] = Stored(declared.shape, declared.dtype, partial(_read_member, path, member.filename))
    return Source(path, "npz", arrays, left, lambda name, i: f"{path.name}: {name}[{i}]")


@contextlib.contextmanager
def _archive(path: Path) -> Iterator[tuple[zipfile.ZipFile, int]]:
    """Open an archive, and give it with the size of its file."""
    with opened(path) as file, zipfile.ZipFile(Sparing(file)) as archive:
        yield archive, os.fstat(file.fileno()).st_size


def _members(archive: zipfile.ZipFile, size: int) -> dict[str, zipfile.ZipInfo]:
    """Return the members by the names of their arrays.

    Raises:
        ValueError: they are packed in another way than numpy.savez_compressed packs, overlap, or say that they hold
            more than their bytes can.
    """
    listed = [member for member in archive.infolist() if not member.is_dir()]
    if len(listed) > MOST_MEMBERS:
        raise ValueError(f"{len(listed):,} arrays: allowed are {MOST_MEMBERS:,}")
    if sum(member.compress_size for member in listed) > size:
        raise ValueError("its members overlap")
    members: dict[str, zipfile.ZipInfo] = {}
    for member in listed:
        name = member.filename.removesuffix(".npy")
        if name == member.filename or not name.isprintable() or len(name) > LONGEST_NAME or name in members:
            raise ValueError(f"{member.filename[:LONGEST_NAME]!r} is no member that belongs here")
        if member.compress_type not in METHODS or member.flag_bits & 1:
            raise ValueError(f"{name} is encrypted, or packed otherwise than numpy.savez_compressed packs")
        if member.file_size > member.compress_size * MOST_DEFLATED + ENDING:
            raise ValueError(
                f"{name} declares {member.file_size:,} bytes, of {member.compress_size:,} that are there: "
                f"allowed is {MOST_DEFLATED} times as many"
            )
        members[name] = member
    return members


def _fitting(declared: Declared, size: int) -> Declared:
    """Return what a header declares.

    Raises:
        ValueError: it is not what a file of this size holds.
    """
    if declared.start + declared.size * declared.dtype.itemsize != size:
        raise ValueError(f"it declares {declared}, which is not as long as it says")
    return declared


def _read_member(path: Path, name: str) -> Array:
    with told_of(f"{path}: {name.removesuffix('.npy')}"), _archive(path) as (archive, _), archive.open(name) as content:
        return read_elements(content, read_header(content))


def _npy(files: Sequence[Path], place: Path) -> Source:
    arrays: dict[str, Stored] = {}
    left: dict[str, str] = {}
    where: dict[str, str] = {}
    for path in files:
        inner = path.relative_to(place) if place in path.parents else Path(path.name)
        name = inner.as_posix().partition(".npy")[0]
        if name in where:
            raise DataError(f"{place}: {where[name]} and {inner.name} are one array by their names: remove one")
        where[name] = inner.as_posix()
        with told_of(path), _stream(path) as (stream, size):
            try:
                declared = read_header(stream)
            except Objects as error:
                left[name] = str(error)
                continue
            if size is not None:
                _fitting(declared, size)
        arrays[name] = Stored(declared.shape, declared.dtype, partial(_read_file, path))
    return Source(place, "npy", arrays, left, lambda name, i: f"{where.get(name, name)}[{i}]")


@contextlib.contextmanager
def _stream(path: Path) -> Iterator[tuple[IO[bytes], int | None]]:
    """Open a file, which may be packed, and give it with its size; None where only reading it tells that."""
    with opened(path) as file:
        first = file.read(8)
        file.seek(0)
        for magic, unpack in PACKED.items():
            if first.startswith(magic):
                with unpack(file) as stream:
                    yield stream, None
                return
        yield file, os.fstat(file.fileno()).st_size


def _read_file(path: Path) -> Array:
    with told_of(path), _stream(path) as (stream, _):
        return read_elements(stream, read_header(stream))
