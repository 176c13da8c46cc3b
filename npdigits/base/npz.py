"""Arrays as the bytes of an .npz file, and .npz files that are read with distrust."""

import hashlib
import io
import math
import os
import zipfile
from pathlib import Path

import numpy as np

from npdigits.base.arrays import Array

# An array's header in an .npz file has at most so many bytes; those of plain arrays have 118.
LONGEST_HEADER = 10_000


def npz(arrays: dict[str, Array]) -> bytes:
    """Return arrays as the bytes of an .npz file. It holds no time: the same arrays give the same bytes."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def read_npz(path: Path) -> dict[str, Array]:
    """Read an .npz file that ``npz`` wrote, and nothing else.

    Nothing is unpickled, no member is decompressed, and no more memory is taken than the file is large: 195 kB of a
    packed .npz can declare 200 MB.

    Raises:
        OSError: it cannot be read.
        MemoryError: there is too little memory for it.
        ValueError: it is damaged.
    """
    arrays: dict[str, Array] = {}
    if path.exists() and not path.is_file():
        raise ValueError(f"{path}: not a file")
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        try:
            with zipfile.ZipFile(file) as members:
                for member in members.infolist():
                    if member.compress_type != zipfile.ZIP_STORED or member.file_size != member.compress_size:
                        raise ValueError(f"{member.filename} is packed")
                if sum(member.file_size for member in members.infolist()) > size:
                    raise ValueError("its members overlap")
                for member in members.infolist():
                    name = member.filename.removesuffix(".npy")
                    if name in arrays or not name.isidentifier() or not member.filename.endswith(".npy"):
                        raise ValueError(f"{member.filename} is not a member that belongs here")
                    arrays[name] = _array(members.read(member))
        except (OSError, MemoryError):
            raise
        except Exception as error:  # hostile bytes can raise almost anything in zipfile and NumPy's header parser
            raise ValueError(f"{path}: damaged: {error or type(error).__name__}") from error
    return arrays


def _array(raw: bytes) -> Array:
    """Return the array of an .npy file whose header declares as many bytes as there are.

    Raises:
        ValueError: it does not, or the array is of another kind.
    """
    file = io.BytesIO(raw)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("an array of another format")
    shape, _, dtype = np.lib.format.read_array_header_1_0(file, max_header_size=LONGEST_HEADER)
    if dtype.hasobject or math.prod(shape) * dtype.itemsize != len(raw) - file.tell():
        raise ValueError("an array that is not as long as it says, or holds objects")
    file.seek(0)
    array: Array = np.lib.format.read_array(file, allow_pickle=False, max_header_size=LONGEST_HEADER)
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
