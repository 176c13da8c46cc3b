"""Files that are written whole: the old content or the new, never a part. And .npz files that are read with distrust.

All writing goes through the five calls ``os.open``, ``os.write``, ``os.fsync``, ``os.link`` and ``os.replace``, so that
tests can make each of them fail in turn.
"""

import contextlib
import hashlib
import io
import math
import os
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from npdigits.memory import Array

# Bytes that an array's header in an .npz file may take; those of plain arrays have 118.
LONGEST_HEADER = 10_000


def write_whole(path: Path, content: bytes | str, durable: bool = True) -> None:
    """Write a file so that a crash at any instant leaves the old one or the new one.

    A temporary file in the same folder, flush, fsync, rename over the old one, fsync of the folder where the system
    has that. Without ``durable`` neither fsync: for many small files that can be made again, whole if the process is
    killed, but not if the machine is.

    Raises:
        OSError: the old content or the new stands there whole, and the temporary file is gone.
    """
    scratch = _scratch(path)
    with _naming(path, scratch):
        _write(scratch, content.encode() if isinstance(content, str) else content, durable)
        os.replace(scratch, path)  # noqa: PTH105 – one of the five calls
        if durable:
            _sync_folder(path.parent)


def keep_as(path: Path, other: Path) -> None:
    """Let ``other`` be the file that ``path`` is now; what is written to ``path`` next, whole, does not change it.

    Raises:
        OSError: ``other`` is what it was.
    """
    if other.exists() and other.samefile(path):
        return  # of two links to one file a rename does nothing, and would leave the scratch file
    scratch = _scratch(other)
    with _naming(other, scratch):
        scratch.unlink(missing_ok=True)
        try:
            os.link(path, scratch)
        except FileNotFoundError:
            raise
        except OSError:
            _write(scratch, path.read_bytes())  # a file system without links
        os.replace(scratch, other)  # noqa: PTH105


class Appended:
    """A file to which whole lines are added, each handed to the system in one call."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with _naming(path):
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0))

    def add(self, text: str) -> None:
        """Add a line.

        Raises:
            OSError: a part of it may stand there.
        """
        with _naming(self._path):
            _write_all(self._file, text.encode())

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def remove_strays(paths: Iterable[Path]) -> None:
    """Remove the temporary files that a process has left that was killed while it wrote these files."""
    for path in paths:
        with contextlib.suppress(OSError):
            _scratch(path).unlink()


def is_stray_of(path: Path, names: Iterable[str]) -> bool:
    """Say whether a file is such a temporary file of one with these names."""
    return any(path.name == _scratch(Path(name)).name for name in names)


def npz(arrays: dict[str, Array]) -> bytes:
    """Return arrays as the bytes of an .npz file: the same arrays give the same bytes, as it holds no time."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def read_npz(path: Path) -> dict[str, Array]:
    """Read an .npz file that ``npz`` wrote, and nothing else.

    Nothing is ever unpickled, no member is unpacked, and no memory is taken that the file does not itself fill:
    195 kB of a packed .npz can declare 200 MB.

    Raises:
        OSError: it cannot be read.
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
        except OSError:
            raise
        except Exception as error:  # hostile bytes can raise almost anything in zipfile and NumPy's header parser
            raise ValueError(f"{path}: damaged: {error or type(error).__name__}") from error
    return arrays


def _array(raw: bytes) -> Array:
    """Return the array of an .npy file, if its header declares as many bytes as there are."""
    file = io.BytesIO(raw)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("an array of another format")
    shape, _, dtype = np.lib.format.read_array_header_1_0(file, max_header_size=LONGEST_HEADER)
    if dtype.hasobject or math.prod(shape) * dtype.itemsize != len(raw) - file.tell():
        raise ValueError("an array that is not as long as it says, or holds objects")
    file.seek(0)
    array: Array = np.lib.format.read_array(file, allow_pickle=False, max_header_size=LONGEST_HEADER)
    return array


def digest(arrays: dict[str, Array]) -> str:
    """Return the SHA-256 of arrays: of their names, types, shapes and elements, in the order of the names."""
    hasher = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        hasher.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        hasher.update(np.ascontiguousarray(array).data)
    return hasher.hexdigest()


@contextlib.contextmanager
def _naming(path: Path, scratch: Path | None = None) -> Iterator[None]:
    """Let an error name the file that was meant (a write that fails does not say where), and leave no scratch file."""
    try:
        yield
    except OSError as error:
        error.filename, error.filename2 = str(path), None
        if scratch:
            with contextlib.suppress(OSError):
                scratch.unlink()
        raise


def _scratch(path: Path) -> Path:
    return path.with_name(f".{path.name}.tmp")


def _write(path: Path, content: bytes, durable: bool = True) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o666)
    try:
        _write_all(file, content)
        if durable:
            os.fsync(file)
    finally:
        os.close(file)


def _write_all(file: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(file, rest) :]


def _sync_folder(folder: Path) -> None:
    if hasattr(os, "O_DIRECTORY"):
        file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(file)
        finally:
            os.close(file)
