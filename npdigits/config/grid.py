"""The grid of a sweep: the points that a command line or an experiment names, each composed once.

Hydra's own sweeper composes each job twice, and finds the mistake in the last one after the others have run.
"""

import copy
import importlib
import itertools
import sys
import types
from collections.abc import Collection, Iterator
from typing import Any

from hydra.core.override_parser.types import Override as ParsedOverride
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper as HydrasSweeper
from hydra.types import HydraContext, RunMode, TaskFunction
from omegaconf import DictConfig, OmegaConf

from npdigits.base.errors import ConfigError
from npdigits.config import grammar
from npdigits.config.grid_size import MOST_POINTS, check_size
from npdigits.config.keys import RULES
from npdigits.config.own_choices import names_in
from npdigits.config.reading import read_overrides

EXPERIMENT = "experiment"
TARGET = "hydra_plugins.npdigits.Sweeper"
# Overrides by which Hydra makes our sweeper whatever an experiment says; one that asks for another is refused below.
OURS = (f"hydra.sweeper._target_={TARGET}", "++hydra.sweeper._recursive_=false")
# A value of a key: as text, and as it is.
Value = tuple[str, Any]
# Overrides, and the plain values that Hydra composed of them.
Point = tuple[list[str], dict[str, Any]]


class Grid(Exception):
    """Carries the points out of ``hydra.main``, within which no other configuration can be composed.

    Attributes:
        points: the overrides of each, and the plain values that Hydra composed of them.
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
        pass  # each experiment has parameters of its own

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take what Hydra hands to its plugins."""
        self.loader, self.master = hydra_context.config_loader, config
        self.of_hydra = [override for override in config.hydra.overrides.hydra if override not in OURS]
        self.cache = OmegaConf.get_cache(config)
        self.bound: Any = MOST_POINTS

    def sweep(self, arguments: list[str]) -> Any:
        """Compose every point, and raise ``Grid``."""
        self.parser = grammar.parser(self.loader)
        typed = _last_of_each(self.parser.parse_overrides(arguments))
        chosen = typed.pop(EXPERIMENT, None)
        experiments = [f"{EXPERIMENT}={name}" for name, _ in grammar.values(chosen)] if chosen else [None]
        # What is typed takes the place of what an experiment says of the same key.
        grids = {one: self._params([one] if one else []) | typed for one in experiments}
        axes = {one: {key: grammar.count(override) for key, override in given.items()} for one, given in grids.items()}
        check_size(axes, self.bound)
        points: list[Point] = []
        swept: dict[str, None] = {EXPERIMENT: None} if len(experiments) > 1 else {}
        fixed: dict[str, None] = {}
        for experiment, given in grids.items():
            values = {key: grammar.values(override) for key, override in given.items()}
            swept |= {key: None for key, override in given.items() if override.is_sweep_override()}
            fixed |= {f"{key}={values[key][0][0]}": None for key in given if key not in swept}
            points += self._points([experiment] if experiment else [], given, values)
        launcher = _to_dict(self.master.hydra.launcher, resolve=True)
        raise Grid(points, [key.lstrip("+") for key in swept], [one.lstrip("+") for one in fixed], launcher)

    def _params(self, experiment: list[str]) -> dict[str, ParsedOverride]:
        """Return what an experiment, or ``hydra.sweeper.params`` as typed, says of the keys.

        Raises:
            ConfigError: it asks for a sweeper that is not ours.
        """
        composed = self._compose(experiment)
        sweeper = composed.hydra.sweeper
        refuse_other(composed.hydra.runtime.choices.get("hydra/sweeper"), sweeper)
        # An interpolation is each point's own, unless it stands where the grammar has none, as in range(${epochs}).
        overrides = []
        settings = _to_dict(sweeper, resolve=False)
        params, self.bound = settings["params"] or {}, settings.get("max_points", MOST_POINTS)
        components = {name for key, value in params.items() for name in names_in(key, str(value))}
        for key, value in params.items():
            try:
                overrides += self._parsed(f"{key}={value}", components)
            except ConfigError:
                if not interpolates(value):
                    raise
                overrides += self._parsed(f"{key}={sweeper.params[key]}", components)
        return {override.get_key_element(): override for override in overrides}

    def _parsed(self, override: str, components: Collection[str]) -> list[ParsedOverride]:
        return self.parser.parse_overrides(read_overrides([override], {}, components))

    def _points(
        self, experiment: list[str], given: dict[str, ParsedOverride], values: dict[str, list[Value]]
    ) -> Iterator[Point]:
        """Yield the points of one experiment, each as the run that it would be alone.

        Hydra takes some 0.03 s to compose a configuration. Where points differ in our own keys alone it composes one
        without these, and each point is that one with its values put in, as Hydra puts them in. Interpolations are
        resolved afterwards; where there are none, which takes a tenth of the time, plain values do.
        """
        ours = [key for key in given if key in RULES and len(values[key]) > 1 and not _order_matters(key, given)]
        others = [key for key in given if key not in ours]
        bases: dict[tuple[str, ...], tuple[DictConfig, dict[str, Any] | None]] = {}
        for point in itertools.product(*values.values()):
            named = dict(zip(values, point, strict=True))
            typed = [*experiment, *(f"{key}={text}" for key, (text, _) in named.items())]
            of_others = tuple(f"{key}={named[key][0]}" for key in others)
            if of_others not in bases:
                base = _without_hydra(self._compose([*experiment, *of_others]))
                unresolved = _to_dict(base, resolve=False)
                bases[of_others] = base, None if interpolates(unresolved) else unresolved
            base, constant = bases[of_others]
            put_in = {key: named[key][1] for key in ours}
            if constant is None or interpolates(put_in):
                yield typed, self._resolved(base, put_in)
            else:
                yield typed, constant | copy.deepcopy(put_in)

    def _compose(self, overrides: list[str]) -> DictConfig:
        """Return what Hydra composes of one point's overrides.

        Hydra's own ``load_sweep_config`` does this, but in 1.4 refuses an experiment that has ``hydra.sweeper.params``.
        """
        name = self.master.hydra.job.config_name
        composed = self.loader.load_configuration(name, [*self.of_hydra, *overrides], RunMode.RUN)
        OmegaConf.copy_cache(self.master, composed)
        return composed

    def _resolved(self, base: DictConfig, put_in: dict[str, Any]) -> dict[str, Any]:
        """Return a configuration with these values, resolved; ``now`` and the like are resolved once for all points."""
        point = copy.deepcopy(base)
        for key, value in put_in.items():
            OmegaConf.update(point, key, value, merge=True)
        OmegaConf.set_cache(point, self.cache)
        resolved = _to_dict(point, resolve=True)
        self.cache = OmegaConf.get_cache(point)
        return resolved


def _last_of_each(given: list[ParsedOverride]) -> dict[str, ParsedOverride]:
    """Return the overrides by key: of one that is typed twice the last, as on any command line.

    Raises:
        ConfigError: a sweep would be lost so.
    """
    typed: dict[str, ParsedOverride] = {}
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
        ConfigError: the sweeper, or a setting, is another's.
    """
    if choice not in (None, "basic"):  # Hydra's default, of which nothing is left
        raise ConfigError(f"hydra/sweeper={choice}: not allowed: npdigits makes its grids itself")
    for key, value in _to_dict(sweeper, resolve=False).items():
        if key not in ("params", "max_points") and value is not None and (key, value) != ("_target_", TARGET):
            raise ConfigError(f"hydra.sweeper.{key}={value}: not allowed: npdigits makes its grids itself")


def interpolates(value: Any) -> bool:
    """Say whether there is an interpolation anywhere in a value."""
    if isinstance(value, dict):
        return any(map(interpolates, [*value, *value.values()]))
    if isinstance(value, list):
        return any(map(interpolates, value))
    return isinstance(value, str) and "${" in value


def _order_matters(key: str, given: dict[str, ParsedOverride]) -> bool:
    """Say whether another override adds or deletes the same key."""
    return any(other.key_or_group == key for name, other in given.items() if name != key)


def _without_hydra(composed: DictConfig) -> DictConfig:
    return OmegaConf.masked_copy(composed, [str(key) for key in composed if key != "hydra"])


def _to_dict(config: DictConfig, resolve: bool) -> dict[str, Any]:
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
