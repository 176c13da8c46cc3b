"""Images in files of the user's, as a trained network reads them: as it read the files that it was trained on."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import ConfigError
from npdigits.config.compose import compose
from npdigits.data.sets import Split
from npdigits.forms import known
from npdigits.forms.checks import polarity_doubt
from npdigits.forms.found import Wanted
from npdigits.forms.known import Images
from npdigits.forms.reference import TRANSPOSED
from npdigits.pictures.taking import Takes
from npdigits.runs.prepare import wanted
from npdigits.runs.trained import Trained

# An argument that says how a file is meant; others are names.
OVERRIDE = re.compile(r"data\.\w*=")
# What is said of a file whose paper and ink are not as the run has learned.
INVERTED = (
    "{}: paper and ink are the other way round than in what the run has learned from: data.invert= says how it is"
)
# Keys that are about a data set's division, or name it.
NOT_OF_ONE_FILE = ("path", "test", "test_size", "drop_duplicates")


def wanted_of(path: Path, overrides: Sequence[str]) -> Wanted:
    """Return what ``data.KEY=`` says of a file that is named beside it.

    Raises:
        ConfigError: a key or a value is not allowed there.
    """
    if not overrides:
        return Wanted()
    for override in overrides:
        key, _, _ = override.removeprefix("data.").partition("=")
        if key in NOT_OF_ONE_FILE:
            raise ConfigError(f"{override}: not with {path}, which is named without a key and read whole")
    return wanted(compose(["data=file", "data.path=.", *overrides]).data)


def open_for(run: Trained, path: Path, said: Wanted, warn: Callable[[str], None]) -> Images:
    """Return the images of a file, which a run is to read; ``warn`` is told what is odd about it.

    Raises:
        DataError: it cannot be read.
    """
    images = known.open_images(path, said, run.summary.height_and_width, takes_of(run, said), warn)
    for line in images.found.warnings:
        warn(line)
    return images


def takes_of(run: Trained, said: Wanted) -> Takes:
    """Return how a run takes pictures."""
    return known.how_taken(run.meaning, said)


def say_lie(path: Path, lie: str) -> str:
    """Return the line about digits that do not lie upright."""
    mend = "data.transpose= says how they are stored" if lie == TRANSPOSED else "what is read is upright"
    return f"{path}: the images look like digits that are {lie}: {mend}"


def are_inverted(split: Split, shape: tuple[int, int]) -> bool:
    """Say whether images, as a run takes them, look as if their paper were ink."""
    return polarity_doubt(split.images.reshape(-1, *shape))


def read_by(run: Trained, images: Images, said: Wanted) -> Split:
    """Return the images of a file as a run takes them; their labels are not looked at, and are 0.

    Args:
        run: the network.
        images: of the file.
        said: what the user says of the file.

    Raises:
        DataError: they cannot be read so.
    """
    meaning = known.meaning_of(images, run.meaning, run.summary.reading is not None, said)
    return split_of(known.read_images(images, meaning, run.summary.height_and_width))


def split_of(images: Array) -> Split:
    """Return images of shape (n, height, width) as a split; their labels are 0."""
    n = len(images)
    return Split(images.reshape(n, -1), np.zeros(n, np.intp), np.arange(n))


def labels_for(run: Trained, images: Images, said: Wanted) -> Array:
    """Return the numbers of the classes that a file's labels name, as the run counts them.

    Raises:
        DataError: there are no labels, or the run does not know one of these classes.
    """
    return known.class_numbers(images, run.meaning, said, str(run.path))
