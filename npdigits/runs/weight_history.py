"""history/: the weights after every epoch (``history=all``), for films of how they came about.

``history/00000.npz`` are the initial weights, ``history/00007.npz`` those after epoch 7, each in the form of best.npz:
``W1``, ``b1``, …, ``epoch``, ``identity``, ``sha256``. As each file is written whole, and after the checkpoint of its
epoch, a killed run has all of those before its last checkpoint; that one's own are in the checkpoint itself.
"""

from __future__ import annotations

import itertools
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import RunDirError
from npdigits.base.files import Folder
from npdigits.base.npz import hash_arrays, npz
from npdigits.config.build import initial_state
from npdigits.runs.arrays import fits_network
from npdigits.runs.checkpoint import opened
from npdigits.runs.events import Listener
from npdigits.runs.layout import HISTORY

if TYPE_CHECKING:
    from npdigits.config.schema import Config
    from npdigits.nn.network import Parameters
    from npdigits.runs.record import RunRecord
    from npdigits.training.state import Epoch

NAME = re.compile(r"(\d{5,9})\.npz")
# Bytes of a file besides its numbers: of an array its header and its two entries in the archive, and the archive's end.
OF_AN_ARRAY, OF_A_FILE = 320, 200
# Bytes of a history that are said before the run begins.
LARGE = 100_000_000


class WeightHistory(Listener):
    """Writes history/ while a run trains. A listener, as it changes nothing of the run.

    Files of epochs that are done again are removed, and what a killed process had no time to write is made up for: the
    files are those of a run that was never killed. It refuses to fill the disk, which would cost the run itself.
    """

    def __init__(self) -> None:
        self._folder: Folder | None = None

    def begun(self, run: RunRecord) -> None:
        n = len(run.state.history)
        needed = most_bytes(run.config, run.sizes)
        if needed > (free := shutil.disk_usage(run.path).free):
            raise OSError(f"history=all takes up to {in_megabytes(needed)}, and {in_megabytes(free)} are free")
        self._folder = Folder(run.path)
        self._folder.make(HISTORY)
        kept = epochs_kept(run.path)
        self._folder.remove_strays([_name(epoch) for epoch in range(run.config.epochs + 1)])
        for epoch in kept:
            if epoch > n:
                (run.path / _name(epoch)).unlink()
        if n and 0 not in kept:
            self._write(initial_state(run.config, run.sizes).network.parameters, 0, run.summary.identity)
        self._write(run.state.network.parameters, n, run.summary.identity)

    def epoch_ended(self, run: RunRecord, epoch: Epoch) -> None:
        self._write(run.state.network.parameters, epoch.epoch, run.summary.identity)

    def _write(self, parameters: Parameters, epoch: int, identity: str) -> None:
        assert self._folder is not None, "begun() comes first"
        self._folder.write_whole(_name(epoch), pack(parameters, epoch, identity))


def pack(parameters: Parameters, epoch: int, identity: str) -> bytes:
    """Return the bytes of an epoch's file: the same weights give the same bytes."""
    more = {"epoch": np.array(epoch), "identity": np.frombuffer(identity.encode(), np.uint8)}
    arrays = {**parameters.named(), **more}
    return npz({**arrays, "sha256": np.frombuffer(bytes.fromhex(hash_arrays(arrays)), np.uint8)})


def most_bytes(config: Config, sizes: tuple[int, ...]) -> int:
    """Return how many bytes a run's history takes at the most, if it trains all of its epochs.

    Args:
        config: of the run.
        sizes: of its layers, from the pixels to the classes.
    """
    numbers = sum((before + 1) * after for before, after in itertools.pairwise(sizes))
    arrays = 2 * (len(sizes) - 1) + 3
    return (config.epochs + 1) * (numbers * np.dtype(config.dtype).itemsize + arrays * OF_AN_ARRAY + OF_A_FILE)


def say_size(config: Config, sizes: tuple[int, ...]) -> str:
    """Return a line that says how large a run's history may become; "" where it keeps none, or a small one."""
    if config.history is None or (size := most_bytes(config, sizes)) < LARGE:
        return ""
    each = in_megabytes(size // (config.epochs + 1))
    return f"history=all: up to {in_megabytes(size)} in {HISTORY}/, {each} an epoch"


def in_megabytes(size: int) -> str:
    """Return a number of bytes as text: "640 MB", "1.1 MB"."""
    return f"{size / 1e6:,.0f} MB" if size >= 10e6 else f"{size / 1e6:.1f} MB"


def epochs_kept(path: Path) -> list[int]:
    """Return the epochs whose weights a run directory keeps, sorted; 0 are the initial weights."""
    folder = path / HISTORY
    names = [NAME.fullmatch(entry.name) for entry in folder.iterdir()] if folder.is_dir() else []
    found = {int(name[1]) for name in names if name}
    return sorted(epoch for epoch in found if (path / _name(epoch)).is_file())


def read_weights(path: Path, epochs: list[int]) -> Iterator[dict[str, Array]]:
    """Yield the weights W1, b1, … after each of these epochs, one after the other.

    Raises:
        RunDirError: a file cannot be read, is damaged, or of another run than the first one.
    """
    like: tuple[object, ...] | None = None
    for epoch in epochs:
        file = path / _name(epoch)
        try:
            arrays = opened(file, fits_network())
        except OSError as error:
            raise RunDirError(f"{file}: cannot be read: {error.strerror or error}") from error
        except ValueError as error:
            raise RunDirError(str(error)) from error
        weights = {name: array for name, array in arrays.items() if name[0] in "Wb"}
        found = (arrays["identity"].tobytes(), *(array.shape for array in weights.values()))
        if arrays["epoch"] != epoch or found != (like or found):
            raise RunDirError(f"{file}: damaged: it is of another epoch or run than its name says")
        if not all(np.isfinite(array).all() for array in weights.values()):
            raise RunDirError(f"{file}: damaged: holds numbers that are not finite")
        like = found
        yield weights


def _name(epoch: int) -> str:
    return f"{HISTORY}/{epoch:05d}.npz"
