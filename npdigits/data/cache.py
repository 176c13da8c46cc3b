"""The per-user cache: arrays that were read once need not be unpacked again, nor their source's library imported.

An entry is a directory that appears whole or not at all. Its key covers the path, size and time of the files that it
was made from, so a changed source is another entry. What is read from the cache is hashed every time, so that no run
trains on other digits than its SHA-256 names; a wrong entry is made again. A cache that cannot be written costs time,
never the run.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs

from npdigits.base import paths
from npdigits.base.arrays import Array
from npdigits.base.files import sync, write_whole
from npdigits.base.npz import hash_arrays
from npdigits.base.text import on_one_line

FORMAT = 1
# Of so many files and more, only their folders are looked up.
MANY = 100
# A fact that says that the arrays depend on more files than are named: no entry is made of them.
UNKEPT = "unkept"


def directory() -> Path:
    """Return the cache's folder: NPDIGITS_CACHE, else the platform's own for this user."""
    named = os.environ.get("NPDIGITS_CACHE")
    return paths.absolute("NPDIGITS_CACHE", named) or paths.of_user(platformdirs.user_cache_dir)


def read_cached(
    sources: Sequence[Path], read: Callable[[], dict[str, Array]], warn: Callable[[str], None] = print
) -> tuple[dict[str, Array], str]:
    """Return named arrays and their SHA-256, from the cache or else from ``read()``, whose arrays are then cached.

    Arrays that are memory maps of their source are not cached: mapping them again costs nothing.

    Args:
        sources: the files that ``read`` reads.
        read: returns the arrays.
        warn: is told when an entry is damaged.
    """
    arrays, sha256, _ = read_with_facts(sources, None, lambda: (read(), {}), warn)
    return arrays, sha256


def read_with_facts(
    sources: Sequence[Path],
    options: Any,
    read: Callable[[], tuple[dict[str, Array], dict[str, Any]]],
    warn: Callable[[str], None] = print,
) -> tuple[dict[str, Array], str, dict[str, Any]]:
    """Return named arrays, their SHA-256, and facts about them, likewise.

    Args:
        sources: the files that ``read`` reads.
        options: what else the arrays depend on, as JSON holds it; None for nothing.
        read: returns the arrays and the facts, which JSON can hold.
        warn: is told when an entry is damaged.
    """
    stats = [(name, (stat := path.stat()).st_size, stat.st_mtime_ns) for name, path in _resolved(sources)]
    made_of = [FORMAT, stats] if options is None else [FORMAT, stats, options]
    entry = directory() / hashlib.sha256(json.dumps(made_of).encode()).hexdigest()[:32]
    if entry.exists():
        try:
            if cached := _read_entry(entry):
                return cached
        except Exception as error:  # NumPy's header parser raises whatever it meets
            warn(f"{entry}: cannot be used ({on_one_line(error)}): {_named(sources)} is read anew")
    arrays, facts = read()
    sha256 = hash_arrays(arrays)
    if UNKEPT not in facts and (facts or not all(_is_mapped(array) for array in arrays.values())):
        _write_entry(entry, arrays, sha256, facts)
    return arrays, sha256, facts


def _named(sources: Sequence[Path]) -> Path:
    """Return what sources are called: the file, or the folder of several."""
    return sources[0] if len(sources) == 1 else sources[0].parent


def _resolved(sources: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    """Yield each file with its place, wherever the user stands. Of many files only the folders are looked up."""
    if len(sources) < MANY:
        yield from ((str(path.resolve()), path) for path in sources)
        return
    folders: dict[Path, Path] = {}
    for path in sources:
        if path.parent not in folders:
            folders[path.parent] = path.parent.resolve()
        yield os.path.join(folders[path.parent], path.name), path  # noqa: PTH118 – a Path takes ten times as long


def _read_entry(entry: Path) -> tuple[dict[str, Array], str, dict[str, Any]] | None:
    """Return an entry's arrays, their SHA-256 and the facts about them; None if it holds none.

    Earlier releases made such an entry for a mapped source.

    Raises:
        Exception: the arrays are not there, or not those that were written.
    """
    known = json.loads(_require_file(entry / "entry.json").read_text())
    if known["arrays"] == []:
        return None
    arrays = {
        name: np.asarray(np.load(_require_file(entry / f"{name}.npy"), mmap_mode="r")) for name in known["arrays"]
    }
    sha256 = hash_arrays(arrays)
    if sha256 != known["sha256"]:
        raise ValueError("other digits than were kept")
    facts: dict[str, Any] = known.get("facts", {})
    if known.get("facts_sha256") != (_hash_facts(facts) if facts else None):
        raise ValueError("other facts than were kept")
    return arrays, sha256, facts


def _hash_facts(facts: dict[str, Any]) -> str:
    """Return the SHA-256 of facts as JSON, in hex."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _require_file(path: Path) -> Path:
    """Return the path of a file. Reading from a pipe would wait for ever.

    Raises:
        ValueError: it is no file.
    """
    if not path.is_file():
        raise ValueError(f"{path.name} is no file")
    return path


def _write_entry(entry: Path, arrays: dict[str, Array], sha256: str, facts: dict[str, Any]) -> None:
    """Write an entry into a scratch folder and move it into place whole.

    A process that cannot write it, or finds that another one was faster, gives up in silence.
    """
    known: dict[str, Any] = {"arrays": sorted(arrays), "sha256": sha256}
    known |= {"facts": facts, "facts_sha256": _hash_facts(facts)} if facts else {}
    scratch = None
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".new-", dir=entry.parent))
        for name, array in arrays.items():
            np.save(scratch / f"{name}.npy", array)
            sync(scratch / f"{name}.npy")
        write_whole(scratch / "entry.json", json.dumps(known))
        if entry.exists():  # found damaged
            shutil.rmtree(entry)
        scratch.rename(entry)
        sync(entry.parent)
    except OSError:
        if scratch:
            shutil.rmtree(scratch, ignore_errors=True)


def _is_mapped(array: Array) -> bool:
    """Return whether an array, or one that it is a view of, is a memory map."""
    base: Any = array
    while base is not None and not isinstance(base, np.memmap):
        base = getattr(base, "base", None)
    return base is not None
