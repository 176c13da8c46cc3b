"""Pictures written as files, a folder for each kind, by several processes."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

from hard import kinds
from hard.drawing import Digits
from npdigits.base.cores import cores

# Fewer pictures take less time than starting processes does.
FEWEST, CHUNK = 200, 25


class Shown(NamedTuple):
    """What is on a picture: its kind, its number, the label that is right."""

    kind: str
    number: int
    label: str


def write_all(folder: Path, names: Sequence[str], n: int, seed: int, source: Digits) -> dict[Path, Shown]:
    """Write n pictures of each of these kinds into a folder for each; return the files, and what is on them.

    Pictures of an earlier call are removed from those folders.
    """
    for name in names:
        (folder / name).mkdir(parents=True, exist_ok=True)
        for left in (folder / name).iterdir():
            left.unlink()
    wanted = [(folder / name, name, number, seed) for name in names for number in range(n)]
    if len(wanted) < FEWEST or cores() == 1:
        _take(source)
        return dict(map(_write, wanted))
    with ProcessPoolExecutor(cores(), initializer=_take, initargs=(source,)) as pool:
        return dict(pool.map(_write, wanted, chunksize=CHUNK))


_source: list[Digits] = []


def _take(source: Digits) -> None:
    """Keep the digits in this process, as they are the same for all pictures."""
    _source[:] = [source]


def _write(wanted: tuple[Path, str, int, int]) -> tuple[Path, Shown]:
    """Write a picture; its file's name begins with what is on it."""
    folder, kind, number, seed = wanted
    picture = kinds.made(kind, number, seed, _source[0])
    path = folder / f"{picture.label or 'none'}_{kind}_{number:05}.{picture.ending}"
    path.write_bytes(kinds.content_of(picture))
    return path, Shown(kind, number, picture.label)
