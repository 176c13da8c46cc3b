"""race.json: what a race is, which settings are in it, and what was fixed before each confirmation."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from npdigits.base.files import Folder

# The version of what race.json holds.
FORM = 1


@dataclass(frozen=True)
class Setting:
    """One setting of the space.

    Attributes:
        number: its place in the order in which settings were drawn, over all arms, from 0.
        arm: its arm; "" without arms.
        overrides: the searched keys that it reads: "lr=0.00316", "l2=0".
        identity: the digest of its runs' identity without the seeds, by which a run directory is known as its own.
    """

    number: int
    arm: str
    overrides: tuple[str, ...]
    identity: str


@dataclass(frozen=True)
class Confirmation:
    """What was fixed before fresh seeds were run.

    Attributes:
        number: k, from 1; the k-th tests at ``0.05/2^k``, so that all together err with at most 0.05.
        finalists: the numbers of the settings, the race's best first; with arms the first arm's first finalist stands
            first, and is the baseline where ``reference`` is None.
        reference: the overrides of the setting that they are compared with; None: the first finalist is that.
        seeds: that no run of the race, and no earlier confirmation, has had.
        settings: how many settings had raced.
        budget: the training epochs that the race had been given.
        used: the training epochs that the race had taken, without this confirmation.
    """

    number: int
    finalists: tuple[int, ...]
    reference: tuple[str, ...] | None
    seeds: tuple[int, ...]
    settings: int
    budget: int
    used: int

    @property
    def alpha(self) -> float:
        """The level of its tests."""
        return math.ldexp(0.05, -self.number)


@dataclass(frozen=True)
class Race:
    """The content of race.json.

    Attributes:
        fixed: the overrides that all settings share, as typed.
        fixed_of: of each arm those that it has besides.
        space: arm -> key -> the values as typed.
        where: constraints.
        search: where settings come from.
        seed: of what is drawn.
        epochs: of a full run.
        seeds: the race's own, in the order in which settings get them. They grow as the race gets longer.
        rules: what ``rules.describe`` says of the rules, by which another version's are noticed.
        budget: training epochs, of the launch that was last; the confirmation's are among them.
        finalists, confirm: likewise how many finalists (of each arm) and fresh seeds.
        settings: those that were drawn so far.
        confirmations: those that were fixed so far.
        code: the numerics of the runs.
    """

    fixed: tuple[str, ...]
    fixed_of: Mapping[str, tuple[str, ...]]
    space: Mapping[str, Mapping[str, str]]
    where: tuple[str, ...]
    search: str
    seed: int
    epochs: int
    budget: int
    finalists: int
    confirm: int
    seeds: tuple[int, ...] = ()
    rules: Mapping[str, Any] | None = None
    settings: tuple[Setting, ...] = ()
    confirmations: tuple[Confirmation, ...] = ()
    code: Any = None


def read_race(folder: Path) -> Race:
    """Read race.json of a folder, with distrust.

    Raises:
        RunDirError: it is not what was written, or a newer version wrote it.
    """
    raise NotImplementedError


def write_race(folder: Folder, race: Race) -> None:
    """Write race.json whole."""
    raise NotImplementedError
