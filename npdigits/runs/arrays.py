"""The arrays of a run directory: which belong into each .npz file, and how their types and shapes agree.

What a file declares is looked at before an array is read: a network is as large as its configuration says, and as its
own layers agree on, and nothing else is read.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.npz import Declared, Fits, read_npz
from npdigits.runs.contents import CLASSES
from npdigits.runs.results import BYTE

# Bytes of the files whose size no network decides. Predictions of 10,000 test digits in 10,000 classes have 400 MB;
# twice ten pictures of 512 × 512 pixels, ten times each, have 26 MB.
MOST_BYTES = {"predictions.npz": 512 << 20, "distorted.npz": 64 << 20, "doubt.npz": 8 << 20}
# What the probabilities of a digit may miss 1 by.
ROUNDING = 1e-3
# The numbers of a network.
FLOATS = ("float32", "float64")
# The pixels of an image, as it is stored.
PIXELS = ("uint8", "float32")
# Of the small network that tells whether an image is of none of the classes.
DETECTOR = ("W1", "b1", "W2", "b2")
# Texts in a checkpoint: its header, the table of the epochs so far.
MOST_HEADER, MOST_METRICS = 1 << 20, 100 << 20
# Arrays that an optimizer remembers; ours have two, and one of the user's may have more.
MOST_STATES = 100


def read_predictions(path: Path) -> dict[str, Array]:
    """Read a run's predictions.npz: ``probabilities`` (digits, classes), ``labels`` (digits,).

    Of the worst mistakes also their places, ``mistakes``, and their images, ``mistake_images`` (mistakes, pixels).

    Raises:
        OSError: it cannot be opened.
        ValueError: it is not what a run writes.
    """
    arrays = read_npz(path, _fits_predictions, MOST_BYTES["predictions.npz"])
    p = arrays["probabilities"]
    n, classes = p.shape
    # NaN is in no range.
    if not (p.min() >= 0 and p.max() <= 1 + ROUNDING and np.abs(p.sum(axis=1) - 1).max() <= ROUNDING):
        raise ValueError(f"{path}: damaged: probabilities: allowed are numbers from 0 to 1, which add up to 1 in a row")
    labels = arrays["labels"]
    if not 0 <= labels.min() <= labels.max() < classes:
        beyond = labels.min() if labels.min() < 0 else labels.max()
        raise ValueError(f"{path}: damaged: a label of {beyond}: allowed is one of {classes} classes")
    mistakes = arrays.get("mistakes", np.zeros(0, np.intp))
    if len(mistakes) and not (mistakes.min() >= 0 and mistakes.max() < n):
        raise ValueError(f"{path}: damaged: a mistake in digit {mistakes.max()}: allowed is one of {n}")
    return arrays


def read_distorted(path: Path) -> dict[str, Array]:
    """Read a run's distorted.npz: ``originals`` (digits, pixels) and ``distorted`` (digits, times, pixels).

    Raises:
        OSError: it cannot be opened.
        ValueError: it is not what a run writes.
    """
    return read_npz(path, _fits_distorted, MOST_BYTES["distorted.npz"])


def read_doubt(path: Path, classes: int, features: int) -> dict[str, Array]:
    """Read a run's doubt.npz: ``scores`` (digits, 2 or 3), ``weights`` (32,), ``means``, ``axes``, ``W1`` … ``b2``.

    Means and axes are of shape (classes, kinds, features) and (classes, kinds, q, features); both may be missing. So
    may the detector's weights and biases, which are there if and only if there are three scores.

    Args:
        path: of the file.
        classes: of the network.
        features: of an image.

    Raises:
        OSError: it cannot be opened.
        ValueError: it is not what a run writes.
    """

    def fits(declared: Mapping[str, Declared], read: Callable[[str], Array]) -> None:
        scores, detector = _needed(declared, "scores"), [name for name in DETECTOR if name in declared]
        _check("scores", scores, ("float32",), (None, 3 if detector else 2))
        if not scores.size:
            raise ValueError(f"scores is {scores}: allowed are those of some digits")
        _check("weights", _needed(declared, "weights"), ("uint8",), (32,))
        if "means" in declared or "axes" in declared:
            _check("means", _needed(declared, "means"), ("float16",), (classes, None, features))
            kinds = declared["means"].shape[1]
            _check("axes", _needed(declared, "axes"), ("float16",), (classes, kinds, None, features))
        if detector:
            hidden = _needed(declared, "b1").size
            for name, shape in zip(
                DETECTOR, ((hidden, features), (hidden,), (classes + 1, hidden), (classes + 1,)), strict=True
            ):
                _check(name, _needed(declared, name), ("float16",), shape)
            _needed(declared, "means")  # without which an image's features are not looked at
        _only(declared, ("scores", "weights", "means", "axes", *DETECTOR))

    arrays = read_npz(path, fits, MOST_BYTES["doubt.npz"])
    if bad := [name for name, array in arrays.items() if not np.isfinite(array).all()]:
        raise ValueError(f"{path}: damaged: {bad[0]} holds numbers that are not finite")
    return arrays


def _fits_predictions(declared: Mapping[str, Declared], read: Callable[[str], Array]) -> None:
    p, labels = _needed(declared, "probabilities"), _needed(declared, "labels")
    _check("probabilities", p, FLOATS, (None, None))
    n, classes = p.shape
    if not n or not 1 <= classes <= CLASSES:
        raise ValueError(f"probabilities is {p}: allowed are 1 to {CLASSES} classes of some digits")
    _check("labels", labels, ("uint8" if classes <= BYTE else "int64",), (n,))
    if "mistakes" in declared or "mistake_images" in declared:
        mistakes, images = _needed(declared, "mistakes"), _needed(declared, "mistake_images")
        _check("mistakes", mistakes, ("int64", "int32"), (None,))
        _check("mistake_images", images, PIXELS, (mistakes.size, None))
    _only(declared, ("probabilities", "labels", "mistakes", "mistake_images"))


def _fits_distorted(declared: Mapping[str, Declared], read: Callable[[str], Array]) -> None:
    originals, distorted = _needed(declared, "originals"), _needed(declared, "distorted")
    _check("originals", originals, PIXELS, (None, None))
    digits, pixels = originals.shape
    _check("distorted", distorted, ("uint8",), (digits, None, pixels))
    _only(declared, ("originals", "distorted"))


def fits_network(hidden: Sequence[int] | None = None, pixels: int | None = None, dtype: str | None = None) -> Fits:
    """Return what best.npz may declare: the weights of one network, its epoch, the run's identity, a digest.

    Args:
        hidden: the sizes of its hidden layers; None where they are not known.
        pixels: of an image; likewise.
        dtype: of its numbers; likewise.
    """

    def fits(declared: Mapping[str, Declared], read: Callable[[str], Array]) -> None:
        names, _ = _check_layers(declared, hidden, pixels, dtype)
        for name, shape in (("epoch", ()), ("identity", (None,)), ("sha256", (32,))):
            if name in declared:
                _check(name, declared[name], ("int64", "int32") if name == "epoch" else ("uint8",), shape)
        if "identity" in declared and declared["identity"].size > 64:
            raise ValueError(f"identity is {declared['identity']}: allowed is a SHA-256 in hex")
        _only(declared, (*names, "epoch", "identity", "sha256"))

    return fits


def check_checkpoint(declared: Mapping[str, Declared], identity: Mapping[str, Any]) -> None:
    """Refuse what a checkpoint of the run with this identity cannot declare.

    Raises:
        ValueError: says what and what is allowed.
    """
    dtype = identity.get("dtype")
    names, n = _check_layers(declared, identity.get("hidden"), None, dtype)
    kind = (declared[names[0]].dtype.name,)
    states = [name for name in declared if name.startswith("optimizer_")]
    if len(states) > MOST_STATES:
        raise ValueError(f"{len(states)} arrays of the optimizer: allowed are {MOST_STATES}")
    for name in states:
        if declared[name].size > max(n, 1000):
            raise ValueError(f"{name} is {declared[name]}: allowed are {n:,} numbers, one of each weight and bias")
    if "best" in declared:
        _check("best", declared["best"], kind, (n,))
    _only(declared, (*names, *states, "best", "metrics", "header", "sha256"))


def _check_layers(
    declared: Mapping[str, Declared], hidden: Sequence[int] | None, pixels: int | None, dtype: str | None
) -> tuple[list[str], int]:
    """Check that W1, b1, W2 … are those of one network; return their names and how many numbers they are.

    Raises:
        ValueError: they are not.
    """
    n_layers = sum(name[0] == "W" and name[1:].isdigit() for name in declared)
    if hidden is not None and n_layers != len(hidden) + 1:
        raise ValueError(f"holds {n_layers} layers instead of {len(hidden) + 1}")
    names = [f"{kind}{i}" for i in range(1, n_layers + 1) for kind in "Wb"]
    first = _needed(declared, "W1")
    kind = (dtype,) if dtype in FLOATS else FLOATS if first.dtype.name not in FLOATS else (first.dtype.name,)
    below: int | None = pixels
    total = 0
    for i in range(1, n_layers + 1):
        w, b = _needed(declared, f"W{i}"), _needed(declared, f"b{i}")
        size = hidden[i - 1] if hidden is not None and i < n_layers else None
        if size is None and len(w.shape) == 2:
            size = w.shape[0]
        _check(f"W{i}", w, kind, (size, below))
        _check(f"b{i}", b, kind, (size,))
        below = size
        total += w.size + b.size
    if not 1 <= (below or 0) <= CLASSES or not first.shape[1]:
        raise ValueError(f"W{n_layers} is {declared[f'W{n_layers}']}: allowed are 1 to {CLASSES} classes")
    return names, total


def check_text(declared: Mapping[str, Declared], name: str, most: int) -> None:
    """Refuse what is no text of at most so many bytes.

    Raises:
        ValueError: it is missing or another.
    """
    found = _needed(declared, name)
    _check(name, found, ("uint8",), (None,))
    if found.size > most:
        raise ValueError(f"{name} has {found.size:,} bytes: allowed are at most {most:,}")


def _needed(declared: Mapping[str, Declared], name: str) -> Declared:
    if name not in declared:
        raise ValueError(f"holds no {name}")
    return declared[name]


def _check(name: str, found: Declared, kinds: Sequence[str], shape: Sequence[int | None]) -> None:
    """Refuse an array of another type or shape; None stands for any length."""
    fits = len(found.shape) == len(shape) and all(
        want in (None, size) for want, size in zip(shape, found.shape, strict=True)
    )
    if not fits or found.dtype.name not in kinds:
        wanted = ", ".join("n" if size is None else str(size) for size in shape) + "," * (len(shape) == 1)
        raise ValueError(f"{name} is {found}, not {' or '.join(kinds)} of shape ({wanted})")


def _only(declared: Mapping[str, Declared], names: Sequence[str]) -> None:
    """Refuse arrays of other names."""
    if more := sorted(set(declared) - set(names)):
        raise ValueError(f"holds {more[0][:80]}, which no run writes")
