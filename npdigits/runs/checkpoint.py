"""Checkpoints: all that a run is between two epochs, as one file that proves itself.

``last.npz`` is the one truth of a run; every other file of its directory can be made again from it. It holds

- ``W1``, ``b1``, …: the weights; ``optimizer_…``: the optimizer's arrays; ``best``: the flat weights of the best epoch;
- ``metrics``: metrics.csv so far, as bytes, from which the stopping rules know all that they need;
- ``header``: JSON, as bytes: format, identity, the optimizer's steps, why the run ended, the data set's name;
- ``sha256``: of all of these, names, types and shapes included.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import NewerError, RunDirError
from npdigits.base.npz import Declared, Fits, hash_arrays, npz, read_npz
from npdigits.base.strict import parse_json
from npdigits.nn.network import Parameters
from npdigits.runs import metrics
from npdigits.runs.arrays import MOST_HEADER, MOST_METRICS, check_checkpoint, check_text, fits_network
from npdigits.runs.contents import HEADER, MOST_SCHEMA
from npdigits.training.state import Epoch, State

FORMAT = 1
LAST, PREVIOUS, BEST = "last.npz", "previous.npz", "best.npz"


class Damaged(RunDirError):
    """All checkpoints of a run are damaged."""


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that was read and is whole; that it fits a network is seen when it is put into one.

    Attributes:
        identity: of the run, in plain values (``identity.identity``).
        data: name of the data set that was really used.
        history: the epochs so far.
        arrays: weights, the optimizer's arrays, ``best``.
        steps: of the optimizer.
        stopped_by: why the run ended, or None.
    """

    identity: dict[str, Any]
    data: str
    history: list[Epoch]
    arrays: dict[str, Array]
    steps: int
    stopped_by: str | None

    def restore(self, state: State) -> None:
        """Put a state where this checkpoint was taken.

        Raises:
            ValueError: it is not one of this network, or holds numbers that no run can hold.
        """
        wanted = _arrays(state)
        wanted["best"] = state.network.parameters.flat
        if set(self.arrays) != set(wanted) - (set() if self.history else {"best"}):
            raise ValueError(f"holds {', '.join(sorted(self.arrays))} instead of {', '.join(sorted(wanted))}")
        for name, array in self.arrays.items():
            if (array.shape, array.dtype) != (wanted[name].shape, wanted[name].dtype):
                raise ValueError(
                    f"{name} is {array.dtype.name}{array.shape}, not {wanted[name].dtype}{wanted[name].shape}"
                )
            # Weights of a run whose cost is finite are; a second moment may have overflowed.
            if np.isnan(array).any() or (not name.startswith("optimizer_") and np.isinf(array).any()):
                raise ValueError(f"{name} is not finite")
        for name, array in _arrays(state).items():
            array[...] = self.arrays[name]
        state.best = self.arrays["best"].copy() if self.history else None
        state.history[:] = self.history
        state.optimizer.steps = self.steps
        state.stopped_by = self.stopped_by


def pack(state: State, identity: dict[str, Any], data: str) -> bytes:
    """Return the bytes of last.npz: the same state gives the same bytes."""
    header = {
        "format": FORMAT,
        "identity": identity,
        "data": data,
        "steps": state.optimizer.steps,
        "stopped_by": state.stopped_by,
    }
    arrays = _arrays(state)
    if state.best is not None:
        arrays["best"] = state.best
    arrays["metrics"] = _bytes(metrics.format_metrics(state.history))
    arrays["header"] = _bytes(json.dumps(header, sort_keys=True))
    return npz(_sealed(arrays))


def pack_best(state: State, identity: str) -> bytes:
    """Return the bytes of best.npz: weights, biases, which epoch's they are, the run's identity, a digest."""
    assert state.best is not None and state.best_epoch is not None
    best = Parameters(state.network.parameters.sizes, state.network.parameters.flat.dtype.name)
    best.flat[:] = state.best
    more = {"epoch": np.array(state.best_epoch.epoch), "identity": _bytes(identity)}
    return npz(_sealed({**best.named(), **more}))


def read_checkpoint(path: Path) -> Checkpoint:
    """Read last.npz or its predecessor.

    Raises:
        OSError, ValueError: it cannot be read, or is damaged.
        NewerError: a newer version of npdigits wrote it.
    """
    header: dict[str, Any] = {}

    def fits(declared: Mapping[str, Declared], read: Callable[[str], Array]) -> None:
        check_text(declared, "header", MOST_HEADER)
        check_text(declared, "metrics", MOST_METRICS)
        header.update(_read_header(path, read("header").tobytes()))
        check_checkpoint(declared, header["identity"])

    arrays = opened(path, fits)
    del arrays["header"]
    try:
        history = metrics.parse_metrics(arrays.pop("metrics").tobytes().decode())
    except ValueError as error:
        raise ValueError(f"{path}: not a checkpoint of npdigits: {error}") from error
    return Checkpoint(header["identity"], header["data"], history, arrays, header["steps"], header["stopped_by"])


def _read_header(path: Path, content: bytes) -> dict[str, Any]:
    """Return a checkpoint's header.

    Raises:
        ValueError: it is none.
        NewerError: a newer version of npdigits wrote it.
    """
    try:
        header: dict[str, Any] = parse_json(content)
        found = header.get("format") if isinstance(header, dict) else None
        if type(found) is int and found != FORMAT and 0 <= found <= MOST_SCHEMA:
            raise NewerError.of(path, found, FORMAT)
        HEADER(header)
    except ValueError as error:
        raise ValueError(f"not a checkpoint of npdigits: {error}") from error
    return header


def read_last(folder: Path, warn: Callable[[str], None]) -> Checkpoint | None:
    """Read a run's last checkpoint; where it is damaged, its predecessor, and say so. None where there is none.

    Raises:
        Damaged: there are checkpoints, and all are.
        RunDirError: one cannot be read, or is of a newer version; it may be a good one.
    """
    damages = []
    for name in (LAST, PREVIOUS):
        try:
            checkpoint = read_checkpoint(folder / name)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise RunDirError(f"{folder / name}: cannot be read: {error.strerror}") from error
        except ValueError as error:
            damages.append(str(error))
        else:
            if damages:
                warn(f"{damages[0]}; going on from its predecessor, {len(checkpoint.history)} epochs")
            return checkpoint
    if damages:
        raise Damaged(f"{damages[0]}; and there is no whole predecessor to go on from")
    return None


def read_best(folder: Path, warn: Callable[[str], None] = print) -> dict[str, Array]:
    """Return the best epoch's weights, W1, b1, …; from the last checkpoint where best.npz is damaged or missing.

    Raises:
        RunDirError: neither can be read.
    """
    try:
        arrays = opened(folder / BEST, fits_network())
    except (OSError, ValueError) as error:
        try:
            last = read_last(folder, warn)
        except RunDirError:
            last = None
        if last is None or "best" not in last.arrays:
            raise RunDirError(f"{folder / BEST}: cannot be read, nor made again from {LAST}: {error}") from error
        if not isinstance(error, FileNotFoundError):
            warn(f"{error}; its weights are taken from {LAST}")
        views = [name for name in last.arrays if name[0] in "Wb" and name[1:].isdigit()]
        sizes = [last.arrays["W1"].shape[1], *(last.arrays[name].shape[0] for name in views if name[0] == "b")]
        best = Parameters(tuple(sizes), last.arrays["best"].dtype.name)
        best.flat[:] = last.arrays["best"]
        return best.named()
    return {name: array for name, array in arrays.items() if name not in ("epoch", "identity")}


def _arrays(state: State) -> dict[str, Array]:
    """Return the arrays that are trained, under their names in a checkpoint."""
    optimizer = {f"optimizer_{name}": array for name, array in state.optimizer.state.items()}
    return {**state.network.parameters.named(), **optimizer}


def _sealed(arrays: dict[str, Array]) -> dict[str, Array]:
    return {**arrays, "sha256": np.frombuffer(bytes.fromhex(hash_arrays(arrays)), np.uint8)}


def opened(path: Path, fits: Fits) -> dict[str, Array]:
    """Read arrays that were sealed, without the seal, where they are such as are wanted.

    Raises:
        OSError: there is no such file, or it cannot be read.
        ValueError: it is not what was written.
    """
    arrays = read_npz(path, fits)
    seal = arrays.pop("sha256", None)
    # Before commit a436a76 the order of the file was the seal's.
    if seal is None or seal.tobytes().hex() not in (hash_arrays(arrays), hash_arrays(arrays, in_order=True)):
        raise ValueError(f"{path}: damaged: its content is not what its digest says")
    return arrays


def _bytes(text: str) -> Array:
    return np.frombuffer(text.encode(), np.uint8)
