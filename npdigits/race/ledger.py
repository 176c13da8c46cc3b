"""How far every run of a race has come, read from its run directories alone."""

from pathlib import Path

from npdigits.race.course import Ran
from npdigits.race.definition import Race


class Ledger:
    """The runs that lie in a race's folder.

    Args:
        folder: of the race.
        race: its definition.
    """

    def __init__(self, folder: Path, race: Race) -> None:
        raise NotImplementedError

    def ran(self, setting: int, place: int) -> Ran | None:
        """Return how far the run of a setting with the race's seed at this place has come; None: there is none."""
        raise NotImplementedError
