"""What lies in the folder of a race."""

from pathlib import Path

from npdigits.runs import race_part

# The definition: space, settings, what was confirmed. It is written before anything that it says is done.
DEFINITION = race_part.DEFINITION
# A row a setting, and the picture of who ran how long; both are made anew from the runs.
TABLE, PICTURE = "race.csv", "race.png"
WRITTEN = (DEFINITION, TABLE, PICTURE)
# The folder of the runs by which settings are found.
RUNS = race_part.SEARCH


def confirmation_folder(number: int) -> str:
    """Return the name of the folder of the k-th confirmation's runs, k from 1."""
    return f"confirmation-{number}"


def is_race(folder: Path) -> bool:
    """Say whether a folder is that of a race."""
    return (folder / DEFINITION).is_file()
