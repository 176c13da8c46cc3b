"""What a single run reads right: its predictions of the test digits."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import RunDirError
from npdigits.base.npz import read_npz


@dataclass(frozen=True)
class Guesses:
    """The labels of the test digits, and which of them a run reads right, each (digits,)."""

    labels: Array
    right: Array


def read_guesses(run: Path) -> Guesses:
    """Read predictions.npz of a run directory.

    Raises:
        RunDirError: there is none, or it is damaged.
    """
    path = run / "predictions.npz"
    try:
        arrays = read_npz(path)
        probabilities, labels = arrays["probabilities"], arrays["labels"]
        if probabilities.ndim != 2 or labels.shape != probabilities.shape[:1] or not len(labels):
            raise ValueError(f"{probabilities.shape} probabilities of {labels.shape} labels")
    except OSError as error:
        raise RunDirError(f"{path}: {error.strerror or error}") from error
    except (ValueError, KeyError) as error:
        raise RunDirError(f"{path}: damaged: {error}") from error
    return Guesses(labels, probabilities.argmax(axis=1) == labels)


def one_alone(first: Guesses | None, second: Guesses | None) -> tuple[int, int, int] | None:
    """Return how many digits only the first reads right, how many only the second, and of how many.

    None where one is missing, or where they were not asked the same digits.
    """
    if first is None or second is None or not np.array_equal(first.labels, second.labels):
        return None
    return int((first.right & ~second.right).sum()), int((second.right & ~first.right).sum()), len(first.labels)
