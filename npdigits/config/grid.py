"""The grid of a sweep: the points that a command line or an experiment names, each composed once.

Hydra's own sweeper composes each job twice, and finds the mistake in the last one after the others have run.
"""

import importlib
import itertools
import sys
import types
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from hydra.core.override_parser.types import Override as ParsedOverride
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper as HydrasSweeper
from hydra.types import HydraContext, RunMode, TaskFunction
from omegaconf import DictConfig, OmegaConf

from npdigits.base.errors import ConfigError
from npdigits.config import grammar
from npdigits.config.bases import Bases, as_dict, interpolates
from npdigits.config.grid_size import MOST_POINTS, check_size
from npdigits.config.keys import RULES
from npdigits.config.own_choices import names_in
from npdigits.config.race_options import ARMS, RaceOptions, read_table, refuse_idle
from npdigits.config.reading import SEARCHPATH, read_overrides
from npdigits.config.space import Space, divide, written_arms
from npdigits.config.typed_race import OPTION, is_of_race

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
        self.bases = Bases(self._compose, OmegaConf.get_cache(config))
        self.bound: Any = MOST_POINTS

    def sweep(self, arguments: list[str]) -> Any:
        """Compose every point and raise ``Grid``, or, where a race is asked for, raise ``Space``."""
        self.parser = grammar.parser(self.loader)
        typed = _last_of_each(self.parser.parse_overrides(arguments))
        of_race = [typed.pop(key) for key in list(typed) if is_of_race(key.lstrip("+~"))]
        chosen = typed.pop(EXPERIMENT, None)
        experiments = [f"{EXPERIMENT}={name}" for name, _ in grammar.values(chosen)] if chosen else [None]
        # What is typed takes the place of what an experiment says of the same key.
        grids = {one: self._params([one] if one else []) | typed for one in experiments}
        for one, given in grids.items():
            if race := self._race([one] if one else [], of_race):
                if chosen and len(experiments) > 1:
                    raise ConfigError(f"{chosen.input_line}: allowed in a race is one experiment")
                raise self._space(race, given, [one] if one else [])
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
        launcher = as_dict(self.master.hydra.launcher, resolve=True)
        raise Grid(points, [key.lstrip("+") for key in swept], [one.lstrip("+") for one in fixed], launcher)

    def _race(self, experiment: list[str], typed: list[ParsedOverride]) -> dict[str, Any] | None:
        """Return the table ``race`` as an experiment has it and as was typed; None where no race is asked for.

        Raises:
            ConfigError: something else was typed of one.
        """
        if swept := next((one for one in typed if one.is_sweep_override()), None):
            raise ConfigError(f"{swept.input_line}: allowed is one value")
        arms = next((one.value() for one in typed if one.key_or_group == ARMS), None)
        rest = [str(one.input_line) for one in typed if one.key_or_group != ARMS]
        composed = self._compose([*experiment, *rest])
        table = read_table(composed.get("race"), arms)
        if table["settings"] is not None:
            return table
        refuse_idle([str(one.input_line) for one in typed])
        return None

    def _space(self, race: dict[str, Any], given: dict[str, ParsedOverride], experiment: list[str]) -> Space:
        """Return what a race was asked for, read and checked as far as it can be without its configurations."""
        options, written = RaceOptions.of(race), written_arms(race["arms"])
        arms = {}
        for name, table in written.items():
            components = {one for key, text in table.items() for one in names_in(key, text)}
            parsed = [one for key, text in table.items() for one in self._of_arm(name, f"{key}={text}", components)]
            arms[name] = {override.get_key_element(): override for override in parsed}
        axes, fixed, fixed_of = divide(given, arms)
        places = [
            f"{source.schema}://{source.path}"
            for source in self.master.hydra.runtime.config_sources
            if source.provider not in ("hydra", "main", "schema")
        ]
        path = [f"{SEARCHPATH}=[{','.join(map(grammar.quoted, places))}]"] if places else []
        launcher = as_dict(self.master.hydra.launcher, resolve=True)
        return Space(options, axes, (*path, *experiment, *fixed), fixed_of, launcher)

    def _of_arm(self, name: str, override: str, components: Collection[str]) -> list[ParsedOverride]:
        try:
            return self._parsed(override, components)
        except ConfigError as error:
            hint = (
                "; in a file a value with commas stands in quotes" if override.count("(") > override.count(")") else ""
            )
            raise ConfigError(f"{OPTION} {name}: {error}{hint}") from None

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
        settings = as_dict(sweeper, resolve=False)
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

        Where points differ in our own keys alone Hydra composes one without these, and each point is that one with its
        values put in (``Bases``).
        """
        ours = [key for key in given if key in RULES and len(values[key]) > 1 and not _order_matters(key, given)]
        others = [key for key in given if key not in ours]
        for point in itertools.product(*values.values()):
            named = dict(zip(values, point, strict=True))
            typed = [*experiment, *(f"{key}={text}" for key, (text, _) in named.items())]
            of_others = [*experiment, *(f"{key}={named[key][0]}" for key in others)]
            yield typed, self.bases.values(of_others, {key: named[key][1] for key in ours})

    def _compose(self, overrides: Sequence[str]) -> DictConfig:
        """Return what Hydra composes of one point's overrides.

        Hydra's own ``load_sweep_config`` does this, but in 1.4 refuses an experiment that has ``hydra.sweeper.params``.
        """
        name = self.master.hydra.job.config_name
        composed = self.loader.load_configuration(name, [*self.of_hydra, *overrides], RunMode.RUN)
        OmegaConf.copy_cache(self.master, composed)
        return composed


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
    for key, value in as_dict(sweeper, resolve=False).items():
        if key not in ("params", "max_points") and value is not None and (key, value) != ("_target_", TARGET):
            raise ConfigError(f"hydra.sweeper.{key}={value}: not allowed: npdigits makes its grids itself")


def _order_matters(key: str, given: dict[str, ParsedOverride]) -> bool:
    """Say whether another override adds or deletes the same key."""
    return any(other.key_or_group == key for name, other in given.items() if name != key)


def register() -> None:
    """Make this the sweeper that conf/train.yaml names."""
    Plugins.instance().register(Sweeper)
    # Hydra looks a plugin up by its name, too; there is no folder of that name to be found, only this module.
    try:
        package = importlib.import_module("hydra_plugins")
    except ModuleNotFoundError:
        package = sys.modules["hydra_plugins"] = types.ModuleType("hydra_plugins")
    sys.modules["hydra_plugins.npdigits"] = package.npdigits = sys.modules[__name__]  # type: ignore[attr-defined]
