"""Files that are written whole: the old content or the new, never a part."""

import contextlib
import io
import os
import zipfile
import zlib
from pathlib import Path

import numpy as np

from npdigits.memory import Array


def write_whole(path: Path, content: bytes | str) -> None:
    """Write a file so that a crash at any instant leaves the old one or the new one.

    A temporary file in the same folder, flush, fsync, rename over the old one, fsync of the folder where the system
    has that.

    Raises:
        OSError: nothing was changed, and the temporary file is gone.
    """
    scratch = path.with_name(f".{path.name}.tmp")
    try:
        with scratch.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    except OSError as error:
        error.filename = str(path)  # a write that fails does not say where
        with contextlib.suppress(OSError):
            scratch.unlink()
        raise
    if hasattr(os, "O_DIRECTORY"):
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def npz(arrays: dict[str, Array]) -> bytes:
    """Return arrays as the bytes of an .npz file: the same arrays give the same bytes, as it holds no time."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def read_npz(path: Path) -> dict[str, Array]:
    """Read an .npz file without ever unpickling.

    Raises:
        OSError, ValueError: it cannot be read, or is damaged.
    """
    try:
        # NumPy would leave a damaged file open, so it is opened here.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return dict(arrays)
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, TypeError, RuntimeError) as error:
        raise ValueError(f"{path}: damaged: {error}") from error
