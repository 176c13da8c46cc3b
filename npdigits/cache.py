"""The per-user cache: what was read once is found again without unpacking, hashing, or importing its source's library.

An entry is a directory that appears whole or not at all. Its key covers the path, size and time of the files it was
made from, so a changed source is another entry. A cache that cannot be written costs time, never the run.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs

from npdigits import paths
from npdigits.files import digest
from npdigits.memory import Array

FORMAT = 1


def directory() -> Path:
    """Return the cache's folder: NPDIGITS_CACHE, else the platform's own for this user."""
    named = os.environ.get("NPDIGITS_CACHE")
    return Path(named) if named else paths.of_user(platformdirs.user_cache_dir)


def arrays_of(sources: Sequence[Path], read: Callable[[], dict[str, Array]]) -> tuple[dict[str, Array], str]:
    """Return named arrays and their SHA-256, from the cache or else from ``read()``, then kept.

    Arrays that are memory maps of their source are not copied: only their hash is kept.

    Args:
        sources: the files that ``read`` reads.
        read: returns the arrays.
    """
    stats = [(str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns) for path in sources]
    key = hashlib.sha256(json.dumps([FORMAT, stats]).encode()).hexdigest()[:32]
    entry = directory() / key
    try:
        known = json.loads((entry / "entry.json").read_text())
        stored = {name: np.asarray(np.load(entry / f"{name}.npy", mmap_mode="r")) for name in known["arrays"]}
        sha256 = known["sha256"]
    except Exception:
        pass  # not there, or damaged (NumPy's header parser raises whatever it meets): made anew below
    else:
        # A source that is mapped, not stored, is mapped again: `read` costs nothing then.
        return (stored or read()), sha256
    arrays = read()
    sha256 = digest(arrays)
    mapped = all(_is_mapped(array) for array in arrays.values())
    _keep(entry, {} if mapped else arrays, sha256)
    return arrays, sha256


def _keep(entry: Path, arrays: dict[str, Array], sha256: str) -> None:
    """Write an entry beside its place and move it in whole. Whoever comes second, or cannot write, does nothing."""
    scratch = None
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".new-", dir=entry.parent))
        for name, array in arrays.items():
            np.save(scratch / f"{name}.npy", array)
        (scratch / "entry.json").write_text(json.dumps({"arrays": sorted(arrays), "sha256": sha256}))
        if entry.exists():  # found damaged
            shutil.rmtree(entry)
        scratch.rename(entry)
    except OSError:
        if scratch:
            shutil.rmtree(scratch, ignore_errors=True)


def _is_mapped(array: Array) -> bool:
    base: Any = array
    while base is not None and not isinstance(base, np.memmap):
        base = getattr(base, "base", None)
    return base is not None
