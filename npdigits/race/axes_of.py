"""The axes of an arm's space, read from what race.json says of it."""

import functools

from npdigits.config import grammar
from npdigits.config.axes import Axis, read_axis
from npdigits.race.definition import Race


def axes_of(race: Race, arm: str) -> tuple[Axis, ...]:
    """Return the axes of an arm, in the order typed; a key whose values cannot be listed here has none."""
    read = (_axis(key, text) for key, text in race.space[arm].items())
    return tuple(axis for axis in read if axis)


@functools.lru_cache(maxsize=1000)
def _axis(key: str, text: str) -> Axis | None:
    from hydra.errors import HydraException

    from npdigits.base.errors import ConfigError

    try:
        return read_axis(key, grammar.parser().parse_override(f"{key}={text}"))
    except (ConfigError, HydraException, RecursionError):  # as a glob, whose choices lie elsewhere, or a damaged file
        return None
