"""Arrays as the bytes of an .npz file, and .npz files that are read with distrust."""

import hashlib
import io
import math
import os
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.bounded import opened
from npdigits.base.errors import UserError

# An array's header in an .npz file has at most so many bytes; those of plain arrays have 118 or 182. It is Python that
# reads them: 20,000 headers of 10,000 bytes would take a minute.
LONGEST_HEADER = 512
# Bytes that are read at once. An archive's list of 20,000 members, of 5,000 layers and more, has 1 MB.
LONGEST_PIECE = 1 << 20


@dataclass(frozen=True)
class Declared:
    """What an array's header in a file says.

    Attributes:
        shape, dtype: the array's.
        in_columns: whether its first axis runs fastest (Fortran's order).
        start: bytes of the header.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    in_columns: bool
    start: int

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    def __str__(self) -> str:
        return f"{self.dtype.name} of shape {self.shape}"


# Given what a file declares, by name, and a function that reads one array; raises ValueError where it does not fit.
Fits = Callable[[Mapping[str, Declared], Callable[[str], Array]], None]


def npz(arrays: dict[str, Array]) -> bytes:
    """Return arrays as the bytes of an .npz file. It holds no time: the same arrays give the same bytes.

    Raises:
        ValueError: an array holds objects, which would be pickled.
    """
    if objects := [name for name, array in arrays.items() if np.asarray(array).dtype.hasobject]:
        raise ValueError(f"{', '.join(objects)}: objects are not written")
    buffer = io.BytesIO()
    # Without allow_pickle: NumPy 2.0 and 2.1 do not know it, and would store it as one more array.
    named: dict[str, Any] = dict(arrays)
    np.savez(buffer, **named)
    return buffer.getvalue()


def read_npz(path: Path, fits: Fits | None = None, most: int | None = None) -> dict[str, Array]:
    """Read an .npz file that ``npz`` wrote, and nothing else.

    Nothing is unpickled, no member is decompressed, and no more memory is taken than the file is large: 195 kB of a
    packed .npz can declare 200 MB. As a file can be large and take no room on a disk, what it declares is looked at
    before an array is read.

    Args:
        path: of the file.
        fits: is given what the file declares, and raises ValueError where it is not what belongs there.
        most: bytes that the file may have; None for any number.

    Raises:
        OSError: it cannot be read.
        MemoryError: there is too little memory for it.
        ValueError: it is damaged.
        UserError: as ``fits`` raises.
    """
    try:
        with opened(path, most) as file, zipfile.ZipFile(Sparing(file)) as archive:
            members = _members(archive, os.fstat(file.fileno()).st_size)
            members.pop("allow_pickle", None)  # which npdigits 0.2.0 wrote with NumPy 2.0 and 2.1
            declared = {name: _declared(archive, member) for name, member in members.items()}
            if fits:
                fits(declared, lambda name: _array(archive, members[name], declared[name]))
            return {name: _array(archive, member, declared[name]) for name, member in members.items()}
    except (OSError, MemoryError, UserError):
        raise
    except Exception as error:  # hostile bytes can raise almost anything in zipfile and NumPy's header parser
        raise ValueError(f"{path}: damaged: {error or type(error).__name__}") from error


class LongList(ValueError):
    """An archive whose list of members is longer than that of any data set."""


class Sparing:
    """A file that is read by pieces only: zipfile reads an archive's list of members at once, however long it says."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell, self.close = file.seek, file.tell, file.close
        self.seekable, self.mode = file.seekable, "rb"

    def read(self, n: int = -1) -> bytes:
        if n > LONGEST_PIECE:
            raise LongList(f"a list of members of {n:,} bytes")
        return self._file.read(LONGEST_PIECE if n < 0 else n)


def _members(archive: zipfile.ZipFile, size: int) -> dict[str, zipfile.ZipInfo]:
    """Return the members of an archive by the names of their arrays.

    Raises:
        ValueError: one is packed, has a name that no array has, or shares its bytes with another.
    """
    if sum(member.compress_size for member in archive.infolist()) > size:
        raise ValueError("its members overlap")
    members: dict[str, zipfile.ZipInfo] = {}
    for member in archive.infolist():
        if member.compress_type != zipfile.ZIP_STORED or member.file_size != member.compress_size:
            raise ValueError(f"{member.filename[:80]} is packed")
        name = member.filename.removesuffix(".npy")
        if name in members or not name.isidentifier() or not member.filename.endswith(".npy") or len(name) > 200:
            raise ValueError(f"{member.filename[:80]} is not a member that belongs here")
        members[name] = member
    return members


def _declared(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Declared:
    """Return what the header of an .npy file says, which declares as many bytes as there are.

    Raises:
        ValueError: it does not, or the array is of another kind.
    """
    with archive.open(member) as content:
        file = io.BytesIO(content.read(min(LONGEST_HEADER, member.file_size)))
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("an array of another format")
    shape, in_columns, dtype = np.lib.format.read_array_header_1_0(file, max_header_size=LONGEST_HEADER)
    found = Declared(shape, dtype, in_columns, file.tell())
    name = member.filename.removesuffix(".npy")
    if dtype.kind not in "fiub":
        raise ValueError(f"{name} is {dtype.name}: allowed are whole numbers, floats such as float32, and truth values")
    if found.size * dtype.itemsize != member.file_size - found.start:
        raise ValueError(f"{name} is {found}, which is not as long as it says")
    return found


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo, declared: Declared) -> Array:
    """Return the array of a member.

    Raises:
        zipfile.BadZipFile: its bytes are not those that were written.
    """
    flat = np.empty(declared.size, declared.dtype)
    left = flat.view(np.uint8).data
    with archive.open(member) as content:
        content.read(declared.start)
        while len(left):
            piece = content.read(min(LONGEST_PIECE, len(left)))
            if not piece:
                raise ValueError(f"{member.filename} is torn")
            left[: len(piece)] = piece
            left = left[len(piece) :]
        content.read(1)  # at the end the checksum is looked at
    array: Array = flat.reshape(declared.shape, order="F" if declared.in_columns else "C")
    return array


def hash_arrays(arrays: dict[str, Array], in_order: bool = False) -> str:
    """Return the SHA-256 of arrays: of their names, types, shapes and elements, in the order of the names.

    Args:
        arrays: name -> array.
        in_order: hash them in the order in which they stand there.
    """
    hasher = hashlib.sha256()
    for name in arrays if in_order else sorted(arrays):
        array = arrays[name]
        hasher.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        hasher.update(np.ascontiguousarray(array).data)
    return hasher.hexdigest()
