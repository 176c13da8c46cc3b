"""A folder of pictures as a network takes them: read once, then from the cache, as photographs take time."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from npdigits.base.arrays import Array
from npdigits.data import cache
from npdigits.forms import class_folder
from npdigits.forms.found import Found, Part, Wanted
from npdigits.forms.load import VERSION
from npdigits.forms.recognize import Recognized
from npdigits.pictures.taking import Takes


def read(recognized: Recognized, wanted: Wanted, takes: Takes, warn: Callable[[str], None]) -> Found:
    """Return what a folder of pictures holds, on the scale of the network.

    Args:
        recognized: the folder, and the pictures below it.
        wanted: what the user says of it.
        takes: how the network takes pictures.
        warn: is told when an entry of the cache is damaged.

    Raises:
        DataError: it cannot be told which folders are the classes, or no picture can be read.
        ConfigError: what is wanted does not fit pictures.
    """
    files, place = recognized.files, recognized.place

    def read_anew() -> tuple[dict[str, Array], dict[str, Any]]:
        found = class_folder.read(files, wanted, place, takes)
        return {name: part.images for name, part in found.parts.items()}, _facts(found)

    options = ["pictures as a network takes them", VERSION, takes.word, str(place), wanted.label_column]
    arrays, _, facts = cache.read_with_facts(files, options, read_anew, warn)
    return _found(arrays, facts)


def _facts(found: Found) -> dict[str, Any]:
    """Return all but the images of what was found, as JSON holds it."""
    parts = {
        name: {
            "labels": None if part.labels is None else part.labels.tolist(),
            "names": [part.name_of(i) for i in range(len(part.images))],
        }
        for name, part in found.parts.items()
    }
    return {
        **{"form": found.form, "label": found.label, "notes": list(found.notes), "lost": list(found.lost)},
        "warnings": list(found.warnings),
        "parts": parts,
        "unreadable": [[str(file), reason] for file, reason in found.unreadable],
    }


def _found(arrays: dict[str, Array], facts: dict[str, Any]) -> Found:
    """Return what ``_facts`` was made of."""
    parts = {}
    for name, kept in facts["parts"].items():
        labels = None if kept["labels"] is None else np.array(kept["labels"])
        parts[name] = Part(arrays[name], labels, kept["names"].__getitem__)
    return Found(
        facts["form"],
        parts,
        facts["label"],
        formed=True,
        notes=tuple(facts["notes"]),
        unreadable=tuple((Path(file), reason) for file, reason in facts["unreadable"]),
        lost=tuple(facts["lost"]),
        warnings=tuple(facts["warnings"]),
    )
