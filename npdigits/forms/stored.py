"""Arrays that lie in a file under names, before they are read."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from npdigits.base.arrays import Array

# Names in a message; more are counted.
SHOWN = 8


@dataclass(frozen=True)
class Stored:
    """An array in a file, before it is read.

    Attributes:
        shape, dtype: as the file declares them.
        read: returns it; raises DataError where it is damaged.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Callable[[], Array]

    @property
    def nbytes(self) -> int:
        """Bytes that it takes."""
        return math.prod(self.shape) * self.dtype.itemsize

    def __str__(self) -> str:
        return f"{self.dtype.name} {self.shape}"


@dataclass(frozen=True)
class Source:
    """What holds the arrays.

    Attributes:
        path: of the file or folder, for messages.
        form: its name for people.
        arrays: by name.
        left: name -> why that array is not read.
        place_of: (array, i) -> where its i-th sample is: "digits.npz: x_train[17]".
        samples_last: whether images without labels lie along the last axis, where there are three or more.
        found: what is the same for all of its form, as fields of ``Found``.
    """

    path: Path
    form: str
    arrays: Mapping[str, Stored]
    left: Mapping[str, str]
    place_of: Callable[[str, int], str]
    samples_last: bool = False
    found: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return what it holds, for a message."""
        held = [f"{name} ({array})" for name, array in self.arrays.items()]
        held += [f"{name} ({why})" for name, why in self.left.items()]
        more = f" and {len(held) - SHOWN} more" if len(held) > SHOWN else ""
        return f"it holds {', '.join(held[:SHOWN])}{more}" if held else "it holds nothing"
