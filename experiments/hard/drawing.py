"""What a kind of hard picture is made of: digits, a generator of random numbers, and the picture that comes out."""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from npdigits.base.arrays import Array

# What is right for a picture that is no single digit: that it is refused.
REFUSED = ""


@dataclass(frozen=True)
class Digits:
    """Handwritten digits: white on black, bytes of shape (n, 28, 28), and their labels."""

    images: Array
    labels: Array


@dataclass(frozen=True)
class Picture:
    """A picture, the label that is right for it, and how its file is written.

    Attributes:
        image: the picture.
        label: the digit that is on it; ``REFUSED`` where it is to be refused.
        ending: of the file's name.
        options: of Pillow's ``save``.
        content: the whole file, where Pillow does not write it.
    """

    image: Image.Image
    label: str
    ending: str = "png"
    options: Mapping[str, Any] = field(default_factory=dict)
    content: bytes = b""


@dataclass(frozen=True)
class Draw:
    """One picture's randomness, and the digit that it is to show."""

    rng: np.random.Generator
    source: Digits
    chosen: int

    @classmethod
    def of(cls, kind: str, number: int, seed: int, source: Digits) -> "Draw":
        """Return that of a kind's picture of this number: it depends on nothing else."""
        rng = np.random.default_rng([zlib.crc32(kind.encode()), number, seed])
        return cls(rng, source, int(rng.integers(len(source.labels))))

    @property
    def digit(self) -> Array:
        """The digit, bytes of shape (28, 28)."""
        image: Array = self.source.images[self.chosen]
        return image

    @property
    def label(self) -> str:
        return str(self.source.labels[self.chosen])

    def another(self, label: int | None = None) -> Array:
        """Return any other digit; with ``label`` one of that class."""
        rows = np.arange(len(self.source.labels)) if label is None else np.flatnonzero(self.source.labels == label)
        image: Array = self.source.images[self.rng.choice(rows)]
        return image

    def between(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def whole(self, low: int, high: int) -> int:
        """Return a whole number from low to high, both included."""
        return int(self.rng.integers(low, high + 1))

    def chance(self, p: float) -> bool:
        return bool(self.rng.random() < p)


Maker = Callable[[Draw], Picture]
