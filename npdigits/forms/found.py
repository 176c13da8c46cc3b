"""What a file of digits holds, before it is known what its numbers mean; what they mean; what the user says of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from npdigits.base.arrays import Array

# The parts that a set may be divided into.
TRAIN, VAL, TEST = "train", "val", "test"
# The form of pictures that lie together.
UNLABELLED = "pictures in no class's folder"


@dataclass(frozen=True)
class Wanted:
    """What the user says of a set, which the data then need not tell; None: it is recognized.

    Attributes:
        transpose: whether a stored image's columns come first.
        invert: whether the highest value is paper and the lowest is ink.
        range: (lowest, highest) value of the scale.
        labels: names of the classes, in the order of the sorted labels.
        label_column: name of the column or array that holds the labels, or a column's number, the first being 1.
        shape: (height, width) of the images.
        test_size: images that are drawn for the test: a number, or a share below 1. None: a seventh, as of MNIST's
            70,000, where the set has no test set of its own.
        drop_duplicates: whether training images that are in the test set, too, are left out.
    """

    transpose: bool | None = None
    invert: bool | None = None
    range: tuple[float, float] | None = None
    labels: tuple[str, ...] | None = None
    label_column: str | None = None
    shape: tuple[int, int] | None = None
    test_size: float | None = None
    drop_duplicates: bool = False


@dataclass(frozen=True)
class Part:
    """Some images as a file holds them, one after the other.

    Attributes:
        images: numbers of any type, shape (n, height, width), or (n, pixels) where the file does not say the shape.
        labels: whole numbers, floats or text, shape (n,); None where there are none.
        name_of: says of the i-th image where it is: "train.csv: row 17", "train/3/0012.png".
    """

    images: Array
    labels: Array | None
    name_of: Callable[[int], str]


@dataclass(frozen=True)
class Found:
    """What a reader has found.

    Attributes:
        form: for people: "CSV", "npz (x_train, y_train, x_test, y_test)", "ARFF".
        parts: by ``TRAIN``, ``VAL``, ``TEST``; a file that says nothing of a division has ``TRAIN`` alone.
        label: what the labels are, for people: "column label", "y_train", "the folders' names".
        classes: names that the file declares beside numbers: label i is classes[i].
        open_orientation: whether the form leaves open if an image's rows or its columns come first.
        formed: whether the images are in MNIST's form already (photographs that were brought to it): their scale,
            polarity and orientation are settled.
        sparse: whether columns of zeros may be missing at the end.
        notes: what else people should know, each a line.
        unreadable: files that could not be read, each with the reason.
        lost: classes of which no picture could be read.
        why_lost: of each of these the first picture, and why it could not be.
        warnings: what is probably not as the user means it, each a line.
        names_files: whether it names other files, which were read too. Such a set is not cached.
        columns: the pixels' names in their order, where each has a column with a name.
        counted_from: the number of the first column of svmlight's form, 0 or 1, where the file tells it.
    """

    form: str
    parts: Mapping[str, Part]
    label: str
    classes: tuple[str, ...] | None = None
    open_orientation: bool = False
    formed: bool = False
    sparse: bool = False
    notes: tuple[str, ...] = ()
    unreadable: tuple[tuple[Path, str], ...] = ()
    lost: tuple[str, ...] = ()
    why_lost: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    names_files: bool = False
    columns: tuple[str, ...] = ()
    counted_from: int | None = None


@dataclass(frozen=True)
class Meaning:
    """What stored numbers mean, as a run records it: other files are read by it, whatever values they happen to hold.

    Attributes:
        shape: (height, width) of the images as a network sees them.
        range: the stored values of paper and of ink, which become 0 and 255; of inverted images the first is larger.
        transpose: whether a stored image's columns come first.
        values: the stored label of each class: whole numbers or text.
        classes: the name of each class.
        open_orientation: whether that was said of a form that leaves it open. Then it holds for files of such forms
            alone, and otherwise for the others alone.
        as_they_are: whether the images were small square pictures that were taken as they are, so that other such
            pictures are, too.
    """

    shape: tuple[int, int]
    range: tuple[float, float] = (0.0, 255.0)
    transpose: bool = False
    values: tuple[int | float | str, ...] = field(default_factory=lambda: tuple(range(10)))
    classes: tuple[str, ...] = field(default_factory=lambda: tuple(map(str, range(10))))
    open_orientation: bool = False
    as_they_are: bool = False

    @property
    def stored_shape(self) -> tuple[int, int]:
        """The shape of a stored image, whose columns may come first."""
        return (self.shape[1], self.shape[0]) if self.transpose else self.shape

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, as JSON holds them."""
        return {
            "shape": list(self.shape),
            "range": list(self.range),
            "transpose": self.transpose,
            "values": list(self.values),
            "classes": list(self.classes),
            **({"open_orientation": True} if self.open_orientation else {}),
            **({"as_they_are": True} if self.as_they_are else {}),
        }

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> "Meaning":
        """Return what ``as_dict`` was made of."""
        (height, width), (paper, ink) = values["shape"], values["range"]
        return cls(
            (height, width),
            (float(paper), float(ink)),
            values["transpose"],
            tuple(values["values"]),
            tuple(values["classes"]),
            values.get("open_orientation", False),
            values.get("as_they_are", False),
        )
