"""Settings from the names of folders and files: lr=0.1,seed=3 or lr-0.1_seed-3."""

import re
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from npdigits.sources.values import from_text

# name=value, up to what ends it: a comma, a semicolon, a space, or "_" before another name=value.
EQUALS = re.compile(r"(?:^|[,; _])([A-Za-z][A-Za-z0-9_./]*)=(.*?)(?=$|[,; ]|_[A-Za-z][A-Za-z0-9_.]*=)")
# name-number, between "_", commas and the like: resnet-large is no setting.
DASH = re.compile(r"(?<![^,; _])([A-Za-z][A-Za-z0-9_.]*?)-(\d+\.?\d*(?:[eE][+-]?\d+)?)(?=$|[,; _])")
# Of one name so much is looked at: a file system allows no more.
LONGEST = 255
# Endings of files; what follows a point is else a part of a number.
ENDINGS = re.compile(r"\.(csv|tsv|log|txt|json|jsonl|parquet)$", re.IGNORECASE)


def settings_in(parts: Sequence[str]) -> dict[str, Any]:
    """Return the settings that the parts of a path name; of two of one name the inner one counts."""
    settings: dict[str, Any] = {}
    for part in parts:
        text = ENDINGS.sub("", part[:LONGEST])
        found = EQUALS.findall(text) or DASH.findall(text)
        settings |= {name: from_text(value) for name, value in found}
    return settings


def settings_in_path(path: PurePath) -> dict[str, Any]:
    """Return the settings that a path names, as it was given."""
    return settings_in([part for part in path.parts if part != path.anchor])
