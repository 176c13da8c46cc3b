"""The user's own code that a run directory keeps, so that the run can be read and repeated when the file is gone.

``code.json`` names it; the sources are in ``code/<digits of the SHA-256>/``. They are only executed where the user says
that the directory is trusted, and then exactly as they were hashed.
"""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from npdigits.base.bounded import read_bytes
from npdigits.base.errors import RunDirError
from npdigits.base.kinds import short_repr
from npdigits.base.own_code import OwnCode
from npdigits.config.components import OwnComponent
from npdigits.config.own_names import MARKED, SHOWN
from npdigits.runs.contents import CODE, MOST_CODE, MOST_CODE_IN_ALL
from npdigits.runs.hold import Hold
from npdigits.runs.json_table import as_json, load_table

INDEX, FOLDER = "code.json", "code"


def keep(hold: Hold, components: tuple[OwnComponent, ...]) -> None:
    """Write the sources of a run's own components into its directory."""
    if not components:
        return
    index: dict[str, Any] = {}
    hold.make(FOLDER)
    for code in (component.code for component in components):
        folder = f"{FOLDER}/{code.sha256[:SHOWN]}"
        for name, content in code.files:
            for parent in reversed(PurePosixPath(folder, name).parents):
                if len(parent.parts) > 1:
                    hold.make(str(parent))
            hold.write_whole(f"{folder}/{name}", content)
        files = [name for name, _ in code.files]
        index[code.marked] = {
            "spec": code.spec,
            "folder": folder,
            "main": code.main,
            "files": files,
            "distribution": code.distribution,
            "installed": code.installed,
        }
    hold.write_whole(INDEX, as_json(index))


def read_kept(path: Path, trust: bool = False, say: Callable[[str], None] | None = None) -> dict[str, OwnCode]:
    """Return the own code that a run directory keeps, by its marked name; nothing of it is executed here.

    Args:
        path: the run directory.
        trust: whether it may be executed later.
        say: is told what may be executed, with its SHA-256.

    Raises:
        RunDirError: a file is missing, or is not what was kept.
    """
    try:
        index = load_table(path / INDEX, CODE)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise RunDirError(f"{path / INDEX}: damaged: {error}") from error
    kept = dict(_read_all(path, index, trust))
    listed = list(dict.fromkeys(f"{code.place} (SHA-256 {code.sha256})" for code in kept.values()))
    if trust and say:
        for line in listed:
            say(f"trusted: {line}")
    return {marked: dataclasses.replace(code, beside=", ".join(listed)) for marked, code in kept.items()}


def _read_all(path: Path, index: Any, trust: bool) -> Iterator[tuple[str, OwnCode]]:
    """Yield each marked name with its code.

    Raises:
        RunDirError: a file is missing, or is not what was kept.
    """
    left = MOST_CODE_IN_ALL
    for marked, entry in index.items():
        found = MARKED.fullmatch(marked)
        if not found:
            raise RunDirError(f"{path / INDEX}: damaged: {short_repr(marked)}: allowed is NAME@SHA-256")
        folder = f"{FOLDER}/{found[2][:SHOWN]}"
        names = [name for name in entry["files"] if _is_below(name)]
        if entry["main"] not in names:
            raise RunDirError(f"{path / INDEX}: damaged: {marked} has no file {short_repr(entry['main'])}")
        files = tuple(sorted((name, _read_source(path / folder / name)) for name in set(names)))
        left -= sum(len(content) for _, content in files)
        if left < 0:
            raise RunDirError(f"{path / FOLDER}: more than {MOST_CODE_IN_ALL:,} bytes of code")
        place = str(path / folder / entry["main"])
        more = {"distribution": entry["distribution"], "installed": entry["installed"], "trusted": trust}
        code = OwnCode(entry["spec"], found[1], entry["main"], files, place, **more)
        if code.marked != marked:
            raise RunDirError(f"{place}: is not the code that the run was made with: its SHA-256 is another")
        yield marked, code


def _read_source(file: Path) -> bytes:
    """Return the content of a file of own code.

    Raises:
        RunDirError: it is missing, no file, or larger than any source.
    """
    try:
        return read_bytes(file, MOST_CODE)
    except OSError as error:
        raise RunDirError(f"{error.filename}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise RunDirError(f"{file}: damaged: {error}") from error


def _is_below(name: str) -> bool:
    """Say whether a name leads to a file below a folder, and nowhere else."""
    return not PurePosixPath(name).is_absolute() and ".." not in PurePosixPath(name).parts and "\0" not in name
