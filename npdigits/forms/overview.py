"""What is to be seen of a data set before a network is trained on it."""

from dataclasses import dataclass

import numpy as np

from npdigits.base.sheet import in_rows
from npdigits.base.text import counted, printable
from npdigits.data.sets import Data
from npdigits.forms.duplicates import first_equals

# Images of each class in the picture of examples.
EXAMPLES = 12
# Contradictions that are shown one by one.
MOST_SHOWN = 5
# Classes in the picture of examples: more would be a strip that nobody scrolls through.
MOST_DRAWN = 60


def counts_by_class(data: Data) -> list[tuple[str, int, int]]:
    """Return the name of each class, and how many training and test images it has."""
    n = data.n_classes
    train, test = (np.bincount(part.labels[part.rows], minlength=n).tolist() for part in (data.train, data.test))
    return list(zip(data.class_names, train, test, strict=True))


def describe_values(data: Data) -> str:
    """Return the range of the values, as they are given to a network, and what they were stored as."""
    low = min(float(part.images.min()) for part in (data.train, data.test))
    high = max(float(part.images.max()) for part in (data.train, data.test))
    height, width = data.image_shape
    said = f"{low:g} … {high:g} of 0 (paper) … 255 (ink), {height} × {width}"
    if data.reading is not None:
        paper, ink = data.reading["range"]
        said += f"; stored: {paper:g} is paper, {ink:g} is ink"
        said += "; read column by column" if data.reading["transpose"] else ""
    return said


@dataclass(frozen=True)
class Twins:
    """Images that are there several times, pixel by pixel.

    Attributes:
        in_train, in_test: training and test images that equal an earlier one of the same set.
        between: test images that equal a training image.
        contradictory: images that equal an earlier one, a training or a test image, and have another label than it.
        examples: the first of these, in words.
    """

    in_train: int
    in_test: int
    between: int
    contradictory: int
    examples: tuple[str, ...] = ()

    @property
    def described(self) -> str:
        """How many there are, in words; "none" where there are none."""
        said = [
            f"{self.in_train:,} within the training set",
            f"{self.in_test:,} within the test set",
            counted(self.between, "test image is a training image", "test images are training images"),
            counted(self.contradictory, "has another label than its twin", "have another label than their twin"),
        ]
        return ", ".join(line for line in said if not line.startswith("0 ")) or "none"


def find_twins(data: Data) -> Twins:
    """Return how many images are there several times."""
    train, test = data.train, data.test
    of_train, of_test = first_equals([part.images[part.rows] for part in (train, test)])
    firsts = np.concatenate([of_train, of_test])
    labels = np.concatenate([part.labels[part.rows] for part in (train, test)])
    differ = np.flatnonzero(labels != labels[firsts])

    def image(i: int) -> str:
        place = f"training image {i + 1:,}" if i < len(train) else f"test image {i - len(train) + 1:,}"
        return f"{place} is {printable(data.class_names[labels[i]])}"

    return Twins(
        in_train=int((of_train != np.arange(len(train))).sum()),
        in_test=len(test) - len(np.unique(of_test)),
        between=int((of_test < len(train)).sum()),
        contradictory=len(differ),
        examples=tuple(f"{image(i)}, its twin {image(int(firsts[i]))}" for i in differ[:MOST_SHOWN].tolist()),
    )


def examples_by_class(data: Data) -> bytes:
    """Return a picture of the first training images of each class, of many classes the first ones, as a PNG.

    Raises:
        RunDirError: it cannot be drawn.
    """
    labels = data.train.labels[data.train.rows]
    rows, names = [], data.class_names[:MOST_DRAWN]
    for number, name in enumerate(names):
        first = data.train.rows[np.flatnonzero(labels == number)[:EXAMPLES]]
        rows.append((name, data.train.images[first].reshape(-1, *data.image_shape)))
    which = "each class" if len(names) == data.n_classes else f"the first {len(names)} of {data.n_classes:,} classes"
    return in_rows(f"{data.name} ({data.sha256[:8]}): the first training images of {which}", rows)
