"""Pictures as a network takes them: small squares of its own size as they are, others brought to MNIST's form."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from npdigits.base.arrays import Array
from npdigits.pictures.components import NoDigit
from npdigits.pictures.mnist_form import SIDE, to_mnist_form
from npdigits.pictures.read import LARGEST_SQUARE, read_either, read_square
from npdigits.pictures.shades import BadPicture

# Of an image in MNIST's form nearly all of the border is paper, of at most this value; ink is above the middle, and the
# smaller part. A digit that was cut out to its edges, or is dark on light, is not in that form.
NEARLY_ALL, PAPER, INK = 0.9, 16, 127
MOST_INK = 0.5


@dataclass(frozen=True)
class Takes:
    """How a network takes pictures.

    Attributes:
        side: of its square images; 0 where they are no squares.
        squares: whether it was trained on squares of that side as they were, and takes others so; else it takes those
            so that are in MNIST's form already.
        inverted: whether paper is 255 in squares that it takes as they are.
    """

    side: int = SIDE
    squares: bool = False
    inverted: bool = False

    @property
    def word(self) -> str:
        """The same as a word, for another process."""
        return f"{self.side}-{self.squares:d}-{self.inverted:d}"

    @classmethod
    def of(cls, word: str) -> "Takes":
        """Return what ``word`` was made of."""
        side, squares, inverted = map(int, word.split("-"))
        return cls(side, bool(squares), bool(inverted))


def take(path: Path, takes: Takes) -> tuple[Array | None, str]:
    """Return a picture as a network takes it, bytes 0 (paper) … 255 (ink); or None, and why it cannot be read."""
    try:
        if takes.side == SIDE:
            square, values = read_either(path, _has_that_side if takes.squares else is_in_mnist_form)
            if square is None:
                return to_mnist_form(values), ""
        else:
            square = read_square(path) if 0 < takes.side <= LARGEST_SQUARE else None
            if square is None or len(square) != takes.side or not takes.squares:
                size = f"{takes.side} × {takes.side}" if takes.side else "a shape that is no square"
                return None, f"no grey square of {size} pixels: the run takes pictures as they are"
        return (255 - square if takes.squares and takes.inverted else square), ""
    except (BadPicture, NoDigit) as error:
        return None, str(error)


def _has_that_side(image: Array) -> bool:
    return len(image) == SIDE


def is_in_mnist_form(image: Array) -> bool:
    """Say whether a square image is as MNIST's are: light ink on dark paper, which is all around it."""
    if len(image) != SIDE:
        return False
    edges = np.concatenate([image[0], image[-1], image[1:-1, 0], image[1:-1, -1]])
    if np.count_nonzero(edges <= PAPER) < NEARLY_ALL * edges.size:
        return False
    return bool(0 < np.count_nonzero(image > INK) < MOST_INK * image.size)
