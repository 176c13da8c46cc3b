"""A race as it was asked for on the command line, with the means to compose any setting of its space."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from npdigits.config.axes import Axis
from npdigits.config.race_options import RaceOptions
from npdigits.config.schema import Config


@dataclass(frozen=True)
class AskedRace:
    """What was typed, read and checked.

    Attributes:
        options: the keys ``race.…``.
        axes: of each arm what is searched, in the order typed; without arms of the one arm "".
        fixed: the overrides that all settings share, ``experiment=…`` and Hydra's own among them.
        fixed_of: of each arm the overrides that it has besides, with one value each.
        launcher: the values of ``hydra.launcher``.
    """

    options: RaceOptions
    axes: Mapping[str, tuple[Axis, ...]]
    fixed: tuple[str, ...]
    fixed_of: Mapping[str, tuple[str, ...]]
    launcher: Mapping[str, Any]

    def compose(self, arm: str, overrides: Sequence[str]) -> Config:
        """Return the checked configuration of one setting of an arm, as that of a single run, interpolations resolved.

        Args:
            arm: its name; "" without arms.
            overrides: "lr=0.00316", "seed=12", …

        Raises:
            ConfigError: no run can be this.
        """
        raise NotImplementedError
