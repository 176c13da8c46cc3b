"""What a trained network reads in files of many digits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from npdigits.base.errors import DataError
from npdigits.forms.known import doubt
from npdigits.runs.of_files import INVERTED, are_inverted, labels_for, open_for, read_by, say_lie, wanted_of
from npdigits.runs.reading import Reading, readings_of
from npdigits.runs.trained import Trained


@dataclass(frozen=True)
class Read:
    """What a network has read in a file of many digits.

    Attributes:
        readings: of its images, in order.
        unreadable: files in it that could not be read, each with the reason.
        described: what the file is, and how many are read as its labels say, in a line.
    """

    readings: list[Reading]
    unreadable: Sequence[tuple[Path, str]]
    described: str


def read_file(run: Trained, path: Path, overrides: Sequence[str], warn: Callable[[str], None]) -> Read:
    """Return what a network reads in a file of many digits.

    Args:
        run: the network.
        path: the file, or a folder of such.
        overrides: "data.range=[0,1]", "data.transpose=true" …
        warn: is told what may mislead.

    Raises:
        UserError: the file cannot be read.
    """
    said = wanted_of(path, overrides)
    images = open_for(run, path, said, warn)
    split = read_by(run, images, said)
    if are_inverted(split, run.summary.height_and_width):
        warn(INVERTED.format(path))
    readings = readings_of(run, split, [path] * len(split), images.part.name_of, warn)
    described = f"{images.described}: {len(split):,} images"
    if images.part.labels is not None:
        try:
            labels = labels_for(run, images, said)
        except DataError as error:
            warn(f"the labels are not compared with: {error}")
        else:
            right = sum(reading.digits[0] == label for reading, label in zip(readings, labels.tolist(), strict=True))
            if lie := doubt(split.images.reshape(-1, *run.summary.height_and_width), labels, run.class_names):
                warn(say_lie(path, lie))
            described += f", {right:,} read as labelled ({right / len(labels):.2%})"
    return Read(readings, images.found.unreadable, described)
