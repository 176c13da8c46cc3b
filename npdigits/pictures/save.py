"""Saving what a network saw of pictures, a PNG each."""

import io
import os
from collections.abc import Sequence
from pathlib import Path

from npdigits.base.arrays import Array
from npdigits.base.files import write_whole

# Bytes of a picture's name to which what is added still gives one that every file system takes, 255 at most.
LONGEST_NAME = 200


def names_in(folder: Path, files: Sequence[Path]) -> dict[Path, Path]:
    """Return under which path each file's picture is saved: by its own name and .png, numbered where names repeat.

    A name that would become too long is cut.
    """
    result: dict[Path, Path] = {}
    taken: set[str] = set()
    numbers: dict[str, int] = {}
    for file in files:
        stem = file.name
        while len(os.fsencode(stem)) > LONGEST_NAME:
            stem = stem[:-1]
        name = f"{stem}.png"
        while name in taken:
            numbers[stem] = numbers.get(stem, 1) + 1
            name = f"{stem}-{numbers[stem]}.png"
        taken.add(name)
        result[file] = folder / name
    return result


def save_png(path: Path, image: Array) -> None:
    """Write an image, bytes of shape (height, width), as a PNG, whole.

    Raises:
        OSError: it cannot be written.
    """
    from PIL import Image

    content = io.BytesIO()
    Image.fromarray(image).save(content, "PNG")
    write_whole(path, content.getvalue(), durable=False)
