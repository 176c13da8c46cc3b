"""The predictions of a single run: which test digits it reads right."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import RunDirError
from npdigits.runs import arrays as arrays_of


@dataclass(frozen=True)
class Predictions:
    """Which test digits a run reads right.

    Attributes:
        labels: of the test digits, (digits,).
        right: whether the run reads each right, (digits,).
    """

    labels: Array
    right: Array


def read_predictions(run: Path) -> Predictions:
    """Read a run directory's predictions.npz.

    Raises:
        RunDirError: there is none, or it is damaged.
    """
    path = run / "predictions.npz"
    try:
        arrays = arrays_of.read_predictions(path)
        probabilities, labels = arrays["probabilities"], arrays["labels"]
    except OSError as error:
        raise RunDirError(f"{path}: {error.strerror or error}") from error
    except ValueError as error:
        raise RunDirError(str(error)) from error
    return Predictions(labels, probabilities.argmax(axis=1) == labels)


def count_disagreements(first: Predictions | None, second: Predictions | None) -> tuple[int, int, int] | None:
    """Return how many digits only the first run reads right, how many only the second, and how many there are.

    None where one run's predictions are missing, or where the two runs' test digits are not the same.
    """
    if first is None or second is None or not np.array_equal(first.labels, second.labels):
        return None
    return int((first.right & ~second.right).sum()), int((second.right & ~first.right).sum()), len(first.labels)
