"""Hydra's side of a sweep: which points a command line or an experiment names, each composed and checked once.

Hydra's own sweeper composes each job twice, and finds the mistake in the last one after the others have run.
"""

import copy
import importlib
import itertools
import math
import sys
import types
from collections.abc import Iterator
from typing import Any

from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper as HydrasSweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from npdigits.base.errors import ConfigError
from npdigits.config import axes, overrides
from npdigits.config.schema import RULES

EXPERIMENT = "experiment"
TARGET = "hydra_plugins.npdigits.Sweeper"
# Has Hydra make this one, and no part of another, whatever an experiment says: another is refused, not started.
OURS = (f"hydra.sweeper._target_={TARGET}", "++hydra.sweeper._recursive_=false")
# A value of a key, as it would be typed and as it is.
Value = tuple[str, Any]
Point = tuple[list[str], dict[str, Any]]


class Grid(Exception):
    """Carries the points out of Hydra, in which no other configuration could be composed.

    Attributes:
        points: of each its overrides, and the plain values that Hydra composed of them.
        swept: the keys that vary.
        fixed: the overrides that do not.
        launcher: the values of ``hydra.launcher``.
    """

    def __init__(self, points: list[Point], swept: list[str], fixed: list[str], launcher: dict[str, Any]) -> None:
        self.points, self.swept, self.fixed, self.launcher = points, swept, fixed, launcher


class Sweeper(HydrasSweeper):
    """Composes all points of the grid, and raises them."""

    # Hydra only takes plugins from a package of this name.
    __module__ = "hydra_plugins.npdigits"

    def __init__(self, **_: Any) -> None:
        pass  # the parameters are each experiment's own

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take what Hydra hands to its plugins."""
        self.loader, self.base = hydra_context.config_loader, config
        self.base.hydra.overrides.hydra = [one for one in config.hydra.overrides.hydra if one not in OURS]
        self.cache = OmegaConf.get_cache(config)

    def sweep(self, arguments: list[str]) -> Any:
        """Compose every point, and raise ``Grid``."""
        self.parser = axes.parser(self.loader)
        typed = _last_of_each(self.parser.parse_overrides(arguments))
        chosen = typed.pop(EXPERIMENT, None)
        experiments = [f"{EXPERIMENT}={name}" for name, _ in axes.values(chosen)] if chosen else [None]
        points: list[Point] = []
        swept: dict[str, None] = {EXPERIMENT: None} if len(experiments) > 1 else {}
        fixed: dict[str, None] = {}
        for experiment in experiments:
            of_it = [experiment] if experiment else []
            # What is typed takes the place of what an experiment says of the same key.
            given = self._params(of_it) | typed
            values = {key: axes.values(override) for key, override in given.items()}
            if len(points) + math.prod(map(len, values.values())) > axes.MOST_VALUES:
                raise ConfigError(f"{' '.join(arguments)}: a grid has {axes.MOST_VALUES:,} points at most")
            swept |= {key: None for key, override in given.items() if override.is_sweep_override()}
            fixed |= {f"{key}={values[key][0][0]}": None for key in given if key not in swept}
            points += self._composed(of_it, given, values)
        launcher = OmegaConf.to_container(self.base.hydra.launcher, resolve=True)
        assert isinstance(launcher, dict)
        raise Grid(points, list(swept), list(fixed), {str(key): value for key, value in launcher.items()})

    def _params(self, experiment: list[str]) -> dict[str, Override]:
        """Return what an experiment, or ``hydra.sweeper.params`` as typed, says of the keys.

        Raises:
            ConfigError: it asks for a sweeper that is not ours.
        """
        composed = self.loader.load_sweep_config(self.base, experiment)
        sweeper = composed.hydra.sweeper
        refuse_other(composed.hydra.runtime.choices.get("hydra/sweeper"), sweeper)
        # An interpolation is each point's own, unless it stands where the grammar has none, as in range(${epochs}).
        read = []
        for key, value in (_raw(sweeper)["params"] or {}).items():
            try:
                read += self._parsed(f"{key}={value}")
            except ConfigError:
                if not interpolates(value):
                    raise
                read += self._parsed(f"{key}={sweeper.params[key]}")
        return {override.get_key_element(): override for override in read}

    def _parsed(self, override: str) -> list[Override]:
        return self.parser.parse_overrides(overrides.read([override], {}))

    def _composed(
        self, experiment: list[str], given: dict[str, Override], values: dict[str, list[Value]]
    ) -> Iterator[Point]:
        """Yield the points of one experiment, each as the run that it would be alone.

        Hydra takes some 0.03 s to compose a configuration. Where points differ in our own keys alone it composes one
        without these, and each point is that one with its values put in, as Hydra puts them in. Interpolations are
        resolved afterwards; where there are none, which takes a tenth of the time, plain values do.
        """
        ours = [key for key in given if key in RULES and len(values[key]) > 1 and not _met_again(key, given)]
        others = [key for key in given if key not in ours]
        composed: dict[tuple[str, ...], tuple[DictConfig, dict[str, Any] | None]] = {}
        for point in itertools.product(*values.values()):
            named = dict(zip(values, point, strict=True))
            typed = [*experiment, *(f"{key}={text}" for key, (text, _) in named.items())]
            of_others = tuple(named[key][0] for key in others)
            if of_others not in composed:
                asked = [*experiment, *(f"{key}={text}" for key, text in zip(others, of_others, strict=True))]
                base = _without_hydra(self.loader.load_sweep_config(self.base, asked))
                raw = _raw(base)
                composed[of_others] = base, None if interpolates(raw) else raw
            base, plain = composed[of_others]
            put_in = {key: named[key][1] for key in ours}
            if plain is None or interpolates(put_in):
                yield typed, self._resolved(base, put_in)
            else:
                yield typed, plain | copy.deepcopy(put_in)

    def _resolved(self, base: DictConfig, put_in: dict[str, Any]) -> dict[str, Any]:
        """Return a configuration with these values, resolved; what Hydra resolves once, as ``now``, is one for all."""
        here = copy.deepcopy(base)
        for key, value in put_in.items():
            OmegaConf.update(here, key, value, merge=True)
        OmegaConf.set_cache(here, self.cache)
        resolved = _plain(here, resolve=True)
        self.cache = OmegaConf.get_cache(here)
        return resolved


def _last_of_each(given: list[Override]) -> dict[str, Override]:
    """Return the overrides by key: of one that is typed twice the last, as on any command line.

    Raises:
        ConfigError: a sweep would be lost so.
    """
    typed: dict[str, Override] = {}
    for override in given:
        before = typed.get(key := override.get_key_element())
        if before and before.is_sweep_override():
            both = f"{before.input_line} {override.input_line}"
            raise ConfigError(f"{both}: {key} is there twice, and one sweep would be lost: allowed is {key}=a,b,c")
        typed[key] = override
    return typed


def refuse_other(choice: str | None, sweeper: DictConfig) -> None:
    """Refuse a sweeper that is not ours, and settings that are another's.

    Raises:
        ConfigError: it is one.
    """
    if choice not in (None, "basic"):  # Hydra's default, of which nothing is left
        raise ConfigError(f"hydra/sweeper={choice}: not allowed: npdigits makes its grids itself")
    for key, value in _raw(sweeper).items():
        if key != "params" and value is not None and (key, value) != ("_target_", TARGET):
            raise ConfigError(f"hydra.sweeper.{key}={value}: not allowed: npdigits makes its grids itself")


def interpolates(value: Any) -> bool:
    """Say whether there is an interpolation anywhere in a value."""
    if isinstance(value, dict):
        return any(map(interpolates, [*value, *value.values()]))
    if isinstance(value, list):
        return any(map(interpolates, value))
    return isinstance(value, str) and "${" in value


def _met_again(key: str, given: dict[str, Override]) -> bool:
    """Say whether another override adds or deletes the same key, so that their order matters."""
    return any(other.key_or_group == key for name, other in given.items() if name != key)


def _without_hydra(composed: DictConfig) -> DictConfig:
    return OmegaConf.masked_copy(composed, [str(key) for key in composed if key != "hydra"])


def _raw(config: DictConfig) -> dict[str, Any]:
    return _plain(config, resolve=False)


def _plain(config: DictConfig, resolve: bool) -> dict[str, Any]:
    values = OmegaConf.to_container(config, resolve=resolve)
    assert isinstance(values, dict)
    return {str(key): value for key, value in values.items()}


def register() -> None:
    """Make this the sweeper that conf/train.yaml names."""
    Plugins.instance().register(Sweeper)
    # Hydra looks a plugin up by its name, too; there is no folder of that name to be found, only this module.
    try:
        package = importlib.import_module("hydra_plugins")
    except ModuleNotFoundError:
        package = sys.modules["hydra_plugins"] = types.ModuleType("hydra_plugins")
    sys.modules["hydra_plugins.npdigits"] = package.npdigits = sys.modules[__name__]  # type: ignore[attr-defined]
