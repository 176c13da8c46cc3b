"""Finding runs, sweeps and races below the folders that were named. No link below them is followed.

``runs.find`` follows links, as who compares names folders of one's own. What is found here is shown to a browser.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from npdigits.base.targets import SIGNS
from npdigits.live.folder import Place
from npdigits.race.layout import DEFINITION

# So many runs are shown, and so many folders looked into: of more it is said that there are more.
MOST_RUNS, MOST_FOLDERS = 20_000, 100_000


@dataclass
class Tree:
    """What was found.

    Attributes:
        runs: run directories: (the folder that was named, the run's folder), in the order of their names.
        races: the folders of races.
        links: how many links were not followed.
        unread: how many folders could not be looked into.
        is_cut: whether there are more than are shown.
    """

    runs: list[tuple[Path, Place]] = field(default_factory=list)
    races: set[Path] = field(default_factory=set)
    links: int = 0
    unread: int = 0
    is_cut: bool = False


def find(tops: Sequence[Path]) -> Tree:
    """Look through folders; one that is not there (yet) holds nothing. The folders named may themselves be links."""
    tree, seen, looked = Tree(), set[tuple[int, int]](), 0
    for top in tops:
        to_do = [top]
        while to_do:
            folder = to_do.pop()
            looked += 1
            if looked > MOST_FOLDERS or len(tree.runs) >= MOST_RUNS:
                tree.is_cut = True
                return tree
            try:
                status = folder.stat(follow_symlinks=folder is top)
                if (status.st_dev, status.st_ino) in seen:  # named twice
                    continue
                seen.add((status.st_dev, status.st_ino))
                with os.scandir(folder) as found:
                    entries = sorted(found, key=lambda entry: entry.name)
            except OSError:
                tree.unread += folder is not top
                continue
            names = {entry.name for entry in entries}
            if SIGNS & names:
                tree.runs.append((top, Place(folder, status.st_dev, status.st_ino)))
                continue
            if DEFINITION in names:
                tree.races.add(folder)
            try:  # some file systems tell what an entry is only to who may search the folder
                tree.links += sum(entry.is_symlink() for entry in entries)
                to_do += [folder / entry.name for entry in reversed(entries) if entry.is_dir(follow_symlinks=False)]
            except OSError:
                tree.unread += folder is not top
    return tree
