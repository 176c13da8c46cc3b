"""A race as it lies on disk, told again from its begin: for its table, its picture and its page."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from npdigits.race.course import Course
from npdigits.race.definition import Race
from npdigits.race.ledger import Ledger


@dataclass(frozen=True)
class Told:
    """A race, and where it stands.

    Attributes:
        folder: of the race.
        race: its definition.
        ledger: its runs.
        courses: of each arm where it stands.
    """

    folder: Path
    race: Race
    ledger: Ledger
    courses: Mapping[str, Course]


def tell(folder: Path) -> Told:
    """Tell a race.

    Raises:
        RunDirError: it cannot be read.
    """
    raise NotImplementedError
