"""The files that a user wants written: refused where a file of a run could be lost, written whole elsewhere."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from npdigits.base.errors import ConfigError
from npdigits.base.files import STRAY_AGE, Folder
from npdigits.base.paths import resolved

# A folder with one of these is taken for a run directory.
SIGNS = {"identity.json", "summary.json", "metrics.csv"}


def check(targets: Mapping[str, str] | Iterable[tuple[str, str]]) -> None:
    """Refuse to write where a file of a run could be lost, or where nothing can be written.

    Args:
        targets: option -> the file that it names, or - for standard output; pairs of these where an option has several.

    Raises:
        ConfigError: says why.
    """
    files: dict[Path, str] = {}
    for notation, target in targets.items() if isinstance(targets, Mapping) else targets:
        if target == "-":
            continue
        if not target:
            raise ConfigError(f"--{notation} '': allowed is the name of a file")
        path = resolved(target)
        if path.is_symlink():
            raise ConfigError(f"--{notation} {target}: a link that leads back to itself")
        if path.is_dir() or target.endswith(("/", os.sep)):
            raise ConfigError(f"--{notation} {target}: a folder")
        if not path.parent.is_dir():
            raise ConfigError(f"--{notation} {target}: there is no such folder")
        if path in files:
            raise ConfigError(f"--{notation} {target}: --{files[path]} is written there too")
        files[path] = notation
        if _in_a_run(path) or path.name == "sweep.csv":
            raise ConfigError(f"--{notation} {target}: a file of a run or a sweep could be lost; choose another place")


def check_unread(targets: Mapping[str, str], read: Iterable[Path]) -> None:
    """Refuse to write over a file that is read, or into a folder that is, where it would be read the next time.

    Args:
        targets: option -> the file that it names, or - for standard output.
        read: files and folders.

    Raises:
        ConfigError: says which.
    """
    places = [(place, resolved(place), place.is_dir()) for place in read]
    for option, target in targets.items():
        path = resolved(target)
        for place, real, is_folder in places:
            if target != "-" and (path == real or (is_folder and real in path.parents)):
                where = f"lies in {place}, which" if is_folder else "is the file that"
                raise ConfigError(f"--{option} {target}: {where} is read; choose another place")


def check_folder(option: str, folder: Path) -> None:
    """Refuse to write files into a folder where one of a run could be lost.

    Raises:
        ConfigError: says why.
    """
    if _in_a_run(resolved(folder) / "file"):
        raise ConfigError(f"--{option} {folder}: a file of a run could be lost; choose another place")


def _in_a_run(path: Path) -> bool:
    return any((folder / name).exists() for folder in path.parents for name in SIGNS)


def put(path: Path, content: bytes) -> None:
    """Write a file whole, at the place that a link leads to; a device or a pipe is written into.

    Raises:
        OSError: it cannot be written.
    """
    if path.exists() and not path.is_file():
        path.write_bytes(content)
    else:
        real = resolved(path)
        folder = Folder(real.parent)
        folder.write_whole(real.name, content)
        folder.remove_strays([real.name], STRAY_AGE)
