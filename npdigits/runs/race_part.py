"""Which runs are a race's: those by which settings are found, and those of a confirmation."""

import re
from pathlib import Path

# What makes a folder that of a race, and the folders of its runs.
DEFINITION, SEARCH = "race.json", "race"
CONFIRMATION = re.compile(r"confirmation-[1-9]\d{0,3}")


def race_part(folder: Path) -> str:
    """Return what the runs in a folder are of a race: "race", "confirmation-2" …; "" where they are of none."""
    name = folder.name or folder.absolute().name
    if name != SEARCH and not CONFIRMATION.fullmatch(name):
        return ""
    return name if (folder.absolute().parent / DEFINITION).is_file() else ""
