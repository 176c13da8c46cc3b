"""Where the runs of a sweep are done: the values of ``hydra.launcher``, checked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from npdigits.base.errors import ConfigError

# What conf/hydra/launcher names.
TARGET = "npdigits.sweeps.launcher.Place"
# The target in version 0.1, which users' own files of that group may still name.
FORMER_TARGET = "npdigits.launcher.Place"


@dataclass(frozen=True)
class Place:
    """Where to do the runs.

    Attributes:
        workers: processes of this machine; 0 is this process itself; None means as many as there are cores for.
        address: of the scheduler of a cluster, which then does the runs instead of this machine.
        wait: minutes without any worker after which the sweep ends; None is never.
    """

    workers: int | None = None
    address: str | None = None
    wait: float | None = 60.0

    @classmethod
    def of(cls, values: dict[str, Any]) -> Place:
        """Check the values of ``hydra.launcher``.

        Raises:
            ConfigError: a key or a value is not allowed.
        """
        for key, value in values.items():
            workers = value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 4096)
            allowed = {
                "_target_": (value in (TARGET, FORMER_TARGET), f"{TARGET}: npdigits does its runs itself"),
                "workers": (workers, "null or an integer from 0 to 4096"),
                "wait": (value is None or _is_minutes(value), "null or a number of minutes from 0 on"),
                "address": (value is None or (isinstance(value, str) and "://" in value), "null or tcp://host:port"),
            }
            if key not in allowed:
                raise ConfigError(f"hydra.launcher.{key}={value}: unknown key; there are workers, address and wait")
            fits, what = allowed[key]
            if not fits:
                raise ConfigError(f"hydra.launcher.{key}={value}: allowed is {what}")
        given = {key: value for key, value in values.items() if key != "_target_"}
        return cls(**given)


def _is_minutes(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf
