"""HDF5 files, among them MATLAB's of version 7.3. h5py reads them; it is an extra.

Layouts: usps.h5 (groups train and test, each with data (n, 256), floats 0 … 1, and target), flat ``X, y``,
``x_train, y_train …``, ``images, labels``; arrays at any depth are found by their names and shapes.

What a file may ask of the HDF5 library beside numbers is refused before it is asked: links to other files, arrays whose
elements lie in other files, filters that would be loaded from elsewhere, chunks larger than their array.
"""

import math
import zlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.bounded import opened
from npdigits.base.errors import DataError
from npdigits.forms.derived_arrays import joined_classes, split_table
from npdigits.forms.found import Found, Wanted
from npdigits.forms.mat import with_mapping
from npdigits.forms.named_arrays import read_arrays
from npdigits.forms.stored import Source, Stored
from npdigits.forms.told import told_of

SIGNATURE, AT = b"\x89HDF\r\n\x1a\n", (0, 512)
MATLAB = b"MATLAB 7.3"
DEEPEST, MOST_OBJECTS = 8, 2000
# Filters that come with h5py: deflate, shuffle, Fletcher's checksum, LZF. Others would be loaded from a folder.
DEFLATE, LZF = 1, 32000
FILTERS = {DEFLATE: "deflate", 2: "shuffle", 3: "fletcher32", LZF: "lzf"}
# A chunk is unpacked as a whole; a small array may lie in one that is larger than it.
LEAST_CHUNK = 1 << 24
MOST_DEFLATED, ENDING = 1032, 1 << 12
MATLAB_OTHERS = {"cell": "a cell array", "char": "text", "function_handle": "a function"}


def read(files: Sequence[Path], wanted: Wanted, place: Path) -> Found:
    """Read an HDF5 file.

    Raises:
        DataError: h5py is missing, the file is damaged, or there is no set in it.
    """
    (path,) = files
    with told_of(path), opened(path) as file:
        first = file.read(AT[-1] + len(SIGNATURE))
    if not any(first[at:].startswith(SIGNATURE) for at in AT):
        raise DataError(f"{path}: packed: unpack it and name the .h5 file")
    h5py = imported()
    matlab = first.startswith(MATLAB)
    listing = _Listing(h5py, path, matlab)
    with told_of(path), h5py.File(path, "r", locking=False) as opened_file:
        listing.over(opened_file, "", 0)
    found = {"open_orientation": True} if matlab else {}
    name = "MATLAB 7.3" if matlab else "HDF5"
    source = Source(
        path,
        name,
        listing.arrays,
        listing.left,
        lambda array, i: f"{path.name}: {array}" + (f", image {i + 1}" if matlab else f"[{i}]"),
        samples_last=matlab,
        found=found,
    )
    if matlab:
        source = joined_classes(source)
    return with_mapping(read_arrays(split_table(source, wanted), wanted), listing.arrays)


def imported() -> Any:
    """Return the module h5py.

    Raises:
        DataError: it is not there.
    """
    try:
        import h5py
    except ImportError as error:
        raise DataError('HDF5 files need h5py: pip install "npdigits[hdf5]"') from error
    return h5py


class _Listing:
    """Goes through the groups of a file and notes its arrays, by hard links alone."""

    def __init__(self, h5py: Any, path: Path, matlab: bool) -> None:
        self._h5py, self._path, self._matlab = h5py, path, matlab
        self._seen: set[Any] = set()
        self._objects = 0
        self.arrays: dict[str, Stored] = {}
        self.left: dict[str, str] = {}

    def over(self, group: Any, above: str, depth: int) -> None:
        """Note what is in a group."""
        address = self._h5py.h5o.get_info(group.id).addr
        if address in self._seen or depth > DEEPEST:
            return
        self._seen.add(address)
        for key in group:
            self._objects += 1
            if self._objects > MOST_OBJECTS:
                raise ValueError(f"more than {MOST_OBJECTS:,} objects")
            name = f"{above}/{key}" if above else key
            if not name.isprintable() or (self._matlab and name.startswith("#")):  # what objects keep for themselves
                continue
            link = group.get(key, getlink=True)
            if isinstance(link, self._h5py.ExternalLink):
                raise DataError(f"{self._path}: {name} is a link to another file, which is not followed")
            if not isinstance(link, self._h5py.HardLink):  # what it leads to has a place of its own in the file
                continue
            what = group[key]
            if isinstance(what, self._h5py.Group):
                self.over(what, name, depth + 1)
            elif isinstance(what, self._h5py.Dataset):
                self._note(name, what)

    def _note(self, name: str, array: Any) -> None:
        """Note an array, or why it is not read."""
        if array.external or array.is_virtual:
            raise DataError(f"{self._path}: {name} lies in another file, which is not read")
        if (why := self._other(array)) is not None:
            self.left[name] = why
            return
        self._refuse_more_than_there_is(name, array)
        shape, dtype = tuple(map(int, array.shape)), array.dtype
        self.arrays[name] = Stored(
            shape[::-1] if self._matlab else shape, dtype, partial(_read, self._path, name, shape, dtype, self._matlab)
        )

    def _other(self, array: Any) -> str | None:
        """Return what an array is that is none of plain numbers; None if it is one."""
        if self._matlab:
            if "MATLAB_empty" in array.attrs:
                return "an empty array"
            kind = array.attrs.get("MATLAB_class", b"")
            kind = kind.decode("ascii", "replace") if isinstance(kind, bytes) else str(kind)
            if kind in MATLAB_OTHERS:
                return f"{MATLAB_OTHERS[kind]}, which is not read"
        if array.shape is None:
            return "empty"
        if array.dtype.kind not in "biufS" or array.dtype.subdtype:
            return "no plain numbers: save numbers, or texts of one length"
        for number in _filters(array):
            if number not in FILTERS:
                return f"packed by filter {number}, which is not there: allowed are {', '.join(FILTERS.values())}"
        return None

    def _refuse_more_than_there_is(self, name: str, array: Any) -> None:
        """Refuse an array that declares more than its bytes in the file can hold.

        Raises:
            ValueError: it does.
        """
        size = math.prod(map(int, array.shape)) * array.dtype.itemsize
        there = array.id.get_storage_size()
        packed = MOST_DEFLATED if array.chunks and _filters(array) else 1
        if size > there * packed + ENDING:
            raise ValueError(f"{name} declares {size:,} bytes, of {there:,} that are there")
        if there > self._path.stat().st_size:
            raise ValueError(f"{name} has {there:,} bytes, more than the file")
        chunk = math.prod(map(int, array.chunks)) * array.dtype.itemsize if array.chunks else 0
        if chunk > max(size, LEAST_CHUNK):
            raise ValueError(f"{name} of {size:,} bytes lies in chunks of {chunk:,}")
        if chunk and (filters := _filters(array)):
            _refuse_bombs(name, array, chunk, filters)


def _refuse_bombs(name: str, array: Any, size: int, filters: Sequence[int]) -> None:
    """Refuse an array with a chunk that unpacks to more than a chunk: the HDF5 library would unpack it in full.

    Args:
        name: of the array, for messages.
        array: of the file.
        size: bytes of a chunk.
        filters: through which a chunk went when it was written, in order.

    Raises:
        ValueError: there is such a chunk, or a chunk was packed twice.
    """
    if sum(number in (DEFLATE, LZF) for number in filters) > 1:
        raise ValueError(f"{name} was packed twice")
    chunks: list[tuple[tuple[int, ...], int]] = []
    array.id.chunk_iter(lambda chunk: chunks.append((chunk.chunk_offset, chunk.size)))
    for offset, there in chunks:
        if there > size + size // 16 + ENDING:
            raise ValueError(f"{name}: a packed chunk has {there:,} bytes, unpacked {size:,}")
        if DEFLATE in filters:
            left_out, packed = array.id.read_direct_chunk(offset)
            if left_out >> filters.index(DEFLATE) & 1:
                continue
            if len(zlib.decompressobj().decompress(packed, size + 1)) > size:
                raise ValueError(f"{name}: a chunk of {size:,} bytes unpacks to more")


def _filters(array: Any) -> list[int]:
    properties = array.id.get_create_plist()
    return [properties.get_filter(i)[0] for i in range(properties.get_nfilters())]


def _read(path: Path, name: str, shape: tuple[int, ...], dtype: np.dtype[Any], reverse: bool) -> Array:
    """Return an array whose file is opened once more; MATLAB's axes are stored in reverse."""
    h5py = imported()
    with told_of(f"{path}: {name}"), h5py.File(path, "r", locking=False) as file:
        array = np.empty(shape, dtype)
        stored = file[name]
        if (stored.shape, stored.dtype) != (shape, dtype):
            raise ValueError("it has changed meanwhile")
        if array.size:
            stored.read_direct(array)
        return array.T if reverse else array
