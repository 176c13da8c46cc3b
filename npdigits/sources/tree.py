"""The files of a source: a file, or those of one kind in a folder and the folders in it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from npdigits.base.errors import ConfigError

MOST_LOOKED_AT = 20_000  # files, until a folder counts as one that has none
MOST_FILES = 200_000


def find_files(path: Path, fits: Callable[[str], bool], outside: list[Path] | None = None) -> Iterator[Path]:
    """Yield the files whose names fit, those of one folder together, in the order of their names.

    Links to folders are not followed (W&B's ``latest-run`` would be a run twice), nor those out of the source.

    Args:
        path: of the source; a file is yielded whatever its name is.
        outside: is told the links that lead out; None for a look whether there is something, which ends by itself.

    Raises:
        ConfigError: there are too many.
    """
    if not path.is_dir():
        yield path
        return
    root = path.resolve()
    seen = found = 0
    for folder, folders, files in os.walk(path):
        folders.sort()
        if outside is not None:
            linked = (Path(folder, name) for name in folders)
            outside += [link for link in linked if link.is_symlink() and not link.resolve().is_relative_to(root)]
        for name in sorted(files):
            seen += 1
            if outside is None and seen > MOST_LOOKED_AT:
                return
            if not fits(name):
                continue
            file = Path(folder, name)
            if file.is_symlink() and not file.resolve().is_relative_to(root):
                if outside is not None:
                    outside.append(file)
                continue
            found += 1
            if found > MOST_FILES:
                raise ConfigError(f"{path}: more than {MOST_FILES:,} files; name a part of them")
            yield file
